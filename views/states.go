package views

import (
	"context"

	"github.com/a-h/templ"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
)

// StatusText is the word for an order's status.
func StatusText(ctx context.Context, s order.Status) string {
	return i18n.T(ctx, "order.status."+string(s))
}

// FeedbackText is the word for what Klarna knows of an order.
func FeedbackText(ctx context.Context, f order.Feedback) string {
	return i18n.T(ctx, "order.feedback."+string(f))
}

var statusKinds = map[order.Status]Kind{
	order.Draft: Quiet, order.Released: Info, order.Shipped: OK, order.Completed: OK, order.Cancelled: Quiet,
}

var feedbackKinds = map[order.Feedback]Kind{
	order.FeedbackNone: Quiet, order.FeedbackWaiting: Quiet, order.FeedbackQueued: Info, order.FeedbackConfirmed: OK,
	order.FeedbackPartlyConfirmed: Info, order.FeedbackFailed: Fail, order.FeedbackByHand: Warn, order.FeedbackDoneByHand: OK,
	order.FeedbackSkipped: Quiet,
}

var captureKinds = map[capture.State]Kind{
	capture.Pending: Info, capture.Sending: Info, capture.Confirmed: OK, capture.Refused: Fail, capture.Unknown: Fail,
	capture.ByHand: Warn, capture.DoneByHand: OK, capture.Skipped: Quiet, capture.Withdrawn: Quiet,
}

var reportKinds = map[order.Report]Kind{
	order.ReportNone: Quiet, order.ReportInCapture: Info, order.ReportPending: Info, order.ReportSending: Info,
	order.ReportReported: OK, order.ReportRefused: Fail, order.ReportUnknown: Fail,
}

// StatusBadge is an order's status.
func StatusBadge(ctx context.Context, s order.Status) templ.Component {
	return Badge(statusKinds[s], StatusText(ctx, s))
}

// FeedbackBadge is what Klarna knows of an order.
func FeedbackBadge(ctx context.Context, f order.Feedback) templ.Component {
	return Badge(feedbackKinds[f], FeedbackText(ctx, f))
}

// CaptureBadge is where a capture stands.
func CaptureBadge(ctx context.Context, s capture.State) templ.Component {
	return Badge(captureKinds[s], i18n.T(ctx, "capture.state."+string(s)))
}

// ReportBadge is what Klarna knows of a parcel.
func ReportBadge(ctx context.Context, r order.Report) templ.Component {
	return Badge(reportKinds[r], i18n.T(ctx, "order.report."+string(r)))
}

var lightKinds = map[order.Light]Kind{order.LightGreen: OK, order.LightYellow: Warn, order.LightRed: Fail, order.LightOff: Quiet}

// OrderLights are the lamps of an order with their words.
func OrderLights(ctx context.Context, o *order.Order, p order.Progress) []Light {
	l := order.LightsOf(o, p)
	light := func(icon, name string, lamp order.Light) Light {
		return Light{Kind: lightKinds[lamp], Icon: icon, Text: i18n.T(ctx, "order.light."+name+"_"+string(lamp))}
	}
	return []Light{
		light("coins", "payment", l.Payment), light("document", "documents", l.Documents), light("truck", "shipped", l.Shipped),
		{Kind: lightKinds[l.Klarna], Icon: "bolt", Text: "Klarna: " + FeedbackText(ctx, o.Feedback)},
	}
}
