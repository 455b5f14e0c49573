package document

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

// InvoiceNumbers is the number range of invoices.
const (
	InvoiceNumbers     = "invoices"
	firstInvoiceNumber = 400001
)

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
	c, err := company(tx)
	if err != nil {
		return nil, false, err
	}
	now := s.clock.Now()
	inv = &Invoice{OrderID: o.ID, Amount: o.Total, Currency: o.Currency, IssuedAt: now,
		PayBy: EndOfDay(now, c.PaymentTermDays), CreatedBy: actor}
	if inv.Number, err = store.NextNumber(tx, InvoiceNumbers, firstInvoiceNumber); err != nil {
		return nil, false, err
	}
	if err := tx.Omit(clause.Associations).Create(inv).Error; err != nil {
		return nil, false, fmt.Errorf("create the invoice of order %s: %w", o.Number, err)
	}
	if inv.Amount > 0 { // an open item from now on
		if err := tx.Model(&order.Order{}).Where("id = ?", o.ID).Update("pay_by", inv.PayBy).Error; err != nil {
			return nil, false, fmt.Errorf("note when order %s is to be paid: %w", o.Number, err)
		}
	}
	err = order.AddProtocol(tx, order.ProtocolEntry{OrderID: o.ID, At: now, Actor: actor, Kind: "invoice_created",
		Params: order.Params{"invoice": inv.Number, "amount": order.Money{Amount: inv.Amount, Currency: inv.Currency}}})
	if err != nil {
		return nil, false, err
	}
	return inv, true, order.AddTerms(tx, o.ID, inv.Number)
}

// MakeInvoice makes the invoice of an order by hand, or returns the one that there is,
// with created false. Errors: NotFound; Conflict with the reason why the order gets none.
func (s *Service) MakeInvoice(ctx context.Context, orderID int64, actor string) (inv *Invoice, created bool, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		o, err := order.Lock(tx, orderID)
		if store.IsNotFound(err) {
			return fault.Wrap(err, fault.NotFound, "order.error.not_found")
		}
		if err != nil {
			return fmt.Errorf("read order %d: %w", orderID, err)
		}
		if err := MayInvoice(o); err != nil {
			return err
		}
		inv, created, err = s.CreateInvoice(tx, o, actor)
		return err
	})
	return inv, created, err
}

// MayInvoice refuses an invoice for an order that gets none, with the reason.
func MayInvoice(o *order.Order) error {
	switch {
	case o.Status == order.Draft:
		return fault.New(fault.Conflict, "document.error.draft", "Number", o.Number)
	case o.Status == order.Cancelled:
		return fault.New(fault.Conflict, "document.error.cancelled", "Number", o.Number)
	case o.Documents == paymentmethod.DeliveryNoteOnly:
		return fault.New(fault.Conflict, "document.error.delivery_note_only", "Number", o.Number)
	}
	return nil
}

// InvoiceOf returns the invoice of an order, nil when it has none.
func (s *Service) InvoiceOf(ctx context.Context, orderID int64) (*Invoice, error) {
	invoices, err := s.InvoicesOf(ctx, []int64{orderID})
	if err != nil {
		return nil, err
	}
	if inv, ok := invoices[orderID]; ok {
		return &inv, nil
	}
	return nil, nil
}

// InvoicesOf returns the invoices of orders by the orders' ids; those that have none are
// not in it.
func (s *Service) InvoicesOf(ctx context.Context, orderIDs []int64) (map[int64]Invoice, error) {
	invoices := map[int64]Invoice{}
	for ids := range slices.Chunk(orderIDs, store.Batch) {
		var found []Invoice
		if err := s.db.Read(ctx).Where("order_id IN ?", ids).Find(&found).Error; err != nil {
			return nil, fmt.Errorf("find the invoices of orders: %w", err)
		}
		for _, inv := range found {
			invoices[inv.OrderID] = inv
		}
	}
	return invoices, nil
}
