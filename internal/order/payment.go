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
	PaidByPayout PaymentSource = "by_payout" // Klarna has paid it out
)

// BookPayment notes that the money for an order has come, in the transaction that holds
// the order (Lock), and lets a draft that waited for it be worked on. It says whether
// anything changed: what is paid stays as it was booked first.
func BookPayment(tx *gorm.DB, o *Order, at, now time.Time, source PaymentSource, actor string) (booked bool, err error) {
	return book(tx, o, at, now, source, Params{}, actor)
}

// BookPayout is BookPayment for money that came with a payout of Klarna's.
func BookPayout(tx *gorm.DB, o *Order, at, now time.Time, paymentReference, actor string) (booked bool, err error) {
	return book(tx, o, at, now, PaidByPayout, Params{"payment_reference": paymentReference}, actor)
}

func book(tx *gorm.DB, o *Order, at, now time.Time, source PaymentSource, params Params, actor string) (booked bool, err error) {
	if o.PaidAt != nil {
		return false, nil
	}
	at = at.UTC().Truncate(time.Microsecond)
	o.PaidAt, o.PaidBy = &at, source
	changes := map[string]any{"paid_at": at, "paid_by": source, "updated_at": now}
	release := o.Status == Draft && o.BehavesLike == paymentmethod.Prepayment
	if release {
		o.Status = Released
		changes["status"] = Released
	}
	if err := tx.Model(&Order{}).Where("id = ?", o.ID).Updates(changes).Error; err != nil {
		return false, err
	}
	kind := "payment_booked_by_hand"
	switch source {
	case PaidAtKlarna:
		kind = "payment_booked_at_klarna"
	case PaidByPayout:
		kind = "payment_booked_by_payout"
	}
	params["amount"] = Money{Amount: o.Total, Currency: o.Currency}
	err = AddProtocol(tx, ProtocolEntry{OrderID: o.ID, At: now, Actor: actor, Kind: kind, Outcome: Info, Params: params})
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
	return true, unbook(tx, o, map[string]any{}, ProtocolEntry{At: now, Actor: actor, Kind: "payment_undone"})
}

// UndoPayout takes a payment back that a payout had brought, because its import was
// undone. With wasDraft the order waits again as it did before, unless it has delivery
// notes by now.
func UndoPayout(tx *gorm.DB, o *Order, now time.Time, paymentReference string, wasDraft bool, actor string) error {
	changes := map[string]any{}
	if wasDraft && o.Status == Released {
		var notes int64
		err := tx.Model(&DeliveryNote{}).Where("order_id = ? AND withdrawn_at IS NULL", o.ID).Count(&notes).Error
		if err != nil {
			return err
		}
		if notes == 0 {
			o.Status = Draft
			changes["status"] = Draft
		}
	}
	return unbook(tx, o, changes, ProtocolEntry{At: now, Actor: actor, Kind: "payment_undone_by_payout",
		Params: Params{"payment_reference": paymentReference}})
}

func unbook(tx *gorm.DB, o *Order, changes map[string]any, e ProtocolEntry) error {
	o.PaidAt, o.PaidBy = nil, ""
	changes["paid_at"], changes["paid_by"], changes["updated_at"] = nil, "", e.At
	if err := tx.Model(&Order{}).Where("id = ?", o.ID).Updates(changes).Error; err != nil {
		return err
	}
	e.OrderID = o.ID
	return AddProtocol(tx, e)
}
