package settlement_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/settlement"
)

// addUp makes the sums of all lines anew, as an import and matching keep them.
func (s *shelf) addUp() {
	s.t.Helper()
	s.exec("DELETE FROM payout_sums")
	s.exec(`INSERT INTO payout_sums (payout_id, type, match_state, lines, amount, raw_amount)
		SELECT l.payout_id, l.type, l.match_state, count(*), sum(l.amount), sum(l.raw_amount)
		FROM statement_lines l JOIN payouts p ON p.id = l.payout_id GROUP BY l.payout_id, l.type, l.match_state`)
	s.exec(`UPDATE payouts SET lines = coalesce((SELECT sum(s.lines) FROM payout_sums s WHERE s.payout_id = payouts.id), 0),
		lines_amount = coalesce((SELECT sum(s.amount) FROM payout_sums s WHERE s.payout_id = payouts.id), 0)`)
}

func (s *shelf) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), query, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) insert(rows any) {
	s.t.Helper()
	if err := s.db.InTx(s.t.Context(), func(tx *gorm.DB) error { return tx.CreateInBatches(rows, 200).Error }); err != nil {
		s.t.Fatal(err)
	}
}

// book is a shelf with lines, which are here to compare.
type book struct {
	*shelf
	accounts []int64
	payouts  map[int64]settlement.Payout
	lines    []settlement.StatementLine // those of payouts that are there, as the list has them
}

// scatter puts lines of all kinds into payouts of all sizes, some of them made at the same
// moment, one undone.
func (s *shelf) scatter() *book {
	s.t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	b := &book{shelf: s, payouts: map[int64]settlement.Payout{}}
	var all []settlement.Payout
	for _, name := range []string{"first", "second"} {
		account, run := s.account(name)
		b.accounts = append(b.accounts, account)
		for n := range 9 {
			all = append(all, settlement.Payout{AccountID: account, RunID: run, Source: settlement.FromAPI, PaymentReference: fmt.Sprintf("X%s%d", name, n),
				PayoutDate: wednesday.Add(-week * time.Duration(n/2)), Currency: []string{"EUR", "EUR", "SEK"}[n%3], Reasons: []settlement.Reason{},
				Totals: settlement.Totals{Settlement: int64(1000 + n)}, CreatedAt: wednesday})
		}
	}
	s.insert(&all)
	types := []klarna.TransactionType{klarna.TypeSale, klarna.TypeFee, klarna.TypeReturn, "NEW_ONE"}
	var lines []settlement.StatementLine
	for i, p := range all {
		for n := range []int{0, 1, 2, 40, 3, 1}[i%6] {
			lines = append(lines, settlement.StatementLine{AccountID: p.AccountID, PayoutID: p.ID, RunID: p.RunID, PaymentReference: p.PaymentReference,
				PayoutDate: p.PayoutDate, Currency: p.Currency, Identity: fmt.Sprint(n), Type: types[min(r.IntN(5), 3)], Amount: int64(r.IntN(7)) - 3,
				MatchState: settlement.MatchStates()[r.IntN(5)], ShortOrderID: fmt.Sprintf("K%d", n), MerchantReference1: fmt.Sprintf("ref%d", n%10)})
		}
	}
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	s.insert(&lines)
	s.exec("DELETE FROM payouts WHERE id = ?", all[3].ID)
	s.addUp()
	for i, p := range all {
		if i != 3 {
			b.payouts[p.ID] = p
		}
	}
	for _, l := range lines {
		if _, there := b.payouts[l.PayoutID]; there {
			b.lines = append(b.lines, l)
		}
	}
	slices.SortFunc(b.lines, func(x, y settlement.StatementLine) int {
		return cmp.Or(y.PayoutDate.Compare(x.PayoutDate), cmp.Compare(y.PayoutID, x.PayoutID), cmp.Compare(y.ID, x.ID))
	})
	return b
}

func keep(f settlement.LineFilter) func(l settlement.StatementLine) bool {
	return func(l settlement.StatementLine) bool {
		return (f.AccountID == 0 || l.AccountID == f.AccountID) && (f.PayoutID == 0 || l.PayoutID == f.PayoutID) &&
			(f.Type == "" || l.Type == f.Type) && (len(f.Match) == 0 || slices.Contains(f.Match, l.MatchState)) &&
			(f.Currency == "" || l.Currency == f.Currency) && (f.From.IsZero() || !l.PayoutDate.Before(f.From)) &&
			(f.Until.IsZero() || l.PayoutDate.Before(f.Until)) && (f.Amount == nil || l.Amount == *f.Amount || l.Amount == -*f.Amount)
	}
}

func lineIDs[T any](lines []T, id func(*T) int64) []int64 {
	ids := []int64{}
	for i := range lines {
		ids = append(ids, id(&lines[i]))
	}
	return ids
}

func listedID(l *settlement.Line) int64        { return l.ID }
func keptID(l *settlement.StatementLine) int64 { return l.ID }

// check walks through the list of f forth and back and compares it with want.
func (b *book) check(name string, f settlement.LineFilter, want []settlement.StatementLine) {
	b.t.Helper()
	ids := lineIDs(want, keptID)
	page := func() settlement.LinePage {
		b.t.Helper()
		p, err := b.Lines(b.t.Context(), f)
		if err != nil {
			b.t.Fatalf("%s: %v", name, err)
		}
		return p
	}
	forth, last := []int64{}, settlement.LinePage{}
	for first := true; first || last.HasOlder; first = false {
		last = page()
		if last.HasNewer == first && len(want) > 0 {
			b.t.Fatalf("%s: HasNewer = %t after %d lines", name, last.HasNewer, len(forth))
		}
		forth = append(forth, lineIDs(last.Lines, listedID)...)
		if len(last.Lines) == 0 {
			break
		}
		f.After = last.Lines[len(last.Lines)-1].CursorOf()
	}
	if !slices.Equal(forth, ids) {
		b.t.Errorf("%s: %v, want %v", name, forth, ids)
	}
	back := lineIDs(last.Lines, listedID)
	for f.After = (settlement.Cursor{}); last.HasNewer; {
		f.Before = last.Lines[0].CursorOf()
		if last = page(); !last.HasOlder || len(last.Lines) == 0 {
			b.t.Fatalf("%s: %d lines, HasOlder = %t on the way back", name, len(last.Lines), last.HasOlder)
		}
		back = append(lineIDs(last.Lines, listedID), back...)
	}
	if !slices.Equal(back, ids) {
		b.t.Errorf("%s, back: %v, want %v", name, back, ids)
	}
	b.checkSums(name, f, want)
}

func (b *book) checkSums(name string, f settlement.LineFilter, want []settlement.StatementLine) {
	b.t.Helper()
	sums, partial, err := b.LineSums(b.t.Context(), f)
	if err != nil || partial {
		b.t.Errorf("%s: sums of a part: %t (%v)", name, partial, err)
	}
	left := map[string]settlement.LineSum{}
	for _, l := range want {
		sum := left[l.Currency]
		left[l.Currency] = settlement.LineSum{Currency: l.Currency, Lines: sum.Lines + 1, Amount: sum.Amount + l.Amount}
	}
	if len(sums) != len(left) {
		b.t.Errorf("%s: sums %+v, want %+v", name, sums, left)
	}
	for _, sum := range sums {
		if sum != left[sum.Currency] {
			b.t.Errorf("%s: sum %+v, want %+v", name, sum, left[sum.Currency])
		}
	}
}

// Whatever is asked for and however many lines a page has, each line is on one page, in
// the same order forth and back, and the sums are those of what is listed.
func TestLinesFilteredAndPaged(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		b := s.scatter()
		filters := []settlement.LineFilter{{}, {PayoutID: b.lines[0].PayoutID}, {PayoutID: 1 << 40}, {Currency: "SEK"}, {Currency: "CHF"}, {From: wednesday.Add(-week)},
			{Until: wednesday.Add(-week)}, {From: wednesday.Add(-2 * week), Until: wednesday.Add(-week)}, {Type: "NEW_ONE", Match: []settlement.MatchState{settlement.ByHand}},
			{Match: []settlement.MatchState{settlement.Unmatched, settlement.Proposed}}, {Type: "\x00"}}
		for _, a := range b.accounts {
			filters = append(filters, settlement.LineFilter{AccountID: a})
		}
		for _, typ := range []klarna.TransactionType{klarna.TypeSale, klarna.TypeFee, klarna.TypeReturn, klarna.TypeTax, "NEW_ONE"} {
			filters = append(filters, settlement.LineFilter{Type: typ}, settlement.LineFilter{Type: typ, AccountID: b.accounts[1], Currency: "EUR"})
		}
		for _, m := range settlement.MatchStates() {
			filters = append(filters, settlement.LineFilter{Match: []settlement.MatchState{m}})
		}
		for amount := range int64(5) {
			filters = append(filters, settlement.LineFilter{Amount: &amount}, settlement.LineFilter{Amount: &amount, Type: klarna.TypeSale, From: wednesday.Add(-3 * week)})
		}
		for _, f := range filters {
			want := slices.DeleteFunc(slices.Clone(b.lines), func(l settlement.StatementLine) bool { return !keep(f)(l) })
			for _, limit := range []int{1, 3, 17, settlement.MaxPage} {
				f.Limit = limit
				b.check(fmt.Sprintf("%+v", f), f, want)
			}
		}
	})
}

func TestEachLine(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		account, run := s.account("first")
		s.put(settlement.Payout{AccountID: account, RunID: run, PaymentReference: "X1", PayoutDate: wednesday, Currency: "EUR"})
		lines := make([]settlement.StatementLine, 2*settlement.MaxPage+1)
		for i := range lines {
			lines[i] = settlement.StatementLine{AccountID: account, PayoutID: 1, RunID: run, PayoutDate: wednesday, Currency: "EUR", Ordinal: i,
				Type: []klarna.TransactionType{klarna.TypeSale, klarna.TypeFee}[i%2], MatchState: settlement.Matched}
		}
		s.insert(&lines)
		s.addUp()
		var seen []int64
		for some, err := range s.EachLine(t.Context(), settlement.LineFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, lineIDs(some, listedID)...)
		}
		want := lineIDs(lines, keptID)
		slices.Reverse(want)
		if !slices.Equal(seen, want) {
			t.Errorf("%d lines, want %d", len(seen), len(want))
		}
	})
}

// The place of a line that was undone meanwhile is where its payout was.
func TestLinesAfterAnUndo(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		b := s.scatter()
		gone := b.lines[len(b.lines)/2]
		s.exec("DELETE FROM payouts WHERE id = ?", gone.PayoutID)
		s.addUp()
		var older, newer []int64
		for _, l := range b.lines {
			switch c := cmp.Or(l.PayoutDate.Compare(gone.PayoutDate), cmp.Compare(l.PayoutID, gone.PayoutID)); {
			case c < 0:
				older = append(older, l.ID)
			case c > 0:
				newer = append(newer, l.ID)
			}
		}
		for name, tc := range map[string]struct {
			turn settlement.Turn
			want []int64
		}{"older": {settlement.Turn{After: gone.CursorOf()}, older}, "newer": {settlement.Turn{Before: gone.CursorOf()}, newer}} {
			tc.turn.Limit = settlement.MaxPage
			if p, err := s.Lines(t.Context(), settlement.LineFilter{Turn: tc.turn}); err != nil || !slices.Equal(lineIDs(p.Lines, listedID), tc.want) {
				t.Errorf("%s: %v, want %v (%v)", name, lineIDs(p.Lines, listedID), tc.want, err)
			}
		}
		if _, err := s.FindLine(t.Context(), gone.ID); err == nil {
			t.Error("a line that was undone is found")
		}
	})
}

// known puts orders of these numbers there.
func (s *shelf) known(numbers ...string) []order.Order {
	s.t.Helper()
	m := paymentmethod.Method{Name: "Klarna", Type: "klarna", CreatedAt: wednesday, UpdatedAt: wednesday}
	s.insert(&m)
	var orders []order.Order
	for _, n := range numbers {
		orders = append(orders, order.Order{Number: n, ExternalNumber: "Shop-" + n, PaymentMethodID: m.ID, Currency: "EUR", PlacedAt: wednesday, CreatedAt: wednesday, UpdatedAt: wednesday})
	}
	if err := s.db.InTx(s.t.Context(), func(tx *gorm.DB) error { return tx.Omit("PaymentMethod").Create(&orders).Error }); err != nil {
		s.t.Fatal(err)
	}
	return orders
}

func TestLinesSearched(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		first, second := s.account("first")
		s.put(
			settlement.Payout{AccountID: first, RunID: second, PaymentReference: "XISA93DJ", PayoutDate: wednesday, Currency: "EUR", Totals: settlement.Totals{Settlement: 123456}},
			settlement.Payout{AccountID: first, RunID: second, PaymentReference: "XISB", PayoutDate: wednesday.Add(-week), Currency: "EUR", Totals: settlement.Totals{Settlement: -20008100}},
			settlement.Payout{AccountID: first, RunID: second, PaymentReference: "XISC", PayoutDate: wednesday.Add(-2 * week), Currency: "JPY", Totals: settlement.Totals{Settlement: 500}},
		)
		known := s.known("200081")
		uuid := "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10"
		lines := []settlement.StatementLine{
			{PayoutID: 1, KlarnaOrderID: uuid, Amount: 777},
			{PayoutID: 1, ShortOrderID: "K4MADNY", Amount: -777},
			{PayoutID: 2, MerchantReference1: "A-17", MerchantReference2: "shop"},
			{PayoutID: 2, MerchantReference1: "A-18", MerchantReference2: "shop"},
			{PayoutID: 3, OrderID: &known[0].ID},
		}
		for i := range lines {
			l := &lines[i]
			l.AccountID, l.Type, l.MatchState, l.Identity, l.Currency = first, klarna.TypeSale, settlement.Matched, fmt.Sprint(i), "EUR"
			l.PayoutDate = wednesday.Add(-week * time.Duration(l.PayoutID-1))
		}
		s.insert(&lines)
		s.addUp()
		for query, want := range map[string]string{
			"": "2 1 4 3 5", "XISA93DJ 1.234,56": "2 1", "KLARNA BANK AB XISA93DJ 1.234,56 EUR": "2 1", "xisa": "2 1", "1.234,56 €": "2 1",
			"XISA93DJ 1.234,57": "", uuid: "1", strings.ToUpper(uuid): "1", "k4madny": "2", "a-17": "3", "shop": "4 3", "200081": "5", "shop-200081": "", "Shop-200081": "5",
			"500": "5", "7,77": "2 1", "7": "", "nothing": "", "\x00": "", "%": "", "' OR 1=1": "", strings.Repeat("a ", 99): "",
		} {
			f := settlement.LineFilter{Query: query, AccountID: first, Language: "de"}
			p, err := s.Lines(t.Context(), f)
			if err != nil {
				t.Fatalf("%q: %v", query, err)
			}
			if got := strings.Trim(fmt.Sprint(lineIDs(p.Lines, listedID)), "[]"); got != want {
				t.Errorf("%q finds %q, want %q", query, got, want)
			}
			if sums, _, err := s.LineSums(t.Context(), f); err != nil || linesOf(sums) != len(strings.Fields(want)) {
				t.Errorf("%q: sums %+v (%v)", query, sums, err)
			}
		}
		l, err := s.FindLine(t.Context(), lines[4].ID)
		if err != nil || l.OrderNumber != "200081" {
			t.Errorf("%+v (%v)", l, err)
		}
		if p, err := s.Lines(t.Context(), settlement.LineFilter{Query: "shop", AccountID: first + 1}); err != nil || len(p.Lines) > 0 {
			t.Errorf("another account finds %+v (%v)", p, err)
		}
	})
}

func linesOf(sums []settlement.LineSum) (n int) {
	for _, s := range sums {
		n += int(s.Lines)
	}
	return n
}

// A name that thousands of lines have finds some of them and says so.
func TestLinesSearchedTooMany(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		account, run := s.account("first")
		s.put(settlement.Payout{AccountID: account, RunID: run, PaymentReference: "X1", PayoutDate: wednesday, Currency: "EUR"})
		lines := make([]settlement.StatementLine, settlement.SearchLimit+5)
		for i := range lines {
			lines[i] = settlement.StatementLine{AccountID: account, PayoutID: 1, PayoutDate: wednesday, Currency: "EUR", Ordinal: i, Type: klarna.TypeSale,
				MatchState: settlement.Matched, MerchantReference2: "shop"}
		}
		s.insert(&lines)
		s.addUp()
		sums, partial, err := s.LineSums(t.Context(), settlement.LineFilter{Query: "shop"})
		if err != nil || !partial || linesOf(sums) != settlement.SearchLimit {
			t.Errorf("%+v, of a part: %t (%v)", sums, partial, err)
		}
	})
}
