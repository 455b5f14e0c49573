package document_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

const clerk = "Erika Beispiel"

var noon = time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC)

// office is where papers are made.
type office struct {
	*document.Service
	t      *testing.T
	db     *store.DB
	clock  *clock.Clock
	trail  *audit.Trail
	orders *order.Service
}

func open(t *testing.T, db *store.DB) *office {
	t.Helper()
	clk := clock.NewFixed(noon)
	o := &office{t: t, db: db, clock: clk, trail: audit.New(db), orders: order.New(db, clk)}
	o.Service = document.New(db, clk, o.trail)
	for _, m := range []paymentmethod.Method{
		{Type: "invoice", Name: "Rechnung", BehavesLike: paymentmethod.Invoice, Documents: paymentmethod.DeliveryNoteAndInvoice,
			DocumentText: "Bitte geben Sie {BELEGNR} an. {SONSTIGES}"},
		{Type: "klarna", Name: "Klarna", BehavesLike: paymentmethod.Invoice, Documents: paymentmethod.DeliveryNoteOnly, MarkPaid: true,
			DocumentText: "Betrag dankend per Klarna erhalten."},
	} {
		m.Module, m.Active, m.CreatedAt, m.UpdatedAt = paymentmethod.ModuleNone, true, noon, noon
		o.inTx(func(tx *gorm.DB) error { return tx.Create(&m).Error })
	}
	return o
}

// each runs the test on both databases.
func each(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, open(t, db)) })
}

// onSQLite is for what has nothing to do with the database.
func onSQLite(t *testing.T) *office {
	t.Helper()
	return open(t, storetest.SQLite(t))
}

func (o *office) inTx(fn func(tx *gorm.DB) error) {
	o.t.Helper()
	must(o.t, o.db.InTx(o.t.Context(), fn))
}

// teaHouse is a company with everything.
func teaHouse() document.Company {
	return document.Company{
		Name: "Teehaus Muster GmbH", Street: "Fuggerstraße 11", PostalCode: "86150", City: "Augsburg", Country: "DE",
		Phone: "+49 821 123456", Email: "hallo@teehaus.example", Website: "www.teehaus.example", VATID: "DE123456789", TaxNumber: "103/123/45678",
		Register: "Amtsgericht Augsburg, HRB 12345", Bank: "Stadtbank Augsburg", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX",
		FooterText: "Geschäftsführerin: Erika Beispiel", PaymentTermDays: 10,
	}
}

func (o *office) company(c document.Company) {
	o.t.Helper()
	must(o.t, o.UpdateCompany(o.t.Context(), c, document.LogoChange{}, clerk))
}

// pots is an order of teapots at two rates of tax, with shipping and a discount.
func pots(change ...func(*order.Input)) order.Input {
	in := order.Input{
		PaymentMethod: "invoice", Currency: "EUR", Total: 7090, CustomerName: "Łukasz Çelik-Ștefan", ExternalNumber: "SHOP-4711",
		BillingAddress: order.Address{Name: "Łukasz Çelik-Ștefan", Street: "Großer Weg 1", PostalCode: "80331", City: "München", Country: "DE"},
		Lines: []order.LineInput{
			{SKU: "TK-1", Name: "Teekanne „Łódź“", Type: order.Physical, Quantity: 2 * money.One, UnitPrice: 2500, TaxRate: 1900, Total: 5000},
			{SKU: "GT-2", Name: "Grüner Tee", Type: order.Physical, Quantity: 4 * money.One, UnitPrice: 500, TaxRate: 700, Total: 2000},
			{Name: "Versand", Type: order.ShippingFee, Quantity: money.One, UnitPrice: 490, TaxRate: 1900, Total: 490},
			{Name: "Rabatt", Type: order.Discount, Quantity: money.One, UnitPrice: -400, TaxRate: 1900, Total: -400},
		},
	}
	for _, f := range change {
		f(&in)
	}
	return in
}

func (o *office) order(in order.Input) *order.Order {
	o.t.Helper()
	made, _, err := o.orders.Create(o.t.Context(), in, clerk)
	must(o.t, err)
	return made
}

// note makes the next delivery note of an order, for these quantities by position; none
// means all that is open.
func (o *office) note(made *order.Order, quantities map[int]money.Quantity) *order.DeliveryNote {
	o.t.Helper()
	var n order.DeliveryNote
	o.inTx(func(tx *gorm.DB) error {
		var there []order.DeliveryNote
		if err := tx.Preload("Lines").Where("order_id = ?", made.ID).Order("id").Find(&there).Error; err != nil {
			return err
		}
		chosen := order.Open(made.Lines, there)
		if quantities != nil {
			chosen = map[int64]money.Quantity{}
			for position, q := range quantities {
				chosen[made.Lines[position-1].ID] = q
			}
		}
		n = order.PlanNote(made, made.Lines, there, chosen)
		var err error
		if n.Number, err = store.NextNumber(tx, "delivery_notes", 300001); err != nil {
			return err
		}
		n.CreatedBy, n.CreatedAt = clerk, o.clock.Now()
		return tx.Create(&n).Error
	})
	return &n
}

func (o *office) invoice(made *order.Order) *document.Invoice {
	o.t.Helper()
	inv, _, err := o.MakeInvoice(o.t.Context(), made.ID, clerk)
	must(o.t, err)
	return inv
}

// set changes a column of an order.
func (o *office) set(made *order.Order, column string, value any) {
	o.t.Helper()
	o.inTx(func(tx *gorm.DB) error {
		return tx.Model(&order.Order{}).Where("id = ?", made.ID).Update(column, value).Error
	})
}

// pages is what can be read on each page of a PDF.
func pages(t *testing.T, file []byte) []string {
	t.Helper()
	var all []string
	for _, s := range read(t, file) {
		all = append(all, s.String())
	}
	return all
}

// says fails unless all of these texts can be read in a PDF.
func says(t *testing.T, file []byte, texts ...string) {
	t.Helper()
	all := strings.Join(pages(t, file), " ")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("it does not say %q: %s", text, all)
		}
	}
}

// keepsQuiet fails if any of these texts can be read in a PDF.
func keepsQuiet(t *testing.T, file []byte, texts ...string) {
	t.Helper()
	all := strings.Join(pages(t, file), " ")
	for _, text := range texts {
		if strings.Contains(all, text) {
			t.Errorf("it says %q: %s", text, all)
		}
	}
}

// refused fails unless err tells a person this.
func refused(t *testing.T, err error, code fault.Code, key string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != code || e.Key != key {
		t.Errorf("%v, want %s %s", err, code, key)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// withdraw takes a delivery note back.
func withdraw(n *order.DeliveryNote, at time.Time) func(tx *gorm.DB) error {
	return func(tx *gorm.DB) error {
		return tx.Model(&order.DeliveryNote{}).Where("id = ?", n.ID).Update("withdrawn_at", at).Error
	}
}
