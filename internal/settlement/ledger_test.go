package settlement_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// today is when the tests of matching take place.
var today = wednesday.Add(30 * time.Hour)

// ledger is a shelf with orders, captures and an import that puts lines into payouts.
type ledger struct {
	*shelf
	clock   *clock.Clock
	account int64
	run     *settlement.ImportRun
	payout  *settlement.Payout
	made    int
}

func onLedger(t *testing.T, test func(t *testing.T, l *ledger)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newLedger(t, db)) })
}

func newLedger(t testing.TB, db *store.DB) *ledger {
	t.Helper()
	clk := clock.NewFixed(today)
	l := &ledger{shelf: &shelf{settlement.New(db, clk, work.NewBell(), audit.New(db), nil), t, db}, clock: clk}
	l.insert(&[]paymentmethod.Method{
		{Type: "klarna", Module: paymentmethod.ModuleKlarna, BehavesLike: paymentmethod.Invoice, CreatedAt: wednesday, UpdatedAt: wednesday},
		{Type: "klarna_2", Module: paymentmethod.ModuleKlarna, BehavesLike: paymentmethod.Invoice, CreatedAt: wednesday, UpdatedAt: wednesday},
	})
	l.account, _ = l.shelf.account("klarna")
	l.begin()
	return l
}

func (l *ledger) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *ledger) tx(do func(tx *gorm.DB) error) {
	l.t.Helper()
	l.must(l.db.InTx(l.t.Context(), do))
}

// begin begins an import with the same payout as always, in which lines then are.
func (l *ledger) begin() {
	l.t.Helper()
	l.beginWith("XISA93DJ")
}

func (l *ledger) beginWith(reference string) {
	l.t.Helper()
	l.run = &settlement.ImportRun{AccountID: l.account, Source: settlement.FromAPI, State: settlement.Done, CreatedAt: today}
	l.tx(func(tx *gorm.DB) error { return tx.Create(l.run).Error })
	l.payout = l.another(reference, "EUR")
}

// another makes a payout of the import.
func (l *ledger) another(reference, currency string) *settlement.Payout {
	l.t.Helper()
	p := []settlement.Payout{{AccountID: l.account, RunID: l.run.ID, PaymentReference: reference, PayoutDate: wednesday, Currency: currency}}
	l.put(p...)
	var stored settlement.Payout
	l.must(l.db.Read(l.t.Context()).Where("payment_reference = ?", reference).Take(&stored).Error)
	l.tx(func(tx *gorm.DB) error {
		return tx.Create(&settlement.RunPayout{RunID: l.run.ID, PaymentReference: reference, State: settlement.PayoutNew, PayoutID: &stored.ID}).Error
	})
	return &stored
}

// klarnaID is a Klarna order id.
func klarnaID(n int) string { return fmt.Sprintf("3f9a1c52-6a0e-4c0b-9d2e-%012d", n) }

// order makes a released order over 64.57 with the number 200001 and so on.
func (l *ledger) order(change ...func(o *order.Order)) *order.Order {
	l.t.Helper()
	l.made++
	o := &order.Order{Number: fmt.Sprint(200000 + l.made), KlarnaOrderID: klarnaID(l.made), Status: order.Released, PlacedAt: wednesday, PaymentMethodID: 1, Currency: "EUR", Total: 6457,
		BehavesLike: paymentmethod.Invoice, Feedback: order.FeedbackWaiting, CustomerName: "Max Muster", CreatedAt: today, UpdatedAt: today}
	for _, c := range change {
		c(o)
	}
	l.tx(func(tx *gorm.DB) error {
		if err := tx.Omit("PaymentMethod", "Lines", "Notes").Create(o).Error; err != nil {
			return err
		}
		return tx.Create(&[]order.Line{{OrderID: o.ID, Position: 1, Name: "Teekanne", Type: order.Physical, Total: o.Total, Amount: o.Total},
			{OrderID: o.ID, Position: 2, Name: "Versand", Type: order.ShippingFee}}).Error
	})
	return o
}

// prepaid makes an order that waits for its money.
func (l *ledger) prepaid(change ...func(o *order.Order)) *order.Order {
	l.t.Helper()
	return l.order(append([]func(o *order.Order){func(o *order.Order) {
		o.BehavesLike, o.Status = paymentmethod.Prepayment, order.Draft
	}}, change...)...)
}

// note makes a delivery note.
func (l *ledger) note(o *order.Order, shipped bool) *order.DeliveryNote {
	l.t.Helper()
	l.made++
	n := &order.DeliveryNote{OrderID: o.ID, Number: fmt.Sprint(300000 + l.made), Amount: o.Total, CreatedAt: today}
	if shipped {
		n.ShippedAt = &n.CreatedAt
	}
	l.tx(func(tx *gorm.DB) error { return tx.Omit("Lines", "Parcels").Create(n).Error })
	return n
}

// capture makes a capture over the whole of an order, confirmed just now.
func (l *ledger) capture(o *order.Order, change ...func(c *capture.Capture)) *capture.Capture {
	l.t.Helper()
	n := l.note(o, true)
	now := l.clock.Now()
	c := &capture.Capture{DeliveryNoteID: n.ID, OrderID: o.ID, PaymentMethodID: o.PaymentMethodID, KlarnaOrderID: o.KlarnaOrderID, State: capture.Confirmed, Amount: o.Total,
		CaptureID: klarnaID(900000 + l.made), CapturedAt: &now, CreatedAt: now}
	c.UpdatedAt = now
	for _, ch := range change {
		ch(c)
	}
	l.tx(func(tx *gorm.DB) error { return tx.Create(c).Error })
	return c
}

// paying makes a line with which Klarna pays for an order, known by its id there.
func paying(o *order.Order, change ...func(l *settlement.StatementLine)) *settlement.StatementLine {
	line := &settlement.StatementLine{Type: klarna.TypeSale, Amount: o.Total, RawAmount: o.Total, KlarnaOrderID: o.KlarnaOrderID}
	for _, c := range change {
		c(line)
	}
	return line
}

// costing makes a line that names nothing.
func costing(change func(l *settlement.StatementLine)) *settlement.StatementLine {
	line := &settlement.StatementLine{Type: klarna.TypeFee, Amount: -350, RawAmount: 350}
	change(line)
	return line
}

// enter imports lines into a payout.
func (l *ledger) enterInto(p *settlement.Payout, lines ...*settlement.StatementLine) {
	l.t.Helper()
	for i, line := range lines {
		line.AccountID, line.PayoutID, line.RunID, line.PaymentReference, line.PayoutDate = p.AccountID, p.ID, l.run.ID, p.PaymentReference, p.PayoutDate
		if line.Currency == "" {
			line.Currency = p.Currency
		}
		if line.Identity == "" {
			line.Identity = fmt.Sprint(line.Type, line.Amount, line.KlarnaOrderID, line.MerchantReference1, line.MerchantReference2, line.ShortOrderID,
				line.MerchantCaptureReference, line.CaptureID)
			line.Ordinal = i
		}
	}
	l.tx(func(tx *gorm.DB) error { return l.Enter(tx, l.run, p, lines) })
	l.conclude()
}

// conclude counts what is matched, as an import does when a payout is complete.
func (l *ledger) conclude() {
	l.t.Helper()
	l.exec("UPDATE payouts SET matched = (SELECT count(*) FROM statement_lines l WHERE l.payout_id = payouts.id AND l.match_state IN ('matched', 'by_hand'))")
}

// enter imports lines and returns the first as it is then.
func (l *ledger) enter(lines ...*settlement.StatementLine) *settlement.StatementLine {
	l.t.Helper()
	l.enterInto(l.payout, lines...)
	l.balanced()
	return l.line(lines[0].ID)
}

func (l *ledger) line(id int64) *settlement.StatementLine {
	l.t.Helper()
	line, err := l.FindLine(l.t.Context(), id)
	l.must(err)
	return &line.StatementLine
}

func (l *ledger) now(o *order.Order) *order.Order {
	l.t.Helper()
	return l.nowIn(l.db.Read(l.t.Context()), o)
}

func (l *ledger) nowIn(tx *gorm.DB, o *order.Order) *order.Order {
	l.t.Helper()
	var stored order.Order
	l.must(tx.Take(&stored, o.ID).Error)
	return &stored
}

// undo undoes an import and clears away what it had brought.
func (l *ledger) undo() {
	l.t.Helper()
	l.must(l.Undo(l.t.Context(), l.run.ID, "bookkeeper"))
	l.clear()
}

func (l *ledger) clear() {
	l.t.Helper()
	c, err := work.Take(l.t.Context(), l.db, l.clock, l.Queue(), l.run.ID)
	l.must(err)
	l.must(l.Queue().Do(l.t.Context(), c))
	l.balanced()
}

// paidBy returns the line with which a capture was paid out, 0 for none.
func (l *ledger) paidBy(c *capture.Capture) int64 {
	l.t.Helper()
	var stored capture.Capture
	l.must(l.db.Read(l.t.Context()).Take(&stored, c.ID).Error)
	if stored.PaidOutLineID == nil {
		return 0
	}
	return *stored.PaidOutLineID
}

// kinds are the protocol of an order in short, the oldest entry first.
func (l *ledger) kinds(o *order.Order) []string {
	l.t.Helper()
	kinds := []string{}
	l.must(l.db.Read(l.t.Context()).Model(&order.ProtocolEntry{}).Where("order_id = ?", o.ID).Order("id").Pluck("kind", &kinds).Error)
	return kinds
}

// balanced fails unless everything that is kept of lines beside them is as the lines say.
func (l *ledger) balanced() {
	l.t.Helper()
	for name, query := range map[string]string{
		"sums of payouts": `SELECT count(*) FROM (SELECT l.payout_id, l.type, l.match_state, count(*) AS lines, sum(l.amount) AS amount, sum(l.raw_amount) AS raw_amount
				FROM statement_lines l JOIN payouts p ON p.id = l.payout_id WHERE NOT l.surplus GROUP BY l.payout_id, l.type, l.match_state) a
			FULL JOIN payout_sums s ON s.payout_id = a.payout_id AND s.type = a.type AND s.match_state = a.match_state
			WHERE s.lines IS DISTINCT FROM a.lines OR s.amount IS DISTINCT FROM a.amount OR s.raw_amount IS DISTINCT FROM a.raw_amount`,
		"sums of accounts": `SELECT count(*) FROM (SELECT p.account_id, p.currency, s.type, s.match_state, sum(s.lines) AS lines, sum(s.amount) AS amount
				FROM payout_sums s JOIN payouts p ON p.id = s.payout_id GROUP BY p.account_id, p.currency, s.type, s.match_state) a
			FULL JOIN (SELECT * FROM line_sums WHERE lines > 0) s ON s.account_id = a.account_id AND s.currency = a.currency AND s.type = a.type
				AND s.match_state = a.match_state
			WHERE s.lines IS DISTINCT FROM a.lines OR s.amount IS DISTINCT FROM a.amount`,
		"matched lines": `SELECT count(*) FROM payouts p WHERE p.matched <>
			(SELECT count(*) FROM statement_lines l WHERE l.payout_id = p.id AND l.match_state IN ('matched', 'by_hand') AND NOT l.surplus)`,
		"orders of lines":      `SELECT count(*) FROM statement_lines l WHERE (l.order_id IS NOT NULL) <> (l.match_state IN ('matched', 'by_hand'))`,
		"proposals of lines":   `SELECT count(*) FROM statement_lines l WHERE (EXISTS (SELECT 1 FROM match_proposals m WHERE m.line_id = l.id)) <> (l.match_state = 'proposed')`,
		"proposals of no line": `SELECT count(*) FROM match_proposals m WHERE NOT EXISTS (SELECT 1 FROM statement_lines l WHERE l.id = m.line_id)`,
		"proposals that were rejected": `SELECT count(*) FROM match_proposals m JOIN statement_lines l ON l.id = m.line_id JOIN match_rejections r ON r.account_id = l.account_id
			AND r.identity = l.identity AND r.ordinal = l.ordinal AND r.order_id = m.order_id`,
		"captures paid out": `SELECT count(*) FROM captures c WHERE c.paid_out_line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM statement_lines l
			JOIN payouts p ON p.id = l.payout_id WHERE l.id = c.paid_out_line_id AND l.order_id = c.order_id AND l.type = 'SALE')`,
		"payments": `SELECT count(*) FROM orders o WHERE (o.paid_by = 'by_payout') <> EXISTS (SELECT 1 FROM statement_lines l
			JOIN payouts p ON p.id = l.payout_id WHERE l.order_id = o.id AND l.booked_payment)`,
		"sums of what is owed": `SELECT count(*) FROM (SELECT o.currency, c.payment_method_id, c.state, count(*) AS captures, sum(c.amount) AS amount
				FROM captures c JOIN orders o ON o.id = c.order_id WHERE c.owed_since IS NOT NULL GROUP BY o.currency, c.payment_method_id, c.state) a
			FULL JOIN (SELECT currency, payment_method_id, state, sum(captures) AS captures, sum(amount) AS amount FROM owed_sums
				WHERE captures > 0 GROUP BY currency, payment_method_id, state) s
				ON s.currency = a.currency AND s.payment_method_id = a.payment_method_id AND s.state = a.state
			WHERE s.captures IS DISTINCT FROM a.captures OR s.amount IS DISTINCT FROM a.amount`,
	} {
		var wrong int
		l.must(l.db.Read(l.t.Context()).Raw(query).Scan(&wrong).Error)
		if wrong != 0 {
			l.t.Errorf("%s: %d are wrong", name, wrong)
		}
	}
}

func wants(l *ledger, what string, got, want []string) {
	l.t.Helper()
	if !slices.Equal(got, want) {
		l.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// wipe makes the ledger an empty one: a database for each case of a table would cost more
// than the cases.
func (l *ledger) wipe() {
	l.t.Helper()
	for _, table := range []string{"match_rejections", "match_proposals", "payout_sums", "statement_lines", "captures", "owed_sums",
		"delivery_notes", "order_lines", "protocol_entries", "orders", "payouts", "run_payouts", "import_runs"} {
		l.exec("DELETE FROM " + table)
	}
	l.made = 0
	l.begin()
}

// onEmpty runs one case of a table on the ledger, which is empty then.
func (l *ledger) onEmpty(t *testing.T, name string, test func(t *testing.T, l *ledger)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		l.t = t
		l.wipe()
		test(t, l)
	})
	l.t = t
}

// count returns how many statements do makes.
func (l *ledger) count(do func()) (n int) {
	l.t.Helper()
	callbacks := l.db.Read(l.t.Context()).Callback()
	one := func(*gorm.DB) { n++ }
	for _, register := range []func(name string, fn func(*gorm.DB)) error{
		callbacks.Query().After("gorm:query").Register, callbacks.Row().After("gorm:row").Register, callbacks.Raw().After("gorm:raw").Register,
		callbacks.Create().After("gorm:create").Register, callbacks.Update().After("gorm:update").Register,
	} {
		l.must(register("test:count", one))
	}
	do()
	return n
}
