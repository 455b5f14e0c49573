package settlement_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// pile is a database with many lines in payouts of linesEach: three of four with the type
// SALE or FEE, one of a hundred not matched, one of a thousand by hand.
func pile(b *testing.B, lines, linesEach int) *settlement.Service {
	b.Helper()
	db := storetest.Open(b, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), store.Options{})
	for _, statement := range []string{
		`INSERT INTO business_accounts (name, short_name, type, region, environment, active, fetch_automatically, created_at, updated_at)
			VALUES ('Klarna', 'klarna', 'klarna', 'eu', 'live', TRUE, FALSE, '2026-01-01', '2026-01-01')`,
		`INSERT INTO import_runs (account_id, source, state, created_at) VALUES (1, 'api', 'done', '2026-01-01')`,
		fmt.Sprintf(`INSERT INTO payouts (account_id, run_id, source, payment_reference, payout_date, currency, settlement_amount, complete, created_at)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT 1, 1, 'api', printf('XREF%%07d', i), strftime('%%Y-%%m-%%d 06:00:00+00:00', '2000-01-01', '+' || (i / 2) || ' days'),
				CASE WHEN i %% 100 = 7 THEN 'CHF' ELSE 'EUR' END, 100000 + i, TRUE, '2026-01-01' FROM n`, lines/linesEach),
		fmt.Sprintf(`INSERT INTO statement_lines (account_id, payout_id, run_id, payment_reference, payout_date, identity, ordinal, type, raw_amount, amount,
				currency, klarna_order_id, short_order_id, merchant_reference1, merchant_reference2, match_state)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT 1, p.id, 1, p.payment_reference, p.payout_date, lower(hex(randomblob(16))), 0,
				CASE WHEN i %% 1009 = 0 THEN 'CHARGE' ELSE CASE i %% 8 WHEN 0 THEN 'RETURN' WHEN 1 THEN 'TAX' WHEN 2 THEN 'FEE' WHEN 3 THEN 'FEE' WHEN 4 THEN 'FEE' ELSE 'SALE' END END,
				i %% 5003, i %% 5003, p.currency, lower(hex(randomblob(16))), printf('K%%07d', i), printf('%%d', 200000 + i), 'shop',
				CASE WHEN i %% 100 = 3 THEN CASE WHEN i %% 200 = 3 THEN 'unmatched' ELSE 'proposed' END WHEN i %% 1000 = 5 THEN 'by_hand' WHEN i %% 8 = 1 THEN 'no_order' ELSE 'matched' END
			FROM n JOIN payouts p ON p.id = 1 + (i - 1) / %d`, lines, linesEach),
		`INSERT INTO payout_sums (payout_id, type, match_state, lines, amount, raw_amount)
			SELECT payout_id, type, match_state, count(*), sum(amount), sum(raw_amount) FROM statement_lines GROUP BY payout_id, type, match_state`,
		`UPDATE payouts SET (lines, lines_amount) = (SELECT sum(lines), sum(amount) FROM payout_sums WHERE payout_id = payouts.id)`,
	} {
		if _, err := db.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	return settlement.New(db, clock.NewFixed(wednesday), nil, nil, nil)
}

// The first page, with its sums, takes the same however many lines there are, and whatever
// is asked for.
func BenchmarkLines(b *testing.B) {
	amount := int64(2501)
	filters := []struct {
		name   string
		filter settlement.LineFilter
	}{
		{"all", settlement.LineFilter{}},
		{"account", settlement.LineFilter{AccountID: 1}},
		{"sales", settlement.LineFilter{AccountID: 1, Type: klarna.TypeSale}},
		{"charges", settlement.LineFilter{AccountID: 1, Type: klarna.TypeCharge}},
		{"no such type", settlement.LineFilter{AccountID: 1, Type: "NEW_ONE"}},
		{"charges by hand", settlement.LineFilter{AccountID: 1, Type: klarna.TypeCharge, Match: []settlement.MatchState{settlement.ByHand}}},
		{"to do", settlement.LineFilter{AccountID: 1, Match: []settlement.MatchState{settlement.Unmatched, settlement.Proposed}}},
		{"currency", settlement.LineFilter{AccountID: 1, Currency: "CHF"}},
		{"days", settlement.LineFilter{AccountID: 1, From: wednesday.AddDate(-26, 0, -300), Until: wednesday.AddDate(-26, 0, -290)}},
		{"amount", settlement.LineFilter{AccountID: 1, Amount: &amount}},
		{"payout", settlement.LineFilter{AccountID: 1, Query: "XREF0000005 1.000,05", Language: "de"}},
		{"reference", settlement.LineFilter{AccountID: 1, Query: "XREF0000005"}},
		{"order", settlement.LineFilter{AccountID: 1, Query: "205000"}},
		{"short id", settlement.LineFilter{AccountID: 1, Query: "K0005000"}},
		{"what all have", settlement.LineFilter{AccountID: 1, Query: "shop"}},
		{"nothing", settlement.LineFilter{AccountID: 1, Query: "nothing"}},
	}
	for _, m := range settlement.MatchStates() {
		filters = append(filters, struct {
			name   string
			filter settlement.LineFilter
		}{string(m), settlement.LineFilter{AccountID: 1, Match: []settlement.MatchState{m}}})
	}
	for _, size := range []struct{ lines, each int }{{10_000, 1000}, {1_000_000, 1000}, {1_000_000, 100}, {1_000_000, 1_000_000}} {
		b.Run(fmt.Sprintf("%d in payouts of %d", size.lines, size.each), func(b *testing.B) {
			s := pile(b, size.lines, size.each)
			for _, f := range filters {
				b.Run(f.name, func(b *testing.B) {
					for b.Loop() {
						if _, err := s.Lines(b.Context(), f.filter); err != nil {
							b.Fatal(err)
						}
						if _, _, err := s.LineSums(b.Context(), f.filter); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
