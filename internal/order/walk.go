package order

import (
	"context"
	"fmt"
	"iter"
	"math"

	"gorm.io/gorm"
)

// Each returns all orders that f finds, newest first, some at a time: with their payment
// methods, delivery notes and parcels. Its cursors do not count. What comes and goes
// meanwhile may be in it or not; nothing else is twice or missing.
func (s *Service) Each(ctx context.Context, f Filter) iter.Seq2[[]Order, error] {
	byID := func(tx *gorm.DB) *gorm.DB { return tx.Order("id") }
	return func(yield func([]Order, error) bool) {
		for last := int64(math.MaxInt64); f.findable(); {
			var orders []Order
			err := s.found(ctx, f).Preload("PaymentMethod").Preload("Notes", "withdrawn_at IS NULL", byID).Preload("Notes.Parcels", byID).
				Where("orders.id < ?", last).Order("orders.id DESC").Limit(MaxPage).Find(&orders).Error
			if err != nil {
				yield(nil, fmt.Errorf("list orders: %w", err))
				return
			}
			if len(orders) == 0 || !yield(orders, nil) {
				return
			}
			last = orders[len(orders)-1].ID
		}
	}
}

// IDs returns the ids of all orders that f finds, newest first.
func (s *Service) IDs(ctx context.Context, f Filter) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for last := int64(math.MaxInt64); f.findable(); {
			var ids []int64
			err := s.found(ctx, f).Where("orders.id < ?", last).Order("orders.id DESC").Limit(MaxPage).Pluck("orders.id", &ids).Error
			if err != nil {
				yield(0, fmt.Errorf("list the ids of orders: %w", err))
				return
			}
			for _, last = range ids {
				if !yield(last, nil) {
					return
				}
			}
			if len(ids) < MaxPage {
				return
			}
		}
	}
}

// Neighbours are the orders before and after one in a list; nil where there is none.
// They have an id and a number only.
type Neighbours struct{ Newer, Older *Order }

// NeighboursOf returns the neighbours of an order in the list of f, to which it need not
// belong any more.
func (s *Service) NeighboursOf(ctx context.Context, f Filter, id int64) (n Neighbours, err error) {
	if !f.findable() {
		return n, nil
	}
	next := func(condition, by string) (*Order, error) {
		var found []Order
		err := s.found(ctx, f).Select("orders.id", "orders.number").Where(condition, id).Order(by).Limit(1).Find(&found).Error
		if err != nil || len(found) == 0 {
			return nil, err
		}
		return &found[0], nil
	}
	if n.Newer, err = next("orders.id > ?", "orders.id"); err == nil {
		n.Older, err = next("orders.id < ?", "orders.id DESC")
	}
	if err != nil {
		return Neighbours{}, fmt.Errorf("find the neighbours of order %d: %w", id, err)
	}
	return n, nil
}
