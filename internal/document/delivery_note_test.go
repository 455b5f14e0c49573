package document_test

import (
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

func TestDeliveryNoteSaysWhatLeaves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		o.company(teaHouse())
		made := o.order(pots())
		n := o.note(made, nil)
		d, err := o.DeliveryNote(t.Context(), n.ID, clerk)
		must(t, err)
		if d.Kind != document.KindDeliveryNote || d.Number != n.Number || *d.OrderID != made.ID || d.Language != "de" || d.CreatedBy != clerk ||
			!d.CreatedAt.Equal(noon) || d.FileName() != "Lieferschein_300001.pdf" {
			t.Errorf("kept %+v", d)
		}
		says(t, d.PDF, "Lieferschein 300001", "Teehaus Muster GmbH · Fuggerstraße 11 · 86150 Augsburg", "Łukasz Çelik-Ștefan", "Großer Weg 1",
			"80331 München", "03.11.2026", made.Number, "SHOP-4711", "1 TK-1 Teekanne „Łódź“ 2", "2 GT-2 Grüner Tee 4", "Seite 1 von 1",
			"HRB 12345", "USt-IdNr. DE123456789", "IBAN DE89 3704 0044 0532 0130 00", "Geschäftsführerin: Erika Beispiel")
		keepsQuiet(t, d.PDF, "€", "25,00", "Versand", "Rabatt", "DEUTSCHLAND", "Bitte geben Sie")
	})
}

func TestPartDeliveries(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	made := o.order(pots())
	first := o.note(made, map[int]money.Quantity{1: money.One})
	second := o.note(made, map[int]money.Quantity{2: 1500})
	third := o.note(made, nil)
	for _, tt := range []struct {
		note *order.DeliveryNote
		want []string
		not  string
	}{
		{third, []string{"TK-1 Teekanne „Łódź“ 2 1 1 0", "GT-2 Grüner Tee 4 1,5 2,5 0"}, ""}, // first printed last
		{first, []string{"Bestellt Bisher Geliefert Offen", "TK-1 Teekanne „Łódź“ 2 0 1 1", "GT-2 Grüner Tee 4 0 0 4"}, ""},
		{second, []string{"TK-1 Teekanne „Łódź“ 2 1 0 1", "GT-2 Grüner Tee 4 0 1,5 2,5"}, ""},
	} {
		d, err := o.DeliveryNote(t.Context(), tt.note.ID, clerk)
		must(t, err)
		says(t, d.PDF, tt.want...)
	}
}

func TestLanguageFollowsTheParcel(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.company(teaHouse())
	for country, want := range map[string][]string{
		"DE": {"Lieferschein"}, "AT": {"Lieferschein", "ÖSTERREICH"}, "CH": {"Lieferschein", "SCHWEIZ"}, "LI": {"Lieferschein", "LIECHTENSTEIN"},
		"LU": {"Lieferschein", "LUXEMBURG"}, "FR": {"Delivery note", "FRANCE"}, "GB": {"Delivery note", "UNITED KINGDOM"}, "": {"Delivery note"},
	} {
		made := o.order(pots(func(in *order.Input) {
			there := in.BillingAddress
			there.Country = country
			in.ShippingAddress = &there
		}))
		d, err := o.DeliveryNote(t.Context(), o.note(made, nil).ID, clerk)
		must(t, err)
		says(t, d.PDF, want...)
	}
}

func TestTextOfAnOrderWithoutInvoice(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	made := o.order(pots(func(in *order.Input) { in.PaymentMethod = "klarna" }))
	d, err := o.DeliveryNote(t.Context(), o.note(made, nil).ID, clerk)
	must(t, err)
	says(t, d.PDF, "Betrag dankend per Klarna erhalten.")
}

func TestManyLinesGoOnOnTheNextPage(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.company(teaHouse())
	long := "Handbemalte Teekanne „Morgenröte“ aus Meißener Porzellan mit Sieb, Untersetzer und " + strings.Repeat("sehr langem Namen ", 8)
	made := o.order(pots(func(in *order.Input) {
		in.Lines = nil
		for range 60 {
			in.Lines = append(in.Lines, order.LineInput{SKU: "TK-1", Name: long, Type: order.Physical, Quantity: money.One, UnitPrice: 100, TaxRate: 1900, Total: 100})
		}
		in.Total = 6000
	}))
	d, err := o.DeliveryNote(t.Context(), o.note(made, nil).ID, clerk)
	must(t, err)
	all := pages(t, d.PDF)
	if len(all) < 3 {
		t.Fatalf("%d pages", len(all))
	}
	rows := 0
	for i, text := range all {
		rows += strings.Count(text, "Handbemalte")
		for _, want := range []string{"Artikel-Nr. Bezeichnung Menge", "Lieferschein 300001", "HRB 12345"} {
			if !strings.Contains(text, want) {
				t.Errorf("page %d does not say %q", i+1, want)
			}
		}
	}
	says(t, d.PDF, "Seite 1 von "+string(rune('0'+len(all))))
	if rows != 60 {
		t.Errorf("%d rows", rows)
	}
}

func TestWhatDoesNotLeaveHasNoPapers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		made := o.order(pots())
		n := o.note(made, nil)
		_, err := o.DeliveryNote(t.Context(), n.ID, clerk) // printed before
		must(t, err)
		papers := map[string]func() error{
			"delivery note": func() error { _, err := o.DeliveryNote(t.Context(), n.ID, clerk); return err },
			"label":         func() error { _, err := o.Label(t.Context(), n.ID, clerk); return err },
			"pick list":     func() error { _, err := o.PickList(t.Context(), []int64{n.ID}); return err },
		}
		o.set(made, "status", order.Cancelled)
		for name, print := range papers {
			t.Log(name)
			refused(t, print(), fault.Conflict, "document.error.cancelled")
		}
		o.set(made, "status", order.Released)
		must(t, o.db.InTx(t.Context(), withdraw(n, o.clock.Now())))
		for name, print := range papers {
			t.Log(name)
			refused(t, print(), fault.Conflict, "document.error.withdrawn")
		}
		n.ID += 1000
		for name, print := range papers {
			t.Log(name)
			refused(t, print(), fault.NotFound, "document.error.no_such_note")
		}
	})
}

func TestDatesAreThoseOfTheWall(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.clock.Advance(time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC).Sub(noon))
	d, err := o.DeliveryNote(t.Context(), o.note(o.order(pots()), nil).ID, clerk)
	must(t, err)
	says(t, d.PDF, "01.01.2027")
}
