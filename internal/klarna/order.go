package klarna

import (
	"time"

	"github.com/google/uuid"
)

// Order is Klarna's view of an order. Amounts are in minor units. Who the
// customer is and where they live is left out on purpose.
type Order struct {
	OrderID                   string         `json:"order_id"`
	KlarnaReference           string         `json:"klarna_reference"`
	MerchantReference1        string         `json:"merchant_reference1"`
	MerchantReference2        string         `json:"merchant_reference2"`
	Status                    OrderStatus    `json:"status"`
	FraudStatus               FraudStatus    `json:"fraud_status"`
	OrderAmount               int64          `json:"order_amount"`
	OriginalOrderAmount       int64          `json:"original_order_amount"`
	CapturedAmount            int64          `json:"captured_amount"`
	RefundedAmount            int64          `json:"refunded_amount"`
	RemainingAuthorizedAmount int64          `json:"remaining_authorized_amount"`
	PurchaseCountry           string         `json:"purchase_country"`
	PurchaseCurrency          string         `json:"purchase_currency"`
	CreatedAt                 time.Time      `json:"created_at"`
	ExpiresAt                 time.Time      `json:"expires_at"` // it can be captured until then
	InitialPaymentMethod      InitialPayment `json:"initial_payment_method"`
	OrderLines                []OrderLine    `json:"order_lines"`
	ShippingInfo              []ShippingInfo `json:"shipping_info"`
	Captures                  []Capture      `json:"captures"`
	Refunds                   []Refund       `json:"refunds"`
}

// OrderStatus is where an order stands. Klarna may add values.
type OrderStatus string

// Klarna's order statuses.
const (
	StatusAuthorized   OrderStatus = "AUTHORIZED"
	StatusPartCaptured OrderStatus = "PART_CAPTURED"
	StatusCaptured     OrderStatus = "CAPTURED"
	StatusCancelled    OrderStatus = "CANCELLED"
	StatusExpired      OrderStatus = "EXPIRED"
	StatusClosed       OrderStatus = "CLOSED"
)

// FraudStatus is what Klarna's fraud check says. Klarna may add values.
//
// See https://docs.klarna.com/order-management/pending-orders/
type FraudStatus string

// Klarna's fraud statuses.
const (
	FraudAccepted FraudStatus = "ACCEPTED"
	FraudPending  FraudStatus = "PENDING"
	FraudRejected FraudStatus = "REJECTED"
)

// InitialPayment is how the customer chose to pay. Type is e.g. INVOICE,
// PAY_IN_X or CARD; Klarna may add values.
type InitialPayment struct {
	Type                 string `json:"type"`
	Description          string `json:"description"`
	NumberOfInstallments int    `json:"number_of_installments"`
}

// Capture is a part of an order, or all of it, that was captured.
type Capture struct {
	CaptureID       string         `json:"capture_id"`
	KlarnaReference string         `json:"klarna_reference"`
	CapturedAmount  int64          `json:"captured_amount"`
	CapturedAt      time.Time      `json:"captured_at"`
	RefundedAmount  int64          `json:"refunded_amount"`
	Description     string         `json:"description"`
	Reference       string         `json:"reference"` // ours, from the request
	OrderLines      []OrderLine    `json:"order_lines"`
	ShippingInfo    []ShippingInfo `json:"shipping_info"`
}

// Refund is money that went back to the customer.
type Refund struct {
	RefundID       string    `json:"refund_id"`
	RefundedAmount int64     `json:"refunded_amount"`
	RefundedAt     time.Time `json:"refunded_at"`
	Reference      string    `json:"reference"`
	Description    string    `json:"description"`
}

// ValidOrderID reports whether s looks like an order id of Klarna's: a UUID
// with its hyphens.
func ValidOrderID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil
}
