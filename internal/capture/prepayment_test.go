package capture_test

import (
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Klarna prepayment: the shop captures, a reading books the payment, and what leaves
// adopts the shop's capture and tells its parcels.
func TestPrepayment(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		in := methodInput("vorkasse", klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
		in.BehavesLike, in.MarkPaid = paymentmethod.Prepayment, false
		_, err := w.methods.Create(w.ctx, in, "admin")
		w.must(err)
		p := w.place(twoLines(), "vorkasse")
		read := func() order.Order {
			w.Helper()
			_, err := w.program.captures.Read(w.ctx, p.ID, "clerk")
			w.must(err)
			return p.now()
		}
		if o := read(); o.PaidAt != nil || o.Paid() {
			w.Fatalf("paid before anybody captured: %v", o.PaidAt)
		}
		w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 1000})
		if o := read(); o.PaidAt != nil {
			w.Errorf("a part was taken for the whole")
		}
		w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture})
		if o := read(); o.PaidAt == nil || !o.Paid() || p.count("payment_booked_at_klarna") != 1 {
			w.Fatalf("not paid: %v", p.kinds())
		}
		w.pass(time.Hour)
		first := *p.now().PaidAt
		if o := read(); !o.PaidAt.Equal(first) || p.count("payment_booked_at_klarna") != 1 {
			w.Errorf("booked twice: %v", p.kinds())
		}
		p.record("00340434161094042557")
		w.settle()
		p.is(capture.Confirmed, order.FeedbackConfirmed, capture.RuleAlreadyCaptured)
		if got := len(p.atKlarna().Captures); got != 2 {
			w.Errorf("Klarna holds %d captures, want the shop's two", got)
		}
		w.check(p)
	})
}

// Money that Klarna gave back, or that another order brought, is no payment.
func TestReadingBooksOnlyWhatIsThere(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	in := methodInput("vorkasse", klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	in.BehavesLike, in.MarkPaid = paymentmethod.Prepayment, false
	_, err := w.methods.Create(w.ctx, in, "admin")
	w.must(err)
	for name, change := range map[string]func(p placed){
		"refunded":       func(p placed) { w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionRefund}) },
		"other currency": func(p placed) { w.exec("UPDATE orders SET currency = 'SEK' WHERE id = ?", p.ID) },
	} {
		p := w.place(twoLines(), "vorkasse")
		w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture})
		change(p)
		_, err := w.program.captures.Read(w.ctx, p.ID, "clerk")
		w.must(err)
		if o := p.now(); o.PaidAt != nil {
			t.Errorf("%s: booked", name)
		}
	}
}

// What is not prepaid, or cancelled, is not booked by a reading.
func TestReadingBooksPrepaymentOnly(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture})
	_, err := w.program.captures.Read(w.ctx, p.ID, "clerk")
	w.must(err)
	if o := p.now(); o.PaidAt != nil {
		t.Errorf("booked: %v", o.PaidAt)
	}
}
