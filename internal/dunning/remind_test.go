package dunning_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// Which reminder is due when: by the days of the merchant's calendar, over the ends of
// months and the nights in which the clocks change.
func TestNext(t *testing.T) {
	t.Parallel()
	at := func(month time.Month, day, hour, minute int) time.Time { // in a leap year
		return time.Date(2028, month, day, hour, minute, 0, 0, time.UTC)
	}
	until := func(month time.Month, day int) time.Time { return document.EndOfDay(at(month, day, 12, 0), 0) }
	set := dunning.Defaults() // after 3, 10 and 10 days
	january := until(1, 31)
	reminded := func(level int, created, until time.Time) func(i *dunning.Item) {
		return func(i *dunning.Item) { i.Level, i.RemindedAt, i.ReminderPayBy = level, &created, &until }
	}
	for name, tc := range map[string]struct {
		payBy  time.Time
		change func(i *dunning.Item)
		now    time.Time
		level  int
		reason string // without "dunning.error."
		days   int    // that it is too early
	}{
		"long before":                    {payBy: january, now: at(1, 1, 0, 0), reason: "not_due"},
		"in time":                        {payBy: january, now: at(1, 31, 12, 0), reason: "not_due"},
		"the last moment":                {payBy: january, now: january, reason: "not_due"},
		"too late":                       {payBy: january, now: january.Add(time.Microsecond), reason: "too_early", days: 2},
		"the evening before":             {payBy: january, now: at(2, 2, 22, 59), reason: "too_early", days: 1},
		"at midnight":                    {payBy: january, now: at(2, 2, 23, 0), level: 1},
		"long after":                     {payBy: january, now: at(12, 1, 0, 0), level: 1},
		"on 29 February":                 {payBy: until(2, 27), now: at(2, 29, 12, 0), reason: "too_early", days: 1},
		"after 29 February":              {payBy: until(2, 27), now: at(2, 29, 23, 0), level: 1},
		"into the next year":             {payBy: until(12, 30), now: time.Date(2029, 1, 1, 23, 0, 0, 0, time.UTC), level: 1},
		"before the short night's end":   {payBy: until(3, 24), now: at(3, 26, 21, 59), reason: "too_early", days: 1},
		"after the short night":          {payBy: until(3, 24), now: at(3, 26, 22, 0), level: 1},
		"before the long night's end":    {payBy: until(10, 27), now: at(10, 29, 22, 59), reason: "too_early", days: 1},
		"after the long night":           {payBy: until(10, 27), now: at(10, 29, 23, 0), level: 1},
		"reminded today":                 {payBy: until(1, 1), change: reminded(1, at(1, 10, 9, 0), until(1, 17)), now: at(1, 10, 9, 0), reason: "too_early", days: 10},
		"the second, the evening before": {payBy: until(1, 1), change: reminded(1, at(1, 10, 9, 0), until(1, 17)), now: at(1, 19, 22, 59), reason: "too_early", days: 1},
		"the second":                     {payBy: until(1, 1), change: reminded(1, at(1, 10, 9, 0), until(1, 17)), now: at(1, 19, 23, 0), level: 2},
		"the first gave more time":       {payBy: until(1, 1), change: reminded(1, at(1, 25, 9, 0), until(2, 20)), now: at(2, 20, 12, 0), reason: "too_early", days: 1},
		"the first gave more time, due":  {payBy: until(1, 1), change: reminded(1, at(1, 25, 9, 0), until(2, 20)), now: at(2, 20, 23, 0), level: 2},
		"the third":                      {payBy: until(1, 1), change: reminded(2, at(2, 25, 9, 0), until(3, 3)), now: at(3, 5, 23, 0), level: 3},
		"no fourth":                      {payBy: until(1, 1), change: reminded(3, at(2, 25, 9, 0), until(3, 3)), now: at(12, 1, 0, 0), reason: "last_level"},
		"paid":                           {payBy: january, change: func(i *dunning.Item) { i.PaidAt = new(at(2, 1, 0, 0)) }, now: at(3, 1, 0, 0), reason: "paid"},
		"marked as paid":                 {payBy: january, change: func(i *dunning.Item) { i.MarkPaid = true }, now: at(3, 1, 0, 0), reason: "marked_paid"},
		"over nothing":                   {payBy: january, change: func(i *dunning.Item) { i.Amount = 0 }, now: at(3, 1, 0, 0), reason: "nothing_owed"},
		"cancelled":                      {payBy: january, change: func(i *dunning.Item) { i.Status = order.Cancelled }, now: at(3, 1, 0, 0), reason: "cancelled"},
		"held":                           {payBy: january, change: func(i *dunning.Item) { i.HoldReason = "x" }, now: at(3, 1, 0, 0), reason: "held"},
		"held until later":               {payBy: january, change: func(i *dunning.Item) { i.HoldReason, i.HoldUntil = "x", new(at(3, 1, 1, 0)) }, now: at(3, 1, 0, 0), reason: "held"},
		"held until now":                 {payBy: january, change: func(i *dunning.Item) { i.HoldReason, i.HoldUntil = "x", new(at(3, 1, 0, 0)) }, now: at(3, 1, 0, 0), reason: "held"},
		"no longer held":                 {payBy: january, change: func(i *dunning.Item) { i.HoldReason, i.HoldUntil = "x", new(at(3, 1, 0, 0)) }, now: at(3, 1, 0, 0).Add(time.Microsecond), level: 1},
	} {
		i := &dunning.Item{InvoiceNumber: "400001", Status: order.Released, PayBy: tc.payBy, Amount: 5450}
		if tc.change != nil {
			tc.change(i)
		}
		level, err := set.Next(i, tc.now)
		if tc.reason == "" {
			if err != nil || level != tc.level {
				t.Errorf("%s: level %d (%v), want %d", name, level, err, tc.level)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: level %d is due, want %s", name, level, tc.reason)
			continue
		}
		refused(t, err, "dunning.error."+tc.reason)
		if e, _ := errors.AsType[*fault.Error](err); tc.days != 0 && e.Args[len(e.Args)-1] != tc.days {
			t.Errorf("%s: %v days, want %d", name, e.Args[len(e.Args)-1], tc.days)
		}
	}
}

// An invoice over nothing is no open item.
func TestNothingOwed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		inv := b.owed(func(in *order.Input) {
			in.Total = 0
			in.Lines = append(in.Lines, order.LineInput{Name: "Karte", Type: order.GiftCard, Quantity: money.One, Total: -5450})
		})
		b.at(inv.PayBy.AddDate(0, 0, 30))
		b.lists(dunning.Filter{})
		b.lists(dunning.Filter{Show: dunning.ToRemind})
		_, err := b.Remind(t.Context(), inv.ID, "bookkeeper")
		refused(t, err, "dunning.error.nothing_owed")
	})
}

// An invoice that nobody pays gets its three reminders, one after the other.
func TestRemind(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		inv := b.owed()
		last := payBy
		for _, step := range []struct {
			name dunning.Name
			days int
			fee  int64
			sum  int64
		}{
			{dunning.Name{DE: "Zahlungserinnerung", EN: "Payment reminder"}, 3, 0, 0},
			{dunning.Name{DE: "1. Mahnung", EN: "First notice"}, 10, 250, 250},
			{dunning.Name{DE: "2. Mahnung", EN: "Second notice"}, 10, 500, 750},
		} {
			b.at(document.EndOfDay(last, step.days-1))
			_, err := b.Remind(ctx, inv.ID, "bookkeeper")
			refused(t, err, "dunning.error.too_early")
			b.lists(dunning.Filter{Show: dunning.ToRemind})

			b.clock.Advance(time.Microsecond)
			now := b.clock.Now()
			last = now
			b.lists(dunning.Filter{Show: dunning.ToRemind}, inv)
			before := b.find(inv)
			r := b.remind(inv)
			want := dunning.Reminder{ID: r.ID, InvoiceID: inv.ID, Level: before.Level + 1, Number: fmt.Sprint(500001 + before.Level), Name: step.name,
				Fee: step.fee, Currency: "EUR", CreatedAt: now, PayBy: document.EndOfDay(now, 7), CreatedBy: "bookkeeper"}
			if !reflect.DeepEqual(*r, want) {
				t.Errorf("made %+v, want %+v", *r, want)
			}
			i := b.find(inv)
			if i.Level != want.Level || i.LevelName != step.name || !i.RemindedAt.Equal(now) || !i.ReminderPayBy.Equal(want.PayBy) || i.Fees != step.sum {
				t.Errorf("after the reminder: %+v", i)
			}
			b.lists(dunning.Filter{Show: dunning.ToRemind})
			b.lists(dunning.Filter{Show: dunning.Overdue}, inv)
		}
		b.clock.Advance(1000 * day)
		_, err := b.Remind(ctx, inv.ID, "bookkeeper")
		refused(t, err, "dunning.error.last_level")
		b.lists(dunning.Filter{Show: dunning.ToRemind})
		all, err := b.ListReminders(ctx, inv.ID)
		if err != nil || len(all) != 3 || all[0].Level != 1 || all[2].Level != 3 {
			t.Errorf("%+v (%v)", all, err)
		}
		if got, want := b.kinds(inv.OrderID), []string{"order_created", "invoice_created", "reminder_created", "reminder_created", "reminder_created"}; !slices.Equal(got, want) {
			t.Errorf("protocol %q, want %q", got, want)
		}
		if _, err := b.Remind(ctx, 999, "bookkeeper"); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("an invoice that is not there: %v", err)
		}
	})
}

// A payment ends the reminders; one that is taken back lets them go on where they were.
func TestRemindAfterAPaymentTakenBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		inv := b.owed()
		b.at(payBy.Add(4 * day))
		b.remind(inv)
		b.must(b.dispatch.BookPayment(ctx, inv.OrderID, b.clock.Now(), "bookkeeper"))
		b.clock.Advance(20 * day)
		_, err := b.Remind(ctx, inv.ID, "bookkeeper")
		refused(t, err, "dunning.error.paid")
		b.must(b.dispatch.UndoPayment(ctx, inv.OrderID, "bookkeeper"))
		b.lists(dunning.Filter{Show: dunning.ToRemind}, inv)
		if r := b.remind(inv); r.Level != 2 {
			t.Errorf("level %d", r.Level)
		}
		b.must(b.dispatch.Cancel(ctx, inv.OrderID, "clerk"))
		b.clock.Advance(20 * day)
		_, err = b.Remind(ctx, inv.ID, "bookkeeper")
		refused(t, err, "dunning.error.cancelled")
	})
}

// What the list calls due is what Remind does, day by day, under changing settings.
func TestListAgreesWithRemind(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		var invoices []*document.Invoice
		for range 4 {
			invoices = append(invoices, b.owed())
			b.clock.Advance(3 * day)
		}
		b.must(b.Hold(ctx, invoices[1].ID, "asked for time", new(payBy.Add(12*day)), "bookkeeper"))
		b.must(b.Hold(ctx, invoices[2].ID, "in court", nil, "bookkeeper"))
		for n := range 70 {
			if n == 20 {
				set := dunning.Defaults()
				set.Levels[1].AfterDays, set.Levels[1].PayDays, set.Levels[2].AfterDays = 12, 9, 4
				b.must(b.UpdateSettings(ctx, set, "admin"))
			}
			set, err := b.Settings(ctx)
			b.must(err)
			var want []string
			for _, inv := range invoices {
				if _, err := set.Next(b.find(inv), b.clock.Now()); err == nil {
					want = append(want, inv.Number)
				}
			}
			p, err := b.List(ctx, dunning.Filter{Show: dunning.ToRemind})
			b.must(err)
			if got := numbersOf(p.Items); !slices.Equal(got, want) {
				t.Errorf("%s: lists %q, want %q", b.clock.Now(), got, want)
			}
			if n%3 != 0 { // sometimes nobody looks
				for _, i := range p.Items {
					_, err := b.Remind(ctx, i.InvoiceID, "bookkeeper")
					b.must(err)
				}
			}
			b.clock.Advance(day)
		}
		for n, want := range []int{3, 3, 0, 3} {
			if i := b.find(invoices[n]); i.Level != want {
				t.Errorf("invoice %d: level %d, want %d", n, i.Level, want)
			}
		}
	})
}

// Several people remind of the same invoices at once: each gets one reminder, and the
// numbers have no gaps and no doubles.
func TestRemindAtTheSameTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		var invoices []*document.Invoice
		for range 5 {
			invoices = append(invoices, b.owed())
		}
		b.at(payBy.Add(30 * day))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for _, inv := range invoices {
					if _, err := b.Remind(t.Context(), inv.ID, "bookkeeper"); err != nil {
						refused(t, err, "dunning.error.too_early")
					}
				}
			})
		}
		wg.Wait()
		var numbers []string
		b.must(b.db.Read(t.Context()).Model(&dunning.Reminder{}).Order("number").Pluck("number", &numbers).Error)
		if want := []string{"500001", "500002", "500003", "500004", "500005"}; !slices.Equal(numbers, want) {
			t.Errorf("numbers %q, want %q", numbers, want)
		}
	})
}

func TestNoFeeInAnotherCurrency(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		inv := b.owed(func(in *order.Input) { in.Currency = "SEK" })
		b.at(payBy.Add(30 * day))
		b.remind(inv)
		b.clock.Advance(30 * day)
		if r := b.remind(inv); r.Level != 2 || r.Fee != 0 || r.Currency != "SEK" {
			t.Errorf("%+v", r)
		}
	})
}

func TestHold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		inv := b.owed()
		b.at(payBy.Add(5 * day))
		until := b.clock.Now().Add(2 * day)
		b.must(b.Hold(ctx, inv.ID, " asked for time ", &until, "bookkeeper"))
		if i := b.find(inv); i.HoldReason != "asked for time" || !i.HoldUntil.Equal(until) || !i.Held(b.clock.Now()) {
			t.Errorf("%+v", i)
		}
		_, err := b.Remind(ctx, inv.ID, "bookkeeper")
		refused(t, err, "dunning.error.held")
		b.lists(dunning.Filter{Show: dunning.ToRemind})
		b.lists(dunning.Filter{Show: dunning.Overdue}, inv)

		b.at(until)
		b.lists(dunning.Filter{Show: dunning.ToRemind})
		b.clock.Advance(time.Microsecond)
		b.lists(dunning.Filter{Show: dunning.ToRemind}, inv)
		b.must(b.Hold(ctx, inv.ID, "in court", nil, "bookkeeper")) // in the place of the first
		b.clock.Advance(365 * day)
		b.lists(dunning.Filter{Show: dunning.ToRemind})
		b.must(b.Unhold(ctx, inv.ID, "bookkeeper"))
		b.lists(dunning.Filter{Show: dunning.ToRemind}, inv)
		refused(t, b.Unhold(ctx, inv.ID, "bookkeeper"), "dunning.error.no_hold")
		b.remind(inv)
		want := []string{"order_created", "invoice_created", "reminders_held_until", "reminders_held", "reminders_hold_ended", "reminder_created"}
		if got := b.kinds(inv.OrderID); !slices.Equal(got, want) {
			t.Errorf("protocol %q, want %q", got, want)
		}

		b.must(b.dispatch.BookPayment(ctx, inv.OrderID, b.clock.Now(), "bookkeeper"))
		refused(t, b.Hold(ctx, inv.ID, "x", nil, "bookkeeper"), "dunning.error.paid")
		if err := b.Hold(ctx, 999, "x", nil, "bookkeeper"); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("an invoice that is not there: %v", err)
		}
	})
}

func TestHoldInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		inv := b.owed()
		now := b.clock.Now()
		for name, tc := range map[string]struct {
			reason string
			until  *time.Time
			want   string
		}{
			"no reason":   {" ", nil, "reason error.required"},
			"too long":    {string(make([]rune, 501)), nil, "reason error.too_long"},
			"unstorable":  {"a\x00b", nil, "reason error.control_characters"},
			"in the past": {"x", new(now.Add(-time.Microsecond)), "until dunning.error.hold_past"},
		} {
			err := b.Hold(t.Context(), inv.ID, tc.reason, tc.until, "bookkeeper")
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || e.Code != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Name+" "+e.Fields[0].Key != tc.want {
				t.Errorf("%s: %v, want %s", name, err, tc.want)
			}
		}
	})
}

// A paper says what is owed by then, and stays as it was first printed.
func TestPapers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		inv := b.owed()
		var ids []int64
		for _, want := range []struct{ fee, earlier int64 }{{0, 0}, {250, 0}, {500, 250}} {
			b.clock.Advance(30 * day)
			r := b.remind(inv)
			ids = append(ids, r.ID)
			in, err := dunning.PaperInput(b.Service, ctx, r)
			if err != nil || in.Fee != want.fee || in.EarlierFees != want.earlier || in.Invoice != *inv || in.Name != r.Name || in.Level != r.Level ||
				in.Number != r.Number || !in.At.Equal(r.CreatedAt) || !in.PayBy.Equal(r.PayBy) {
				t.Errorf("level %d says %+v (%v)", r.Level, in, err)
			}
		}
		papers, err := b.Papers(ctx, []int64{ids[2], ids[0], ids[1]}, "bookkeeper")
		b.must(err)
		for i, number := range []string{"500001", "500002", "500003"} {
			p := papers[i]
			if p.Kind != document.KindReminder || p.Number != number || p.CreatedBy != "bookkeeper" || *p.OrderID != inv.OrderID || p.Language != "de" {
				t.Errorf("paper %d: %s %s by %s", i, p.Kind, p.Number, p.CreatedBy)
			}
		}
		b.must(b.dispatch.BookPayment(ctx, inv.OrderID, b.clock.Now(), "bookkeeper"))
		again, err := b.Papers(ctx, ids[:1], "somebody else")
		if err != nil || !bytes.Equal(again[0].PDF, papers[0].PDF) {
			t.Errorf("another paper (%v)", err)
		}
		for _, missing := range [][]int64{nil, {999}, {ids[0], 999}} {
			if _, err := b.Papers(ctx, missing, "bookkeeper"); fault.CodeOf(err) != fault.NotFound {
				t.Errorf("papers of %v: %v", missing, err)
			}
		}
	})
}
