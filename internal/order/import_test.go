package order_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// head are the columns of the small files below.
const head = "number;payment_method;customer_name;line_name;line_quantity;line_unit_price;line_total;total\n"

func openImport(t testing.TB, content string) *order.Import {
	t.Helper()
	im, err := order.OpenImport(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// preview is each item of a file as "position label state", and its messages as
// "line column key".
func preview(t testing.TB, s shop, content string) (items []batch.Item, lines []string) {
	t.Helper()
	for i, err := range s.PreviewImport(t.Context(), openImport(t, content)) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, i)
		text := strings.TrimSpace(fmt.Sprintf("%d %s %s", i.Position, i.Label, i.State))
		for _, m := range i.Messages {
			text += fmt.Sprintf(" | %d %s %s", m.Line, m.Field, m.Key)
		}
		lines = append(lines, strings.TrimSpace(text))
	}
	return items, lines
}

// Both names of every column, both ways to write numbers, and rows that are apart: the
// same order comes out.
func TestImportReadsAnOrder(t *testing.T) {
	t.Parallel()
	want := order.Input{Number: "A-1", ExternalNumber: "SHOP-1", PlacedAt: time.Date(2026, 11, 2, 23, 0, 0, 0, time.UTC), PaymentMethod: "klarna",
		KlarnaOrderID: "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10", Currency: "EUR", Total: 123956, AutoShip: true, CustomerName: "Max Muster",
		CustomerEmail:   "max@example.com",
		BillingAddress:  order.Address{Name: "Muster GmbH", Street: "Ring 1", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		ShippingAddress: &order.Address{Name: "Lager", City: "Köln", Country: "DE"},
		Lines: []order.LineInput{
			{SKU: "T-1", Name: "Teekanne", Type: order.Physical, Quantity: 1500, UnitPrice: 82304, TaxRate: 1900, Total: 123456},
			{Name: "Versand", Type: order.ShippingFee, Quantity: money.One, UnitPrice: 1000, TaxRate: 700, Total: 1000},
			{Name: "Rabatt", Type: order.Discount, Quantity: money.One, UnitPrice: -500, Total: -500},
		}}
	for name, content := range map[string]string{
		"the API's names, English numbers": "number,external_number,placed_at,payment_method,klarna_order_id,currency,total,auto_ship,customer_name,customer_email," +
			"billing_name,street,postal_code,city,country,shipping_name,shipping_city,shipping_country," +
			"line_sku,line_name,line_type,line_quantity,line_unit_price,line_tax_rate,line_total\n" +
			"A-1,SHOP-1,2026-11-03,klarna,3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10,EUR,\"1,239.56\",true,Max Muster,max@example.com," +
			"Muster GmbH,Ring 1,86150,Augsburg,DE,Lager,Köln,DE,T-1,Teekanne,physical,1.5,823.04,19,\"1,234.56\"\n" +
			"A-1,,,,,,,,,,,,,,,,,,,Versand,shipping_fee,1,10,7.0,10.00\n" +
			"A-1,,,,,,,,,,,,,,,,,,,Rabatt,discount,,-5.00,,\n",
		"a merchant's names, German numbers, rows apart": "Auftrags-Nr;BESTELLNUMMER;Datum;Zahlungsart;Klarna-ID;Währung;Gesamtbetrag;Autoversand;Kunde;E-Mail;" +
			"Rechnungsname;Strasse;PLZ;Ort;Land;Lieferadresse Name;Liefer-Ort;Lieferland;Artikelnr.;Artikel;Positionsart;Menge;Einzelpreis;MwSt.;Positionssumme;Bemerkung\n" +
			"A-1;SHOP-1;3.11.2026;Method klarna;3F9A1C52-6A0E-4C0B-9D2E-7B1D5A2C9E10;eur;1.239,56 €;ja;Max Muster;max@example.com;" +
			"Muster GmbH;Ring 1;86150;Augsburg;Deutschland;Lager;Köln;Germany;T-1;Teekanne;;1,5;823,04;19 %;1.234,56;x\n" +
			"B-1;;;klarna;;;;;Eva;;;;;;;;;;;Tasse;Ware;1;1,00;;;\n" +
			"A-1;;;;;;;;Max Muster;;;;;;;;;;;Versand;Versandkosten;1;;700;10,00;\n" +
			"A-1;;;;;;;;;;;;;;;;;;;Rabatt;Rabatt;1,000;-5,00;;;\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s shop) {
				items, lines := preview(t, s, content)
				i := slices.IndexFunc(items, func(i batch.Item) bool { return i.Label == "A-1" })
				if i < 0 || items[i].State != "" || items[i].Position != 2 {
					t.Fatalf("%q", lines)
				}
				result, err := s.Import(t.Context(), &batch.Batch{Actor: "clerk", Title: "orders.csv"}, &items[i])
				if err != nil || result.OrderID == nil {
					t.Fatal(result, err)
				}
				// The same order posted to the API is there already: every value is the same.
				want := want
				want.Lines = slices.Clone(want.Lines)
				o, created, err := s.Create(t.Context(), want, "shop")
				if err != nil || created || o.ID != *result.OrderID {
					t.Fatalf("created %t, %v\n%s", created, err, items[i].Input)
				}
				if entries, err := s.Protocol(t.Context(), o.ID, 0, 10); err != nil || len(entries) != 1 || entries[0].Kind != "order_imported" ||
					entries[0].Params["file"] != "orders.csv" || entries[0].Actor != "clerk" {
					t.Errorf("protocol %+v, %v", entries, err)
				}
			})
		})
	}
}

// Each wrong line is named by line, column and reason, and the rest goes in.
func TestImportNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const good = "G;klarna;Eva;Tasse;1;12,50;;\n"
	const refused = "refused | "
	each(t, func(t *testing.T, s shop) {
		for name, tc := range map[string]struct {
			rows string
			want []string
		}{
			"nothing":      {good, []string{"2 G | 0  import.order.new"}},
			"no number":    {";klarna;Eva;Tasse;1;12,50;;\n" + good, []string{"2  " + refused + "2 number error.required", "3 G | 0  import.order.new"}},
			"a bad number": {"a b;klarna;Eva;Tasse;1;12,50;;\n", []string{"2 a b " + refused + "2 number order.error.number_form"}},
			"no amounts":   {"1;klarna;Eva;Tasse;1;;;\n", []string{"2 1 " + refused + "2 line_total error.required"}},
			"no amount that can be read": {"1;klarna;Eva;Tasse;1;1,2,3;x;\n" + good,
				[]string{"2 1 " + refused + "2 line_unit_price order.error.amount | 2 line_total order.error.amount", "3 G | 0  import.order.new"}},
			"another currency":    {"1;klarna;Eva;Tasse;1;12,50 $;;\n", []string{"2 1 " + refused + "2 line_unit_price import.error.other_currency"}},
			"too many decimals":   {"1;klarna;Eva;Tasse;1;12,505;;\n" + good, []string{"2 1 " + refused + "2 line_unit_price import.error.decimals", "3 G | 0  import.order.new"}},
			"an unknown method":   {"1;cheque;Eva;Tasse;1;12,50;;\n", []string{"2 1 " + refused + "2 payment_method order.error.payment_method_unknown"}},
			"a wrong sum":         {"1;klarna;Eva;Tasse;2;12,50;;25,01\n", []string{"2 1 " + refused + "2 total order.error.sum"}},
			"a wrong second line": {"1;klarna;Eva;Tasse;1;12,50;;\n1;;;;0;1,00;;\n", []string{"2 1 " + refused + "3 line_name error.required | 3 line_quantity order.error.quantity"}},
			"several at once": {"1;x;;;-1;y;;z\n", []string{"2 1 " + refused + "2 line_unit_price order.error.amount | 2 total order.error.amount" +
				" | 2 payment_method order.error.payment_method_unknown | 2 customer_name error.required | 2 line_name error.required" +
				" | 2 line_quantity order.error.quantity"}},
			"lines that disagree": {"1;klarna;Eva;Tasse;1;12,50;;\nG;klarna;Eva;Tasse;1;12,50;;\n1;klarna;Max;Tasse;1;1,00;;\n",
				[]string{"3 G | 0  import.order.new", "2 1 " + refused + "4 customer_name import.error.differs"}},
			"a quote": {"1;klarna;Eva;Pot 24\" wide;1;12,50;;\n" + good, []string{"2 1 " + refused + "2 line_name csvfile.error.quote", "3 G | 0  import.order.new"}},
			"a line too short": {"1;klarna;Eva\n" + good, []string{"2 1 " + refused + "2  csvfile.error.ragged",
				"3 G | 0  import.order.new"}},
			"one line of an order too short": {"1;klarna;Eva;Tasse;1;12,50;;\n1;;;Versand;1\n" + good,
				[]string{"2 1 " + refused + "3  csvfile.error.ragged", "4 G | 0  import.order.new"}},
		} {
			if _, got := preview(t, s, head+tc.rows); !slices.Equal(got, tc.want) {
				t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		}
	})
}

// Half an order must never go in: a row that can't be read takes with it every order
// that it may belong to, and no other.
func TestImportDoubtsOrdersThatMayHaveLostARow(t *testing.T) {
	t.Parallel()
	order1, order2, order3 := "1;klarna;Eva;Tasse;1;12,50;;\n", "2;klarna;Eva;Tasse;1;12,50;;\n", "3;klarna;Eva;Tasse;1;12,50;;\n"
	each(t, func(t *testing.T, s shop) {
		for name, tc := range map[string]struct {
			rows string
			want []string
		}{
			"no number, and nothing of an order": {order1 + ";;;Versand;1;1,00;;\n" + order2,
				[]string{"2 1 refused | 3  import.error.spoilt", "3  refused | 3 number error.required", "4 2 | 0  import.order.new"}},
			"a quote before its number ends": {order1 + "\"1\"x;;;Versand;1;1,00;;\n" + order2 + order3,
				[]string{"2 1 refused | 3  import.error.spoilt", "3  refused | 3 number csvfile.error.quote",
					"4 2 refused | 3  import.error.spoilt", "5 3 | 0  import.order.new"}},
			"a quote that swallows the beginning of the next": {order1 + "1;;;\"Versand;1;1,00;;\n2;klarna;Eva;\"Tasse\";1;1,00;;\n2;klarna;Eva;Teller;1;1,00;;\n" + order3,
				[]string{"2 1 refused | 3 line_name csvfile.error.quote", "5 2 refused | 3  import.error.spoilt", "6 3 | 0  import.order.new"}},
		} {
			_, got := preview(t, s, head+tc.rows)
			if !slices.Equal(got, tc.want) {
				t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		}
	})
}

// Of "1.234" a file must say somewhere else how it is meant.
func TestImportReadsNumbersAsTheFileDoes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		for _, tc := range []struct{ price, elsewhere, want string }{
			{"1.234", "1,50", "1234.00"}, {"1.234", "1.234,50", "1234.00"}, {"1,234", "1.50", "1234.00"}, {"1,234", "1,234.50", "1234.00"},
			{"1.234", "2.345", "import.error.ambiguous"}, {"1,234", "7", "import.error.ambiguous"},
			{"1.234", "1.50", "import.error.decimals"}, {"1,234", "1,50", "import.error.decimals"},
			{"1,234,567.5", "1,50", "1234567.50"}, {"12,5", "1.50", "12.50"}, {"1.234", "mixed 1.50 and 1,50", "import.error.ambiguous"},
			{"0.500", "", "0.50"}, {"1234", "", "1234.00"}, {"1 234,5", "", "1234.50"}, {"1'234.50", "", "1234.50"}, {"1234.567", "", "import.error.decimals"},
		} {
			rows := "1;klarna;Eva;Tasse;1;" + tc.price + ";;\n"
			for i, p := range strings.Split(strings.TrimPrefix(tc.elsewhere, "mixed "), " and ") {
				rows += fmt.Sprintf("x%d;klarna;Eva;Tasse;1;%s;;\n", i, p)
			}
			var got string
			for o, err := range openImport(t, head+rows).Orders() {
				if err != nil {
					t.Fatal(err)
				}
				if o.Number != "1" {
					continue
				}
				if got = fmt.Sprintf("%d.%02d", o.Input.Total/100, o.Input.Total%100); len(o.Problems) > 0 {
					got = o.Problems[0].Key
				}
			}
			if got != tc.want {
				t.Errorf("%s beside %q: %s, want %s", tc.price, tc.elsewhere, got, tc.want)
			}
		}
	})
}

func TestImportValues(t *testing.T) {
	t.Parallel()
	read := func(column, value string) string {
		content := "number;payment_method;customer_name;line_name;line_total;" + column + "\n1;klarna;Eva;Tasse;1,50;" + value + "\n"
		for o, err := range openImport(t, content).Orders() {
			if err != nil {
				t.Fatal(err)
			}
			if len(o.Problems) > 0 {
				return o.Problems[0].Column + " " + o.Problems[0].Key
			}
			l := o.Input.Lines[0]
			return map[string]string{
				"placed_at": o.Input.PlacedAt.UTC().Format(time.RFC3339), "auto_ship": fmt.Sprint(o.Input.AutoShip), "line_quantity": l.Quantity.String(),
				"line_tax_rate": fmt.Sprint(l.TaxRate), "line_type": string(l.Type), "country": o.Input.BillingAddress.Country,
			}[column]
		}
		return ""
	}
	for _, tc := range [][3]string{
		{"placed_at", "2026-11-03", "2026-11-02T23:00:00Z"}, {"placed_at", "2026-07-03 09:15", "2026-07-03T07:15:00Z"},
		{"placed_at", "2026-11-03T09:15:00+02:00", "2026-11-03T07:15:00Z"}, {"placed_at", "3.11.2026", "2026-11-02T23:00:00Z"},
		{"placed_at", "03.11.26", "2026-11-02T23:00:00Z"}, {"placed_at", "03.11.2026 9:15", "2026-11-03T08:15:00Z"},
		{"placed_at", "11/03/2026", "placed_at import.error.date"}, {"placed_at", "31.2.2026", "placed_at import.error.date"},
		{"auto_ship", "Ja", "true"}, {"auto_ship", "x", "true"}, {"auto_ship", "0", "false"}, {"auto_ship", "maybe", "auto_ship import.error.bool"},
		{"line_quantity", "2,5", "2.5"}, {"line_quantity", "1.000", "1000"}, {"line_quantity", "1,0005", "line_quantity order.error.quantity"},
		{"line_tax_rate", "19 %", "1900"}, {"line_tax_rate", "7,7", "770"}, {"line_tax_rate", "1900", "1900"}, {"line_tax_rate", "0", "0"},
		{"line_tax_rate", "0,19", "line_tax_rate order.error.tax_rate"}, {"line_tax_rate", "-19", "line_tax_rate order.error.tax_rate"},
		{"line_tax_rate", "100,5", "line_tax_rate order.error.tax_rate"}, {"line_tax_rate", "19,005", "line_tax_rate order.error.tax_rate"},
		{"line_type", "Shipping Fee", "shipping_fee"}, {"line_type", "Gutschein", "gift_card"}, {"line_type", "odd", "odd"},
		{"country", "Österreich", "AT"}, {"country", "de", "de"},
	} {
		if got := read(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%s %q: %s, want %s", tc[0], tc[1], got, tc[2])
		}
	}
}

func TestImportFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"header alone":           {head, "invalid import.error.no_rows []"},
		"of something else":      {"Sendung;Empfänger\n1;Eva\n", "invalid import.error.columns_missing [Columns number, payment_method, customer_name, line_name, line_total]"},
		"one column missing":     {strings.Replace(head, "line_name", "x", 1) + "1;;;;;;;\n", "invalid import.error.columns_missing [Columns line_name]"},
		"two for the same":       {"number;Auftragsnummer\n1;1\n", "invalid csvfile.error.same_columns [Column Auftragsnummer Other number Name number]"},
		"a workbook":             {"PK\x03\x04", "invalid csvfile.error.packed []"},
		"a quote without an end": {head + "1;\"" + strings.Repeat("x\n", 1<<20), "invalid csvfile.error.quote_open [Line 2]"},
	} {
		_, err := order.OpenImport(strings.NewReader(tc.content))
		var e *fault.Error
		if !errors.As(err, &e) || fmt.Sprint(e.Code, " ", e.Key, " ", e.Args) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

// The same file again changes nothing, and says so before and after; what the number or
// the Klarna order id of another order has is refused.
func TestImportAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		const id = "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10"
		file := "number;payment_method;klarna_order_id;customer_name;line_name;line_total\n1;klarna;" + id + ";Eva;Tasse;1,50\n2;klarna;;Max;Teller;2,50\n"
		items, _ := preview(t, s, file)
		for i := range items {
			for _, want := range []batch.ItemState{"", batch.Unchanged} { // an item may come twice
				result, err := s.Import(t.Context(), &batch.Batch{}, &items[i])
				if err != nil || result.State != want || result.OrderID == nil {
					t.Errorf("%+v, %v", result, err)
				}
			}
		}
		items, got := preview(t, s, file)
		want := []string{"2 1 unchanged | 0  import.order.known", "3 2 unchanged | 0  import.order.known"}
		if !slices.Equal(got, want) || items[0].OrderID == nil || items[0].Input != "" {
			t.Errorf("%q", got)
		}
		changed := strings.NewReplacer("1,50", "1,51", "2;klarna;;Max", "3;klarna;"+id+";Max").Replace(file) + "4;klarna;" + id + ";Ida;Topf;1\n"
		_, got = preview(t, s, changed)
		want = []string{"2 1 refused | 2 number order.error.number_taken", "3 3 refused | 3 klarna_order_id order.error.klarna_order_id_taken",
			"4 4 refused | 4 klarna_order_id order.error.klarna_order_id_taken"}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// A preview of many orders costs two queries for each 500.
func TestImportPreviewQueries(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		var b strings.Builder
		b.WriteString(head)
		for i := range 1200 {
			fmt.Fprintf(&b, "%d;klarna;Eva;Tasse;1;12,50;;\n", i)
		}
		im := openImport(t, b.String())
		n := 0
		made := record(t, s)(func(ctx context.Context) error {
			for _, err := range s.PreviewImport(ctx, im) {
				if n++; err != nil {
					return err
				}
			}
			return nil
		})
		if len(made) != 1+3 || n != 1200 {
			t.Errorf("%d queries for %d orders", len(made), n)
		}
	})
}

func TestTemplateCanBeImported(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		var inputs []order.Input
		for _, lang := range []string{"de", "en"} {
			header, rows := order.Template(lang)
			var b bytes.Buffer
			if err := csv.NewWriter(&b).WriteAll(append([][]string{header}, rows...)); err != nil {
				t.Fatal(err)
			}
			im := openImport(t, b.String())
			if len(im.Unknown) > 0 {
				t.Errorf("unknown columns %q", im.Unknown)
			}
			if _, got := preview(t, s, b.String()); !slices.Equal(got, []string{"2 A-1001 | 0  import.order.new"}) {
				t.Errorf("%s: %q", lang, got)
			}
			for o := range im.Orders() {
				inputs = append(inputs, o.Input)
			}
		}
		if len(inputs) != 2 || !reflect.DeepEqual(inputs[0], inputs[1]) {
			t.Errorf("%+v", inputs)
		}
	})
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(head + "1;klarna;Eva;Tasse;1;12,50;;\n;;;\"x\ny\";1;1.234;;\n1;;;;;;;\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		im, err := order.OpenImport(bytes.NewReader(content))
		if err != nil {
			return
		}
		seen := map[int]bool{}
		for o, err := range im.Orders() {
			if err != nil {
				return
			}
			if seen[o.Line] {
				t.Fatalf("two orders begin in line %d", o.Line)
			}
			seen[o.Line] = true
			if len(o.Problems) == 0 && len(o.Input.Lines) == 0 {
				t.Fatal("an order of nothing")
			}
		}
	})
}
