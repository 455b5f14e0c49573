package work_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// house is a database with a table of jobs, in a bubble where time passes only when
// everybody waits: what happens at time 0 was not found by a poll.
type house struct {
	*testing.T
	db    *store.DB
	dsn   string
	clock *clock.Clock
	bell  *work.Bell
	start time.Time
}

// each runs the test on both databases.
func each(t *testing.T, test func(h *house)) {
	t.Helper()
	for name, dsn := range map[string]func(t testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := dsn(t)
			synctest.Test(t, func(t *testing.T) {
				h := &house{T: t, dsn: address, clock: clock.New(), bell: work.NewBell(), start: time.Now()}
				h.db = h.connect()
				when := "DATETIME"
				if h.db.Postgres() {
					when = "TIMESTAMPTZ"
				}
				h.exec(fmt.Sprintf(`CREATE TABLE test_jobs (id BIGINT PRIMARY KEY, due_at %[1]s, lease_until %[1]s,
					lease_token TEXT NOT NULL DEFAULT '', lock_name TEXT NOT NULL DEFAULT '', held_until %[1]s)`, when))
				test(h)
			})
		})
	}
}

// connect opens the database once more, as another process would.
func (h *house) connect() *store.DB {
	return storetest.Open(h, h.dsn, store.Options{SingleConnection: true, Connections: 4})
}

func (h *house) exec(query string, args ...any) {
	h.Helper()
	if _, err := h.db.Exec(h.Context(), query, args...); err != nil {
		h.Fatal(err)
	}
}

// passed is how much time has passed in the bubble.
func (h *house) passed() time.Duration { return time.Since(h.start) }

// add makes a job that is due at the given time after the start.
func (h *house) add(id int64, due time.Duration, lock string) {
	h.Helper()
	h.exec("INSERT INTO test_jobs (id, due_at, lock_name) VALUES (?, ?, ?)", id, h.start.Add(due), lock)
}

// queue is the jobs' queue.
func queue(workers int, do func(ctx context.Context, c *work.Claim) error) *work.Queue {
	return &work.Queue{Name: "jobs", Table: "test_jobs", Lock: "lock_name", Workers: workers, Do: do}
}

// run starts a runner that has looked once; stop tells it to stop and waits until it has.
func (h *house) run(db *store.DB, bell *work.Bell, queues ...*work.Queue) (stop func()) {
	r := work.NewRunner(db, h.clock, bell, slog.New(slog.DiscardHandler), queues...)
	ctx, cancel := context.WithCancel(h.Context())
	ended := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(ended)
	}()
	<-r.Ready()
	stop = func() {
		cancel()
		<-ended
	}
	h.Cleanup(stop)
	return stop
}

// receive waits for a value; in the bubble's time it does not wait for ever.
func receive[T any](h *house, c <-chan T, what string) T {
	h.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Hour):
		h.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// meet waits, in a worker, until c is closed.
func (h *house) meet(c <-chan struct{}, what string) {
	select {
	case <-c:
	case <-time.After(time.Minute):
		h.Errorf("no %s", what)
	}
}

// row is what a job's row says, times since the start.
type row struct {
	due    time.Duration
	done   bool // nothing to do any more
	leased bool
}

func (h *house) row(id int64) row {
	h.Helper()
	var got struct {
		DueAt, LeaseUntil *time.Time
		LeaseToken        string
	}
	err := h.db.Read(h.Context()).Raw("SELECT due_at, lease_until, lease_token FROM test_jobs WHERE id = ?", id).Scan(&got).Error
	if err != nil {
		h.Fatal(err)
	}
	if (got.LeaseUntil == nil) != (got.LeaseToken == "") {
		h.Fatalf("row %d: leased until %v with the token %q", id, got.LeaseUntil, got.LeaseToken)
	}
	r := row{done: got.DueAt == nil, leased: got.LeaseUntil != nil}
	if got.DueAt != nil {
		r.due = got.DueAt.Sub(h.start)
	}
	return r
}

func (h *house) wantRow(id int64, want row) {
	h.Helper()
	if got := h.row(id); got != want {
		h.Errorf("row %d: %+v, want %+v", id, got, want)
	}
}

func (h *house) wantLocks(want ...string) {
	h.Helper()
	var got []string
	if err := h.db.Read(h.Context()).Raw("SELECT name FROM work_locks ORDER BY name").Scan(&got).Error; err != nil {
		h.Fatal(err)
	}
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		h.Errorf("locks %q, want %q", got, want)
	}
}

// finish is work that is done at once.
func finish(ctx context.Context, c *work.Claim) error { return c.FinishNow(ctx, nil) }

// inTx runs fn in a transaction that must succeed.
func (h *house) inTx(fn func(tx *gorm.DB) error) {
	h.Helper()
	if err := h.db.InTx(h.Context(), fn); err != nil {
		h.Fatal(err)
	}
}
