package work

import (
	"context"
	"fmt"
	"time"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
)

// Overview tells people what the background does, from the rows alone.
type Overview struct {
	db     *store.DB
	clock  *clock.Clock
	queues []*Queue
}

// NewOverview returns the overview of these queues.
func NewOverview(db *store.DB, clk *clock.Clock, queues ...*Queue) *Overview {
	return &Overview{db: db, clock: clk, queues: queues}
}

// countLimit is where an Overview stops counting.
const countLimit = 10_000

// QueueState is one queue at one moment. Counts stop at 10,000.
type QueueState struct {
	Name     string
	Due      int // may be worked on now
	Held     int // due, but not eligible: paused, waiting, or its lock is held
	Working  int // in somebody's hands
	Later    int // due at a later time
	Oldest   *time.Time
	NextTime *time.Time
}

// States returns all queues.
func (o *Overview) States(ctx context.Context) ([]QueueState, error) {
	var out []QueueState
	for _, q := range o.queues {
		s, err := o.state(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("look at queue %s: %w", q.Name, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func (o *Overview) state(ctx context.Context, q *Queue) (QueueState, error) {
	now := o.clock.Now()
	s := QueueState{Name: q.Name}
	count := func(into *int, condition string, args ...any) error {
		query := fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s t WHERE %s LIMIT %d) found", q.Table, condition, countLimit)
		return o.db.Read(ctx).Raw(query, args...).Scan(into).Error
	}
	condition, args := dueCondition(q, now)
	var all int
	for _, c := range []struct {
		into      *int
		condition string
		args      []any
	}{
		{&s.Due, condition, args},
		{&all, "t.due_at <= ? AND (t.lease_until IS NULL OR t.lease_until < ?)", []any{now, now}},
		{&s.Working, "t.due_at IS NOT NULL AND t.lease_until >= ?", []any{now}},
		{&s.Later, "t.due_at > ?", []any{now}},
	} {
		if err := count(c.into, c.condition, c.args...); err != nil {
			return s, err
		}
	}
	s.Held = max(all-s.Due, 0)
	times := []struct {
		into      **time.Time
		condition string
	}{{&s.Oldest, "due_at <= ?"}, {&s.NextTime, "due_at > ?"}}
	for _, t := range times {
		var due []time.Time
		if err := o.db.Read(ctx).Table(q.Table).Where(t.condition, now).Order("due_at").Limit(1).Pluck("due_at", &due).Error; err != nil {
			return s, err
		}
		if len(due) == 1 {
			*t.into = &due[0]
		}
	}
	return s, nil
}
