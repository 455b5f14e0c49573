package order

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// MaxPage is the most orders that one page holds.
const MaxPage = 500

// Filter says which orders a list shows. Zero fields restrict nothing.
type Filter struct {
	Query           string
	Status          Status
	Feedback        Feedback
	PaymentMethodID int64
	From, Until     time.Time // placed at: from and before
	TotalMin        *int64
	TotalMax        *int64
	ExpiresWithin   int   // days: the authorisation ends by then, and something is to be captured
	Before          int64 // the cursor: orders older than the one with this id
	After           int64 // or newer ones
	Limit           int
}

func (f Filter) apply(tx *gorm.DB, now time.Time) *gorm.DB {
	tx = Matching(tx, f.Query)
	if f.Status != "" {
		tx = tx.Where("orders.status = ?", f.Status)
	}
	if f.Feedback != "" {
		tx = tx.Where("orders.feedback = ?", f.Feedback)
	}
	if f.PaymentMethodID != 0 {
		tx = tx.Where("orders.payment_method_id = ?", f.PaymentMethodID)
	}
	if !f.From.IsZero() {
		tx = tx.Where("orders.placed_at >= ?", f.From)
	}
	if !f.Until.IsZero() {
		tx = tx.Where("orders.placed_at < ?", f.Until)
	}
	if f.TotalMin != nil {
		tx = tx.Where("orders.total >= ?", *f.TotalMin)
	}
	if f.TotalMax != nil {
		tx = tx.Where("orders.total <= ?", *f.TotalMax)
	}
	if f.ExpiresWithin > 0 {
		tx = expiring(tx, now, time.Duration(f.ExpiresWithin)*24*time.Hour)
	}
	return tx
}

// findable tells filters that both databases can be asked.
func (f Filter) findable() bool {
	return store.Storable(f.Query + string(f.Status) + string(f.Feedback))
}

// found begins a query for the orders of f.
func (s *Service) found(ctx context.Context, f Filter) *gorm.DB {
	return f.apply(s.db.Read(ctx).Model(&Order{}), s.clock.Now())
}

// Page is a part of a list, newest first.
type Page struct {
	Orders   []Order
	HasNewer bool
	HasOlder bool
}

// List returns one page of the orders that f finds, with their payment methods.
func (s *Service) List(ctx context.Context, f Filter) (Page, error) {
	if !f.findable() {
		return Page{}, nil
	}
	if f.Limit <= 0 || f.Limit > MaxPage {
		f.Limit = 50
	}
	tx := s.found(ctx, f).Preload("PaymentMethod").Limit(f.Limit + 1)
	switch {
	case f.After != 0:
		tx = tx.Where("orders.id > ?", f.After).Order("orders.id")
	case f.Before != 0:
		tx = tx.Where("orders.id < ?", f.Before).Order("orders.id DESC")
	default:
		tx = tx.Order("orders.id DESC")
	}
	var p Page
	if err := tx.Find(&p.Orders).Error; err != nil {
		return p, fmt.Errorf("list orders: %w", err)
	}
	more := len(p.Orders) > f.Limit
	if more {
		p.Orders = p.Orders[:f.Limit]
	}
	if f.After != 0 {
		for i, j := 0, len(p.Orders)-1; i < j; i, j = i+1, j-1 {
			p.Orders[i], p.Orders[j] = p.Orders[j], p.Orders[i]
		}
		p.HasNewer, p.HasOlder = more, true
	} else {
		p.HasNewer, p.HasOlder = f.Before != 0, more
	}
	return p, nil
}

// CountLimit is where counting stops.
const CountLimit = 1000

// CountAll returns how many orders f finds, at most CountLimit.
func (s *Service) CountAll(ctx context.Context, f Filter) (n int, err error) {
	if !f.findable() {
		return 0, nil
	}
	some := s.found(ctx, f).Select("orders.id").Limit(CountLimit)
	if err := s.db.Read(ctx).Raw("SELECT count(*) FROM (?) found", some).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count orders: %w", err)
	}
	return n, nil
}

// Count returns how many orders have each of these feedbacks, at most CountLimit
// each: an index answers that without reading the orders.
func (s *Service) Count(ctx context.Context, feedbacks ...Feedback) (map[Feedback]int, error) {
	counts := map[Feedback]int{}
	for _, f := range feedbacks {
		var n int
		err := s.db.Read(ctx).Raw(`SELECT count(*) FROM (SELECT 1 FROM orders WHERE feedback = ? LIMIT ?) found`, f, CountLimit).Scan(&n).Error
		if err != nil {
			return nil, fmt.Errorf("count orders: %w", err)
		}
		counts[f] = n
	}
	return counts, nil
}

// ProgressOf returns what the lights of these orders need, by order id.
func (s *Service) ProgressOf(ctx context.Context, orders []Order) (map[int64]Progress, error) {
	return ProgressOf(s.db.Read(ctx), orders)
}

// ProgressOf returns what the lights of these orders need, by order id.
func ProgressOf(db *gorm.DB, orders []Order) (map[int64]Progress, error) {
	ids := make([]int64, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	progress := map[int64]Progress{}
	if len(ids) == 0 {
		return progress, nil
	}
	var rows []struct {
		OrderID        int64
		Notes, Left    int
		Ordered, Noted int64
	}
	err := db.Raw(`
		SELECT n.order_id, count(*) AS notes, count(n.shipped_at) AS "left",
			(SELECT coalesce(sum(l.quantity), 0) FROM order_lines l WHERE l.order_id = n.order_id AND l.type IN (?, ?)) AS ordered,
			(SELECT coalesce(sum(nl.quantity), 0) FROM delivery_note_lines nl
				JOIN order_lines l ON l.id = nl.order_line_id JOIN delivery_notes m ON m.id = nl.delivery_note_id
				WHERE m.order_id = n.order_id AND m.withdrawn_at IS NULL AND l.type IN (?, ?)) AS noted
		FROM delivery_notes n WHERE n.order_id IN ? AND n.withdrawn_at IS NULL GROUP BY n.order_id`,
		Physical, Digital, Physical, Digital, ids).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the progress of orders: %w", err)
	}
	for _, r := range rows {
		allOn := r.Noted >= r.Ordered
		progress[r.OrderID] = Progress{Notes: r.Notes, Left: r.Left, AllOn: allOn, AllGone: allOn && r.Left == r.Notes}
	}
	return progress, nil
}

// Find returns an order with its payment method, lines, notes and parcels.
func (s *Service) Find(ctx context.Context, id int64) (*Order, error) {
	return s.find(ctx, "orders.id = ?", id)
}

// FindByNumber is Find by the order's number.
func (s *Service) FindByNumber(ctx context.Context, number string) (*Order, error) {
	if !numberForm.MatchString(number) {
		return nil, fault.New(fault.NotFound, "order.error.not_found")
	}
	return s.find(ctx, "orders.number = ?", number)
}

func (s *Service) find(ctx context.Context, condition string, arg any) (*Order, error) {
	var o Order
	byID := func(tx *gorm.DB) *gorm.DB { return tx.Order("id") }
	err := s.db.Read(ctx).Preload("PaymentMethod").Preload("Lines", byID).
		Preload("Notes", byID).Preload("Notes.Lines", byID).Preload("Notes.Parcels", byID).
		Where(condition, arg).Take(&o).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "order.error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find order: %w", err)
	}
	return &o, nil
}

// Protocol returns the entries of an order, newest first: at most limit, older than
// the entry with the id before (0: from the newest).
func (s *Service) Protocol(ctx context.Context, orderID, before int64, limit int) ([]ProtocolEntry, error) {
	tx := s.db.Read(ctx).Where("order_id = ?", orderID).Order("id DESC").Limit(limit)
	if before != 0 {
		tx = tx.Where("id < ?", before)
	}
	var entries []ProtocolEntry
	if err := tx.Find(&entries).Error; err != nil {
		return nil, fmt.Errorf("read the protocol: %w", err)
	}
	return entries, nil
}
