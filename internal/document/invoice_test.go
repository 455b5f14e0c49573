package document_test

import (
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

func TestInvoiceSaysWhatTheLawAsks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		o.company(teaHouse())
		made := o.order(pots())
		n := o.note(made, nil)
		o.inTx(func(tx *gorm.DB) error {
			return tx.Model(&order.DeliveryNote{}).Where("id = ?", n.ID).Update("shipped_at", noon.Add(-48*time.Hour)).Error
		})
		inv := o.invoice(made)
		d, err := o.InvoicePDF(t.Context(), inv.ID, clerk)
		must(t, err)
		if d.Kind != document.KindInvoice || d.Number != "400001" || *d.OrderID != made.ID || d.FileName() != "Rechnung_400001.pdf" {
			t.Errorf("kept %+v", d)
		}
		says(t, d.PDF, "Rechnung 400001", "Rechnungsdatum 03.11.2026", "Lieferdatum 01.11.2026", "Teehaus Muster GmbH", "USt-IdNr. DE123456789",
			"Steuernummer 103/123/45678", "Łukasz Çelik-Ștefan", "1 TK-1 Teekanne „Łódź“ 2 19 % 25,00 € 50,00 €", "2 GT-2 Grüner Tee 4 7 % 5,00 € 20,00 €",
			"3 Versand 1 19 % 4,90 € 4,90 €", "4 Rabatt 1 -4,00 € -4,00 €",
			// the discount is 2.86 on the pots and 1.14 on the tea
			"Netto zu 19 % 43,73 €", "Umsatzsteuer 19 % 8,31 €", "Netto zu 7 % 17,63 €", "Umsatzsteuer 7 % 1,23 €", "Rechnungsbetrag 70,90 €",
			"Bitte zahlen Sie 70,90 € bis zum 13.11.2026.", "DE89 3704 0044 0532 0130 00", "Verwendungszweck 400001", "Bitte geben Sie 400001 an. {SONSTIGES}")
		keepsQuiet(t, d.PDF, "Bezahlt", "Zu zahlen")
	})
}

func TestInvoiceInEnglish(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.company(teaHouse())
	made := o.order(pots(func(in *order.Input) { in.BillingAddress.Country = "IE" }))
	d, err := o.InvoicePDF(t.Context(), o.invoice(made).ID, clerk)
	must(t, err)
	says(t, d.PDF, "Invoice 400001", "Invoice date 3 November 2026", "Delivery date same as invoice date", "IRELAND", "VAT 19 % €8.31",
		"Invoice total €70.90", "Please pay €70.90 by 13 November 2026.", "Page 1 of 1", "VAT ID DE123456789")
}

func TestVouchersArePaymentsAndNotReductions(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	made := o.order(pots(func(in *order.Input) {
		in.Lines = []order.LineInput{
			{SKU: "TK-1", Name: "Teekanne", Type: order.Physical, Quantity: money.One, UnitPrice: 11900, TaxRate: 1900, Total: 11900},
			{Name: "Geschenkkarte 99", Type: order.GiftCard, Quantity: money.One, UnitPrice: -2000, Total: -2000},
			{Name: "Guthaben", Type: order.StoreCredit, Quantity: money.One, UnitPrice: -900, Total: -900},
		}
		in.Total = 9000
	}))
	d, err := o.InvoicePDF(t.Context(), o.invoice(made).ID, clerk)
	must(t, err)
	says(t, d.PDF, "Netto zu 19 % 100,00 € Umsatzsteuer 19 % 19,00 € Rechnungsbetrag 119,00 € Geschenkkarte 99 -20,00 € Guthaben -9,00 € Zu zahlen 90,00 €",
		"Bitte zahlen Sie 90,00 €")
}

func TestHowAnInvoiceIsPaid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(o *office, made *order.Order)
		in     func(in *order.Input)
		want   string
	}{
		"marked as paid": {in: func(in *order.Input) { yes := true; in.MarkPaid = &yes }, want: "Bezahlt per Rechnung."},
		"paid": {change: func(o *office, made *order.Order) { o.set(made, "paid_at", noon.AddDate(0, 0, -1)) },
			want: "Bezahlt am 02.11.2026 per Rechnung."},
		"direct debit": {change: func(o *office, made *order.Order) {
			o.set(made, "behaves_like", paymentmethod.DirectDebit)
		}, want: "Der Betrag von 70,90 € wird per Rechnung von Ihrem Konto eingezogen."},
		"nothing": {in: func(in *order.Input) {
			in.Total = 0
			in.Lines = append(in.Lines, order.LineInput{Name: "Karte", Type: order.GiftCard, Quantity: money.One, Total: -7090})
		}, want: "Es ist nichts zu zahlen."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := onSQLite(t)
			o.company(teaHouse())
			in := pots()
			if tt.in != nil {
				tt.in(&in)
			}
			made := o.order(in)
			if tt.change != nil {
				tt.change(o, made)
			}
			d, err := o.InvoicePDF(t.Context(), o.invoice(made).ID, clerk)
			must(t, err)
			says(t, d.PDF, tt.want)
			keepsQuiet(t, d.PDF, "Bitte zahlen", "Kontoinhaber")
		})
	}
}

func TestReducedLineSaysSo(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	d, err := o.InvoicePDF(t.Context(), o.invoice(o.order(pots(func(in *order.Input) {
		in.Lines[0].Total -= 150
		in.Total -= 150
	}))).ID, clerk)
	must(t, err)
	says(t, d.PDF, "darin Nachlass 1,50 €")
	if n := strings.Count(strings.Join(pages(t, d.PDF), ""), "Nachlass"); n != 1 {
		t.Errorf("%d lines are reduced", n)
	}
}

// TestAmountsByRate compares what invoices say with another calculation, in fractions.
func TestAmountsByRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines, total := anOrder(t)
		a := document.AccountOf(lines)
		var gross, vouchers int64
		for _, l := range lines {
			if l.Type == order.GiftCard || l.Type == order.StoreCredit {
				vouchers -= l.Total
			}
		}
		if !slices.IsSortedFunc(a.Shares, func(x, y document.TaxShare) int { return int(y.Rate - x.Rate) }) {
			t.Fatalf("not by rate: %+v", a.Shares)
		}
		for _, s := range a.Shares {
			if s.Net+s.Tax != s.Gross || s.Net < 0 || s.Tax < 0 {
				t.Fatalf("%+v", s)
			}
			exact := big.NewRat(s.Gross*s.Rate, 10000+s.Rate)
			off := new(big.Rat).Sub(exact, big.NewRat(s.Tax, 1))
			if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
				t.Fatalf("%d %% of %d is %s, not %d", s.Rate, s.Gross, exact.FloatString(4), s.Tax)
			}
			want, parts := grossAt(lines, s.Rate)
			off.Sub(want, big.NewRat(s.Gross, 1))
			if off.Abs(off).Cmp(big.NewRat(parts, 1)) >= 0 {
				t.Fatalf("at %d: %d, exactly %s", s.Rate, s.Gross, want.FloatString(4))
			}
			gross += s.Gross
		}
		if gross != a.Gross || a.Gross-vouchers != total || a.Due != total {
			t.Fatalf("shares %d, gross %d, vouchers %d, due %d, total %d", gross, a.Gross, vouchers, a.Due, total)
		}
	})
}

// anOrder is lines of goods and fees with discounts and vouchers that cost no more than
// all of them.
func anOrder(t *rapid.T) (lines []order.Line, total int64) {
	rates := []int64{0, 700, 1900, 2000, 2550}
	add := func(typ order.LineType, rate, amount int64) {
		lines = append(lines, order.Line{ID: int64(len(lines) + 1), Type: typ, Quantity: money.One, TaxRate: rate, UnitPrice: amount, Total: amount})
		total += amount
	}
	for range rapid.IntRange(1, 8).Draw(t, "goods") {
		add(rapid.SampledFrom([]order.LineType{order.Physical, order.Digital}).Draw(t, "type"),
			rapid.SampledFrom(rates).Draw(t, "rate"), rapid.Int64Range(0, 500_00).Draw(t, "price"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "fees") {
		add(rapid.SampledFrom([]order.LineType{order.ShippingFee, order.Surcharge}).Draw(t, "fee type"),
			rapid.SampledFrom(rates).Draw(t, "fee rate"), rapid.Int64Range(0, 20_00).Draw(t, "fee"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "reductions") {
		add(rapid.SampledFrom([]order.LineType{order.Discount, order.GiftCard, order.StoreCredit}).Draw(t, "reduction type"),
			rapid.SampledFrom(rates).Draw(t, "reduction rate"), -rapid.Int64Range(0, total).Draw(t, "reduction"))
	}
	return lines, total
}

// grossAt is what the lines at a rate cost, discounts spread over the goods by value and
// what is left of them over the fees, and how many lines that are: each may be a cent off.
func grossAt(lines []order.Line, rate int64) (sum *big.Rat, parts int64) {
	var goods, fees, discount int64
	for _, l := range lines {
		switch {
		case l.Type.IsGoods():
			goods += l.Total
		case l.Type == order.Discount:
			discount -= l.Total
		case !l.Type.IsReduction():
			fees += l.Total
		}
	}
	left := func(pool, off int64) *big.Rat {
		if pool == 0 {
			return big.NewRat(0, 1)
		}
		return big.NewRat(pool-min(pool, off), pool)
	}
	ofGoods, ofFees := left(goods, discount), left(fees, max(discount-goods, 0))
	sum = new(big.Rat)
	for _, l := range lines {
		if l.TaxRate != rate || l.Type.IsReduction() {
			continue
		}
		part := ofFees
		if l.Type.IsGoods() {
			part = ofGoods
		}
		sum.Add(sum, new(big.Rat).Mul(big.NewRat(l.Total, 1), part))
		parts++
	}
	return sum, parts
}

func TestWhoGetsAnInvoice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		made := o.order(pots())
		for _, tt := range []struct {
			column string
			value  any
			key    string
		}{
			{"documents", paymentmethod.DeliveryNoteOnly, "document.error.delivery_note_only"},
			{"status", order.Draft, "document.error.draft"},
			{"status", order.Cancelled, "document.error.cancelled"},
		} {
			o.set(made, "status", order.Released)
			o.set(made, "documents", paymentmethod.InvoiceOnly)
			o.set(made, tt.column, tt.value)
			_, _, err := o.MakeInvoice(t.Context(), made.ID, clerk)
			refused(t, err, fault.Conflict, tt.key)
		}
		_, _, err := o.MakeInvoice(t.Context(), made.ID+1000, clerk)
		refused(t, err, fault.NotFound, "order.error.not_found")
		if inv, err := o.InvoiceOf(t.Context(), made.ID); inv != nil || err != nil {
			t.Errorf("%+v, %v", inv, err)
		}
		o.set(made, "status", order.Released)
		first, created, err := o.MakeInvoice(t.Context(), made.ID, clerk)
		again, createdAgain, err2 := o.MakeInvoice(t.Context(), made.ID, "somebody else")
		if err != nil || err2 != nil || !created || createdAgain || again.ID != first.ID || again.CreatedBy != clerk {
			t.Errorf("%+v %v, then %+v %v; %v %v", first, created, again, createdAgain, err, err2)
		}
		inv, err := o.InvoiceOf(t.Context(), made.ID)
		if err != nil || inv.Number != "400001" || inv.Amount != 7090 {
			t.Errorf("%+v, %v", inv, err)
		}
		_, err = o.InvoicePDF(t.Context(), inv.ID+1000, clerk)
		refused(t, err, fault.NotFound, "document.error.no_invoice")
	})
}

func TestPaymentTermIsTheCompanys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		usual := o.invoice(o.order(pots()))
		o.company(teaHouse())
		short := o.invoice(o.order(pots()))
		for inv, days := range map[*document.Invoice]int{usual: 14, short: 10} {
			if want := document.EndOfDay(noon, days); !inv.PayBy.Equal(want) {
				t.Errorf("pay by %v, want %v", inv.PayBy, want)
			}
		}
	})
}

func TestEndOfDay(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 20, 22, 30, 0, 0, time.UTC) // past midnight in Berlin
	if got, want := document.EndOfDay(at, 7), time.Date(2026, 10, 28, 22, 59, 59, 999999000, time.UTC); !got.Equal(want) {
		t.Errorf("%v, want %v: the clock goes back in between", got, want)
	}
	if n := document.DaysBetween(at, document.EndOfDay(at, 7)); n != 7 {
		t.Errorf("%d days", n)
	}
}

func TestNumbersWithoutGapsAndDoubles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		const orders, tries = 12, 3
		var made []*order.Order
		for range orders {
			made = append(made, o.order(pots()))
		}
		var all sync.WaitGroup
		for _, m := range made {
			for range tries {
				all.Go(func() {
					if _, _, err := o.MakeInvoice(t.Context(), m.ID, clerk); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		ids := make([]int64, orders)
		for i, m := range made {
			ids[i] = m.ID
		}
		invoices, err := o.InvoicesOf(t.Context(), ids)
		must(t, err)
		var numbers []string
		for _, inv := range invoices {
			numbers = append(numbers, inv.Number)
		}
		slices.Sort(numbers)
		if len(numbers) != orders || numbers[0] != "400001" || numbers[orders-1] != "400012" || len(slices.Compact(numbers)) != orders {
			t.Errorf("%v", numbers)
		}
	})
}

func TestCancelledInvoice(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	never, printed := o.order(pots()), o.order(pots())
	first, second := o.invoice(never), o.invoice(printed)
	before, err := o.InvoicePDF(t.Context(), second.ID, clerk)
	must(t, err)
	o.set(never, "status", order.Cancelled)
	o.set(printed, "status", order.Cancelled)
	_, err = o.InvoicePDF(t.Context(), first.ID, clerk)
	refused(t, err, fault.Conflict, "document.error.cancelled")
	after, err := o.InvoicePDF(t.Context(), second.ID, clerk)
	if err != nil || after.SHA256 != before.SHA256 {
		t.Errorf("what was sent is not there any more: %v", err)
	}
}
