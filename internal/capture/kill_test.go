package capture_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// kill ends the program at its nth call of Klarna, before the request reaches Klarna or
// after Klarna carried it out: from then on it writes nothing. dead is closed then.
func (w *world) kill(n int64, after bool) (dead <-chan struct{}) {
	died := make(chan struct{})
	var calls atomic.Int64
	db := w.db
	strike := func(*http.Request) error {
		if calls.Add(1) != n {
			return nil
		}
		_ = db.Close()
		close(died)
		return errKilled
	}
	if after {
		w.wire.hook(nil, strike)
	} else {
		w.wire.hook(strike, nil)
	}
	return died
}

// However the process is killed, at whichever call: the next one brings it to the end,
// and Klarna holds one capture of each note, with each parcel once.
func TestKill(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		calls int64 // of Klarna, at least
		begin func(w *world) placed
		want  order.Feedback
	}{
		{"whole", 1, func(w *world) placed {
			p := w.whole()
			p.record("1")
			return p
		}, order.FeedbackConfirmed},
		{"part", 2, func(w *world) placed {
			p := w.place(threeCups(), "klarna")
			p.recordOn(p.part(money.One).Number, "1")
			return p
		}, order.FeedbackPartlyConfirmed},
		{"both parts", 4, func(w *world) placed {
			p := w.place(threeCups(), "klarna")
			a, b := p.part(money.One), p.part(2*money.One)
			p.recordOn(a.Number, "1")
			p.recordOn(b.Number, "2")
			return p
		}, order.FeedbackConfirmed},
		{"captured elsewhere", 3, func(w *world) placed { // the capture, the reading, the parcel
			p := w.whole()
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionCapture})
			p.record("1")
			return p
		}, order.FeedbackConfirmed},
		{"a lost answer", 2, func(w *world) placed {
			p := w.whole()
			w.fault("no_capture_id_no_location", klarnasandbox.OpCapture, 1, p.KlarnaOrderID)
			p.record("1")
			return p
		}, order.FeedbackConfirmed},
		{"rounding", 4, func(w *world) placed { // the capture, the reading, another before the next capture
			p := w.whole()
			w.act(p, klarnasandbox.Action{Kind: klarnasandbox.ActionSetAmount, Amount: 6456})
			p.record("1")
			return p
		}, order.FeedbackConfirmed},
	} {
		for n := int64(1); n <= c.calls; n++ {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d after=%t", c.name, n, after), func(t *testing.T) {
					t.Parallel()
					w := onSQLite(t)
					dead := w.kill(n, after)
					p := c.begin(w)
					select {
					case <-dead:
					case <-time.After(30 * time.Second):
						t.Fatalf("it made no %d calls", n)
					}
					w.stop()
					w.wire.hook(nil, nil)
					w.start()
					w.pass(30 * time.Hour)
					w.check(p)
					if f := p.now().Feedback; f != c.want {
						t.Errorf("it shows %s, want %s\n%s", f, c.want, w.dump())
					}
					for _, capture := range p.captures() {
						if capture.Attempts > 0 && c.name == "whole" {
							t.Errorf("our own crash was counted: %+v", capture)
						}
					}
				})
			}
		}
	}
}

// A parcel that is appended is told once, whenever the process is killed.
func TestKillWhileAppending(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%t", after), func(t *testing.T) {
			t.Parallel()
			w := onSQLite(t)
			p := w.whole()
			p.record("1")
			w.settle()
			dead := w.kill(1, after)
			p.record("2")
			<-dead
			w.stop()
			w.wire.hook(nil, nil)
			w.start()
			w.settle()
			w.check(p)
			if known := p.atKlarna().Captures[0].ShippingInfo; len(known) != 2 {
				t.Errorf("Klarna knows %v", known)
			}
			p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		})
	}
}

// What was lost while we stopped goes out again at the next start, under the same key.
func TestStopInFlight(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.whole()
		arrived, goOn := make(chan struct{}), make(chan struct{})
		w.wire.hook(nil, func(*http.Request) error {
			close(arrived)
			<-goOn
			return errKilled // a connection that was cut when we went
		})
		p.record("1")
		<-arrived
		w.end()
		close(goOn)
		<-w.ended
		w.wire.hook(nil, nil)
		w.run()
		w.advance(5 * time.Second)
		p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		if sent := p.sent(klarnasandbox.OpCapture); len(sent) != 2 || sent[0].Key != sent[1].Key || !sent[1].Replayed {
			t.Errorf("sent %+v", sent)
		}
	})
}

// A worker whose lease ended writes nothing: whoever took the row up decides.
func TestLostLease(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.whole()
		arrived, goOn := make(chan struct{}), make(chan struct{})
		var first atomic.Bool
		w.wire.hook(nil, func(*http.Request) error {
			if first.CompareAndSwap(false, true) {
				close(arrived)
				<-goOn
				return errKilled
			}
			return nil
		})
		p.record("1")
		<-arrived
		w.clock.Advance(2 * time.Minute) // the lease is over
		w.until(func() bool { return p.capture().State == capture.Confirmed })
		close(goOn)
		w.settle()
		p.is(capture.Confirmed, order.FeedbackConfirmed, "")
		if sent := p.sent(klarnasandbox.OpCapture); len(sent) != 2 || sent[0].Key != sent[1].Key {
			t.Errorf("sent %+v", sent)
		}
		w.stop() // the first worker has ended, too
		var calls int64
		w.must(w.db.Read(w.ctx).Raw("SELECT count(*) FROM klarna_calls").Scan(&calls).Error)
		if calls != 2 {
			t.Errorf("%d calls were kept, want both", calls)
		}
	})
}

var errKilled = errors.New("killed")
