package dispatch

import (
	"context"
	"fmt"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// Item is a line of the dispatch centre: a delivery note, or an order that has none yet.
type Item struct {
	OrderID        int64
	OrderNumber    string
	CustomerName   string
	Country        string
	PaymentMethod  string
	KlarnaOrderID  string
	Feedback       order.Feedback
	NoteID         int64 // 0: the order has no note yet
	NoteNumber     string
	Amount         int64
	Currency       string
	CreatedAt      time.Time
	ShippedAt      *time.Time
	TrackingNumber string // of the newest parcel
	Carrier        string
	// CaptureRowID, CaptureState, Actor and UpdatedAt are of the note's capture, for the
	// list of what is marked by hand.
	CaptureRowID int64
	CaptureState capture.State
	Actor        string
	UpdatedAt    *time.Time
	Environment  string
	UsernameHint string
}

// Items is one page of a list; Next is the cursor of the following one, 0 at the end.
type Items struct {
	Items []Item
	Next  int64
}

const itemColumns = `o.id AS order_id, o.number AS order_number, o.customer_name, o.country, m.name AS payment_method,
	o.klarna_order_id, o.feedback, n.id AS note_id, n.number AS note_number, n.amount, o.currency, n.created_at, n.shipped_at,
	m.environment, m.username_hint,
	(SELECT p.tracking_number FROM parcels p WHERE p.delivery_note_id = n.id ORDER BY p.id DESC LIMIT 1) AS tracking_number,
	(SELECT p.carrier FROM parcels p WHERE p.delivery_note_id = n.id ORDER BY p.id DESC LIMIT 1) AS carrier`

// ListOpen returns delivery notes that have not left, oldest first, after the cursor.
func (s *Service) ListOpen(ctx context.Context, after int64, limit int) (Items, error) {
	return s.items(ctx, limit, func(i Item) int64 { return i.NoteID }, `SELECT `+itemColumns+`
		FROM delivery_notes n JOIN orders o ON o.id = n.order_id JOIN payment_methods m ON m.id = o.payment_method_id
		WHERE n.shipped_at IS NULL AND n.withdrawn_at IS NULL AND o.status NOT IN ('draft', 'cancelled') AND n.id > ?
		ORDER BY n.id LIMIT ?`, after, limit+1)
}

// ListWithoutNote returns released orders that have no delivery note yet, oldest first.
func (s *Service) ListWithoutNote(ctx context.Context, after int64, limit int) (Items, error) {
	return s.items(ctx, limit, func(i Item) int64 { return i.OrderID }, `SELECT o.id AS order_id, o.number AS order_number, o.customer_name,
		o.country, m.name AS payment_method, o.klarna_order_id, o.feedback, o.total AS amount, o.currency, o.created_at
		FROM orders o JOIN payment_methods m ON m.id = o.payment_method_id
		WHERE o.status = 'released' AND o.id > ? AND NOT EXISTS
			(SELECT 1 FROM delivery_notes n WHERE n.order_id = o.id AND n.withdrawn_at IS NULL)
		ORDER BY o.id LIMIT ?`, after, limit+1)
}

// ListShipped returns delivery notes that have left, newest first, before the cursor.
func (s *Service) ListShipped(ctx context.Context, before int64, limit int) (Items, error) {
	if before == 0 {
		before = 1 << 62
	}
	return s.items(ctx, limit, func(i Item) int64 { return i.NoteID }, `SELECT `+itemColumns+`
		FROM delivery_notes n JOIN orders o ON o.id = n.order_id JOIN payment_methods m ON m.id = o.payment_method_id
		WHERE n.shipped_at IS NOT NULL AND n.id < ? ORDER BY n.id DESC LIMIT ?`, before, limit+1)
}

// ListByHand returns what a person has to mark in Klarna's portal, oldest first, after
// the cursor.
func (s *Service) ListByHand(ctx context.Context, after int64, limit int) (Items, error) {
	return s.items(ctx, limit, func(i Item) int64 { return i.CaptureRowID }, `SELECT `+itemColumns+byHandColumns+`
		WHERE c.state = ? AND c.id > ? ORDER BY c.id LIMIT ?`, capture.ByHand, after, limit+1)
}

// ListDoneByHand returns what was marked in Klarna's portal and ticked off, the newest
// tick first, after the cursor.
func (s *Service) ListDoneByHand(ctx context.Context, after int64, limit int) (Items, error) {
	older, args := "", []any{}
	if after != 0 {
		older, args = " AND (c.updated_at, c.id) < (SELECT d.updated_at, d.id FROM captures d WHERE d.id = ?)", []any{after}
	}
	return s.items(ctx, limit, func(i Item) int64 { return i.CaptureRowID }, `SELECT `+itemColumns+byHandColumns+`
		WHERE c.state = 'done_by_hand'`+older+` ORDER BY c.updated_at DESC, c.id DESC LIMIT ?`, append(args, limit+1)...)
}

const byHandColumns = `, c.id AS capture_row_id, c.state AS capture_state, c.actor, c.updated_at
	FROM captures c JOIN delivery_notes n ON n.id = c.delivery_note_id JOIN orders o ON o.id = n.order_id
	JOIN payment_methods m ON m.id = o.payment_method_id`

func (s *Service) items(ctx context.Context, limit int, id func(Item) int64, query string, args ...any) (Items, error) {
	var page Items
	if err := s.db.Read(ctx).Raw(query, args...).Scan(&page.Items).Error; err != nil {
		return page, fmt.Errorf("list the dispatch centre: %w", err)
	}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.Next = id(page.Items[limit-1])
	}
	return page, nil
}

// FindNote returns the delivery note of a number with its order's id; NotFound when
// there is none.
func (s *Service) FindNote(ctx context.Context, number string) (*order.DeliveryNote, error) {
	var n order.DeliveryNote
	if !store.Storable(number) {
		return nil, fault.New(fault.NotFound, "dispatch.error.no_such_note", "Note", number)
	}
	err := s.db.Read(ctx).Preload("Lines").Preload("Parcels").Where("number = ?", number).Take(&n).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "dispatch.error.no_such_note", "Note", number)
	}
	if err != nil {
		return nil, fmt.Errorf("find delivery note %s: %w", number, err)
	}
	return &n, nil
}

// Scan finds what a scanned or typed number means in the dispatch centre: a delivery
// note, or an order by its own or external number.
func (s *Service) Scan(ctx context.Context, number string) (note string, orderID int64, err error) {
	if !store.Storable(number) {
		return "", 0, fault.New(fault.NotFound, "dispatch.error.scan_unknown", "Number", number)
	}
	var n order.DeliveryNote
	err = s.db.Read(ctx).Where("number = ?", number).Limit(1).Find(&n).Error
	if err != nil || n.ID != 0 {
		return n.Number, n.OrderID, err
	}
	var o []order.Order
	err = s.db.Read(ctx).Select("id").Where("number = ?", number).Or("external_number = ? AND external_number <> ''", number).Limit(1).Find(&o).Error
	if err != nil {
		return "", 0, err
	}
	if len(o) == 0 {
		return "", 0, fault.New(fault.NotFound, "dispatch.error.scan_unknown", "Number", number)
	}
	var open []string
	err = s.db.Read(ctx).Model(&order.DeliveryNote{}).Where("order_id = ? AND withdrawn_at IS NULL", o[0].ID).
		Order("shipped_at IS NOT NULL, id").Limit(1).Pluck("number", &open).Error
	if err != nil || len(open) == 0 {
		return "", o[0].ID, err
	}
	return open[0], o[0].ID, nil
}
