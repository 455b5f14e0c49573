package settlement_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store/storetest"
)

const aDay = 24 * time.Hour

// owing fills a ledger with captures of all states, ages, methods and currencies, some of
// them paid out, and returns those that are not, the oldest first.
func (l *ledger) owing(n int) []settlement.Owed {
	l.t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	states := append(slices.Clone(capture.States), capture.Confirmed, capture.Confirmed, capture.Confirmed)
	var owed []settlement.Owed
	for range n {
		o := l.order(func(o *order.Order) {
			o.Currency, o.PaymentMethodID = []string{"EUR", "EUR", "EUR", "SEK"}[r.IntN(4)], int64(1+r.IntN(2))
		})
		since := today.Add(-time.Duration(r.IntN(70)) * aDay).Add(-time.Duration(r.IntN(3)) * 8 * time.Hour)
		c := l.capture(o, func(c *capture.Capture) {
			c.State, c.Amount, c.CreatedAt = states[r.IntN(len(states))], int64(r.IntN(1000)), since
			if c.CapturedAt = nil; c.State == capture.Confirmed && r.IntN(2) == 0 {
				c.CapturedAt, c.CreatedAt = &since, since.Add(aDay)
			}
		})
		switch {
		case r.IntN(5) == 0:
			l.enter(paying(o, func(line *settlement.StatementLine) {
				line.CaptureID, line.Currency, line.Identity = c.CaptureID, o.Currency, o.Number
			}))
		case slices.Contains([]capture.State{capture.Confirmed, capture.DoneByHand, capture.Refused, capture.Unknown}, c.State):
			owed = append(owed, settlement.Owed{ID: c.ID, OrderNumber: o.Number, PaymentMethodID: o.PaymentMethodID, State: c.State, Amount: c.Amount,
				Currency: o.Currency, OwedSince: since})
		}
	}
	slices.SortFunc(owed, func(a, b settlement.Owed) int {
		return cmp.Or(a.OwedSince.Compare(b.OwedSince), cmp.Compare(a.ID, b.ID))
	})
	return owed
}

// shows tells what a filter is to show.
func shows(f settlement.OwedFilter, o settlement.Owed) bool {
	days := o.Days(today)
	age := settlement.AgeOld
	switch {
	case days < 7:
		age = settlement.AgeWeek
	case days < 21:
		age = settlement.AgeNormal
	case days < 60:
		age = settlement.AgeLate
	}
	return (f.Age == "" || f.Age == age) && (f.Known == "" || f.Known == o.Known(today)) && (f.Currency == "" || f.Currency == o.Currency) &&
		(f.PaymentMethodID == 0 || f.PaymentMethodID == o.PaymentMethodID)
}

// Whatever is asked for, each capture that is not paid out is on one page, in the same
// order forth and back, and the sums are those of what is listed.
func TestNotPaidOut(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		all := l.owing(120)
		filters := []settlement.OwedFilter{{}, {Currency: "CHF"}, {Currency: "\x00"}, {PaymentMethodID: 9}, {Age: settlement.AgeWeek, Known: settlement.KnownNoPayout},
			{Age: settlement.AgeOld, Known: settlement.KnownYoung}, {Age: settlement.AgeLate, Currency: "SEK", PaymentMethodID: 2}}
		for _, a := range settlement.Ages() {
			filters = append(filters, settlement.OwedFilter{Age: a}, settlement.OwedFilter{Age: a, PaymentMethodID: 1})
		}
		for _, k := range settlement.Knowns() {
			filters = append(filters, settlement.OwedFilter{Known: k}, settlement.OwedFilter{Known: k, Currency: "SEK"})
		}
		for _, f := range filters {
			var want []settlement.Owed
			for _, o := range all {
				if shows(f, o) {
					want = append(want, o)
				}
			}
			for _, limit := range []int{2, 7, 500} {
				f.Limit = limit
				l.owes(f, want)
			}
		}
	})
}

// owes walks through the list of f forth and back and compares it with want.
func (l *ledger) owes(f settlement.OwedFilter, want []settlement.Owed) {
	l.t.Helper()
	name := fmt.Sprintf("%s %s %d %s by %d", f.Age, f.Known, f.PaymentMethodID, f.Currency, f.Limit)
	short := func(list []settlement.Owed) (s []string) {
		for _, o := range list {
			s = append(s, fmt.Sprint(o.ID, o.OrderNumber, o.State, o.Amount, o.Currency, o.OwedSince.UTC().Format(time.RFC3339)))
		}
		return s
	}
	page := func() settlement.OwedPage {
		l.t.Helper()
		p, err := l.NotPaidOut(l.t.Context(), f)
		l.must(err)
		return p
	}
	var forth []settlement.Owed
	p := page()
	for forth = p.Captures; p.HasNewer; forth = append(forth, p.Captures...) {
		f.After = p.Captures[len(p.Captures)-1].CursorOf()
		p = page()
	}
	wants(l, name, short(forth), short(want))
	back := p.Captures
	for f.After = (settlement.Cursor{}); p.HasOlder; back = append(slices.Clone(p.Captures), back...) {
		f.Before = p.Captures[0].CursorOf()
		p = page()
	}
	wants(l, name+", back", short(back), short(want))

	left := map[string]int64{}
	for _, o := range want {
		left[o.Currency] += o.Amount
	}
	sums, err := l.NotPaidOutSums(l.t.Context(), settlement.OwedFilter{Age: f.Age, Known: f.Known, PaymentMethodID: f.PaymentMethodID, Currency: f.Currency})
	l.must(err)
	n := int64(len(want))
	for _, s := range sums {
		left[s.Currency] -= s.Amount
		n -= s.Captures
	}
	if n != 0 || slices.ContainsFunc([]string{"EUR", "SEK"}, func(c string) bool { return left[c] != 0 }) {
		l.t.Errorf("%s: the sums are wrong by %d captures over %v", name, n, left)
	}
}

func TestKnownAboutWhatIsOwed(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		state capture.State
		now   time.Time
		days  int
		want  settlement.Known
	}{
		{capture.Confirmed, begin, 0, settlement.KnownYoung},
		{capture.Confirmed, begin.Add(21*aDay - 1), 20, settlement.KnownYoung},
		{capture.Confirmed, begin.Add(21 * aDay), 21, settlement.KnownNoPayout},
		{capture.DoneByHand, begin.Add(99 * aDay), 99, settlement.KnownNoPayout},
		{capture.Refused, begin, 0, settlement.KnownRefused},
		{capture.Unknown, begin.Add(99 * aDay), 99, settlement.KnownUnclear},
	} {
		o := settlement.Owed{State: tc.state, OwedSince: begin}
		if got, days := o.Known(tc.now), o.Days(tc.now); got != tc.want || days != tc.days {
			t.Errorf("%s at %v: %s after %d days, want %s after %d", tc.state, tc.now, got, days, tc.want, tc.days)
		}
	}
}

// An order for which a line is proposed may be the one that was paid.
func TestProposalsOfWhatIsOwed(t *testing.T) {
	t.Parallel()
	onLedger(t, func(t *testing.T, l *ledger) {
		named := func(o *order.Order) { o.ExternalNumber = "S" }
		l.capture(l.order(named))
		l.capture(l.order(named))
		l.capture(l.order())
		l.enter(paying(&order.Order{Total: 6457}, func(line *settlement.StatementLine) { line.MerchantReference1 = "S" }))
		p, err := l.NotPaidOut(t.Context(), settlement.OwedFilter{})
		l.must(err)
		var proposed []bool
		for _, o := range p.Captures {
			proposed = append(proposed, o.Proposed)
		}
		if !slices.Equal(proposed, []bool{true, true, false}) {
			t.Errorf("proposed: %v", proposed)
		}
		of, err := l.UnknownHere(t.Context(), settlement.LineFilter{})
		l.must(err)
		sums, partial, err := l.UnknownHereSums(t.Context(), settlement.LineFilter{Match: []settlement.MatchState{settlement.Proposed, settlement.ByHand}})
		l.must(err)
		if len(of.Lines) != 1 || partial || len(sums) != 1 || sums[0].Amount != 6457 {
			t.Errorf("unknown here: %+v, %+v", of.Lines, sums)
		}
	})
}

// The list is read from the index that has nothing but what is owed, in its order.
func TestPlansOfNotPaidOut(t *testing.T) {
	t.Parallel()
	l := newLedger(t, storetest.SQLite(t))
	l.owing(40)
	list := func(f settlement.OwedFilter) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := l.NotPaidOut(ctx, f)
			return err
		}
	}
	for name, tc := range map[string]struct {
		do   func(ctx context.Context) error
		want string
	}{
		"all":     {list(settlement.OwedFilter{}), "c USING INDEX captures_not_paid_out"},
		"next":    {list(settlement.OwedFilter{Turn: settlement.Turn{After: settlement.NewCursor(today, 5)}}), "c USING INDEX captures_not_paid_out (owed_since>?)"},
		"old":     {list(settlement.OwedFilter{Age: settlement.AgeOld}), "c USING INDEX captures_not_paid_out (owed_since>? AND owed_since<?)"},
		"refused": {list(settlement.OwedFilter{Known: settlement.KnownRefused}), "c USING INDEX captures_not_paid_out (owed_since>? AND owed_since<?)"},
		"sums": {func(ctx context.Context) error {
			_, err := l.NotPaidOutSums(ctx, settlement.OwedFilter{})
			return err
		}, "owed_sums USING PRIMARY KEY (day>?"},
		"again": {func(ctx context.Context) error {
			_, err := l.MatchAgain(ctx)
			return err
		}, "statement_lines USING INDEX statement_lines_open (match_state=? AND id>?)"},
		"captures again": {func(ctx context.Context) error {
			_, err := l.MatchAgain(ctx)
			return err
		}, "c USING INDEX captures_not_paid_out (owed_since>?)"},
	} {
		plan := l.plans(tc.do)
		if !strings.Contains(plan, tc.want) || strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") {
			t.Errorf("%s: the plan is without %q, or sorts:\n%s", name, tc.want, plan)
		}
	}
}
