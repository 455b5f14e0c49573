package dispatch

import (
	"context"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// BookPayment notes by hand that the money for an order came at a time. Errors: Invalid
// at "paid_at" for one that can't be, Conflict when it is paid already, in advance or
// by Klarna's word, or cancelled.
func (s *Service) BookPayment(ctx context.Context, orderID int64, at time.Time, actor string) error {
	now := s.clock.Now()
	var f fault.Checker
	if at.IsZero() || at.Year() < 1990 {
		f.Add("paid_at", "error.date")
	} else if at.After(now.Add(24 * time.Hour)) { // a day's grace: time zones
		f.Add("paid_at", "dispatch.error.paid_in_future")
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.act(ctx, orderID, actor, func(j *job) error {
		switch {
		case j.order.Status == order.Cancelled:
			return fault.New(fault.Conflict, "dispatch.error.cancelled", "Number", j.order.Number)
		case j.order.MarkPaid:
			return fault.New(fault.Conflict, "dispatch.error.marked_paid", "Number", j.order.Number)
		}
		booked, err := order.BookPayment(j.tx, j.order, at, now, order.PaidByHand, actor)
		if err == nil && !booked {
			return fault.New(fault.Conflict, "dispatch.error.paid", "Number", j.order.Number)
		}
		return err
	})
}

// UndoPayment takes a payment back that was booked. Conflict when none was, or when the
// order is paid before it leaves and parts of it have left.
func (s *Service) UndoPayment(ctx context.Context, orderID int64, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error {
		if !j.order.MarkPaid && j.order.BehavesLike == paymentmethod.Prepayment {
			for _, n := range j.notes {
				if n.ShippedAt != nil {
					return fault.New(fault.Conflict, "dispatch.error.paid_and_left", "Number", j.order.Number)
				}
			}
		}
		undone, err := order.UndoPayment(j.tx, j.order, s.clock.Now(), actor)
		if err == nil && !undone {
			return fault.New(fault.Conflict, "dispatch.error.not_paid", "Number", j.order.Number)
		}
		return err
	})
}
