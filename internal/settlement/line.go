package settlement

import (
	"time"

	"zahlwerk/internal/klarna"
)

// StatementLine is one transaction of a payout (Kontoauszugszeile). KlarnaOrderID,
// CaptureID and RefundID are Klarna's ids; OrderID and CaptureRowID are ours, of what the
// line is matched with.
type StatementLine struct {
	ID                       int64
	AccountID                int64
	PayoutID                 int64
	RunID                    int64 // the import that brought it
	PaymentReference         string
	PayoutDate               time.Time
	Identity                 string // hash of what it is, the payout included
	Ordinal                  int    // among equals, from 0
	Type                     klarna.TransactionType
	DetailedType             string
	RawAmount                int64 // minor units, as Klarna sent it
	Amount                   int64 // what it adds to the payout
	Currency                 string
	SaleDate                 *time.Time
	CaptureDate              *time.Time
	KlarnaOrderID            string
	CaptureID                string
	RefundID                 string
	ShortOrderID             string
	MerchantReference1       string
	MerchantReference2       string
	MerchantCaptureReference string
	MerchantRefundReference  string
	ReversalReference        string
	VATRate                  *int64 `gorm:"column:vat_rate"`   // hundredths of a per cent
	VATAmount                *int64 `gorm:"column:vat_amount"` // information, never summed
	TaxInRegistration        *int64
	PurchaseCountry          string
	ShippingCountry          string
	KlarnaPaymentMethod      string
	Installments             *int64
	KlarnaComment            string
	Surplus                  bool // a later reading did not have it: it counts in no sum
	MatchState               MatchState
	MatchRule                MatchRule
	OrderID                  *int64
	CaptureRowID             *int64
	BookedPayment            bool // the order counts as paid because of it
	ReleasedOrder            bool // and was released by that
	MatchedBy                string
	MatchedAt                *time.Time
}

// MatchState is whether we know what a line is about.
type MatchState string

// The match states.
const (
	Matched   MatchState = "matched"   // by a rule
	ByHand    MatchState = "by_hand"   // by a person
	Proposed  MatchState = "proposed"  // there are several orders, or it is not sure
	Unmatched MatchState = "unmatched" // it is about an order that is not known here
	NoOrder   MatchState = "no_order"  // it is not about an order: a fee for all, a holdback
)

// MatchStates lists all match states.
func MatchStates() []MatchState { return []MatchState{Matched, ByHand, Proposed, Unmatched, NoOrder} }

// Settled tells that nobody has to look for an order.
func (m MatchState) Settled() bool { return m != Proposed && m != Unmatched }

// MatchRule is what tied a line to an order.
type MatchRule string

// The rules, in the order in which they are tried.
const (
	RuleKlarnaOrderID    MatchRule = "order_id"
	RuleReference1       MatchRule = "merchant_reference1"
	RuleReference2       MatchRule = "merchant_reference2"
	RuleCaptureReference MatchRule = "merchant_capture_reference"
	RuleShortOrderID     MatchRule = "short_order_id"
	RuleByHand           MatchRule = "by_hand"
)
