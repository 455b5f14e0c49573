package klarnasandbox

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// raisable are the payment methods whose order amount may be raised afterwards.
var raisable = []string{"INVOICE", "INVOICE_BUSINESS", "B2B_INVOICE", "BASE_ACCOUNT", "DIRECT_DEBIT", "FIXED_AMOUNT"}

// authorizationInput is the body of an update of the authorisation.
type authorizationInput struct {
	Amount      int64       `json:"order_amount"`
	Description string      `json:"description"`
	OrderLines  []OrderLine `json:"order_lines"`
}

// updateAmount sets a new order amount and new lines; no lines means that there are none.
func (o *order) updateAmount(in authorizationInput) *Error {
	var why string
	switch {
	case o.Status == StatusCaptured:
		why = "Order is fully captured. Authorization cannot be updated."
	case o.Status != StatusAuthorized && o.Status != StatusPartCaptured:
		why = fmt.Sprintf("Order is %s. Authorization cannot be updated.", stateWord(o.Status))
	case in.Amount < o.CapturedAmount:
		why = fmt.Sprintf("Resulting authorization amount %d cannot be less than the captured amount %d. Authorization cannot be updated.",
			in.Amount, o.CapturedAmount)
	}
	if why != "" {
		return forbidden(CodeNotAllowed, why)
	}
	o.OrderAmount, o.OrderLines = in.Amount, orEmpty(in.OrderLines)
	return nil
}

func updateAuthorization(o *order, c *call) (answer, *Error) {
	var in authorizationInput
	c.decode(&in)
	if bad := badLines("order_lines", in.OrderLines); len(bad) > 0 {
		return answer{}, badValue(bad...)
	}
	if in.Amount > o.OrderAmount && o.Status != StatusCaptured && !slices.Contains(raisable, o.InitialPaymentMethod.Type) {
		return answer{}, forbidden(CodeNotAllowed, "Order amount cannot be increased for this payment method.")
	}
	if err := o.updateAmount(in); err != nil {
		return answer{}, err
	}
	return noContent(), nil
}

// cancel ends an order from which nothing was captured.
func (o *order) cancel() *Error {
	switch {
	case len(o.Captures) > 0:
		return forbidden(CodeCancelNotAllowed, "Order has previous captures. Cancel not possible.")
	case o.Status != StatusAuthorized:
		return forbidden(CodeCancelNotAllowed, fmt.Sprintf("Order is %s. Cancel not possible.", stateWord(o.Status)))
	}
	o.cancelled = true
	return nil
}

func cancelOrder(o *order, c *call) (answer, *Error) { return noContent(), o.cancel() }

// release gives up what is not captured yet.
func (o *order) release() *Error {
	var why string
	switch {
	case o.Status == StatusCaptured:
		why = "Order is fully captured."
	case o.Status != StatusAuthorized && o.Status != StatusPartCaptured:
		why = fmt.Sprintf("Order is %s.", stateWord(o.Status))
	case len(o.Captures) == 0:
		why = "Order has no captures."
	}
	if why != "" {
		return forbidden(CodeNotAllowed, why+" Remaining authorization cannot be released.")
	}
	o.released = true
	return nil
}

func releaseAuthorization(o *order, c *call) (answer, *Error) { return noContent(), o.release() }

// extend makes the order capturable for another period from now, never for less than it is.
func (o *order) extend(now time.Time) *Error {
	last := midnightAfter(o.CreatedAt, longestAuthorizationDays)
	var why string
	switch {
	case o.Status == StatusCaptured:
		why = "Order is fully captured."
	case o.Status != StatusAuthorized && o.Status != StatusPartCaptured:
		why = fmt.Sprintf("Order is %s.", stateWord(o.Status))
	case o.InitialPaymentMethod.Type == "PAY_BY_CARD":
		why = "Payment method does not support it."
	case !now.Before(last):
		why = fmt.Sprintf("Order is older than %d days.", longestAuthorizationDays)
	}
	if why != "" {
		return forbidden(CodeNotAllowed, why+" Authorization time cannot be extended.")
	}
	until := midnightAfter(now, authorizationDays)
	if until.After(last) {
		until = last
	}
	if until.After(o.ExpiresAt) {
		o.ExpiresAt = until
	}
	return nil
}

func extendAuthorization(o *order, c *call) (answer, *Error) { return noContent(), o.extend(c.now) }

func acknowledgeOrder(o *order, c *call) (answer, *Error) {
	if o.Status == StatusCancelled {
		return answer{}, forbidden(CodeNotAllowed, "Order is cancelled. Order cannot be acknowledged.")
	}
	o.Acknowledged = true
	return noContent(), nil
}

func readOrder(o *order, c *call) (answer, *Error) { return okAnswer(&o.Order), nil }

func updateReferences(o *order, c *call) (answer, *Error) {
	if o.Status == StatusCancelled {
		return answer{}, forbidden(CodeNotAllowed, "Can not update a cancelled order")
	}
	var in struct {
		Reference1 *string `json:"merchant_reference1"`
		Reference2 *string `json:"merchant_reference2"`
	}
	c.decode(&in)
	if in.Reference1 != nil {
		o.MerchantReference1 = *in.Reference1
	}
	if in.Reference2 != nil {
		o.MerchantReference2 = *in.Reference2
	}
	return noContent(), nil
}

func updateCustomer(o *order, c *call) (answer, *Error) {
	if o.Status != StatusAuthorized && o.Status != StatusPartCaptured {
		return answer{}, forbidden(CodeNotAllowed,
			fmt.Sprintf("Order is %s. Customer details cannot be updated.", stateWord(o.Status)))
	}
	var in struct {
		ShippingAddress *Address `json:"shipping_address"`
	}
	c.decode(&in)
	if in.ShippingAddress == nil {
		return noContent(), nil
	}
	if country := in.ShippingAddress.Country; country != "" && !isLetters(country, 2) {
		return answer{}, &Error{Status: http.StatusUnprocessableEntity, Code: CodeInvalidAddress,
			Messages: []string{"Invalid country: " + country}}
	}
	o.ShippingAddress = in.ShippingAddress
	return noContent(), nil
}

func appendOrderShipping(o *order, c *call) (answer, *Error) {
	var in shippingInput
	c.decode(&in)
	o.ShippingInfo = append(o.ShippingInfo, in.ShippingInfo...)
	return noContent(), nil
}

// stateWord is the state in the middle of a sentence.
func stateWord(status string) string {
	switch status {
	case StatusCancelled:
		return "cancelled"
	case StatusExpired:
		return "expired"
	case StatusClosed:
		return "closed"
	case StatusCaptured:
		return "fully captured"
	}
	return status
}
