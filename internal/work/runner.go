package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
)

// Poll is how often a Runner looks for due rows when nobody rings.
const Poll = time.Second

// Grace is how long work may go on after a Runner was told to stop.
const Grace = 20 * time.Second

// retryAfterError is when a row is tried again whose Do gave up with an error of our
// own (the database is gone, a bug), which is nobody's answer.
const retryAfterError = time.Minute

// Runner works on the due rows of its queues.
type Runner struct {
	db     *store.DB
	clock  *clock.Clock
	bell   *Bell
	log    *slog.Logger
	queues []*lane
	ready  chan struct{}
	once   sync.Once
}

// lane is a queue with what of it is in this process.
type lane struct {
	*Queue
	todo chan *Claim // claimed, waiting for a goroutine; as many again as workers

	mu    sync.Mutex
	taken int // claimed and not given back yet
}

// NewRunner returns a Runner for these queues; Run starts it.
func NewRunner(db *store.DB, clk *clock.Clock, bell *Bell, log *slog.Logger, queues ...*Queue) *Runner {
	r := &Runner{db: db, clock: clk, bell: bell, log: log, ready: make(chan struct{})}
	for _, q := range queues {
		r.queues = append(r.queues, &lane{Queue: q, todo: make(chan *Claim, 2*q.workers())})
	}
	return r
}

// Ready is closed once Run has looked for due rows for the first time.
func (r *Runner) Ready() <-chan struct{} { return r.ready }

// TakeOver frees every lease and lock at once. Only the one process that works on a
// SQLite database may call it, before Run: a lease there can only be a dead
// process's.
func TakeOver(ctx context.Context, db *store.DB, queues ...*Queue) error {
	if _, err := db.Exec(ctx, "DELETE FROM work_locks"); err != nil {
		return fmt.Errorf("take over the locks: %w", err)
	}
	for _, q := range queues {
		_, err := db.Exec(ctx, fmt.Sprintf("UPDATE %s SET lease_until = NULL, lease_token = '' WHERE lease_token <> ''", q.Table))
		if err != nil {
			return fmt.Errorf("take over the rows of %s: %w", q.Name, err)
		}
	}
	return nil
}

// Run works until ctx ends, then lets what is under way finish for at most Grace.
func (r *Runner) Run(ctx context.Context) {
	workCtx, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	freed := make(chan struct{}, 1)
	var workers sync.WaitGroup
	for _, l := range r.queues {
		for range l.workers() {
			workers.Go(func() {
				for c := range l.todo {
					if ctx.Err() != nil { // claimed, but the stop came before its turn
						r.letGo(l, c)
						continue
					}
					r.work(workCtx, l, c)
					select {
					case freed <- struct{}{}:
					default:
					}
				}
			})
		}
	}
	r.dispatch(ctx, freed)
	for _, l := range r.queues {
		close(l.todo)
	}
	stop := time.AfterFunc(Grace, cut)
	defer stop.Stop()
	workers.Wait()
}

func (r *Runner) dispatch(ctx context.Context, freed <-chan struct{}) {
	poll := time.NewTicker(Poll)
	defer poll.Stop()
	for {
		for _, l := range r.queues {
			if err := r.fill(ctx, l); err != nil && ctx.Err() == nil {
				r.log.Error("look for due rows", "queue", l.Name, "error", err)
			}
		}
		r.once.Do(func() { close(r.ready) })
		select {
		case <-ctx.Done():
			return
		case <-r.bell.rung:
		case <-freed:
		case <-poll.C:
		}
	}
}

// fill claims what fits into the lane. It claims ahead, a handful of rows with one
// transaction, but only rows that a goroutine is about to need. The look before the
// claim is a read: an idle program takes no write lock.
func (r *Runner) fill(ctx context.Context, l *lane) error {
	for {
		l.mu.Lock()
		room := 2*l.workers() - l.taken
		l.mu.Unlock()
		if room < (l.workers()+1)/2 {
			return nil
		}
		condition, args := dueCondition(l.Queue, r.clock.Now())
		var due int
		err := r.db.Read(ctx).Raw(fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s t WHERE %s LIMIT 1) due", l.Table, condition), args...).Scan(&due).Error
		if err != nil || due == 0 {
			return err
		}
		claims, err := claim(ctx, r.db, r.clock, l.Queue, uuid.NewString, room)
		if err != nil || len(claims) == 0 {
			return err
		}
		l.mu.Lock()
		l.taken += len(claims)
		l.mu.Unlock()
		for _, c := range claims {
			l.todo <- c // never blocks: taken is at most its capacity
		}
	}
}

// work does one row and ends its turn whatever happens: an answer, an error, a panic.
func (r *Runner) work(ctx context.Context, l *lane, c *Claim) {
	defer func() {
		l.mu.Lock()
		l.taken--
		l.mu.Unlock()
	}()
	err := r.do(ctx, l, c)
	switch {
	case c.finished && err == nil:
	case errors.Is(err, ErrLost):
		r.log.Warn("row lost to another writer", "queue", l.Name, "id", c.ID)
		r.letGo(l, c)
	case ctx.Err() != nil:
		r.letGo(l, c)
	case err != nil:
		r.log.Error("work on a row", "queue", l.Name, "id", c.ID, "error", err)
		if !c.finished {
			r.later(ctx, l, c)
		}
	default:
		r.log.Error("work on a row ended without finishing it", "queue", l.Name, "id", c.ID)
		r.later(ctx, l, c)
	}
}

func (r *Runner) do(ctx context.Context, l *lane, c *Claim) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return l.Do(ctx, c)
}

func (r *Runner) later(ctx context.Context, l *lane, c *Claim) {
	due := r.clock.Now().Add(retryAfterError)
	switch err := c.FinishNow(ctx, &due); {
	case errors.Is(err, ErrLost):
		r.letGo(l, c)
	case err != nil:
		r.log.Error("put a row off", "queue", l.Name, "id", c.ID, "error", err)
	}
}

// letGo frees what is still held of a row and leaves it due as it is: its work was cut
// off, or somebody else changed it and so decided about it.
func (r *Runner) letGo(l *lane, c *Claim) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := r.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := c.Mine(tx).Updates(map[string]any{"lease_until": nil, "lease_token": ""}).Error; err != nil || c.lock == "" {
			return err
		}
		return tx.Exec("DELETE FROM work_locks WHERE name = ? AND token = ?", c.lock, c.token).Error
	})
	if err != nil {
		r.log.Error("let a row go", "queue", l.Name, "id", c.ID, "error", err)
	}
}
