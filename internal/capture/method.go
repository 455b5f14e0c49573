package capture

import (
	"gorm.io/gorm"

	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// MethodUse tells what would be hurt by a change of a payment method.
func (p *Pusher) MethodUse(tx *gorm.DB, id int64) (paymentmethod.Use, error) {
	var u paymentmethod.Use
	err := tx.Raw(`SELECT
		(SELECT count(*) FROM (SELECT 1 FROM orders WHERE payment_method_id = ? LIMIT 1000) o) AS orders,
		(SELECT count(*) FROM captures WHERE payment_method_id = ? AND state IN ('sending', 'unknown')) +
		(SELECT count(*) FROM parcel_appends a JOIN captures c ON c.id = a.capture_row_id
			WHERE c.payment_method_id = ? AND a.state IN ('sending', 'unknown')) AS open`, id, id, id).Scan(&u).Error
	return u, err
}

// MethodChanged lets captures follow a change of their payment method: those that
// waited for it to be mended are due again; those that nobody was told of yet go the way
// of the new connection.
func (p *Pusher) MethodChanged(tx *gorm.DB, before, after *paymentmethod.Method) error {
	now := p.clock.Now()
	err := tx.Model(&Capture{}).Where("payment_method_id = ? AND state IN ? AND due_at IS NULL", after.ID, []State{Pending, Sending, Unknown}).
		Update("due_at", now).Error
	if err != nil {
		return err
	}
	err = tx.Model(&ParcelAppend{}).
		Where("capture_row_id IN (SELECT id FROM captures WHERE payment_method_id = ?) AND state IN ? AND due_at IS NULL", after.ID,
			[]order.Report{order.ReportPending, order.ReportSending, order.ReportUnknown}).Update("due_at", now).Error
	if err != nil || before.Connection == after.Connection {
		return err
	}
	err = tx.Model(&Capture{}).Where("payment_method_id = ? AND state = ?", after.ID, Pending).Update("due_at", now).Error
	if err != nil || after.Connection == paymentmethod.API {
		return err
	}
	// What was refused, or is another's business now, is decided anew by a worker, which
	// also writes the entry that says so. Refusals after an unanswered request stay:
	// Klarna may hold something of them.
	return tx.Model(&Capture{}).
		Where("payment_method_id = ? AND (state = ? AND NOT unanswered OR state IN ? AND rule <> ?)", after.ID, Refused,
			[]State{ByHand, Skipped}, RuleNothingToCapture).
		Updates(map[string]any{"state": Pending, "rule": "", "idempotency_key": "", "due_at": now}).Error
}

// Restored makes a restored copy safe: every capture that was not confirmed and every
// parcel that was not reported in the copy is read at Klarna before it is sent.
func Restored(tx *gorm.DB) error {
	err := tx.Model(&Capture{}).Where("state NOT IN ?", []State{Confirmed}).Update("read_first", true).Error
	if err != nil {
		return err
	}
	return tx.Model(&ParcelAppend{}).Where("state <> ?", order.ReportReported).Update("read_first", true).Error
}
