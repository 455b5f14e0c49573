package settlement_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// wednesday is when the newest of some payouts was made.
var wednesday = time.Date(2026, 11, 4, 6, 0, 0, 0, time.UTC)

const week = 7 * 24 * time.Hour

// shelf holds payouts as an import leaves them.
type shelf struct {
	*settlement.Service
	t  testing.TB
	db *store.DB
}

func onShelf(t *testing.T, test func(t *testing.T, s *shelf)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := &shelf{settlement.New(db, clock.NewFixed(wednesday.Add(24*time.Hour)), nil, nil, nil), t, db}
		test(t, s)
	})
}

// account makes an account with an import.
func (s *shelf) account(shortName string) (accountID, runID int64) {
	s.t.Helper()
	a := businessaccount.Account{Name: shortName, ShortName: shortName, Type: businessaccount.Klarna, CreatedAt: wednesday, UpdatedAt: wednesday}
	r := settlement.ImportRun{Source: settlement.FromAPI, State: settlement.Done, CreatedAt: wednesday}
	err := s.db.InTx(s.t.Context(), func(tx *gorm.DB) error {
		if err := tx.Create(&a).Error; err != nil {
			return err
		}
		r.AccountID = a.ID
		return tx.Omit("NextPage", "Problem").Create(&r).Error
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return a.ID, r.ID
}

// put puts payouts on the shelf.
func (s *shelf) put(payouts ...settlement.Payout) {
	s.t.Helper()
	for i := range payouts {
		p := &payouts[i]
		p.Source, p.CreatedAt = settlement.FromAPI, wednesday
		if p.Reasons == nil {
			p.Reasons = []settlement.Reason{}
		}
	}
	if err := s.db.InTx(s.t.Context(), func(tx *gorm.DB) error { return tx.Create(&payouts).Error }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) found(f settlement.PayoutFilter) string {
	s.t.Helper()
	p, err := s.Payouts(s.t.Context(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	var references []string
	for _, p := range p.Payouts {
		references = append(references, p.PaymentReference)
	}
	return strings.Join(references, " ")
}

// some puts payouts of two accounts there.
func (s *shelf) some() (first, second int64) {
	first, run := s.account("first")
	second, run2 := s.account("second")
	total := func(minor int64) settlement.Totals { return settlement.Totals{Settlement: minor, Fee: 10} }
	s.put(
		settlement.Payout{AccountID: first, RunID: run, PaymentReference: "XISA93DJ", PayoutDate: wednesday, Currency: "EUR", Totals: total(123456), Complete: true},
		settlement.Payout{AccountID: first, RunID: run, PaymentReference: "20261028", PayoutDate: wednesday.Add(-week), Currency: "EUR", Totals: total(-5000),
			Complete: true, Unexplained: -3},
		settlement.Payout{AccountID: first, RunID: run, PaymentReference: "XISB", PayoutDate: wednesday.Add(-2 * week), Currency: "JPY", Totals: total(123456), Complete: true, Unexplained: 40},
		settlement.Payout{AccountID: second, RunID: run2, PaymentReference: "XISA93DJ", PayoutDate: wednesday, Currency: "SEK", Totals: total(77700)},
	)
	return first, second
}

func TestPayoutsFiltered(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		first, second := s.some()
		for name, tc := range map[string]struct {
			filter settlement.PayoutFilter
			want   string
		}{
			"all, the newest first": {settlement.PayoutFilter{}, "XISA93DJ XISA93DJ 20261028 XISB"},
			"an account":            {settlement.PayoutFilter{AccountID: second}, "XISA93DJ"},
			"another account":       {settlement.PayoutFilter{AccountID: first}, "XISA93DJ 20261028 XISB"},
			"a currency":            {settlement.PayoutFilter{Currency: "JPY"}, "XISB"},
			"from":                  {settlement.PayoutFilter{From: wednesday.Add(-week)}, "XISA93DJ XISA93DJ 20261028"},
			"until":                 {settlement.PayoutFilter{Until: wednesday.Add(-week)}, "XISB"},
			"explained":             {settlement.PayoutFilter{State: settlement.Explained}, "XISA93DJ"},
			"unexplained":           {settlement.PayoutFilter{State: settlement.Unexplained}, "20261028 XISB"},
			"incomplete":            {settlement.PayoutFilter{State: settlement.Incomplete}, "XISA93DJ"},
		} {
			if got := s.found(tc.filter); got != tc.want {
				t.Errorf("%s: %q, want %q", name, got, tc.want)
			}
		}
	})
}

func TestPayoutsByTheBanksLine(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		s.some()
		currencies, err := s.PayoutCurrencies(t.Context())
		if err != nil || !slices.Equal(currencies, []string{"EUR", "JPY", "SEK"}) {
			t.Fatalf("currencies %v (%v)", currencies, err)
		}
		for text, want := range map[string]string{
			"":                                    "XISA93DJ XISA93DJ 20261028 XISB",
			"XISA93DJ":                            "XISA93DJ XISA93DJ",
			"xis":                                 "XISA93DJ XISA93DJ XISB",
			"1.234,56":                            "XISA93DJ",
			"1 234,56 €":                          "XISA93DJ",
			"50,00":                               "20261028", // a negative one has no sign at the bank
			"-50,00":                              "20261028",
			"123456":                              "XISB", // yen have no decimals
			"777":                                 "XISA93DJ",
			"20261028":                            "20261028", // a reference of digits
			"Klarna Bank XISA93DJ 1.234,56 EUR":   "XISA93DJ",
			"Klarna Bank AB 1.234,56":             "",
			"XISB 1.234,56":                       "",
			"nobody":                              "",
			"a\x00b":                              "XISA93DJ XISA93DJ 20261028 XISB",
			"%":                                   "",
			strings.Repeat("nobody ", 30) + "XIS": "",
		} {
			if got := s.found(settlement.PayoutFilter{Bank: settlement.ReadBankLine(text, currencies, "de")}); got != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
	})
}

func TestPayoutsPageByPage(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		account, run := s.account("klarna")
		for n := range 7 { // two at the same moment
			s.put(settlement.Payout{AccountID: account, RunID: run, PaymentReference: fmt.Sprint("P", n), PayoutDate: wednesday.Add(time.Duration(n/2) * week), Currency: "EUR", Complete: true})
		}
		page := func(turn settlement.Turn) settlement.PayoutPage {
			turn.Limit = 3
			p, err := s.Payouts(t.Context(), settlement.PayoutFilter{Turn: turn})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		var seen []string
		p := page(settlement.Turn{})
		for {
			for _, p := range p.Payouts {
				seen = append(seen, p.PaymentReference)
			}
			if !p.HasOlder {
				break
			}
			last := p.Payouts[len(p.Payouts)-1]
			p = page(settlement.Turn{After: settlement.ParseCursor(settlement.NewCursor(last.PayoutDate, last.ID).String())})
			if !p.HasNewer {
				t.Error("a later page has nothing before it")
			}
		}
		if want := []string{"P6", "P5", "P4", "P3", "P2", "P1", "P0"}; !slices.Equal(seen, want) {
			t.Errorf("%v, want %v", seen, want)
		}
		p = page(settlement.Turn{Before: settlement.NewCursor(p.Payouts[0].PayoutDate, p.Payouts[0].ID)})
		if p.Payouts[0].PaymentReference != "P3" || !p.HasNewer || !p.HasOlder {
			t.Errorf("back: %+v", p)
		}
		p = page(settlement.Turn{Before: settlement.NewCursor(p.Payouts[0].PayoutDate, p.Payouts[0].ID)})
		if p.Payouts[0].PaymentReference != "P6" || p.HasNewer || !p.HasOlder {
			t.Errorf("back to the beginning: %+v", p)
		}
	})
}

func TestParseCursorOfNonsense(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "-", "1", "x-1", "1-x", "9223372036854775807-1", "-9223372036854775808-1", "1-2-3"} {
		if c := settlement.ParseCursor(text); c != (settlement.Cursor{}) {
			t.Errorf("%q is the place %v", text, c)
		}
	}
}

func TestPayoutSums(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		first, _ := s.some()
		got, err := s.PayoutSums(t.Context(), settlement.PayoutFilter{})
		want := []settlement.PayoutSum{{"EUR", 2, 118456, 1}, {"JPY", 1, 123456, 1}, {"SEK", 1, 77700, 1}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v (%v), want %v", got, err, want)
		}
		got, err = s.PayoutSums(t.Context(), settlement.PayoutFilter{AccountID: first, State: settlement.Explained})
		if want := []settlement.PayoutSum{{"EUR", 1, 123456, 0}}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%v (%v), want %v", got, err, want)
		}
	})
}

func TestPayoutsToExplain(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		s.some()
		payouts, n, err := s.PayoutsToExplain(t.Context(), settlement.Unexplained, 1)
		if err != nil || n != 2 || len(payouts) != 1 || payouts[0].PaymentReference != "XISB" {
			t.Errorf("unexplained: %v, %d (%v)", payouts, n, err)
		}
		payouts, n, err = s.PayoutsToExplain(t.Context(), settlement.Incomplete, 5)
		if err != nil || n != 1 || len(payouts) != 1 || payouts[0].Currency != "SEK" || payouts[0].State() != settlement.Incomplete {
			t.Errorf("incomplete: %v, %d (%v)", payouts, n, err)
		}
	})
}

func TestFindPayouts(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		s.some()
		payouts, err := s.FindPayouts(t.Context(), "XISA93DJ")
		if err != nil || len(payouts) != 2 || payouts[0].Totals.Settlement != 123456 || payouts[0].State() != settlement.Explained {
			t.Errorf("%+v (%v)", payouts, err)
		}
		if page, err := s.Payouts(t.Context(), settlement.PayoutFilter{Currency: "E\x00R"}); err != nil || len(page.Payouts) != 0 {
			t.Errorf("what no database holds: %+v, %v", page, err)
		}
		if _, err := s.FindPayouts(t.Context(), "XISA\x00"); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("what no database holds: %v", err)
		}
		if _, err := s.FindPayouts(t.Context(), "nobody"); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestPayoutWeeks(t *testing.T) {
	t.Parallel()
	onShelf(t, func(t *testing.T, s *shelf) {
		account, run := s.account("klarna")
		berlin := func(d int, m time.Month, hour int) time.Time { return time.Date(2026, m, d, hour, 0, 0, 0, time.UTC) }
		for n, p := range []settlement.Payout{
			{PayoutDate: berlin(4, 10, 21), Currency: "EUR", Totals: settlement.Totals{Settlement: 999}},            // Sunday: too old
			{PayoutDate: berlin(4, 10, 22), Currency: "EUR", Totals: settlement.Totals{Settlement: 100, Fee: 5}},    // Monday in Berlin, in summer
			{PayoutDate: berlin(31, 10, 12), Currency: "EUR", Totals: settlement.Totals{Settlement: 7, Fee: 3}},     // before the clocks change
			{PayoutDate: berlin(1, 11, 23), Currency: "EUR", Totals: settlement.Totals{Settlement: -20, Charge: 1}}, // Monday in Berlin, in winter
			{PayoutDate: wednesday, Currency: "EUR", Totals: settlement.Totals{Settlement: 70, Fee: 30, Tax: 6, FeeRefund: 10, FeeCorrection: 1}},
			{PayoutDate: wednesday, Currency: "SEK", Totals: settlement.Totals{Settlement: 1}},
		} {
			p.AccountID, p.RunID, p.PaymentReference = account, run, fmt.Sprint("P", n)
			s.put(p)
		}
		weeks, err := s.PayoutWeeks(t.Context(), 5)
		var got []string
		for _, w := range weeks {
			got = append(got, fmt.Sprintf("%s %s %d %d %d", w.Monday.Format("01-02"), w.Currency, w.Payouts, w.Settlement, w.Fees))
		}
		want := []string{"10-05 EUR 1 100 5", "10-12 EUR 0 0 0", "10-19 EUR 0 0 0", "10-26 EUR 1 7 3", "11-02 EUR 2 50 25",
			"10-05 SEK 0 0 0", "10-12 SEK 0 0 0", "10-19 SEK 0 0 0", "10-26 SEK 0 0 0", "11-02 SEK 1 1 0"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q (%v), want %q", got, err, want)
		}
	})
}

// Payouts are found by an index in their order, and those that have to be explained by one
// that has no others.
func TestPayoutPlans(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := &shelf{settlement.New(db, clock.NewFixed(wednesday), nil, nil, nil), t, db}
	s.some()
	list := func(f settlement.PayoutFilter) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.Payouts(ctx, f)
			return err
		}
	}
	toExplain := func(state settlement.PayoutState) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := s.PayoutsToExplain(ctx, state, 5)
			return err
		}
	}
	const byDate = "payouts USING INDEX payouts_payout_date"
	for name, tc := range map[string]struct {
		do     func(ctx context.Context) error
		want   string
		sorted bool
	}{
		"all":         {do: list(settlement.PayoutFilter{}), want: byDate},
		"older":       {do: list(settlement.PayoutFilter{Turn: settlement.Turn{After: settlement.NewCursor(wednesday, 3)}}), want: byDate},
		"newer":       {do: list(settlement.PayoutFilter{Turn: settlement.Turn{Before: settlement.NewCursor(wednesday, 3)}}), want: byDate},
		"days":        {do: list(settlement.PayoutFilter{From: wednesday, Until: wednesday}), want: byDate + " (payout_date>? AND payout_date<?)"},
		"unexplained": {do: toExplain(settlement.Unexplained), want: "payouts USING INDEX payouts_to_explain", sorted: true},
		"incomplete":  {do: toExplain(settlement.Incomplete), want: "payouts USING INDEX payouts_to_explain", sorted: true},
		"a reference": {do: list(settlement.PayoutFilter{Bank: settlement.ReadBankLine("XISA93DJ", nil, "de")}), want: "payouts USING INDEX payouts_payment_reference", sorted: true},
		"an amount":   {do: list(settlement.PayoutFilter{Bank: settlement.ReadBankLine("12,34", []string{"EUR"}, "de")}), want: "payouts USING INDEX payouts_settlement_amount", sorted: true},
		"by name": {do: func(ctx context.Context) error {
			_, err := s.FindPayouts(ctx, "XISA93DJ")
			return err
		}, want: "payouts USING INDEX payouts_payment_reference", sorted: true},
		"weeks": {do: func(ctx context.Context) error {
			_, err := s.PayoutWeeks(ctx, 8)
			return err
		}, want: byDate + " (payout_date>? AND payout_date<?)"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := s.plans(tc.do)
			if !strings.Contains(plan, tc.want) || strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") != tc.sorted {
				t.Errorf("want %q, sorted %t:\n%s", tc.want, tc.sorted, plan)
			}
		})
	}
}
