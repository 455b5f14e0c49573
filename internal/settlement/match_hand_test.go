package settlement_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
)

func (l *ledger) refuses(what string, err error, code fault.Code, key string) {
	l.t.Helper()
	var f *fault.Error
	if fault.CodeOf(err) != code || !errors.As(err, &f) {
		l.t.Errorf("%s: %v, want %s", what, err, code)
		return
	}
	if f.Key != key && !slices.ContainsFunc(f.Fields, func(field fault.Field) bool { return field.Name == "order" && field.Key == key }) {
		l.t.Errorf("%s: %v, want %s", what, err, key)
	}
}

// has fails unless a line has a match state and belongs to an order, or none.
func (l *ledger) has(line *settlement.StatementLine, state settlement.MatchState, o *order.Order) {
	l.t.Helper()
	now := l.line(line.ID)
	if now.MatchState != state || (now.OrderID != nil) != (o != nil) || o != nil && *now.OrderID != o.ID {
		l.t.Errorf("the line is %s, of order %v; want %s of %+v", now.MatchState, now.OrderID, state, o)
	}
	l.balanced()
}

// proposes fails unless these orders are proposed for a line.
func (l *ledger) proposes(line *settlement.StatementLine, want ...*order.Order) {
	l.t.Helper()
	of, err := l.Proposals(l.t.Context(), line.ID)
	l.must(err)
	var got, numbers []string
	for _, p := range of[line.ID] {
		got = append(got, p.OrderNumber)
	}
	for _, o := range want {
		numbers = append(numbers, o.Number)
	}
	wants(l, "proposals", got, numbers)
}

func TestMatchByHand(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		ctx := t.Context()
		o, other := l.prepaid(), l.order()
		c := l.capture(o)
		l.exec("UPDATE delivery_notes SET shipped_at = NULL")
		line := l.enter(paying(o, func(line *settlement.StatementLine) { line.KlarnaOrderID = klarnaID(999) }))
		l.has(line, settlement.Unmatched, nil)

		l.refuses("no order", l.Match(ctx, line.ID, " ", "bookkeeper"), fault.Invalid, "error.required")
		l.refuses("no such order", l.Match(ctx, line.ID, "\x00", "bookkeeper"), fault.Invalid, "matching.error.no_such_order")
		l.refuses("no such line", l.Match(ctx, 1<<40, o.Number, "bookkeeper"), fault.NotFound, "incoming.error.line_not_found")
		l.refuses("no match to undo", l.Unmatch(ctx, line.ID, "bookkeeper"), fault.Conflict, "matching.error.not_matched")
		l.refuses("no proposal", l.Reject(ctx, line.ID, o.ID, "bookkeeper"), fault.Conflict, "matching.error.not_proposed")

		l.must(l.Match(ctx, line.ID, " "+o.Number, "bookkeeper"))
		l.has(line, settlement.ByHand, o)
		if now := l.line(line.ID); now.MatchRule != settlement.RuleByHand || now.MatchedBy != "bookkeeper" || !now.MatchedAt.Equal(today) {
			t.Errorf("matched by %q of %q at %v", now.MatchRule, now.MatchedBy, now.MatchedAt)
		}
		l.paid(o, order.PaidByPayout, order.Released)
		if l.paidBy(c) != line.ID {
			t.Error("the capture is not paid out")
		}
		l.refuses("matched", l.Match(ctx, line.ID, other.Number, "bookkeeper"), fault.Conflict, "matching.error.matched")
		of, err := l.OfOrder(ctx, o.ID)
		if err != nil || len(of) != 1 || of[0].ID != line.ID {
			t.Errorf("lines of the order: %+v (%v)", of, err)
		}

		l.must(l.Unmatch(ctx, line.ID, "bookkeeper"))
		l.has(line, settlement.Unmatched, nil)
		l.paid(o, "", order.Released) // its delivery note is there
		if l.paidBy(c) != 0 {
			t.Error("the capture is paid out")
		}
		wants(l, "protocol", l.kinds(o), []string{"payment_booked_by_payout", "order_released", "statement_line_matched",
			"statement_line_unmatched", "payment_undone_by_payout"})
		l.must(l.Match(ctx, line.ID, other.Number, "bookkeeper"))
		l.has(line, settlement.ByHand, other)
	})
}

// Several orders: a person rejects some and chooses one, which may have another currency.
func TestChooseAmongProposals(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		ctx := t.Context()
		named := func(o *order.Order) { o.ExternalNumber = "S" }
		a, b, c := l.order(named), l.order(named), l.order(named, func(o *order.Order) { o.Currency = "SEK" })
		line := l.enter(paying(a, func(line *settlement.StatementLine) { line.KlarnaOrderID, line.MerchantReference1 = "", "S" }))
		l.has(line, settlement.Proposed, nil)
		l.proposes(line, a, b, c)
		l.must(l.Reject(ctx, line.ID, a.ID, "bookkeeper"))
		l.must(l.Reject(ctx, line.ID, b.ID, "bookkeeper"))
		l.has(line, settlement.Proposed, nil)
		l.proposes(line, c)
		l.refuses("rejected before", l.Reject(ctx, line.ID, a.ID, "bookkeeper"), fault.Conflict, "matching.error.not_proposed")
		inSEK := l.capture(c)
		l.must(l.Match(ctx, line.ID, c.Number, "bookkeeper"))
		l.has(line, settlement.ByHand, c)
		if l.paidBy(inSEK) != 0 {
			t.Error("euros pay a capture in crowns")
		}
		l.must(l.Unmatch(ctx, line.ID, "bookkeeper"))
		l.has(line, settlement.Unmatched, nil) // all three were rejected
		l.must(l.Match(ctx, line.ID, a.Number, "bookkeeper"))
		l.must(l.Unmatch(ctx, line.ID, "bookkeeper"))
		l.proposes(line)
	})
}

// A match that a rule made and a person undid is not made again: not by hand of the tick,
// and not when the import is undone and comes again. Nor is another match made without
// asking.
func TestRejectionsOutliveTheImport(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		ctx := t.Context()
		o := l.order()
		other := l.order(func(other *order.Order) { other.ExternalNumber = "S" })
		enter := func() *settlement.StatementLine {
			return l.enter(paying(o, func(line *settlement.StatementLine) { line.MerchantReference1 = "S" }))
		}
		line := enter()
		l.has(line, settlement.Matched, o)
		l.must(l.Unmatch(ctx, line.ID, "bookkeeper"))
		l.has(line, settlement.Proposed, nil)
		l.proposes(line, other)
		again := func() {
			t.Helper()
			if n, err := l.MatchAgain(ctx); n != 0 || err != nil {
				t.Errorf("matched %d again (%v)", n, err)
			}
		}
		again()
		l.undo()
		l.begin()
		line = enter()
		l.has(line, settlement.Proposed, nil)
		l.proposes(line, other)
		again()
		equals := l.enter(paying(o, func(line *settlement.StatementLine) {
			line.MerchantReference1, line.Ordinal = "S", 1
			line.Identity = "second"
		}))
		l.has(equals, settlement.Matched, o) // a no is about one line
		l.must(l.Match(ctx, line.ID, o.Number, "bookkeeper"))
		l.undo()
		l.begin()
		l.has(enter(), settlement.Matched, o) // who said yes has taken the no back
	})
}

// Lines of an import that was undone are nobody's business, even before they are cleared
// away: and the captures they had paid for are free for the next import.
func TestLinesThatWereUndone(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		ctx := t.Context()
		o := l.order()
		c := l.capture(o)
		line := l.enter(paying(o))
		run := l.run
		l.must(l.Undo(ctx, run.ID, "bookkeeper"))
		for name, err := range map[string]error{"match": l.Match(ctx, line.ID, o.Number, "bookkeeper"), "unmatch": l.Unmatch(ctx, line.ID, "bookkeeper"),
			"reject": l.Reject(ctx, line.ID, o.ID, "bookkeeper")} {
			l.refuses(name, err, fault.NotFound, "incoming.error.line_not_found")
		}
		if of, err := l.OfOrder(ctx, o.ID); err != nil || len(of) != 0 {
			t.Errorf("lines of the order: %+v (%v)", of, err)
		}
		l.begin()
		second := l.enter(paying(o))
		if l.paidBy(c) != second.ID {
			t.Error("the capture is not paid out with the line that came again")
		}
		newer := l.run
		l.run = run
		l.clear()
		l.run = newer
		if l.paidBy(c) != second.ID {
			t.Error("clearing the old lines away has freed the capture")
		}
	})
}

// Orders that are made, or get their names at Klarna, after the import.
func TestMatchAgain(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		ctx := t.Context()
		var lines []*settlement.StatementLine
		for i := range 1100 { // more than two pages
			lines = append(lines, paying(&order.Order{Total: 6457, KlarnaOrderID: klarnaID(i + 1)}, func(line *settlement.StatementLine) { line.MerchantReference1 = fmt.Sprint("S", i) }))
		}
		l.enter(lines...)
		tick := l.MatchTick()
		again := func(want int) {
			t.Helper()
			var before, after int64
			count := func() (n int64) {
				l.must(l.db.Read(ctx).Raw("SELECT count(*) FROM statement_lines WHERE match_state = 'matched'").Scan(&n).Error)
				return n
			}
			before = count()
			l.must(tick.Do(ctx))
			if after = count(); after-before != int64(want) {
				t.Errorf("%d matched, want %d", after-before, want)
			}
			l.balanced()
		}
		again(0)
		o := l.prepaid(func(o *order.Order) { o.KlarnaOrderID = lines[1050].KlarnaOrderID })
		silent := l.count(func() { again(0) }) // nothing was told of any order
		l.told(o)
		again(1)
		l.has(lines[1050], settlement.Matched, o)
		l.paid(o, order.PaidByPayout, order.Released)
		if after := l.count(func() { again(0) }); after <= silent {
			t.Error("the payment's protocol is news")
		}
		if after := l.count(func() { again(0) }); after != silent {
			t.Errorf("%d statements when there is no news, %d before", after, silent)
		}
		a := l.order(func(o *order.Order) { o.KlarnaOrderID, o.ExternalNumber = "", "S7" })
		b := l.order(func(o *order.Order) { o.KlarnaOrderID, o.ExternalNumber = "", "S7" })
		l.told(a)
		again(0)
		l.has(lines[7], settlement.Proposed, nil)
		l.proposes(lines[7], a, b)
		l.exec("UPDATE orders SET klarna_order_id = ? WHERE id = ?", lines[7].KlarnaOrderID, b.ID)
		l.told(b)
		again(1)
		l.has(lines[7], settlement.Matched, b)

		c := l.capture(b) // made after its money came
		again(0)
		l.told(b)
		again(0)
		if l.paidBy(c) != lines[7].ID {
			t.Error("the capture that came later is not paid out")
		}
		var left int
		l.must(l.db.Read(ctx).Raw("SELECT count(*) FROM owed_sums").Scan(&left).Error)
		if left != 0 {
			t.Errorf("%d sums of nothing", left)
		}
	})
}

// told adds something to the protocol of an order.
func (l *ledger) told(o *order.Order) {
	l.t.Helper()
	l.insert(&[]order.ProtocolEntry{{OrderID: o.ID, At: today, Actor: "shop", Kind: "order_created", Outcome: order.Info, Params: order.Params{}}})
}
