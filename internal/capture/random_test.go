package capture_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// Whatever people, Klarna and the machine do, in whatever order: each note is captured
// once at most, and rows, feedback and protocol say what is so. In the end everything is
// told, or a person knows why not.
func TestRandomLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		home := filepath.Join(dir, fmt.Sprint(n))
		if err := os.Mkdir(home, 0o700); err != nil {
			rt.Fatal(err)
		}
		copyOfMigrated(rt, home)
		w := newWorld(rt, t.Context(), home, func() *store.DB {
			return storetest.Open(t, "sqlite:"+filepath.Join(home, "test.db"), store.Options{SingleConnection: true})
		})
		defer func() {
			w.stop()
			_ = w.db.Close()
			_ = os.RemoveAll(home)
		}()
		live(rt, w)
	})
}

func live(rt *rapid.T, w *world) {
	orders := []placed{w.whole(), w.place(threeCups(), "klarna"), w.place(threeCups(), "klarna")}
	pick := func() placed { return rapid.SampledFrom(orders).Draw(rt, "order") }
	presets := klarnasandbox.Presets()
	operations := []klarnasandbox.Operation{klarnasandbox.OpCapture, klarnasandbox.OpGetOrder, klarnasandbox.OpGetCapture, klarnasandbox.OpAppendShippingInfo, ""}
	waits := []time.Duration{time.Second, 5 * time.Second, time.Minute, 5 * time.Minute, time.Hour, 5 * time.Hour, 23 * time.Hour}
	foreign := false // somebody else captured or ended an order at Klarna
	parcels := 0
	rt.Repeat(map[string]func(*rapid.T){
		"record": func(rt *rapid.T) {
			parcels++
			p := pick()
			_, err := w.dispatch.RecordParcel(w.ctx, p.ID, p.parcel(fmt.Sprint("T", parcels)), "clerk")
			forPeople(rt, err)
		},
		"record on a note": func(rt *rapid.T) {
			p := pick()
			notes := p.now().Notes
			if len(notes) == 0 {
				return
			}
			parcels++
			in := p.parcel(fmt.Sprint("T", parcels))
			in.DeliveryNote = rapid.SampledFrom(notes).Draw(rt, "note").Number
			_, err := w.dispatch.RecordParcel(w.ctx, p.ID, in, "clerk")
			forPeople(rt, err)
		},
		"part": func(rt *rapid.T) {
			_, err := w.dispatch.CreateNote(w.ctx, pick().ID, partOf(rapid.IntRange(1, 2).Draw(rt, "cups")), "clerk")
			forPeople(rt, err)
		},
		"remove": func(rt *rapid.T) {
			p := pick()
			for _, n := range p.now().Notes {
				for _, parcel := range n.Parcels {
					forPeople(rt, w.dispatch.RemoveParcel(w.ctx, p.ID, parcel.ID, "clerk"))
					return
				}
			}
		},
		"cancel":      func(rt *rapid.T) { forPeople(rt, w.dispatch.Cancel(w.ctx, pick().ID, "clerk")) },
		"uncancel":    func(rt *rapid.T) { forPeople(rt, w.dispatch.Uncancel(w.ctx, pick().ID, "clerk")) },
		"don't tell":  func(rt *rapid.T) { forPeople(rt, w.dispatch.DontTell(w.ctx, pick().ID, "cash", "clerk")) },
		"tell":        func(rt *rapid.T) { forPeople(rt, w.dispatch.UndoDontTell(w.ctx, pick().ID, "clerk")) },
		"send again":  func(rt *rapid.T) { forPeople(rt, w.program.captures.Resend(w.ctx, pick().ID, "clerk")) },
		"read":        func(rt *rapid.T) { _, err := w.program.captures.Read(w.ctx, pick().ID, "clerk"); forPeople(rt, err) },
		"resume":      func(rt *rapid.T) { forPeople(rt, w.methods.Resume(w.ctx, w.method.ID, "admin")) },
		"restart":     func(*rapid.T) { w.restart() },
		"no faults":   func(*rapid.T) { w.klarna.ClearFaults() },
		"time passes": func(rt *rapid.T) { w.pass(rapid.SampledFrom(waits).Draw(rt, "wait")) },
		"all stands still": func(rt *rapid.T) {
			w.stop()
			w.clock.Advance(rapid.SampledFrom(waits).Draw(rt, "wait"))
			w.run()
		},
		"fault": func(rt *rapid.T) {
			f := rapid.SampledFrom(presets).Draw(rt, "fault")
			w.fault(f.Preset, rapid.SampledFrom(operations).Draw(rt, "operation"), rapid.IntRange(1, 4).Draw(rt, "times"), "")
		},
		"portal": func(rt *rapid.T) {
			kind := rapid.SampledFrom([]klarnasandbox.ActionKind{klarnasandbox.ActionCapture, klarnasandbox.ActionExpire, klarnasandbox.ActionFraud}).Draw(rt, "kind")
			a := klarnasandbox.Action{Kind: kind, FraudStatus: klarnasandbox.FraudPending}
			if kind == klarnasandbox.ActionCapture && rapid.Bool().Draw(rt, "all") {
				a.Amount = 100
			}
			if _, err := w.klarna.Act(pick().KlarnaOrderID, a); err == nil {
				foreign = true
			}
		},
		"": func(*rapid.T) {
			w.settle()
			w.check(orders...)
		},
	})
	w.klarna.ClearFaults()
	for range 4 {
		w.pass(26 * time.Hour)
		w.check(orders...)
	}
	for _, p := range orders {
		for _, c := range p.captures() {
			if c.State == capture.Pending || c.State.Open() {
				rt.Errorf("order %s: after four quiet days it is %s %q\n%s", p.Number, c.State, c.Rule, w.dump())
			}
		}
		w.tellAll(rt, p, foreign)
	}
}

// tellAll sends again what was refused: without anybody else at Klarna it is told then.
func (w *world) tellAll(rt *rapid.T, p placed, foreign bool) {
	if foreign || p.now().Status == order.Cancelled || p.now().Feedback != order.FeedbackFailed {
		return
	}
	if w.clock.Now().Sub(begin) > 20*24*time.Hour { // the authorisation is over
		return
	}
	forPeople(rt, w.program.captures.Resend(w.ctx, p.ID, "clerk"))
	w.pass(time.Hour)
	w.check(p)
	if f := p.now().Feedback; f == order.FeedbackFailed || f == order.FeedbackQueued {
		rt.Errorf("order %s: sent again, it shows %s\n%s", p.Number, f, w.dump())
	}
}

// forPeople lets refusals pass that are meant for people.
func forPeople(rt *rapid.T, err error) {
	rt.Helper()
	if code := fault.CodeOf(err); err != nil && code != fault.Conflict && code != fault.Invalid {
		rt.Fatalf("%v", err)
	}
}

func (p placed) parcel(number string) dispatch.ParcelInput {
	return dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: number}
}

func partOf(cups int) []dispatch.LineQuantity {
	return []dispatch.LineQuantity{{Line: 1, Quantity: money.Quantity(cups) * money.One}}
}

// init makes a run of all tests a short one; -rapid.checks makes it longer.
func init() {
	lives := "25"
	if raced {
		lives = "3"
	}
	if err := flag.Set("rapid.checks", lives); err != nil {
		panic(err)
	}
}
