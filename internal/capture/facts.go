package capture

import (
	"fmt"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
)

// load reads the facts of a capture and keeps others from changing its order until tx
// ends.
func load(tx *gorm.DB, id int64) (*Facts, error) {
	var f Facts
	// The order first: what is read after it can't change any more.
	o, err := order.LockWhere(tx, "id = (SELECT order_id FROM captures WHERE id = ?)", id)
	if err != nil {
		return nil, fmt.Errorf("read the order of capture %d: %w", id, err)
	}
	f.Order = *o
	steps := []struct {
		what string
		do   func() error
	}{
		{"row", func() error { return captures(tx, id, &f) }},
		{"lines", func() error { return tx.Where("order_id = ?", o.ID).Order("id").Find(&f.Order.Lines).Error }},
		{"payment method", func() error { return tx.Take(&f.Method, f.Capture.PaymentMethodID).Error }},
		{"delivery note", func() error { return tx.Preload("Lines").Take(&f.Note, f.Capture.DeliveryNoteID).Error }},
		{"parcels", func() error { return parcelsOf(tx, f.Note.ID, &f.Parcels) }},
		{"generations", func() error { return tx.Where("capture_row_id = ?", id).Order("generation").Find(&f.Generations).Error }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return nil, fmt.Errorf("read the %s of capture %d: %w", s.what, id, err)
		}
	}
	f.Order.PaymentMethod = f.Method
	return &f, nil
}

// captures reads all captures of the order: the one of the facts, and its siblings.
func captures(tx *gorm.DB, id int64, f *Facts) error {
	var all []Capture
	if err := tx.Where("order_id = ?", f.Order.ID).Order("id").Find(&all).Error; err != nil {
		return err
	}
	for _, c := range all {
		if c.ID == id {
			f.Capture = c
		} else {
			f.Siblings = append(f.Siblings, c)
		}
	}
	return nil
}

func parcelsOf(tx *gorm.DB, noteID int64, into *[]order.Parcel) error {
	*into = nil
	return tx.Where("delivery_note_id = ?", noteID).Order("id").Find(into).Error
}

// heldElsewhere returns which of these capture ids other rows hold: rows of other
// orders in any way, rows of this order for themselves alone.
func heldElsewhere(tx *gorm.DB, c *Capture, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var held []string
	err := tx.Model(&Capture{}).Where("capture_id IN ? AND id <> ? AND (order_id <> ? OR NOT shared)", ids, c.ID, c.OrderID).
		Pluck("capture_id", &held).Error
	if err != nil {
		return nil, fmt.Errorf("find who holds captures of %s: %w", c.KlarnaOrderID, err)
	}
	return held, nil
}
