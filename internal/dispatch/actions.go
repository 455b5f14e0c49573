package dispatch

import (
	"context"
	"fmt"
	"strings"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// MaxReason is the most characters that a reason has.
const MaxReason = 500

// ShipInput is "mark shipped".
type ShipInput struct {
	Parcels []ParcelInput
	// WithoutTracking says that Klarna is to be told although there is no number.
	WithoutTracking bool
	// DeliveryNote is the number of the only note that leaves without a tracking number;
	// empty: everything that has not left.
	DeliveryNote string
}

// Ship marks everything of an order shipped that has not left: with these parcels, or,
// when somebody says so, without a tracking number. Errors: Invalid at
// "without_tracking" or "parcels.N.…", Conflict when everything has left.
func (s *Service) Ship(ctx context.Context, orderID int64, in ShipInput, actor string) error {
	var f fault.Checker
	for i := range in.Parcels {
		in.Parcels[i].normalise()
		in.Parcels[i].check(&f, fmt.Sprintf("parcels.%d.", i))
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.act(ctx, orderID, actor, func(j *job) error {
		if err := j.mayLeave(); err != nil {
			return err
		}
		open := j.allOpen()
		staying := len(open) > 0 || len(j.notes) == 0
		for _, n := range j.notes {
			staying = staying || n.ShippedAt == nil
		}
		if !staying && len(in.Parcels) == 0 {
			return fault.New(fault.Conflict, "dispatch.error.all_left", "Number", j.order.Number)
		}
		if len(in.Parcels) == 0 && !in.WithoutTracking { // asked only of what could leave
			f.Add("without_tracking", "dispatch.error.no_tracking")
			return f.Err()
		}
		for i, p := range in.Parcels {
			if _, err := j.record(p, fmt.Sprintf("parcels.%d.", i)); err != nil {
				return err
			}
		}
		if !in.WithoutTracking {
			return nil
		}
		if in.DeliveryNote != "" {
			note, err := j.staying(in.DeliveryNote)
			if err != nil {
				return err
			}
			return j.leaveUntracked(note)
		}
		return j.shipRest()
	})
}

// shipRest lets everything leave that has not, without a tracking number.
func (j *job) shipRest() error {
	if open := j.allOpen(); len(open) > 0 || len(j.notes) == 0 {
		if _, err := j.makeNote(open); err != nil {
			return err
		}
	}
	for i := range j.notes {
		if j.notes[i].ShippedAt != nil {
			continue
		}
		if err := j.leaveUntracked(&j.notes[i]); err != nil {
			return err
		}
	}
	return nil
}

// leaveUntracked lets a note leave without a tracking number.
func (j *job) leaveUntracked(n *order.DeliveryNote) error {
	n.WithoutTracking = len(n.Parcels) == 0
	if err := j.protocol("shipped_without_tracking", order.Params{"note": n.Number}); err != nil {
		return err
	}
	return j.leave(n)
}

// Release lets a draft be worked on.
func (s *Service) Release(ctx context.Context, orderID int64, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error {
		if j.order.Status != order.Draft {
			return fault.New(fault.Conflict, "dispatch.error.not_draft", "Number", j.order.Number)
		}
		if err := j.set(map[string]any{"status": order.Released}); err != nil {
			return err
		}
		return j.protocol("order_released", nil)
	})
}

// Cancel cancels an order here. Klarna is told nothing, nothing is planned: what was not
// sent yet is withdrawn, and what is on its way or done refuses the cancellation.
func (s *Service) Cancel(ctx context.Context, orderID int64, actor string) error {
	if err := s.Captures.Verify(ctx, orderID); err != nil {
		return err
	}
	return s.act(ctx, orderID, actor, func(j *job) error {
		switch {
		case j.order.Status == order.Cancelled:
			return fault.New(fault.Conflict, "dispatch.error.cancelled", "Number", j.order.Number)
		case j.order.Gone() && !j.isKlarna():
			return fault.New(fault.Conflict, "dispatch.error.all_left", "Number", j.order.Number)
		}
		if err := j.Captures.Withdraw(j.tx, j.order.ID, capture.RuleCancelled, actor); err != nil {
			return err
		}
		was := j.order.Status
		j.order.Status = order.Cancelled
		if err := j.set(map[string]any{"status": order.Cancelled, "cancelled_at": j.clock.Now()}); err != nil {
			return err
		}
		kind := "order_cancelled"
		if j.isKlarna() {
			kind = "order_cancelled_klarna_not_told"
		}
		if err := j.protocol(kind, order.Params{"was": string(was)}); err != nil {
			return err
		}
		return capture.RefreshFeedback(j.tx, j.order.ID)
	})
}

// wasDraft tells that the order had not been released when it was cancelled.
func (j *job) wasDraft() (bool, error) {
	var last []order.ProtocolEntry
	err := j.tx.Where("order_id = ? AND kind IN ?", j.order.ID, []string{"order_cancelled", "order_cancelled_klarna_not_told"}).
		Order("id DESC").Limit(1).Find(&last).Error
	if err != nil {
		return false, fmt.Errorf("read what order %s was before: %w", j.order.Number, err)
	}
	return len(last) == 1 && last[0].Params["was"] == string(order.Draft), nil
}

// Uncancel takes a cancellation back and plans again what it withdrew.
func (s *Service) Uncancel(ctx context.Context, orderID int64, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error {
		if j.order.Status != order.Cancelled {
			return fault.New(fault.Conflict, "dispatch.error.not_cancelled", "Number", j.order.Number)
		}
		draft, err := j.wasDraft()
		if err != nil {
			return err
		}
		j.order.Status = order.Released
		if draft {
			j.order.Status = order.Draft
		}
		if err := j.set(map[string]any{"status": j.order.Status, "cancelled_at": nil}); err != nil {
			return err
		}
		if err := j.protocol("order_uncancelled", nil); err != nil {
			return err
		}
		if err := j.refreshStatus(); err != nil {
			return err
		}
		if err := j.Captures.PlanAgain(j.tx, j.order.ID, capture.RuleCancelled, actor); err != nil {
			return err
		}
		if err := j.planMailsAgain(); err != nil {
			return err
		}
		return order.Settle(j.tx, j.order.ID)
	})
}

// MarkPaid marks an order as paid in advance, or takes the mark back.
func (s *Service) MarkPaid(ctx context.Context, orderID int64, paid bool, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error { return j.markPaid(paid) })
}

func (j *job) markPaid(paid bool) error {
	if j.order.MarkPaid == paid {
		return nil
	}
	if err := j.set(map[string]any{"mark_paid": paid}); err != nil {
		return err
	}
	if paid {
		return j.protocol("marked_paid", nil)
	}
	return j.protocol("unmarked_paid", nil)
}

// DontTell keeps an order from Klarna, for a reason; what was not sent yet is withdrawn.
func (s *Service) DontTell(ctx context.Context, orderID int64, reason, actor string) error {
	reason = strings.TrimSpace(reason)
	var f fault.Checker
	f.Text("reason", reason, MaxReason, true)
	if err := f.Err(); err != nil {
		return err
	}
	if err := s.Captures.Verify(ctx, orderID); err != nil {
		return err
	}
	return s.act(ctx, orderID, actor, func(j *job) error { return j.tellKlarna(false, reason) })
}

// UndoDontTell lets Klarna be told again.
func (s *Service) UndoDontTell(ctx context.Context, orderID int64, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error { return j.tellKlarna(true, "") })
}

func (j *job) tellKlarna(tell bool, reason string) error {
	if !j.isKlarna() {
		return fault.New(fault.Conflict, "dispatch.error.not_klarna", "Number", j.order.Number)
	}
	if j.order.TellKlarna == tell {
		return nil
	}
	if !tell {
		if err := j.Captures.Withdraw(j.tx, j.order.ID, capture.RuleDontTell, j.actor); err != nil {
			return err
		}
	}
	if err := j.set(map[string]any{"tell_klarna": tell, "dont_tell_reason": reason}); err != nil {
		return err
	}
	if !tell {
		if err := j.protocol("dont_tell", order.Params{"reason": reason}); err != nil {
			return err
		}
		return capture.RefreshFeedback(j.tx, j.order.ID)
	}
	if err := j.protocol("tell_again", nil); err != nil {
		return err
	}
	return j.Captures.PlanAgain(j.tx, j.order.ID, capture.RuleDontTell, j.actor)
}

// DoneByHand ticks off what somebody marked in Klarna's portal, or takes the tick back:
// for all delivery notes of an order.
func (s *Service) DoneByHand(ctx context.Context, orderID int64, done bool, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error {
		if err := j.Captures.DoneByHand(j.tx, j.order.ID, 0, done, actor); err != nil {
			return err
		}
		if done {
			return j.protocol("done_by_hand", nil)
		}
		return j.protocol("undone_by_hand", nil)
	})
}

// Amendment changes an order; nil fields stay.
type Amendment struct {
	KlarnaOrderID  *string
	ExternalNumber *string
	TellKlarna     *bool
	MarkPaid       *bool
	Documents      *string
	AutoShip       *bool
}

// Amend changes an order. Errors: Invalid with the fields; Conflict when its id at
// Klarna can't be changed any more, or belongs to another order.
func (s *Service) Amend(ctx context.Context, orderID int64, a Amendment, actor string) error {
	if a.TellKlarna != nil && !*a.TellKlarna {
		if err := s.Captures.Verify(ctx, orderID); err != nil {
			return err
		}
	}
	return s.act(ctx, orderID, actor, func(j *job) error {
		if err := a.check(); err != nil {
			return err
		}
		changes := map[string]any{}
		if a.ExternalNumber != nil && *a.ExternalNumber != j.order.ExternalNumber {
			changes["external_number"] = *a.ExternalNumber
			if err := order.AddTerms(j.tx, j.order.ID, *a.ExternalNumber); err != nil {
				return err
			}
		}
		if a.Documents != nil && *a.Documents != string(j.order.Documents) {
			if err := j.mayMake(paymentmethod.Documents(*a.Documents)); err != nil {
				return err
			}
			changes["documents"] = *a.Documents
		}
		if a.AutoShip != nil && *a.AutoShip != j.order.AutoShip {
			changes["auto_ship"] = *a.AutoShip
		}
		if len(changes) > 0 {
			if err := j.set(changes); err != nil {
				return err
			}
			if err := j.protocol("order_changed", nil); err != nil {
				return err
			}
		}
		if a.MarkPaid != nil {
			if err := j.markPaid(*a.MarkPaid); err != nil {
				return err
			}
		}
		if a.TellKlarna != nil {
			reason := ""
			if !*a.TellKlarna {
				reason = actor // a program gives no reason: who it was stands for it
			}
			if err := j.tellKlarna(*a.TellKlarna, reason); err != nil {
				return err
			}
		}
		if a.KlarnaOrderID != nil {
			return j.setKlarnaOrderID(*a.KlarnaOrderID)
		}
		return nil
	})
}

// mayMake refuses to make a delivery note only where there is an invoice already: whoever
// is billed elsewhere must not be among the open items here.
func (j *job) mayMake(d paymentmethod.Documents) error {
	if d != paymentmethod.DeliveryNoteOnly {
		return nil
	}
	var invoices []document.Invoice
	if err := j.tx.Where("order_id = ?", j.order.ID).Limit(1).Find(&invoices).Error; err != nil || len(invoices) == 0 {
		return err
	}
	return fault.New(fault.Conflict, "dispatch.error.invoiced", "Number", j.order.Number, "Invoice", invoices[0].Number)
}

// check trims the texts and refuses what can't be.
func (a *Amendment) check() error {
	var f fault.Checker
	for _, s := range []*string{a.KlarnaOrderID, a.ExternalNumber, a.Documents} {
		if s != nil {
			*s = strings.TrimSpace(*s)
		}
	}
	if a.KlarnaOrderID != nil {
		*a.KlarnaOrderID = strings.ToLower(*a.KlarnaOrderID)
		order.CheckKlarnaOrderID(&f, *a.KlarnaOrderID)
	}
	if a.ExternalNumber != nil {
		f.Line("external_number", *a.ExternalNumber, order.MaxText, false)
	}
	if a.Documents != nil && !paymentmethod.Documents(*a.Documents).Valid() {
		f.Add("documents", "error.choice", "Value", *a.Documents)
	}
	return f.Err()
}

func (j *job) setKlarnaOrderID(id string) error {
	if id == j.order.KlarnaOrderID {
		return nil
	}
	if err := capture.TargetFixed(j.tx, j.order.ID); err != nil {
		return err
	}
	old := j.order.KlarnaOrderID
	if err := order.SetKlarnaOrderID(j.tx, j.order, id); err != nil {
		return err
	}
	if err := j.protocol("klarna_order_id_changed", order.Params{"old": old, "new": id}); err != nil {
		return err
	}
	return j.Captures.KlarnaOrderIDChanged(j.tx, j.order.ID, j.actor)
}
