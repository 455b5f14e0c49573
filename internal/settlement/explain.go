package settlement

import (
	"slices"

	"zahlwerk/internal/klarna"
)

// explain names what the difference between a payout and its lines is made of; with what
// has no name it is the whole. What explains it to the cent with the fewest reasons is
// believed. Only where nothing does are Klarna's totals taken apart: what their own sum
// lacks, and what lines lack of them.
func explain(p *Payout, sums []Sum) (reasons []Reason, unexplained int64) {
	difference := p.Totals.Settlement
	for i := range sums {
		difference -= sums[i].Amount
	}
	x := explanation{payout: p, equation: p.Equation(sums), unknown: unknownTypes(sums)}
	missing := x.missing()
	reasons, ok := x.exactly(difference)
	if !ok && missing != 0 {
		if reasons, ok = x.exactly(difference - missing); ok {
			reasons = named(reasons, ReasonLinesMissing, missing)
		}
	}
	if !ok {
		reasons = x.takeApart(missing)
	}
	if len(x.unknown) > 0 { // said also where they change nothing: nobody knows what they are
		reasons = named(reasons, ReasonUnknownType, 0)
	}
	for _, r := range reasons {
		difference -= r.Amount
	}
	return reasons, difference
}

type explanation struct {
	payout   *Payout
	equation []EquationLine
	unknown  []int64 // raw sums of types that are not known
}

// unknownTypes returns the raw sum of each type that is not known.
func unknownTypes(sums []Sum) []int64 {
	by := map[klarna.TransactionType]int64{}
	for i := range sums {
		if Direction(sums[i].Type) == 0 {
			by[sums[i].Type] += sums[i].RawAmount
		}
	}
	raw := make([]int64, 0, len(by))
	for _, amount := range by {
		raw = append(raw, amount)
	}
	slices.Sort(raw)
	return raw
}

// missing is what the lines lack of Klarna's totals.
func (x *explanation) missing() (amount int64) {
	for _, e := range x.equation {
		if e.Name != PartRepay && magnitude(e.Ours) < magnitude(e.Klarna) {
			amount += e.Difference()
		}
	}
	return amount
}

// takeApart names what is wrong with the totals by themselves, and what lines lack of them.
func (x *explanation) takeApart(missing int64) []Reason {
	rest := x.payout.Totals.Settlement
	for _, e := range x.equation {
		if e.Name != PartRepay {
			rest -= e.Klarna
		}
	}
	reasons, ok := x.exactly(rest)
	if !ok {
		repay := -x.payout.Totals.Repay
		reasons = named(named(nil, ReasonRepay, repay), ReasonTotalsInconsistent, rest-repay)
	}
	if missing != 0 {
		reasons = named(reasons, ReasonLinesMissing, missing)
	}
	return slices.DeleteFunc(reasons, func(r Reason) bool { return r.Amount == 0 })
}

// exactly returns the fewest reasons that come to amount: none for 0.
func (x *explanation) exactly(amount int64) (reasons []Reason, ok bool) {
	groups := x.candidates()
	for n := range len(groups) + 1 {
		if reasons, ok = comeTo(groups, n, amount, nil); ok {
			return reasons, true
		}
	}
	return nil, false
}

// comeTo finds n reasons, at most one of each group, that come to amount.
func comeTo(groups [][]Reason, n int, amount int64, chosen []Reason) ([]Reason, bool) {
	if n == 0 {
		return chosen, amount == 0
	}
	if len(groups) < n {
		return nil, false
	}
	for _, r := range groups[0] {
		if found, ok := comeTo(groups[1:], n-1, amount-r.Amount, named(slices.Clone(chosen), r.Name, r.Amount)); ok {
			return found, true
		}
	}
	return comeTo(groups[1:], n, amount, chosen)
}

// named adds an amount to the reason of that name.
func named(reasons []Reason, name ReasonName, amount int64) []Reason {
	for i := range reasons {
		if reasons[i].Name == name {
			reasons[i].Amount += amount
			return reasons
		}
	}
	return append(reasons, Reason{name, amount})
}

// maxUnknown is how many unknown types are tried one by one.
const maxUnknown = 4

// candidates are what a difference may be made of, the likeliest first; of each group at
// most one is.
func (x *explanation) candidates() [][]Reason {
	t := &x.payout.Totals
	groups := [][]Reason{
		{{ReasonRepay, -t.Repay}},
		{{ReasonClosingDebt, t.Deposit}, {ReasonClosingDebt, t.ClosingDebt}},
		{{ReasonOpeningDebt, -t.OpeningDebt}},
		{{ReasonTaxRefund, t.TaxRefund}},
		x.invoicedFees(),
	}
	unknown := x.unknown
	if len(unknown) > maxUnknown {
		unknown = []int64{sum(unknown)}
	}
	for _, raw := range unknown {
		groups = append(groups, []Reason{{ReasonUnknownType, raw}, {ReasonUnknownType, -raw}})
	}
	var some [][]Reason
	for _, g := range groups {
		g = slices.DeleteFunc(g, func(r Reason) bool { return r.Amount == 0 })
		if len(g) > 0 {
			some = append(some, g)
		}
	}
	return some
}

// invoicedFees are what a payout may be more because its fees are invoiced apart: the fees
// alone, with their tax, and less what was given back of them; as Klarna's totals say, and
// as our lines do. An invoice for fees may also come as a payout the other way round.
func (x *explanation) invoicedFees() (reasons []Reason) {
	if kind := x.payout.SettlementType; kind != klarna.SettledGross && kind != klarna.SettledGrossFee {
		return nil
	}
	for _, of := range []func(EquationLine) int64{
		func(e EquationLine) int64 { return e.Ours }, func(e EquationLine) int64 { return e.Klarna },
	} {
		var taken int64
		for _, name := range []PartName{PartFee, PartTax, PartFeeRefund, PartFeeCorrection} {
			for _, e := range x.equation {
				if e.Name == name {
					taken += of(e)
				}
			}
			reasons = append(reasons, Reason{ReasonFeesInvoiced, -taken})
			if x.payout.SettlementType == klarna.SettledGrossFee {
				reasons = append(reasons, Reason{ReasonFeesInvoiced, -2 * taken})
			}
		}
	}
	return reasons
}

func magnitude(n int64) uint64 { return uint64(max(n, -n)) }

func sum(amounts []int64) (all int64) {
	for _, a := range amounts {
		all += a
	}
	return all
}
