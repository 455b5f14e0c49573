package settlement

import (
	"time"

	"zahlwerk/internal/klarna"
)

// Source is where payouts come from.
type Source string

// The sources.
const (
	FromAPI  Source = "api"
	FromFile Source = "file" // Klarna's settlement report, as CSV
)

// TransactionType and SettlementType are Klarna's; the names are here for those who know
// payouts but not Klarna's API.
type (
	TransactionType = klarna.TransactionType
	SettlementType  = klarna.SettlementType
)

// TransactionTypes lists all types of lines that are known.
func TransactionTypes() []TransactionType { return klarna.TransactionTypes() }

// Payout is what Klarna paid at once, in one currency (Auszahlung). Amounts are in minor
// units of it.
type Payout struct {
	ID                   int64
	AccountID            int64
	RunID                int64 // the import that brought it
	Source               Source
	PaymentReference     string // also on the bank's statement
	PayoutDate           time.Time
	Currency             string
	RegistrationCurrency string
	SettlementType       klarna.SettlementType
	MerchantID           string
	Totals               Totals `gorm:"embedded"`
	Complete             bool   // all its lines are here
	Signed               bool   // Klarna's lines had their signs already
	Lines                int64
	Matched              int64    // of them, by rule or by hand
	LinesAmount          int64    // Σ signed amounts of the lines
	Difference           int64    // Totals.Settlement - LinesAmount
	Unexplained          int64    // the part of it that has no name
	Reasons              []Reason `gorm:"serializer:json;not null"`
	CreatedAt            time.Time
}

// Totals are Klarna's sums of a payout, without signs, as Klarna sent them.
type Totals struct {
	Sale               int64 `gorm:"column:sale_amount"`
	Return             int64 `gorm:"column:return_amount"`
	Reversal           int64 `gorm:"column:reversal_amount"`
	Fee                int64 `gorm:"column:fee_amount"`
	FeeRefund          int64 `gorm:"column:fee_refund_amount"`
	FeeCorrection      int64 `gorm:"column:fee_correction_amount"`
	Tax                int64 `gorm:"column:tax_amount"`
	TaxRefund          int64 `gorm:"column:tax_refund_amount"`
	Commission         int64 `gorm:"column:commission_amount"`
	CommissionReversal int64 `gorm:"column:commission_reversal_amount"`
	Charge             int64 `gorm:"column:charge_amount"`
	Credit             int64 `gorm:"column:credit_amount"`
	Holdback           int64 `gorm:"column:holdback_amount"`
	Release            int64 `gorm:"column:release_amount"`
	Repay              int64 `gorm:"column:repay_amount"`
	Deposit            int64 `gorm:"column:deposit_amount"`
	OpeningDebt        int64 `gorm:"column:opening_debt_amount"`
	ClosingDebt        int64 `gorm:"column:closing_debt_amount"`
	Settlement         int64 `gorm:"column:settlement_amount"`
}

// Reason is a named part of the difference between a payout and its lines.
type Reason struct {
	Name   ReasonName `json:"name"`
	Amount int64      `json:"amount"`
}

// ReasonName says why a payout is not the sum of its lines.
type ReasonName string

// The reasons; the list is closed.
const (
	ReasonOpeningDebt        ReasonName = "opening_debt"
	ReasonClosingDebt        ReasonName = "closing_debt"
	ReasonRepay              ReasonName = "repay"
	ReasonTaxRefund          ReasonName = "tax_refund"
	ReasonFeesInvoiced       ReasonName = "fees_invoiced_separately"
	ReasonUnknownType        ReasonName = "unknown_type"
	ReasonLinesMissing       ReasonName = "lines_missing"
	ReasonTotalsInconsistent ReasonName = "totals_inconsistent"
)

// Sum is what the lines of a payout of one type and match state come to.
type Sum struct {
	PayoutID   int64
	Type       klarna.TransactionType
	MatchState MatchState
	Lines      int64
	Amount     int64 // signed
	RawAmount  int64 // as Klarna sent it
}

// TableName is the table of sums.
func (Sum) TableName() string { return "payout_sums" }
