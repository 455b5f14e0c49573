package settlement_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// BenchmarkNotPaidOut is the first page of what is captured but not paid out, with its
// sums: however much is owed, it takes the same.
func BenchmarkNotPaidOut(b *testing.B) {
	for _, captures := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(captures), func(b *testing.B) {
			s := owing(b, captures)
			for _, f := range []struct {
				name   string
				filter settlement.OwedFilter
			}{
				{"all", settlement.OwedFilter{}},
				{"late", settlement.OwedFilter{Age: settlement.AgeLate}},
				{"refused", settlement.OwedFilter{Known: settlement.KnownRefused}},
				{"a rare method", settlement.OwedFilter{PaymentMethodID: 2}},
			} {
				b.Run(f.name, func(b *testing.B) {
					for b.Loop() {
						if _, err := s.NotPaidOut(b.Context(), f.filter); err != nil {
							b.Fatal(err)
						}
						if _, err := s.NotPaidOutSums(b.Context(), f.filter); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// owing is a database in which so many captures are not paid out, of the last 90 days.
func owing(b *testing.B, captures int) *settlement.Service {
	b.Helper()
	db := storetest.Open(b, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), store.Options{})
	const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
	for _, statement := range []string{
		`INSERT INTO payment_methods (name, type, module, connection, active, mark_paid, documents, behaves_like, created_at, updated_at)
			SELECT v.column1, v.column1, 'klarna', 'api', TRUE, TRUE, 'delivery_note', 'invoice', '2026-01-01', '2026-01-01' FROM (VALUES ('klarna'), ('klarna_2')) AS v`,
		fmt.Sprintf(`INSERT INTO orders (number, status, placed_at, payment_method_id, currency, total, customer_name, billing_address, mark_paid, documents, auto_ship,
				tell_klarna, feedback, content_hash, created_at, updated_at)
			`+numbers+`SELECT printf('%%d', 200000 + i), 'completed', '2026-01-01', 1 + (i %% 1009 = 0), CASE WHEN i %% 977 = 0 THEN 'SEK' ELSE 'EUR' END, 6457, 'Max Muster', '{}', FALSE,
				'delivery_note', TRUE, TRUE, 'confirmed', '', '2026-01-01', '2026-01-01' FROM n`, captures),
		`INSERT INTO delivery_notes (order_id, number, amount, whole, created_at) SELECT id, printf('%d', 300000 + id), total, TRUE, '2026-01-01' FROM orders`,
		fmt.Sprintf(`INSERT INTO captures (delivery_note_id, order_id, payment_method_id, klarna_order_id, state, amount, created_at, updated_at)
			SELECT n.id, n.order_id, o.payment_method_id, '', CASE WHEN o.id %% 1013 = 0 THEN 'refused' ELSE 'confirmed' END, n.amount,
				strftime('%%Y-%%m-%%d %%H:%%M:%%S+00:00', '%s', '-' || (o.id * 7 %% (90 * 24)) || ' hours'), '2026-01-01'
			FROM delivery_notes n JOIN orders o ON o.id = n.order_id`, today.Format("2006-01-02 15:04:05")),
	} {
		if _, err := db.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	return settlement.New(db, clock.NewFixed(today), nil, nil, nil)
}
