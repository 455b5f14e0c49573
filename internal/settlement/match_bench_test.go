package settlement_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// fill makes orders with the Klarna order ids klarnaID(1) and so on, each with a capture
// over 64.57.
func (l *ledger) fill(orders int) {
	l.t.Helper()
	const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
	l.exec(fmt.Sprintf(`INSERT INTO orders (number, klarna_order_id, status, placed_at, payment_method_id, currency, total, customer_name, billing_address, mark_paid, documents,
			auto_ship, tell_klarna, feedback, content_hash, created_at, updated_at)
		`+numbers+`SELECT printf('%%d', 200000 + i), printf('3f9a1c52-6a0e-4c0b-9d2e-%%012d', i), 'completed', '2026-01-01', 1, 'EUR', 6457, 'Max Muster', '{}', FALSE,
			'delivery_note', TRUE, TRUE, 'confirmed', '', '2026-01-01', '2026-01-01' FROM n`, orders))
	l.exec(`INSERT INTO delivery_notes (order_id, number, amount, whole, created_at) SELECT id, printf('%d', 300000 + id), total, TRUE, '2026-01-01' FROM orders`)
	l.exec(`INSERT INTO captures (delivery_note_id, order_id, payment_method_id, klarna_order_id, state, amount, capture_id, created_at, updated_at)
		SELECT n.id, n.order_id, o.payment_method_id, o.klarna_order_id, 'confirmed', n.amount, o.klarna_order_id, '2026-01-01', '2026-01-01'
		FROM delivery_notes n JOIN orders o ON o.id = n.order_id`)
}

// BenchmarkEnter puts pages of lines into the books that are matched with orders and pay
// captures out: a sale and a fee for each order.
func BenchmarkEnter(b *testing.B) {
	db := storetest.Open(b, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), store.Options{})
	l := newLedger(b, db)
	const orders = 50_000
	l.fill(orders)
	n := 0
	for b.Loop() {
		lines := make([]*settlement.StatementLine, 0, 500)
		for range 250 {
			n = n%orders + 1
			id := klarnaID(n)
			for _, t := range []klarna.TransactionType{klarna.TypeSale, klarna.TypeFee} {
				lines = append(lines, &settlement.StatementLine{AccountID: l.account, PayoutID: l.payout.ID, RunID: l.run.ID, PaymentReference: l.payout.PaymentReference,
					PayoutDate: l.payout.PayoutDate, Identity: fmt.Sprint(t, b.N, n, id), Type: t, Amount: 6457, Currency: "EUR", KlarnaOrderID: id, CaptureID: id})
			}
		}
		if err := db.InTx(b.Context(), func(tx *gorm.DB) error { return l.Enter(tx, l.run, l.payout, lines) }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(500*b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkMatchAgain looks for orders for a million lines that have none, and finds none.
func BenchmarkMatchAgain(b *testing.B) {
	db := storetest.Open(b, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), store.Options{})
	l := newLedger(b, db)
	l.fill(50_000)
	l.exec(`INSERT INTO statement_lines (account_id, payout_id, run_id, payment_reference, payout_date, identity, ordinal, type, raw_amount, amount, currency,
			klarna_order_id, short_order_id, merchant_reference1, match_state)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
		SELECT 1, 1, 1, 'X', '2026-01-01 00:00:00+00:00', lower(hex(randomblob(16))), 0, 'SALE', 1, 1, 'EUR', lower(hex(randomblob(16))), printf('K%d', i), printf('S%d', i), 'unmatched' FROM n`)
	for b.Loop() {
		if n, err := l.MatchAgain(b.Context()); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}
