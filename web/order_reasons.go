package web

import (
	"context"
	"errors"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/views"
)

// standing is an order with all that decides what can be done with it. Its methods
// name the message that the services would refuse an action with, "" where they would
// not: the services decide, this only tells people beforehand.
type standing struct {
	order *order.Order
	told  capture.Told
}

// orderActions says what a person can do with an order, and why not.
func orderActions(ctx context.Context, u auth.User, o *order.Order, told capture.Told) views.OrderActions {
	s := standing{o, told}
	text := func(key string) string {
		if key == "" {
			return ""
		}
		return i18n.T(ctx, key, "Number", o.Number)
	}
	a := views.OrderActions{Shown: u.May(auth.ActOrders), MayMarkPaid: u.May(auth.WriteAccounting)}
	a.Payment, a.UndoPayment = text(s.payment()), text(s.undoPayment())
	if !a.MayMarkPaid {
		reason := text("order.reason.accounting")
		a.MarkPaid, a.Payment, a.UndoPayment = reason, reason, reason
	}
	if !a.Shown {
		return a
	}
	a.Release, a.Parcel, a.Split, a.Ship = text(s.release()), text(s.leave()), text(s.split()), text(s.ship())
	a.Resend, a.Read, a.KlarnaID = text(s.resend()), text(s.read()), text(s.klarnaID())
	a.DontTell, a.Cancel = text(s.dontTell()), text(s.cancel())
	a.Invoice = text(s.invoice())
	a.RemoveParcel = map[int64]string{}
	for _, n := range o.Notes {
		for _, p := range n.Parcels {
			a.RemoveParcel[p.ID] = text(s.removeParcel(n, p))
		}
		a.UndoByHand = a.UndoByHand || told.Captures[n.ID].State == capture.DoneByHand
	}
	return a
}

func (s standing) invoice() string {
	if e, ok := errors.AsType[*fault.Error](document.MayInvoice(s.order)); ok {
		return e.Key
	}
	return ""
}

func (s standing) payment() string {
	switch {
	case s.order.Status == order.Cancelled:
		return "dispatch.error.cancelled"
	case s.order.MarkPaid:
		return "dispatch.error.marked_paid"
	case s.order.PaidAt != nil:
		return "dispatch.error.paid"
	}
	return ""
}

func (s standing) undoPayment() string {
	if s.order.PaidAt == nil {
		return "dispatch.error.not_paid"
	}
	for _, n := range s.order.Notes {
		if n.ShippedAt != nil && n.WithdrawnAt == nil && !s.order.MarkPaid && s.order.BehavesLike == paymentmethod.Prepayment {
			return "dispatch.error.paid_and_left"
		}
	}
	return ""
}

func (s standing) release() string {
	if s.order.Status != order.Draft {
		return "dispatch.error.not_draft"
	}
	return ""
}

func (s standing) leave() string {
	switch s.order.Status {
	case order.Draft:
		return "dispatch.error.draft"
	case order.Cancelled:
		return "dispatch.error.cancelled"
	}
	return ""
}

func (s standing) split() string {
	if key := s.leave(); key != "" {
		return key
	}
	if len(openLines(s.order)) == 0 {
		return "dispatch.error.nothing_open"
	}
	return ""
}

func (s standing) ship() string {
	if key := s.leave(); key != "" {
		return key
	}
	staying := len(openLines(s.order)) > 0 || len(s.order.Notes) == 0
	for _, n := range s.order.Notes {
		staying = staying || n.ShippedAt == nil
	}
	if !staying {
		return "dispatch.error.all_left"
	}
	return ""
}

func (s standing) resend() string {
	if s.order.Status == order.Cancelled {
		return "capture.error.resend_cancelled"
	}
	if s.told.MayResend(&s.order.PaymentMethod) {
		return ""
	}
	return "capture.error.nothing_to_resend"
}

func (s standing) read() string {
	switch m := &s.order.PaymentMethod; {
	case m.Module != paymentmethod.ModuleKlarna, s.order.KlarnaOrderID == "":
		return "capture.error.nothing_to_read"
	case !m.HasCredentials():
		return "capture.error.no_credentials"
	}
	return ""
}

// withdraw is why what Klarna is to be told can't be taken back.
func (s standing) withdraw() string {
	for _, n := range s.order.Notes { // in their order: the first one speaks
		if key := withdrawal(s.told.Captures[n.ID]); key != "" {
			return key
		}
	}
	return ""
}

func withdrawal(c capture.Capture) string {
	switch c.State {
	case capture.Refused:
		if c.Unanswered {
			return "capture.error.outcome_unknown"
		}
	case capture.Sending, capture.Unknown, capture.Confirmed, capture.DoneByHand:
		return "capture.error.withdraw_" + string(c.State)
	}
	return ""
}

func (s standing) cancel() string {
	switch {
	case s.order.Status == order.Cancelled:
		return "dispatch.error.cancelled"
	case s.order.Gone() && !s.order.IsKlarna():
		return "dispatch.error.all_left"
	}
	return s.withdraw()
}

func (s standing) dontTell() string {
	if !s.order.IsKlarna() {
		return "dispatch.error.not_klarna"
	}
	return s.withdraw()
}

// klarnaID is why the order's id at Klarna can't be changed.
func (s standing) klarnaID() string {
	for _, n := range s.order.Notes {
		switch c := s.told.Captures[n.ID]; c.State {
		case capture.Sending, capture.Unknown, capture.Confirmed:
			return "capture.error.target_" + string(c.State)
		}
	}
	return ""
}

func (s standing) removeParcel(n order.DeliveryNote, p order.Parcel) string {
	switch p.Report {
	case order.ReportReported, order.ReportInCapture, order.ReportSending, order.ReportUnknown, order.ReportRefused:
		return "dispatch.error.parcel_told"
	}
	c := s.told.Captures[n.ID]
	if len(n.Parcels) == 1 && !n.WithoutTracking {
		return withdrawal(c)
	}
	if c.State == capture.Sending || c.State == capture.Unknown {
		return "capture.error.withdraw_" + string(c.State)
	}
	return ""
}
