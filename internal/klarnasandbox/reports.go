package klarnasandbox

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// summaryColumns and transactionColumns are the columns of the two blocks of a CSV report.
var (
	summaryColumns = []string{
		"total_sale_amount", "total_fee_amount", "total_fee_correction_amount", "total_tax_amount", "total_return_amount",
		"total_reversal_amount", "total_commission_amount", "total_credit_amount", "total_charge_amount", "total_holdback_amount",
		"total_release_amount", "opening_debt_balance", "total_deposit_amount", "total_repay_amount", "closing_debt_balance",
		"total_fee_refund_amount", "total_settlement_amount", "payment_reference", "settlement_currency", "payout_date",
		"merchant_id", "merchant_settlement_type", "submerchant_id",
	}
	transactionColumns = []string{
		"type", "capture_date", "sale_date", "order_id", "short_order_id", "capture_id", "merchant_reference1",
		"merchant_reference2", "amount", "posting_currency", "refund_id", "purchase_country", "tax_rate", "tax_amount",
		"shipping_country", "initial_payment_method_type", "initial_number_of_installments",
		"initial_payment_method_monthly_downpayments", "merchant_capture_reference", "merchant_refund_reference",
		"detailed_type", "tax_rate_1", "tax_amount_1", "tax_rate_2", "tax_amount_2", "tax_rate_3", "tax_amount_3",
		"tax_rate_4", "tax_amount_4", "reversal_reference",
	}
)

func payoutCSV(s *Sandbox, c *call) (answer, *Error) {
	p, err := s.thePayout(c)
	if err != nil {
		return answer{}, err
	}
	return fileAnswer("text/csv; charset=utf-8", "settlement-"+p.PaymentReference+".csv", writeCSV([]*payout{p}, s.Terms(c.merchant), false)), nil
}

func payoutsCSV(s *Sandbox, c *call) (answer, *Error) {
	found, err := s.payoutsBetween(c, true)
	if err != nil {
		return answer{}, err
	}
	return fileAnswer("text/csv; charset=utf-8", "settlements.csv", writeCSV(found, s.Terms(c.merchant), true)), nil
}

// writeCSV writes a report: a block with a row for each payout, an empty line, and a block with
// their transactions. Where the file has several payouts, these say which they are of.
func writeCSV(payouts []*payout, terms Terms, several bool) []byte {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	w.Comma = ';'
	write := func(row []string) {
		if err := w.Write(row); err != nil { // a buffer takes everything
			panic(err)
		}
	}
	write(summaryColumns)
	for _, p := range payouts {
		write(summaryRow(&p.Payout))
	}
	w.Flush()
	buf.WriteByte('\n')
	header := transactionColumns
	if several {
		header = append(slices.Clone(header), "payment_reference")
	}
	write(header)
	for _, p := range payouts {
		for i := range p.count() {
			row := transactionRow(p.line(i, terms))
			if several {
				row = append(row, p.PaymentReference)
			}
			write(row)
		}
	}
	w.Flush()
	return buf.Bytes()
}

func summaryRow(p *Payout) []string {
	t := &p.Totals
	row := make([]string, 0, len(summaryColumns))
	for _, amount := range []int64{
		t.Sale, t.Fee, t.FeeCorrection, t.Tax, t.Return, t.Reversal, t.Commission, t.Credit, t.Charge, t.Holdback, t.Release,
		t.OpeningDebtBalance, t.Deposit, t.Repay, t.ClosingDebtBalance, t.FeeRefund, t.Settlement,
	} {
		row = append(row, plainAmount(amount, p.CurrencyCode))
	}
	return append(row, p.PaymentReference, p.CurrencyCode, p.PayoutDate.Format(time.RFC3339), p.MerchantID, p.SettlementType, "")
}

func transactionRow(t Transaction) []string {
	rate, tax := "", ""
	if t.VATRate != 0 {
		rate, tax = plainAmount(t.VATRate, ""), plainAmount(t.VATAmount, t.CurrencyCode)
	}
	return []string{
		t.Type, t.CaptureDate.Format(time.RFC3339), t.SaleDate.Format(time.RFC3339), t.OrderID, t.ShortOrderID, t.CaptureID,
		t.MerchantReference1, t.MerchantReference2, plainAmount(t.Amount, t.CurrencyCode), t.CurrencyCode, t.RefundID,
		t.PurchaseCountry, rate, tax, t.ShippingCountry, t.PaymentMethodType, numberOrNone(t.Installments),
		numberOrNone(t.MonthlyDownpayments), t.MerchantCaptureReference, t.MerchantRefundReference, t.DetailedType,
		"", "", "", "", "", "", "", "", t.ReversalReference,
	}
}

func numberOrNone(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// decimals are those of the currencies (ISO 4217) that do not have two.
var decimals = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "VND": 0,
	"VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// digits splits an amount in minor units into the sign, the major units and the decimals.
func digits(minor int64, currency string) (sign, major, rest string) {
	n, known := decimals[currency]
	if !known {
		n = 2
	}
	text := strconv.FormatInt(minor, 10)
	if negative, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = "-", negative
	}
	text = strings.Repeat("0", max(n+1-len(text), 0)) + text
	return sign, text[:len(text)-n], text[len(text)-n:]
}

// plainAmount writes an amount in major units with a point, such as -1234.50.
func plainAmount(minor int64, currency string) string {
	sign, major, rest := digits(minor, currency)
	if rest == "" {
		return sign + major
	}
	return sign + major + "." + rest
}
