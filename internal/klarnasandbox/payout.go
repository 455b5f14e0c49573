package klarnasandbox

import (
	"slices"
	"strings"
	"time"
)

// What a payout is: with the fees taken off, without them, or the invoice of the fees.
const (
	SettlementNet      = "NET"
	SettlementGross    = "GROSS"
	SettlementGrossFee = "GROSS_FEE"
)

// The types of transactions.
const (
	TypeSale               = "SALE"
	TypeReturn             = "RETURN"
	TypeFee                = "FEE"
	TypeFeeRefund          = "FEE_REFUND"
	TypeTax                = "TAX"
	TypeReversal           = "REVERSAL"
	TypeMerchantProtection = "REVERSAL_MERCHANT_PROTECTION"
	TypeCommission         = "COMMISSION"
	TypeCharge             = "CHARGE"
	TypeCredit             = "CREDIT"
	TypeHoldback           = "HOLDBACK"
	TypeRelease            = "RELEASE"
	TypeCorrection         = "CORRECTION"
)

// deducted are the types whose amounts a payout is less for.
var deducted = []string{TypeReturn, TypeFee, TypeTax, TypeReversal, TypeCharge, TypeHoldback}

// Transaction is one line of a payout as Klarna tells it. Its amount has no sign: the type
// says whether it is added or taken off.
type Transaction struct {
	Amount           int64  `json:"amount"`
	Type             string `json:"type"`
	DetailedType     string `json:"detailed_type,omitempty"`
	CurrencyCode     string `json:"currency_code"`
	PaymentReference string `json:"payment_reference,omitempty"`
	Payout           string `json:"payout,omitempty"` // a link, set when it is told

	OrderID                  string    `json:"order_id"`
	ShortOrderID             string    `json:"short_order_id,omitempty"`
	CaptureID                string    `json:"capture_id"` // empty for what has no capture
	RefundID                 string    `json:"refund_id,omitempty"`
	MerchantReference1       string    `json:"merchant_reference1,omitempty"`
	MerchantReference2       string    `json:"merchant_reference2,omitempty"`
	MerchantCaptureReference string    `json:"merchant_capture_reference,omitempty"`
	MerchantRefundReference  string    `json:"merchant_refund_reference,omitempty"`
	SaleDate                 time.Time `json:"sale_date"`
	CaptureDate              time.Time `json:"capture_date"`
	PurchaseCountry          string    `json:"purchase_country"`
	ShippingCountry          string    `json:"shipping_country,omitempty"`

	PaymentMethodType   string `json:"initial_payment_method_type,omitempty"`
	Installments        int64  `json:"initial_number_of_installments,omitempty"`
	MonthlyDownpayments int64  `json:"initial_payment_method_monthly_downpayments,omitempty"`

	VATRate              int64  `json:"vat_rate,omitempty"`   // hundredths of a percent
	VATAmount            int64  `json:"vat_amount,omitempty"` // within the amount
	RegistrationTax      int64  `json:"tax_in_currency_of_registration_country,omitempty"`
	RegistrationCurrency string `json:"currency_code_of_registration_country,omitempty"`
	Comment              string `json:"klarna_comment,omitempty"`
	ReversalReference    string `json:"reversal_reference,omitempty"`
}

// Totals are the sums of a payout in minor units, each without a sign.
type Totals struct {
	Sale               int64 `json:"sale_amount"`
	Return             int64 `json:"return_amount"`
	Reversal           int64 `json:"reversal_amount"` // less what merchant protection took over
	Fee                int64 `json:"fee_amount"`
	FeeCorrection      int64 `json:"fee_correction_amount"`
	FeeRefund          int64 `json:"fee_refund_amount"`
	Tax                int64 `json:"tax_amount"`
	TaxRefund          int64 `json:"tax_refund_amount"`
	Commission         int64 `json:"commission_amount"`
	Charge             int64 `json:"charge_amount"`
	Credit             int64 `json:"credit_amount"`
	Holdback           int64 `json:"holdback_amount"`
	Release            int64 `json:"release_amount"`
	Repay              int64 `json:"repay_amount"`
	Deposit            int64 `json:"deposit_amount"`
	OpeningDebtBalance int64 `json:"opening_debt_balance_amount"`
	ClosingDebtBalance int64 `json:"closing_debt_balance_amount"`
	Settlement         int64 `json:"settlement_amount"`
}

// add counts a transaction. A type that is not Klarna's has no total.
func (t *Totals) add(kind string, amount int64) {
	switch kind {
	case TypeSale:
		t.Sale += amount
	case TypeReturn:
		t.Return += amount
	case TypeFee:
		t.Fee += amount
	case TypeFeeRefund:
		t.FeeRefund += amount
	case TypeTax:
		t.Tax += amount
	case TypeReversal:
		t.Reversal += amount
	case TypeMerchantProtection:
		t.Reversal -= amount
	case TypeCommission:
		t.Commission += amount
	case TypeCharge:
		t.Charge += amount
	case TypeCredit:
		t.Credit += amount
	case TypeHoldback:
		t.Holdback += amount
	case TypeRelease:
		t.Release += amount
	case TypeCorrection:
		t.FeeCorrection += amount
	}
}

// balance is what the totals leave to be paid out, below 0 if the merchant owes it: Klarna's
// sum of a settlement (docs.klarna.com, settlement files).
func (t *Totals) balance() int64 {
	return t.Sale - t.Return - t.Reversal - t.Fee + t.FeeCorrection + t.Commission - t.Tax - t.Charge + t.Credit -
		t.Repay - t.Holdback + t.Release + t.FeeRefund
}

// settled returns the totals with their balance paid out, whatever was owed before.
func (t Totals) settled() Totals {
	t.Settlement = t.balance()
	return t
}

// settle sets what is paid out against a debt from earlier payouts. What is missing raises the
// debt; what is there repays it first.
func (t *Totals) settle(debt int64, zeroOnDebt bool) {
	t.OpeningDebtBalance = debt
	if left := t.balance(); left < 0 {
		t.Deposit = -left
	} else {
		t.Repay = min(debt, left)
	}
	t.ClosingDebtBalance = debt + t.Deposit - t.Repay
	t.Settlement = t.balance()
	if zeroOnDebt && t.Settlement < 0 {
		t.Settlement = 0
	}
}

// Payout is one payment of Klarna to a merchant.
type Payout struct {
	Totals               Totals    `json:"totals"`
	PaymentReference     string    `json:"payment_reference"`
	PayoutDate           time.Time `json:"payout_date"`
	CurrencyCode         string    `json:"currency_code"`
	RegistrationCurrency string    `json:"currency_code_of_registration_country,omitempty"`
	SettlementType       string    `json:"merchant_settlement_type"`
	MerchantID           string    `json:"merchant_id"`
	Transactions         string    `json:"transactions,omitempty"` // a link, set when it is told
}

// lines are the transactions of a payout, kept or computed.
type lines interface {
	count() int
	at(i int) Transaction
	// of returns the indices of the order's.
	of(orderID string) []int
}

// keptLines are transactions as they were booked.
type keptLines []Transaction

func (l keptLines) count() int           { return len(l) }
func (l keptLines) at(i int) Transaction { return l[i] }

func (l keptLines) of(orderID string) (found []int) {
	for i := range l {
		if strings.EqualFold(l[i].OrderID, orderID) {
			found = append(found, i)
		}
	}
	return found
}

func (l keptLines) totals() (t Totals) {
	for i := range l {
		t.add(l[i].Type, l[i].Amount)
	}
	return t
}

// payout is a Payout with its transactions. It does not change once it is in the book.
type payout struct {
	Payout
	lines
}

// line returns a transaction as the terms say that it is told.
func (p *payout) line(i int, terms Terms) Transaction {
	t := p.at(i)
	t.PaymentReference = p.PaymentReference
	if terms.Signed && t.Amount > 0 && slices.Contains(deducted, t.Type) {
		t.Amount = -t.Amount
	}
	if terms.Bare {
		t.PaymentReference, t.RefundID = "", ""
	}
	return t
}
