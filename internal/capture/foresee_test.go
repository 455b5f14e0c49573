package capture_test

import (
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// foresee is the outlook of a note.
func (p placed) foresee(n *order.DeliveryNote) capture.Outlook {
	p.w.Helper()
	o, err := p.w.orders.Find(p.w.ctx, p.ID)
	p.w.must(err)
	out, err := p.w.program.captures.Foresee(p.w.ctx, o, n)
	p.w.must(err)
	return out
}

// read asks Klarna, as a person does.
func (p placed) read() {
	p.w.Helper()
	_, err := p.w.program.captures.Read(p.w.ctx, p.ID, "clerk")
	p.w.must(err)
}

// What is foreseen by what was read is what happens when the note leaves.
func TestForesee(t *testing.T) {
	t.Parallel()
	const good, atStake = capture.ProspectGood, capture.ProspectAtStake
	rejected := klarnasandbox.Action{Kind: klarnasandbox.ActionFraud, FraudStatus: string(klarna.FraudRejected)}
	for _, c := range []struct {
		name   string
		before func(w *world, p placed) // read at Klarna afterwards
		want   capture.Prospect
		rule   capture.Rule
	}{
		{"nothing in the way", func(*world, placed) {}, good, ""},
		{"captured by somebody else", func(w *world, p placed) { w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture}) }, good, capture.RuleAlreadyCaptured},
		{"a part captured by somebody else", func(w *world, p placed) {
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 1000})
		}, atStake, capture.RuleAmountExceeds},
		{"the rest released", func(w *world, p placed) {
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 1000})
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionRelease})
		}, atStake, capture.RuleCapturedElsewhere},
		{"lowered", func(w *world, p placed) {
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionSetAmount, Amount: 6000})
		}, atStake, capture.RuleAmountExceeds},
		{"rounded", func(w *world, p placed) {
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionSetAmount, Amount: 6455})
		}, good, ""},
		{"cancelled there", func(w *world, p placed) { w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCancel}) }, atStake, capture.RuleCancelledAtKlarna},
		{"expired", func(w *world, p placed) { w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionExpire}) }, atStake, capture.RuleOrderExpired},
		{"rejected", func(w *world, p placed) { w.act(p, rejected) }, atStake, capture.RuleFraudRejected},
		{"being checked", func(w *world, p placed) {
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionFraud, FraudStatus: string(klarna.FraudPending)})
		}, atStake, capture.RuleFraudPending},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := w.whole()
			n, err := w.dispatch.CreateNote(w.ctx, p.ID, nil, "clerk")
			w.must(err)
			c.before(w, p)
			if out := p.foresee(n); out.Prospect != good || out.Rule != "" || out.ReadAt != nil {
				t.Errorf("nobody asked Klarna: %+v", out)
			}
			p.read()
			out := p.foresee(n)
			if out.Prospect != c.want || out.Rule != c.rule || out.ReadAt == nil || !out.ReadAt.Equal(begin) {
				t.Errorf("%+v, want %s %s", out, c.want, c.rule)
			}
			p.recordOn(n.Number, "1")
			if c.rule != capture.RuleFraudPending { // a look an hour
				w.settle()
			}
			if got := p.capture().State; (got == capture.Confirmed) != (c.want == good) {
				t.Errorf("foreseen as %s, it became %s", c.want, got)
			}
		})
	}
}

// What was read belongs to one order at Klarna, and grows old.
func TestForeseeByOldReading(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.place(threeCups(), "klarna")
	first := p.part(money.One)
	p.read()
	p.recordOn(first.Number, "1")
	second := p.part(money.One)
	if out := p.foresee(second); out.Prospect != capture.ProspectGood { // the first is on its way
		t.Errorf("%+v", out)
	}
	w.settle()
	if out := p.foresee(second); out.Prospect != capture.ProspectGood || out.Params["remaining"] != (order.Money{Amount: 2000, Currency: "EUR"}) {
		t.Errorf("%+v", out)
	}
	w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 100})
	w.pass(time.Minute)
	p.read()
	if out := p.foresee(second); out.Rule != capture.RuleCapturedElsewhere {
		t.Errorf("%+v", out)
	}
	w.exec("UPDATE orders SET klarna_order_id = ? WHERE id = ?", "00000000-0000-4000-8000-000000000000", p.ID)
	if out := p.foresee(second); out.ReadAt != nil {
		t.Errorf("the reading of another order counts: %+v", out)
	}

	q := w.whole()
	n, err := w.dispatch.CreateNote(w.ctx, q.ID, nil, "clerk")
	w.must(err)
	q.read()
	w.pass(90 * 24 * time.Hour)
	if out := q.foresee(n); out.Rule != capture.RuleOrderExpired {
		t.Errorf("%+v", out)
	}
}

// What is known without Klarna.
func TestForeseeRules(t *testing.T) {
	t.Parallel()
	method := func(change func(*paymentmethod.Input)) func(w *world, p placed) {
		return func(w *world, p placed) { w.must(w.change(p.PaymentMethodID, change)) }
	}
	amend := func(id string) func(w *world, p placed) {
		return func(w *world, p placed) {
			w.must(w.dispatch.Amend(w.ctx, p.ID, dispatch.Amendment{KlarnaOrderID: &id}, "clerk"))
		}
	}
	for _, c := range []struct {
		name   string
		before func(w *world, p placed)
		want   capture.Prospect
		rule   capture.Rule
	}{
		{"by hand", method(func(in *paymentmethod.Input) { in.Connection = paymentmethod.Manual }), capture.ProspectNone, capture.RuleManualConnection},
		{"plugin", method(func(in *paymentmethod.Input) { in.Connection = paymentmethod.Plugin }), capture.ProspectNone, capture.RulePluginConnection},
		{"inactive", method(func(in *paymentmethod.Input) { in.Active = false }), capture.ProspectLater, capture.RuleMethodInactive},
		{"paused", func(w *world, p placed) {
			w.exec("UPDATE payment_methods SET paused_at = ? WHERE id = ?", begin, p.PaymentMethodID)
		},
			capture.ProspectLater, capture.RuleMethodPaused},
		{"don't tell", func(w *world, p placed) { w.must(w.dispatch.DontTell(w.ctx, p.ID, "Abholung", "clerk")) }, capture.ProspectNone, capture.RuleDontTell},
		{"no id", amend(""), capture.ProspectAtStake, capture.RuleNoKlarnaOrderID},
		{"bad id", func(w *world, p placed) { w.exec("UPDATE orders SET klarna_order_id = 'K4MADNY' WHERE id = ?", p.ID) },
			capture.ProspectAtStake, capture.RuleInvalidKlarnaOrder},
		{"cancelled", func(w *world, p placed) { w.must(w.dispatch.Cancel(w.ctx, p.ID, "clerk")) }, capture.ProspectAtStake, capture.RuleCancelled},
		{"money has to come first", func(w *world, p placed) {
			w.exec("UPDATE orders SET behaves_like = ?, mark_paid = ? WHERE id = ?", paymentmethod.Prepayment, false, p.ID)
		}, capture.ProspectAtStake, capture.RuleNotPaid},
		{"expired long ago", func(w *world, p placed) { w.exec("UPDATE orders SET expires_at = ? WHERE id = ?", begin, p.ID) },
			capture.ProspectAtStake, capture.RuleOrderExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := w.whole()
			n, err := w.dispatch.CreateNote(w.ctx, p.ID, nil, "clerk")
			w.must(err)
			c.before(w, p)
			if out := p.foresee(n); out.Prospect != c.want || out.Rule != c.rule {
				t.Errorf("%+v, want %s %s", out, c.want, c.rule)
			}
			if requests := w.klarna.RequestsAbout(p.KlarnaOrderID); len(requests) != 0 {
				t.Errorf("Klarna was asked: %+v", requests)
			}
		})
	}
}
