package document_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

func TestSeveralInOneFile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		first, second := o.order(pots()), o.order(pots(func(in *order.Input) { in.PaymentMethod = "klarna" }))
		a, b, c := o.note(first, map[int]money.Quantity{1: money.One}), o.note(first, nil), o.note(second, nil)
		o.invoice(first)
		var items []document.Item
		for _, n := range []*order.DeliveryNote{a, b, c, a} {
			items = append(items, document.Item{Kind: document.KindDeliveryNote, NoteID: n.ID}, document.Item{Kind: document.KindLabel, NoteID: n.ID},
				document.Item{Kind: document.KindInvoice, OrderID: n.OrderID})
		}
		file, err := o.Print(t.Context(), items, clerk)
		must(t, err)
		want := []string{"Lieferschein " + a.Number, "Absender", "Rechnung 400001", "Lieferschein " + b.Number, "Absender", "Lieferschein " + c.Number, "Absender"}
		got := pages(t, file)
		if len(got) != len(want) {
			t.Fatalf("%d pages, want %d", len(got), len(want))
		}
		for i, text := range got {
			if !strings.Contains(text, want[i]) {
				t.Errorf("page %d does not say %q: %s", i+1, want[i], text)
			}
		}
		for range 5 {
			if again, err := o.Print(t.Context(), items, clerk); err != nil || !bytes.Equal(again, file) {
				t.Fatalf("printed again: %d bytes, were %d, %v", len(again), len(file), err)
			}
		}
		var kept int64
		must(t, o.db.Read(t.Context()).Model(&document.Document{}).Count(&kept).Error)
		if kept != int64(len(want)) {
			t.Errorf("%d kept", kept)
		}
	})
}

func TestPrintRefuses(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	made := o.order(pots(func(in *order.Input) { in.PaymentMethod = "klarna" }))
	n := o.note(made, nil)
	for key, items := range map[string][]document.Item{
		"document.error.nothing_to_print": {{Kind: document.KindInvoice, OrderID: made.ID}},
		"document.error.no_such_note":     {{Kind: document.KindLabel, NoteID: n.ID + 1}},
		"document.error.too_many":         slices.Repeat([]document.Item{{Kind: document.KindLabel, NoteID: n.ID}}, document.MaxPrint+1),
		"error.choice":                    {{Kind: document.KindReminder, NoteID: n.ID}},
	} {
		_, err := o.Print(t.Context(), items, clerk)
		refused(t, err, map[string]fault.Code{
			"document.error.nothing_to_print": fault.Conflict, "document.error.no_such_note": fault.NotFound,
			"document.error.too_many": fault.TooLarge, "error.choice": fault.Invalid,
		}[key], key)
	}
	_, err := o.Print(t.Context(), nil, clerk)
	refused(t, err, fault.Conflict, "document.error.nothing_to_print")
}

func TestFindNotes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		made := o.order(pots())
		a, b := o.note(made, map[int]money.Quantity{1: money.One}), o.note(made, nil)
		got, err := o.FindNotes(t.Context(), []string{b.Number, a.Number, b.Number})
		want := []document.NoteRef{{b.ID, b.Number, made.ID}, {a.ID, a.Number, made.ID}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v", got, err)
		}
		_, err = o.FindNotes(t.Context(), []string{a.Number, "4711"})
		refused(t, err, fault.NotFound, "dispatch.error.no_such_note")
		_, err = o.FindNotes(t.Context(), []string{a.Number, "a\x00"})
		refused(t, err, fault.NotFound, "document.error.no_such_note")
	})
}

func TestPickList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		download := order.LineInput{SKU: "PDF", Name: "Teebuch zum Laden", Type: order.Digital, Quantity: money.One}
		first := o.order(pots(func(in *order.Input) { in.Lines = append(in.Lines, download) }))
		second := o.order(pots(func(in *order.Input) { in.BillingAddress.Country = "FR" }))
		a := o.note(first, map[int]money.Quantity{1: money.One, 2: 2500, 5: money.One})
		b := o.note(second, nil)
		d, err := o.PickList(i18n.WithLanguage(t.Context(), i18n.German), []int64{b.ID, a.ID, b.ID})
		must(t, err)
		if d.FileName() != "Pickliste_2026-11-03_1200.pdf" || d.ID != 0 {
			t.Errorf("%s, %d", d.FileName(), d.ID)
		}
		says(t, d.PDF, "03.11.2026, 12:00 Uhr · 2 Lieferscheine", "GT-2 Grüner Tee 2 6,5 TK-1 Teekanne „Łódź“ 2 3",
			"Lieferschein "+b.Number+" · Auftrag "+second.Number, "TK-1 Teekanne „Łódź“ 2 GT-2 Grüner Tee 4",
			"Lieferschein "+a.Number, "TK-1 Teekanne „Łódź“ 1 GT-2 Grüner Tee 2,5")
		keepsQuiet(t, d.PDF, "Teebuch", "Versand ")
		all := pages(t, d.PDF)[0]
		if strings.Index(all, "Lieferschein "+b.Number) > strings.Index(all, "Lieferschein "+a.Number) {
			t.Error("not in the order that was asked for")
		}
		if d, err = o.PickList(t.Context(), []int64{a.ID}); err != nil {
			t.Fatal(err)
		}
		says(t, d.PDF, "Pick list", "1 delivery note", "GT-2 Grüner Tee 1 2.5")
	})
}

func TestReminder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		o.company(teaHouse())
		german, french := o.order(pots()), o.order(pots(func(in *order.Input) { in.BillingAddress.Country = "FR" }))
		at := noon.AddDate(0, 0, 20)
		for level, want := range map[int][]string{
			1: {"Zahlungserinnerung zu Rechnung 400001", "Guten Tag Łukasz Çelik-Ștefan,", "nur übersehen", "Zu zahlen 70,90 €"},
			2: {"1. Mahnung zu Rechnung 400001", "Auch nach unserer Erinnerung", "Mahngebühr 23.11.2026 2,50 €", "Bisherige Mahngebühren 1,00 €", "Zu zahlen 74,40 €"},
			3: {"2. Mahnung zu Rechnung 400001", "letzte Mahnung", "Rechnung 400001 03.11.2026 13.11.2026 70,90 €", "bis zum 03.12.2026", "Verwendungszweck 400001"},
		} {
			in := document.ReminderInput{Number: "50000" + string(rune('0'+level)), Invoice: *o.invoice(german), Level: level, PayBy: document.EndOfDay(noon, 30), At: at}
			if level == 2 {
				in.Fee, in.EarlierFees = 250, 100
			}
			d, err := o.Reminder(t.Context(), in, clerk)
			must(t, err)
			if d.Kind != document.KindReminder || d.Number != in.Number || *d.OrderID != german.ID {
				t.Errorf("kept %+v", d)
			}
			says(t, d.PDF, want...)
		}
		d, err := o.Reminder(t.Context(), document.ReminderInput{Number: "500009", Invoice: *o.invoice(french), Level: 1, PayBy: at, At: at, Name: called("Nudge")}, clerk)
		must(t, err)
		says(t, d.PDF, "Nudge for invoice 400002", "Dear Łukasz Çelik-Ștefan,", "FRANCE", "Amount due €70.90")
	})
}

// called is the name of a level of reminders.
type called string

func (c called) Localize(lang string) string {
	if lang == i18n.English {
		return string(c)
	}
	return ""
}

func TestMergeOfMany(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.company(teaHouse())
	n := o.note(o.order(pots()), nil)
	d, err := o.DeliveryNote(t.Context(), n.ID, clerk)
	must(t, err)
	file, err := document.Merge(slices.Repeat([]*document.Document{d}, 100))
	must(t, err)
	if got := len(read(t, file)); got != 100 {
		t.Errorf("%d pages", got)
	}
}
