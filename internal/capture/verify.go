package capture

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/work"
)

// errUnverified says that nobody can tell now whether Klarna holds a refused capture.
var errUnverified = fault.New(fault.Conflict, "capture.error.outcome_unknown")

// Verify settles, before captures of an order are taken back, those that were refused
// after a request that nobody answered: it asks Klarna whether it holds them after all.
// One that it holds is confirmed by adoption; then it can't be taken back any more.
// Conflict when Klarna can't be asked now.
func (p *Pusher) Verify(ctx context.Context, orderID int64) error {
	var ids []int64
	err := p.db.Read(ctx).Model(&Capture{}).Where("order_id = ? AND state = ? AND unanswered", orderID, Refused).
		Order("id").Pluck("id", &ids).Error
	if err != nil {
		return fmt.Errorf("find the captures of order %d to be verified: %w", orderID, err)
	}
	for _, id := range ids {
		if err := p.verify(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pusher) verify(ctx context.Context, id int64) error {
	claim, err := work.Take(ctx, p.db, p.clock, p.captures(), id)
	if err != nil {
		return err
	}
	if claim == nil {
		return errUnverified
	}
	t := &turn{Pusher: p, claim: claim}
	if err := t.verify(ctx); err != nil {
		over := context.WithoutCancel(ctx) // even if nobody waits for the answer any more
		return errors.Join(err, p.db.InTx(over, func(tx *gorm.DB) error {
			if err := t.keepCalls(tx); err != nil {
				return err
			}
			return claim.Finish(tx, nil)
		}))
	}
	return nil
}

func (t *turn) verify(ctx context.Context) error {
	settled := false
	err := t.db.InTx(ctx, func(tx *gorm.DB) (err error) {
		if t.facts, err = load(tx, t.claim.ID); err != nil {
			return err
		}
		c := &t.facts.Capture
		if settled = c.State != Refused || !c.Unanswered; settled {
			return t.claim.Finish(tx, c.DueAt)
		}
		return nil
	})
	if err != nil || settled {
		return err
	}
	if _, blocked := unfit(t.facts); blocked {
		return errUnverified
	}
	om, err := t.api()
	if err != nil {
		return err
	}
	ko, call, err := om.Order(ctx, t.target())
	t.calls = append(t.calls, call)
	if err != nil {
		return errUnverified
	}
	r, err := t.reading(ctx, ko)
	if err != nil {
		return err
	}
	ours, different := match(t.facts, r)
	c := &t.facts.Capture
	switch {
	case ours != nil:
		return t.confirm(ctx, confirmation{captureID: ours.CaptureID, at: ours.CapturedAt, adopted: ours})
	case different != nil:
		return errUnverified
	}
	c.Unanswered = false
	return t.end(ctx, ending{state: Refused, rule: c.Rule})
}
