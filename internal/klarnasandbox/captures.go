package klarnasandbox

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// captureInput is the body of a capture.
type captureInput struct {
	Amount        int64          `json:"captured_amount"`
	Description   string         `json:"description"`
	Reference     string         `json:"reference"`
	OrderLines    []OrderLine    `json:"order_lines"`
	ShippingInfo  []ShippingInfo `json:"shipping_info"`
	ShippingDelay int64          `json:"shipping_delay"`
}

// shippingInput is the body of the operations that append shipping info.
type shippingInput struct {
	ShippingInfo []ShippingInfo `json:"shipping_info"`
}

// dueDateOptions are the days by which a due date can be extended, and what each costs.
var dueDateOptions = []dueDateOption{{14, 100}, {30, 200}, {60, 400}}

type dueDateOption struct {
	NumberOfDays int   `json:"number_of_days"`
	Amount       int64 `json:"amount"`
}

// dueLater are the payment methods whose bill the customer pays later.
var dueLater = []string{"INVOICE", "B2B_INVOICE", "INVOICE_BUSINESS", "PAY_LATER_IN_PARTS", "PAY_IN_X", "ACCOUNT", "BASE_ACCOUNT"}

func captureReference(o *order, index int) string {
	return fmt.Sprintf("%s-%d", o.KlarnaReference, index+1)
}

// capture adds a capture to the settled order.
func (o *order) capture(now time.Time, in captureInput) (*Capture, *Error) {
	if why := o.whyNoCapture(in.Amount); why != "" {
		return nil, forbidden(CodeCaptureNotAllowed, why)
	}
	c := Capture{
		ID: uuid.NewString(), KlarnaReference: captureReference(o, len(o.Captures)),
		CapturedAmount: in.Amount, CapturedAt: instant(now),
		Description: in.Description, Reference: in.Reference,
		BillingAddress: o.BillingAddress, ShippingAddress: o.ShippingAddress,
		OrderLines: orEmpty(in.OrderLines), ShippingInfo: orEmpty(in.ShippingInfo),
	}
	o.Captures = append(o.Captures, c)
	o.CapturedAmount += in.Amount
	o.settle(now)
	return &o.Captures[len(o.Captures)-1], nil
}

// whyNoCapture says in Klarna's words why the amount may not be captured, "" if it may.
func (o *order) whyNoCapture(amount int64) string {
	switch {
	case o.Status == StatusCancelled:
		return fmt.Sprintf("Order %s is cancelled. Capture not possible.", o.ID)
	case o.Status == StatusExpired:
		return fmt.Sprintf("Order %s is expired. Capture not possible.", o.ID)
	case o.Status == StatusClosed:
		return fmt.Sprintf("Order %s is closed. Capture not possible.", o.ID)
	case o.FraudStatus == FraudPending:
		return fmt.Sprintf("Order %s is pending review. Capture not possible.", o.ID)
	case o.FraudStatus == FraudRejected:
		return fmt.Sprintf("Order %s is rejected. Capture not possible.", o.ID)
	case amount > o.RemainingAuthorizedAmount:
		return "Captured amount is higher than the remaining authorized amount. Capture not possible."
	case amount == 0:
		// The request may say 0, but no capture of 0 can be told: the answer's minimum is 1.
		return "Captured amount is zero. Capture not possible."
	}
	return ""
}

func captureOrder(o *order, c *call) (answer, *Error) {
	var in captureInput
	c.decode(&in)
	if bad := badLines("order_lines", in.OrderLines); len(bad) > 0 {
		return answer{}, badValue(bad...)
	}
	if in.ShippingDelay > 0 { // has to be enabled by Klarna for the account
		return answer{}, badValue("shipping_delay")
	}
	made, err := o.capture(c.now, in)
	if err != nil {
		return answer{}, err
	}
	return createdAnswer(captureIDHeader, made.ID, c.location("captures", made.ID)), nil
}

func listCaptures(o *order, c *call) (answer, *Error) { return okAnswer(o.Captures), nil }

func readCapture(o *order, c *call) (answer, *Error) {
	k := o.findCapture(c.part)
	if k == nil {
		return answer{}, notFound(CodeNoSuchCapture, "Capture %s could not be found for order %s.", c.part, o.ID)
	}
	return okAnswer(k), nil
}

func appendCaptureShipping(o *order, c *call) (answer, *Error) {
	k, err := o.captureFor(c.part, "Shipping info cannot be added to capture "+c.part+".")
	if err != nil {
		return answer{}, err
	}
	var in shippingInput
	c.decode(&in)
	k.ShippingInfo = append(k.ShippingInfo, in.ShippingInfo...)
	return noContent(), nil
}

func triggerSendOut(o *order, c *call) (answer, *Error) {
	k, err := o.captureFor(c.part, "Send out cannot be triggered.")
	if err != nil {
		return answer{}, err
	}
	k.SendOuts++
	return noContent(), nil
}

func extendDueDate(o *order, c *call) (answer, *Error) {
	k, err := o.captureFor(c.part, "Due date cannot be extended.")
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Days int `json:"number_of_days"`
	}
	c.decode(&in)
	if !slices.ContainsFunc(o.dueDateOptions(), func(d dueDateOption) bool { return d.NumberOfDays == in.Days }) {
		return answer{}, forbidden(CodeNotAllowed, fmt.Sprintf("Due date cannot be extended by %d days.", in.Days))
	}
	k.ExtendedDays += in.Days
	return noContent(), nil
}

func listDueDateOptions(o *order, c *call) (answer, *Error) {
	if o.findCapture(c.part) == nil {
		return answer{}, notFound(CodeNoSuchCapture, "Capture %s could not be found for order %s.", c.part, o.ID)
	}
	return okAnswer(struct {
		Currency string          `json:"currency"`
		Options  []dueDateOption `json:"options"`
	}{o.PurchaseCurrency, o.dueDateOptions()}), nil
}

func (o *order) dueDateOptions() []dueDateOption {
	if slices.Contains(dueLater, o.InitialPaymentMethod.Type) {
		return dueDateOptions
	}
	return []dueDateOption{}
}

// captureFor returns the capture that something is to be done with, or Klarna's refusal.
func (o *order) captureFor(id, consequence string) (*Capture, *Error) {
	if len(o.Captures) == 0 {
		return nil, forbidden(CodeNotAllowed, "Order has no captures")
	}
	k := o.findCapture(id)
	if k == nil {
		return nil, notFound(CodeNoSuchCapture, "Capture could not be found. %s", consequence)
	}
	return k, nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
