package klarnasandbox

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSweep(t *testing.T) {
	t.Parallel()
	var s attemptStore
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, k := range []string{"a", "b", "c"} {
		s.see(keyID{"m", k}, now)
	}
	s.see(keyID{"m", "d"}, now.Add(23*time.Hour))
	s.see(keyID{"m", "d"}, now.Add(25*time.Hour))
	if len(s.byKey) != 1 {
		t.Errorf("%d keys are remembered", len(s.byKey))
	}
}

// TestDuplicatesWait: while a call is under way, others with its key wait and get its answer;
// after an answer that is not definitive the next one tries again.
func TestDuplicatesWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s attemptStore
		var runs atomic.Int64
		first := make(chan answer)
		done := make(chan bool)
		for range 3 {
			go func() {
				a, replayed, err := s.do(t.Context(), keyID{"m", "k"}, time.Now, func() answer {
					runs.Add(1)
					return <-first
				})
				if err != nil || a.status != 201 && a.status != 503 {
					t.Errorf("%v %d", err, a.status)
				}
				done <- replayed
			}()
		}
		synctest.Wait()
		if n := runs.Load(); n != 1 {
			t.Errorf("%d calls are under way", n)
		}
		first <- answer{status: 503}
		if <-done {
			t.Error("a repeated 503")
		}
		synctest.Wait()
		if n := runs.Load(); n != 2 {
			t.Errorf("%d calls were under way, want 2", n)
		}
		first <- answer{status: 201}
		if a, b := <-done, <-done; a == b {
			t.Error("the last two are not the one and its repetition")
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, _, _ = s.do(t.Context(), keyID{"m", "other"}, time.Now, func() answer { return <-first })
			done <- true
		}()
		synctest.Wait()
		cancel()
		if _, _, err := s.do(ctx, keyID{"m", "other"}, time.Now, nil); err == nil {
			t.Error("waits although its client is gone")
		}
		first <- answer{status: 204}
		<-done
	})
}

func TestFormTokensAreBounded(t *testing.T) {
	t.Parallel()
	var f formTokens
	if !f.first("a") || f.first("a") || !f.first("") || !f.first("") {
		t.Error("a form is not known again")
	}
	for i := range keptTokens {
		f.first(time.Duration(i).String())
	}
	if len(f.seen) != keptTokens || !f.first("a") {
		t.Errorf("%d are kept", len(f.seen))
	}
}
