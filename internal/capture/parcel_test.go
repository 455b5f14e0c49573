package capture_test

import (
	"fmt"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
)

// Every fault of the sandbox at a parcel that is appended: Klarna has its number once, or
// not at all and the row says so. The order stays confirmed.
func TestEveryFaultWhileAppending(t *testing.T) {
	t.Parallel()
	refused := map[string]bool{"bad_value": true, "capture_not_allowed": true, "not_allowed": true, "cancel_not_allowed": true,
		"refund_not_allowed": true, "payment_method_failed": true, "no_such_order": true, "no_such_capture": true, "too_large": true,
		"unprocessable": true, "invalid_address": true, "redirect": true}
	for _, f := range presets() {
		t.Run(f.Preset, func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			var orders []placed
			for _, times := range repeats() {
				p := w.whole()
				p.record(fmt.Sprintf("W%d", times))
				w.settle()
				w.fault(f.Preset, klarnasandbox.OpAppendShippingInfo, times, p.KlarnaOrderID)
				orders = append(orders, p)
			}
			for i, p := range orders {
				p.record(fmt.Sprintf("X%d", i))
			}
			w.settle()
			w.check(orders...)
			for range 3 {
				w.pass(24 * time.Hour)
				w.check(orders...)
			}
			w.klarna.ClearFaults()
			w.pass(48 * time.Hour)
			w.check(orders...)
			for i, p := range orders {
				a, o := p.appends()[0], p.now()
				want := order.ReportReported
				if refused[f.Preset] {
					want = order.ReportRefused
				}
				if f.Preset == "conflict" && i >= 2 {
					want = order.ReportRefused
				}
				if a.State != want || o.Notes[0].Parcels[1].Report != want || o.Feedback != order.FeedbackConfirmed {
					t.Errorf("order %s: the parcel is %s (%s), want %s, it shows %s", p.Number, a.State, o.Notes[0].Parcels[1].Report, want, o.Feedback)
				}
				rule, entry := capture.Rule(""), "klarna_parcel_ok"
				if want == order.ReportRefused {
					rule, entry = capture.RuleParcelNotReported, "klarna_parcel_failed"
				}
				if p.why() != rule || p.count(entry) != 1 {
					t.Errorf("order %s: why %q, the protocol %v", p.Number, p.why(), p.kinds())
				}
				if got := len(p.atKlarna().Captures[0].ShippingInfo); got != 1 && want != order.ReportReported || got != 2 && want == order.ReportReported {
					t.Errorf("order %s: Klarna knows %d parcels", p.Number, got)
				}
			}
			if t.Failed() {
				t.Log(w.dump())
			}
			// A person sends what was refused again: it begins anew.
			for _, p := range orders {
				if p.appends()[0].State == order.ReportRefused {
					w.must(w.program.captures.Resend(w.ctx, p.ID, "clerk"))
				}
			}
			w.settle()
			w.check(orders...)
			for _, p := range orders {
				if a := p.appends()[0]; a.State != order.ReportReported {
					t.Errorf("sent again, order %s: %s", p.Number, a.State)
				}
			}
		})
	}
}

// An old key is not sent again; Klarna is asked first.
func TestOldKeyOfAParcel(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	p.record("1")
	w.settle()
	w.fault("timeout_applied", klarnasandbox.OpAppendShippingInfo, 1, "")
	p.record("2")
	w.settle()
	w.stop()
	w.clock.Advance(25 * time.Hour)
	w.run()
	w.settle()
	w.check(p)
	if a := p.appends()[0]; a.State != order.ReportReported || len(p.sent(klarnasandbox.OpAppendShippingInfo)) != 1 {
		t.Errorf("%+v, sent %v", a, p.sent(klarnasandbox.OpAppendShippingInfo))
	}
}

// A parcel that comes while the capture is on its way does not stand in its body; it is
// appended once the capture is confirmed.
func TestParcelWhileSending(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("unavailable", klarnasandbox.OpCapture, 1, "")
	first := p.record("1")
	w.settle()
	p.record("2")
	w.advance(5 * time.Second)
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	sent := p.sent(klarnasandbox.OpCapture)
	if len(sent) != 2 || sent[0].Body != sent[1].Body || len(p.sent(klarnasandbox.OpAppendShippingInfo)) != 1 {
		t.Errorf("sent %+v", sent)
	}
	for _, e := range p.protocol() {
		if e.Kind == "klarna_ok" && e.Params["parcels"] != first.Parcel.Carrier+" 1" {
			t.Errorf("the entry claims %v", e.Params["parcels"])
		}
	}
}

// A parcel that comes while Klarna puts the capture off changes the body, and that takes
// a new key after a reading.
func TestParcelWhilePutOff(t *testing.T) {
	t.Parallel()
	w := onSQLite(t)
	p := w.whole()
	w.fault("too_many_requests", klarnasandbox.OpCapture, 1, "")
	p.record("1")
	w.settle()
	if r := p.now().Notes[0].Parcels[0].Report; r != order.ReportPending {
		t.Errorf("put off, the parcel is %s", r)
	}
	p.record("2")
	w.pass(time.Minute)
	p.is(capture.Confirmed, order.FeedbackConfirmed, "")
	sent := p.sent(klarnasandbox.OpCapture)
	if len(sent) != 2 || sent[0].Key == sent[1].Key || len(p.sent(klarnasandbox.OpGetOrder)) != 1 || len(p.atKlarna().Captures[0].ShippingInfo) != 2 {
		t.Errorf("sent %+v", sent)
	}
}

func TestRemoveParcel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		reach  func(w *world) (placed, int64) // the order and the parcel
		key    string                         // of the refusal
		parcel int                            // that are left at our side
		state  capture.State
		shows  order.Feedback
	}{
		{"pending, the only one", func(w *world) (placed, int64) {
			w.fault("too_many_requests", klarnasandbox.OpCapture, 1, "")
			p := w.whole()
			return p, p.record("1").Parcel.ID
		}, "", 0, capture.Withdrawn, order.FeedbackWaiting},
		{"pending, one of two", func(w *world) (placed, int64) {
			w.fault("too_many_requests", klarnasandbox.OpCapture, 1, "")
			p := w.whole()
			p.record("1")
			w.settle()
			return p, p.record("2").Parcel.ID
		}, "", 1, capture.Pending, order.FeedbackQueued},
		{"sending", func(w *world) (placed, int64) {
			w.fault("unavailable", klarnasandbox.OpCapture, 1, "")
			p := w.whole()
			return p, p.record("1").Parcel.ID
		}, "dispatch.error.parcel_told", 1, capture.Sending, order.FeedbackQueued},
		{"confirmed", func(w *world) (placed, int64) {
			p := w.whole()
			return p, p.record("1").Parcel.ID
		}, "dispatch.error.parcel_told", 1, capture.Confirmed, order.FeedbackConfirmed},
		{"refused", func(w *world) (placed, int64) {
			w.fault("bad_value", klarnasandbox.OpCapture, 1, "")
			p := w.whole()
			return p, p.record("1").Parcel.ID
		}, "", 0, capture.Withdrawn, order.FeedbackWaiting},
		{"appended, put off", func(w *world) (placed, int64) {
			p := w.whole()
			p.record("1")
			w.settle()
			w.fault("too_many_requests", klarnasandbox.OpAppendShippingInfo, 1, "")
			return p, p.record("2").Parcel.ID
		}, "", 1, capture.Confirmed, order.FeedbackConfirmed},
		{"appended, refused", func(w *world) (placed, int64) {
			p := w.whole()
			p.record("1")
			w.settle()
			w.fault("not_allowed", klarnasandbox.OpAppendShippingInfo, 1, "")
			return p, p.record("2").Parcel.ID
		}, "", 1, capture.Confirmed, order.FeedbackConfirmed},
		{"appended, no answer", func(w *world) (placed, int64) {
			p := w.whole()
			p.record("1")
			w.settle()
			w.fault("unavailable", klarnasandbox.OpAppendShippingInfo, 1, "")
			return p, p.record("2").Parcel.ID
		}, "dispatch.error.parcel_told", 2, capture.Confirmed, order.FeedbackConfirmed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p, parcel := c.reach(w)
			w.settle()
			sent := len(w.klarna.Requests())
			err := w.dispatch.RemoveParcel(w.ctx, p.ID, parcel, "clerk")
			w.refusedWith(err, c.key)
			if got := len(w.klarna.Requests()); got != sent {
				t.Errorf("%d requests left", got-sent)
			}
			o := p.now()
			if len(o.Notes[0].Parcels) != c.parcel || p.capture().State != c.state || o.Feedback != c.shows {
				t.Errorf("%d parcels, %s, shows %s\n%s", len(o.Notes[0].Parcels), p.capture().State, o.Feedback, w.dump())
			}
			w.check(p)
			if c.state == capture.Withdrawn {
				if why := p.why(); why != capture.RuleNoTracking {
					t.Errorf("why: %s", why)
				}
				p.record("3") // the right one
			}
			w.pass(10 * time.Minute)
			p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		})
	}
}

// refusedWith checks for the message key of a Conflict, "" for none.
func (w *world) refusedWith(err error, key string) {
	w.Helper()
	var got string
	if err != nil {
		got = err.Error()
		if f, ok := asFault(err); ok {
			got = f.Key
			if f.Code != fault.Conflict {
				w.Errorf("%v is no conflict", err)
			}
		}
	}
	if got != key {
		w.Errorf("refused with %q, want %q", got, key)
	}
}
