package capture_test

import (
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// What somebody else did at Klarna before a whole order was sent.
func TestCaptureNotAllowed(t *testing.T) {
	t.Parallel()
	act := func(a ...klarnasandbox.Action) func(w *world, p placed) {
		return func(w *world, p placed) {
			for _, one := range a {
				w.act(p, one)
			}
		}
	}
	for _, c := range []struct {
		name     string
		before   func(w *world, p placed)
		state    capture.State
		rule     capture.Rule // of the row
		captures int
		amount   int64
	}{
		{"captured in the portal", act(klarnasandbox.Action{Kind: klarnasandbox.ActionCapture}), capture.Confirmed, capture.RuleAlreadyCaptured, 1, 6457},
		{"captured in the portal in two parts", act(klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 57}, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture}),
			capture.Confirmed, capture.RuleAlreadyCaptured, 2, 6457},
		{"a part captured, the rest released", act(klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 4000}, klarnasandbox.Action{Kind: klarnasandbox.ActionRelease}),
			capture.Refused, capture.RuleCapturedElsewhere, 1, 6457},
		{"a part captured", act(klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 4000}), capture.Refused, capture.RuleAmountExceeds, 1, 6457},
		{"less authorised", act(klarnasandbox.Action{Kind: klarnasandbox.ActionSetAmount, Amount: 6454}), capture.Refused, capture.RuleAmountExceeds, 0, 6457},
		{"rounded otherwise by a cent a line", act(klarnasandbox.Action{Kind: klarnasandbox.ActionSetAmount, Amount: 6455}), capture.Confirmed, "", 1, 6455},
		{"rounded and captured in the portal", act(klarnasandbox.Action{Kind: klarnasandbox.ActionSetAmount, Amount: 6455}, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture}),
			capture.Confirmed, capture.RuleAlreadyCaptured, 1, 6457},
		{"expired", act(klarnasandbox.Action{Kind: klarnasandbox.ActionExpire}), capture.Refused, capture.RuleOrderExpired, 0, 6457},
		{"cancelled", act(klarnasandbox.Action{Kind: klarnasandbox.ActionCancel}), capture.Refused, capture.RuleCancelledAtKlarna, 0, 6457},
		{"closed", act(klarnasandbox.Action{Kind: klarnasandbox.ActionClose}), capture.Refused, capture.RuleOrderClosed, 0, 6457},
		{"fraud", act(klarnasandbox.Action{Kind: klarnasandbox.ActionFraud, FraudStatus: klarnasandbox.FraudRejected}), capture.Refused, capture.RuleFraudRejected, 0, 6457},
		{"captured under our number, but otherwise", act(klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 4000, Reference: "300001"}),
			capture.Refused, capture.RuleCapturedDifferently, 1, 6457},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := w.whole()
			c.before(w, p)
			p.record("1")
			w.settle()
			got := p.capture()
			if got.State != c.state || got.Rule != c.rule || got.Amount != c.amount || len(p.atKlarna().Captures) != c.captures || p.why() != c.rule {
				t.Errorf("%s %q over %d, why %q, Klarna holds %d captures; want %+v\n%s", got.State, got.Rule, got.Amount, p.why(), len(p.atKlarna().Captures), c, w.dump())
			}
			w.check(p)
			if c.state == capture.Refused {
				if n := p.count("klarna_failed"); n != 1 {
					t.Errorf("the protocol tells %d failures", n)
				}
				return
			}
			// Whoever captured: Klarna learns our parcel, once.
			var told int
			for _, k := range p.atKlarna().Captures {
				told += len(k.ShippingInfo)
			}
			if told != 1 || p.now().Notes[0].Parcels[0].Report != order.ReportReported {
				t.Errorf("Klarna knows %d parcels, ours is %s", told, p.now().Notes[0].Parcels[0].Report)
			}
		})
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.place(threeCups(), "klarna")
		a, b := p.part(money.One), p.part(2*money.One)
		p.recordOn(a.Number, "1")
		w.settle()
		if f := p.now().Feedback; f != order.FeedbackPartlyConfirmed {
			t.Errorf("after one part it shows %s", f)
		}
		if why := p.why(); why != capture.RuleNotShipped {
			t.Errorf("why: %s", why)
		}
		p.recordOn(b.Number, "2")
		w.settle()
		w.check(p)
		at := p.atKlarna()
		if at.CapturedAmount != 3500 || len(at.Captures) != 2 || at.Captures[0].CapturedAmount != 1500 || p.now().Feedback != order.FeedbackConfirmed {
			t.Errorf("captured %+v, it shows %s", at.Captures, p.now().Feedback)
		}
		if len(at.Captures[0].OrderLines) != 2 || len(at.Captures[1].OrderLines) != 1 {
			t.Errorf("lines %+v", at.Captures)
		}
	})
}

// A part waits while another's outcome is open, and goes once that is known.
func TestPartWaitsForOther(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.place(threeCups(), "klarna")
	a, b := p.part(money.One), p.part(2*money.One)
	w.fault("timeout_applied", klarnasandbox.OpCapture, 2, p.KlarnaOrderID)
	p.recordOn(a.Number, "1")
	w.settle()
	p.recordOn(b.Number, "2")
	w.settle()
	if c := p.capture(1); c.State != capture.Pending || c.Rule != capture.RuleWaitingForRetry {
		t.Errorf("the second part is %s %q", c.State, c.Rule)
	}
	w.advance(5 * time.Second)
	w.check(p)
	w.advance(5 * time.Minute)
	w.check(p)
	if f := p.now().Feedback; f != order.FeedbackConfirmed {
		t.Errorf("it shows %s\n%s", f, w.dump())
	}
}

// Our own capture whose answer was lost counts as ours when the next part is judged.
func TestPartAfterAdoption(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.place(threeCups(), "klarna")
	a, b := p.part(money.One), p.part(2*money.One)
	w.fault("timeout_applied", klarnasandbox.OpCapture, 3, p.KlarnaOrderID)
	p.recordOn(a.Number, "1")
	w.pass(6 * time.Hour)
	if c := p.capture(); c.State != capture.Confirmed || !c.Adopted || c.Shared {
		t.Fatalf("%+v\n%s", c, w.dump())
	}
	p.recordOn(b.Number, "2")
	w.settle()
	w.check(p)
	if f := p.now().Feedback; f != order.FeedbackConfirmed {
		t.Errorf("it shows %s\n%s", f, w.dump())
	}
}

// All of the order was captured in the portal: every note shares that capture.
func TestPartsShare(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.place(threeCups(), "klarna")
	a, b := p.part(money.One), p.part(2*money.One)
	w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture})
	p.recordOn(a.Number, "1")
	w.settle()
	p.recordOn(b.Number, "2")
	w.settle()
	w.check(p)
	at := p.atKlarna()
	if len(at.Captures) != 1 || len(at.Captures[0].ShippingInfo) != 2 || p.now().Feedback != order.FeedbackConfirmed || len(p.sent(klarnasandbox.OpCapture)) != 0 {
		t.Errorf("Klarna holds %+v, it shows %s\n%s", at.Captures, p.now().Feedback, w.dump())
	}
}

func TestPartCapturedElsewhere(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.place(threeCups(), "klarna")
	a, b := p.part(money.One), p.part(2*money.One)
	p.recordOn(a.Number, "1")
	w.settle()
	w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture, Amount: 100})
	p.recordOn(b.Number, "2")
	w.settle()
	w.check(p)
	if c := p.capture(1); c.State != capture.Refused || c.Rule != capture.RuleCapturedElsewhere || c.Seen.Captured != 1600 || len(p.sent(klarnasandbox.OpCapture)) != 1 {
		t.Errorf("%s %q, seen %+v", c.State, c.Rule, c.Seen)
	}
}
