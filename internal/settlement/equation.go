package settlement

import (
	"slices"

	"zahlwerk/internal/klarna"
)

// Part is a part of the equation whose result is what was paid out: Klarna's total beside
// what our lines come to.
type Part struct {
	Name  PartName
	Types []klarna.TransactionType // of its lines; none if there are never any
	Sign  int64                    // +1 is added, -1 taken off
	total func(*Totals) int64
}

// PartName is what a part of the equation is called.
type PartName string

// The parts, as in Klarna's totals.
const (
	PartSale               PartName = "sale"
	PartReturn             PartName = "return"
	PartReversal           PartName = "reversal"
	PartFee                PartName = "fee"
	PartFeeCorrection      PartName = "fee_correction"
	PartFeeRefund          PartName = "fee_refund"
	PartCommission         PartName = "commission"
	PartCommissionReversal PartName = "commission_reversal"
	PartTax                PartName = "tax"
	PartCharge             PartName = "charge"
	PartCredit             PartName = "credit"
	PartHoldback           PartName = "holdback"
	PartRelease            PartName = "release"
	PartRepay              PartName = "repay"
	PartUnknown            PartName = "unknown" // lines of types that Klarna does not describe
)

// parts are Klarna's sum of a settlement, see
// https://docs.klarna.com/payments/after-payments/settlements/settlement-files/.
// What Klarna pays for itself of a reversal counts within it, negatively.
var parts = []Part{
	{PartSale, types(klarna.TypeSale), +1, func(t *Totals) int64 { return t.Sale }},
	{PartReturn, types(klarna.TypeReturn), -1, func(t *Totals) int64 { return t.Return }},
	{PartReversal, types(klarna.TypeReversal, klarna.TypeReversalMerchantProtection), -1, func(t *Totals) int64 { return t.Reversal }},
	{PartFee, types(klarna.TypeFee), -1, func(t *Totals) int64 { return t.Fee }},
	{PartFeeCorrection, types(klarna.TypeCorrection), +1, func(t *Totals) int64 { return t.FeeCorrection }},
	{PartFeeRefund, types(klarna.TypeFeeRefund), +1, func(t *Totals) int64 { return t.FeeRefund }},
	{PartCommission, types(klarna.TypeCommission), +1, func(t *Totals) int64 { return t.Commission }},
	{PartCommissionReversal, nil, -1, func(t *Totals) int64 { return t.CommissionReversal }},
	{PartTax, types(klarna.TypeTax), -1, func(t *Totals) int64 { return t.Tax }},
	{PartCharge, types(klarna.TypeCharge), -1, func(t *Totals) int64 { return t.Charge }},
	{PartCredit, types(klarna.TypeCredit), +1, func(t *Totals) int64 { return t.Credit }},
	{PartHoldback, types(klarna.TypeHoldback), -1, func(t *Totals) int64 { return t.Holdback }},
	{PartRelease, types(klarna.TypeRelease), +1, func(t *Totals) int64 { return t.Release }},
	{PartRepay, nil, -1, func(t *Totals) int64 { return t.Repay }},
}

func types(t ...klarna.TransactionType) []klarna.TransactionType { return t }

// Direction is whether lines of a type are added (+1) or taken off (-1); 0 for a type that
// is not known: nobody can tell what it does.
func Direction(t klarna.TransactionType) int64 {
	switch t {
	case klarna.TypeSale, klarna.TypeReversalMerchantProtection, klarna.TypeCommission, klarna.TypeRelease, klarna.TypeCredit,
		klarna.TypeFeeRefund, klarna.TypeCorrection:
		return +1
	case klarna.TypeReturn, klarna.TypeReversal, klarna.TypeFee, klarna.TypeTax, klarna.TypeCharge, klarna.TypeHoldback:
		return -1
	}
	return 0
}

// signedAmount is what a line adds to its payout.
func signedAmount(t klarna.TransactionType, raw int64, signed bool) int64 {
	d := Direction(t)
	if signed && d != 0 {
		return raw
	}
	return d * raw
}

// verdict tells whether Klarna's lines of a payout have their signs already, from the sums
// of what it sent: each total of what is only ever taken off must be there negatively. One
// without any such total has none.
func verdict(t *Totals, raw map[klarna.TransactionType]int64) (signed bool) {
	for _, told := range []struct {
		by    klarna.TransactionType
		total int64
	}{
		{klarna.TypeReturn, t.Return}, {klarna.TypeFee, t.Fee}, {klarna.TypeHoldback, t.Holdback}, {klarna.TypeCharge, t.Charge},
		{klarna.TypeTax, t.Tax},
	} {
		if told.total == 0 {
			continue
		}
		if raw[told.by] != -told.total {
			return false
		}
		signed = true
	}
	return signed
}

// EquationLine is a line of a payout's equation. Klarna and Ours have their signs.
type EquationLine struct {
	Part
	Klarna int64
	Ours   int64
	Lines  int64
	Raw    int64 // as Klarna sent it, of a type whose direction is not known
}

// Difference is what Klarna's total is more than our lines.
func (e EquationLine) Difference() int64 { return e.Klarna - e.Ours }

// Equation returns the parts of the payout that are not empty, from its totals and the
// sums of its lines. All of Ours is LinesAmount; all of Klarna's is Totals.Settlement,
// where the totals add up.
func (p *Payout) Equation(sums []Sum) []EquationLine {
	var lines []EquationLine
	for _, part := range parts {
		e := EquationLine{Part: part, Klarna: part.Sign * part.total(&p.Totals)}
		for i := range sums {
			if slices.Contains(part.Types, sums[i].Type) {
				e.Ours += sums[i].Amount
				e.Lines += sums[i].Lines
			}
		}
		if e.Klarna != 0 || e.Lines != 0 {
			lines = append(lines, e)
		}
	}
	unknown := EquationLine{Part: Part{Name: PartUnknown}}
	for i := range sums {
		if s := &sums[i]; Direction(s.Type) == 0 {
			unknown.Lines += s.Lines
			unknown.Raw += s.RawAmount
			if !slices.Contains(unknown.Types, s.Type) {
				unknown.Types = append(unknown.Types, s.Type)
			}
		}
	}
	if unknown.Lines != 0 {
		lines = append(lines, unknown)
	}
	return lines
}
