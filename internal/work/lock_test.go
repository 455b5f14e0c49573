package work_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zahlwerk/internal/work"
)

// Rows with the same lock are worked on one after the other, over all runners; others
// at the same time.
func TestLocks(t *testing.T) {
	t.Parallel()
	const perLock, runners = 10, 3
	each(t, func(h *house) {
		locks := []string{"a", "b", "c"}
		id := int64(0)
		for range perLock {
			for _, lock := range append(locks, "") {
				id++
				h.add(id, -time.Duration(id)*time.Second, lock)
			}
		}
		rows := id
		lockOf := func(id int64) string { return append(locks, "")[(id-1)%4] }

		var mu sync.Mutex
		active := map[string]int{}
		most := 0
		done := make(chan int64, rows)
		together := make(chan struct{}) // closed once all the locks were held at the same time
		do := func(ctx context.Context, c *work.Claim) error {
			lock := lockOf(c.ID)
			if lock == "" {
				done <- c.ID
				return c.FinishNow(ctx, nil)
			}
			mu.Lock()
			active[lock]++
			most = max(most, active[lock])
			held := 0
			for _, n := range active {
				held += min(n, 1)
			}
			select {
			case <-together:
			default:
				if held == len(locks) {
					close(together)
				}
			}
			mu.Unlock()
			h.meet(together, "other locks held at the same time")
			mu.Lock()
			active[lock]--
			mu.Unlock()
			done <- c.ID
			return c.FinishNow(ctx, nil)
		}
		var stops []func()
		for range runners {
			stops = append(stops, h.run(h.connect(), work.NewBell(), queue(4, do)))
		}
		var got []int64
		for range rows {
			got = append(got, receive(h, done, "all rows"))
		}
		for _, stop := range stops {
			stop()
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != int(rows) {
			h.Errorf("done: %v", got)
		}
		if most != 1 {
			h.Errorf("%d at the same time under one lock", most)
		}
		h.wantLocks()
	})
}

// However a turn ends, its lock is free at once for the next row.
func TestLockIsFreedWithItsTurn(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(h *house, ctx context.Context, c *work.Claim) error{
		"finished":     func(_ *house, ctx context.Context, c *work.Claim) error { return finish(ctx, c) },
		"not finished": func(*house, context.Context, *work.Claim) error { return nil },
		"an error":     func(*house, context.Context, *work.Claim) error { return errors.New("oh") },
		"a panic":      func(*house, context.Context, *work.Claim) error { panic("oh") },
		"finished, an error": func(_ *house, ctx context.Context, c *work.Claim) error {
			return errors.Join(finish(ctx, c), errors.New("oh"))
		},
		"changed by another": func(h *house, ctx context.Context, c *work.Claim) error {
			h.exec("UPDATE test_jobs SET due_at = NULL, lease_until = NULL, lease_token = '' WHERE id = ?", c.ID)
			return finish(ctx, c)
		},
		"changed by another, an error": func(h *house, _ context.Context, c *work.Claim) error {
			h.exec("UPDATE test_jobs SET due_at = NULL, lease_until = NULL, lease_token = '' WHERE id = ?", c.ID)
			return errors.New("oh")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				h.add(1, -time.Second, "lock")
				h.add(2, 0, "lock")
				next := make(chan time.Duration, 1)
				h.run(h.db, h.bell, queue(2, func(ctx context.Context, c *work.Claim) error {
					if c.ID == 1 {
						return do(h, ctx, c)
					}
					next <- h.passed()
					return finish(ctx, c)
				}))
				if p := receive(h, next, "the next row with this lock"); p != 0 {
					h.Errorf("the next row waited for %s", p)
				}
				synctest.Wait()
				h.wantLocks()
			})
		})
	}
}

func TestLockIsFreedAtStop(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"the row as it was":             "",
		"the row changed by another":    "UPDATE test_jobs SET due_at = NULL, lease_until = NULL, lease_token = '' WHERE id = 1",
		"the row claimed by another":    "UPDATE test_jobs SET lease_token = 'somebody else' WHERE id = 1",
		"the row is gone":               "DELETE FROM test_jobs WHERE id = 1",
		"the lock is somebody else's":   "UPDATE work_locks SET token = 'somebody else'",
		"the lock is gone, how strange": "DELETE FROM work_locks",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				h.add(1, 0, "lock")
				started := make(chan struct{})
				stop := h.run(h.db, h.bell, queue(1, func(ctx context.Context, _ *work.Claim) error {
					close(started)
					<-ctx.Done()
					return fmt.Errorf("call: %w", ctx.Err())
				}))
				receive(h, started, "the row")
				if change != "" {
					h.exec(change)
				}
				stop()
				if name == "the lock is somebody else's" {
					h.wantLocks("lock")
				} else {
					h.wantLocks()
				}
			})
		})
	}
}

// Rows that wait for a lock don't keep others from being found.
func TestLockedRowsAreInNobodysWay(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		for id := range int64(50) {
			h.add(id, -time.Hour, "busy")
		}
		h.exec("INSERT INTO work_locks (name, token, until) VALUES ('busy', 'somebody else', ?)", h.start.Add(time.Minute))
		h.add(100, 0, "free")
		done := make(chan int64)
		h.run(h.db, h.bell, queue(2, func(ctx context.Context, c *work.Claim) error {
			done <- c.ID
			return finish(ctx, c)
		}))
		if id := receive(h, done, "the free row"); id != 100 || h.passed() != 0 {
			h.Errorf("row %d after %s", id, h.passed())
		}
		if receive(h, done, "a row whose lock ran out"); h.passed() <= time.Minute || h.passed() > time.Minute+2*work.Poll {
			h.Errorf("the lock ran out after %s", h.passed())
		}
		for range 49 {
			receive(h, done, "the others")
		}
	})
}
