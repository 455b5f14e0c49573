package dispatch_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

var begin = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

// shop is a dispatch service with three payment methods; nobody talks to Klarna.
type shop struct {
	*testing.T
	db       *store.DB
	clock    *clock.Clock
	methods  *paymentmethod.Service
	orders   *order.Service
	dispatch *dispatch.Service
	batches  *batch.Service
	mails    *mail.Service
	made     atomic.Int64
}

func newShop(t *testing.T, db *store.DB) *shop {
	t.Helper()
	s := &shop{T: t, db: db, clock: clock.NewFixed(begin)}
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "key"))
	s.must(err)
	bell, client := work.NewBell(), klarna.New(klarna.Options{})
	s.methods = paymentmethod.New(db, s.clock, box, audit.New(db), client, bell, paymentmethod.ProbePolicy{Every: time.Minute})
	pusher := capture.NewPusher(db, s.clock, bell, client, s.methods, capture.DefaultPolicy, 1)
	s.methods.Depend(pusher)
	s.orders = order.New(db, s.clock)
	s.batches = batch.New(db, s.clock, bell)
	s.mails = mail.New(db, s.clock, box, audit.New(db), mail.Options{})
	s.dispatch = dispatch.New(db, s.clock, dispatch.Deps{Captures: pusher, Carriers: carrier.New(db, s.clock, audit.New(db)),
		Documents: document.New(db, s.clock, audit.New(db)), Mails: s.mails, Batches: s.batches, Trail: audit.New(db)})
	s.batches.Handle(batch.Autoship, s.dispatch.Autoship)
	for _, k := range dispatch.BulkKinds {
		s.batches.Handle(k, s.dispatch.Bulk)
	}
	for typ, change := range map[string]func(in *paymentmethod.Input){
		"klarna":  func(in *paymentmethod.Input) { in.Username, in.Password = "K000000_sandbox", "sandbox-password" },
		"manual":  func(in *paymentmethod.Input) { in.Connection = paymentmethod.Manual },
		"invoice": func(in *paymentmethod.Input) { *in = paymentmethod.Defaults(paymentmethod.ModuleNone) },
	} {
		in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
		change(&in)
		in.Type, in.Name = typ, typ
		_, err := s.methods.Create(t.Context(), in, "admin")
		s.must(err)
	}
	return s
}

func (s *shop) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// place makes an order of three cups, two plates and the shipping fee.
func (s *shop) place(method string, change ...func(in *order.Input)) *order.Order {
	s.Helper()
	in := order.Input{Number: fmt.Sprintf("A%d", s.made.Add(1)), PaymentMethod: method, Currency: "EUR", Total: 5450, CustomerName: "Max Muster",
		BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines: []order.LineInput{
			{Name: "Tasse", Type: order.Physical, Quantity: 3 * money.One, UnitPrice: 1000, Total: 3000},
			{Name: "Teller", Type: order.Physical, Quantity: 2 * money.One, UnitPrice: 1000, Total: 2000},
			{Name: "Versand", Type: order.ShippingFee, Quantity: money.One, UnitPrice: 450, Total: 450}}}
	if method != "invoice" {
		in.KlarnaOrderID = uuid.NewString()
	}
	for _, c := range change {
		c(&in)
	}
	o, _, err := s.orders.Create(s.Context(), in, "shop")
	s.must(err)
	return o
}

func parcel(number string) dispatch.ParcelInput {
	return dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: number}
}

func on(note, number string) dispatch.ParcelInput {
	in := parcel(number)
	in.DeliveryNote = note
	return in
}

func (s *shop) record(o *order.Order, in dispatch.ParcelInput) dispatch.Recorded {
	s.Helper()
	r, err := s.dispatch.RecordParcel(s.Context(), o.ID, in, "clerk")
	s.must(err)
	return r
}

func (s *shop) note(o *order.Order, parts ...dispatch.LineQuantity) *order.DeliveryNote {
	s.Helper()
	n, err := s.dispatch.CreateNote(s.Context(), o.ID, parts, "clerk")
	s.must(err)
	return n
}

func cups(n int) dispatch.LineQuantity {
	return dispatch.LineQuantity{Line: 1, Quantity: money.Quantity(n) * money.One}
}

func plates(n int) dispatch.LineQuantity {
	return dispatch.LineQuantity{Line: 2, Quantity: money.Quantity(n) * money.One}
}

func (s *shop) now(o *order.Order) *order.Order {
	s.Helper()
	var now order.Order
	s.must(s.db.Read(s.Context()).Take(&now, o.ID).Error)
	s.must(s.db.Read(s.Context()).Preload("Parcels").Preload("Lines").Where("order_id = ?", o.ID).Order("id").Find(&now.Notes).Error)
	return &now
}

func (s *shop) captures(o *order.Order) (all []capture.Capture) {
	s.Helper()
	s.must(s.db.Read(s.Context()).Where("order_id = ?", o.ID).Order("id").Find(&all).Error)
	return all
}

func (s *shop) kinds(o *order.Order) (kinds []string) {
	s.Helper()
	s.must(s.db.Read(s.Context()).Model(&order.ProtocolEntry{}).Where("order_id = ?", o.ID).Order("id").Pluck("kind", &kinds).Error)
	return kinds
}

// reach brings the captures of an order into a state, as a worker would.
func (s *shop) reach(o *order.Order, state capture.State) {
	s.Helper()
	_, err := s.db.Exec(s.Context(), "UPDATE captures SET state = ? WHERE order_id = ?", state, o.ID)
	s.must(err)
}

// refused checks an error: its code, and its fields with their keys, or its own key.
func (s *shop) refused(err error, code fault.Code, want ...string) {
	s.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != code {
		s.Errorf("%v, want %s %v", err, code, want)
		return
	}
	got := []string{e.Key}
	if len(e.Fields) > 0 {
		got = nil
		for _, f := range e.Fields {
			got = append(got, f.Name+" "+f.Key)
		}
	}
	if !slices.Equal(got, want) {
		s.Errorf("%s, want %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}
