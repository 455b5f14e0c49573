package order_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

var now = time.Date(2026, 11, 3, 8, 15, 0, 0, time.UTC)

// shop is a database with payment methods, and the service over it.
type shop struct {
	*order.Service
	db      *store.DB
	clock   *clock.Clock
	methods map[string]paymentmethod.Method
}

func open(t *testing.T, db *store.DB) shop {
	t.Helper()
	clk := clock.NewFixed(now)
	s := shop{Service: order.New(db, clk), db: db, clock: clk, methods: map[string]paymentmethod.Method{}}
	for _, m := range []paymentmethod.Method{
		{Type: "klarna", Module: paymentmethod.ModuleKlarna, Connection: paymentmethod.API, BehavesLike: paymentmethod.Invoice,
			Documents: paymentmethod.DeliveryNoteAndInvoice},
		{Type: "prepaid", Module: paymentmethod.ModuleNone, BehavesLike: paymentmethod.Prepayment, MarkPaid: true,
			Documents: paymentmethod.DeliveryNoteOnly},
	} {
		m.Name, m.Active, m.CreatedAt, m.UpdatedAt = "Method "+m.Type, true, now, now
		s.inTx(t, func(tx *gorm.DB) error { return tx.Create(&m).Error })
		s.methods[m.Type] = m
	}
	return s
}

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, s shop)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, open(t, db)) })
}

func (s shop) inTx(t testing.TB, fn func(tx *gorm.DB) error) {
	t.Helper()
	if err := s.db.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (s shop) create(t testing.TB, in order.Input) *order.Order {
	t.Helper()
	o, created, err := s.Create(t.Context(), in, "test")
	if err != nil {
		t.Fatal(err)
	}
	if !created {
		t.Fatalf("order %s was there already", in.Number)
	}
	return o
}

// fill makes n plain orders at once, numbered from first.
func (s shop) fill(t testing.TB, first, n int, change func(i int, o *order.Order)) []order.Order {
	t.Helper()
	orders := make([]order.Order, n)
	for i := range orders {
		orders[i] = order.Order{Number: fmt.Sprint(first + i), Status: order.Released, PlacedAt: now, PaymentMethodID: s.methods["klarna"].ID,
			Currency: "EUR", CustomerName: "Max Muster", Documents: paymentmethod.DeliveryNoteOnly, TellKlarna: true,
			Feedback: order.FeedbackWaiting, CreatedAt: now, UpdatedAt: now}
		if change != nil {
			change(i, &orders[i])
		}
	}
	s.inTx(t, func(tx *gorm.DB) error { return tx.Omit("PaymentMethod").CreateInBatches(orders, store.Batch).Error })
	return orders
}

// input is an order that nothing is wrong with.
func input() order.Input {
	return order.Input{
		Number: "200081", ExternalNumber: "SHOP-4711", PlacedAt: now.Add(-time.Hour), PaymentMethod: "klarna",
		KlarnaOrderID: "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10", Currency: "EUR", Total: 6457,
		CustomerName: "Max Muster", CustomerEmail: "max@example.com",
		BillingAddress: order.Address{Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines: []order.LineInput{
			{SKU: "T-1", Name: "Teekanne", Type: order.Physical, Quantity: money.One, UnitPrice: 5958, TaxRate: 1900, Total: 5958},
			{Name: "Versand", Type: order.ShippingFee, Quantity: money.One, UnitPrice: 499, TaxRate: 1900, Total: 499},
		},
	}
}

// plain is an order with a number of its own and nothing else that must be unique.
func plain(number string) order.Input {
	in := input()
	in.Number, in.ExternalNumber, in.KlarnaOrderID = number, "", ""
	return in
}

// wantFault checks the code of an error and its fields, each "name key".
func wantFault(t testing.TB, err error, code fault.Code, fields ...string) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error = %v, want %s", err, code)
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Name+" "+f.Key)
	}
	if !slices.Equal(got, fields) {
		t.Fatalf("fields = %q, want %q", got, fields)
	}
}

func numbers(orders []order.Order) []string {
	out := []string{}
	for _, o := range orders {
		out = append(out, o.Number)
	}
	return out
}
