package settlement

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"zahlwerk/internal/fault"
)

// reportCSV is a payout as Klarna documents the report.
const reportCSV = "total_sale_amount;total_fee_amount;total_return_amount;total_tax_amount;opening_debt_balance;total_settlement_amount;payment_reference;settlement_currency;payout_date;merchant_id;merchant_settlement_type\n" +
	"200.00;3.50;20.00;0.67;0.00;175.83;XISA93DJ;EUR;2026-11-11T06:00:00Z;K500746;NET\n" +
	"\n" +
	"type;capture_date;sale_date;order_id;short_order_id;capture_id;merchant_reference1;amount;posting_currency;refund_id;tax_rate;tax_amount;detailed_type\n" +
	"SALE;2026-11-03T10:00:00Z;2026-11-02T09:00:00Z;o-1;K1;c-1;200081;100.00;EUR;;;;PURCHASE\n" +
	"SALE;2026-11-03T11:00:00Z;2026-11-02T09:00:00Z;o-2;K2;c-2;200082;100.00;EUR;;;;PURCHASE\n" +
	"FEE;2026-11-03T10:00:00Z;2026-11-02T09:00:00Z;o-1;K1;c-1;200081;3.50;EUR;;19.00;0.56;PURCHASE_FEE_PERCENTAGE\n" +
	"TAX;2026-11-03T10:00:00Z;2026-11-02T09:00:00Z;o-1;K1;c-1;200081;0.67;EUR;;;;\n" +
	"RETURN;2026-11-04T10:00:00Z;2026-11-02T09:00:00Z;o-2;K2;;200082;10.00;EUR;r-1;;;PURCHASE_RETURN\n" +
	"RETURN;2026-11-04T10:00:00Z;2026-11-02T09:00:00Z;o-2;K2;;200082;10.00;EUR;r-1;;;PURCHASE_RETURN\n"

// told is a file in short: each payout with its lines, or what is wrong with it.
func told(t testing.TB, content string) string {
	t.Helper()
	f, err := openFile(strings.NewReader(content))
	if err != nil {
		e, ok := errors.AsType[*fault.Error](err)
		if !ok {
			t.Fatal(err)
		}
		return fmt.Sprint(e.Code, " ", e.Key, " ", e.Args)
	}
	lines := map[*filePayout][]string{}
	for l, err := range f.lines() {
		if err != nil {
			t.Fatal(err)
		}
		x := l.transaction
		text := fmt.Sprintf("%d %s %d", l.line, x.Type, x.Amount)
		if !x.CaptureDate.IsZero() {
			text += x.CaptureDate.Format(" 02T15:04")
		}
		for _, s := range []string{x.OrderID, x.RefundID, x.MerchantReference1} {
			if s != "" {
				text += " " + s
			}
		}
		if x.VATRate != nil {
			text += fmt.Sprint(" vat ", *x.VATRate)
		}
		if x.VATAmount != nil {
			text += fmt.Sprint(" of ", *x.VATAmount)
		}
		lines[l.payout] = append(lines[l.payout], text)
	}
	var b strings.Builder
	for _, p := range f.payouts {
		fmt.Fprintf(&b, "%s %s", p.payout.PaymentReference, p.payout.CurrencyCode)
		if !p.ok() {
			for _, x := range p.problems {
				fmt.Fprintf(&b, "\n  %d %s: %s %v", x.Line, x.Column, strings.TrimPrefix(x.Key, "settlement_file.error."), x.Args)
			}
			if p.more > 0 {
				fmt.Fprintf(&b, "\n  and %d", p.more)
			}
			b.WriteByte('\n')
			continue
		}
		fmt.Fprintf(&b, " %s: %d\n", p.payout.PayoutDate.Format("02T15:04"), p.payout.Totals.Settlement)
		for _, l := range lines[p] {
			fmt.Fprintln(&b, "  "+l)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

const reportTold = `XISA93DJ EUR 11T06:00: 17583
  5 SALE 10000 03T10:00 o-1 200081
  6 SALE 10000 03T11:00 o-2 200082
  7 FEE 350 03T10:00 o-1 200081 vat 1900 of 56
  8 TAX 67 03T10:00 o-1 200081
  9 RETURN 1000 04T10:00 o-2 r-1 200082
  10 RETURN 1000 04T10:00 o-2 r-1 200082`

// However a merchant has the report written, it says the same.
func TestReportForms(t *testing.T) {
	t.Parallel()
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(reportCSV) }
	encode := func(b []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, content := range map[string]string{
		"as documented":    reportCSV,
		"with mark":        "\ufeff" + reportCSV,
		"UTF-16":           encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(reportCSV))),
		"Windows-1252":     encode(charmap.Windows1252.NewEncoder().Bytes([]byte(replace("K500746", "Köln")))),
		"tabs":             replace(";", "\t"),
		"commas":           replace(";", ","),
		"bars":             replace(";", "|"),
		"named by Excel":   "sep=;\n" + reportCSV[:strings.Index(reportCSV, "\n\n")+1] + reportCSV[strings.Index(reportCSV, "\n\n")+2:],
		"Windows lines":    replace("\n", "\r\n"),
		"in quotes":        `"` + replace(";", `";"`, "\n\n", "\"\n\n\"", "\n", "\"\n\"") + `"`,
		"decimal commas":   strings.ReplaceAll(replace("200.00", "200,00", "3.50", "3,50", "20.00", "20,00", "0.67", "0,67", "0.00", "0,00", "175.83", "175,83"), "100.00", "100,00"),
		"names of people":  replace("total_sale_amount", "Total Sale Amount", "payment_reference", "Payment reference", "posting_currency", "POSTING CURRENCY"),
		"names of the API": replace("posting_currency", "currency_code", "tax_rate", "vat_rate", "tax_amount;det", "vat_amount;det"),
		"German dates":     replace("2026-11-11T06:00:00Z", "11.11.2026 06:00", "2026-11-03T10:00:00Z", "3.11.2026 10:00", "2026-11-03T11:00:00Z", "03.11.2026 11:00:00"),
		"plain dates":      replace("T06:00:00Z", " 06:00:00", "T10:00:00Z", " 10:00", "T11:00:00Z", "T11:00:00"),
		"slashes":          replace("2026-11-11T06:00:00Z", "11/11/2026 06:00", "2026-11-03T10:00:00Z", "3/11/2026 10:00", "2026-11-04T10", "2026-11-04T10", "2026-11-02T09:00:00Z", "30/10/2026"),
		"other zone":       replace("2026-11-11T06:00:00Z", "2026-11-11T07:00:00+01:00"),
		"signs":            replace("FEE;2026", "FEE;2026", ";3.50;EUR", ";-3.50;EUR", ";0.67;EUR", ";-0.67;EUR", ";10.00;EUR", ";-10.00;EUR"),
		"signs everywhere": replace(";3.50;EUR", ";-3.50;EUR", ";0.67;EUR", ";-0.67;EUR", ";10.00;EUR", ";-10.00;EUR", ";3.50;20.00;0.67;", ";-3.50;-20.00;-0.67;"),
		"signs of ledgers": replace(";3.50;EUR", ";3.50-;EUR", ";0.67;EUR", ";0.67-;EUR", ";10.00;EUR", ";\u221210.00;EUR"),
		"other tax rates":  replace("19.00", "1900"),
		"tax as fraction":  replace("19.00", "0.19"),
		"tax per cent":     replace("19.00", "19 %"),
		"first of several": replace("tax_rate", "tax_rate_1", "tax_amount;", "tax_amount_1;"),
		"types in lower":   replace("RETURN;", "return;", "SALE;", "Sale;"),
		"more columns":     replace("type;", "type;store;", "SALE;", "SALE;Augsburg;", "FEE;", "FEE;;", "TAX;", "TAX;;", "RETURN;", "RETURN;;"),
		"fewer totals":     replace("total_fee_amount;", "", "200.00;3.50;", "200.00;", "total_tax_amount;", "", "20.00;0.67;", "20.00;"),
		"signs and fewer totals": replace("total_fee_amount;", "", "200.00;3.50;20.00;0.67;", "200.00;", "total_tax_amount;", "",
			"total_return_amount;", "", ";3.50;EUR", ";-3.50;EUR", ";0.67;EUR", ";-0.67;EUR", ";10.00;EUR", ";-10.00;EUR"),
		"no currency of the payout": replace("settlement_currency;", "", "XISA93DJ;EUR", "XISA93DJ"),
		"no currency of the lines":  replace("posting_currency;", "", "0;EUR;", "0;", "7;EUR;", "7;"),
		"codes beside amounts":      replace("200.00;", "200.00 EUR;", "175.83;", "€175.83;"),
		"empty cells at the end":    replace("NET\n", "NET;;;\n", "detailed_type\n", "detailed_type;;\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := told(t, content); got != reportTold {
				t.Errorf("it says\n%s\nwant\n%s\nof\n%s", got, reportTold, content)
			}
		})
	}
}

// Columns may stand in any order.
func TestReportColumnsInAnyOrder(t *testing.T) {
	t.Parallel()
	var turned strings.Builder
	for line := range strings.Lines(reportCSV) {
		cells := strings.Split(strings.TrimSpace(line), ";")
		slices.Reverse(cells)
		turned.WriteString(strings.Join(cells, ";") + "\n")
	}
	if got := told(t, turned.String()); got != reportTold {
		t.Errorf("it says\n%s", got)
	}
}

const (
	summaries    = "payment_reference;payout_date;total_settlement_amount;settlement_currency\n"
	transactions = "type;amount;posting_currency;payment_reference\n"
)

func TestReportsOfSeveralPayouts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"beside each other": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-11;2.00;SEK\n" + transactions + "SALE;1.00;EUR;A\nSALE;2.00;SEK;B\n",
			"A EUR 04T00:00: 100\n  5 SALE 100\nB SEK 11T00:00: 200\n  6 SALE 200"},
		"mixed": {summaries + "A;2026-11-04;3.00;EUR\nB;2026-11-11;2.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;2.00;EUR;B\nSALE;2.00;EUR;a\n",
			"A EUR 04T00:00: 300\n  5 SALE 100\n  7 SALE 200\nB EUR 11T00:00: 200\n  6 SALE 200"},
		"one below the other": {summaries + "A;2026-11-04;1.00;EUR\n\ntype;amount\nSALE;1.00\n\n" + summaries + "B;2026-11-11;2.00;JPY\n\ntype;amount\nSALE;2\n",
			"A EUR 04T00:00: 100\n  5 SALE 100\nB JPY 11T00:00: 2\n  11 SALE 2"},
		"transactions first": {"type;amount\nSALE;1.00\n" + summaries + "A;2026-11-04;1.00;EUR\n", "A EUR 04T00:00: 100\n  2 SALE 100"},
		"no reference of some": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-11;2.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;2.00;EUR;\n",
			"A EUR\n  6 payment_reference: which_payout map[]\nB EUR\n  6 payment_reference: which_payout map[]"},
		"a bad line": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-11;2.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;x;EUR;B\n",
			"A EUR 04T00:00: 100\n  5 SALE 100\nB EUR\n  6 amount: amount map[Currency:EUR Value:x]"},
		"a torn line": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-11;2.00;EUR\nC;2026-11-11;2.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;1.00;EUR;B\nSALE\nSALE;1.00;EUR;B\nSALE;2.00;EUR;C\n",
			"A EUR 04T00:00: 100\n  6 SALE 100\nB EUR\n  8 : csvfile.error.ragged map[Columns:1 Want:4]\nC EUR 11T00:00: 200\n  10 SALE 200"},
		"a cell too many": {summaries + "A;2026-11-04;3.00;EUR\nB;2026-11-11;2.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;1;00;EUR;A\nSALE;1.00;EUR;A\nSALE;2.00;EUR;B\n",
			"A EUR\n  6 : csvfile.error.ragged map[Columns:5 Want:4]\nB EUR 11T00:00: 200\n  8 SALE 200"},
		"a torn line between two": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-11;2.00;EUR\nC;2026-11-11;2.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE\nSALE;1.00;EUR;B\nSALE;2.00;EUR;C\n",
			"A EUR\n  7 : csvfile.error.ragged map[Columns:1 Want:4]\nB EUR\n  7 : csvfile.error.ragged map[Columns:1 Want:4]\nC EUR 11T00:00: 200\n  9 SALE 200"},
		"a torn line among mixed ones": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-11;2.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;1.00;EUR;B\nSALE;1.00;EUR;A\nSALE\n",
			"A EUR\n  8 : csvfile.error.ragged map[Columns:1 Want:4]\nB EUR\n  8 : csvfile.error.ragged map[Columns:1 Want:4]"},
		"lines swallowed": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-11;0.00;EUR\nC;2026-11-11;2.00;EUR\nD;2026-11-11;0.00;EUR\n" + transactions + "SALE;1.00;EUR;A\n\"SALE;1.00;EUR;A\nSALE;2.00;EUR;B\"x\nSALE;2.00;EUR;C\n",
			"A EUR\n  8 type: csvfile.error.quote map[Line:9]\nB EUR\n  8 type: csvfile.error.quote map[Line:9]\nC EUR\n  8 type: csvfile.error.quote map[Line:9]\nD EUR\n  8 type: csvfile.error.quote map[Line:9]"},
		"twice": {summaries + "A;2026-11-04;1.00;EUR\na;2026-11-04;1.00;EUR\nB;2026-11-04;1.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;1.00;EUR;B\n",
			"A EUR\n  3 payment_reference: payout_twice map[Other:2 Reference:A]\na \n  3 payment_reference: payout_twice map[Other:2 Reference:A]\nB EUR 04T00:00: 100\n  7 SALE 100"},
		"not in the summary": {summaries + "A;2026-11-04;1.00;EUR\n" + transactions + "SALE;1.00;EUR;A\nSALE;1.00;EUR;B\nSALE;1.00;EUR;B\n",
			"A EUR 04T00:00: 100\n  4 SALE 100\nB \n  5 : no_summary_row map[]"},
		"a fee that is below zero": {"payment_reference;payout_date;settlement_currency;total_sale_amount;total_fee_amount;total_settlement_amount\nA;2026-11-04;EUR;100.00;-3.50;103.50\n" +
			"type;amount\nSALE;100.00\nFEE;-3.50\n", "A EUR 04T00:00: 10350\n  4 SALE 10000\n  5 FEE -350"},
		"without transactions": {summaries + "A;2026-11-04;0.00;EUR\nB;2026-11-04;1.00;EUR\n" + transactions + "SALE;1.00;EUR;B\n",
			"A EUR 04T00:00: 0\nB EUR 04T00:00: 100\n  5 SALE 100"},
		"the report of sums": {summaries + "A;2026-11-04;1.00;EUR\nB;2026-11-04;1.00;EUR\n",
			"A EUR\n  2 : no_lines map[]\nB EUR\n  3 : no_lines map[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := told(t, tc.content); got != tc.want {
				t.Errorf("it says\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestReportsThatAreWrong(t *testing.T) {
	t.Parallel()
	one := summaries + "A;2026-11-04;1.00;EUR\n"
	for name, tc := range map[string]struct{ content, want string }{
		"another file":          {"number;name\n1;Eva\n", "invalid settlement_file.error.no_header [Line 1]"},
		"only transactions":     {transactions + "SALE;1.00;EUR;A\n", "invalid settlement_file.error.no_summary []"},
		"only headers":          {summaries + transactions, "invalid settlement_file.error.nothing []"},
		"no amount":             {one + "type;order_id;capture_date\nSALE;o-1;2026-11-03\n", "invalid settlement_file.error.columns_missing [Line 3 Columns amount]"},
		"no date":               {"payment_reference;total_settlement_amount\nA;1.00\n", "invalid settlement_file.error.columns_missing [Line 1 Columns payout_date]"},
		"a column twice":        {one + "type;amount;Amount\nSALE;1;1\n", "invalid csvfile.error.column_twice [Column Amount Other amount]"},
		"two names of a column": {one + "type;amount;posting_currency;currency\nSALE;1;EUR;EUR\n", "invalid csvfile.error.same_columns [Column currency Other posting_currency Name posting_currency]"},
		"no type":               {one + transactions + ";1.00;EUR;\n", "A EUR\n  4 type: error.required map[]"},
		"no amount in a line":   {one + transactions + "SALE;;EUR;\n", "A EUR\n  4 amount: error.required map[]"},
		"another currency":      {one + transactions + "SALE;1.00;SEK;\n", "A EUR\n  4 posting_currency: line_currency map[Currency:EUR Value:SEK]"},
		"no currency":           {summaries + "A;2026-11-04;1.00;\n" + transactions + "SALE;1.00;;\n", "A \n  2 settlement_currency: currency map[Value:]"},
		"odd currency":          {summaries + "A;2026-11-04;1.00;XXQ\n" + transactions + "SALE;1.00;;\n", "A XXQ\n  2 settlement_currency: currency map[Value:XXQ]"},
		"ambiguous amounts": {summaries + "A;2026-11-04;1.234;EUR\n" + transactions + "SALE;1.234;EUR;\n",
			"A EUR\n  2 total_settlement_amount: ambiguous map[Value:1.234]\n  4 amount: ambiguous map[Value:1.234]"},
		"told by another": {summaries + "A;2026-11-04;1.234,00;EUR\n" + transactions + "SALE;1.234;EUR;\n", "A EUR 04T00:00: 123400\n  4 SALE 123400"},
		"said in two ways": {summaries + "A;2026-11-04;1,00;EUR\n" + transactions + "SALE;1.00;EUR;\nSALE;1.234;EUR;\n",
			"A EUR\n  5 amount: ambiguous map[Value:1.234]"},
		"ambiguous dates": {summaries + "A;04/11/2026;1.00;EUR\n" + transactions + "SALE;1.00;EUR;\n",
			"A EUR\n  2 payout_date: date_ambiguous map[Value:04/11/2026]"},
		"American dates":      {summaries + "A;11/24/2026;1.00;EUR\n" + transactions + "SALE;1.00;EUR;\n", "A EUR 24T00:00: 100\n  4 SALE 100"},
		"no such day":         {summaries + "A;2026-02-30;1.00;EUR\n" + transactions + "SALE;1.00;EUR;\n", "A EUR\n  2 payout_date: date map[Value:2026-02-30]"},
		"an old day":          {summaries + "A;0026-02-20;1.00;EUR\n" + transactions + "SALE;1.00;EUR;\n", "A EUR\n  2 payout_date: date map[Value:0026-02-20]"},
		"no date of a payout": {summaries + "A;;1.00;EUR\n" + transactions + "SALE;1.00;EUR;\n", "A EUR\n  2 payout_date: error.required map[]"},
		"no settlement":       {summaries + "A;2026-11-04;;EUR\n" + transactions + "SALE;1.00;EUR;\n", "A EUR\n  2 total_settlement_amount: error.required map[]"},
		"half a cent":         {one + transactions + "SALE;1.005;EUR;\n", "A EUR\n  4 amount: decimals map[Currency:EUR Value:1.005]"},
		"beyond all measure":  {one + transactions + "SALE;99999999999999999999.00;EUR;\n", "A EUR\n  4 amount: amount_range map[Currency:EUR Value:99999999999999999999.00]"},
		"too large together":  {one + transactions + "SALE;900000000000000.00;EUR;\nSALE;900000000000000.00;EUR;\n", "A EUR\n  5 amount: amount_range map[]"},
		"another sign":        {one + transactions + "SALE;$1.00;EUR;\n", "A EUR\n  4 amount: other_currency map[Currency:EUR Value:$1.00]"},
		"decimals of yen": {summaries + "A;2026-11-04;100;JPY\n" + transactions + "SALE;99.50;JPY;\nSALE;0.5;JPY;\n",
			"A JPY\n  4 amount: decimals map[Currency:JPY Value:99.50]\n  5 amount: decimals map[Currency:JPY Value:0.5]"},
		"thousandths of dinars": {summaries + "A;2026-11-04;1.2345;KWD\nB;2026-11-04;1234.567;KWD\n" + transactions + "SALE;1234.567;KWD;B\nSALE;1.0;KWD;A\n",
			"A KWD\n  2 total_settlement_amount: decimals map[Currency:KWD Value:1.2345]\nB KWD 04T00:00: 1234567\n  5 SALE 1234567"},
		"a tax rate that is none": {one + "type;amount;tax_rate\nFEE;1.00;abc\nFEE;1.00;-19\nFEE;1.00;12345.67\n",
			"A EUR\n  4 tax_rate: rate map[Value:abc]\n  5 tax_rate: rate map[Value:-19]\n  6 tax_rate: rate map[Value:12345.67]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := told(t, tc.content); got != tc.want {
				t.Errorf("it says\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	t.Parallel()
	f, err := openFile(strings.NewReader(summaries + "A;2026-11-04;1.00;EUR\n" + transactions + strings.Repeat("SALE;x;EUR;A\n", 50)))
	if err != nil {
		t.Fatal(err)
	}
	if p := f.payouts[0]; len(p.problems) != maxProblems || p.more != 50-maxProblems {
		t.Errorf("%d problems and %d", len(p.problems), p.more)
	}
}

// Whatever is in a file: it is read without a panic, every line that is accepted has an
// amount that the file has, and those of a payout come to what was summed.
func FuzzReport(f *testing.F) {
	f.Add(reportCSV)
	f.Add(strings.ReplaceAll(reportCSV, ";", "\t"))
	f.Add(summaries + "A;04/11/2026;1.234,00;EUR\nB;13/11/2026;-5;JPY\n" + transactions + "SALE;1.234;EUR;A\nHOLDBACK;5;JPY;b\n\"SALE;1\n;;;\n")
	f.Add("type;amount\nSALE;1.00\n" + summaries + "A;2026-11-04;1.00;EUR\n")
	f.Fuzz(func(t *testing.T, content string) {
		file, err := openFile(strings.NewReader(content))
		if err != nil {
			if fault.CodeOf(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		sums, lines := map[*filePayout]int64{}, map[*filePayout]int64{}
		for l, err := range file.lines() {
			if err != nil {
				t.Fatal(err)
			}
			if !l.payout.ok() {
				t.Fatalf("line %d of a payout that is refused", l.line)
			}
			if !utf8.ValidString(l.transaction.OrderID) || l.transaction.Type == "" {
				t.Fatalf("%+v", l.transaction)
			}
			sums[l.payout] += l.transaction.Amount
			lines[l.payout]++
		}
		for _, p := range file.payouts {
			var sum int64
			for _, s := range p.sums {
				sum += s.amount
			}
			if p.ok() && (sum != sums[p] || p.lines != lines[p]) {
				t.Errorf("payout %q: %d lines of %d, counted %d of %d", p.payout.PaymentReference, lines[p], sums[p], p.lines, sum)
			}
		}
		checkByHand(t, content, file)
	})
}

// checkByHand sums the amounts of a file in the plainest form by itself.
func checkByHand(t *testing.T, content string, file *statementFile) {
	t.Helper()
	if file.table.Delimiter != ';' || strings.ContainsAny(content, "\"\r=") || len(file.payouts) != 1 || !file.payouts[0].ok() || file.payouts[0].payout.CurrencyCode != "EUR" {
		return
	}
	var want, got int64
	at := -1
	for line := range strings.Lines(content) {
		cells := strings.Split(strings.TrimSpace(line), ";")
		if i := slices.Index(cells, "amount"); i >= 0 && slices.Contains(cells, "type") {
			at = i
			continue
		}
		if at < 0 || at >= len(cells) || !plainNumber(cells[at]) {
			return
		}
		var euros, cents int64
		if _, err := fmt.Sscanf(cells[at], "%d.%02d", &euros, &cents); err != nil {
			return
		}
		want += 100*euros + cents
	}
	for _, s := range file.payouts[0].sums {
		got += s.amount
	}
	if got != want {
		t.Errorf("the lines come to %d, want %d", got, want)
	}
}

func plainNumber(s string) bool {
	before, after, ok := strings.Cut(s, ".")
	return ok && len(after) == 2 && len(before) > 0 && len(before) < 10 && strings.Trim(before+after, "0123456789") == ""
}
