package capture_test

import (
	"fmt"
	"net/http"
	"slices"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// check holds what is always true: one capture a note, never more than the order, and
// rows, feedback and protocol that say what is so.
func (w *world) check(orders ...placed) {
	w.Helper()
	for _, p := range orders {
		for _, problem := range p.problems() {
			w.Errorf("order %s: %s", p.Number, problem)
		}
	}
}

func (p placed) problems() (problems []string) {
	p.w.Helper()
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	o, at, captures := p.now(), p.atKlarna(), p.captures()
	if at.CapturedAmount > at.OrderAmount {
		complain("%d captured of %d", at.CapturedAmount, at.OrderAmount)
	}
	notes := map[int64]order.DeliveryNote{}
	byReference := map[string][]klarnasandbox.Capture{}
	for _, n := range o.Notes {
		notes[n.ID] = n
	}
	for _, c := range at.Captures {
		byReference[c.Reference] = append(byReference[c.Reference], c)
	}
	for _, n := range notes {
		if len(byReference[n.Number]) > 1 {
			complain("note %s was captured %d times", n.Number, len(byReference[n.Number]))
		}
	}
	ok := 0
	for _, c := range captures {
		problems = append(problems, p.captureProblems(c, notes[c.DeliveryNoteID], at)...)
		if c.State == capture.Confirmed {
			ok++
		}
	}
	entries := 0
	for _, e := range p.protocol() {
		if e.Outcome == order.OK && e.Kind != "klarna_parcel_ok" {
			entries++
		}
	}
	if entries != ok {
		complain("%d captures are confirmed, the protocol says %d: %v", ok, entries, p.kinds())
	}
	settled := slices.Contains([]order.Feedback{order.FeedbackConfirmed, order.FeedbackDoneByHand, order.FeedbackSkipped, order.FeedbackNone}, o.Feedback)
	if o.Gone() && settled != (o.Status == order.Completed) {
		complain("it shows %s and is %s", o.Feedback, o.Status)
	}
	if want := p.feedback(o, captures); o.Feedback != want {
		complain("it shows %s, want %s", o.Feedback, want)
	}
	problems = append(problems, p.parcelProblems(o, at)...)
	return append(problems, p.requestProblems()...)
}

func (p placed) captureProblems(c capture.Capture, n order.DeliveryNote, at klarnasandbox.Order) (problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	index := slices.IndexFunc(at.Captures, func(k klarnasandbox.Capture) bool { return k.ID == c.CaptureID })
	switch {
	case c.State == capture.Confirmed && index < 0:
		complain("Klarna does not hold the confirmed capture of %s", n.Number)
	case c.State == capture.Confirmed && !c.Shared && at.Captures[index].Reference != n.Number:
		complain("the confirmed capture of %s is that of %q", n.Number, at.Captures[index].Reference)
	case c.State == capture.Confirmed && !c.Shared && at.Captures[index].CapturedAmount != c.Amount:
		complain("note %s: captured %d, we say %d", n.Number, at.Captures[index].CapturedAmount, c.Amount)
	case c.State == capture.Pending || c.State == capture.Withdrawn || c.State == capture.ByHand || c.State == capture.Skipped:
		for _, k := range at.Captures {
			if k.Reference == n.Number {
				complain("Klarna holds a capture of %s, which is %s", n.Number, c.State)
			}
		}
	}
	var m paymentmethod.Method
	p.w.must(p.w.db.Read(p.w.ctx).Take(&m, c.PaymentMethodID).Error)
	if (c.State == capture.Pending || c.State.Open()) && c.DueAt == nil && m.Active && m.HasCredentials() {
		complain("the %s capture of %s is forgotten", c.State, n.Number)
	}
	if !c.State.Open() && c.State != capture.Pending && c.DueAt != nil {
		complain("the %s capture of %s is due", c.State, n.Number)
	}
	if n.ShippedAt == nil && c.State != capture.Withdrawn {
		complain("the note %s has not left, its capture is %s", n.Number, c.State)
	}
	return problems
}

func (p placed) parcelProblems(o order.Order, at klarnasandbox.Order) (problems []string) {
	known := map[string]int{}
	for _, c := range at.Captures {
		for _, s := range c.ShippingInfo {
			known[c.ID+order.TrackingKey(s.TrackingNumber)]++
		}
	}
	captureOf := map[int64]capture.Capture{}
	for _, c := range p.captures() {
		captureOf[c.DeliveryNoteID] = c
	}
	for _, n := range o.Notes {
		for _, parcel := range n.Parcels {
			told := known[captureOf[n.ID].CaptureID+parcel.TrackingKey]
			switch {
			case told > 1:
				problems = append(problems, fmt.Sprintf("parcel %s was told %d times", parcel.TrackingNumber, told))
			case parcel.Report == order.ReportReported && told == 0:
				problems = append(problems, fmt.Sprintf("parcel %s was not told", parcel.TrackingNumber))
			case parcel.Report == order.ReportReported && parcel.ReportedAt == nil:
				problems = append(problems, fmt.Sprintf("parcel %s was told, nobody knows when", parcel.TrackingNumber))
			}
		}
	}
	return problems
}

// requestProblems finds keys that were sent with different bodies or to different places.
func (p placed) requestProblems() (problems []string) {
	type what struct{ path, body string }
	byKey := map[string]what{}
	for _, r := range p.w.klarna.RequestsAbout(p.KlarnaOrderID) {
		if r.Method != http.MethodPost {
			continue
		}
		now := what{r.Path, r.Body}
		if first, ok := byKey[r.Key]; ok && first != now {
			problems = append(problems, fmt.Sprintf("key %s was sent with %v and %v", r.Key, first, now))
		}
		byKey[r.Key] = now
	}
	return problems
}

func (p placed) feedback(o order.Order, captures []capture.Capture) order.Feedback {
	var ordered, gone money.Quantity
	for _, l := range o.Lines {
		if l.Type.IsGoods() {
			ordered += l.Quantity
		}
	}
	goods := map[int64]bool{}
	for _, l := range o.Lines {
		goods[l.ID] = l.Type.IsGoods()
	}
	for _, n := range o.Notes {
		for _, l := range n.Lines {
			if n.ShippedAt != nil && goods[l.OrderLineID] {
				gone += l.Quantity
			}
		}
	}
	return capture.Feedback(o.IsKlarna(), o.Status == order.Cancelled, gone < ordered, captures)
}
