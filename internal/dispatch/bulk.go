package dispatch

import (
	"context"
	"fmt"
	"iter"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

// BulkKinds are what can be done with a selection of orders besides autoship.
var BulkKinds = []batch.Kind{batch.Release, batch.Ship, batch.Resend}

// bulkEntries are the kinds of the protocol entries that say that it was done.
var bulkEntries = map[batch.Kind]string{
	batch.Release: "order_released", batch.Ship: "shipped_without_tracking", batch.Resend: "resend",
}

// PrepareBulk makes the preview of one of BulkKinds: each item says what would happen to
// an order, or why nothing. Errors: Conflict when there are no orders; what ids yields.
func (s *Service) PrepareBulk(ctx context.Context, kind batch.Kind, ids iter.Seq2[int64, error], actor string) (*batch.Batch, error) {
	return s.Batches.Create(ctx, batch.Batch{Kind: kind, Actor: actor}, s.bulkItems(ctx, kind, ids))
}

// bulkItems foresees what becomes of orders, many at a time and each once.
func (s *Service) bulkItems(ctx context.Context, kind batch.Kind, ids iter.Seq2[int64, error]) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		found := false
		flush := func(chunk []int64) bool {
			items, err := s.foresee(ctx, kind, chunk)
			if err != nil {
				yield(batch.Item{}, err)
				return false
			}
			for _, id := range chunk { // one that does not exist was never seen by anybody
				if item, ok := items[id]; ok {
					found = true
					if !yield(item, nil) {
						return false
					}
				}
			}
			return true
		}
		seen := map[int64]bool{}
		var chunk []int64
		for id, err := range ids {
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			if seen[id] {
				continue
			}
			seen[id] = true
			if chunk = append(chunk, id); len(chunk) == store.Batch {
				if !flush(chunk) {
					return
				}
				chunk = chunk[:0]
			}
		}
		if flush(chunk) && !found {
			yield(batch.Item{}, fault.New(fault.Conflict, "bulk.error.none"))
		}
	}
}

// foresee says what would become of orders, by their ids, with as many queries for many
// as for one. Those that do not exist are missing.
func (s *Service) foresee(ctx context.Context, kind batch.Kind, ids []int64) (map[int64]batch.Item, error) {
	items := map[int64]batch.Item{}
	if len(ids) == 0 {
		return items, nil
	}
	var orders []order.Order
	if err := s.db.Read(ctx).Preload("PaymentMethod").Where("id IN ?", ids).Find(&orders).Error; err != nil {
		return nil, fmt.Errorf("read the selected orders: %w", err)
	}
	var judge func(o *order.Order) batch.Result
	switch kind {
	case batch.Release:
		judge = foreseeRelease
	case batch.Ship:
		progress, err := order.ProgressOf(s.db.Read(ctx), orders)
		if err != nil {
			return nil, err
		}
		judge = func(o *order.Order) batch.Result { return foreseeShip(o, progress[o.ID]) }
	case batch.Resend:
		told, err := s.Captures.FindByOrders(ctx, ids...)
		if err != nil {
			return nil, err
		}
		judge = func(o *order.Order) batch.Result { return foreseeResend(o, told[o.ID]) }
	default:
		return nil, fmt.Errorf("nobody does %q with a selection", kind)
	}
	for i := range orders {
		o := &orders[i]
		r := judge(o)
		items[o.ID] = batch.Item{Label: o.Number, OrderID: &o.ID, State: r.State, Messages: r.Messages}
	}
	return items, nil
}

func bulkRefused(key string, o *order.Order) batch.Result {
	return batch.Result{State: batch.ItemRefused, Messages: []batch.Message{batch.Say(key, "Number", o.Number)}}
}

func bulkUnchanged(key string, o *order.Order) batch.Result {
	return batch.Result{State: batch.Unchanged, Messages: []batch.Message{batch.Say(key, "Number", o.Number)}}
}

func bulkCan(keys ...string) (r batch.Result) {
	for _, key := range keys {
		r.Messages = append(r.Messages, batch.Say(key))
	}
	return r
}

func foreseeRelease(o *order.Order) batch.Result {
	switch o.Status {
	case order.Draft:
		return bulkCan()
	case order.Cancelled:
		return bulkRefused("dispatch.error.cancelled", o)
	}
	return bulkUnchanged("dispatch.error.not_draft", o)
}

func foreseeShip(o *order.Order, p order.Progress) batch.Result {
	switch {
	case o.Status == order.Draft:
		return bulkRefused("dispatch.error.draft", o)
	case o.Status == order.Cancelled:
		return bulkRefused("dispatch.error.cancelled", o)
	case p.AllGone:
		return bulkUnchanged("dispatch.error.all_left", o)
	}
	var keys []string
	if !o.Paid() {
		keys = append(keys, "bulk.ship.not_paid")
	}
	return bulkCan(append(keys, bulkTells(o))...)
}

// bulkTells is the key of who is told that an order has left.
func bulkTells(o *order.Order) string {
	switch {
	case !o.IsKlarna():
		return "bulk.ship.nobody"
	case o.PaymentMethod.Connection == paymentmethod.Plugin:
		return "bulk.ship.plugin"
	case !o.TellKlarna:
		return "bulk.ship.dont_tell"
	case o.PaymentMethod.Connection == paymentmethod.Manual:
		return "bulk.ship.by_hand"
	}
	return "bulk.ship.klarna"
}

func foreseeResend(o *order.Order, told capture.Told) batch.Result {
	if o.Status == order.Cancelled {
		return bulkRefused("capture.error.resend_cancelled", o)
	}
	if !told.MayResend(&o.PaymentMethod) {
		return bulkUnchanged("capture.error.nothing_to_resend", o)
	}
	for _, c := range told.Captures {
		if c.State == capture.Unknown {
			return bulkCan("bulk.resend.unknown")
		}
	}
	return bulkCan("bulk.resend.again")
}

// Bulk is the batch.Handler of BulkKinds. It does what the action of the order's own
// page does; an order that has changed since the preview is judged anew.
func (s *Service) Bulk(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
	if i.OrderID == nil {
		return batch.Result{}, fault.New(fault.NotFound, "order.error.not_found")
	}
	id := *i.OrderID
	if done, err := s.bulkDone(ctx, b, id); err != nil || done {
		return batch.Result{}, err // its turn was cut off before the result was kept
	}
	foreseen, err := s.foresee(ctx, b.Kind, []int64{id})
	if err != nil {
		return batch.Result{}, err
	}
	r := batch.Result{State: foreseen[id].State, Messages: foreseen[id].Messages}
	if r.State != "" {
		return r, nil
	}
	switch b.Kind {
	case batch.Release:
		err = s.Release(ctx, id, b.Actor)
	case batch.Ship:
		err = s.Ship(ctx, id, ShipInput{WithoutTracking: true}, b.Actor)
	case batch.Resend:
		err = s.Captures.Resend(ctx, id, b.Actor)
	}
	return r, err
}

// bulkDone tells that the batch has done its work on an order already: its starter's
// protocol entry is there.
func (s *Service) bulkDone(ctx context.Context, b *batch.Batch, orderID int64) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Model(&order.ProtocolEntry{}).Limit(1).
		Where("order_id = ? AND kind = ? AND actor = ? AND at >= ?", orderID, bulkEntries[b.Kind], b.Actor, b.StartedAt).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look for what was done with order %d: %w", orderID, err)
	}
	return n > 0, nil
}
