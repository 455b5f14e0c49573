package work_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/work"
)

func TestBellWakesAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		done := make(chan int64)
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			done <- c.ID
			return finish(ctx, c)
		}))
		for id := range int64(3) {
			synctest.Wait() // the runner sleeps
			h.add(id, 0, "")
			h.bell.Ring()
			if got := receive(h, done, "the row"); got != id || h.passed() != 0 {
				h.Errorf("row %d after %s", got, h.passed())
			}
		}
	})
}

func TestBellNeedsNoListener(t *testing.T) {
	t.Parallel()
	bell := work.NewBell()
	for range 3 {
		bell.Ring()
	}
}

func TestRingAfterCommit(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		done := make(chan int64, 1)
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			done <- c.ID
			return finish(ctx, c)
		}))
		synctest.Wait()
		h.add(1, 0, "") // nobody rings
		nothing := func(when string) {
			h.Helper()
			synctest.Wait()
			if len(done) > 0 {
				h.Fatal(when)
			}
		}
		nothing("the row was found without a ring")

		failed := errors.New("no")
		err := h.db.InTx(h.Context(), func(tx *gorm.DB) error {
			h.bell.RingAfter(tx)
			return failed
		})
		if !errors.Is(err, failed) {
			h.Fatal(err)
		}
		nothing("a transaction that was rolled back rang")

		h.inTx(func(tx *gorm.DB) error {
			h.bell.RingAfter(tx)
			nothing("it rang before the commit")
			return nil
		})
		synctest.Wait()
		if len(done) != 1 || h.passed() != 0 {
			h.Errorf("%d rows done after the commit, after %s", len(done), h.passed())
		}
	})
}

// What another process makes due, without a bell here, is found by the next poll.
func TestPollFindsWhatOthersMadeDue(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		done := make(chan int64)
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			done <- c.ID
			return finish(ctx, c)
		}))
		other := h.connect()
		synctest.Wait()
		if _, err := other.Exec(h.Context(), "INSERT INTO test_jobs (id, due_at) VALUES (1, ?)", h.start); err != nil {
			h.Fatal(err)
		}
		if receive(h, done, "the row"); h.passed() != work.Poll {
			h.Errorf("found after %s", h.passed())
		}
	})
}

func TestDueTimes(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, 0, "")
		h.add(2, time.Microsecond, "")
		h.add(3, time.Minute, "")
		h.exec("INSERT INTO test_jobs (id) VALUES (4)")
		type turn struct {
			id int64
			at time.Duration
		}
		turns := make(chan turn)
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			turns <- turn{c.ID, h.passed()}
			return finish(ctx, c)
		}))
		for _, want := range []turn{{1, 0}, {2, time.Second}, {3, time.Minute}} {
			if got := receive(h, turns, "the next"); got != want {
				h.Errorf("%+v, want %+v", got, want)
			}
		}
		select {
		case got := <-turns:
			h.Errorf("%+v had nothing to do", got)
		case <-time.After(time.Minute):
		}
	})
}

func TestEligible(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, -time.Hour, "held")
		h.exec("UPDATE test_jobs SET held_until = ?", h.start.Add(time.Minute))
		h.add(2, 0, "")
		done := make(chan int64)
		q := queue(1, func(ctx context.Context, c *work.Claim) error {
			done <- c.ID
			return finish(ctx, c)
		})
		q.Eligible = "t.held_until IS NULL OR t.held_until <= ?"
		h.run(h.db, h.bell, q)
		if id := receive(h, done, "the free row"); id != 2 || h.passed() != 0 {
			h.Errorf("row %d after %s", id, h.passed())
		}
		h.wantRow(1, row{due: -time.Hour})
		if id := receive(h, done, "the held row"); id != 1 || h.passed() != time.Minute {
			h.Errorf("row %d after %s", id, h.passed())
		}
	})
}

// As many rows as there are workers are worked on at once, and each that ends makes
// place for the next without a poll.
func TestWorkersAreBounded(t *testing.T) {
	t.Parallel()
	const rows, workers = 60, 5
	each(t, func(h *house) {
		for id := range int64(rows) {
			h.add(id, 0, "")
		}
		var active, most atomic.Int64
		done := make(chan struct{}, rows)
		full := make(chan struct{})
		h.run(h.db, h.bell, queue(workers, func(ctx context.Context, c *work.Claim) error {
			n := active.Add(1)
			if n == workers && most.Swap(n) < n {
				close(full)
			}
			if n > workers {
				h.Errorf("%d at once", n)
			}
			h.meet(full, "full house of workers")
			active.Add(-1)
			done <- struct{}{}
			return finish(ctx, c)
		}))
		for range rows {
			receive(h, done, "all rows")
		}
		if h.passed() != 0 {
			h.Errorf("all done after %s", h.passed())
		}
	})
}

// A queue whose workers are all busy keeps no other queue waiting.
func TestQueuesAreApart(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		for id := range int64(10) {
			h.add(id, 0, "")
		}
		busy := make(chan struct{})
		defer close(busy)
		first := queue(1, func(ctx context.Context, c *work.Claim) error {
			<-busy
			return finish(ctx, c)
		})
		first.Eligible = "t.id < 5"
		done := make(chan int64, 10)
		second := queue(1, func(ctx context.Context, c *work.Claim) error {
			done <- c.ID
			return finish(ctx, c)
		})
		second.Name, second.Eligible = "others", "t.id >= 5"
		h.run(h.db, h.bell, first, second)
		for range 5 {
			receive(h, done, "the other queue")
		}
		if h.passed() != 0 {
			h.Errorf("the other queue took %s", h.passed())
		}
	})
}

// Our own accidents end a row's turn, not the runner; the row comes again in a minute.
func TestAccidents(t *testing.T) {
	t.Parallel()
	for name, accident := range map[string]func() error{
		"a panic":      func() error { panic("oh") },
		"an error":     func() error { return errors.New("oh") },
		"not finished": func() error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				h.add(1, -time.Hour, "lock")
				h.add(2, 0, "")
				turns := make(chan int64, 1)
				first := true
				h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
					if c.ID == 1 && first {
						first = false
						return accident()
					}
					turns <- c.ID
					return finish(ctx, c)
				}))
				if id := receive(h, turns, "the next row"); id != 2 {
					h.Errorf("row %d", id)
				}
				synctest.Wait()
				h.wantRow(1, row{due: time.Minute})
				h.wantRow(2, row{done: true})
				if id := receive(h, turns, "the row again"); id != 1 || h.passed() != time.Minute {
					h.Errorf("row %d after %s", id, h.passed())
				}
			})
		})
	}
}

// An error after the row was finished does not make it due again.
func TestErrorAfterFinish(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, 0, "lock")
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			return errors.Join(c.FinishNow(ctx, nil), errors.New("oh"))
		}))
		synctest.Wait()
		h.wantRow(1, row{done: true})
	})
}

// At a stop, what is under way ends, and what was only claimed is given back as it was.
func TestStopLetsWorkFinish(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, -2*time.Minute, "lock")
		h.add(2, -time.Minute, "another")
		h.add(3, 0, "")
		started, end := make(chan int64, 3), make(chan struct{})
		stop := h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			started <- c.ID
			<-end
			if ctx.Err() != nil {
				h.Error("cut off within the grace")
			}
			return c.FinishNow(ctx, nil)
		}))
		receive(h, started, "the first row")
		synctest.Wait()
		h.wantRow(2, row{due: -time.Minute, leased: true}) // claimed ahead
		h.wantLocks("another", "lock")
		time.AfterFunc(work.Grace-time.Second, func() { close(end) })
		stop()
		if h.passed() != work.Grace-time.Second {
			h.Errorf("stopped after %s", h.passed())
		}
		if len(started) > 0 {
			h.Errorf("row %d was begun after the stop", <-started)
		}
		h.wantRow(1, row{done: true})
		h.wantRow(2, row{due: -time.Minute})
		h.wantRow(3, row{})
		h.wantLocks()
	})
}

// Work that does not end within the grace is cut off; its row is due as it was.
func TestStopCutsWorkOff(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, -2*time.Minute, "lock")
		h.add(2, -time.Minute, "another")
		started := make(chan int64, 2)
		stop := h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			started <- c.ID
			<-ctx.Done()
			return ctx.Err()
		}))
		receive(h, started, "the row")
		stop()
		if h.passed() != work.Grace {
			h.Errorf("stopped after %s", h.passed())
		}
		if len(started) > 0 {
			h.Errorf("row %d was begun after the stop", <-started)
		}
		h.wantRow(1, row{due: -2 * time.Minute})
		h.wantRow(2, row{due: -time.Minute})
		h.wantLocks()
	})
}

// A row that somebody else changed meanwhile stays as they left it.
func TestLostRowStaysAsItIs(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, 0, "lock")
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			h.exec("UPDATE test_jobs SET due_at = ?, lease_until = NULL, lease_token = ''", h.start.Add(time.Hour))
			return c.FinishNow(ctx, nil)
		}))
		synctest.Wait()
		h.wantRow(1, row{due: time.Hour})
	})
}
