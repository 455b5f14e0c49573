package capture

import (
	"context"
	"fmt"

	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Told is what Klarna was told, or is to be told, about an order.
type Told struct {
	Captures map[int64]Capture      // by the id of their delivery note
	Parcels  map[int64]ParcelAppend // by the id of a parcel that is told after its note
}

// MayResend tells that Resend would do something for an order that is not cancelled and
// paid by m.
func (t Told) MayResend(m *paymentmethod.Method) bool {
	for _, c := range t.Captures {
		switch c.State {
		case Refused, Pending, Sending, Unknown:
			return true
		case ByHand, Skipped:
			if m.Connected() && c.Rule != RuleNothingToCapture {
				return true
			}
		}
	}
	for _, p := range t.Parcels {
		if p.State != order.ReportReported {
			return true
		}
	}
	return false
}

// FindByOrder returns what Klarna was told, or is to be told, about an order.
func (p *Pusher) FindByOrder(ctx context.Context, orderID int64) (Told, error) {
	told, err := p.FindByOrders(ctx, orderID)
	return told[orderID], err
}

// FindByOrders is FindByOrder for many, by their ids, with as many queries as for one.
func (p *Pusher) FindByOrders(ctx context.Context, ids ...int64) (map[int64]Told, error) {
	told := make(map[int64]Told, len(ids))
	for _, id := range ids {
		told[id] = Told{Captures: map[int64]Capture{}, Parcels: map[int64]ParcelAppend{}}
	}
	var captures []Capture
	if err := p.db.Read(ctx).Where("order_id IN ?", ids).Order("id").Find(&captures).Error; err != nil {
		return nil, fmt.Errorf("read captures: %w", err)
	}
	for _, c := range captures {
		told[c.OrderID].Captures[c.DeliveryNoteID] = c
	}
	var parcels []ParcelAppend
	if err := p.db.Read(ctx).Where("order_id IN ?", ids).Order("id").Find(&parcels).Error; err != nil {
		return nil, fmt.Errorf("read appended parcels: %w", err)
	}
	for _, a := range parcels {
		told[a.OrderID].Parcels[a.ParcelID] = a
	}
	return told, nil
}
