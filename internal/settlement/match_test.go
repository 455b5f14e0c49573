package settlement_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store/storetest"
)

// Which order a line is about: the orders are made from the names they have, and what is
// wanted is the number of the one that is matched, or of those that are proposed.
func TestMatchingRules(t *testing.T) {
	t.Parallel()
	type line = settlement.StatementLine
	named := func(klarna, external, short string) func(o *order.Order) {
		return func(o *order.Order) { o.KlarnaOrderID, o.ExternalNumber, o.KlarnaReference = klarna, external, short }
	}
	in := func(currency string) func(o *order.Order) { return func(o *order.Order) { o.Currency = currency } }
	const uuidA = "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e1a"
	cases := []struct {
		name   string
		orders []func(o *order.Order) // number 1, 2, …
		line   func(l *line)
		state  settlement.MatchState
		rule   settlement.MatchRule
		of     string
	}{
		{"Klarna's order id", []func(o *order.Order){named(klarnaID(7), "", "")}, func(l *line) { l.KlarnaOrderID = klarnaID(7) },
			settlement.Matched, settlement.RuleKlarnaOrderID, "1"},
		{"Klarna's order id in capitals", []func(o *order.Order){named(uuidA, "", "")}, func(l *line) { l.KlarnaOrderID = strings.ToUpper(uuidA) },
			settlement.Matched, settlement.RuleKlarnaOrderID, "1"},
		{"before the references", []func(o *order.Order){named(klarnaID(7), "", ""), named("", "S-2", "")},
			func(l *line) { l.KlarnaOrderID, l.MerchantReference1 = klarnaID(7), "S-2" }, settlement.Matched, settlement.RuleKlarnaOrderID, "1"},
		{"the number", []func(o *order.Order){named("", "", "")}, func(l *line) { l.KlarnaOrderID, l.MerchantReference1 = klarnaID(8), "1" },
			settlement.Matched, settlement.RuleReference1, "1"},
		{"the number as the second reference", []func(o *order.Order){named("", "", "")}, func(l *line) { l.MerchantReference1, l.MerchantReference2 = "else", "1" },
			settlement.Matched, settlement.RuleReference2, "1"},
		{"the external number", []func(o *order.Order){named("", "S-1", "")}, func(l *line) { l.MerchantReference1 = "S-1" },
			settlement.Matched, settlement.RuleReference1, "1"},
		{"number and external number of the same order", []func(o *order.Order){named("", "S-1", "")}, func(l *line) { l.MerchantReference1, l.MerchantReference2 = "1", "S-1" },
			settlement.Matched, settlement.RuleReference1, "1"},
		{"both numbers are the same", []func(o *order.Order){named("", "1", "")}, func(l *line) { l.MerchantReference1 = "1" },
			settlement.Matched, settlement.RuleReference1, "1"},
		{"the external number of several", []func(o *order.Order){named("", "S", ""), named("", "S", ""), named("", "T", "")}, func(l *line) { l.MerchantReference1 = "S" },
			settlement.Proposed, "", "1 2"},
		{"a number that is another's external number", []func(o *order.Order){named("", "", ""), named("", "1", "")}, func(l *line) { l.MerchantReference1 = "1" },
			settlement.Proposed, "", "1 2"},
		{"references of two orders", []func(o *order.Order){named("", "S-1", ""), named("", "S-2", "")},
			func(l *line) { l.MerchantReference1, l.MerchantReference2 = "S-1", "S-2" }, settlement.Proposed, "", "1 2"},
		{"the delivery note", []func(o *order.Order){named("", "", "")}, func(l *line) { l.MerchantCaptureReference = "N1" },
			settlement.Matched, settlement.RuleCaptureReference, "1"},
		{"Klarna's short reference", []func(o *order.Order){named("", "", "K7XF9W2Q")}, func(l *line) { l.ShortOrderID = "K7XF9W2Q" },
			settlement.Matched, settlement.RuleShortOrderID, "1"},
		{"the delivery note before the short reference", []func(o *order.Order){named("", "", ""), named("", "", "K7")},
			func(l *line) { l.MerchantCaptureReference, l.ShortOrderID = "N1", "K7" }, settlement.Matched, settlement.RuleCaptureReference, "1"},
		{"the short reference of several", []func(o *order.Order){named("", "", "K7"), named("", "", "K7")}, func(l *line) { l.ShortOrderID = "K7" },
			settlement.Proposed, "", "1 2"},
		{"another currency", []func(o *order.Order){in("SEK")}, func(l *line) { l.MerchantReference1 = "1" }, settlement.Proposed, "", "1"},
		{"a fee", []func(o *order.Order){named(klarnaID(7), "", "")}, func(l *line) { l.Type, l.KlarnaOrderID = klarna.TypeFee, klarnaID(7) },
			settlement.Matched, settlement.RuleKlarnaOrderID, "1"},
		{"a type that nobody knows", []func(o *order.Order){named(klarnaID(7), "", "")}, func(l *line) { l.Type, l.KlarnaOrderID = "NEW_ONE", klarnaID(7) },
			settlement.Matched, settlement.RuleKlarnaOrderID, "1"},
		{"nobody's", []func(o *order.Order){named(klarnaID(7), "S-1", "K7")},
			func(l *line) {
				l.KlarnaOrderID, l.MerchantReference1, l.MerchantCaptureReference, l.ShortOrderID = klarnaID(8), "x", "N9", "K8"
			}, settlement.Unmatched, "", ""},
		{"a sale of nobody", nil, func(l *line) {}, settlement.Unmatched, "", ""},
		{"a holdback", nil, func(l *line) { l.Type = klarna.TypeHoldback }, settlement.NoOrder, "", ""},
		{"a charge", nil, func(l *line) { l.Type = klarna.TypeCharge }, settlement.NoOrder, "", ""},
		{"a holdback for an order", nil, func(l *line) { l.Type, l.KlarnaOrderID = klarna.TypeHoldback, klarnaID(8) }, settlement.Unmatched, "", ""},
	}
	onLedger(t, func(t *testing.T, l *ledger) {
		for _, tc := range cases {
			l.onEmpty(t, tc.name, func(t *testing.T, l *ledger) {
				for i, change := range tc.orders {
					o := l.order(change, func(o *order.Order) { o.Number = fmt.Sprint(i + 1) })
					n := l.note(o, false)
					l.exec("UPDATE delivery_notes SET number = ? WHERE id = ?", fmt.Sprintf("N%d", i+1), n.ID)
				}
				got := l.enter(paying(&order.Order{Total: 6457}, tc.line))
				if got.MatchState != tc.state || got.MatchRule != tc.rule || (got.MatchedAt != nil) != (tc.state == settlement.Matched) {
					t.Errorf("%s by %q, want %s by %q", got.MatchState, got.MatchRule, tc.state, tc.rule)
				}
				var of []string
				found, err := l.FindLine(t.Context(), got.ID)
				l.must(err)
				if found.OrderNumber != "" {
					of = append(of, found.OrderNumber)
				}
				proposals, err := l.Proposals(t.Context(), got.ID)
				l.must(err)
				for _, p := range proposals[got.ID] {
					of = append(of, p.OrderNumber)
				}
				if strings.Join(of, " ") != tc.of {
					t.Errorf("it is of %q, want %q", of, tc.of)
				}
			})
		}
	})
}

// A page of lines costs as many queries as a single one, however they are matched.
func TestMatchingTakesFewQueries(t *testing.T) {
	t.Parallel()
	counted := map[int]int{}
	for _, n := range []int{1, 100} {
		l := newLedger(t, storetest.SQLite(t))
		var lines []*settlement.StatementLine
		for range n {
			o := l.order()
			c := l.capture(o)
			lines = append(lines, paying(o, func(l *settlement.StatementLine) { l.CaptureID = c.CaptureID }), costing(func(l *settlement.StatementLine) { l.ShortOrderID = "K" + o.Number }),
				costing(func(l *settlement.StatementLine) { l.MerchantReference1 = "S" + o.Number }))
		}
		made := l.count(func() { l.enterInto(l.payout, lines...) })
		counted[n] = made
	}
	if counted[100] > counted[1]+8 { // inserts and captures in batches
		t.Errorf("%d queries for 300 lines, %d for 3", counted[100], counted[1])
	}
}

// With which line a capture was paid out.
func TestCapturesPaidOut(t *testing.T) {
	t.Parallel()
	type line = settlement.StatementLine
	type captures = []func(c *capture.Capture)
	id := func(s string) func(c *capture.Capture) { return func(c *capture.Capture) { c.CaptureID = s } }
	over := func(s string, amount int64) func(c *capture.Capture) {
		return func(c *capture.Capture) { c.CaptureID, c.Amount = s, amount }
	}
	state := func(s capture.State) func(c *capture.Capture) {
		return func(c *capture.Capture) { c.State, c.CaptureID, c.CapturedAt = s, "", nil }
	}
	shared := func(c *capture.Capture) { c.CaptureID, c.Shared = "a", true }
	pays := func(captureID, note string, amount int64) func(l *line) {
		return func(l *line) { l.CaptureID, l.MerchantCaptureReference, l.Amount = captureID, note, amount }
	}
	cases := []struct {
		name     string
		captures captures
		lines    []func(l *line)
		want     string // for each capture the number of the line, or -
		about    string // for each line the number of the capture, or -
	}{
		{"by Klarna's id", captures{id("a"), id("b")}, []func(l *line){pays("b", "", 1), pays("a", "", 6457)}, "2 1", "2 1"},
		{"not by another id", captures{id("a")}, []func(l *line){pays("z", "", 6457)}, "-", "-"},
		{"by the delivery note", captures{id("a"), id("b")}, []func(l *line){pays("", "N2", 1)}, "- 1", "2"},
		{"by the only one over the amount", captures{over("a", 100), over("b", 200)}, []func(l *line){pays("", "", 200)}, "- 1", "2"},
		{"several over the amount", captures{over("a", 100), over("b", 100)}, []func(l *line){pays("", "", 100)}, "- -", "-"},
		{"a capture that Klarna's id is not known of", captures{id("a"), state(capture.DoneByHand)}, []func(l *line){pays("z", "", 6457)}, "- 1", "2"},
		{"one that was refused", captures{state(capture.Refused)}, []func(l *line){pays("z", "", 6457)}, "1", "1"},
		{"one that was withdrawn", captures{state(capture.Withdrawn)}, []func(l *line){pays("z", "", 6457)}, "-", "-"},
		{"twice over the same", captures{id("a")}, []func(l *line){pays("a", "", 6457), pays("a", "", 6457)}, "1", "1 1"},
		{"two amounts for one, in two pages", captures{id("")}, []func(l *line){pays("", "", 6457), nil, pays("", "", 6457)}, "1", "1 -"},
		{"two amounts for one at once", captures{id("")}, []func(l *line){pays("", "", 6457), pays("", "", 6457)}, "1", "1 -"},
		{"of the whole order", captures{shared, shared}, []func(l *line){pays("a", "", 12914)}, "1 1", "1"},
		{"a fee pays nothing", captures{id("a")}, []func(l *line){func(l *line) { l.Type, l.CaptureID = klarna.TypeFee, "a" }}, "-", "-"},
		{"another currency", captures{id("a")}, []func(l *line){func(l *line) { l.Currency, l.CaptureID = "SEK", "a" }}, "-", "-"},
	}
	onLedger(t, func(t *testing.T, l *ledger) {
		for _, tc := range cases {
			l.onEmpty(t, tc.name, func(t *testing.T, l *ledger) {
				o := l.order()
				var made []*capture.Capture
				for i, change := range tc.captures {
					c := l.capture(o, change)
					l.exec("UPDATE delivery_notes SET number = ? WHERE id = ?", fmt.Sprintf("N%d", i+1), c.DeliveryNoteID)
					made = append(made, c)
				}
				var page []*line
				var ids []int64
				var got []string
				enter := func() {
					l.enter(page...)
					for _, line := range page {
						ids = append(ids, line.ID)
						about := "-"
						for i, c := range made {
							if line.CaptureRowID != nil && *line.CaptureRowID == c.ID {
								about = fmt.Sprint(i + 1)
							}
						}
						got = append(got, about)
					}
					page = nil
				}
				for i, change := range tc.lines {
					if change == nil { // the next page
						enter()
						continue
					}
					page = append(page, paying(o, change, func(l *line) { l.Identity = fmt.Sprint(i) }))
				}
				enter()
				if strings.Join(got, " ") != tc.about {
					t.Errorf("the lines are about captures %v, want %s", got, tc.about)
				}
				got = nil
				for _, c := range made {
					paid := "-"
					if n := slices.Index(ids, l.paidBy(c)); n >= 0 {
						paid = fmt.Sprint(n + 1)
					}
					got = append(got, paid)
				}
				if strings.Join(got, " ") != tc.want {
					t.Errorf("paid out with %v, want %s", got, tc.want)
				}
				l.undo()
				for i, c := range made {
					if l.paidBy(c) != 0 {
						t.Errorf("capture %d is paid out after the import was undone", i+1)
					}
				}
			})
		}
	})
}

// What Klarna says of a payout whose lines are not complete may change.
func TestSumsFollowTheCurrency(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		l.another("XISA93DK", "EUR")
		l.enter(paying(l.order()))
		for _, currency := range []string{"SEK", "EUR", "SEK"} {
			l.exec("UPDATE payouts SET currency = ? WHERE id = ?", currency, l.payout.ID)
			l.balanced()
		}
		l.undo()
	})
}
