package klarnasandbox

import (
	"math"
	"slices"

	"github.com/google/uuid"
)

// Oddity is a way in which a payout is unlike others.
type Oddity string

// The oddities.
const (
	OddNoTransactions Oddity = "no_transactions" // totals, but no lines
	OddTotals         Oddity = "totals_off"      // the settlement is not what the totals make
	OddMissingLine    Oddity = "missing_line"    // the totals count a fee that no line tells
	OddLarge          Oddity = "beyond_int32"    // amounts of more than 32 bits
	OddNoMinorUnits   Oddity = "no_minor_units"  // yen
	OddUnknown        Oddity = "unknown_types"   // types and a settlement type that the specification does not have
	OddEqualLines     Oddity = "equal_lines"     // two returns that nothing tells apart
	OddNegative       Oddity = "negative"        // more is returned than sold
	OddZero           Oddity = "zero"            // as much is returned as sold
	OddGrossWithFees  Oddity = "gross_with_fees" // fees that are told but not taken off
	OddEveryType      Oddity = "every_type"      // a line of every type and detailed type
)

// Oddities are all of them.
var Oddities = []Oddity{OddNoTransactions, OddTotals, OddMissingLine, OddLarge, OddNoMinorUnits, OddUnknown, OddEqualLines,
	OddNegative, OddZero, OddGrossWithFees, OddEveryType}

// CreateOddPayout makes a payout of today that is odd in that way and otherwise as usual; an
// empty merchantID means the first merchant. The error is an *Error.
func (s *Sandbox) CreateOddPayout(merchantID string, o Oddity) (Payout, error) {
	if !slices.Contains(Oddities, o) {
		return Payout{}, badValue("oddity")
	}
	n := NewPayout{MerchantID: merchantID, Currency: registrationCurrency}
	terms := s.Terms(merchantID)
	order := uuid.NewString()
	add := func(kind, detailed string, amount int64) {
		n.Transactions = append(n.Transactions, Transaction{Type: kind, DetailedType: detailed, Amount: amount, OrderID: order})
	}
	sell := func(amount int64) {
		sale := Transaction{Type: TypeSale, DetailedType: "PURCHASE", Amount: amount, CurrencyCode: n.Currency, OrderID: order, CaptureID: uuid.NewString()}
		n.Transactions = append(append(n.Transactions, sale), feeLines(sale, &terms)...)
	}
	totals := func(change func(*Totals)) {
		t := keptLines(n.Transactions).totals().settled()
		change(&t)
		n.Totals = &t
	}
	switch o {
	case OddNoTransactions:
		n.Totals = &Totals{Sale: 12_990, Fee: 424, Settlement: 12_566}
	case OddTotals:
		sell(12_990)
		totals(func(t *Totals) { t.Settlement += 100 })
	case OddMissingLine:
		sell(12_990)
		totals(func(t *Totals) { t.Fee, t.Settlement = t.Fee+35, t.Settlement-35 })
	case OddLarge:
		sell(math.MaxInt32 + 12_990)
	case OddNoMinorUnits:
		n.Currency = "JPY"
		sell(12_990)
	case OddUnknown:
		n.SettlementType = "NEVER_HEARD_OF"
		sell(12_990)
		add("NEVER_HEARD_OF", "NEVER_HEARD_OF", 250)
		add(TypeFee, "NEVER_HEARD_OF", 99)
		totals(func(t *Totals) { t.Settlement += 250 })
	case OddEqualLines:
		sell(12_990)
		add(TypeReturn, "PURCHASE_RETURN", 1_000)
		add(TypeReturn, "PURCHASE_RETURN", 1_000)
	case OddNegative:
		sell(1_000)
		add(TypeReturn, "PURCHASE_RETURN", 12_990)
		totals(func(t *Totals) { t.settle(0, false) })
	case OddZero:
		add(TypeSale, "PURCHASE", 12_990)
		add(TypeReturn, "PURCHASE_RETURN", 12_990)
	case OddGrossWithFees:
		n.SettlementType = SettlementGross
		sell(12_990)
		totals(func(t *Totals) { t.Settlement += t.Fee })
	case OddEveryType:
		sell(250_000)
		for i, d := range everyType {
			add(d.kind, d.detailed, int64(101+i))
		}
	}
	return s.CreatePayout(n)
}

// detail is a type of transaction with a detailed type.
type detail struct{ kind, detailed string }

// everyType has every type and every detailed type of the specification, together as far as
// Klarna says which belong to which.
var everyType = []detail{
	{TypeSale, "PURCHASE"}, {TypeSale, "MANUAL_ENTRY"},
	{TypeReturn, "PURCHASE_RETURN"}, {TypeReturn, "PAYMENT_DEFAULT"},
	{TypeFee, "PURCHASE_FEE_PERCENTAGE"}, {TypeFee, "PURCHASE_FEE_FIXED"}, {TypeFee, "LATE_RETURN_FEE"}, {TypeFee, "EXPIRY_FEE"},
	{TypeFee, "EXPIRY_FEE_GROSS"}, {TypeFee, "SERVICING_FEE"}, {TypeFee, "RETURN_FEE"}, {TypeFee, "EXTRA_INVOICE_FEE"},
	{TypeFee, "EXTEND_DUE_DATE_FEE"}, {TypeFee, "DISPUTE_FEE"}, {TypeFee, "PERCENTAGE_FEES"}, {TypeFee, "PURCHASE_COMMISSION_PERCENTAGE"},
	{TypeFeeRefund, "FEE_REFUND"}, {TypeFeeRefund, "PURCHASE_FEE_PERCENTAGE_REFUND"}, {TypeFeeRefund, "DISPUTE_FEE_REFUND"},
	{TypeTax, ""},
	{TypeReversal, "REVERSAL"}, {TypeReversal, "COMMISSION_RETURN"}, {TypeReversal, "COMMISSION_RETURN_GROSS"}, {TypeReversal, "FRAUD_POLICY_CHARGE"},
	{TypeMerchantProtection, "FRAUD_POLICY_CREDIT_NET"},
	{TypeCommission, "COMMISSION"},
	{TypeCharge, "PAYMENT_REMINDER"}, {TypeCharge, "TRANSFER_FROM_LEGACY_INTEGRATION"}, {TypeCharge, "LOAN_AMORTISATION"}, {TypeCharge, "LOAN_FEE"},
	{TypeCredit, "CORRECTION_DISPUTE"}, {TypeCredit, "LOAN_PAYOUT"},
	{TypeHoldback, "ROLLING_RESERVE"}, {TypeHoldback, "UNDER_REVIEW"}, {TypeHoldback, "INSUFFICIENT_BANK_ACCOUNT_DETAILS"},
	{TypeRelease, "ROLLING_RESERVE"}, {TypeRelease, "UNDER_REVIEW"}, {TypeRelease, "INSUFFICIENT_BANK_ACCOUNT_DETAILS"},
	{TypeCorrection, "CORRECTION"}, {TypeCorrection, "CREDITED_CORRECTION"}, {TypeCorrection, "PERCENTAGE_FEE_CORRECTION"},
	{TypeCorrection, "FIXED_FEE_CORRECTION"}, {TypeCorrection, "PERCENTAGE_FEE_CORRECTION_UK"}, {TypeCorrection, "FIXED_FEE_CORRECTION_UK"},
	{TypeCorrection, "VAT_ON_FEE_CORRECTION_UK"}, {TypeCorrection, "PERCENTAGE_FEE_CORRECTION_SE"}, {TypeCorrection, "FIXED_FEE_CORRECTION_SE"},
}
