package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// TestThePageKnowsWhatCanBeDone holds every action in every state against what happens
// when it is done all the same: what the page offers works, and what it does not offer
// is refused with the reason that it gave.
func TestThePageKnowsWhatCanBeDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	manual := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	manual.Name, manual.Type, manual.Connection = "By hand", "manual", paymentmethod.Manual
	manual.Environment, manual.Username, manual.Password = klarna.Playground, klarnasandbox.DemoUsername, klarnasandbox.DemoPassword
	_, err := h.methods.Create(t.Context(), manual, "test")
	must(t, err)
	other := paymentmethod.Defaults(paymentmethod.ModuleNone)
	other.Name, other.Type = "Invoice", "invoice"
	_, err = h.methods.Create(t.Context(), other, "test")
	must(t, err)
	ahead := paymentmethod.Defaults(paymentmethod.ModuleNone)
	ahead.Name, ahead.Type, ahead.BehavesLike = "Prepayment", "prepayment", paymentmethod.Prepayment
	_, err = h.methods.Create(t.Context(), ahead, "test")
	must(t, err)
	c := h.as(auth.Admin)

	n := 0
	number := func() string { n++; return fmt.Sprintf("TRACK%d", n) }
	leave := func(o *order.Order) *order.Order {
		c.post(orderAddress(o.ID)+"/parcels", parcelForm(number())).is(303)
		h.settle()
		return o
	}
	fails := func(preset string) *order.Order {
		f, ok := klarnasandbox.Preset(preset)
		if !ok {
			t.Fatalf("the sandbox has no fault %s", preset)
		}
		f.Operation, f.Times = klarnasandbox.OpCapture, 1
		_, err := h.sandbox.SetFault(f)
		must(t, err)
		return leave(h.order(6457))
	}
	of := func(typ string) *order.Order { return h.newOrder(func(in *order.Input) { in.PaymentMethod = typ }) }
	then := func(o *order.Order, action string, form url.Values) *order.Order {
		c.post(orderAddress(o.ID)+"/"+action, form).is(303)
		h.settle()
		return o
	}
	states := map[string]func() *order.Order{
		"draft":              func() *order.Order { return h.newOrder(func(in *order.Input) { in.Status = order.Draft }) },
		"released":           func() *order.Order { return h.order(6457) },
		"without an id":      func() *order.Order { return leave(h.newOrder(nil)) },
		"noted":              func() *order.Order { return then(h.order(6457), "delivery-notes", nil) },
		"confirmed":          func() *order.Order { return leave(h.order(6457)) },
		"refused":            func() *order.Order { return fails("unprocessable") },
		"sending":            func() *order.Order { return fails("internal_error") },
		"cancelled":          func() *order.Order { return then(h.order(6457), "cancel", nil) },
		"not to be told":     func() *order.Order { return then(h.order(6457), "dont-tell", url.Values{"reason": {"x"}}) },
		"by hand":            func() *order.Order { return leave(of("manual")) },
		"done by hand":       func() *order.Order { return then(leave(of("manual")), "done-by-hand", nil) },
		"not Klarna's":       func() *order.Order { return of("invoice") },
		"not Klarna's, gone": func() *order.Order { return leave(of("invoice")) },
		"invoiced":           func() *order.Order { return then(of("invoice"), "invoice", nil) },
		"paid":               func() *order.Order { return then(of("invoice"), "payment", nil) },
		"prepaid, gone":      func() *order.Order { return leave(then(of("prepayment"), "payment", nil)) },
	}
	actions := map[string]struct {
		label string // of its button
		form  func() url.Values
	}{
		"release":        {"Release", nil},
		"ship":           {"Mark as shipped", func() url.Values { return url.Values{"without_tracking": {"on"}} }},
		"resend":         {"Send again", nil},
		"read-at-klarna": {"Look up at Klarna", nil},
		"cancel":         {"Cancel the order", nil},
		"dont-tell":      {"Don't tell Klarna", func() url.Values { return url.Values{"reason": {"x"}} }},
		"undo-dont-tell": {"Tell Klarna again", nil},
		"uncancel":       {"Undo the cancellation", nil},
		"invoice":        {"Make invoice", nil},
		"payment":        {"Book payment", nil},
		"undo-payment":   {"Take payment back", nil},
		"parcels":        {"Record the tracking number", func() url.Values { return parcelForm(number()) }},
	}
	for state, prepare := range states {
		for action, do := range actions {
			t.Run(state+"/"+action, func(t *testing.T) {
				o := prepare()
				page := c.get(orderAddress(o.ID)).is(200)
				blocked := page.blocked(do.label)
				offers := page.doc.Find(fmt.Sprintf(`form[action="%s/%s"]`, orderAddress(o.ID), action)).Length() > 0
				if blocked != "" && offers {
					t.Errorf("%q is offered although %q", do.label, blocked)
				}
				var form url.Values
				if do.form != nil {
					form = do.form()
				}
				a := c.post(orderAddress(o.ID)+"/"+action, form)
				harmless := action == "undo-dont-tell" && state != "not to be told" || action == "dont-tell" && state == "not to be told" ||
					action == "invoice" && state == "invoiced"
				switch {
				case harmless: // nothing to change, and nothing to offer
				case offers && a.Code != 303:
					t.Errorf("%q is offered, but %d: %s", do.label, a.Code, a.doc.Find(".error-summary").Text())
				case !offers && a.Code != 409:
					t.Errorf("%q is not offered, but %d", do.label, a.Code)
				case blocked != "" && !strings.Contains(a.doc.Find(".error-summary").Text(), blocked):
					t.Errorf("%q is blocked: %q, the answer is %q", do.label, blocked, a.doc.Find(".error-summary").Text())
				}
			})
		}
	}
}

// blocked is why the button with a label can't be pressed, "" if it can or is not there.
func (a *answer) blocked(label string) string {
	for _, b := range a.doc.Find("button.blocked").EachIter() {
		if strings.TrimSpace(b.Find("span").Not(".reason").Text()) == label {
			return b.Find(".reason").Text()
		}
	}
	return ""
}
