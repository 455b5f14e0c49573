package settlement

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

// standing are the lines of an order that were not undone. What is only proposed for it
// has no order.
const standing = "statement_lines l JOIN payouts p ON p.id = l.payout_id"

// bookPayments notes that orders which are paid before they leave are paid, where these
// sales complete the money for them. It releases those that waited for it.
func (m *matcher) bookPayments(tx *gorm.DB, lines []*StatementLine) error {
	for _, l := range lines {
		if !l.sale() {
			continue
		}
		o := m.waiting[*l.OrderID]
		if o == nil || o.BehavesLike != paymentmethod.Prepayment || o.MarkPaid || o.PaidAt != nil || o.Status == order.Cancelled {
			continue
		}
		if enough, err := paidFor(tx, o); err != nil || !enough {
			if err != nil {
				return err
			}
			continue
		}
		was := o.Status
		if _, err := order.BookPayout(tx, o, l.PayoutDate, m.now, l.PaymentReference, m.actor); err != nil {
			return fmt.Errorf("book the payment of order %s: %w", o.Number, err)
		}
		l.BookedPayment, l.ReleasedOrder = true, was != o.Status
		err := tx.Model(&StatementLine{}).Where("id = ?", l.ID).
			Updates(map[string]any{"booked_payment": true, "released_order": l.ReleasedOrder}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// paidFor tells that all the money for an order has come and was not given back, but for
// a cent a line of rounding.
func paidFor(tx *gorm.DB, o *order.Order) (bool, error) {
	var got struct{ Amount, Lines int64 }
	err := tx.Raw(`SELECT CAST(coalesce(sum(l.amount), 0) AS BIGINT) AS amount, (SELECT count(*) FROM order_lines WHERE order_id = ?) AS lines
		FROM `+standing+` WHERE l.order_id = ? AND l.currency = ? AND l.type IN ? AND NOT l.surplus`,
		o.ID, o.ID, o.Currency, []klarna.TransactionType{klarna.TypeSale, klarna.TypeReturn}).Scan(&got).Error
	return err == nil && got.Amount > 0 && got.Amount >= o.Total-got.Lines, err
}

// undoEffects takes back that orders were paid with lines of these payouts, in the
// transaction that has just removed the payouts. It refuses, as a Conflict, where such an
// order has left. What else the lines had caused goes with them: see clearEffects.
func undoEffects(tx *gorm.DB, payoutIDs []int64, now time.Time, actor string) error {
	for some := range slices.Chunk(payoutIDs, store.Batch) {
		var booked []StatementLine
		err := tx.Where("booked_payment AND payout_id IN ?", evenly(some)).Order("id").Find(&booked).Error
		if err != nil {
			return fmt.Errorf("read payments: %w", err)
		}
		if err := unbook(tx, booked, now, actor); err != nil {
			return err
		}
	}
	return nil
}

// clearEffects frees what these lines had taken, before they are deleted.
func clearEffects(tx *gorm.DB, lineIDs []int64) error {
	if err := freeCaptures(tx, lineIDs); err != nil {
		return err
	}
	if err := tx.Where("line_id IN ?", evenly(lineIDs)).Delete(&proposal{}).Error; err != nil {
		return fmt.Errorf("clear proposals away: %w", err)
	}
	return nil
}

// unbook takes payments back that lines had booked which do not stand any more. What was
// booked otherwise since stays, and so does what other lines pay for.
func unbook(tx *gorm.DB, booked []StatementLine, now time.Time, actor string) error {
	by := map[int64]*StatementLine{}
	for i := range booked {
		if l := &booked[i]; l.OrderID != nil {
			by[*l.OrderID] = l
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(by)), store.Batch) {
		orders, err := hold(tx, some)
		if err != nil {
			return err
		}
		for _, id := range some {
			if err := unbookOne(tx, orders[id], by[id], now, actor); err != nil {
				return err
			}
		}
	}
	return nil
}

func unbookOne(tx *gorm.DB, o *order.Order, l *StatementLine, now time.Time, actor string) error {
	if o.PaidAt == nil || o.PaidBy != order.PaidByPayout {
		return nil
	}
	enough, err := paidFor(tx, o)
	if err != nil {
		return err
	}
	if enough {
		return tx.Exec(`UPDATE statement_lines SET booked_payment = TRUE, released_order = ? WHERE id =
			(SELECT max(l.id) FROM `+standing+` WHERE l.order_id = ? AND l.type = ?)`, l.ReleasedOrder, o.ID, klarna.TypeSale).Error
	}
	var left int64
	err = tx.Model(&order.DeliveryNote{}).Where("order_id = ? AND shipped_at IS NOT NULL AND withdrawn_at IS NULL", o.ID).Count(&left).Error
	if err != nil {
		return err
	}
	if left > 0 || o.Gone() {
		return fault.New(fault.Conflict, "matching.error.paid_and_left", "Number", o.Number)
	}
	if err := order.UndoPayout(tx, o, now, l.PaymentReference, l.ReleasedOrder, actor); err != nil {
		return fmt.Errorf("take the payment of order %s back: %w", o.Number, err)
	}
	return nil
}
