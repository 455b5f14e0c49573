package work_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/work"
)

func TestManyRunnersDoEachRowOnce(t *testing.T) {
	t.Parallel()
	const rows, runners = 200, 4
	each(t, func(h *house) {
		for id := range int64(rows) {
			h.add(id, -time.Minute, "")
		}
		var mu sync.Mutex
		times := map[int64]int{}
		all := make(chan struct{})
		do := func(ctx context.Context, c *work.Claim) error {
			if err := c.FinishNow(ctx, nil); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			times[c.ID]++
			if len(times) == rows {
				close(all)
			}
			return nil
		}
		var stops []func()
		for range runners {
			stops = append(stops, h.run(h.connect(), work.NewBell(), queue(4, do)))
		}
		receive(h, all, "all rows")
		for _, stop := range stops {
			stop()
		}
		for id, n := range times {
			if n != 1 {
				h.Errorf("row %d was done %d times", id, n)
			}
		}
		h.wantRow(0, row{done: true})
	})
}

func TestOldestFirst(t *testing.T) {
	t.Parallel()
	const rows = 20
	for name, workers := range map[string]int{"one worker": 1, "a lock": 8} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				lock := ""
				if workers > 1 {
					lock = "the same"
				}
				for id := range int64(rows) {
					h.add(id, -time.Duration(id)*time.Millisecond, lock)
				}
				done := make(chan int64, rows)
				h.run(h.db, h.bell, queue(workers, func(ctx context.Context, c *work.Claim) error {
					done <- c.ID
					return c.FinishNow(ctx, nil)
				}))
				var got []int64
				for range rows {
					got = append(got, receive(h, done, "the next row"))
				}
				slices.Reverse(got)
				if !slices.IsSorted(got) {
					h.Errorf("the newest first: %v", got)
				}
			})
		})
	}
}

// A worker that is silent for longer than its lease has lost its row, and its lock, to
// whoever comes next.
func TestLeaseEnds(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, 0, "lock")
		type turn struct {
			claim *work.Claim
			end   chan error
		}
		turns := make(chan turn)
		do := func(_ context.Context, c *work.Claim) error {
			end := make(chan error)
			turns <- turn{c, end}
			return <-end
		}
		first := queue(1, do)
		first.Eligible = "t.held_until IS NULL"
		h.run(h.db, h.bell, first)
		old := receive(h, turns, "the first turn")
		h.exec("UPDATE test_jobs SET held_until = ?", h.start) // for the first runner
		h.run(h.connect(), work.NewBell(), queue(1, do))
		next := receive(h, turns, "the second turn")
		if p := h.passed(); p <= work.Lease || p > work.Lease+2*work.Poll {
			h.Errorf("handed over after %s", p)
		}

		if err := old.claim.RenewNow(h.Context()); !errors.Is(err, work.ErrLost) {
			h.Errorf("the old worker renews: %v", err)
		}
		if err := old.claim.FinishNow(h.Context(), nil); !errors.Is(err, work.ErrLost) {
			h.Errorf("the old worker finishes: %v", err)
		}
		h.inTx(func(tx *gorm.DB) error {
			if res := old.claim.Mine(tx).Update("held_until", h.start); res.Error != nil || res.RowsAffected != 0 {
				h.Errorf("the old worker writes %d rows: %v", res.RowsAffected, res.Error)
			}
			return nil
		})
		old.end <- work.ErrLost
		synctest.Wait()
		h.wantRow(1, row{leased: true})
		h.wantLocks("lock")

		h.inTx(func(tx *gorm.DB) error {
			if res := next.claim.Mine(tx).Update("held_until", h.start); res.Error != nil || res.RowsAffected != 1 {
				h.Errorf("the new worker writes %d rows: %v", res.RowsAffected, res.Error)
			}
			return nil
		})
		next.end <- next.claim.FinishNow(h.Context(), nil)
		synctest.Wait()
		h.wantRow(1, row{done: true})
		h.wantLocks()
	})
}

func TestRenew(t *testing.T) {
	t.Parallel()
	for name, lock := range map[string]string{"the row": "", "the lock": "lock"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) { renew(h, lock) })
		})
	}
}

func renew(h *house, lock string) {
	h.add(1, 0, lock)
	started := make(chan struct{})
	first := queue(1, func(ctx context.Context, c *work.Claim) error {
		close(started)
		time.Sleep(work.Lease - time.Second)
		if err := c.RenewNow(ctx); err != nil {
			h.Error(err)
		}
		<-ctx.Done() // and is silent from then on
		return ctx.Err()
	})
	first.Eligible = "t.held_until IS NULL"
	h.run(h.db, h.bell, first)
	receive(h, started, "the row")
	if lock != "" {
		h.add(2, -time.Second, lock) // would be free but for its lock
	}
	h.exec("UPDATE test_jobs SET held_until = ?", h.start) // for the first runner
	taken := make(chan time.Duration, 2)
	h.run(h.connect(), work.NewBell(), queue(1, func(ctx context.Context, c *work.Claim) error {
		taken <- h.passed()
		return c.FinishNow(ctx, nil)
	}))
	const want = 2*work.Lease - time.Second
	if got := receive(h, taken, "the row after its lease"); got <= want || got > want+2*work.Poll {
		h.Errorf("taken after %s, want just after %s", got, want)
	}
}

// Rows that another instance is about to claim are passed over, not waited for.
func TestClaimsSideBySide(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		if !h.db.Postgres() {
			h.Skip("SQLite has one writer at a time")
		}
		h.add(1, -time.Minute, "")
		h.add(2, 0, "")
		done := make(chan int64, 2)
		h.dsn += "&lock_timeout=100"
		h.inTx(func(tx *gorm.DB) error {
			if err := tx.Exec("SELECT 1 FROM test_jobs WHERE id = 1 FOR UPDATE").Error; err != nil {
				return err
			}
			h.run(h.connect(), h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
				done <- c.ID
				return c.FinishNow(ctx, nil)
			}))
			if id := receive(h, done, "the free row"); id != 2 || h.passed() != 0 {
				h.Errorf("row %d after %s", id, h.passed())
			}
			return nil
		})
		if id := receive(h, done, "the other row"); id != 1 {
			h.Errorf("row %d", id)
		}
	})
}

// A lock that is gone is no lock: the row alone does not let a worker go on.
func TestRenewNeedsTheLock(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, 0, "lock")
		renewed := make(chan error, 1)
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			if _, err := h.db.Exec(ctx, "UPDATE work_locks SET token = 'somebody else'"); err != nil {
				return err
			}
			renewed <- c.RenewNow(ctx)
			return c.FinishNow(ctx, nil)
		}))
		if err := receive(h, renewed, "the answer"); !errors.Is(err, work.ErrLost) {
			h.Errorf("renewed without the lock: %v", err)
		}
		synctest.Wait()
		h.wantLocks("lock") // the other's
	})
}

// What is written with a Finish that is rolled back is not finished.
func TestFinishRolledBack(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, 0, "lock")
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			err := h.db.InTx(ctx, func(tx *gorm.DB) error {
				return errors.Join(c.Finish(tx, nil), errors.New("and then this"))
			})
			if err == nil {
				h.Error("no error")
			}
			return nil
		}))
		synctest.Wait()
		h.wantRow(1, row{due: time.Minute})
		h.wantLocks()
	})
}

func TestFinishSaysWhenItIsDueAgain(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, 0, "lock")
		turns := make(chan time.Duration)
		h.run(h.db, h.bell, queue(1, func(ctx context.Context, c *work.Claim) error {
			turns <- h.passed()
			due := h.clock.Now().Add(time.Minute)
			return c.FinishNow(ctx, &due)
		}))
		receive(h, turns, "the first turn")
		synctest.Wait()
		h.wantRow(1, row{due: time.Minute})
		h.wantLocks()
		if got := receive(h, turns, "the second turn"); got < time.Minute || got > time.Minute+work.Poll {
			h.Errorf("due again after %s", got)
		}
	})
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.add(1, -time.Second, "lock")
		h.exec("UPDATE test_jobs SET lease_until = ?, lease_token = 'of a dead process'", h.start.Add(work.Lease))
		h.exec("INSERT INTO work_locks (name, token, until) VALUES ('lock', 'of a dead process', ?)", h.start.Add(work.Lease))
		h.add(2, time.Hour, "")
		done := make(chan int64)
		q := queue(1, func(ctx context.Context, c *work.Claim) error {
			done <- c.ID
			return c.FinishNow(ctx, nil)
		})
		if err := work.TakeOver(h.Context(), h.db, q); err != nil {
			h.Fatal(err)
		}
		h.wantRow(1, row{due: -time.Second})
		h.wantRow(2, row{due: time.Hour})
		h.wantLocks()
		h.run(h.db, h.bell, q)
		if id := receive(h, done, "the row"); id != 1 || h.passed() != 0 {
			h.Errorf("row %d after %s", id, h.passed())
		}
	})
}
