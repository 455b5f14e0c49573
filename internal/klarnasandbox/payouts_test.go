package klarnasandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "zahlwerk/internal/klarnasandbox"
)

const oneWeek = 7 * 24 * time.Hour

// pay lets an order's captures and refunds be paid out at once.
func pay(b *bench, o Order) Payout {
	b.t.Helper()
	made, err := b.PayOut(o.MerchantID)
	if err != nil || len(made) != 1 {
		b.t.Fatalf("%d payouts, %v", len(made), err)
	}
	return made[0]
}

// terms changes the terms of the demo merchant.
func (b *bench) terms(change func(*Terms)) {
	b.t.Helper()
	t := b.Terms("")
	change(&t)
	if err := b.SetTerms("", t); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) extra(e Extra) {
	b.t.Helper()
	if _, err := b.AddExtra(e); err != nil {
		b.t.Fatal(err)
	}
}

// sums adds up lines by type.
func sums(lines []Transaction) map[string]int64 {
	sum := map[string]int64{}
	for _, l := range lines {
		sum[l.Type] += l.Amount
	}
	return sum
}

// totalsOf are the totals that lines make, without those of the debt.
func totalsOf(lines []Transaction) Totals {
	s := sums(lines)
	return Totals{
		Sale: s[TypeSale], Return: s[TypeReturn], Reversal: s[TypeReversal] - s[TypeMerchantProtection], Fee: s[TypeFee],
		FeeCorrection: s[TypeCorrection], FeeRefund: s[TypeFeeRefund], Tax: s[TypeTax], Commission: s[TypeCommission],
		Charge: s[TypeCharge], Credit: s[TypeCredit], Holdback: s[TypeHoldback], Release: s[TypeRelease],
	}
}

// balance is what totals leave to be paid out.
func balance(t Totals) int64 {
	return t.Sale - t.Return - t.Reversal - t.Fee + t.FeeCorrection + t.Commission - t.Tax - t.Charge + t.Credit -
		t.Repay - t.Holdback + t.Release + t.FeeRefund
}

// TestWeek: what is captured from Wednesday to Tuesday is paid out on the Wednesday a week
// after; the sandbox begins on a Monday.
func TestWeek(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{MerchantReference1: "R-1"})
	want(t, b.capture(o.ID, "", `{"captured_amount":6000,"reference":"LS-1"}`), 201, "")
	b.Advance(2 * 24 * time.Hour) // Wednesday, of the next week
	want(t, b.capture(o.ID, "", `{"captured_amount":4000}`), 201, "")
	want(t, b.call("POST", o.ID+"/refunds", "", `{"refunded_amount":1000,"reference":"GS-1"}`), 201, "")
	for range 6 {
		b.Advance(24 * time.Hour) // up to Tuesday
		if n := len(b.Payouts("")); n != 0 {
			t.Fatalf("%d payouts at %s", n, b.Now())
		}
	}
	b.Advance(24 * time.Hour)
	all := b.Payouts("")
	if len(all) != 1 || !all[0].PayoutDate.Equal(time.Date(2026, 3, 11, 6, 0, 0, 0, time.UTC)) {
		t.Fatalf("payouts %+v", all)
	}
	o = b.read(o.ID)
	lines := b.Transactions(all[0].PaymentReference)
	if len(lines) != 3 || lines[0].Type != TypeSale || lines[0].Amount != 6000 || lines[0].CaptureID != o.Captures[0].ID ||
		lines[0].OrderID != o.ID || lines[0].ShortOrderID != o.KlarnaReference || lines[0].MerchantReference1 != "R-1" ||
		lines[0].MerchantCaptureReference != "LS-1" || !lines[0].CaptureDate.Equal(o.Captures[0].CapturedAt.Truncate(time.Second)) {
		t.Fatalf("lines %+v", lines)
	}
	if f := lines[1]; f.Type != TypeFee || f.DetailedType != "PURCHASE_FEE_PERCENTAGE" || f.Amount != 179 || f.VATRate != 1900 || f.VATAmount != 29 {
		t.Errorf("a fee %+v", f) // 2.99 % of 60.00 is 1.794; 19 % within 1.79 are 0.2858
	}
	if f := lines[2]; f.DetailedType != "PURCHASE_FEE_FIXED" || f.Amount != 35 || f.VATAmount != 6 || f.CaptureID != o.Captures[0].ID {
		t.Errorf("a fee %+v", f)
	}
	if got, want := all[0].Totals, (Totals{Sale: 6000, Fee: 214, Settlement: 5786}); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	b.Advance(oneWeek)
	all = b.Payouts("")
	if len(all) != 2 || all[1].Totals != (Totals{Sale: 4000, Return: 1000, Fee: 155, Settlement: 2845}) {
		t.Fatalf("payouts %+v", all)
	}
	if l := b.Transactions(all[1].PaymentReference)[3]; l.Type != TypeReturn || l.CaptureID != "" || l.RefundID != o.Refunds[0].ID || l.MerchantRefundReference != "GS-1" {
		t.Errorf("the return %+v", l)
	}
	b.Advance(10 * oneWeek)
	if n := len(b.Payouts("")); n != 2 {
		t.Errorf("%d payouts after weeks without a capture", n)
	}
}

// TestTerms: each merchant has terms of its own.
func TestTerms(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Merchants: []Merchant{DemoMerchant(), {ID: "K2", Username: "k2", Password: "x"}}})
	daily := b.Terms("K2")
	daily.Daily, daily.DelayDays, daily.FeeFixed, daily.FeePercentage = true, 1, 0, 0
	if err := b.SetTerms("K2", daily); err != nil {
		t.Fatal(err)
	}
	for _, merchant := range []string{DemoMerchantID, "K2"} {
		if _, err := b.CreateOrder(merchant, NewOrder{Amount: 10_000, AutoCapture: true}); err != nil {
			t.Fatal(err)
		}
	}
	b.Advance(2 * 24 * time.Hour)
	all := b.Payouts("")
	if len(all) != 1 || all[0].MerchantID != "K2" || all[0].Totals.Settlement != 10_000 || !all[0].PayoutDate.Equal(time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC)) {
		t.Errorf("payouts %+v", all)
	}
	b.Advance(oneWeek)
	if mine := b.Payouts(DemoMerchantID); len(mine) != 1 || len(b.Payouts("K2")) != 1 || mine[0].Totals.Settlement != 9_666 {
		t.Errorf("payouts %+v", mine)
	}
	for field, change := range map[string]func(*Terms){
		"delay_days":               func(t *Terms) { t.DelayDays = -1 },
		"fee_percentage":           func(t *Terms) { t.FeePercentage = 10_001 },
		"fee_fixed":                func(t *Terms) { t.FeeFixed = -1 },
		"vat_rate":                 func(t *Terms) { t.VATRate = -1 },
		"merchant_settlement_type": func(t *Terms) { t.SettlementType = SettlementGrossFee },
		"reserve_percentage":       func(t *Terms) { t.ReservePercentage = 20_000 },
		"reserve_weeks":            func(t *Terms) { t.ReserveWeeks = 0 },
	} {
		bad := b.Terms("")
		change(&bad)
		if err := b.SetTerms("", bad); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := b.SetTerms("K9", daily); err == nil {
		t.Error("terms for a merchant that there is not")
	}
}

// TestLateForItsPayday: what should have been paid out already, as the terms are now, comes on
// the next payday.
func TestLateForItsPayday(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.order(NewOrder{AutoCapture: true}) // on a Monday
	b.Advance(2 * 24 * time.Hour)
	b.terms(func(t *Terms) { t.DelayDays = 0 })
	b.Advance(6 * 24 * time.Hour)
	if n := len(b.Payouts("")); n != 0 {
		t.Errorf("%d payouts before the payday", n)
	}
	b.Advance(24 * time.Hour)
	if all := b.Payouts(""); len(all) != 1 || !all[0].PayoutDate.Equal(time.Date(2026, 3, 11, 6, 0, 0, 0, time.UTC)) {
		t.Errorf("payouts %+v", all)
	}
}

// TestDebt: what is missing raises the debt, which the next payouts repay.
func TestDebt(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.terms(func(t *Terms) { t.FeePercentage, t.FeeFixed = 0, 0 })
	o := b.order(NewOrder{})
	next := func() Payout {
		t.Helper()
		return pay(b, o)
	}
	b.extra(Extra{Type: TypeCharge, Amount: 700})
	if p := next(); p.Totals != (Totals{Charge: 700, Deposit: 700, ClosingDebtBalance: 700, Settlement: -700}) {
		t.Errorf("negative: %+v", p.Totals)
	}
	b.terms(func(t *Terms) { t.ZeroOnDebt = true })
	b.extra(Extra{Type: TypeHoldback, Amount: 300})
	if p := next(); p.Totals != (Totals{Holdback: 300, Deposit: 300, OpeningDebtBalance: 700, ClosingDebtBalance: 1000}) {
		t.Errorf("zero: %+v", p.Totals)
	}
	b.extra(Extra{Type: TypeCredit, Amount: 400})
	if p := next(); p.Totals != (Totals{Credit: 400, Repay: 400, OpeningDebtBalance: 1000, ClosingDebtBalance: 600}) {
		t.Errorf("repaid in part: %+v", p.Totals)
	}
	want(t, b.capture(o.ID, "", `{"captured_amount":10000}`), 201, "")
	if p := next(); p.Totals != (Totals{Sale: 10_000, Repay: 600, OpeningDebtBalance: 600, Settlement: 9_400}) {
		t.Errorf("repaid: %+v", p.Totals)
	}
	if made, err := b.PayOut(""); err != nil || len(made) != 0 {
		t.Errorf("paid out nothing: %+v, %v", made, err)
	}
}

// TestReserve: a share of the sales is kept back and comes some weeks later.
func TestReserve(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.terms(func(t *Terms) { t.FeePercentage, t.FeeFixed, t.ReservePercentage, t.ReserveWeeks = 0, 0, 1_000, 2 })
	b.order(NewOrder{AutoCapture: true})
	b.Advance(4 * oneWeek)
	all := b.Payouts("")
	if len(all) != 2 || all[0].Totals != (Totals{Sale: 10_000, Holdback: 1_000, Settlement: 9_000}) ||
		all[1].Totals != (Totals{Release: 1_000, Settlement: 1_000}) || all[1].PayoutDate.Sub(all[0].PayoutDate) != 2*oneWeek {
		t.Errorf("payouts %+v", all)
	}
}

func TestGross(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.terms(func(t *Terms) { t.SettlementType = SettlementGross })
	o := b.order(NewOrder{AutoCapture: true})
	made, err := b.PayOut(o.MerchantID)
	if err != nil || len(made) != 2 || made[0].SettlementType != SettlementGrossFee || made[0].Totals != (Totals{Fee: 334, Settlement: -334}) ||
		made[1].SettlementType != SettlementGross || made[1].Totals != (Totals{Sale: 10_000, Settlement: 10_000}) {
		t.Errorf("%+v, %v", made, err)
	}
}

// TestEqualRefunds: two refunds of one amount in one second are two lines; bare ones are equal.
func TestEqualRefunds(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{AutoCapture: true})
	for range 2 {
		want(t, b.call("POST", o.ID+"/refunds", "", `{"refunded_amount":500}`), 201, "")
	}
	p := pay(b, o)
	returns := func() []Transaction {
		return slices.DeleteFunc(b.Transactions(p.PaymentReference), func(l Transaction) bool { return l.Type != TypeReturn })
	}
	if l := returns(); len(l) != 2 || l[0] == l[1] || l[0].Amount != 500 {
		t.Errorf("returns %+v", l)
	}
	b.terms(func(t *Terms) { t.Bare = true })
	if l := returns(); len(l) != 2 || l[0] != l[1] || l[0].PaymentReference != "" {
		t.Errorf("bare returns %+v", l)
	}
}

func TestSigned(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p, err := b.CreateOddPayout("", OddEveryType)
	if err != nil {
		t.Fatal(err)
	}
	plain := b.Transactions(p.PaymentReference)
	b.terms(func(t *Terms) { t.Signed = true })
	var sum int64
	for i, l := range b.Transactions(p.PaymentReference) {
		if sum += l.Amount; l.Amount != plain[i].Amount && l.Amount != -plain[i].Amount {
			t.Errorf("%d is told for %d", l.Amount, plain[i].Amount)
		}
	}
	if sum != p.Totals.Settlement {
		t.Errorf("the signed lines make %d, the settlement is %d", sum, p.Totals.Settlement)
	}
}

func TestExtras(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{Currency: "CHF", MerchantReference1: "R-1"})
	for field, e := range map[string]Extra{
		"type": {Amount: 1}, "detailed_type": {Type: TypeFee, DetailedType: "no", Amount: 1}, "amount": {Type: TypeFee, Amount: -1},
		"currency_code": {Type: TypeFee, Amount: 1, Currency: "EURO"}, "order_id": {Type: TypeFee, Amount: 1, OrderID: "x"},
		"klarna_comment": {Type: TypeFee, Amount: 1, Comment: strings.Repeat("x", 256)}, "weeks": {Type: TypeFee, Amount: 1, Weeks: -1},
		"reversal_reference": {Type: TypeFee, Amount: 1, ReversalReference: strings.Repeat("x", 256)},
		"K9":                 {Type: TypeFee, Amount: 1, MerchantID: "K9"},
	} {
		if _, err := b.AddExtra(e); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	b.extra(Extra{Type: TypeReversal, DetailedType: "REVERSAL", Amount: 500, OrderID: o.ID, ReversalReference: "krn:dispute:1"})
	b.extra(Extra{Type: TypeCorrection, Amount: -20, OrderID: o.ID, Weeks: 1, Comment: "late"})
	if n := len(b.Extras()); n != 2 {
		t.Errorf("%d wait", n)
	}
	b.Advance(3 * 24 * time.Hour)
	all := b.Payouts("")
	if len(all) != 1 || all[0].CurrencyCode != "CHF" || len(b.Extras()) != 1 {
		t.Fatalf("payouts %+v", all)
	}
	if l := b.Transactions(all[0].PaymentReference)[0]; l.OrderID != o.ID || l.MerchantReference1 != "R-1" || l.ReversalReference != "krn:dispute:1" {
		t.Errorf("the reversal %+v", l)
	}
	b.Advance(oneWeek)
	if all = b.Payouts(""); len(all) != 2 || all[1].Totals.FeeCorrection != -20 || all[1].Totals.OpeningDebtBalance != 500 {
		t.Errorf("payouts %+v", all)
	}
}

// TestHistories: whatever happens, each capture and refund is paid out once, totals are the
// sums of their lines, and debts go from payout to payout.
func TestHistories(t *testing.T) {
	t.Parallel()
	types := []string{TypeSale, TypeReturn, TypeFee, TypeFeeRefund, TypeTax, TypeReversal, TypeMerchantProtection, TypeCommission,
		TypeCharge, TypeCredit, TypeHoldback, TypeRelease, TypeCorrection}
	rapid.Check(t, func(r *rapid.T) {
		b := newBench(t, Options{})
		draw := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(r, name) }
		b.terms(func(t *Terms) {
			t.Daily, t.DelayDays = rapid.Bool().Draw(r, "daily"), draw("delay", 0, 10)
			t.FeePercentage, t.ReservePercentage = int64(draw("fee", 0, 500)), int64(draw("reserve", 0, 2000))
			t.ZeroOnDebt = rapid.Bool().Draw(r, "zero on debt")
			t.SettlementType = rapid.SampledFrom([]string{SettlementNet, SettlementGross}).Draw(r, "settlement type")
		})
		var orders []string
		for range draw("steps", 1, 25) {
			switch draw("step", 0, 5) {
			case 0:
				currency := rapid.SampledFrom([]string{"EUR", "CHF", "JPY"}).Draw(r, "currency")
				orders = append(orders, b.order(NewOrder{Currency: currency}).ID)
			case 1, 2:
				if len(orders) > 0 {
					id := rapid.SampledFrom(orders).Draw(r, "order")
					kind := rapid.SampledFrom([]ActionKind{ActionCapture, ActionRefund}).Draw(r, "action")
					_, _ = b.Act(id, Action{Kind: kind, Amount: int64(draw("amount", 1, 3000))}) // too much is refused
				}
			case 3:
				b.Advance(time.Duration(draw("hours", 1, 400)) * time.Hour)
			case 4:
				b.extra(Extra{Type: rapid.SampledFrom(types).Draw(r, "type"), Amount: int64(draw("amount", 1, 9000)), Weeks: draw("weeks", 0, 3)})
			case 5:
				if _, err := b.PayOut(""); err != nil {
					r.Fatal(err)
				}
			}
		}
		b.Advance(60 * oneWeek) // releases of releases have come, too
		paid := map[string]int{}
		debts := map[string]int64{}
		for _, p := range b.Payouts("") {
			lines := b.Transactions(p.PaymentReference)
			if len(lines) == 0 {
				r.Errorf("an empty payout %+v", p)
			}
			for _, l := range lines {
				if l.CurrencyCode != p.CurrencyCode || l.CaptureDate.After(p.PayoutDate) {
					r.Errorf("%+v is in a payout of %s, %s", l, p.CurrencyCode, p.PayoutDate)
				}
				if l.Type == TypeSale || l.Type == TypeReturn {
					paid[l.CaptureID+l.RefundID]++
				}
			}
			sum := totalsOf(lines)
			sum.OpeningDebtBalance, sum.ClosingDebtBalance, sum.Deposit, sum.Repay = p.Totals.OpeningDebtBalance, p.Totals.ClosingDebtBalance, p.Totals.Deposit, p.Totals.Repay
			sum.Settlement = p.Totals.Settlement
			if sum != p.Totals {
				r.Errorf("totals %+v, the lines make %+v", p.Totals, sum)
			}
			if got := balance(p.Totals); got != p.Totals.Settlement && (p.Totals.Settlement != 0 || got != -p.Totals.Deposit) {
				r.Errorf("settlement %d, the totals make %d", p.Totals.Settlement, got)
			}
			if p.SettlementType == SettlementGrossFee {
				continue
			}
			t := p.Totals
			if t.OpeningDebtBalance != debts[p.CurrencyCode] || t.ClosingDebtBalance != t.OpeningDebtBalance+t.Deposit-t.Repay || t.ClosingDebtBalance < 0 || t.Repay < 0 {
				r.Errorf("a debt of %d was before %+v", debts[p.CurrencyCode], t)
			}
			debts[p.CurrencyCode] = t.ClosingDebtBalance
		}
		if n := len(b.Extras()); n != 0 {
			r.Errorf("%d extras are left", n)
		}
		for _, o := range b.Orders() {
			for _, k := range o.Captures {
				if paid[k.ID] != 1 {
					r.Errorf("a capture was paid out %d times", paid[k.ID])
				}
			}
			for _, f := range o.Refunds {
				if paid[f.ID] != 1 {
					r.Errorf("a refund was paid out %d times", paid[f.ID])
				}
			}
		}
	})
}

func TestOddPayouts(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	for _, odd := range Oddities {
		p, err := b.CreateOddPayout("", odd)
		if err != nil {
			t.Errorf("%s: %v", odd, err)
			continue
		}
		lines := b.Transactions(p.PaymentReference)
		left := p.Totals.Settlement - balance(totalsOf(lines))
		// What Klarna's equation of the lines leaves open.
		if want := map[Oddity]int64{OddNoTransactions: 12_566, OddTotals: 100, OddMissingLine: -35, OddUnknown: 250, OddGrossWithFees: 423}[odd]; left != want {
			t.Errorf("%s leaves %d, want %d", odd, left, want)
		}
		switch s := sums(lines); odd {
		case OddNoTransactions:
			if len(lines) != 0 {
				t.Errorf("lines %+v", lines)
			}
		case OddLarge:
			if s[TypeSale] <= 1<<31 {
				t.Errorf("a sale of %d", s[TypeSale])
			}
		case OddNoMinorUnits:
			if p.CurrencyCode != "JPY" {
				t.Errorf("in %s", p.CurrencyCode)
			}
		case OddUnknown:
			if s["NEVER_HEARD_OF"] == 0 || p.SettlementType != "NEVER_HEARD_OF" {
				t.Errorf("%s, lines %+v", p.SettlementType, lines)
			}
		case OddEqualLines:
			if last := lines[len(lines)-2:]; last[0] != last[1] {
				t.Errorf("lines %+v", last)
			}
		case OddNegative:
			if p.Totals.Settlement >= 0 || p.Totals.Deposit != -p.Totals.Settlement {
				t.Errorf("totals %+v", p.Totals)
			}
		case OddZero:
			if p.Totals.Settlement != 0 || len(lines) == 0 {
				t.Errorf("totals %+v", p.Totals)
			}
		case OddEveryType:
			if len(s) != 13 {
				t.Errorf("types %v", s)
			}
		}
	}
	if _, err := b.CreateOddPayout("", "usual"); err == nil {
		t.Error("an oddity that there is not")
	}
	if _, err := b.CreateOddPayout("K9", OddZero); err == nil {
		t.Error("a merchant that there is not")
	}
}

func TestCreatePayout(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	made, err := b.CreatePayout(NewPayout{PaymentReference: "MINE-1", Currency: "chf", PayoutDate: start.Add(time.Hour), Totals: &Totals{Settlement: 7},
		Transactions: []Transaction{{Type: TypeSale, Amount: 5}}})
	if err != nil || made.CurrencyCode != "CHF" || made.Totals != (Totals{Settlement: 7}) || len(b.Payouts("")) != 0 {
		t.Errorf("%+v, %v", made, err)
	}
	b.Advance(time.Hour)
	if l := b.Transactions("MINE-1"); len(l) != 1 || l[0].CurrencyCode != "CHF" || l[0].PurchaseCountry == "" || l[0].OrderID == "" || l[0].SaleDate.IsZero() {
		t.Errorf("lines %+v", l)
	}
	for field, n := range map[string]NewPayout{
		"MINE-1": {PaymentReference: "MINE-1"}, "payment_reference": {PaymentReference: "a b"}, "currency_code": {Currency: "X"},
		"merchant_settlement_type": {SettlementType: "net"}, "K9": {MerchantID: "K9"},
	} {
		if _, err := b.CreatePayout(n); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestGeneratedPayouts: a volume is the same each time it is asked for, and its totals are the
// sums of its lines.
func TestGeneratedPayouts(t *testing.T) {
	t.Parallel()
	b, other := newBench(t, Options{}), newBench(t, Options{})
	v := Volume{Payouts: 7, Transactions: 2_345, Seed: 3}
	made, err := b.GeneratePayouts(v)
	if err != nil || len(made) != 7 {
		t.Fatalf("%d, %v", len(made), err)
	}
	again, err := other.GeneratePayouts(v)
	if err != nil || !slices.Equal(made, again) {
		t.Fatalf("another volume: %v", err)
	}
	total, sales := 0, map[string]bool{}
	seen := map[string]int64{}
	for i, p := range made {
		if i > 0 && p.PayoutDate.Sub(made[i-1].PayoutDate) != oneWeek {
			t.Errorf("paid out on %s", p.PayoutDate)
		}
		lines := b.Transactions(p.PaymentReference)
		if !slices.Equal(lines, other.Transactions(p.PaymentReference)) {
			t.Error("other lines")
		}
		total += len(lines)
		sum := totalsOf(lines)
		sum.Settlement = balance(sum)
		if sum != p.Totals {
			t.Errorf("totals %+v, the lines make %+v", p.Totals, sum)
		}
		for _, l := range lines {
			seen[l.Type]++
			if l.Type == TypeSale {
				sales[l.MerchantReference1] = true
			}
			if l.CaptureDate.After(p.PayoutDate.Add(-oneWeek)) || l.CaptureDate.Before(p.PayoutDate.Add(-3*oneWeek)) || l.SaleDate.After(l.CaptureDate) {
				t.Errorf("captured at %s, paid out at %s", l.CaptureDate, p.PayoutDate)
			}
		}
	}
	if total != v.Transactions || len(sales) != int(seen[TypeSale]) || !sales["G3-0"] || len(seen) != 13 {
		t.Errorf("%d lines, %d sales, types %v", total, len(sales), seen)
	}
	for field, v := range map[string]Volume{
		"payouts": {}, "transactions": {Payouts: 1, Transactions: -1}, "currency_code": {Payouts: 1, Currency: "1"},
		"K9": {Payouts: 1, MerchantID: "K9"}, made[0].PaymentReference: v,
	} {
		if _, err := b.GeneratePayouts(v); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
