package document

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// InvoiceNumbers is the number range of invoices.
const (
	InvoiceNumbers     = "invoices"
	firstInvoiceNumber = 400001
)

// DefaultPaymentTerm is how many days a customer has to pay where the company says
// nothing else.
const DefaultPaymentTerm = 14

// Invoice is what a customer owes for an order. Amount is in minor units of Currency.
// Whether it is paid or cancelled stands on the order.
type Invoice struct {
	ID        int64
	Number    string
	OrderID   int64
	Amount    int64
	Currency  string
	IssuedAt  time.Time
	PayBy     time.Time // the last moment that is in time
	CreatedBy string
}

// CreateInvoice makes the invoice of an order, or returns the one that there is: numbers
// have no gaps and no doubles. It belongs into the transaction that holds the order
// (order.Lock).
func (s *Service) CreateInvoice(tx *gorm.DB, o *order.Order, actor string) (inv *Invoice, created bool, err error) {
	var there []Invoice
	if err := tx.Where("order_id = ?", o.ID).Limit(1).Find(&there).Error; err != nil || len(there) > 0 {
		if err != nil {
			return nil, false, fmt.Errorf("find the invoice of order %s: %w", o.Number, err)
		}
		return &there[0], false, nil
	}
	now := s.clock.Now()
	inv = &Invoice{OrderID: o.ID, Amount: o.Total, Currency: o.Currency, IssuedAt: now,
		PayBy: now.AddDate(0, 0, DefaultPaymentTerm), CreatedBy: actor}
	if inv.Number, err = store.NextNumber(tx, InvoiceNumbers, firstInvoiceNumber); err != nil {
		return nil, false, err
	}
	if err := tx.Omit(clause.Associations).Create(inv).Error; err != nil {
		return nil, false, fmt.Errorf("create the invoice of order %s: %w", o.Number, err)
	}
	err = order.AddProtocol(tx, order.ProtocolEntry{OrderID: o.ID, At: now, Actor: actor, Kind: "invoice_created",
		Params: order.Params{"invoice": inv.Number, "amount": order.Money{Amount: inv.Amount, Currency: inv.Currency}}})
	if err != nil {
		return nil, false, err
	}
	return inv, true, order.AddTerms(tx, o.ID, inv.Number)
}
