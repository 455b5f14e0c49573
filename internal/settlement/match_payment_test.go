package settlement_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
)

// paid fails unless an order is paid, or not, and has a status.
func (l *ledger) paid(o *order.Order, by order.PaymentSource, status order.Status) {
	l.t.Helper()
	now := l.now(o)
	if (now.PaidAt != nil) != (by != "") || now.PaidBy != by || now.Status != status {
		l.t.Errorf("order %s: paid %v by %q and %s, want %q and %s", o.Number, now.PaidAt, now.PaidBy, now.Status, by, status)
	}
}

func over(amount int64) func(line *settlement.StatementLine) {
	return func(line *settlement.StatementLine) { line.Amount, line.RawAmount = amount, amount }
}

func back(amount int64) func(line *settlement.StatementLine) {
	return func(line *settlement.StatementLine) {
		line.Type, line.Amount, line.RawAmount = "RETURN", -amount, amount
	}
}

// An order that waits for its money is paid and released when Klarna pays it out, and
// waits again when the import is undone.
func TestPayoutPaysPrepayment(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		o := l.prepaid()
		line := l.enter(paying(o))
		l.paid(o, order.PaidByPayout, order.Released)
		if !line.BookedPayment || !line.ReleasedOrder || !l.now(o).PaidAt.Equal(l.payout.PayoutDate) {
			t.Errorf("the line has booked: %t, released: %t, the order is paid at %v", line.BookedPayment, line.ReleasedOrder, l.now(o).PaidAt)
		}
		wants(l, "protocol", l.kinds(o), []string{"payment_booked_by_payout", "order_released"})
		l.undo()
		l.paid(o, "", order.Draft)
		wants(l, "protocol after undo", l.kinds(o), []string{"payment_booked_by_payout", "order_released", "payment_undone_by_payout"})
		l.begin()
		l.enter(paying(o))
		l.paid(o, order.PaidByPayout, order.Released)
	})
}

// When the money is not enough, or nobody waits for it, nothing is booked.
func TestPayoutPaysOnlyWhatWaits(t *testing.T) {
	t.Parallel()
	type line = settlement.StatementLine
	cases := []struct {
		name  string
		order func(o *order.Order)
		lines []func(line *line)
		paid  bool
	}{
		{"all of it", nil, []func(*line){over(6457)}, true},
		{"a cent a line of rounding", nil, []func(*line){over(6455)}, true},
		{"three cents less", nil, []func(*line){over(6454)}, false},
		{"more", nil, []func(*line){over(7000)}, true},
		{"in two parts", nil, []func(*line){over(4000), over(2457)}, true},
		{"a part", nil, []func(*line){over(4000)}, false},
		{"given back before", nil, []func(*line){back(100), over(6457)}, false},
		{"another currency", nil, []func(*line){func(l *line) { l.Currency = "SEK" }}, false},
		{"a fee", nil, []func(*line){func(l *line) { l.Type = "FEE" }}, false},
		{"released already", func(o *order.Order) { o.Status = order.Released }, []func(*line){over(6457)}, true},
		{"marked as paid", func(o *order.Order) { o.MarkPaid = true }, []func(*line){over(6457)}, false},
		{"cancelled", func(o *order.Order) { o.Status = order.Cancelled }, []func(*line){over(6457)}, false},
		{"paid after delivery", func(o *order.Order) { o.BehavesLike = "invoice" }, []func(*line){over(6457)}, false},
	}
	onLedger(t, func(t *testing.T, l *ledger) {
		for _, tc := range cases {
			l.onEmpty(t, tc.name, func(t *testing.T, l *ledger) {
				change := func(o *order.Order) {}
				if tc.order != nil {
					change = tc.order
				}
				o := l.prepaid(change)
				for _, c := range tc.lines {
					l.enter(paying(o, c))
				}
				by, status := order.PaymentSource(""), o.Status
				if tc.paid {
					by, status = order.PaidByPayout, order.Released
				}
				l.paid(o, by, status)
				l.undo()
				l.paid(o, "", o.Status)
			})
		}
	})
}

// What was sent because its money had come can't be unpaid: neither by undoing the import
// nor by undoing the match.
func TestPaymentOfWhatHasLeftStays(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		o := l.prepaid()
		line := l.enter(paying(o))
		l.note(o, true)
		for name, err := range map[string]error{
			"undo":    l.Undo(t.Context(), l.run.ID, "bookkeeper"),
			"unmatch": l.Unmatch(t.Context(), line.ID, "bookkeeper"),
		} {
			if fault.CodeOf(err) != fault.Conflict {
				t.Errorf("%s: %v", name, err)
			}
		}
		l.paid(o, order.PaidByPayout, order.Released)
		if now := l.line(line.ID); now.MatchState != settlement.Matched || !now.BookedPayment {
			t.Errorf("the line is %s, booked %t", now.MatchState, now.BookedPayment)
		}
		l.balanced()
	})
}

// What others have booked, and what lines of another import pay for, stays.
func TestUndoTakesOnlyItsOwnPayments(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		byHand, twice, noted := l.prepaid(), l.prepaid(), l.prepaid()
		l.tx(func(tx *gorm.DB) error {
			_, err := order.BookPayment(tx, byHand, today, today, order.PaidByHand, "bookkeeper")
			return err
		})
		l.enter(paying(byHand), paying(twice), paying(noted))
		first := l.run
		l.note(noted, false)
		l.beginWith("XISA93DK")
		l.enter(paying(twice))
		l.run = first
		l.undo()
		l.paid(byHand, order.PaidByHand, order.Released)
		l.paid(twice, order.PaidByPayout, order.Released)
		l.paid(noted, "", order.Released) // its delivery note is there
	})
}

// A person took the payment back and booked it again: that is no payment of the payout's.
func TestUndoLeavesWhatWasBookedSince(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		o := l.prepaid()
		l.enter(paying(o))
		l.tx(func(tx *gorm.DB) error {
			o = l.nowIn(tx, o)
			if _, err := order.UndoPayment(tx, o, today, "bookkeeper"); err != nil {
				return err
			}
			_, err := order.BookPayment(tx, o, today.Add(time.Hour), today, order.PaidByHand, "bookkeeper")
			return err
		})
		l.must(l.Undo(t.Context(), l.run.ID, "bookkeeper"))
		l.paid(o, order.PaidByHand, order.Released)
	})
}

// A line that Klarna does not list any more has brought no money.
func TestSurplusPaysNothing(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		o := l.prepaid()
		l.enter(paying(o, over(4000)))
		l.exec("UPDATE statement_lines SET surplus = TRUE")
		l.enterInto(l.payout, paying(o, over(2457)))
		l.paid(o, "", order.Draft)
	})
}
