package dunning

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// MaxPage is the most items that one page holds.
const MaxPage = 200

// Show says which of the open items a list shows.
type Show string

// The parts of the list.
const (
	All      Show = ""
	NotDue   Show = "not_due"   // there is time left to pay
	Overdue  Show = "overdue"   // there is none
	ToRemind Show = "to_remind" // a reminder is due
)

// Shows lists all parts.
func Shows() []Show { return []Show{All, NotDue, Overdue, ToRemind} }

// Filter says which open items a list shows.
type Filter struct {
	Show   Show
	Query  string // begins the number of an order or an invoice, or a name
	After  Cursor // items due later than the one there
	Before Cursor // or earlier
	Limit  int
}

// Cursor is a place in the list: an item of it. The zero value is none.
type Cursor struct {
	payBy   time.Time
	orderID int64
}

// CursorOf is the place of an item.
func CursorOf(i *Item) Cursor { return Cursor{i.PayBy, i.OrderID} }

// String writes a place for an address; ParseCursor reads it again.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d", c.payBy.UnixMicro(), c.orderID)
}

// ParseCursor reads what String wrote. Nonsense is no place.
func ParseCursor(s string) Cursor {
	at, id, ok := strings.Cut(s, "-")
	micros, err := strconv.ParseInt(at, 10, 64)
	orderID, err2 := strconv.ParseInt(id, 10, 64)
	t := time.UnixMicro(micros).UTC()
	if !ok || err != nil || err2 != nil || t.Year() < 1 || t.Year() > 9999 {
		return Cursor{}
	}
	return Cursor{t, orderID}
}

// isOpen is the condition of the index orders_open_items, in its words: written in
// others, it would not be used.
const isOpen = "orders.pay_by IS NOT NULL AND orders.paid_at IS NULL AND NOT orders.mark_paid AND orders.status <> 'cancelled'"

// details are the invoice of an order, its last reminder and its hold.
const details = `JOIN invoices i ON i.order_id = orders.id
	LEFT JOIN reminders r ON r.invoice_id = i.id AND r.level = (SELECT max(l.level) FROM reminders l WHERE l.invoice_id = i.id)
	LEFT JOIN reminder_holds h ON h.invoice_id = i.id`

const columns = `i.id AS invoice_id, i.number AS invoice_number, orders.id AS order_id, orders.number AS order_number,
	orders.customer_name, orders.country, i.amount, i.currency, i.issued_at, i.pay_by, orders.status, orders.mark_paid, orders.paid_at,
	coalesce(r.level, 0) AS level, r.name AS level_name, r.created_at AS reminded_at, r.pay_by AS reminder_pay_by,
	(SELECT CAST(coalesce(sum(f.fee), 0) AS BIGINT) FROM reminders f WHERE f.invoice_id = i.id) AS fees,
	coalesce(h.reason, '') AS hold_reason, h.until AS hold_until`

// isToRemind is Settings.Next as a condition on details. Its arguments are now, and
// Settings.since for each level.
const isToRemind = `(h.invoice_id IS NULL OR h.until < @now) AND (r.level IS NULL AND orders.pay_by <= @first
	OR r.pay_by < @now AND (r.level = 1 AND r.created_at <= @second OR r.level = 2 AND r.created_at <= @third))`

func (f Filter) apply(tx *gorm.DB, set *Settings, now time.Time) *gorm.DB {
	tx = order.Matching(tx.Where(isOpen), f.Query)
	switch f.Show {
	case NotDue:
		return tx.Where("orders.pay_by >= ?", now)
	case Overdue:
		return tx.Where("orders.pay_by < ?", now)
	case ToRemind:
		return tx.Where("orders.pay_by < ?", now).
			Where(isToRemind, map[string]any{"now": now, "first": set.since(0, now), "second": set.since(1, now), "third": set.since(2, now)})
	}
	return tx
}

// Page is a part of the list, what is due first at its beginning.
type Page struct {
	Items      []Item
	HasEarlier bool
	HasLater   bool
}

// List returns one page of the open items that f finds.
func (s *Service) List(ctx context.Context, f Filter) (Page, error) {
	var p Page
	if !store.Storable(f.Query) {
		return p, nil
	}
	if f.Limit <= 0 || f.Limit > MaxPage {
		f.Limit = 50
	}
	set, err := s.Settings(ctx)
	if err != nil {
		return p, err
	}
	tx := f.apply(s.db.Read(ctx).Table("orders").Select(columns).Joins(details), &set, s.clock.Now()).Limit(f.Limit + 1)
	back := f.Before != Cursor{}
	switch {
	case back:
		tx = tx.Where("(orders.pay_by, orders.id) < (?, ?)", f.Before.payBy, f.Before.orderID).Order("orders.pay_by DESC, orders.id DESC")
	case f.After != Cursor{}:
		tx = tx.Where("(orders.pay_by, orders.id) > (?, ?)", f.After.payBy, f.After.orderID).Order("orders.pay_by, orders.id")
	default:
		tx = tx.Order("orders.pay_by, orders.id")
	}
	if err := tx.Scan(&p.Items).Error; err != nil {
		return p, fmt.Errorf("list open items: %w", err)
	}
	more := len(p.Items) > f.Limit
	if more {
		p.Items = p.Items[:f.Limit]
	}
	if back {
		slices.Reverse(p.Items)
		p.HasEarlier, p.HasLater = more, true
	} else {
		p.HasEarlier, p.HasLater = f.After != Cursor{}, more
	}
	return p, nil
}

// Sum is what is open in a currency.
type Sum struct {
	Currency string
	Count    int
	Amount   int64
}

// Sums adds up what f finds, all pages of it, by currency. An invoice is over the total
// of its order, which the index of open items knows.
func (s *Service) Sums(ctx context.Context, f Filter) ([]Sum, error) {
	var sums []Sum
	if !store.Storable(f.Query) {
		return nil, nil
	}
	tx, err := s.found(ctx, f)
	if err != nil {
		return nil, err
	}
	err = tx.Select("orders.currency, count(*) AS count, CAST(sum(orders.total) AS BIGINT) AS amount").
		Group("orders.currency").Order("orders.currency").Scan(&sums).Error
	if err != nil {
		return nil, fmt.Errorf("add open items up: %w", err)
	}
	return sums, nil
}

// Count returns how many open items a part of the list has, counted to order.CountLimit.
func (s *Service) Count(ctx context.Context, show Show) (n int, err error) {
	tx, err := s.found(ctx, Filter{Show: show})
	if err != nil {
		return 0, err
	}
	err = s.db.Read(ctx).Raw("SELECT count(*) FROM (?) found", tx.Select("orders.id").Limit(order.CountLimit)).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count open items: %w", err)
	}
	return n, nil
}

// CountDue returns how many reminders are due, counted to order.CountLimit.
func (s *Service) CountDue(ctx context.Context) (int, error) { return s.Count(ctx, ToRemind) }

// found is all that f finds, without more tables than that takes.
func (s *Service) found(ctx context.Context, f Filter) (*gorm.DB, error) {
	tx := s.db.Read(ctx).Table("orders")
	var set Settings
	if f.Show == ToRemind {
		var err error
		if set, err = s.Settings(ctx); err != nil {
			return nil, err
		}
		tx = tx.Joins(details)
	}
	return f.apply(tx, &set, s.clock.Now()), nil
}

// Find returns the item of an invoice, open or not; NotFound when there is none.
func (s *Service) Find(ctx context.Context, invoiceID int64) (*Item, error) {
	return find(s.db.Read(ctx), invoiceID)
}

func find(tx *gorm.DB, invoiceID int64) (*Item, error) {
	items, err := findAll(tx, []int64{invoiceID})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fault.New(fault.NotFound, "dunning.error.not_found")
	}
	return &items[0], nil
}

// FindAll returns the items of invoices, open or not, in the order of their due dates.
func (s *Service) FindAll(ctx context.Context, invoiceIDs []int64) ([]Item, error) {
	return findAll(s.db.Read(ctx), invoiceIDs)
}

func findAll(tx *gorm.DB, invoiceIDs []int64) ([]Item, error) {
	var items []Item
	if len(invoiceIDs) == 0 {
		return nil, nil
	}
	err := tx.Table("orders").Select(columns).Joins(details).Where("i.id IN ?", invoiceIDs).Order("i.pay_by, i.id").Scan(&items).Error
	if err != nil {
		return nil, fmt.Errorf("find open items: %w", err)
	}
	return items, nil
}
