package klarnasandbox

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// refundInput is the body of a refund.
type refundInput struct {
	Amount      int64       `json:"refunded_amount"`
	Description string      `json:"description"`
	Reference   string      `json:"reference"`
	OrderLines  []OrderLine `json:"order_lines"`
}

// refund gives back an amount; the captures are used up in the order they were made.
func (o *order) refund(now time.Time, in refundInput) (*Refund, *Error) {
	returnFee := slices.ContainsFunc(in.OrderLines, func(l OrderLine) bool { return l.Type == "return_fee" })
	switch {
	case len(o.Captures) == 0:
		return nil, forbidden(CodeRefundNotAllowed, "Order has no captures. Refund not possible")
	case in.Amount > o.CapturedAmount-o.RefundedAmount:
		return nil, forbidden(CodeRefundNotAllowed, "Over refund is not allowed. Refund not possible.")
	case returnFee && len(o.Captures) > 1:
		return nil, forbidden(CodeRefundNotAllowed, "Return fee is only allowed for orders with a single capture. Refund not possible.")
	}
	left := in.Amount
	for i := range o.Captures {
		k := &o.Captures[i]
		part := min(left, k.CapturedAmount-k.RefundedAmount)
		k.RefundedAmount += part
		left -= part
	}
	o.RefundedAmount += in.Amount
	o.Refunds = append(o.Refunds, Refund{
		ID: uuid.NewString(), RefundedAmount: in.Amount, RefundedAt: instant(now),
		Description: in.Description, Reference: in.Reference, OrderLines: orEmpty(in.OrderLines),
		CreditInvoice: o.InitialPaymentMethod.Type == "B2B_INVOICE",
	})
	return &o.Refunds[len(o.Refunds)-1], nil
}

func refundOrder(o *order, c *call) (answer, *Error) {
	var in refundInput
	c.decode(&in)
	if bad := badLines("order_lines", in.OrderLines); len(bad) > 0 {
		return answer{}, badValue(bad...)
	}
	made, err := o.refund(c.now, in)
	if err != nil {
		return answer{}, err
	}
	return createdAnswer(refundIDHeader, made.ID, c.location("refunds", made.ID)), nil
}

func readRefund(o *order, c *call) (answer, *Error) {
	for i := range o.Refunds {
		if strings.EqualFold(o.Refunds[i].ID, c.part) {
			return okAnswer(&o.Refunds[i]), nil
		}
	}
	return answer{}, notFound(CodeNotFound, "Refund %s cannot be found for order %s.", c.part, o.ID)
}
