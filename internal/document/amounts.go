package document

import (
	"slices"

	"zahlwerk/internal/order"
)

// TaxShare is what an order contains at one rate of tax. Gross is Net and Tax together.
type TaxShare struct {
	Rate            int64 // hundredths of a percent
	Net, Tax, Gross int64
}

// Account is an invoice's arithmetic, in minor units: what the lines cost by rate, and
// what of it was paid with vouchers.
type Account struct {
	Shares   []TaxShare // highest rate first
	SalesTax int64      // tax that stands as a line of its own
	Gross    int64      // all shares and the sales tax
	Vouchers []order.Line
	Due      int64 // Gross less the vouchers: the order's total
}

// AccountOf works out the account of an order's lines.
//
// A discount lowers what is taxed, so it is spread over the lines as the order spreads
// it. A gift card or a store credit is a means of payment: what it was bought or given
// for was another business, and the tax on these goods stays what it is.
func AccountOf(lines []order.Line) Account {
	var a Account
	var taxed []order.Line
	for _, l := range lines {
		if isVoucher(l) {
			a.Vouchers = append(a.Vouchers, l)
			a.Due += l.Total
			continue
		}
		taxed = append(taxed, l)
	}
	order.Spread(taxed)
	gross := map[int64]int64{}
	for _, l := range taxed {
		switch {
		case l.Type == order.SalesTax:
			a.SalesTax += l.Amount
		case !l.Type.IsReduction():
			gross[l.TaxRate] += l.Amount
		}
		a.Gross += l.Amount
	}
	a.Due += a.Gross
	for rate, sum := range gross {
		tax := taxIn(sum, rate)
		a.Shares = append(a.Shares, TaxShare{Rate: rate, Net: sum - tax, Tax: tax, Gross: sum})
	}
	slices.SortFunc(a.Shares, func(x, y TaxShare) int { return int(y.Rate - x.Rate) })
	return a
}

func isVoucher(l order.Line) bool { return l.Type == order.GiftCard || l.Type == order.StoreCredit }

// taxIn is the tax in an amount that contains it, rounded to the nearest minor unit,
// halves up. An order's amounts and rates are far from what overflows here.
func taxIn(gross, rate int64) int64 {
	whole := 100_00 + rate
	return (2*gross*rate + whole) / (2 * whole)
}

// standardRate is the least that a standard rate of tax has in the European Union
// (Directive 2006/112/EC, article 97); reduced rates are below.
const standardRate = 15_00

// at adds up what is taxed at rates that take part.
func (a Account) at(takesPart func(rate int64) bool) (sum TaxShare) {
	for _, s := range a.Shares {
		if takesPart(s.Rate) {
			sum.Net += s.Net
			sum.Tax += s.Tax
			sum.Gross += s.Gross
		}
	}
	return sum
}

func (a Account) standard() TaxShare {
	return a.at(func(rate int64) bool { return rate >= standardRate })
}

func (a Account) reduced() TaxShare {
	return a.at(func(rate int64) bool { return rate > 0 && rate < standardRate })
}
