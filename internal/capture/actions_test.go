package capture_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// reached brings an order into a state.
var reached = []struct {
	state  capture.State
	reach  func(w *world) placed
	refuse string // of cancel and of "don't tell", "" when they are allowed
	resend string
}{
	{capture.Pending, func(w *world) placed {
		w.fault("too_many_requests", klarnasandbox.OpCapture, 1, "")
		p := w.whole()
		p.record("1")
		return p
	}, "", ""},
	{capture.Sending, func(w *world) placed {
		w.fault("unavailable", klarnasandbox.OpCapture, 1, "")
		p := w.whole()
		p.record("1")
		return p
	}, "capture.error.withdraw_sending", ""},
	{capture.Unknown, func(w *world) placed {
		w.fault("unavailable", klarnasandbox.OpCapture, 3, "")
		w.fault("unavailable", klarnasandbox.OpGetOrder, 1, "")
		p := w.whole()
		p.record("1")
		w.pass(5*time.Hour + 6*time.Minute)
		return p
	}, "capture.error.withdraw_unknown", ""},
	{capture.Confirmed, func(w *world) placed {
		p := w.whole()
		p.record("1")
		return p
	}, "capture.error.withdraw_confirmed", "capture.error.nothing_to_resend"},
	{capture.Refused, func(w *world) placed {
		w.fault("bad_value", klarnasandbox.OpCapture, 1, "")
		p := w.whole()
		p.record("1")
		return p
	}, "", ""},
	{capture.ByHand, func(w *world) placed {
		w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Connection = paymentmethod.Manual }))
		p := w.whole()
		p.record("1")
		return p
	}, "", "capture.error.nothing_to_resend"},
	{capture.DoneByHand, func(w *world) placed {
		w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Connection = paymentmethod.Manual }))
		p := w.whole()
		p.record("1")
		w.must(w.dispatch.DoneByHand(w.ctx, p.ID, true, "clerk"))
		return p
	}, "capture.error.withdraw_done_by_hand", "capture.error.nothing_to_resend"},
	{capture.Skipped, func(w *world) placed {
		w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Connection = paymentmethod.Plugin }))
		p := w.whole()
		p.record("1")
		return p
	}, "", "capture.error.nothing_to_resend"},
	{capture.Withdrawn, func(w *world) placed {
		w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.HoldSeconds = 60 }))
		p := w.whole()
		p.record("1")
		w.must(w.dispatch.DontTell(w.ctx, p.ID, "paid in cash", "clerk"))
		return p
	}, "", "capture.error.nothing_to_resend"},
}

// Cancelling sends nothing to Klarna, whatever was on its way; undone, it goes on.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, r := range reached {
		t.Run(string(r.state), func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := r.reach(w)
			w.settle()
			before := p.capture()
			if before.State != r.state {
				t.Fatalf("it is %s\n%s", before.State, w.dump())
			}
			sent := len(w.klarna.Requests())
			err := w.dispatch.Cancel(w.ctx, p.ID, "clerk")
			w.refusedWith(err, r.refuse)
			if got := len(w.klarna.Requests()); got != sent {
				t.Errorf("%d requests left", got-sent)
			}
			w.check(p)
			if err != nil {
				if after := p.capture(); after.State != before.State || p.now().Status == order.Cancelled {
					t.Errorf("refused, and yet %s, %s", after.State, p.now().Status)
				}
				return
			}
			if c, o := p.capture(), p.now(); c.State != capture.Withdrawn || o.Feedback != order.FeedbackNone || o.Status != order.Cancelled || p.count("order_cancelled_klarna_not_told") != 1 {
				t.Errorf("%s, shows %s\n%s", c.State, o.Feedback, w.dump())
			}
			w.refusedWith(w.program.captures.Resend(w.ctx, p.ID, "clerk"), "capture.error.resend_cancelled")
			w.pass(48 * time.Hour)
			if got := len(w.klarna.Requests()); got != sent {
				t.Errorf("%d requests left later", got-sent)
			}
			w.must(w.dispatch.Uncancel(w.ctx, p.ID, "clerk"))
			w.settle()
			w.check(p)
			want := map[capture.State]capture.State{capture.ByHand: capture.ByHand, capture.Skipped: capture.Skipped, capture.Withdrawn: capture.Withdrawn}
			if s := want[r.state]; s != "" && p.capture().State != s || s == "" && p.capture().State != capture.Confirmed {
				t.Errorf("undone: %s\n%s", p.capture().State, w.dump())
			}
			if o := p.now(); (o.Status == order.Completed) != (r.state != capture.ByHand) || !o.Gone() {
				t.Errorf("undone: %s", o.Status)
			}
		})
	}
}

func TestDontTell(t *testing.T) {
	t.Parallel()
	for _, r := range reached {
		t.Run(string(r.state), func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := r.reach(w)
			w.settle()
			sent := len(w.klarna.Requests())
			err := w.dispatch.DontTell(w.ctx, p.ID, "paid in cash", "clerk")
			w.refusedWith(err, r.refuse)
			if got := len(w.klarna.Requests()); got != sent {
				t.Errorf("%d requests left", got-sent)
			}
			w.check(p)
			if err != nil {
				return
			}
			if f := p.now().Feedback; f != order.FeedbackNone {
				t.Errorf("it shows %s", f)
			}
			if why := p.why(); why != capture.RuleDontTell {
				t.Errorf("why: %s", why)
			}
			w.must(w.dispatch.UndoDontTell(w.ctx, p.ID, "clerk"))
			w.pass(time.Minute)
			w.check(p)
			if c := p.capture(); c.State == capture.Withdrawn {
				t.Errorf("taken back, it stays withdrawn")
			}
		})
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	for _, r := range reached {
		t.Run(string(r.state), func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := r.reach(w)
			w.settle()
			before := p.capture()
			err := w.program.captures.Resend(w.ctx, p.ID, "Anna")
			w.refusedWith(err, r.resend)
			if err != nil {
				return
			}
			w.pass(10 * time.Second)
			c := p.capture()
			if c.State != capture.Confirmed || c.Actor != "Anna" {
				t.Errorf("sent again: %s by %s\n%s", c.State, c.Actor, w.dump())
			}
			if fresh := c.Generation > before.Generation; fresh != (r.state == capture.Refused) {
				t.Errorf("generation %d after %d", c.Generation, before.Generation)
			}
			w.check(p)
		})
	}
}

// A refusal after a lost answer is verified before it is taken back.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		lost   string // what becomes of the first request
		get    string // a fault of the reading
		refuse string
		state  capture.State
	}{
		{"Klarna has it", "timeout_applied", "", "capture.error.withdraw_confirmed", capture.Confirmed},
		{"Klarna does not have it", "timeout_before", "", "", capture.Withdrawn},
		{"no answer", "timeout_before", "unavailable", "capture.error.outcome_unknown", capture.Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				p := w.whole()
				w.fault(c.lost, klarnasandbox.OpCapture, 1, "")
				w.fault("bad_value", klarnasandbox.OpCapture, 1, "")
				p.record("1")
				w.advance(0)
				w.advance(5 * time.Second)
				if s := p.capture().State; s != capture.Refused {
					t.Fatalf("it is %s\n%s", s, w.dump())
				}
				if c.get != "" {
					w.fault(c.get, klarnasandbox.OpGetOrder, 1, "")
				}
				w.refusedWith(w.dispatch.Cancel(w.ctx, p.ID, "clerk"), c.refuse)
				w.settle()
				if s := p.capture().State; s != c.state {
					t.Errorf("it is %s, want %s\n%s", s, c.state, w.dump())
				}
				w.check(p)
				if c.get != "" { // later it goes
					w.must(w.dispatch.Cancel(w.ctx, p.ID, "clerk"))
				}
			})
		})
	}
}

// While the conversation goes on, nobody verifies beside it.
func TestVerifyBesideAWorker(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("timeout_before", klarnasandbox.OpCapture, 1, "")
	w.fault("bad_value", klarnasandbox.OpCapture, 1, "")
	p.record("1")
	w.advance(0)
	w.advance(5 * time.Second)
	w.exec("INSERT INTO work_locks (name, token, until) VALUES (?, 'another', ?)", "klarna:"+p.KlarnaOrderID, w.clock.Now().Add(time.Minute))
	w.refusedWith(w.dispatch.Cancel(w.ctx, p.ID, "clerk"), "capture.error.outcome_unknown")
	w.exec("DELETE FROM work_locks")
	w.must(w.dispatch.Cancel(w.ctx, p.ID, "clerk"))
	w.check(p)
}

func TestHold(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.HoldSeconds = 60 }))
	p := w.whole()
	p.record("1")
	w.advance(59 * time.Second)
	if n := len(w.klarna.Requests()); n != 0 {
		t.Errorf("%d requests left", n)
	}
	p.is(capture.Pending, order.FeedbackQueued, "")
	w.advance(time.Second)
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
}

// A method that is switched takes along what Klarna was not told yet.
func TestMethodChanged(t *testing.T) {
	t.Parallel()
	for _, r := range reached {
		for _, to := range []paymentmethod.Connection{paymentmethod.Manual, paymentmethod.Plugin} {
			t.Run(string(r.state)+" to "+string(to), func(t *testing.T) {
				t.Parallel()
				w := onSQLite(t)
				p := r.reach(w)
				w.settle()
				before := p.capture().State
				if r.state == capture.DoneByHand || r.state == capture.Withdrawn || before == capture.ByHand && to == paymentmethod.Manual ||
					before == capture.Skipped && to == paymentmethod.Plugin {
					return
				}
				sent := len(w.klarna.Requests())
				w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Connection = to }))
				w.settle()
				w.check(p)
				want := map[paymentmethod.Connection]capture.State{paymentmethod.Manual: capture.ByHand, paymentmethod.Plugin: capture.Skipped}[to]
				switch before {
				case capture.Sending, capture.Unknown: // they go on until Klarna's answer is known
					w.pass(time.Hour)
					want = capture.Confirmed
				case capture.Confirmed:
					want = capture.Confirmed
				default:
					if got := len(w.klarna.Requests()); got != sent {
						t.Errorf("%d requests left", got-sent)
					}
				}
				if s := p.capture().State; s != want {
					t.Errorf("it is %s, want %s\n%s", s, want, w.dump())
				}
				w.check(p)
			})
		}
	}
}

// A method that is paused can be left.
func TestPausedMethodChanged(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	w.fault("unauthorized", "", 0, "")
	p := w.whole()
	p.record("1")
	w.settle()
	p.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodPaused)
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Connection = paymentmethod.Manual }))
	w.settle()
	p.is(capture.ByHand, order.FeedbackByHand, capture.RuleManualConnection)
}

// An inactive method keeps its captures until it is active again.
func TestInactive(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Active = false }))
	p := w.whole()
	p.record("1")
	w.pass(time.Hour)
	p.is(capture.Pending, order.FeedbackQueued, capture.RuleMethodInactive)
	if n := p.count("klarna_not_sent"); n != 1 {
		t.Errorf("the protocol says %d times why", n)
	}
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.Active = true }))
	w.settle()
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
}

func TestKlarnaOrderIDChanges(t *testing.T) {
	t.Parallel()
	for _, r := range reached {
		t.Run(string(r.state), func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := r.reach(w)
			w.settle()
			other := uuid.NewString()
			_, err := w.klarna.CreateOrder("", klarnasandbox.NewOrder{ID: other, Amount: 6457})
			w.must(err)
			err = w.dispatch.Amend(w.ctx, p.ID, dispatch.Amendment{KlarnaOrderID: &other}, "clerk")
			switch r.state {
			case capture.Sending, capture.Unknown, capture.Confirmed:
				w.refusedWith(err, "capture.error.target_"+string(r.state))
				return
			}
			w.must(err)
			p.KlarnaOrderID = other
			w.pass(time.Minute)
			w.check(p)
			if r.state == capture.Pending {
				p.is(capture.Confirmed, order.FeedbackConfirmed, "")
			}
			if c := p.capture(); c.KlarnaOrderID != other {
				t.Errorf("the capture speaks of %s", c.KlarnaOrderID)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		w := onSQLite(t)
		p := w.whole()
		id, none := p.KlarnaOrderID, ""
		w.must(w.dispatch.Amend(w.ctx, p.ID, dispatch.Amendment{KlarnaOrderID: &none}, "clerk"))
		p.record("1")
		w.settle()
		p.is(capture.Refused, order.FeedbackFailed, capture.RuleNoKlarnaOrderID)
		w.must(w.dispatch.Amend(w.ctx, p.ID, dispatch.Amendment{KlarnaOrderID: &id}, "clerk"))
		w.settle()
		p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	})
}

// The order at Klarna is changed while the old one is being read: what was read of it
// counts for nothing.
func TestKlarnaOrderIDChangesWhileReading(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.place(threeCups(), "klarna")
	note := p.part(3 * money.One) // whole, but a reading is forced below
	w.must(w.change(w.method.ID, func(in *paymentmethod.Input) { in.HoldSeconds = 1 }))
	w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture})
	other := uuid.NewString()
	_, err := w.klarna.CreateOrder("", klarnasandbox.NewOrder{ID: other, Amount: 3500})
	w.must(err)
	p.recordOn(note.Number, "1")
	w.exec("UPDATE captures SET read_first = TRUE")
	w.wire.hook(nil, func(r *http.Request) error {
		w.wire.hook(nil, nil)
		return w.dispatch.Amend(w.ctx, p.ID, dispatch.Amendment{KlarnaOrderID: &other}, "clerk")
	})
	w.advance(time.Second)
	p.KlarnaOrderID = other
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	if c := p.capture(); c.Shared || c.KlarnaOrderID != other {
		t.Errorf("%+v", c)
	}
}

// A copy that is restored reads before it sends: what was captured since the copy was
// made is found.
func TestRestored(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	captured, open, sending := w.whole(), w.whole(), w.whole()
	w.stop()
	for _, p := range []placed{captured, open} {
		p.record("N" + p.Number)
	}
	w.run()
	w.fault("unavailable", klarnasandbox.OpCapture, 1, sending.KlarnaOrderID)
	sending.record("S")
	w.settle()
	// The copy knows nothing of the captures that were made since.
	w.stop()
	w.exec(`UPDATE captures SET state = 'pending', generation = 0, idempotency_key = '', capture_id = '', due_at = ? WHERE order_id IN (?, ?)`,
		w.clock.Now(), captured.ID, open.ID)
	w.exec("DELETE FROM capture_generations WHERE capture_row_id IN (SELECT id FROM captures WHERE order_id IN (?, ?))", captured.ID, open.ID)
	w.exec("DELETE FROM protocol_entries WHERE kind = 'klarna_ok'")
	w.exec("UPDATE parcels SET report = 'pending', reported_at = NULL")
	w.inTx(func(tx *gorm.DB) error { return capture.Restored(tx) })
	w.klarna.ClearRequests()
	w.run()
	w.pass(10 * time.Minute)
	w.check(captured, open, sending)
	for _, p := range []placed{captured, open, sending} {
		requests := w.klarna.RequestsAbout(p.KlarnaOrderID)
		p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		if len(requests) == 0 || requests[0].Operation != klarnasandbox.OpGetOrder {
			t.Errorf("order %s was not read first: %v", p.Number, requests)
		}
	}
	if len(captured.sent(klarnasandbox.OpCapture)) != 0 {
		t.Error("captured again")
	}
}

// Two processes on one database: each note is captured once.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	w := onPostgres(t)
	first := w.program
	w.start()
	t.Cleanup(func() { first.end(); <-first.ended })
	var orders []placed
	for i := range 20 {
		p := w.place(threeCups(), "klarna")
		a, b := p.part(money.One), p.part(2*money.One)
		p.recordOn(a.Number, "A")
		p.recordOn(b.Number, "B")
		if i%2 == 0 {
			p.recordOn(a.Number, "C")
		}
		orders = append(orders, p)
	}
	w.pass(time.Hour)
	w.check(orders...)
	for _, p := range orders {
		if f := p.now().Feedback; f != order.FeedbackConfirmed {
			t.Errorf("order %s shows %s\n%s", p.Number, f, w.dump())
		}
		sent := p.sent(klarnasandbox.OpCapture)
		if len(slices.Compact(sent)) != 2 {
			t.Errorf("order %s: %d captures were sent", p.Number, len(sent))
		}
	}
}
