package settlement_test

import (
	"fmt"
	"sync"
	"testing"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store/storetest"
)

// Whatever is imported, matched, undone and rejected in whatever order: the sums are those
// of the lines, captures and payments have a line that stands, and no order is proposed
// that somebody said no to.
func TestMatchesAddUpWhateverHappens(t *testing.T) {
	t.Parallel()
	l := newLedger(t, storetest.SQLite(t))
	rapid.Check(t, func(r *rapid.T) {
		l.wipe()
		orders := []*order.Order{l.order(), l.prepaid(), l.prepaid(func(o *order.Order) { o.Number, o.ExternalNumber = "a", "S" }),
			l.order(func(o *order.Order) { o.Number, o.ExternalNumber = "b", "S" })}
		l.capture(orders[0])
		l.exec("UPDATE delivery_notes SET shipped_at = NULL")
		var lines []*settlement.StatementLine
		enter := func() {
			of := rapid.SampledFrom(orders).Draw(r, "order")
			named := rapid.SampledFrom([]func(l *settlement.StatementLine){
				func(*settlement.StatementLine) {},
				func(l *settlement.StatementLine) { l.KlarnaOrderID, l.MerchantReference1 = "", "S" },
				func(l *settlement.StatementLine) { l.KlarnaOrderID = klarnaID(99) },
				func(l *settlement.StatementLine) { l.KlarnaOrderID, l.Type = "", "HOLDBACK" },
				over(3000),
			}).Draw(r, "named")
			line := paying(of, named, func(l *settlement.StatementLine) { l.Identity = fmt.Sprint(len(lines)) })
			l.enterInto(l.payout, line)
			lines = append(lines, line)
		}
		enter()
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			line, of := rapid.SampledFrom(lines).Draw(r, "line"), rapid.SampledFrom(orders).Draw(r, "of")
			var err error
			switch step := rapid.SampledFrom([]string{"enter", "match", "unmatch", "reject", "again", "undo"}).Draw(r, "step"); step {
			case "enter":
				enter()
			case "match":
				err = l.Match(t.Context(), line.ID, of.Number, "bookkeeper")
			case "unmatch":
				err = l.Unmatch(t.Context(), line.ID, "bookkeeper")
			case "reject":
				err = l.Reject(t.Context(), line.ID, of.ID, "bookkeeper")
			case "again":
				_, err = l.MatchAgain(t.Context())
			case "undo":
				l.undo()
				l.begin()
				for _, line := range lines {
					line.ID = 0
				}
				l.enterInto(l.payout, lines...)
			}
			if err != nil && fault.CodeOf(err) != fault.Conflict {
				r.Fatal(err)
			}
		}
		l.balanced()
		if t.Failed() {
			r.FailNow()
		}
	})
}

// People match lines while pages of the same payout still come in.
func TestMatchWhileImporting(t *testing.T) {
	t.Parallel()
	const pages, each = 8, 6
	onLedger(t, func(t *testing.T, l *ledger) {
		var orders []*order.Order
		for range each {
			orders = append(orders, l.prepaid())
		}
		entered := make(chan *settlement.StatementLine, pages*each)
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(entered)
			for page := range pages {
				var lines []*settlement.StatementLine
				for i, o := range orders {
					lines = append(lines, paying(o, over(1000), func(line *settlement.StatementLine) {
						line.AccountID, line.PayoutID, line.RunID, line.PayoutDate, line.Currency = l.account, l.payout.ID, l.run.ID, l.payout.PayoutDate, "EUR"
						line.Identity = fmt.Sprint(page, i)
						if i%2 == 0 {
							line.KlarnaOrderID = klarnaID(999)
						}
					}))
				}
				err := l.db.InTx(t.Context(), func(tx *gorm.DB) error {
					for _, line := range lines {
						line.ID = 0
					}
					return l.Enter(tx, l.run, l.payout, lines)
				})
				if err != nil {
					t.Error(err)
					return
				}
				for _, line := range lines {
					entered <- line
				}
			}
		})
		for range 3 {
			wg.Go(func() {
				for line := range entered {
					var err error
					if line.MatchState == settlement.Matched {
						err = l.Unmatch(t.Context(), line.ID, "bookkeeper")
					} else {
						err = l.Match(t.Context(), line.ID, orders[line.ID%each].Number, "bookkeeper")
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		l.conclude()
		l.balanced()
	})
}
