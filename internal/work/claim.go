package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
)

// Lease is how long a claimed row is a worker's own before others may take it.
const Lease = 90 * time.Second

// ErrLost says that the lease ended and somebody else has the row: what the worker
// wanted to write must not be written.
var ErrLost = errors.New("the lease of this row is lost")

// Claim is a row that is this worker's for the time of a lease.
type Claim struct {
	ID int64

	queue    *Queue
	db       *store.DB
	clock    *clock.Clock
	token    string
	lock     string
	finished bool
}

// Mine restricts a statement on the queue's table to this row while it is still
// this worker's. 0 rows affected means ErrLost.
func (c *Claim) Mine(tx *gorm.DB) *gorm.DB {
	return tx.Table(c.queue.Table).Where("id = ? AND lease_token = ?", c.ID, c.token)
}

// Renew makes the lease full again, within the caller's transaction.
func (c *Claim) Renew(tx *gorm.DB) error {
	until := c.clock.Now().Add(Lease)
	if c.lock != "" {
		res := tx.Exec("UPDATE work_locks SET until = ? WHERE name = ? AND token = ?", until, c.lock, c.token)
		if res.Error != nil {
			return fmt.Errorf("renew the lock %s: %w", c.lock, res.Error)
		}
		if res.RowsAffected == 0 {
			return ErrLost
		}
	}
	return one(c.Mine(tx).Update("lease_until", until))
}

// RenewNow is Renew in a transaction of its own, before a call that takes time.
func (c *Claim) RenewNow(ctx context.Context) error { return c.db.InTx(ctx, c.Renew) }

// Finish gives the row back in the caller's transaction: due again at due, or done
// when due is nil. It must be the last that is written about the claim.
func (c *Claim) Finish(tx *gorm.DB, due *time.Time) error {
	err := one(c.Mine(tx).Updates(map[string]any{"due_at": due, "lease_until": nil, "lease_token": ""}))
	if err != nil {
		return err
	}
	if c.lock != "" {
		if err := tx.Exec("DELETE FROM work_locks WHERE name = ? AND token = ?", c.lock, c.token).Error; err != nil {
			return fmt.Errorf("free the lock %s: %w", c.lock, err)
		}
	}
	store.AfterCommit(tx, func() { c.finished = true })
	return nil
}

// FinishNow is Finish in a transaction of its own.
func (c *Claim) FinishNow(ctx context.Context, due *time.Time) error {
	return c.db.InTx(ctx, func(tx *gorm.DB) error { return c.Finish(tx, due) })
}

func one(res *gorm.DB) error {
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != 1 {
		return ErrLost
	}
	return nil
}

// claim takes up to n due rows of q, oldest first, and the locks they need. Rows
// whose lock somebody else was given in the meantime are given back.
func claim(ctx context.Context, db *store.DB, clk *clock.Clock, q *Queue, token func() string, n int) ([]*Claim, error) {
	now := clk.Now()
	var claims []*Claim
	err := db.InTx(ctx, func(tx *gorm.DB) error {
		claims = nil // a lost turn of the transaction claimed nothing
		t := token()
		type claimed struct {
			ID    int64
			DueAt time.Time
			Lock  string
		}
		var rows []claimed
		query, args := claimStatement(db.Postgres(), q, t, now, n)
		if err := tx.Raw(query, args...).Scan(&rows).Error; err != nil {
			return err
		}
		slices.SortFunc(rows, func(a, b claimed) int { // RETURNING keeps no order
			return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID))
		})
		for _, r := range rows {
			c := &Claim{ID: r.ID, queue: q, db: db, clock: clk, token: t, lock: r.Lock}
			ok, err := takeLock(tx, c, now)
			if err != nil {
				return err
			}
			if !ok {
				err = c.Mine(tx).Updates(map[string]any{"lease_until": nil, "lease_token": ""}).Error
				if err != nil {
					return err
				}
				continue
			}
			claims = append(claims, c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim rows of %s: %w", q.Name, err)
	}
	return claims, nil
}

// Take claims one row of q out of turn, due or not, for somebody who waits for it. It
// returns nil when somebody else has the row or its lock.
func Take(ctx context.Context, db *store.DB, clk *clock.Clock, q *Queue, id int64) (*Claim, error) {
	var c *Claim
	err := db.InTx(ctx, func(tx *gorm.DB) error {
		c = nil
		now := clk.Now()
		lock := "''"
		if q.Lock != "" {
			lock = q.Lock
		}
		taken := &Claim{ID: id, queue: q, db: db, clock: clk, token: uuid.NewString()}
		res := tx.Raw(fmt.Sprintf(`UPDATE %s SET lease_token = ?, lease_until = ?
			WHERE id = ? AND (lease_until IS NULL OR lease_until < ?) RETURNING %s AS lock`, q.Table, lock),
			taken.token, now.Add(Lease), id, now).Scan(&taken.lock)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		ok, err := takeLock(tx, taken, now)
		if ok {
			c = taken
		} else if err == nil {
			err = taken.Mine(tx).Updates(map[string]any{"lease_until": nil, "lease_token": ""}).Error
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take row %d of %s: %w", id, q.Name, err)
	}
	return c, nil
}

// takeLock takes the lock that the row needs, if nobody has it; of several rows of one
// claim the oldest gets it.
func takeLock(tx *gorm.DB, c *Claim, now time.Time) (bool, error) {
	if c.lock == "" {
		return true, nil
	}
	res := tx.Exec(`INSERT INTO work_locks (name, token, until) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET token = excluded.token, until = excluded.until
		WHERE work_locks.until < ?`, c.lock, c.token, now.Add(Lease), now)
	return res.RowsAffected == 1, res.Error
}

// claimStatement is one of the places that ask for the dialect: PostgreSQL lets
// several instances claim side by side.
func claimStatement(postgres bool, q *Queue, token string, now time.Time, n int) (string, []any) {
	condition, args := dueCondition(q, now)
	skip := ""
	if postgres {
		skip = " FOR UPDATE OF t SKIP LOCKED"
	}
	lock := "''"
	if q.Lock != "" {
		lock = q.Lock
	}
	query := fmt.Sprintf(`UPDATE %[1]s SET lease_token = ?, lease_until = ? WHERE id IN (
		SELECT t.id FROM %[1]s t WHERE %[2]s ORDER BY t.due_at, t.id LIMIT %[3]d%[4]s)
		RETURNING id, due_at, %[5]s AS lock`, q.Table, condition, n, skip, lock)
	return query, append([]any{token, now.Add(Lease)}, args...)
}

// dueCondition is true for rows (alias t) that may be claimed now.
func dueCondition(q *Queue, now time.Time) (string, []any) {
	condition := "t.due_at <= ? AND (t.lease_until IS NULL OR t.lease_until < ?)"
	args := []any{now, now}
	if q.Eligible != "" {
		condition += " AND (" + q.Eligible + ")"
		for range countMarks(q.Eligible) {
			args = append(args, now)
		}
	}
	if q.Lock != "" {
		condition += " AND NOT EXISTS (SELECT 1 FROM work_locks l WHERE l.name = (" + q.Lock + ") AND l.until >= ?)"
		args = append(args, now)
	}
	return condition, args
}

func countMarks(condition string) int { return strings.Count(condition, "?") }
