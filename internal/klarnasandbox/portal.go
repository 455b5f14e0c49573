package klarnasandbox

import (
	"fmt"
	"net/http"
	"time"
)

// ActionKind is something that happens to an order at Klarna without a call of the API.
type ActionKind string

// The actions: what a person does in the merchant portal or another system at Klarna, and
// what Klarna itself decides.
const (
	ActionCapture   ActionKind = "capture"    // Amount, all that remains if 0
	ActionRefund    ActionKind = "refund"     // Amount, all that was captured if 0
	ActionCancel    ActionKind = "cancel"     //
	ActionRelease   ActionKind = "release"    // the remaining authorisation
	ActionExtend    ActionKind = "extend"     // the authorisation time
	ActionExpire    ActionKind = "expire"     // now
	ActionClose     ActionKind = "close"      //
	ActionFraud     ActionKind = "fraud"      // FraudStatus
	ActionSetAmount ActionKind = "set_amount" // Amount becomes the order amount
)

// ActionKinds are all actions.
var ActionKinds = []ActionKind{ActionCapture, ActionRefund, ActionCancel, ActionRelease, ActionExtend, ActionExpire,
	ActionClose, ActionFraud, ActionSetAmount}

// Action is one such event.
type Action struct {
	Kind         ActionKind     `json:"kind"`
	Amount       int64          `json:"amount"` // minor units
	Reference    string         `json:"reference"`
	Description  string         `json:"description"`
	ShippingInfo []ShippingInfo `json:"shipping_info"`
	FraudStatus  string         `json:"fraud_status"`
}

// Act lets something happen to an order at Klarna and returns the order afterwards. The error
// is an *Error in Klarna's words where Klarna's own rules forbid it.
func (s *Sandbox) Act(orderID string, a Action) (Order, error) {
	o := s.orders.find(orderID)
	if o == nil {
		return Order{}, notFound(CodeNoSuchOrder, "Order %s could not be found.", orderID)
	}
	if err := s.act(o, a); err != nil {
		return Order{}, err
	}
	return o.snapshot(s.Now()), nil
}

func (s *Sandbox) act(o *order, a Action) *Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := s.Now()
	o.settle(now)
	if a.Amount < 0 || a.Amount > maxAmount {
		return badValue("amount")
	}
	switch a.Kind {
	case ActionCapture:
		return o.captureInPortal(now, a)
	case ActionRefund:
		if a.Amount == 0 {
			a.Amount = o.CapturedAmount - o.RefundedAmount
		}
		_, err := o.refund(now, refundInput{Amount: a.Amount, Reference: a.Reference, Description: a.Description})
		return err
	case ActionCancel:
		return o.cancel()
	case ActionRelease:
		return o.release()
	case ActionExtend:
		return o.extend(now)
	case ActionExpire:
		return o.expire(now)
	case ActionClose:
		o.closed = true
		return nil
	case ActionFraud:
		if !isFraudStatus(a.FraudStatus) {
			return badValue("fraud_status")
		}
		o.FraudStatus = a.FraudStatus
		return nil
	case ActionSetAmount:
		if a.Amount == 0 {
			return badValue("amount")
		}
		return o.updateAmount(authorizationInput{Amount: a.Amount, OrderLines: o.OrderLines})
	}
	return badValue("kind")
}

func (o *order) captureInPortal(now time.Time, a Action) *Error {
	if a.Amount == 0 {
		a.Amount = o.RemainingAuthorizedAmount
	}
	_, err := o.capture(now, captureInput{Amount: a.Amount, Reference: a.Reference, Description: a.Description,
		ShippingInfo: a.ShippingInfo})
	return err
}

// expire lets the time to capture end now.
func (o *order) expire(now time.Time) *Error {
	if o.Status != StatusAuthorized && o.Status != StatusPartCaptured {
		return &Error{Status: http.StatusForbidden, Code: CodeNotAllowed,
			Messages: []string{fmt.Sprintf("Order is %s. It cannot expire.", stateWord(o.Status))}}
	}
	o.ExpiresAt = instant(now)
	return nil
}
