package capture_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

func asFault(err error) (*fault.Error, bool) { return errors.AsType[*fault.Error](err) }

func (w *world) paused(id int64) bool {
	w.Helper()
	m, err := w.methods.Find(w.ctx, id)
	w.must(err)
	return m.PausedAt != nil
}

// Wrong credentials pause their method only; mended, everything goes at once.
func TestPause(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		second := w.addMethod("second", "K222222_second", "second-password")
		w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Password = "a-wrong-password" }))
		a, b, other := w.whole(), w.whole(), w.place(twoLines(), "second")
		a.record("1")
		w.settle()
		b.record("2")
		other.record("3")
		w.settle()
		a.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodPaused)
		b.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodPaused)
		other.is(capture.Confirmed, order.FeedbackConfirmed, "")
		if !w.paused(w.method.ID) || w.paused(second.ID) || len(b.sent(klarnasandbox.OpCapture)) != 0 {
			t.Errorf("paused %t and %t, sent %v", w.paused(w.method.ID), w.paused(second.ID), b.sent(klarnasandbox.OpCapture))
		}
		w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Password = klarnasandbox.DemoPassword }))
		w.settle()
		a.is(capture.Confirmed, order.FeedbackConfirmed, "")
		b.is(capture.Confirmed, order.FeedbackConfirmed, "")
	})
}

// A wrong username is mended, too: what was stored for it goes out under a new key.
func TestPauseForUsername(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Username = "K000000_mistyped" }))
	p := w.whole()
	p.record("1")
	w.settle()
	p.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodPaused)
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) {
		in.Username, in.Password = klarnasandbox.DemoUsername, klarnasandbox.DemoPassword
	}))
	w.settle()
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
}

// While an outcome is open its account can't be changed, its password can; an order
// number at Klarna neither.
func TestTargetIsFixed(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("timeout_before", klarnasandbox.OpCapture, 1, "")
	w.fault("unauthorized", klarnasandbox.OpCapture, 1, "")
	p.record("1")
	w.advance(time.Second)
	for name, change := range map[string]func(*paymentmethod.Input){
		"username":    func(in *paymentmethod.Input) { in.Username = "K000000_other" },
		"environment": func(in *paymentmethod.Input) { in.Environment = "live" },
		"region":      func(in *paymentmethod.Input) { in.Region = "na" },
	} {
		f, ok := asFault(w.change(w.method.ID, change))
		if !ok || len(f.Fields) != 1 || f.Fields[0].Name != name || f.Fields[0].Key != "payment_method.error.captures_open" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	w.advance(5 * time.Second)
	p.is(capture.Sending, order.FeedbackQueued, capture.RuleMethodPaused) // an attempt is open
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Password = klarnasandbox.DemoPassword }))
	w.settle()
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	if sent := p.sent(klarnasandbox.OpCapture); len(sent) != 3 || sent[0].Key != sent[2].Key {
		t.Errorf("sent %+v", sent)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	w.fault("unauthorized", "", 1, "")
	p := w.whole()
	p.record("1")
	w.settle()
	p.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodPaused)
	w.must(w.methods.Resume(w.ctx, w.method.ID, "admin"))
	w.settle()
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	w.refusedWith(w.methods.Resume(w.ctx, w.method.ID, "admin"), "payment_method.error.not_paused")
}

// A harmless read every 15 minutes resumes by itself.
func TestProbe(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	w.fault("unauthorized", "", 3, "") // the capture and two readings
	p := w.whole()
	p.record("1")
	w.settle()
	w.pass(44 * time.Minute)
	p.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodPaused)
	w.pass(time.Minute)
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
}

// A late refusal of old credentials does not pause mended ones.
func TestLateUnauthorized(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("unauthorized", klarnasandbox.OpCapture, 1, "")
	w.wire.hook(nil, func(*http.Request) error { // while the answer is on its way
		w.wire.hook(nil, nil)
		return w.change(w.method.ID, func(in *paymentmethod.Input) { in.Password = klarnasandbox.DemoPassword })
	})
	p.record("1")
	w.settle()
	if w.paused(w.method.ID) {
		t.Error("it paused")
	}
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	if n := p.count("klarna_paused"); n != 0 {
		t.Error("the protocol says that it paused")
	}
}

func TestBareForbidden(t *testing.T) {
	t.Parallel()
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		w := onSQLite(t)
		p := w.whole()
		w.fault("forbidden_page", klarnasandbox.OpCapture, 0, "")
		p.record("1")
		w.pass(23 * time.Hour)
		p.is(capture.Pending, order.FeedbackQueued, capture.RuleWaitingForRetry)
		if n := len(p.sent(klarnasandbox.OpCapture)); n != 24 {
			t.Errorf("sent %d times: after 5 minutes, then hourly", n)
		}
		if n := p.count("klarna_waiting"); n != 1 {
			t.Errorf("the protocol tells %d waits", n)
		}
		w.pass(2 * time.Hour)
		p.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodPaused)
	})
	t.Run("three orders", func(t *testing.T) {
		t.Parallel()
		w := onSQLite(t)
		w.fault("forbidden_page", klarnasandbox.OpCapture, 3, "")
		var orders []placed
		for _, number := range []string{"1", "2", "3"} {
			if w.paused(w.method.ID) {
				t.Error("paused too early")
			}
			p := w.whole()
			p.record(number)
			w.settle()
			orders = append(orders, p)
		}
		if !w.paused(w.method.ID) {
			t.Error("not paused")
		}
		w.must(w.methods.Resume(w.ctx, w.method.ID, "admin"))
		w.settle() // at once
		for _, p := range orders {
			p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		}
	})
	t.Run("three orders, slowly", func(t *testing.T) {
		t.Parallel()
		w := onSQLite(t)
		for _, number := range []string{"1", "2", "3"} {
			p := w.whole()
			w.fault("forbidden_page", klarnasandbox.OpCapture, 1, p.KlarnaOrderID)
			p.record(number)
			w.pass(11 * time.Minute)
			p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		}
	})
}

// Too fast: the method waits as Klarna says, others go on, and nothing is counted.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	w.addMethod("second", "K222222_second", "second-password")
	f, _ := klarnasandbox.Preset("too_many_requests")
	p, q, other := w.whole(), w.whole(), w.place(twoLines(), "second")
	f.Operation, f.Times, f.Reset, f.OrderID = klarnasandbox.OpCapture, 1, 60, p.KlarnaOrderID
	_, err := w.klarna.SetFault(f)
	w.must(err)
	p.record("1")
	w.settle()
	q.record("2")
	other.record("3")
	w.advance(59 * time.Second)
	p.is(capture.Pending, order.FeedbackQueued, capture.RuleWaitingForRetry)
	if n := len(q.sent(klarnasandbox.OpCapture)); n != 0 || w.paused(w.method.ID) {
		t.Errorf("%d sent, paused %t", n, w.paused(w.method.ID))
	}
	other.is(capture.Confirmed, order.FeedbackConfirmed, "")
	w.advance(14 * time.Second) // with jitter
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	q.is(capture.Confirmed, order.FeedbackConfirmed, "")
	if c := p.capture(); c.Attempts != 0 || c.Generation != 1 {
		t.Errorf("counted: %+v", c)
	}
}
