package capture

import (
	"context"
	"fmt"
)

// Told is what Klarna was told, or is to be told, about an order.
type Told struct {
	Captures map[int64]Capture      // by the id of their delivery note
	Parcels  map[int64]ParcelAppend // by the id of a parcel that is told after its note
}

// FindByOrder returns what Klarna was told, or is to be told, about an order.
func (p *Pusher) FindByOrder(ctx context.Context, orderID int64) (Told, error) {
	told := Told{Captures: map[int64]Capture{}, Parcels: map[int64]ParcelAppend{}}
	captures, err := ofOrder(p.db.Read(ctx), orderID)
	if err != nil {
		return told, err
	}
	for _, c := range captures {
		told.Captures[c.DeliveryNoteID] = c
	}
	var parcels []ParcelAppend
	if err := p.db.Read(ctx).Where("order_id = ?", orderID).Order("id").Find(&parcels).Error; err != nil {
		return told, fmt.Errorf("read the appended parcels of order %d: %w", orderID, err)
	}
	for _, a := range parcels {
		told.Parcels[a.ParcelID] = a
	}
	return told, nil
}
