package capture

import (
	"gorm.io/gorm"

	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// noteFeedback is what one capture contributes to the order's feedback.
func noteFeedback(c *Capture) order.Feedback {
	switch c.State {
	case Pending, Sending:
		return order.FeedbackQueued
	case Confirmed:
		return order.FeedbackConfirmed
	case Refused, Unknown:
		return order.FeedbackFailed
	case ByHand:
		return order.FeedbackByHand
	case DoneByHand:
		return order.FeedbackDoneByHand
	case Skipped:
		return order.FeedbackSkipped
	}
	return order.FeedbackNone
}

// precedence is which feedback of several notes the order shows.
var precedence = []order.Feedback{order.FeedbackFailed, order.FeedbackByHand, order.FeedbackQueued, order.FeedbackPartlyConfirmed,
	order.FeedbackConfirmed, order.FeedbackDoneByHand, order.FeedbackSkipped, order.FeedbackWaiting, order.FeedbackNone}

// left tells that the note of a capture has left: its last parcel was not taken back.
func left(c *Capture) bool { return c.State != Withdrawn || c.Rule != RuleNotShipped }

// counts tells that a capture says something about the order beside others.
func counts(c *Capture) bool { return c.State != Withdrawn && c.Rule != RuleNothingToCapture }

// Feedback works out what an order shows: klarna tells that its method has the module
// Klarna, open that goods are in no delivery note or in one that has not left.
func Feedback(klarna, cancelled, open bool, captures []Capture) order.Feedback {
	var told, others []Capture
	for _, c := range captures {
		switch {
		case counts(&c):
			told = append(told, c)
		case left(&c):
			others = append(others, c)
		}
	}
	if len(told) == 0 {
		told = others
	}
	if len(told) == 0 {
		if klarna && !cancelled {
			return order.FeedbackWaiting
		}
		return order.FeedbackNone
	}
	shown := map[order.Feedback]bool{}
	settled := true
	for _, c := range told {
		shown[noteFeedback(&c)] = true
		settled = settled && (c.State == Confirmed || c.State == DoneByHand)
	}
	if shown[order.FeedbackConfirmed] && (open || !settled) {
		shown[order.FeedbackPartlyConfirmed] = true
	}
	for _, f := range precedence {
		if shown[f] {
			return f
		}
	}
	return order.FeedbackNone
}

// RefreshFeedback brings the order's feedback up to date with its captures, in the
// transaction that changed one of them.
func RefreshFeedback(tx *gorm.DB, orderID int64) error {
	var o order.Order
	if err := tx.Preload("PaymentMethod").Take(&o, orderID).Error; err != nil {
		return err
	}
	return refreshFeedback(tx, &o)
}

// refreshFeedback is RefreshFeedback for an order that was read with its payment method
// in this transaction.
func refreshFeedback(tx *gorm.DB, o *order.Order) error {
	var captures []Capture
	err := tx.Select("state", "rule").Where("order_id = ?", o.ID).Order("id").Find(&captures).Error
	if err != nil {
		return err
	}
	open, err := anythingOpen(tx, o.ID)
	if err != nil {
		return err
	}
	f := Feedback(o.PaymentMethod.Module == paymentmethod.ModuleKlarna, o.Status == order.Cancelled, open, captures)
	if f == o.Feedback {
		return nil
	}
	return order.SetFeedback(tx, o.ID, f)
}

// anythingOpen tells that goods of the order are in no note, or in one that has not left.
func anythingOpen(tx *gorm.DB, orderID int64) (bool, error) {
	var gone struct{ Ordered, Left int64 }
	err := tx.Raw(`SELECT
		(SELECT coalesce(sum(quantity), 0) FROM order_lines WHERE order_id = ? AND type IN (?, ?)) AS ordered,
		(SELECT coalesce(sum(nl.quantity), 0) FROM delivery_note_lines nl
			JOIN delivery_notes n ON n.id = nl.delivery_note_id JOIN order_lines l ON l.id = nl.order_line_id
			WHERE n.order_id = ? AND n.withdrawn_at IS NULL AND n.shipped_at IS NOT NULL AND l.type IN (?, ?)) AS "left"`,
		orderID, order.Physical, order.Digital, orderID, order.Physical, order.Digital).Scan(&gone).Error
	return gone.Left < gone.Ordered, err
}
