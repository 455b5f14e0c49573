package dunning_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// begin is when invoices are made; they are to be paid until payBy.
var (
	begin = time.Date(2026, 1, 20, 9, 0, 0, 0, time.UTC)
	payBy = document.EndOfDay(begin, document.DefaultPaymentTerm)
)

const day = 24 * time.Hour

// books are the accounts of a shop with one payment method that is paid for after
// delivery ("invoice") and one that is paid in advance ("prepaid").
type books struct {
	*dunning.Service
	t         *testing.T
	db        *store.DB
	clock     *clock.Clock
	trail     *audit.Trail
	methods   *paymentmethod.Service
	orders    *order.Service
	documents *document.Service
	dispatch  *dispatch.Service
	made      int
}

func open(t *testing.T, db *store.DB) *books {
	t.Helper()
	b := &books{t: t, db: db, clock: clock.NewFixed(begin), trail: audit.New(db)}
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "key"))
	b.must(err)
	bell, client := work.NewBell(), klarna.New(klarna.Options{})
	b.methods = paymentmethod.New(db, b.clock, box, b.trail, client, bell, paymentmethod.ProbePolicy{Every: time.Minute})
	pusher := capture.NewPusher(db, b.clock, bell, client, b.methods, capture.DefaultPolicy, 1)
	b.methods.Depend(pusher)
	b.orders = order.New(db, b.clock)
	b.documents = document.New(db, b.clock, b.trail)
	b.dispatch = dispatch.New(db, b.clock, dispatch.Deps{Captures: pusher, Documents: b.documents})
	b.Service = dunning.New(db, b.clock, b.trail, b.documents)
	for typ, markPaid := range map[string]bool{"invoice": false, "prepaid": true} {
		in := paymentmethod.Defaults(paymentmethod.ModuleNone)
		in.Type, in.Name, in.MarkPaid = typ, typ, markPaid
		_, err := b.methods.Create(t.Context(), in, "admin")
		b.must(err)
	}
	return b
}

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, b *books)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, open(t, db)) })
}

func (b *books) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// order makes a released order over 54.50; change may change what is entered.
func (b *books) order(method string, change ...func(in *order.Input)) *order.Order {
	b.t.Helper()
	b.made++
	in := order.Input{Number: fmt.Sprintf("A%d", b.made), PaymentMethod: method, Currency: "EUR", Total: 5450, CustomerName: "Max Muster",
		BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines:          []order.LineInput{{Name: "Tasse", Type: order.Physical, Quantity: money.One, UnitPrice: 5450, TaxRate: 1900, Total: 5450}}}
	for _, c := range change {
		c(&in)
	}
	o, _, err := b.orders.Create(b.t.Context(), in, "shop")
	b.must(err)
	return o
}

// invoice makes the invoice of an order.
func (b *books) invoice(o *order.Order) *document.Invoice {
	b.t.Helper()
	var inv *document.Invoice
	b.must(b.db.InTx(b.t.Context(), func(tx *gorm.DB) error {
		locked, err := order.Lock(tx, o.ID)
		if err == nil {
			inv, _, err = b.documents.CreateInvoice(tx, locked, "clerk")
		}
		return err
	}))
	return inv
}

// owed makes an order with its invoice.
func (b *books) owed(change ...func(in *order.Input)) *document.Invoice {
	b.t.Helper()
	return b.invoice(b.order("invoice", change...))
}

// at sets the clock.
func (b *books) at(t time.Time) { b.clock.Advance(t.Sub(b.clock.Now())) }

// remind makes the reminder that is due.
func (b *books) remind(inv *document.Invoice) *dunning.Reminder {
	b.t.Helper()
	r, err := b.Remind(b.t.Context(), inv.ID, "bookkeeper")
	b.must(err)
	return r
}

func (b *books) find(inv *document.Invoice) *dunning.Item {
	b.t.Helper()
	i, err := b.Find(b.t.Context(), inv.ID)
	b.must(err)
	return i
}

// lists fails unless a part of the list, its count and its sum are these invoices.
func (b *books) lists(f dunning.Filter, want ...*document.Invoice) {
	b.t.Helper()
	p, err := b.List(b.t.Context(), f)
	b.must(err)
	var numbers []string
	var amount int64
	for _, inv := range want {
		numbers = append(numbers, inv.Number)
		amount += inv.Amount
	}
	if got := numbersOf(p.Items); !slices.Equal(got, numbers) {
		b.t.Errorf("%+v lists %q, want %q", f, got, numbers)
	}
	sums, err := b.Sums(b.t.Context(), f)
	b.must(err)
	var got int64
	count := 0
	for _, s := range sums {
		got, count = got+s.Amount, count+s.Count
	}
	if got != amount || count != len(want) {
		b.t.Errorf("%+v: %d items over %d, want %d over %d", f, count, got, len(want), amount)
	}
	if f.Query != "" {
		return
	}
	if n, err := b.Count(b.t.Context(), f.Show); err != nil || n != len(want) {
		b.t.Errorf("%+v counts %d (%v), want %d", f, n, err, len(want))
	}
}

func numbersOf(items []dunning.Item) (numbers []string) {
	for _, i := range items {
		numbers = append(numbers, i.InvoiceNumber)
	}
	return numbers
}

// refused fails unless err is a Conflict with this key.
func refused(t *testing.T, err error, key string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != fault.Conflict || e.Key != key {
		t.Errorf("%v, want a conflict: %s", err, key)
	}
}

// kinds are the kinds of the entries in an order's protocol, oldest first.
func (b *books) kinds(orderID int64) (kinds []string) {
	b.t.Helper()
	b.must(b.db.Read(b.t.Context()).Model(&order.ProtocolEntry{}).Where("order_id = ?", orderID).Order("id").Pluck("kind", &kinds).Error)
	return kinds
}
