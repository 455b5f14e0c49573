package capture

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Plan makes what has to be told to Klarna about a delivery note that leaves, in the
// transaction in which it leaves: a row due now, or, where nobody is to be told, a row
// and a protocol entry that say why. A row that was withdrawn is planned again. Orders
// of other payment methods need none.
func (p *Pusher) Plan(tx *gorm.DB, o *order.Order, note *order.DeliveryNote, actor string) error {
	var m paymentmethod.Method
	if err := tx.Take(&m, o.PaymentMethodID).Error; err != nil {
		return fmt.Errorf("read the payment method of order %s: %w", o.Number, err)
	}
	if m.Module != paymentmethod.ModuleKlarna {
		return nil
	}
	now := p.clock.Now()
	var c Capture
	err := tx.Where("delivery_note_id = ?", note.ID).Limit(1).Find(&c).Error
	if err != nil {
		return err
	}
	if c.ID == 0 {
		c = Capture{DeliveryNoteID: note.ID, OrderID: o.ID, PaymentMethodID: m.ID, KlarnaOrderID: o.KlarnaOrderID,
			State: Pending, Amount: note.Amount, Actor: actor, CreatedAt: now}
		c.UpdatedAt = now
		if err := tx.Create(&c).Error; err != nil {
			return fmt.Errorf("plan the capture of delivery note %s: %w", note.Number, err)
		}
	} else if c.State != Withdrawn {
		return nil
	}
	return p.replan(tx, &c, actor, time.Duration(m.HoldSeconds)*time.Second)
}

// replan makes a row pending anew, or says why it can't be told. The next send begins a
// new generation.
func (p *Pusher) replan(tx *gorm.DB, c *Capture, actor string, hold time.Duration) error {
	was, now := c.State, p.clock.Now()
	f, err := load(tx, c.ID)
	if err != nil {
		return err
	}
	c = &f.Capture
	c.State, c.Rule, c.Actor, c.Failures, c.FailedSince = Pending, "", actor, 0, nil
	c.Amount, c.UpdatedAt = f.Note.Amount, now
	c.learn(klarna.Call{}, nil)
	if was != Pending {
		c.forget()
	}
	due := now.Add(hold)
	c.DueAt = &due
	report := order.ReportPending
	var entry *order.ProtocolEntry
	if d, blocked := block(f, now, p.policy); blocked {
		c.State, c.Rule, c.DueAt = d.state, d.rule, d.due
		entry = notSent(d.state, d.rule)
		switch d.state {
		case Refused:
			c.learn(klarna.Call{ErrorMessages: d.messages()}, nil)
			entry.Kind, entry.Outcome = "klarna_failed", order.Failed
			report = order.ReportNone
		case Pending:
		default:
			report = order.ReportNone
		}
	}
	if ok, err := change(tx, c, was); err != nil || !ok {
		return fmt.Errorf("plan capture %d: changed=%t: %w", c.ID, ok, err)
	}
	if err := setReports(tx, f.Note.ID, report); err != nil {
		return err
	}
	if entry != nil {
		t := turn{Pusher: p, facts: f}
		if err := t.protocol(tx, *entry); err != nil {
			return err
		}
	}
	p.bell.RingAfter(tx)
	return RefreshFeedback(tx, c.OrderID)
}

// PlanParcel sees to a parcel that was added to a note: if its capture is confirmed the
// parcel is appended to it; if it is on its way, the parcel waits for its outcome.
func (p *Pusher) PlanParcel(tx *gorm.DB, parcel *order.Parcel) error {
	var c Capture
	if err := tx.Where("delivery_note_id = ?", parcel.DeliveryNoteID).Limit(1).Find(&c).Error; err != nil || c.ID == 0 {
		return err
	}
	switch c.State {
	case Confirmed:
		p.bell.RingAfter(tx)
		return planAppend(tx, &c, *parcel, p.clock.Now())
	case Pending, Sending, Unknown:
		return setReport(tx, parcel.ID, order.ReportPending, nil)
	}
	return nil
}
