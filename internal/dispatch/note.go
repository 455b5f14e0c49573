package dispatch

import (
	"context"
	"fmt"
	"slices"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
)

// ReplaceNote takes a delivery note back that has not left and makes another, with its
// own number, for other quantities; what neither takes is open again. So a number always
// means what is printed on its paper. Errors as CreateNote's; NotFound; Conflict when the
// note has left.
func (s *Service) ReplaceNote(ctx context.Context, orderID int64, number string, parts []LineQuantity, actor string) (*order.DeliveryNote, error) {
	var note *order.DeliveryNote
	err := s.act(ctx, orderID, actor, func(j *job) error {
		if err := j.mayLeave(); err != nil {
			return err
		}
		if err := j.withdrawNote(number); err != nil {
			return err
		}
		quantities, err := j.choose(parts)
		if err != nil {
			return err
		}
		if len(quantities) == 0 {
			var f fault.Checker
			f.Add("lines.0.quantity", "order.error.no_quantity")
			return f.Err()
		}
		if note, err = j.makeNote(quantities); err != nil {
			return err
		}
		return capture.RefreshFeedback(j.tx, j.order.ID)
	})
	return note, err
}

// WithdrawNote takes a delivery note back that has not left: its quantities are open
// again. Errors: NotFound; Conflict when it has left.
func (s *Service) WithdrawNote(ctx context.Context, orderID int64, number, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error {
		if err := j.withdrawNote(number); err != nil {
			return err
		}
		return capture.RefreshFeedback(j.tx, j.order.ID)
	})
}

func (j *job) withdrawNote(number string) error {
	n, err := j.staying(number)
	if err != nil {
		return err
	}
	if err := j.tx.Model(&order.DeliveryNote{}).Where("id = ?", n.ID).Update("withdrawn_at", j.clock.Now()).Error; err != nil {
		return fmt.Errorf("take delivery note %s back: %w", number, err)
	}
	j.notes = slices.DeleteFunc(j.notes, func(n order.DeliveryNote) bool { return n.Number == number })
	return j.protocol("note_withdrawn", order.Params{"note": number})
}

// staying returns the order's delivery note of a number if it has not left.
func (j *job) staying(number string) (*order.DeliveryNote, error) {
	n, err := j.note(number)
	if err == nil && n.ShippedAt != nil {
		return nil, fault.New(fault.Conflict, "dispatch.error.note_left", "Note", number)
	}
	return n, err
}

// note returns the order's delivery note of a number.
func (j *job) note(number string) (*order.DeliveryNote, error) {
	for i := range j.notes {
		if j.notes[i].Number == number {
			return &j.notes[i], nil
		}
	}
	return nil, fault.New(fault.NotFound, "dispatch.error.no_such_note", "Note", number)
}

// UndoShip takes it back that a delivery note was marked as shipped without a tracking
// number. Conflict, with the reason, once Klarna was told, or may have been, or when it
// has not left so.
func (s *Service) UndoShip(ctx context.Context, orderID int64, number, actor string) error {
	if err := s.Captures.Verify(ctx, orderID); err != nil {
		return err
	}
	return s.act(ctx, orderID, actor, func(j *job) error {
		n, err := j.note(number)
		if err != nil {
			return err
		}
		if n.ShippedAt == nil || len(n.Parcels) > 0 {
			return fault.New(fault.Conflict, "dispatch.error.not_without_tracking", "Note", number)
		}
		if err := j.stay(n); err != nil {
			return err
		}
		return j.protocol("ship_undone", order.Params{"note": number})
	})
}

// stay lets a note not have left after all; its capture is withdrawn.
func (j *job) stay(n *order.DeliveryNote) error {
	if err := j.Captures.WithdrawNote(j.tx, j.order.ID, n.ID, capture.RuleNotShipped, j.actor); err != nil {
		return err
	}
	err := j.tx.Model(&order.DeliveryNote{}).Where("id = ?", n.ID).Updates(map[string]any{"shipped_at": nil, "without_tracking": false}).Error
	if err != nil {
		return fmt.Errorf("take it back that delivery note %s left: %w", n.Number, err)
	}
	n.ShippedAt, n.WithoutTracking = nil, false
	if err := j.refreshStatus(); err != nil {
		return err
	}
	return capture.RefreshFeedback(j.tx, j.order.ID)
}

// NoteDoneByHand is DoneByHand for one delivery note of an order.
func (s *Service) NoteDoneByHand(ctx context.Context, orderID int64, number string, done bool, actor string) error {
	return s.act(ctx, orderID, actor, func(j *job) error {
		n, err := j.note(number)
		if err != nil {
			return err
		}
		if err := j.Captures.DoneByHand(j.tx, j.order.ID, n.ID, done, actor); err != nil {
			return err
		}
		kind := "note_done_by_hand"
		if !done {
			kind = "note_undone_by_hand"
		}
		return j.protocol(kind, order.Params{"note": number})
	})
}
