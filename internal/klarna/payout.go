package klarna

import (
	"bytes"
	"fmt"
	"time"
)

// Payout is what Klarna paid at once, in one currency. Amounts are in minor
// units.
type Payout struct {
	PaymentReference string `json:"payment_reference"` // also on the bank's statement
	// PayoutDate is when Klarna sent the money off.
	PayoutDate   Moment `json:"payout_date"`
	CurrencyCode string `json:"currency_code"`
	// CurrencyCodeOfRegistrationCountry is the merchant's at home.
	CurrencyCodeOfRegistrationCountry string         `json:"currency_code_of_registration_country"`
	MerchantSettlementType            SettlementType `json:"merchant_settlement_type"`
	MerchantID                        string         `json:"merchant_id"`
	Totals                            Totals         `json:"totals"`
}

// SettlementType says whether Klarna takes its fees out of the payouts. Klarna
// may add values.
type SettlementType string

// Klarna's settlement types.
const (
	SettledNet      SettlementType = "NET"       // fees are taken out
	SettledGross    SettlementType = "GROSS"     // fees are invoiced apart
	SettledGrossFee SettlementType = "GROSS_FEE" // the invoice about fees
)

// Totals are Klarna's sums of a payout, by what a transaction is. What Klarna
// left out is 0, except the settlement, which has to be there.
type Totals struct {
	Sale               int64 `json:"sale_amount"`
	Return             int64 `json:"return_amount"`
	Reversal           int64 `json:"reversal_amount"`
	Fee                int64 `json:"fee_amount"`
	FeeRefund          int64 `json:"fee_refund_amount"`
	FeeCorrection      int64 `json:"fee_correction_amount"`
	Tax                int64 `json:"tax_amount"`
	TaxRefund          int64 `json:"tax_refund_amount"`
	Commission         int64 `json:"commission_amount"`
	CommissionReversal int64 `json:"commission_reversal_amount"`
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

// Transaction is a line of a payout. It has no id of its own. Amounts are in
// minor units, as Klarna sent them: that is usually without a sign, which
// follows from the type.
type Transaction struct {
	Type         TransactionType `json:"type"`
	DetailedType string          `json:"detailed_type"`
	Amount       int64           `json:"amount"`
	CurrencyCode string          `json:"currency_code"`
	SaleDate     Moment          `json:"sale_date"`
	CaptureDate  Moment          `json:"capture_date"`

	PaymentReference         string `json:"payment_reference"`
	OrderID                  string `json:"order_id"`
	CaptureID                string `json:"capture_id"`
	RefundID                 string `json:"refund_id"`
	ShortOrderID             string `json:"short_order_id"`
	MerchantReference1       string `json:"merchant_reference1"`
	MerchantReference2       string `json:"merchant_reference2"`
	MerchantCaptureReference string `json:"merchant_capture_reference"`
	MerchantRefundReference  string `json:"merchant_refund_reference"`
	ReversalReference        string `json:"reversal_reference"`

	// The tax on Klarna's fee; nil where Klarna says nothing about it. The rate is
	// in hundredths of a per cent.
	VATRate                           *int64 `json:"vat_rate"`
	VATAmount                         *int64 `json:"vat_amount"`
	TaxInCurrencyOfRegistration       *int64 `json:"tax_in_currency_of_registration_country"`
	CurrencyCodeOfRegistrationCountry string `json:"currency_code_of_registration_country"`

	PurchaseCountry            string `json:"purchase_country"`
	ShippingCountry            string `json:"shipping_country"`
	InitialPaymentMethodType   string `json:"initial_payment_method_type"`
	InitialInstallments        *int64 `json:"initial_number_of_installments"`
	InitialMonthlyDownpayments *int64 `json:"initial_payment_method_monthly_downpayments"`
	KlarnaComment              string `json:"klarna_comment"`
}

// TransactionType is what a transaction is. Klarna may add values.
type TransactionType string

// Klarna's transaction types.
const (
	TypeSale                       TransactionType = "SALE"
	TypeReturn                     TransactionType = "RETURN"
	TypeFee                        TransactionType = "FEE"
	TypeFeeRefund                  TransactionType = "FEE_REFUND"
	TypeTax                        TransactionType = "TAX"
	TypeReversal                   TransactionType = "REVERSAL"
	TypeReversalMerchantProtection TransactionType = "REVERSAL_MERCHANT_PROTECTION"
	TypeCommission                 TransactionType = "COMMISSION"
	TypeCharge                     TransactionType = "CHARGE"
	TypeCredit                     TransactionType = "CREDIT"
	TypeHoldback                   TransactionType = "HOLDBACK"
	TypeRelease                    TransactionType = "RELEASE"
	TypeCorrection                 TransactionType = "CORRECTION"
)

// TransactionTypes returns all types that are known.
func TransactionTypes() []TransactionType {
	return []TransactionType{
		TypeSale, TypeReturn, TypeFee, TypeFeeRefund, TypeTax, TypeReversal, TypeReversalMerchantProtection,
		TypeCommission, TypeCharge, TypeCredit, TypeHoldback, TypeRelease, TypeCorrection,
	}
}

// Moment is a time in UTC that Klarna may have left open: then it is zero.
type Moment struct{ time.Time }

// moments are the forms in which a time may come. Klarna promises the first.
var moments = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateOnly}

// UnmarshalJSON reads a time, a date, an empty text or null.
func (m *Moment) UnmarshalJSON(b []byte) error {
	text, isText := bytes.CutPrefix(b, []byte{'"'})
	if !isText || len(text) == 1 {
		if string(b) == "null" || isText {
			m.Time = time.Time{}
			return nil
		}
		return fmt.Errorf("%.40q is not a time", b)
	}
	for _, form := range moments {
		if t, err := time.Parse(form, string(text[:len(text)-1])); err == nil && storableYear(t) {
			m.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%.40q is not a time", b)
}

// storableYear keeps out what some databases can't hold once it is in UTC.
func storableYear(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }

// What an answer must hold to be Klarna's. An amount that is not there must not
// be read as 0, so that these are pointers while it is read.
type (
	payout struct {
		Payout
		Totals *totals `json:"totals"`
	}
	totals struct {
		Totals
		Settlement *int64 `json:"settlement_amount"`
	}
	transaction struct {
		Transaction
		Amount *int64 `json:"amount"`
	}
)

func (p *payout) plain() (Payout, bool) {
	out := p.Payout
	for _, s := range []*string{&out.PaymentReference, &out.CurrencyCode, &out.CurrencyCodeOfRegistrationCountry,
		(*string)(&out.MerchantSettlementType), &out.MerchantID} {
		*s = clean(*s)
	}
	if p.Totals == nil || p.Totals.Settlement == nil || !isReference(out.PaymentReference) || out.CurrencyCode == "" ||
		out.PayoutDate.IsZero() {
		return Payout{}, false
	}
	out.Totals = p.Totals.Totals
	out.Totals.Settlement = *p.Totals.Settlement
	return out, true
}

func (t *transaction) plain() (Transaction, bool) {
	out := t.Transaction
	for _, s := range []*string{(*string)(&out.Type), &out.DetailedType, &out.CurrencyCode, &out.PaymentReference, &out.OrderID,
		&out.CaptureID, &out.RefundID, &out.ShortOrderID, &out.MerchantReference1, &out.MerchantReference2,
		&out.MerchantCaptureReference, &out.MerchantRefundReference, &out.ReversalReference, &out.CurrencyCodeOfRegistrationCountry,
		&out.PurchaseCountry, &out.ShippingCountry, &out.InitialPaymentMethodType, &out.KlarnaComment} {
		*s = clean(*s)
	}
	if t.Amount == nil || out.Type == "" || out.CurrencyCode == "" {
		return Transaction{}, false
	}
	out.Amount = *t.Amount
	return out, true
}
