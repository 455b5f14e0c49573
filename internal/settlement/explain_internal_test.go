package settlement

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"zahlwerk/internal/klarna"
)

// of are the sums of lines, as Klarna sent them.
type of map[klarna.TransactionType]int64

func (o of) sums(signed bool) (sums []Sum) {
	for kind, raw := range o {
		sums = append(sums, Sum{Type: kind, MatchState: Unmatched, Lines: 1, RawAmount: raw, Amount: signedAmount(kind, raw, signed)})
	}
	return sums
}

// all types at once, with totals that say the same.
var (
	allTypes = of{klarna.TypeSale: 10_000, klarna.TypeReturn: 700, klarna.TypeReversal: 300, klarna.TypeReversalMerchantProtection: 100,
		klarna.TypeFee: 500, klarna.TypeCorrection: -20, klarna.TypeFeeRefund: 30, klarna.TypeCommission: 40, klarna.TypeTax: 95,
		klarna.TypeCharge: 60, klarna.TypeCredit: 70, klarna.TypeHoldback: 1_000, klarna.TypeRelease: 900}
	allTotals = Totals{Sale: 10_000, Return: 700, Reversal: 200, Fee: 500, FeeCorrection: -20, FeeRefund: 30, Commission: 40, Tax: 95,
		Charge: 60, Credit: 70, Holdback: 1_000, Release: 900, Settlement: 8_465}
)

// with is the totals with something else in them.
func (t Totals) with(change func(*Totals)) Totals {
	change(&t)
	return t
}

// and is the lines with others.
func (o of) and(kind klarna.TransactionType, raw int64) of {
	all := of{}
	for k, v := range o {
		all[k] = v
	}
	all[kind] += raw
	return all
}

func TestExplain(t *testing.T) {
	t.Parallel()
	sale := of{klarna.TypeSale: 1_000, klarna.TypeFee: 30}
	for name, tc := range map[string]struct {
		totals      Totals
		kind        klarna.SettlementType
		lines       of
		want        []Reason
		unexplained int64
	}{
		"every type":   {totals: allTotals, lines: allTypes},
		"nothing":      {},
		"paid nothing": {totals: Totals{Sale: 100, Fee: 100}, lines: of{klarna.TypeSale: 100, klarna.TypeFee: 100}},
		"negative":     {totals: Totals{Return: 500, Deposit: 500, ClosingDebt: 500, Settlement: -500}, lines: of{klarna.TypeReturn: 500}},
		"the debt is not paid but kept": {totals: Totals{Return: 500, Deposit: 500, ClosingDebt: 500}, lines: of{klarna.TypeReturn: 500},
			want: []Reason{{ReasonClosingDebt, 500}}},
		"the debt grows": {totals: Totals{Return: 500, Deposit: 500, OpeningDebt: 200, ClosingDebt: 700}, lines: of{klarna.TypeReturn: 500},
			want: []Reason{{ReasonClosingDebt, 500}}},
		"the debt grows, without a deposit": {totals: Totals{Return: 500, OpeningDebt: 200, ClosingDebt: 700}, lines: of{klarna.TypeReturn: 500},
			want: []Reason{{ReasonClosingDebt, 700}, {ReasonOpeningDebt, -200}}},
		"a debt is repaid": {totals: Totals{Sale: 1_000, Fee: 30, Repay: 400, OpeningDebt: 400, Settlement: 570}, lines: sale,
			want: []Reason{{ReasonRepay, -400}}},
		"a debt is taken off without being called repaid": {totals: Totals{Sale: 1_000, Fee: 30, OpeningDebt: 400, Settlement: 570}, lines: sale,
			want: []Reason{{ReasonOpeningDebt, -400}}},
		"tax is given back": {totals: Totals{Sale: 1_000, Fee: 30, TaxRefund: 5, Settlement: 975}, lines: sale,
			want: []Reason{{ReasonTaxRefund, 5}}},
		"tax is given back, and a debt is repaid": {totals: Totals{Sale: 1_000, Fee: 30, TaxRefund: 5, Repay: 70, Settlement: 905}, lines: sale,
			want: []Reason{{ReasonRepay, -70}, {ReasonTaxRefund, 5}}},
		"fees are invoiced apart and among the lines": {totals: Totals{Sale: 1_000, Fee: 30, Settlement: 1_000}, kind: klarna.SettledGross, lines: sale,
			want: []Reason{{ReasonFeesInvoiced, 30}}},
		"fees are invoiced apart and among the lines alone": {totals: Totals{Sale: 1_000, Settlement: 1_000}, kind: klarna.SettledGross, lines: sale,
			want: []Reason{{ReasonFeesInvoiced, 30}}},
		"fees with tax are invoiced apart": {totals: Totals{Sale: 1_000, Fee: 30, Tax: 6, Settlement: 1_000}, kind: klarna.SettledGross,
			lines: sale.and(klarna.TypeTax, 6), want: []Reason{{ReasonFeesInvoiced, 36}}},
		"an invoice for fees, not paid": {totals: Totals{Fee: 30, Tax: 6}, kind: klarna.SettledGrossFee,
			lines: of{klarna.TypeFee: 30, klarna.TypeTax: 6}, want: []Reason{{ReasonFeesInvoiced, 36}}},
		"an invoice for fees, taken off": {totals: Totals{Fee: 30, Settlement: -30}, kind: klarna.SettledGrossFee, lines: of{klarna.TypeFee: 30}},
		"an unknown type that is added": {totals: Totals{Sale: 1_000, Fee: 30, Settlement: 981}, lines: sale.and("BONUS", 11),
			want: []Reason{{ReasonUnknownType, 11}}},
		"an unknown type that is taken off": {totals: Totals{Sale: 1_000, Fee: 30, Settlement: 959}, lines: sale.and("MALUS", 11),
			want: []Reason{{ReasonUnknownType, -11}}},
		"an unknown type that changes nothing": {totals: Totals{Sale: 1_000, Fee: 30, Settlement: 970}, lines: sale.and("NOTE", 11),
			want: []Reason{{ReasonUnknownType, 0}}},
		"two unknown types": {totals: Totals{Sale: 1_000, Fee: 30, Settlement: 974}, lines: sale.and("BONUS", 11).and("MALUS", 7),
			want: []Reason{{ReasonUnknownType, 4}}},
		"lines are missing": {totals: Totals{Sale: 1_500, Fee: 45, Settlement: 1_455}, lines: sale, want: []Reason{{ReasonLinesMissing, 485}}},
		"no line at all":    {totals: Totals{Sale: 1_500, Fee: 45, Settlement: 1_455}, want: []Reason{{ReasonLinesMissing, 1_455}}},
		"no line at all, and a debt is repaid": {totals: Totals{Sale: 1_500, Repay: 100, Settlement: 1_400},
			want: []Reason{{ReasonRepay, -100}, {ReasonLinesMissing, 1_500}}},
		"the totals contradict each other": {totals: Totals{Sale: 1_000, Fee: 30, Settlement: 950}, lines: sale,
			want: []Reason{{ReasonTotalsInconsistent, -20}}},
		"the totals contradict each other beside a debt": {totals: Totals{Sale: 1_000, Fee: 30, Repay: 100, Settlement: 850}, lines: sale,
			want: []Reason{{ReasonRepay, -100}, {ReasonTotalsInconsistent, -20}}},
		"lines are missing, and the totals contradict each other": {totals: Totals{Sale: 1_500, Fee: 30, Settlement: 1_450}, lines: sale,
			want: []Reason{{ReasonTotalsInconsistent, -20}, {ReasonLinesMissing, 500}}},
		"more lines than in the totals":       {totals: Totals{Sale: 900, Fee: 30, Settlement: 870}, lines: sale, unexplained: -100},
		"lines say what the totals leave out": {totals: Totals{Sale: 1_000, Settlement: 990}, lines: of{klarna.TypeSale: 1_000, klarna.TypeCorrection: -10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &Payout{Totals: tc.totals, SettlementType: tc.kind}
			p.come(tc.lines.sums(false))
			if len(tc.want) == 0 {
				tc.want = []Reason{}
			}
			if !reflect.DeepEqual(p.Reasons, tc.want) || p.Unexplained != tc.unexplained {
				t.Errorf("of %d: %v and %d, want %v and %d", p.Difference, p.Reasons, p.Unexplained, tc.want, tc.unexplained)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	negative := func(o of) of {
		turned := of{}
		for kind, raw := range o {
			if Direction(kind) < 0 {
				raw = -raw
			}
			turned[kind] = raw
		}
		return turned
	}
	for name, tc := range map[string]struct {
		totals Totals
		raw    of
		want   bool
	}{
		"without signs":          {allTotals, allTypes, false},
		"with signs":             {allTotals, negative(allTypes), true},
		"sales alone":            {Totals{Sale: 100}, of{klarna.TypeSale: 100}, false},
		"one total is missing":   {Totals{Fee: 30}, of{klarna.TypeFee: -30, klarna.TypeReturn: -5}, true},
		"one says otherwise":     {Totals{Fee: 30, Return: 5}, of{klarna.TypeFee: -30, klarna.TypeReturn: 5}, false},
		"lines are missing":      {Totals{Fee: 30}, of{klarna.TypeFee: -20}, false},
		"a reversal can't tell":  {Totals{Reversal: 30}, of{klarna.TypeReversal: -30}, false},
		"fees that are a credit": {Totals{Fee: -30}, of{klarna.TypeFee: 30}, true},
	} {
		if got := verdict(&tc.totals, tc.raw); got != tc.want {
			t.Errorf("%s: signed %t", name, got)
		}
	}
	p := &Payout{Totals: allTotals}
	if p.come(negative(allTypes).sums(true)); p.Difference != 0 {
		t.Errorf("with signs: difference %d", p.Difference)
	}
}

// Whatever the totals and the lines say: the reasons and what is unexplained are the
// difference, and both sides of the equation come to what they say they do.
func TestExplainsAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		amount := rapid.Custom(func(rt *rapid.T) int64 {
			return rapid.SampledFrom([]int64{0, 0, 1, -1, 30, 500, 1_000, 5_000_000_000}).Draw(rt, "amount") + rapid.Int64Range(-3, 3).Draw(rt, "more")
		})
		kinds := append(klarna.TransactionTypes(), "NEW_ONE", "NEW_TWO")
		lines := of{}
		for range rapid.IntRange(0, 6).Draw(rt, "lines") {
			lines[rapid.SampledFrom(kinds).Draw(rt, "type")] += amount.Draw(rt, "raw")
		}
		p := &Payout{SettlementType: rapid.SampledFrom([]klarna.SettlementType{klarna.SettledNet, klarna.SettledGross, klarna.SettledGrossFee, ""}).Draw(rt, "kind")}
		v := reflect.ValueOf(&p.Totals).Elem()
		for i := range v.NumField() {
			v.Field(i).SetInt(amount.Draw(rt, v.Type().Field(i).Name))
		}
		sums := lines.sums(rapid.Bool().Draw(rt, "signed"))
		p.come(sums)
		named := p.Unexplained
		for _, r := range p.Reasons {
			named += r.Amount
		}
		var ours int64
		var lineCount int64
		for _, e := range p.Equation(sums) {
			ours += e.Ours
			lineCount += e.Lines
		}
		if p.Difference != p.Totals.Settlement-p.LinesAmount || named != p.Difference || ours != p.LinesAmount || lineCount != p.Lines {
			rt.Errorf("difference %d, reasons %v, unexplained %d; lines %d of %d", p.Difference, p.Reasons, p.Unexplained, ours, p.LinesAmount)
		}
		names := map[ReasonName]bool{}
		for _, r := range p.Reasons {
			if names[r.Name] {
				rt.Errorf("%s is there twice", r.Name)
			}
			names[r.Name] = true
		}
	})
}

// One cent that nobody can explain is not explained.
func TestOneCentStays(t *testing.T) {
	t.Parallel()
	for _, cent := range []int64{1, -1} {
		p := &Payout{Totals: allTotals.with(func(t *Totals) { t.Settlement += cent })}
		p.come(allTypes.sums(false))
		if want := []Reason{{ReasonTotalsInconsistent, cent}}; !slices.Equal(p.Reasons, want) || p.Unexplained != 0 {
			t.Errorf("%v, %d", p.Reasons, p.Unexplained)
		}
		p = &Payout{Totals: allTotals}
		p.come(allTypes.and(klarna.TypeSale, cent).sums(false))
		if p.Difference != -cent || p.Unexplained == 0 && len(p.Reasons) == 0 {
			t.Errorf("%v, %d", p.Reasons, p.Unexplained)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{})
	f.Add(pack([]klarna.Transaction{{}}))
	rate := int64(-1900)
	f.Add(pack([]klarna.Transaction{{Type: "SALE", Amount: -1 << 63, VATRate: &rate, KlarnaComment: "ü"}, {Type: "FEE"}}))
	f.Fuzz(func(t *testing.T, page []byte) {
		lines, err := unpack(page)
		if err != nil {
			return
		}
		again, err := unpack(pack(lines))
		if err != nil || !reflect.DeepEqual(again, lines) {
			t.Errorf("%v\n%v\n%v", lines, again, err)
		}
	})
}
