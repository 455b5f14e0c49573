package dunning

import (
	"time"

	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
)

// Item is an invoice with what dunning knows of it: an open item (Offener Posten), as
// long as it is to be paid. Amounts are in minor units of Currency.
type Item struct {
	InvoiceID     int64
	InvoiceNumber string
	OrderID       int64
	OrderNumber   string
	CustomerName  string
	Country       string
	Amount        int64
	Currency      string
	IssuedAt      time.Time
	PayBy         time.Time // the last moment that is in time

	Status   order.Status // of its order
	MarkPaid bool
	PaidAt   *time.Time

	Level         int        // of the last reminder, 0 for none
	LevelName     Name       `gorm:"serializer:json"`
	RemindedAt    *time.Time // when that one was made
	ReminderPayBy *time.Time // until when it gave to pay
	Fees          int64      // of all reminders

	HoldReason string     // why nobody is reminded; "" if nothing was said
	HoldUntil  *time.Time // its last moment; nil: for good
}

// Open tells that the invoice is to be paid.
func (i *Item) Open() bool { return i.notOpen() == nil }

// Overdue tells that an open item was to be paid before now.
func (i *Item) Overdue(now time.Time) bool { return i.Open() && now.After(i.PayBy) }

// DaysOverdue is for how many days an item is overdue, the first included.
func (i *Item) DaysOverdue(now time.Time) int { return max(1, document.DaysBetween(i.PayBy, now)) }

// Held tells that nobody is to be reminded at present.
func (i *Item) Held(now time.Time) bool {
	return i.HoldReason != "" && (i.HoldUntil == nil || !now.After(*i.HoldUntil))
}

// notOpen says why an invoice is not to be paid.
func (i *Item) notOpen() error {
	switch {
	case i.Status == order.Cancelled:
		return fault.New(fault.Conflict, "dunning.error.cancelled", "Invoice", i.InvoiceNumber, "Order", i.OrderNumber)
	case i.PaidAt != nil:
		return fault.New(fault.Conflict, "dunning.error.paid", "Invoice", i.InvoiceNumber)
	case i.MarkPaid:
		return fault.New(fault.Conflict, "dunning.error.marked_paid", "Invoice", i.InvoiceNumber, "Order", i.OrderNumber)
	case i.Amount == 0:
		return fault.New(fault.Conflict, "dunning.error.nothing_owed", "Invoice", i.InvoiceNumber)
	}
	return nil
}

// Next returns the level of the reminder that is due now, or a Conflict with the reason
// why none is.
func (set *Settings) Next(i *Item, now time.Time) (level int, err error) {
	if err := i.notOpen(); err != nil {
		return 0, err
	}
	level, from, ok := set.due(i)
	switch {
	case !ok:
		return 0, fault.New(fault.Conflict, "dunning.error.last_level", "Invoice", i.InvoiceNumber, "Level", i.LevelName)
	case i.Held(now):
		return 0, fault.New(fault.Conflict, "dunning.error.held", "Invoice", i.InvoiceNumber, "Reason", i.HoldReason)
	case !now.After(i.PayBy):
		return 0, fault.New(fault.Conflict, "dunning.error.not_due", "Invoice", i.InvoiceNumber)
	case now.Before(from):
		return 0, fault.New(fault.Conflict, "dunning.error.too_early", "Invoice", i.InvoiceNumber,
			"Level", set.Levels[level-1].Name, "Count", max(1, document.DaysBetween(now, from)))
	}
	return level, nil
}
