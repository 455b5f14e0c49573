package bookkeeping

import (
	"cmp"
	"io"
	"slices"
	"time"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/settlement"
)

// FeeSum is Klarna's fees of a month in payouts of one kind. Klarna is abroad, so that its
// fees have no tax in them: whoever gets the service owes it (§ 13b UStG).
type FeeSum struct {
	Month       time.Time
	Currency    string
	Settlement  klarna.SettlementType
	Fees        int64 // Σ lines, as they change the payout: negative
	Refunds     int64
	Corrections int64
	Taxes       int64 // what Klarna took as tax by itself
	VAT         int64 // what the rate of the settings makes of Base; 0 where it does not count
}

// Base is what the fees cost, without tax.
func (f *FeeSum) Base() int64 { return -(f.Fees + f.Refunds + f.Corrections) }

// Counts tells that the fees are to be taxed: those that are invoiced apart are, with
// their invoice.
func (f *FeeSum) Counts() bool { return f.Settlement != klarna.SettledGross }

type feesKey struct {
	month      time.Time
	currency   string
	settlement klarna.SettlementType
}

type feesOf map[feesKey]*FeeSum

func (all feesOf) add(p *settlement.Payout, lines []settlement.Sum) {
	day := dayOf(p.PayoutDate)
	key := feesKey{time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, day.Location()), p.Currency, p.SettlementType}
	f := all[key]
	for _, l := range lines {
		var sum *int64
		if f == nil {
			f = &FeeSum{Month: key.month, Currency: key.currency, Settlement: key.settlement}
		}
		switch l.Type {
		case klarna.TypeFee:
			sum = &f.Fees
		case klarna.TypeFeeRefund:
			sum = &f.Refunds
		case klarna.TypeCorrection:
			sum = &f.Corrections
		case klarna.TypeTax:
			sum = &f.Taxes
		default:
			continue
		}
		*sum += l.Amount
		all[key] = f
	}
}

// sorted lists the fees by currency, month and kind, with their tax.
func (all feesOf) sorted(rate int64) []FeeSum {
	var out []FeeSum
	for _, f := range all {
		if f.Counts() {
			f.VAT = percent(f.Base(), rate)
		}
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b FeeSum) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), a.Month.Compare(b.Month), cmp.Compare(a.Settlement, b.Settlement))
	})
	return out
}

// percent is a rate in hundredths of a per cent of an amount, rounded half away from 0.
func percent(amount, rate int64) int64 {
	half := int64(50_00)
	if amount < 0 {
		half = -half
	}
	return (amount*rate + half) / 100_00
}

// feeColumns are the columns of the report of fees.
var feeColumns = []string{"month", "currency", "settlement", "fees", "refunds", "corrections", "base", "rate", "vat", "taxes"}

// writeFees writes the report of fees.
func (e *Export) writeFees(w io.Writer) error {
	set := &e.check.Settings
	f := newTable(w, e.texts, set.Language, feeColumns)
	for i := range e.check.Fees {
		row := &e.check.Fees[i]
		amount := func(n int64) string { return decimal(n, decimals(row.Currency), f.point) }
		rate, vat := "", ""
		if row.Counts() {
			rate, vat = decimal(set.VATRate, 2, f.point), amount(row.VAT)
		}
		f.write(row.Month.Format("2006-01"), row.Currency, csvfile.Harmless(string(row.Settlement)), amount(row.Fees), amount(row.Refunds),
			amount(row.Corrections), amount(row.Base()), rate, vat, amount(row.Taxes))
	}
	return f.close()
}
