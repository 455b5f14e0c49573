package order

import (
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/paymentmethod"
)

// PaymentSource is how we know that the money has come.
type PaymentSource string

// The sources.
const (
	PaidByHand   PaymentSource = "by_hand"   // a person booked it
	PaidAtKlarna PaymentSource = "at_klarna" // read at Klarna: captured by somebody else
)

// BookPayment notes that the money for an order has come, in the transaction that holds
// the order (Lock), and lets a draft that waited for it be worked on. It says whether
// anything changed: what is paid stays as it was booked first.
func BookPayment(tx *gorm.DB, o *Order, at, now time.Time, source PaymentSource, actor string) (booked bool, err error) {
	if o.PaidAt != nil {
		return false, nil
	}
	at = at.UTC().Truncate(time.Microsecond)
	o.PaidAt = &at
	changes := map[string]any{"paid_at": at, "updated_at": now}
	release := o.Status == Draft && o.BehavesLike == paymentmethod.Prepayment
	if release {
		o.Status = Released
		changes["status"] = Released
	}
	if err := tx.Model(&Order{}).Where("id = ?", o.ID).Updates(changes).Error; err != nil {
		return false, err
	}
	kind := "payment_booked_by_hand"
	if source == PaidAtKlarna {
		kind = "payment_booked_at_klarna"
	}
	err = AddProtocol(tx, ProtocolEntry{OrderID: o.ID, At: now, Actor: actor, Kind: kind, Outcome: Info,
		Params: Params{"amount": Money{Amount: o.Total, Currency: o.Currency}}})
	if err == nil && release {
		err = AddProtocol(tx, ProtocolEntry{OrderID: o.ID, At: now, Actor: actor, Kind: "order_released"})
	}
	return true, err
}

// UndoPayment takes a booked payment back; false when there was none.
func UndoPayment(tx *gorm.DB, o *Order, now time.Time, actor string) (undone bool, err error) {
	if o.PaidAt == nil {
		return false, nil
	}
	o.PaidAt = nil
	if err := tx.Model(&Order{}).Where("id = ?", o.ID).Updates(map[string]any{"paid_at": nil, "updated_at": now}).Error; err != nil {
		return false, err
	}
	return true, AddProtocol(tx, ProtocolEntry{OrderID: o.ID, At: now, Actor: actor, Kind: "payment_undone"})
}
