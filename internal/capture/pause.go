package capture

import (
	"context"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// ordersForbidden is how many orders must meet a 403 without a reason within ten minutes
// for the method to be paused: one may be a wrong path, three are the credentials.
const ordersForbidden = 3

// forbiddenElsewhere tells that enough other orders met a 403 without a reason lately.
func (p *Pusher) forbiddenElsewhere(ctx context.Context, methodID, orderID int64) (bool, error) {
	var others int64
	err := p.db.Read(ctx).Model(&paymentmethod.Call{}).
		Where("payment_method_id = ? AND status = 403 AND error_code = '' AND at >= ? AND order_id <> ?",
			methodID, p.clock.Now().Add(-p.policy.Minutes(10)), orderID).
		Distinct("order_id").Count(&others).Error
	return others+1 >= ordersForbidden, err
}

// forbiddenLong tells that Klarna has refused without a reason for a day.
func (p *Pusher) forbiddenLong(a *Attempt) bool {
	return a.FailedSince != nil && p.clock.Now().Sub(*a.FailedSince) >= p.policy.Hours(24)
}

// pauseMethod pauses a method for whose credentials Klarna refused a request. What waits
// because of the same refusal becomes due, to go at once when the pause is lifted. stands
// is false if the credentials were changed after the request had left.
func (p *Pusher) pauseMethod(tx *gorm.DB, m *paymentmethod.Method, reason paymentmethod.PauseReason) (stands bool, err error) {
	paused, err := p.methods.Pause(tx, m.ID, m.CredentialsVersion, reason)
	if err != nil {
		return false, err
	}
	if !paused { // it is paused already, or these credentials are gone
		var present paymentmethod.Method
		err := tx.Select("credentials_version").Take(&present, m.ID).Error
		return present.CredentialsVersion == m.CredentialsVersion, err
	}
	now := p.clock.Now()
	err = tx.Model(&Capture{}).Where("payment_method_id = ? AND state IN ? AND status = 403 AND error_code = '' AND due_at > ?",
		m.ID, []State{Pending, Sending, Unknown}, now).Update("due_at", now).Error
	if err != nil {
		return false, err
	}
	err = tx.Model(&ParcelAppend{}).Where("capture_row_id IN (SELECT id FROM captures WHERE payment_method_id = ?) AND state IN ? AND status = 403 AND error_code = '' AND due_at > ?",
		m.ID, []order.Report{order.ReportPending, order.ReportSending, order.ReportUnknown}, now).Update("due_at", now).Error
	return true, err
}
