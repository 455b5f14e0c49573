package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"gorm.io/gorm"

	"zahlwerk/internal/work"
)

// chunk is how many items are done before their results are written down, and so how
// many come again after a crash. After turn chunks other batches come first, and a
// program that is to stop need not wait for the end of this one.
const (
	chunk = 20
	turn  = 10
)

// patience is how often an item may end in an accident of our own before it is refused,
// so that the others get their turn.
const patience = 3

// work is a turn with a batch: items in their order until none waits, somebody has
// stopped it, or the turn is over.
func (s *Service) work(ctx context.Context, c *work.Claim) error {
	b, err := s.Find(ctx, c.ID)
	if err != nil {
		return err
	}
	handle, ok := s.handlers[b.Kind]
	if !ok {
		return fmt.Errorf("batch %d: nobody does %q", b.ID, b.Kind)
	}
	if rests, err := s.keep(ctx, c, b, nil, false); err != nil || rests { // stopped before its turn
		return err
	}
	var last int64
	for range turn {
		items, err := s.Items(ctx, b.ID, last, chunk, Waiting)
		if err != nil {
			return err
		}
		handled, failed := s.doEach(ctx, b, items, handle)
		rests, err := s.keep(context.WithoutCancel(ctx), c, b, handled, len(items) == 0)
		if err := errors.Join(failed, err); err != nil || rests {
			return err
		}
		last = items[len(items)-1].Position
	}
	now := s.clock.Now()
	return c.FinishNow(ctx, &now)
}

// doEach does items until one ends in an accident of our own: that one comes again, at
// most patience times.
func (s *Service) doEach(ctx context.Context, b *Batch, items []Item, handle Handler) (handled []Item, failed error) {
	for n := range items {
		err := s.do(ctx, b, &items[n], handle)
		switch {
		case err == nil:
			b.Failures = 0
			continue
		case ctx.Err() != nil: // cut off, which is nobody's fault
			return items[:n], err
		}
		if b.Failures++; b.Failures < patience {
			return items[:n], err
		}
		b.Failures = 0
		items[n].State, items[n].Messages = ItemRefused, []Message{Say("batch.error.accident")}
		return items[:n+1], err
	}
	return items, nil
}

// do lets an item have its turn and says in it what became of it.
func (s *Service) do(ctx context.Context, b *Batch, i *Item, handle Handler) (err error) {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("batch %d, item %d: panic: %v\n%s", b.ID, i.Position, p, debug.Stack())
		}
	}()
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

// keep writes down what became of items, and renews the lease or, at the end or when
// somebody has stopped the batch, gives the row back: then it rests. Where the lease is
// lost, both refuse, and nothing is written.
func (s *Service) keep(ctx context.Context, c *work.Claim, b *Batch, items []Item, end bool) (rests bool, err error) {
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
			"failures":  b.Failures,
		}
		if end {
			changes["state"], changes["finished_at"] = Done, s.clock.Now()
		}
		if err := c.Mine(tx).Updates(changes).Error; err != nil {
			return err
		}
		var state State
		if err := tx.Raw("SELECT state FROM batches WHERE id = ?", c.ID).Scan(&state).Error; err != nil {
			return err
		}
		if rests = state != Running; rests {
			return c.Finish(tx, nil)
		}
		return c.Renew(tx)
	})
	if err != nil {
		return false, fmt.Errorf("keep the results of batch %d: %w", b.ID, err)
	}
	return rests, nil
}
