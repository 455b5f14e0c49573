package capture_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

func TestCapture(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.whole()
		p.record("00340434161094042557")
		w.settle()
		p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		if sent := p.sent(klarnasandbox.OpCapture); len(sent) != 1 || len(p.sent(klarnasandbox.OpGetOrder)) != 0 {
			t.Errorf("sent %v", sent)
		}
		parcel := p.now().Notes[0].Parcels[0]
		if parcel.Report != order.ReportReported || !parcel.ReportedAt.Equal(begin) {
			t.Errorf("parcel %+v", parcel)
		}
	})
}

// outcome is where a fault leads: in the end, and at once.
type outcome struct {
	first capture.State // after the first answer
	state capture.State // after three days
	rule  capture.Rule
}

// refusals are what the presets of definite answers lead to when they strike a capture
// that would be fine, once.
var refusals = map[string]outcome{
	"bad_value":                 {capture.Refused, capture.Refused, capture.RuleRefused},
	"capture_not_allowed":       {capture.Refused, capture.Refused, capture.RuleRefused},
	"not_allowed":               {capture.Refused, capture.Refused, capture.RuleRefused},
	"cancel_not_allowed":        {capture.Refused, capture.Refused, capture.RuleRefused},
	"refund_not_allowed":        {capture.Refused, capture.Refused, capture.RuleRefused},
	"no_such_order":             {capture.Refused, capture.Refused, capture.RuleNoSuchOrder},
	"no_such_capture":           {capture.Refused, capture.Refused, capture.RuleNoSuchOrder},
	"too_large":                 {capture.Refused, capture.Refused, capture.RuleRefused},
	"unprocessable":             {capture.Refused, capture.Refused, capture.RuleRefused},
	"invalid_address":           {capture.Refused, capture.Refused, capture.RuleRefused},
	"redirect":                  {capture.Refused, capture.Refused, capture.RuleRefused},
	"payment_method_failed":     {first: capture.Pending, state: capture.Confirmed},
	"forbidden_page":            {first: capture.Pending, state: capture.Confirmed},
	"unauthorized":              {first: capture.Pending, state: capture.Confirmed},
	"too_many_requests":         {first: capture.Pending, state: capture.Confirmed},
	"no_capture_id":             {first: capture.Confirmed, state: capture.Confirmed},
	"no_capture_id_no_location": {first: capture.Confirmed, state: capture.Confirmed},
	"empty":                     {first: capture.Confirmed, state: capture.Confirmed},
	"huge":                      {first: capture.Confirmed, state: capture.Confirmed},
	"truncated":                 {first: capture.Confirmed, state: capture.Confirmed},
	"partial":                   {first: capture.Confirmed, state: capture.Confirmed},
	"slow":                      {first: capture.Confirmed, state: capture.Confirmed},
}

// presets are the faults that the tables go through: all, or a few of different kinds
// while the race detector watches.
func presets() []klarnasandbox.Fault {
	all := klarnasandbox.Presets()
	if !raced {
		return all
	}
	few := []string{"unavailable", "timeout_applied", "cut_before", "conflict", "unauthorized", "too_many_requests", "no_capture_id_no_location", "bad_value"}
	return slices.DeleteFunc(all, func(f klarnasandbox.Fault) bool { return !slices.Contains(few, f.Preset) })
}

// repeats is how often in a row a fault strikes.
func repeats() []int {
	if raced {
		return []int{1, 3}
	}
	return []int{1, 3, 30}
}

// Every fault of the sandbox, once, thrice and for good, at a whole order and at a part:
// Klarna holds one capture of the note, or none and the row says so.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	for _, f := range presets() {
		t.Run(f.Preset, func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			want, ok := refusals[f.Preset]
			if !ok { // nobody can say what became of it
				want = outcome{first: capture.Sending, state: capture.Confirmed}
			}
			for _, times := range repeats() {
				p := w.whole()
				w.fault(f.Preset, klarnasandbox.OpCapture, times, p.KlarnaOrderID)
				p.record(fmt.Sprintf("W%d", times))
				w.settle()
				if c := p.capture(); c.State != want.first {
					t.Errorf("%d×, at first: %s, want %s\n%s", times, c.State, want.first, w.dump())
				}
				w.check(p)
				q := w.place(threeCups(), "klarna")
				n := q.part(money.One)
				w.fault(f.Preset, klarnasandbox.OpCapture, times, q.KlarnaOrderID)
				q.recordOn(n.Number, fmt.Sprintf("P%d", times))
				w.settle()
				if requests := w.klarna.RequestsAbout(q.KlarnaOrderID); len(requests) > 0 && requests[0].Operation != klarnasandbox.OpGetOrder {
					t.Errorf("a part was sent without a reading: %v", requests)
				}
				w.check(q)
			}
			if t.Failed() {
				return
			}
			orders := w.all()
			for range 3 {
				w.pass(24 * time.Hour)
				w.check(orders...)
			}
			w.klarna.ClearFaults()
			for range 3 {
				w.pass(30 * time.Hour)
				w.check(orders...)
			}
			for i, p := range orders {
				c := p.capture()
				final := c.State == capture.Confirmed || c.State == capture.Refused
				switch {
				case !final:
					t.Errorf("order %s rests %s %q", p.Number, c.State, c.Rule)
				case i < 2 && f.Preset != "conflict" && (c.State != want.state || want.rule != "" && c.Rule != want.rule):
					t.Errorf("order %s is %s %q, want %s %q", p.Number, c.State, c.Rule, want.state, want.rule)
				}
				if got := len(p.atKlarna().Captures); got > 1 || got == 1 != (c.State == capture.Confirmed) {
					t.Errorf("order %s is %s, Klarna holds %d captures", p.Number, c.State, got)
				}
			}
			if t.Failed() {
				t.Log(w.dump())
			}
		})
	}
}

// all returns the orders of a world, in their order.
func (w *world) all() (orders []placed) {
	w.Helper()
	var list []order.Order
	w.must(w.db.Read(w.ctx).Order("id").Find(&list).Error)
	for i := range list {
		orders = append(orders, placed{&list[i], w})
	}
	return orders
}

// The waits after an unknown outcome are Klarna's; every send of a generation has the
// same key and the same bytes.
func TestWaitsAfterUnknown(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("unavailable", klarnasandbox.OpCapture, 0, p.KlarnaOrderID)
	p.record("1")
	w.pass(12 * time.Hour)
	var at []time.Duration
	sent := p.sent(klarnasandbox.OpCapture)
	for _, r := range sent {
		at = append(at, r.At.Sub(begin).Round(time.Second))
		if r.Key != sent[0].Key || r.Body != sent[0].Body {
			t.Errorf("sent %s %s, first %s %s", r.Key, r.Body, sent[0].Key, sent[0].Body)
		}
	}
	third := 5*time.Second + 5*time.Minute
	want := []time.Duration{0, 5 * time.Second, third}
	for h := time.Duration(5); h <= 11; h++ {
		want = append(want, third+h*time.Hour)
	}
	if !slices.Equal(at, want) {
		t.Errorf("sent after %v, want %v", at, want)
	}
	if reads := p.sent(klarnasandbox.OpGetOrder); len(reads) != 7 {
		t.Errorf("%d readings, want one before each of the last 7 sends", len(reads))
	}
	p.is(capture.Sending, order.FeedbackQueued, capture.RuleWaitingForRetry)
}

// A key is not sent when it is 23 hours old; the order is read, and a new key is taken
// by itself.
func TestKeyLifetime(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		t.Run(fmt.Sprintf("applied=%t", applied), func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := w.whole()
			preset := "timeout_before"
			if applied {
				preset = "timeout_applied"
			}
			w.fault(preset, klarnasandbox.OpCapture, 0, p.KlarnaOrderID)
			w.fault("unavailable", klarnasandbox.OpGetOrder, 0, p.KlarnaOrderID)
			p.record("1")
			w.pass(6 * time.Hour)
			p.is(capture.Unknown, order.FeedbackFailed, capture.RuleUnknownOutcome)
			w.pass(16 * time.Hour)
			w.klarna.ClearFaults()
			w.clock.Advance(2 * time.Hour) // the program was down
			w.pass(2 * time.Hour)
			p.is(capture.Confirmed, order.FeedbackConfirmed, "")
			keys := map[string]time.Time{}
			for _, r := range p.sent(klarnasandbox.OpCapture) {
				if first, ok := keys[r.Key]; !ok {
					keys[r.Key] = r.At
				} else if r.At.Sub(first) >= 23*time.Hour {
					t.Errorf("key %s was sent after %v", r.Key, r.At.Sub(first))
				}
			}
			if want := 2; len(keys) != want && !applied || len(keys) != 1 && applied {
				t.Errorf("%d keys", len(keys))
			}
			if c := p.capture(); c.Adopted != applied {
				t.Errorf("adopted: %t", c.Adopted)
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	third := 5*time.Second + 5*time.Minute
	for _, c := range []struct {
		times int
		sends []time.Duration
		reads int
		state capture.State
	}{
		{1, []time.Duration{0, 5 * time.Second}, 0, capture.Confirmed},
		{2, []time.Duration{0, 5 * time.Second, third}, 1, capture.Confirmed},
		{3, []time.Duration{0, 5 * time.Second, third, third + 5*time.Hour}, 1, capture.Confirmed},
		{0, []time.Duration{0, 5 * time.Second, third, third + 5*time.Hour}, 2, capture.Refused},
	} {
		t.Run(fmt.Sprint(c.times), func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := w.whole()
			w.fault("conflict", klarnasandbox.OpCapture, c.times, p.KlarnaOrderID)
			p.record("1")
			w.pass(48 * time.Hour)
			var at []time.Duration
			keys := map[string]bool{}
			for _, r := range p.sent(klarnasandbox.OpCapture) {
				at = append(at, r.At.Sub(begin).Round(time.Second))
				keys[r.Key] = true
			}
			if !slices.Equal(at, c.sends) || len(keys) != 1 || len(p.sent(klarnasandbox.OpGetOrder)) != c.reads || p.capture().State != c.state {
				t.Errorf("sent %v (want %v), %d keys, %d readings (want %d), %s (want %s)", at, c.sends, len(keys),
					len(p.sent(klarnasandbox.OpGetOrder)), c.reads, p.capture().State, c.state)
			}
			w.check(p)
		})
	}
}

// A conflict after the capture was made is settled by reading.
func TestConflictAfterCapture(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("timeout_applied", klarnasandbox.OpCapture, 1, p.KlarnaOrderID)
	w.fault("conflict", klarnasandbox.OpCapture, 2, p.KlarnaOrderID)
	p.record("1")
	w.pass(10 * time.Minute)
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	if !p.capture().Adopted || p.count("klarna_adopted") != 1 {
		t.Errorf("not adopted: %v", p.kinds())
	}
}

func TestPaymentMethodFailed(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("payment_method_failed", klarnasandbox.OpCapture, 0, p.KlarnaOrderID)
	p.record("1")
	w.settle()
	p.is(capture.Pending, order.FeedbackQueued, capture.RuleWaitingForRetry)
	w.pass(72 * time.Hour)
	p.is(capture.Refused, order.FeedbackFailed, capture.RuleRefused)
	keys := map[string]bool{}
	var at []time.Duration
	for _, r := range p.sent(klarnasandbox.OpCapture) {
		keys[r.Key] = true
		at = append(at, r.At.Sub(begin))
	}
	if want := []time.Duration{0, time.Hour, 7 * time.Hour, 31 * time.Hour}; !slices.Equal(at, want) || len(keys) != 4 {
		t.Errorf("sent after %v with %d keys, want %v with 4", at, len(keys), want)
	}
}

func TestFraudPending(t *testing.T) {
	t.Parallel()
	for _, decided := range []string{klarnasandbox.FraudAccepted, klarnasandbox.FraudRejected, ""} {
		t.Run("then "+decided, func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := w.whole()
			w.fraud(p, klarnasandbox.FraudPending)
			p.record("1")
			w.settle()
			p.is(capture.Pending, order.FeedbackQueued, capture.RuleFraudPending)
			w.fault("unavailable", klarnasandbox.OpGetOrder, 2, p.KlarnaOrderID) // forgets nothing
			w.pass(20 * time.Hour)
			p.is(capture.Pending, order.FeedbackQueued, capture.RuleFraudPending)
			if p.count("klarna_waiting") > 3 {
				t.Errorf("the protocol repeats itself: %v", p.kinds())
			}
			if decided != "" {
				w.fraud(p, decided)
			}
			w.pass(29 * time.Hour)
			switch decided {
			case klarnasandbox.FraudAccepted:
				p.is(capture.Confirmed, order.FeedbackConfirmed, "")
			case klarnasandbox.FraudRejected:
				p.is(capture.Refused, order.FeedbackFailed, capture.RuleFraudRejected)
			default:
				p.is(capture.Refused, order.FeedbackFailed, capture.RuleFraudPending)
			}
			if sends := len(p.sent(klarnasandbox.OpCapture)); sends > 2 {
				t.Errorf("sent %d times", sends)
			}
		})
	}
}

func (w *world) fraud(p placed, status string) {
	w.Helper()
	w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionFraud, FraudStatus: status})
}

// act lets something happen at Klarna.
func (w *world) act(p placed, a klarnasandbox.Action) {
	w.Helper()
	_, err := w.klarna.Act(p.KlarnaOrderID, a)
	w.must(err)
}
