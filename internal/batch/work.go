package batch

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"zahlwerk/internal/work"
)

// chunk is how many items are done before their results are written down, and so how
// many come again after a crash.
const chunk = 20

// work is a turn with a batch: items in their order until none waits, or somebody has
// stopped it.
func (s *Service) work(ctx context.Context, c *work.Claim) error {
	b, err := s.Find(ctx, c.ID)
	if err != nil {
		return err
	}
	handle, ok := s.handlers[b.Kind]
	if !ok {
		return fmt.Errorf("batch %d: nobody does %q", b.ID, b.Kind)
	}
	var last int64
	for {
		items, err := s.Items(ctx, b.ID, last, chunk, Waiting)
		if err != nil {
			return err
		}
		n := 0
		var failed error
		for ; n < len(items) && failed == nil; n++ {
			failed = s.do(ctx, b, &items[n], handle)
		}
		if failed != nil {
			n-- // that one comes again
		}
		finished, err := s.keep(context.WithoutCancel(ctx), c, items[:n], len(items) == 0)
		if err := errors.Join(failed, err); err != nil || finished {
			return err
		}
		last = items[len(items)-1].Position
	}
}

// do lets an item have its turn and says in it what became of it.
func (s *Service) do(ctx context.Context, b *Batch, i *Item, handle Handler) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r, err := handle(ctx, b, i)
	if err != nil {
		messages, ok := MessagesOf(err)
		if !ok {
			return fmt.Errorf("batch %d, item %d: %w", b.ID, i.Position, err)
		}
		r.State, r.Messages = ItemRefused, messages
	}
	if r.State == "" {
		r.State = ItemDone
	}
	i.State, i.Messages = r.State, r.Messages
	if r.OrderID != nil {
		i.OrderID = r.OrderID
	}
	return nil
}

// keep writes down what became of items, and renews the lease or, at the end or when the
// batch was stopped, gives the row back.
func (s *Service) keep(ctx context.Context, c *work.Claim, items []Item, end bool) (finished bool, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		counts := map[ItemState]int64{}
		for _, i := range items {
			counts[i.State]++
			if err := tx.Model(&i).Select("state", "order_id", "messages").Updates(&i).Error; err != nil {
				return err
			}
		}
		changes := map[string]any{
			"done":      gorm.Expr("done + ?", counts[ItemDone]),
			"unchanged": gorm.Expr("unchanged + ?", counts[Unchanged]),
			"refused":   gorm.Expr("refused + ?", counts[ItemRefused]),
		}
		if end {
			changes["state"], changes["finished_at"] = Done, s.clock.Now()
		}
		res := c.Mine(tx).Updates(changes)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return work.ErrLost
		}
		var state State
		if err := tx.Raw("SELECT state FROM batches WHERE id = ?", c.ID).Scan(&state).Error; err != nil {
			return err
		}
		if finished = end || state != Running; finished {
			return c.Finish(tx, nil)
		}
		return c.Renew(tx)
	})
	return finished, err
}
