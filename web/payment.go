package web

import (
	"context"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/views"
)

// bookPayment notes that the money for an order has come: on the day that was entered,
// today when none was.
func (s *Server) bookPayment(r *request) error {
	at := s.Clock.Now()
	typed := r.FormValue("paid_on")
	return s.act(r, func(ctx context.Context, id int64) error {
		if typed != "" {
			var err error
			if at, err = paidOn(typed, at); err != nil {
				return err
			}
		}
		return s.Dispatch.BookPayment(ctx, id, at, r.actor())
	}, "order.done.payment", func(p *views.OrderPage, f views.Form) { p.Payment = views.PaymentForm{PaidOn: typed, Form: f} })
}

// paidOn is a time on the day that was entered: now if that is today.
func paidOn(typed string, now time.Time) (time.Time, error) {
	day, err := views.ParseDay(typed)
	if err != nil {
		var f fault.Checker
		f.Add("paid_on", "error.date")
		return time.Time{}, f.Err()
	}
	if next := day.AddDate(0, 0, 1); !now.Before(day) && now.Before(next) {
		return now, nil
	}
	return day, nil
}

func (s *Server) undoPayment(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error { return s.Dispatch.UndoPayment(ctx, id, r.actor()) }, "order.done.undo_payment", nil)
}
