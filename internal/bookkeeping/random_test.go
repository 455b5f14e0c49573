package bookkeeping_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store/storetest"
)

// TestToTheCent draws payouts of all kinds and reads back each form and way: what is
// posted for a payout comes to its settlement, and the payout takes that away again.
func TestToTheCent(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.SQLite(t))
	b.set(allAccounts())
	readers := map[bookkeeping.Format]func(testing.TB, []byte) []entry{
		bookkeeping.CSV: readCSV, bookkeeping.DATEV: readDATEV, bookkeeping.CAMT: readCAMT, bookkeeping.MT940: readMT940,
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		b.newAccount(fmt.Sprintf("Test %d", n))
		settlements := map[string]int64{}
		for i := range rapid.IntRange(1, 4).Draw(rt, "payouts") {
			p, lines := drawPayout(rt, fmt.Sprintf("P%d-%d", n, i))
			p = b.put(p, lines...)
			settlements[p.PaymentReference] = p.Totals.Settlement
		}
		for format, read := range readers {
			for _, way := range bookkeeping.Ways() {
				sel := b.week(format, way)
				c := b.check(sel)
				if c.Postings() == 0 {
					continue
				}
				entries := read(t, b.one(sel))
				if int64(len(entries)) != c.Postings() {
					rt.Fatalf("%s %s: %d postings, the check said %d", format, way, len(entries), c.Postings())
				}
				alone := way == bookkeeping.PerPayout && (format == bookkeeping.CSV || format == bookkeeping.DATEV)
				compare(rt, string(format)+" "+string(way), entries, settlements, alone)
			}
		}
	})
}

// compare sees that what is posted for each payout, but for its last posting, comes to its
// settlement, and that the last one takes that away. alone: there is only the last one.
func compare(t *rapid.T, name string, entries []entry, settlements map[string]int64, alone bool) {
	posted := map[string]int64{}
	for _, e := range entries {
		posted[e.payout] += e.amount
	}
	for payout, want := range settlements {
		if alone {
			if posted[payout] != -want {
				t.Fatalf("%s: payout %s leaves %d, want %d", name, payout, posted[payout], -want)
			}
			continue
		}
		i := slices.IndexFunc(entries, func(e entry) bool { return e.payout == payout })
		last := i
		for last >= 0 && last+1 < len(entries) && entries[last+1].payout == payout {
			last++
		}
		if posted[payout] != 0 {
			t.Fatalf("%s: payout %s of %d leaves %d", name, payout, want, posted[payout])
		}
		if want != 0 && (i < 0 || entries[last].amount != -want) {
			t.Fatalf("%s: payout %s of %d does not end with it: %+v", name, payout, want, entries)
		}
	}
}

// drawPayout draws a payout with lines of all types, with named and unnamed differences,
// sometimes negative, sometimes nothing.
func drawPayout(t *rapid.T, reference string) (settlement.Payout, []settlement.StatementLine) {
	p := payout(reference)
	p.PayoutDate = wednesday.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "days")) * 24 * time.Hour)
	p.SettlementType = rapid.SampledFrom([]klarna.SettlementType{klarna.SettledNet, klarna.SettledGross, klarna.SettledGrossFee, "NEW"}).Draw(t, "kind")
	types := append(klarna.TransactionTypes(), "SOMETHING_NEW")
	var lines []settlement.StatementLine
	for range rapid.IntRange(0, 12).Draw(t, "lines") {
		typ := rapid.SampledFrom(types).Draw(t, "type")
		raw := rapid.Int64Range(-3, 300_00).Draw(t, "amount")
		lines = append(lines, of(typ, settlement.Direction(typ)*raw, func(l *settlement.StatementLine) {
			l.MerchantReference1 = rapid.SampledFrom([]string{"", "1001", "Bestellung №7 // ü?:-", "-", "=1+1", "x\ny;\"z\""}).Draw(t, "reference")
			l.MatchState = rapid.SampledFrom(settlement.MatchStates()).Draw(t, "state")
		}))
	}
	lines = slices.DeleteFunc(lines, func(l settlement.StatementLine) bool { return l.Amount == 0 && settlement.Direction(l.Type) != 0 })
	reasons := []settlement.ReasonName{settlement.ReasonOpeningDebt, settlement.ReasonClosingDebt, settlement.ReasonFeesInvoiced, settlement.ReasonUnknownType}
	for _, r := range rapid.SliceOfNDistinct(rapid.SampledFrom(reasons), 0, 2, rapid.ID).Draw(t, "reasons") {
		p.Reasons = append(p.Reasons, settlement.Reason{Name: r, Amount: rapid.Int64Range(-50_00, 50_00).Draw(t, "reason")})
	}
	p.Totals.Settlement = rapid.Int64Range(-20_00, 500_00).Draw(t, "settlement")
	return p, lines
}
