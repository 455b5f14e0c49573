package dunning_test

import (
	"slices"
	"testing"
	"time"

	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// What is to be paid is an open item, and nothing else: whatever happens to the order.
func TestOpenItems(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		b.order("invoice") // delivery note only: there is no invoice
		b.order("prepaid")
		b.invoice(b.order("prepaid"))
		inv := b.owed()
		b.lists(dunning.Filter{}, inv)

		steps := []struct {
			name string
			do   func() error
			open bool
		}{
			{"paid", func() error { return b.dispatch.BookPayment(ctx, inv.OrderID, begin, "bookkeeper") }, false},
			{"payment undone", func() error { return b.dispatch.UndoPayment(ctx, inv.OrderID, "bookkeeper") }, true},
			{"marked as paid", func() error { return b.dispatch.MarkPaid(ctx, inv.OrderID, true, "bookkeeper") }, false},
			{"mark taken back", func() error { return b.dispatch.MarkPaid(ctx, inv.OrderID, false, "bookkeeper") }, true},
			{"cancelled", func() error { return b.dispatch.Cancel(ctx, inv.OrderID, "clerk") }, false},
			{"cancellation undone", func() error { return b.dispatch.Uncancel(ctx, inv.OrderID, "clerk") }, true},
			{"left", func() error {
				return b.dispatch.Ship(ctx, inv.OrderID, dispatch.ShipInput{WithoutTracking: true}, "clerk")
			}, true},
		}
		for _, step := range steps {
			b.must(step.do())
			want := []*document.Invoice{}
			if step.open {
				want = append(want, inv)
			}
			b.lists(dunning.Filter{}, want...)
			b.lists(dunning.Filter{Show: dunning.NotDue}, want...)
			if i := b.find(inv); i.Open() != step.open || i.Amount != 5450 || i.CustomerName != "Max Muster" || i.Country != "DE" {
				t.Errorf("%s: open %t: %+v", step.name, i.Open(), i)
			}
		}
	})
}

func TestListParts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		first := b.owed()
		b.clock.Advance(day)
		second := b.owed()
		b.clock.Advance(30 * time.Minute)
		third := b.owed()
		for _, tc := range []struct {
			name                      string
			at                        time.Time
			notDue, overdue, toRemind []*document.Invoice
		}{
			{"in time", payBy, []*document.Invoice{first, second, third}, nil, nil},
			{"one too late", payBy.Add(time.Microsecond), []*document.Invoice{second, third}, []*document.Invoice{first}, nil},
			{"the last moment without a reminder", payBy.AddDate(0, 0, 2), nil, []*document.Invoice{first, second, third}, nil},
			{"a reminder due", payBy.AddDate(0, 0, 2).Add(time.Microsecond), nil, []*document.Invoice{first, second, third}, []*document.Invoice{first}},
			{"all due", payBy.AddDate(0, 0, 5), nil, []*document.Invoice{first, second, third}, []*document.Invoice{first, second, third}},
		} {
			t.Log(tc.name)
			b.at(tc.at)
			b.lists(dunning.Filter{}, first, second, third)
			b.lists(dunning.Filter{Show: dunning.NotDue}, tc.notDue...)
			b.lists(dunning.Filter{Show: dunning.Overdue}, tc.overdue...)
			b.lists(dunning.Filter{Show: dunning.ToRemind}, tc.toRemind...)
		}
	})
}

func TestSearch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		max := b.owed()
		erika := b.owed(func(in *order.Input) { in.Number, in.CustomerName = "200081", "Erika Beispiel" })
		b.order("invoice", func(in *order.Input) { in.CustomerName = "Erika Beispiel" }) // without an invoice
		for query, want := range map[string][]*document.Invoice{
			"": {max, erika}, "erika": {erika}, "beispiel erika": {erika}, "200081": {erika}, "2000": {erika}, max.Number: {max}, "muster": {max},
			"nobody": nil, "\x00": nil, "%": nil,
		} {
			b.lists(dunning.Filter{Query: query}, want...)
		}
		b.at(payBy.Add(5 * day))
		b.lists(dunning.Filter{Query: "erika", Show: dunning.ToRemind}, erika)
		b.remind(erika)
		b.lists(dunning.Filter{Query: "500001"}, erika)
		b.lists(dunning.Filter{Query: "erika", Show: dunning.ToRemind})
	})
}

// Pages lead through the list and back, also where many are due at the same moment.
func TestPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		var all []string
		for i := range 7 {
			all = append(all, b.owed().Number)
			if i%3 == 2 {
				b.clock.Advance(time.Second)
			}
		}
		page := func(f dunning.Filter) dunning.Page {
			f.Limit = 3
			p, err := b.List(t.Context(), f)
			b.must(err)
			return p
		}
		check := func(p dunning.Page, want []string, earlier, later bool) {
			t.Helper()
			if got := numbersOf(p.Items); !slices.Equal(got, want) || p.HasEarlier != earlier || p.HasLater != later {
				t.Errorf("%q, earlier %t, later %t; want %q, %t, %t", got, p.HasEarlier, p.HasLater, want, earlier, later)
			}
		}
		last := func(p dunning.Page) dunning.Cursor {
			return dunning.ParseCursor(dunning.CursorOf(&p.Items[len(p.Items)-1]).String())
		}
		first := page(dunning.Filter{})
		check(first, all[:3], false, true)
		second := page(dunning.Filter{After: last(first)})
		check(second, all[3:6], true, true)
		check(page(dunning.Filter{After: last(second)}), all[6:], true, false)
		check(page(dunning.Filter{Before: dunning.CursorOf(&second.Items[0])}), all[:3], false, true)
		check(page(dunning.Filter{Before: last(second)}), all[2:5], true, true)
	})
}

func TestParseCursor(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "-", "1", "a-1", "1-a", "9223372036854775807-1", "-5"} {
		if c := dunning.ParseCursor(s); c.String() != "" {
			t.Errorf("%q is the place %s", s, c)
		}
	}
}

func TestSumsByCurrency(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		for _, o := range []struct {
			currency string
			total    int64
		}{{"EUR", 100}, {"SEK", 7000}, {"EUR", 1}, {"SEK", 1}, {"EUR", 10_000_000_000}} {
			b.owed(func(in *order.Input) {
				in.Currency, in.Total, in.Lines[0].Total, in.Lines[0].UnitPrice = o.currency, o.total, o.total, o.total
			})
		}
		sums, err := b.Sums(t.Context(), dunning.Filter{})
		if want := []dunning.Sum{{"EUR", 3, 10_000_000_101}, {"SEK", 2, 7001}}; err != nil || !slices.Equal(sums, want) {
			t.Errorf("%v (%v), want %v", sums, err, want)
		}
	})
}

// A method that is changed later changes no order that there is: what it said was copied
// when the order was made.
func TestChangingTheMethodChangesNoOldOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		owed, prepaid := b.owed(), b.invoice(b.order("prepaid"))
		change := func(typ string, f func(in *paymentmethod.Input)) {
			m, err := paymentmethod.FindByType(b.db.Read(ctx), typ)
			b.must(err)
			in := paymentmethod.InputOf(m)
			f(&in)
			_, err = b.methods.Update(ctx, m.ID, in, "admin")
			b.must(err)
		}
		change("invoice", func(in *paymentmethod.Input) { in.MarkPaid, in.Documents = true, paymentmethod.DeliveryNoteOnly })
		change("prepaid", func(in *paymentmethod.Input) { in.MarkPaid, in.Documents = false, paymentmethod.InvoiceOnly })

		b.lists(dunning.Filter{}, owed)
		b.at(payBy.Add(5 * day))
		b.lists(dunning.Filter{Show: dunning.ToRemind}, owed)
		b.remind(owed)
		_, err := b.Remind(ctx, prepaid.ID, "bookkeeper")
		refused(t, err, "dunning.error.marked_paid")
		for inv, want := range map[*document.Invoice]order.Order{
			owed: {MarkPaid: false, Documents: paymentmethod.DeliveryNoteAndInvoice}, prepaid: {MarkPaid: true, Documents: paymentmethod.DeliveryNoteAndInvoice},
		} {
			o, err := b.orders.Find(ctx, inv.OrderID)
			b.must(err)
			if o.MarkPaid != want.MarkPaid || o.Documents != want.Documents {
				t.Errorf("order %s: mark paid %t, documents %s", o.Number, o.MarkPaid, o.Documents)
			}
		}

		// New orders take what the method says now.
		if o := b.order("invoice"); !o.MarkPaid || o.Documents != paymentmethod.DeliveryNoteOnly {
			t.Errorf("a new order: mark paid %t, documents %s", o.MarkPaid, o.Documents)
		}
		now := b.owed(func(in *order.Input) { in.PaymentMethod = "prepaid" })
		b.lists(dunning.Filter{Show: dunning.NotDue}, now)
	})
}
