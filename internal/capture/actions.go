package capture

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Resend is a person's "send again" for an order: refused captures and parcels begin a
// new generation, unknown ones are read at Klarna now, waiting ones go now under the
// same key. Conflict when nothing can be sent again.
func (p *Pusher) Resend(ctx context.Context, orderID int64, actor string) error {
	return p.db.InTx(ctx, func(tx *gorm.DB) error {
		o, err := order.Lock(tx, orderID)
		if err != nil {
			return err
		}
		if o.Status == order.Cancelled {
			return fault.New(fault.Conflict, "capture.error.resend_cancelled")
		}
		captures, err := ofOrder(tx, orderID)
		if err != nil {
			return err
		}
		again := 0
		for i := range captures {
			ok, err := p.resend(tx, &captures[i], actor)
			if err != nil {
				return err
			}
			if ok {
				again++
			}
		}
		parcels, err := p.resendParcels(tx, orderID)
		if err != nil {
			return err
		}
		if again+parcels == 0 {
			return fault.New(fault.Conflict, "capture.error.nothing_to_resend")
		}
		p.bell.RingAfter(tx)
		return order.AddProtocol(tx, order.ProtocolEntry{OrderID: orderID, At: p.clock.Now(), Actor: actor, Kind: "resend"})
	})
}

func (p *Pusher) resend(tx *gorm.DB, c *Capture, actor string) (bool, error) {
	now := p.clock.Now()
	switch c.State {
	case Refused:
		return true, p.replan(tx, c, actor, 0)
	case ByHand, Skipped:
		// The method may be connected by now; a part would meet what a person did at
		// Klarna, and a whole order is adopted from there.
		var m paymentmethod.Method
		if err := tx.Take(&m, c.PaymentMethodID).Error; err != nil || !m.Connected() || c.Rule == RuleNothingToCapture {
			return false, err
		}
		return true, p.replan(tx, c, actor, 0)
	case Pending, Sending, Unknown:
		res := tx.Model(&Capture{}).Where("id = ? AND state = ?", c.ID, c.State).Updates(map[string]any{"due_at": now, "actor": actor})
		return res.RowsAffected == 1, res.Error
	}
	return false, nil
}

// resendParcels makes refused parcels begin anew and asks now about unknown ones.
func (p *Pusher) resendParcels(tx *gorm.DB, orderID int64) (int, error) {
	now := p.clock.Now()
	refused := tx.Model(&ParcelAppend{}).Where("order_id = ? AND state = ?", orderID, order.ReportRefused).
		Updates(map[string]any{"state": order.ReportPending, "rule": "", "idempotency_key": "", "failures": 0, "due_at": now})
	if refused.Error != nil {
		return 0, refused.Error
	}
	unknown := tx.Model(&ParcelAppend{}).Where("order_id = ? AND state IN ?", orderID,
		[]order.Report{order.ReportUnknown, order.ReportSending, order.ReportPending}).Update("due_at", now)
	return int(refused.RowsAffected + unknown.RowsAffected), unknown.Error
}

func ofOrder(tx *gorm.DB, orderID int64) ([]Capture, error) {
	var captures []Capture
	if err := tx.Where("order_id = ?", orderID).Order("id").Find(&captures).Error; err != nil {
		return nil, fmt.Errorf("read the captures of order %d: %w", orderID, err)
	}
	return captures, nil
}

// Withdraw takes everything back that Klarna was not told yet, because of rule; the
// caller holds the order. Conflict, naming the delivery note, when something is on its
// way, done, or may have been done.
func (p *Pusher) Withdraw(tx *gorm.DB, orderID int64, rule Rule, actor string) error {
	captures, err := ofOrder(tx, orderID)
	if err != nil {
		return err
	}
	for i := range captures {
		if err := p.withdraw(tx, &captures[i], rule, actor); err != nil {
			return err
		}
	}
	return RefreshFeedback(tx, orderID)
}

// WithdrawNote is Withdraw for one delivery note; ok is false when it has no capture.
func (p *Pusher) WithdrawNote(tx *gorm.DB, orderID, noteID int64, rule Rule, actor string) error {
	var c Capture
	if err := tx.Where("delivery_note_id = ?", noteID).Limit(1).Find(&c).Error; err != nil {
		return err
	}
	if c.ID != 0 {
		if err := p.withdraw(tx, &c, rule, actor); err != nil {
			return err
		}
	}
	return RefreshFeedback(tx, orderID)
}

func (p *Pusher) withdraw(tx *gorm.DB, c *Capture, rule Rule, actor string) error {
	switch c.State {
	case Withdrawn:
		if rule != RuleNotShipped { // a note that has not left is not told later either
			return nil
		}
	case Refused:
		if c.Unanswered { // Read has to tell first that Klarna holds nothing
			return fault.New(fault.Conflict, "capture.error.outcome_unknown")
		}
	case Sending, Unknown, Confirmed, DoneByHand:
		return fault.New(fault.Conflict, "capture.error.withdraw_"+string(c.State))
	}
	was := c.State
	c.State, c.Rule, c.Actor, c.DueAt, c.UpdatedAt = Withdrawn, rule, actor, nil, p.clock.Now()
	ok, err := change(tx, c, was)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Conflict, "capture.error.withdraw_sending")
	}
	return setReports(tx, c.DeliveryNoteID, order.ReportNone)
}

// PlanAgain plans what was withdrawn for this rule: a cancellation undone, or "don't
// tell Klarna" taken back.
func (p *Pusher) PlanAgain(tx *gorm.DB, orderID int64, rule Rule, actor string) error {
	captures, err := ofOrder(tx, orderID)
	if err != nil {
		return err
	}
	for i := range captures {
		if c := &captures[i]; c.State == Withdrawn && c.Rule == rule {
			if err := p.replan(tx, c, actor, 0); err != nil {
				return err
			}
		}
	}
	return RefreshFeedback(tx, orderID)
}

// DoneByHand ticks off what a person marked in Klarna's portal, or takes the tick back:
// for one delivery note, or, with noteID 0, for all of the order.
func (p *Pusher) DoneByHand(tx *gorm.DB, orderID, noteID int64, done bool, actor string) error {
	from, to := ByHand, DoneByHand
	if !done {
		from, to = to, from
	}
	rows := tx.Model(&Capture{}).Where("order_id = ? AND state = ?", orderID, from)
	if noteID != 0 {
		rows = rows.Where("delivery_note_id = ?", noteID)
	}
	res := rows.Updates(map[string]any{"state": to, "actor": actor, "updated_at": p.clock.Now()})
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return fault.New(fault.Conflict, "capture.error.not_by_hand")
	}
	return RefreshFeedback(tx, orderID)
}

// KlarnaOrderIDChanged follows a change of the order's id at Klarna, which the caller
// made in tx. Captures that failed for want of a valid one are planned again by
// themselves: nothing was ever sent for them.
func (p *Pusher) KlarnaOrderIDChanged(tx *gorm.DB, orderID int64, actor string) error {
	err := tx.Exec("UPDATE captures SET klarna_order_id = (SELECT o.klarna_order_id FROM orders o WHERE o.id = captures.order_id) WHERE order_id = ?", orderID).Error
	if err != nil {
		return err
	}
	captures, err := ofOrder(tx, orderID)
	if err != nil {
		return err
	}
	for i := range captures {
		c := &captures[i]
		if c.State == Pending || c.State == Refused && (c.Rule == RuleNoKlarnaOrderID || c.Rule == RuleInvalidKlarnaOrder) {
			if err := p.replan(tx, c, actor, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// TargetFixed tells, as a Conflict, that the order's id at Klarna may not be changed:
// while an outcome is open, and after a confirmation for good.
func TargetFixed(tx *gorm.DB, orderID int64) error {
	var fixed []State
	err := tx.Model(&Capture{}).Where("order_id = ? AND state IN ?", orderID, []State{Sending, Unknown, Confirmed}).
		Order("id").Limit(1).Pluck("state", &fixed).Error
	if err != nil || len(fixed) == 0 {
		return err
	}
	return fault.New(fault.Conflict, "capture.error.target_"+string(fixed[0]))
}

// Read asks Klarna about an order because a person wants to know, and keeps the answer.
// It changes nothing at Klarna. Captures whose outcome is unknown are looked at again at
// once, by a worker.
func (p *Pusher) Read(ctx context.Context, orderID int64, actor string) (*klarna.Order, error) {
	var o order.Order
	if err := p.db.Read(ctx).Preload("PaymentMethod").Take(&o, orderID).Error; err != nil {
		return nil, err
	}
	if o.PaymentMethod.Module != paymentmethod.ModuleKlarna || o.KlarnaOrderID == "" {
		return nil, fault.New(fault.Conflict, "capture.error.nothing_to_read")
	}
	target, err := p.methods.Target(&o.PaymentMethod)
	if err != nil {
		return nil, fault.Wrap(err, fault.Conflict, "capture.error.no_credentials")
	}
	ko, call, callErr := p.client.OrderManagement(target).Order(ctx, o.KlarnaOrderID)
	err = p.db.InTx(context.WithoutCancel(ctx), func(tx *gorm.DB) error {
		id, err := paymentmethod.KeepCall(tx, o.PaymentMethodID, call, func(row *paymentmethod.Call) { row.OrderID = &o.ID })
		if err != nil {
			return err
		}
		entry := order.ProtocolEntry{OrderID: o.ID, At: p.clock.Now(), Actor: actor, Kind: "klarna_read", CallID: &id, Params: order.Params{}}
		if callErr != nil {
			entry.Kind, entry.Outcome = "klarna_read_failed", order.Failed
			entry.Params["status"], entry.Params["code"], entry.Params["correlation_id"] = call.Status, call.ErrorCode, call.CorrelationID
			return order.AddProtocol(tx, entry)
		}
		entry.Params = order.Params{"klarna_status": string(ko.Status), "fraud_status": string(ko.FraudStatus),
			"captured":  order.Money{Amount: ko.CapturedAmount, Currency: o.Currency},
			"remaining": order.Money{Amount: ko.RemainingAuthorizedAmount, Currency: o.Currency}}
		if err := order.AddProtocol(tx, entry); err != nil {
			return err
		}
		if err := order.KeepReading(tx, o.ID, ko.KlarnaReference, ko.ExpiresAt); err != nil {
			return err
		}
		if err := keepReading(tx, &o, ko, p.clock.Now()); err != nil {
			return err
		}
		if err := p.bookPrepayment(tx, &o, ko, actor); err != nil {
			return err
		}
		p.bell.RingAfter(tx)
		return tx.Model(&Capture{}).Where("order_id = ? AND state = ?", o.ID, Unknown).Update("due_at", p.clock.Now()).Error
	})
	if err != nil {
		return nil, err
	}
	if callErr != nil {
		return nil, fault.Wrap(callErr, fault.Conflict, "capture.error.read_failed", "Status", call.Status)
	}
	return ko, nil
}

// bookPrepayment notes that an order which is paid before it leaves is paid: Klarna says
// that all of it was captured and not given back, but for a cent a line of rounding. The
// order is as it was before Klarna was asked.
func (p *Pusher) bookPrepayment(tx *gorm.DB, asked *order.Order, ko *klarna.Order, actor string) error {
	o, err := order.Lock(tx, asked.ID)
	if err != nil {
		return err
	}
	if o.BehavesLike != paymentmethod.Prepayment || o.Status == order.Cancelled || o.MarkPaid ||
		o.KlarnaOrderID != asked.KlarnaOrderID || ko.Status != klarna.StatusCaptured || ko.PurchaseCurrency != o.Currency {
		return nil
	}
	var lines int64
	if err := tx.Model(&order.Line{}).Where("order_id = ?", o.ID).Count(&lines).Error; err != nil {
		return err
	}
	if ko.CapturedAmount-ko.RefundedAmount < o.Total-lines {
		return nil
	}
	at := p.clock.Now()
	for _, c := range ko.Captures {
		if !c.CapturedAt.IsZero() {
			at = c.CapturedAt
		}
	}
	_, err = order.BookPayment(tx, o, at, p.clock.Now(), order.PaidAtKlarna, actor)
	return err
}
