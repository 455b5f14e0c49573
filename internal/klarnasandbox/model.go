package klarnasandbox

import (
	"encoding/json"
	"time"
)

// The states of an order.
const (
	StatusAuthorized   = "AUTHORIZED"
	StatusPartCaptured = "PART_CAPTURED"
	StatusCaptured     = "CAPTURED"
	StatusCancelled    = "CANCELLED"
	StatusExpired      = "EXPIRED"
	StatusClosed       = "CLOSED"
)

// What Klarna's risk assessment says about an order.
const (
	FraudAccepted = "ACCEPTED"
	FraudPending  = "PENDING"
	FraudRejected = "REJECTED"
)

// Order is an order as Klarna tells it. Amounts are minor units of the currency.
type Order struct {
	ID         string `json:"order_id"`
	MerchantID string `json:"-"`
	// Acknowledged says that the merchant has said so; Klarna does not tell it.
	Acknowledged bool `json:"-"`

	Status                    string `json:"status"`
	FraudStatus               string `json:"fraud_status"`
	KlarnaReference           string `json:"klarna_reference"`
	MerchantReference1        string `json:"merchant_reference1,omitempty"`
	MerchantReference2        string `json:"merchant_reference2,omitempty"`
	OrderAmount               int64  `json:"order_amount"`
	OriginalOrderAmount       int64  `json:"original_order_amount"`
	CapturedAmount            int64  `json:"captured_amount"`
	RefundedAmount            int64  `json:"refunded_amount"`
	RemainingAuthorizedAmount int64  `json:"remaining_authorized_amount"`
	PurchaseCountry           string `json:"purchase_country"`
	PurchaseCurrency          string `json:"purchase_currency"`
	Locale                    string `json:"locale"`

	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`

	InitialPaymentMethod PaymentMethod  `json:"initial_payment_method"`
	BillingAddress       *Address       `json:"billing_address,omitempty"`
	ShippingAddress      *Address       `json:"shipping_address,omitempty"`
	OrderLines           []OrderLine    `json:"order_lines"`
	ShippingInfo         []ShippingInfo `json:"shipping_info"`
	Captures             []Capture      `json:"captures"`
	Refunds              []Refund       `json:"refunds"`
}

// PaymentMethod is how the customer pays Klarna.
type PaymentMethod struct {
	Type        string `json:"type"`
	Description string `json:"description"`
}

// Capture is an amount that the merchant has claimed because something left.
type Capture struct {
	ID              string         `json:"capture_id"`
	KlarnaReference string         `json:"klarna_reference"`
	CapturedAmount  int64          `json:"captured_amount"`
	CapturedAt      time.Time      `json:"captured_at"`
	Description     string         `json:"description,omitempty"`
	Reference       string         `json:"reference,omitempty"`
	RefundedAmount  int64          `json:"refunded_amount"`
	BillingAddress  *Address       `json:"billing_address,omitempty"`
	ShippingAddress *Address       `json:"shipping_address,omitempty"`
	OrderLines      []OrderLine    `json:"order_lines"`
	ShippingInfo    []ShippingInfo `json:"shipping_info"`

	// ExtendedDays and SendOuts are what extend-due-date and trigger-send-out did; Klarna
	// does not tell them.
	ExtendedDays int `json:"-"`
	SendOuts     int `json:"-"`
}

// Refund is an amount that the merchant has given back.
type Refund struct {
	ID             string      `json:"refund_id"`
	RefundedAmount int64       `json:"refunded_amount"`
	RefundedAt     time.Time   `json:"refunded_at"`
	Description    string      `json:"description,omitempty"`
	Reference      string      `json:"reference,omitempty"`
	CreditInvoice  bool        `json:"credit_invoice,omitempty"`
	OrderLines     []OrderLine `json:"order_lines"`
}

// ShippingInfo is one parcel.
type ShippingInfo struct {
	ShippingCompany       string `json:"shipping_company,omitempty"`
	ShippingMethod        string `json:"shipping_method,omitempty"`
	TrackingNumber        string `json:"tracking_number,omitempty"`
	TrackingURI           string `json:"tracking_uri,omitempty"`
	ReturnShippingCompany string `json:"return_shipping_company,omitempty"`
	ReturnTrackingNumber  string `json:"return_tracking_number,omitempty"`
	ReturnTrackingURI     string `json:"return_tracking_uri,omitempty"`
}

// OrderLine is one line of an order, a capture or a refund.
type OrderLine struct {
	Type                string          `json:"type,omitempty"`
	Reference           string          `json:"reference,omitempty"`
	Name                string          `json:"name"`
	Quantity            int64           `json:"quantity"`
	QuantityUnit        string          `json:"quantity_unit,omitempty"`
	UnitPrice           int64           `json:"unit_price"`
	TaxRate             int64           `json:"tax_rate"`
	TotalAmount         int64           `json:"total_amount"`
	TotalDiscountAmount int64           `json:"total_discount_amount"`
	TotalTaxAmount      int64           `json:"total_tax_amount"`
	MerchantData        string          `json:"merchant_data,omitempty"`
	ProductURL          string          `json:"product_url,omitempty"`
	ImageURL            string          `json:"image_url,omitempty"`
	ProductIdentifiers  json.RawMessage `json:"product_identifiers,omitempty"`
	Subscription        json.RawMessage `json:"subscription,omitempty"`
}

// Address is a postal address with the person's contact data.
type Address struct {
	Title            string `json:"title,omitempty"`
	GivenName        string `json:"given_name,omitempty"`
	FamilyName       string `json:"family_name,omitempty"`
	OrganizationName string `json:"organization_name,omitempty"`
	Attention        string `json:"attention,omitempty"`
	StreetAddress    string `json:"street_address,omitempty"`
	StreetAddress2   string `json:"street_address2,omitempty"`
	PostalCode       string `json:"postal_code,omitempty"`
	City             string `json:"city,omitempty"`
	Region           string `json:"region,omitempty"`
	Country          string `json:"country,omitempty"`
	Email            string `json:"email,omitempty"`
	Phone            string `json:"phone,omitempty"`
}
