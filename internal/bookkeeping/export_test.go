package bookkeeping_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/settlement"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/golden." + name)
	must(t, err)
	return b
}

// sample puts two payouts of every kind of thing there is.
func (b *books) sample() {
	b.t.Helper()
	orderID := b.invoicedOrder("A-1001", "RE-2026/17")
	rate, tax := int64(19_00), int64(57)
	b.put(payout("XISA93DJ"),
		of(klarna.TypeSale, 119_00, func(l *settlement.StatementLine) {
			l.KlarnaOrderID, l.MatchState, l.OrderID = "f3392f8b-6116-4073-ab96-e330819e2c07", settlement.Matched, &orderID
			l.MerchantReference1, l.DetailedType = "Shop 1001", "PURCHASE"
		}),
		of(klarna.TypeFee, -3_00, func(l *settlement.StatementLine) {
			l.DetailedType, l.VATRate, l.VATAmount, l.KlarnaComment = "PURCHASE_FEE_PERCENTAGE", &rate, &tax, "Fee for Max Muster"
		}),
		of(klarna.TypeSale, 20_01, func(l *settlement.StatementLine) {
			l.MatchState, l.MerchantReference1 = settlement.Unmatched, "=Bücher 12; \"Ş\""
		}),
		of(klarna.TypeReturn, -19_00), of(klarna.TypeHoldback, -5_00), of(klarna.TypeCredit, 0),
	)
	b.put(payout("XISA94DK", func(p *settlement.Payout) {
		p.PayoutDate = wednesday.Add(24 * time.Hour)
		p.Reasons = []settlement.Reason{{Name: settlement.ReasonOpeningDebt, Amount: -2_50}}
		p.Totals.Settlement = 10_00
	}),
		of(klarna.TypeRelease, 5_00), of(klarna.TypeCorrection, 1_00), of(klarna.TypeCommission, 2_00),
		of(klarna.TypeReversal, -7_00), of(klarna.TypeReversalMerchantProtection, 7_00), of(klarna.TypeTax, -19),
		of(klarna.TypeCharge, -1_00), of(klarna.TypeFeeRefund, 50),
	)
}

// invoicedOrder makes an order with an invoice, as far as exports see them.
func (b *books) invoicedOrder(number, invoice string) (id int64) {
	b.t.Helper()
	o := order.Order{Number: number, Currency: "EUR", Status: order.Shipped, CreatedAt: wednesday, UpdatedAt: wednesday, PlacedAt: wednesday}
	method := paymentmethod.Method{Name: "Rechnung", Type: "rechnung", Module: paymentmethod.ModuleNone, CreatedAt: wednesday, UpdatedAt: wednesday}
	must(b.t, b.db.InTx(b.t.Context(), func(tx *gorm.DB) error {
		if err := tx.Create(&method).Error; err != nil {
			return err
		}
		o.PaymentMethodID = method.ID
		if err := tx.Create(&o).Error; err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO invoices (number, order_id, amount, currency, issued_at, pay_by) VALUES (?, ?, 11900, 'EUR', ?, ?)`, invoice, o.ID, wednesday, wednesday).Error
	}))
	return o.ID
}

var goldenFiles = map[string]struct {
	format bookkeeping.Format
	way    bookkeeping.Way
	name   string
}{
	"line.csv":        {bookkeeping.CSV, bookkeeping.PerLine, "postings_Klarna-DE_2026-06-29_2026-07-05.csv"},
	"type.csv":        {bookkeeping.CSV, bookkeeping.PerType, "postings_Klarna-DE_2026-06-29_2026-07-05.csv"},
	"payout.csv":      {bookkeeping.CSV, bookkeeping.PerPayout, "postings_Klarna-DE_2026-06-29_2026-07-05.csv"},
	"datev.csv":       {bookkeeping.DATEV, bookkeeping.PerLine, "EXTF_Buchungsstapel_Klarna-DE_2026-06-29_2026-07-05.csv"},
	"camt.xml":        {bookkeeping.CAMT, bookkeeping.PerLine, "camt.053_Klarna-DE_2026-06-29_2026-07-05.xml"},
	"payout.camt.xml": {bookkeeping.CAMT, bookkeeping.PerPayout, "camt.053_Klarna-DE_2026-06-29_2026-07-05.xml"},
	"mt940.sta":       {bookkeeping.MT940, bookkeeping.PerLine, "MT940_Klarna-DE_2026-06-29_2026-07-05.sta"},
	"fees.csv":        {bookkeeping.FeeReport, bookkeeping.PerLine, "fees_Klarna-DE_2026-06-29_2026-07-05.csv"},
}

// TestGolden compares the files with those that were looked at by readers of their forms.
func TestGolden(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		b.sample()
		for name, f := range goldenFiles {
			files := b.export(b.week(f.format, f.way))
			got, ok := files[f.name]
			if !ok || len(files) != 1 {
				t.Errorf("%s: files %q", name, slices.Collect(maps.Keys(files)))
				continue
			}
			if *update {
				must(t, os.WriteFile("testdata/golden."+name, got, 0o644))
			}
			if !bytes.Equal(got, golden(t, name)) {
				t.Errorf("%s is another file:\n%s", name, got)
			}
		}
	})
}

// TestReaders reads what the golden files hold by readers that know the forms alone.
func TestReaders(t *testing.T) {
	t.Parallel()
	type read = func(testing.TB, []byte) []entry
	readers := map[string]read{"line.csv": readCSV, "datev.csv": readDATEV, "camt.xml": readCAMT, "mt940.sta": readMT940}
	want := []int64{119_00, 20_01, -19_00, -3_00, -5_00, -112_01, 50, -19, -7_00, 7_00, 2_00, -1_00, 5_00, 1_00, -2_50, 5_19, -10_00}
	for name, read := range readers {
		entries := read(t, golden(t, name))
		var amounts []int64
		for i, e := range entries {
			amounts = append(amounts, e.amount)
			if want := []string{"XISA93DJ", "XISA94DK"}[i/6%2]; i < 12 && e.payout != want {
				t.Errorf("%s: entry %d is of payout %s, want %s", name, i, e.payout, want)
			}
			if strings.Contains(e.text, "Muster") {
				t.Errorf("%s: a name in %q", name, e.text)
			}
		}
		if !slices.Equal(amounts, want) {
			t.Errorf("%s: %v, want %v", name, amounts, want)
		}
	}
	accounts := allAccounts().Accounts
	for name, read := range map[string]read{"line.csv": readCSV, "datev.csv": readDATEV} {
		var roles []string
		for _, e := range read(t, golden(t, name)) {
			roles = append(roles, e.account)
		}
		var want []string
		for _, r := range []bookkeeping.Role{"sale", "sale", "return", "fee", "holdback", "transit", "fee_refund", "tax",
			"reversal", "reversal", "commission", "charge", "release", "correction", "difference", "difference", "transit"} {
			want = append(want, accounts[r])
		}
		if !slices.Equal(roles, want) {
			t.Errorf("%s: accounts %v, want %v", name, roles, want)
		}
	}
}

// TestDocuments sees what open items are settled by.
func TestDocuments(t *testing.T) {
	t.Parallel()
	datev := readDATEV(t, golden(t, "datev.csv"))
	for i, want := range []string{"RE-2026/17", "-Buecher12----", "XISA93DJ"} {
		if datev[i].ref != want {
			t.Errorf("DATEV: document %q, want %q", datev[i].ref, want)
		}
	}
	if want := "Klarna Verkauf XISA93DJ A-1001"; datev[0].text != want {
		t.Errorf("text %q, want %q", datev[0].text, want)
	}
	if camt := readCAMT(t, golden(t, "camt.xml")); camt[0].ref != "A-1001" || camt[3].ref != "NOTPROVIDED" || camt[0].kind != "SALE" {
		t.Errorf("CAMT: %+v", camt[:4])
	}
	if mt940 := readMT940(t, golden(t, "mt940.sta")); mt940[0].ref != "RE-2026/17" || mt940[3].ref != "NONREF" {
		t.Errorf("MT940: %+v", mt940[:4])
	}
}

// TestSameAgain sees that the same selection is the same file, and that the moment and the
// person are not in it.
func TestSameAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		b.sample()
		b.put(payout("SEK1", func(p *settlement.Payout) { p.Currency = "SEK" }), of(klarna.TypeSale, 100_00))
		for _, format := range bookkeeping.Formats() {
			for _, way := range bookkeeping.Ways() {
				var files [2]bytes.Buffer
				for i := range files {
					e, err := b.Open(t.Context(), b.week(format, way), false)
					must(t, err)
					must(t, e.Write(t.Context(), &files[i]))
				}
				if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) || files[0].Len() == 0 {
					t.Errorf("%s %s: other bytes the second time", format, way)
				}
			}
		}
	})
}

// TestCurrencies sees a file for each currency, with the decimals that it has.
func TestCurrencies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		for _, currency := range []string{"EUR", "SEK", "JPY", "KWD"} {
			b.put(payout(currency+"1", func(p *settlement.Payout) { p.Currency = currency }), of(klarna.TypeSale, 123_456))
		}
		for format, want := range map[bookkeeping.Format][]string{
			bookkeeping.CSV:   {"1234,56", "1234,56", "123456", "123,456"},
			bookkeeping.CAMT:  {`Ccy="EUR">1234.56<`, `Ccy="SEK">1234.56<`, `Ccy="JPY">123456<`, `Ccy="KWD">123.456<`},
			bookkeeping.MT940: {"C1234,56N", "C1234,56N", "C123456,N", "C123,456N"},
		} {
			files := b.export(b.week(format, bookkeeping.PerLine))
			if len(files) != 4 {
				t.Fatalf("%s: %d files", format, len(files))
			}
			for i, currency := range []string{"EUR", "SEK", "JPY", "KWD"} {
				var found bool
				for name, file := range files {
					if strings.Contains(name, "_"+currency) {
						found = strings.Contains(string(file), want[i]) && strings.Contains(string(file), currency+"1")
					}
				}
				if !found {
					t.Errorf("%s: no good file of %s", format, currency)
				}
			}
		}
		sel := b.week(bookkeeping.DATEV, bookkeeping.PerLine)
		c := b.check(sel)
		if !slices.Equal(c.Impossible, []string{"KWD"}) || !slices.Equal(c.Foreign, []string{"JPY", "KWD", "SEK"}) || c.Ready() {
			t.Errorf("DATEV: %+v", c)
		}
		sel.Payout = "JPY1"
		if entries := readDATEV(t, b.one(sel)); entries[0].amount != 123_456_00 {
			t.Errorf("yen: %+v", entries)
		}
	})
}

// TestTooLarge sees an amount that a format can't hold named before, not cut.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		b.put(payout("BIG"), of(klarna.TypeSale, 10_000_000_000_00), of(klarna.TypeReturn, -9_999_999_999_99))
		for format, want := range map[bookkeeping.Format]bool{bookkeeping.DATEV: false, bookkeeping.CSV: true, bookkeeping.CAMT: true, bookkeeping.MT940: true} {
			sel := b.week(format, bookkeeping.PerLine)
			if c := b.check(sel); c.Ready() != want {
				t.Errorf("%s: ready %v", format, c.Ready())
			}
			if _, err := b.Open(t.Context(), sel, false); (err == nil) != want {
				t.Errorf("%s: %v", format, err)
			}
		}
	})
}

// TestMissing sees named before the export what it needs, and nothing that it does not.
func TestMissing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.put(payout("P1"), of(klarna.TypeSale, 10_00), of(klarna.TypeFee, -1_00))
		roles := func(r ...bookkeeping.Role) []bookkeeping.Role { return r }
		for _, tc := range []struct {
			format  bookkeeping.Format
			way     bookkeeping.Way
			want    []bookkeeping.Role
			numbers []string
		}{
			{bookkeeping.CSV, bookkeeping.PerLine, roles("clearing", "transit", "sale", "fee"), nil},
			{bookkeeping.CSV, bookkeeping.PerType, roles("clearing", "transit", "sale", "fee"), nil},
			{bookkeeping.CSV, bookkeeping.PerPayout, roles("clearing", "transit"), nil},
			{bookkeeping.DATEV, bookkeeping.PerPayout, roles("clearing", "transit"), []string{"consultant", "client"}},
			{bookkeeping.CAMT, bookkeeping.PerLine, nil, nil},
			{bookkeeping.MT940, bookkeeping.PerLine, nil, nil},
			{bookkeeping.FeeReport, bookkeeping.PerLine, nil, nil},
		} {
			sel := b.week(tc.format, tc.way)
			c := b.check(sel)
			if !slices.Equal(c.Missing, tc.want) || !slices.Equal(c.Numbers, tc.numbers) || c.Ready() != (tc.want == nil) {
				t.Errorf("%s %s: missing %v %v, ready %v", tc.format, tc.way, c.Missing, c.Numbers, c.Ready())
			}
			if _, err := b.Open(t.Context(), sel, true); tc.want != nil && !isFault(err, fault.Conflict, "bookkeeping.error.missing") {
				t.Errorf("%s: opened with %v", tc.format, err)
			}
		}
	})
}

// TestIncomplete sees a payout that is not whole exported on purpose only, and the
// difference posted.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		b.put(payout("WHOLE", func(p *settlement.Payout) { p.Totals.Settlement = 12_00 }), of(klarna.TypeSale, 10_00))
		b.put(payout("PART", func(p *settlement.Payout) { p.Complete, p.Totals.Settlement = false, 50_00 }), of(klarna.TypeSale, 10_00))
		sel := b.week(bookkeeping.CSV, bookkeeping.PerLine)
		c := b.check(sel)
		if c.Incomplete.Count != 1 || c.Incomplete.Named[0] != "PART" || c.Unexplained.Count != 1 || c.Unexplained.Named[0] != "WHOLE" || !c.Ready() {
			t.Errorf("%+v", c)
		}
		if _, err := b.Open(t.Context(), sel, false); !isFault(err, fault.Conflict, "bookkeeping.error.incomplete") {
			t.Error(err)
		}
		entries := readCSV(t, b.one(sel))
		var differences []int64
		for _, e := range entries {
			if e.kind == "Klarna ungeklärt" {
				differences = append(differences, e.amount)
			}
		}
		if !slices.Equal(differences, []int64{40_00, 2_00}) {
			t.Errorf("differences %v in %+v", differences, entries)
		}
	})
}

// TestChanged sees an export break off when a payout is undone while it is written.
func TestChanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		p := b.put(payout("P1"), of(klarna.TypeSale, 10_00), of(klarna.TypeSale, 10_00))
		e, err := b.Open(t.Context(), b.week(bookkeeping.CSV, bookkeeping.PerLine), false)
		must(t, err)
		_, err = b.db.Exec(t.Context(), "DELETE FROM statement_lines WHERE payout_id = ? AND identity = '1'", p.ID)
		must(t, err)
		if err := e.Write(t.Context(), io.Discard); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("written with %v", err)
		}
	})
}

// TestYears sees a batch for each fiscal year, within its days.
func TestYears(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		set := allAccounts()
		set.YearStart = 7
		b.set(set)
		at := func(d string) func(p *settlement.Payout) {
			return func(p *settlement.Payout) { p.PayoutDate = day(d).Add(5 * time.Hour).UTC() }
		}
		b.put(payout("JUNE", at("2026-06-30")), of(klarna.TypeSale, 10_00))
		b.put(payout("JULY", at("2026-07-01")), of(klarna.TypeSale, 10_00))
		files := b.export(b.week(bookkeeping.DATEV, bookkeeping.PerLine))
		if len(files) != 2 {
			t.Fatalf("%d files", len(files))
		}
		for name, want := range map[string]string{
			"EXTF_Buchungsstapel_Klarna-DE_2026-06-29_2026-07-05_EUR_2025_1.csv": ";20250701;4;20260629;20260630;",
			"EXTF_Buchungsstapel_Klarna-DE_2026-06-29_2026-07-05_EUR_2026_2.csv": ";20260701;4;20260701;20260705;",
		} {
			if entries := readDATEV(t, files[name]); len(entries) != 2 || !strings.Contains(string(files[name]), want) {
				t.Errorf("%s: %s", name, files[name])
			}
		}
		one := b.one(bookkeeping.Selection{AccountID: b.account.ID, Payout: "JUNE", Format: bookkeeping.DATEV, Way: bookkeeping.PerType})
		if !strings.Contains(string(one), ";20250701;4;20260630;20260630;") {
			t.Errorf("%.200s", one)
		}
	})
}

// TestDays sees a payout on the day that it has where the merchant works.
func TestDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		b.put(payout("P1"), of(klarna.TypeSale, 10_00)) // wednesday in London, Thursday in Berlin
		sel := b.week(bookkeeping.CSV, bookkeeping.PerPayout)
		for d, want := range map[string]int64{"2026-07-01": 0, "2026-07-02": 1, "2026-07-03": 0} {
			sel.From, sel.Until = day(d), day(d)
			if c := b.check(sel); c.Postings() != want {
				t.Errorf("%s: %d postings, want %d", d, c.Postings(), want)
			}
		}
		sel.From, sel.Until = day("2026-07-02"), day("2026-07-02")
		if file := string(b.one(sel)); !strings.Contains(file, "02.07.2026;P1;") {
			t.Error(file)
		}
	})
}

// TestWrongSelections sees each refused at its field.
func TestWrongSelections(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		for want, change := range map[string]func(s *bookkeeping.Selection){
			"from error.required":             func(s *bookkeeping.Selection) { s.From = time.Time{} },
			"until bookkeeping.error.period":  func(s *bookkeeping.Selection) { s.Until = s.From.AddDate(0, 0, -1) },
			"format error.choice":             func(s *bookkeeping.Selection) { s.Format = "xls" },
			"way error.choice":                func(s *bookkeeping.Selection) { s.Way = "" },
			"payout bookkeeping.error.payout": func(s *bookkeeping.Selection) { s.Payout = "NONE" },
		} {
			sel := b.week(bookkeeping.CSV, bookkeeping.PerLine)
			change(&sel)
			_, err := b.Check(t.Context(), sel)
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || len(e.Fields) != 1 || e.Fields[0].Name+" "+e.Fields[0].Key != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		sel := b.week(bookkeeping.CSV, bookkeeping.PerLine)
		if _, err := b.Open(t.Context(), sel, false); !isFault(err, fault.Conflict, "bookkeeping.error.empty") {
			t.Errorf("nothing there: %v", err)
		}
		sel.AccountID = 999
		if _, err := b.Check(t.Context(), sel); fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
		b.put(payout("P1"), of(klarna.TypeSale, 10_00))
		b.newAccount("Other")
		if c := b.check(b.week(bookkeeping.CSV, bookkeeping.PerLine)); c.Postings() != 0 {
			t.Error("the payout of another account")
		}
	})
}

// TestFees sees the base of the reverse charge: net, without what is invoiced apart, and
// whatever Klarna says about tax.
func TestFees(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		tax := int64(1_90)
		fee := of(klarna.TypeFee, -10_03, func(l *settlement.StatementLine) { l.VATAmount = &tax })
		b.put(payout("NET"), of(klarna.TypeSale, 100_00), fee, of(klarna.TypeFeeRefund, 3), of(klarna.TypeCorrection, -50), of(klarna.TypeTax, -7))
		gross := func(p *settlement.Payout) {
			p.SettlementType = klarna.SettledGross
			p.Reasons = []settlement.Reason{{Name: settlement.ReasonFeesInvoiced, Amount: 20_19}}
		}
		b.put(payout("GROSS", gross), of(klarna.TypeSale, 100_00), of(klarna.TypeFee, -20_00), of(klarna.TypeTax, -19))
		fees := b.check(b.week(bookkeeping.FeeReport, bookkeeping.PerLine)).Fees
		if len(fees) != 2 || fees[0].Settlement != klarna.SettledGross || fees[0].Base() != 20_00 || fees[0].VAT != 0 || fees[0].Counts() {
			t.Errorf("%+v", fees)
		}
		if f := fees[1]; f.Base() != 10_50 || f.VAT != 2_00 || f.Taxes != -7 || !f.Month.Equal(day("2026-07-01")) {
			t.Errorf("%+v", f)
		}
		accounts := allAccounts().Accounts
		for _, way := range []bookkeeping.Way{bookkeeping.PerLine, bookkeeping.PerType} {
			on := map[string]int64{}
			for _, e := range readCSV(t, b.one(b.week(bookkeeping.CSV, way))) {
				if e.payout == "GROSS" {
					on[e.account] += e.amount
				}
			}
			if on[accounts["fee"]] != 0 || on[accounts["tax"]] != 0 || on[accounts["difference"]] != 0 || on[accounts["sale"]] != 100_00 || on[accounts["transit"]] != -100_00 {
				t.Errorf("%s: fees that are invoiced apart count: %v", way, on)
			}
		}
	})
}

// TestCancelled sees an export end with the request that wants it.
func TestCancelled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		b.set(allAccounts())
		b.sample()
		e, err := b.Open(t.Context(), b.week(bookkeeping.CSV, bookkeeping.PerLine), false)
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := e.Write(ctx, io.Discard); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestEnglish sees the settings' language in files.
func TestEnglish(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		set := allAccounts()
		set.Language = "en"
		b.set(set)
		b.sample()
		file := string(b.one(b.week(bookkeeping.CSV, bookkeeping.PerLine)))
		if !strings.Contains(file, "2026-07-02,XISA93DJ,Klarna sale,SALE,PURCHASE,A-1001,RE-2026/17") || !strings.Contains(file, ",119.00,EUR,119.00,") {
			t.Error(file)
		}
	})
}
