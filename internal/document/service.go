package document

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// Service makes documents and finds them.
type Service struct {
	db    *store.DB
	clock *clock.Clock
	trail *audit.Trail
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, trail *audit.Trail) *Service {
	return &Service{db: db, clock: clk, trail: trail}
}

// findOrders returns orders with all that stands on papers, by id.
func (s *Service) findOrders(ctx context.Context, ids ...int64) (map[int64]*order.Order, error) {
	var found []order.Order
	err := s.db.Read(ctx).Preload("PaymentMethod").
		Preload("Lines", func(tx *gorm.DB) *gorm.DB { return tx.Order("position") }).
		Preload("Notes", func(tx *gorm.DB) *gorm.DB { return tx.Order("id") }).Preload("Notes.Lines").
		Where("id IN ?", ids).Find(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read orders for their papers: %w", err)
	}
	orders := make(map[int64]*order.Order, len(found))
	for i := range found {
		orders[found[i].ID] = &found[i]
	}
	return orders, nil
}

func (s *Service) findOrder(ctx context.Context, id int64) (*order.Order, error) {
	orders, err := s.findOrders(ctx, id)
	if err != nil {
		return nil, err
	}
	if orders[id] == nil {
		return nil, fault.New(fault.NotFound, "order.error.not_found")
	}
	return orders[id], nil
}

// findNote returns a delivery note with its order.
func (s *Service) findNote(ctx context.Context, id int64) (*order.Order, *order.DeliveryNote, error) {
	var n order.DeliveryNote
	err := s.db.Read(ctx).Select("id", "order_id").Take(&n, id).Error
	if store.IsNotFound(err) {
		return nil, nil, fault.Wrap(err, fault.NotFound, "document.error.no_such_note")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("find delivery note %d: %w", id, err)
	}
	o, err := s.findOrder(ctx, n.OrderID)
	if err != nil {
		return nil, nil, err
	}
	for i := range o.Notes {
		if o.Notes[i].ID == id {
			return o, &o.Notes[i], nil
		}
	}
	return nil, nil, fault.New(fault.NotFound, "document.error.no_such_note")
}

// mayLeave refuses the papers of what does not leave: a note that was taken back, an
// order that was cancelled.
func mayLeave(o *order.Order, n *order.DeliveryNote) error {
	switch {
	case n.WithdrawnAt != nil:
		return fault.New(fault.Conflict, "document.error.withdrawn", "Note", n.Number)
	case o.Status == order.Cancelled:
		return fault.New(fault.Conflict, "document.error.cancelled", "Number", o.Number)
	}
	return nil
}
