package dispatch

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// trackingFacts is what the database knows about some lines of a file of tracking
// numbers, read with a handful of queries.
type trackingFacts struct {
	byOrder, byNote, byExternal map[string][]referred // by reference
	orders                      map[int64]*trackedOrder
	waiting                     map[int64][]string              // order: the notes of which each may be meant
	parcels                     map[trackingKey]map[string]bool // the notes that have them
	others                      map[string][]trackedParcel      // by tracking number
	own                         map[string]bool                 // tracking numbers that are ours, of orders and notes
}

// referred is what a reference means: an order, or a note of it.
type referred struct {
	order int64
	note  string // "" for the order
}

type trackedOrder struct {
	ID           int64
	Number       string
	Status       order.Status
	CustomerName string
	Module       paymentmethod.Module
}

type trackedParcel struct {
	TrackingKey string
	OrderID     int64
	Number      string // of the order
	Note        string
}

// find returns what a reference may mean.
func (f *trackingFacts) find(reference string, is Reference) []referred {
	switch is {
	case OrderReference:
		return f.byOrder[reference]
	case NoteReference:
		return f.byNote[reference]
	case ExternalReference:
		return f.byExternal[reference]
	}
	if notes := f.byNote[reference]; len(notes) == 1 && sameOrder(notes[0].order, f.byOrder[reference], f.byExternal[reference]) {
		return notes
	}
	var all []referred
	for _, s := range slices.Concat(f.byNote[reference], f.byOrder[reference], f.byExternal[reference]) {
		if !slices.Contains(all, referred{order: s.order}) {
			all = append(all, referred{order: s.order})
		}
	}
	return all
}

func sameOrder(id int64, others ...[]referred) bool {
	for _, found := range others {
		for _, s := range found {
			if s.order != id {
				return false
			}
		}
	}
	return true
}

func (f *trackingFacts) numbers(found []referred) (numbers []string) {
	for _, s := range found {
		numbers = append(numbers, f.orders[s.order].Number)
	}
	return numbers
}

// elsewhere is the number of another order with the same tracking number.
func (f *trackingFacts) elsewhere(key string, orderID int64) string {
	for _, p := range f.others[key] {
		if p.OrderID != orderID {
			return p.Number
		}
	}
	return ""
}

// look reads the facts about lines.
func (p *trackingPreview) look(lines []trackingLine) (*trackingFacts, error) {
	f := &trackingFacts{byOrder: map[string][]referred{}, byNote: map[string][]referred{}, byExternal: map[string][]referred{},
		orders: map[int64]*trackedOrder{}, waiting: map[int64][]string{}, parcels: map[trackingKey]map[string]bool{},
		others: map[string][]trackedParcel{}, own: map[string]bool{}}
	var references, numbers, keys []string
	for _, l := range lines {
		if len(l.problems) == 0 {
			references, numbers, keys = append(references, l.reference), append(numbers, l.parcel.TrackingNumber), append(keys, l.key)
		}
	}
	if len(references) == 0 {
		return f, nil
	}
	tx := p.db.Read(p.ctx)
	for _, read := range []func() error{
		func() error { return f.readOrders(tx, references) },
		func() error { return f.readNotes(tx) },
		func() error { return f.readParcels(tx, keys) },
		func() error { return f.readOwn(tx, numbers) },
	} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("look parcels up: %w", err)
		}
	}
	return f, nil
}

// readOrders finds the orders that are referred to.
func (f *trackingFacts) readOrders(tx *gorm.DB, references []string) error {
	var rows []struct {
		Order                trackedOrder `gorm:"embedded"`
		ExternalNumber, Note string
	}
	err := tx.Raw(`SELECT o.id, o.number, o.external_number, o.status, o.customer_name, m.module, coalesce(n.number, '') AS note
		FROM orders o JOIN payment_methods m ON m.id = o.payment_method_id
		LEFT JOIN delivery_notes n ON n.order_id = o.id AND n.withdrawn_at IS NULL AND n.number IN (@references)
		WHERE o.id IN (
			SELECT id FROM orders WHERE number IN (@references)
			UNION SELECT id FROM orders WHERE external_number <> '' AND external_number IN (@references)
			UNION SELECT order_id FROM delivery_notes WHERE withdrawn_at IS NULL AND number IN (@references))
		ORDER BY o.id, n.id`, map[string]any{"references": references}).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		o := &r.Order
		if f.orders[o.ID] == nil {
			f.orders[o.ID] = o
			f.byOrder[o.Number] = append(f.byOrder[o.Number], referred{order: o.ID})
			f.byExternal[r.ExternalNumber] = append(f.byExternal[r.ExternalNumber], referred{order: o.ID})
		}
		if r.Note != "" {
			f.byNote[r.Note] = append(f.byNote[r.Note], referred{o.ID, r.Note})
		}
	}
	return nil
}

// readNotes finds the notes that a parcel of the orders may be meant for.
func (f *trackingFacts) readNotes(tx *gorm.DB) error {
	if len(f.orders) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(f.orders))
	for id := range f.orders {
		ids = append(ids, id)
	}
	var rows []struct {
		ID, OrderID int64
		Number      string
		ShippedAt   *time.Time
		State       *capture.State
	}
	err := tx.Raw(`SELECT n.id, n.order_id, n.number, n.shipped_at, c.state FROM delivery_notes n LEFT JOIN captures c ON c.delivery_note_id = n.id
		WHERE n.withdrawn_at IS NULL AND n.order_id IN ? ORDER BY n.id`, ids).Scan(&rows).Error
	for _, r := range rows {
		if waits(r.ShippedAt != nil, r.State, f.orders[r.OrderID].Module == paymentmethod.ModuleKlarna) {
			f.waiting[r.OrderID] = append(f.waiting[r.OrderID], r.Number)
		}
	}
	return err
}

func (f *trackingFacts) readParcels(tx *gorm.DB, keys []string) error {
	var rows []trackedParcel
	err := tx.Raw(`SELECT p.tracking_key, p.order_id, o.number, n.number AS note FROM parcels p JOIN orders o ON o.id = p.order_id
		JOIN delivery_notes n ON n.id = p.delivery_note_id WHERE p.tracking_key IN ? ORDER BY p.id DESC`, keys).Scan(&rows).Error
	for _, r := range rows {
		at := trackingKey{r.OrderID, r.TrackingKey}
		if f.parcels[at] == nil {
			f.parcels[at] = map[string]bool{}
		}
		f.parcels[at][r.Note] = true
		f.others[r.TrackingKey] = append(f.others[r.TrackingKey], r)
	}
	return err
}

// readOwn finds our own numbers among tracking numbers: somebody took the wrong column.
func (f *trackingFacts) readOwn(tx *gorm.DB, numbers []string) error {
	var own []string
	err := tx.Raw(`SELECT number FROM orders WHERE number IN (@numbers) UNION SELECT number FROM delivery_notes WHERE number IN (@numbers)`,
		map[string]any{"numbers": numbers}).Scan(&own).Error
	for _, number := range own {
		f.own[number] = true
	}
	return err
}
