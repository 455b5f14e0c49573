package order

import (
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/money"
	"zahlwerk/internal/paymentmethod"
)

// Status is how far an order has come.
type Status string

// The statuses, in their order; cancelled may follow each of the first two.
const (
	Draft     Status = "draft"
	Released  Status = "released"
	Shipped   Status = "shipped"   // everything has left; Klarna's answer is not settled
	Completed Status = "completed" // everything has left, and nothing waits for an answer
	Cancelled Status = "cancelled"
)

// Statuses lists all statuses.
var Statuses = []Status{Draft, Released, Shipped, Completed, Cancelled}

// Feedback is what the order shows of the conversation with Klarna.
type Feedback string

// The feedbacks.
const (
	FeedbackNone            Feedback = "none"             // not Klarna's business
	FeedbackWaiting         Feedback = "waiting"          // nothing has left yet
	FeedbackQueued          Feedback = "queued"           // will be told, or is being told
	FeedbackConfirmed       Feedback = "confirmed"        // Klarna has captured
	FeedbackPartlyConfirmed Feedback = "partly_confirmed" // Klarna has captured a part
	FeedbackFailed          Feedback = "failed"           // a person must act
	FeedbackByHand          Feedback = "by_hand"          // a person marks it in Klarna's portal
	FeedbackDoneByHand      Feedback = "done_by_hand"     // a person has
	FeedbackSkipped         Feedback = "skipped"          // a shop plugin tells Klarna, or there is nothing to capture
)

// Feedbacks lists all feedbacks, what needs a person first.
var Feedbacks = []Feedback{FeedbackFailed, FeedbackByHand, FeedbackQueued, FeedbackPartlyConfirmed, FeedbackWaiting,
	FeedbackConfirmed, FeedbackDoneByHand, FeedbackSkipped, FeedbackNone}

// Order is what a customer ordered. Total and the amounts of its lines are in minor
// units of Currency.
type Order struct {
	ID              int64
	Number          string
	ExternalNumber  string
	Status          Status
	PlacedAt        time.Time
	PaymentMethodID int64
	PaymentMethod   paymentmethod.Method
	KlarnaOrderID   string // a UUID, or empty
	KlarnaReference string // Klarna's short reference, when last read there
	ExpiresAt       *time.Time
	Currency        string
	Total           int64
	CustomerName    string
	CustomerEmail   string
	Country         string
	BillingAddress  Address  `gorm:"serializer:json"`
	ShippingAddress *Address `gorm:"serializer:json;not null"` // nil: the billing address
	MarkPaid        bool     // marked as paid in advance
	PaidAt          *time.Time
	PaidBy          PaymentSource           // how we know; "" when it is not paid
	BehavesLike     paymentmethod.Behaviour // as its payment method did when it was made
	Documents       paymentmethod.Documents
	AutoShip        bool
	TellKlarna      bool
	DontTellReason  string
	Feedback        Feedback
	ContentHash     string
	CreatedBy       string
	CreatedAt       time.Time
	UpdatedAt       time.Time `gorm:"autoUpdateTime:false"` // by our clock only
	ShippedAt       *time.Time
	CancelledAt     *time.Time

	Lines []Line
	Notes []DeliveryNote
}

// Address is where a person or a company is.
type Address struct {
	Name       string `json:"name,omitempty"`
	Company    string `json:"company,omitempty"`
	Street     string `json:"street,omitempty"`
	Street2    string `json:"street2,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	City       string `json:"city,omitempty"`
	Country    string `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Phone      string `json:"phone,omitempty"`
}

// LineType is Klarna's type of an order line.
type LineType string

// The line types.
const (
	Physical    LineType = "physical"
	Digital     LineType = "digital"
	ShippingFee LineType = "shipping_fee"
	Discount    LineType = "discount"
	GiftCard    LineType = "gift_card"
	StoreCredit LineType = "store_credit"
	Surcharge   LineType = "surcharge"
	SalesTax    LineType = "sales_tax"
)

// LineTypes lists all line types.
var LineTypes = []LineType{Physical, Digital, ShippingFee, Discount, GiftCard, StoreCredit, Surcharge, SalesTax}

// IsGoods tells lines that are delivered by quantity.
func (t LineType) IsGoods() bool { return t == Physical || t == Digital }

// IsReduction tells lines with negative totals, which are spread over the others.
func (t LineType) IsReduction() bool { return t == Discount || t == GiftCard || t == StoreCredit }

// Line is a line of an order. Amount is its total together with its share of the
// order's reductions; the amounts of all lines add up to the order's total.
type Line struct {
	ID        int64
	OrderID   int64
	Position  int // from 1
	SKU       string
	Name      string
	Type      LineType
	Quantity  money.Quantity
	UnitPrice int64 // with tax
	TaxRate   int64 // hundredths of a percent: 1900 = 19 %
	Total     int64
	Amount    int64
}

// TableName is the table of lines.
func (Line) TableName() string { return "order_lines" }

// Lock reads an order and keeps others from changing it until tx ends. Everything
// that decides by an order's state and then changes it begins with Lock.
func Lock(tx *gorm.DB, id int64) (*Order, error) { return LockWhere(tx, "id = ?", id) }

// LockWhere is Lock for the one order that meets a condition.
func LockWhere(tx *gorm.DB, condition string, args ...any) (*Order, error) {
	var o Order
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where(condition, args...).Take(&o).Error
	return &o, err
}

// settled are the feedbacks after which nothing of the conversation is open.
var settled = []Feedback{FeedbackConfirmed, FeedbackDoneByHand, FeedbackSkipped, FeedbackNone}

// SetFeedback keeps what the order shows of the conversation with Klarna, and with it
// whether an order that has left is completed; it belongs into the transaction that
// changed the conversation.
func SetFeedback(tx *gorm.DB, orderID int64, f Feedback) error {
	gone := Shipped
	if slices.Contains(settled, f) {
		gone = Completed
	}
	return tx.Model(&Order{}).Where("id = ? AND feedback <> ?", orderID, f).Updates(map[string]any{
		"feedback": f, "status": gorm.Expr("CASE WHEN status IN (?, ?) THEN ? ELSE status END", Shipped, Completed, gone),
	}).Error
}

// Settle completes an order that has left and of which nothing of the conversation with
// Klarna is open.
func Settle(tx *gorm.DB, orderID int64) error {
	return tx.Model(&Order{}).Where("id = ? AND status = ? AND feedback IN ?", orderID, Shipped, settled).
		Update("status", Completed).Error
}

// KeepReading keeps what Klarna told about the order: its short reference and until
// when it can be captured (zero: not told).
func KeepReading(tx *gorm.DB, orderID int64, reference string, expiresAt time.Time) error {
	changes := map[string]any{}
	if reference != "" {
		changes["klarna_reference"] = reference
	}
	if !expiresAt.IsZero() {
		changes["expires_at"] = expiresAt.UTC().Truncate(time.Microsecond)
	}
	if len(changes) == 0 {
		return nil
	}
	if err := tx.Model(&Order{}).Where("id = ?", orderID).Updates(changes).Error; err != nil {
		return err
	}
	return AddTerms(tx, orderID, reference)
}

// Delivery returns the address that parcels go to.
func (o *Order) Delivery() Address {
	if o.ShippingAddress != nil {
		return *o.ShippingAddress
	}
	return o.BillingAddress
}

// Gone tells that everything of the order has left.
func (o *Order) Gone() bool { return o.Status == Shipped || o.Status == Completed }

// IsKlarna tells that the order is paid through Klarna. It needs PaymentMethod.
func (o *Order) IsKlarna() bool { return o.PaymentMethod.Module == paymentmethod.ModuleKlarna }

// Paid tells that nothing is owed before the order may leave: it is paid, marked as
// paid in advance, or paid for after delivery.
func (o *Order) Paid() bool {
	return o.MarkPaid || o.PaidAt != nil || o.BehavesLike != paymentmethod.Prepayment
}
