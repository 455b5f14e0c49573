package bookkeeping_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// entry is what the readers below find in a file: the same, whatever the form.
type entry struct {
	payout  string
	kind    string // as the form says it
	amount  int64  // debit of the clearing account, in cents
	account string // against it, where the form knows accounts
	text    string
	ref     string
}

// cents reads an amount with as many decimals as a currency of cents has.
func cents(t testing.TB, s, point string) int64 {
	t.Helper()
	whole, decimals, _ := strings.Cut(s, point)
	n, err := strconv.ParseInt(whole+decimals, 10, 64)
	if err != nil || len(decimals) != 2 {
		t.Fatalf("amount %q", s)
	}
	return n
}

// readCSV reads a German table of postings.
func readCSV(t testing.TB, file []byte) []entry {
	t.Helper()
	body, ok := bytes.CutPrefix(file, []byte("\ufeff"))
	if !ok || !utf8.Valid(body) {
		t.Fatal("it is not UTF-8 with its mark")
	}
	r := csv.NewReader(bytes.NewReader(body))
	r.Comma = ';'
	rows, err := r.ReadAll()
	must(t, err)
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	var out []entry
	for _, row := range rows[1:] {
		e := entry{payout: row[at["Auszahlung"]], kind: row[at["Buchung"]], amount: cents(t, row[at["Verrechnungskonto"]], ","), text: row[at["Buchungstext"]], ref: row[at["Auftrag"]]}
		debit, credit, amount := row[at["Soll"]], row[at["Haben"]], cents(t, row[at["Betrag"]], ",")
		if e.account = credit; e.amount < 0 {
			debit, e.account, amount = credit, debit, -amount
		}
		if amount != e.amount || debit == "" {
			t.Fatalf("debit, credit and amount disagree: %q", row)
		}
		out = append(out, e)
	}
	return out
}

// What DATEV's description asks of the cells that are filled; all others are empty.
var datevForms = map[int]*regexp.Regexp{
	1:   regexp.MustCompile(`^[0-9]{1,10},[0-9]{2}$`),
	2:   regexp.MustCompile(`^[SH]$`),
	3:   regexp.MustCompile(`^[A-Z]{3}$`),
	7:   regexp.MustCompile(`^[1-9][0-9]{3,8}$`),
	8:   regexp.MustCompile(`^[1-9][0-9]{3,8}$`),
	9:   regexp.MustCompile(`^[0-9]{0,4}$`),
	10:  regexp.MustCompile(`^[0-3][0-9][01][0-9]$`),
	11:  regexp.MustCompile(`^[a-zA-Z0-9$&%*+\-/]{0,36}$`),
	14:  regexp.MustCompile(`^.{0,60}$`),
	95:  regexp.MustCompile(`^.{0,30}$`),
	114: regexp.MustCompile(`^0$`),
	121: regexp.MustCompile(`^.{0,30}$`),
}

var datevHeader = regexp.MustCompile(`^"EXTF";700;21;"Buchungsstapel";13;20[0-9]{15};;"[A-Z]{2}";"[^"]{0,25}";"";[1-9][0-9]{3,6};[1-9][0-9]{0,4};` +
	`20[0-9]{4}01;[4-8];20[0-9]{6};20[0-9]{6};"[\w./ -]{0,30}";"";1;0;0;"[A-Z]{3}";;"";;;"";;;"";""$`)

// readDATEV reads a booking batch strictly.
func readDATEV(t testing.TB, file []byte) []entry {
	t.Helper()
	if utf8.Valid(file) && bytes.ContainsRune(file, 'ü') {
		t.Fatal("it is UTF-8")
	}
	text, err := charmap.Windows1252.NewDecoder().String(string(file))
	must(t, err)
	lines := strings.Split(text, "\r\n")
	if strings.Contains(strings.Join(lines, ""), "\n") || lines[len(lines)-1] != "" {
		t.Fatal("a line does not end as it should")
	}
	lines = lines[:len(lines)-1]
	if !datevHeader.MatchString(lines[0]) {
		t.Fatalf("header %s", lines[0])
	}
	r := csv.NewReader(strings.NewReader(strings.Join(lines, "\n")))
	r.Comma, r.FieldsPerRecord = ';', -1
	rows, err := r.ReadAll()
	must(t, err)
	head := rows[0]
	if len(head) != 31 || len(rows[1]) != 125 || rows[1][0] != "Umsatz (ohne Soll/Haben-Kz)" || rows[1][120] != "Abrechnungsreferent" || rows[1][124] != "Abw. Skontokonto" {
		t.Fatalf("%d fields in the header, columns %q", len(head), rows[1])
	}
	if len(rows)-2 > 99_999 {
		t.Fatalf("%d postings in a batch", len(rows)-2)
	}
	var out []entry
	for _, row := range rows[2:] {
		if len(row) != 125 {
			t.Fatalf("%d columns", len(row))
		}
		for i, cell := range row {
			if form := datevForms[i+1]; form == nil && cell != "" || form != nil && !form.MatchString(cell) {
				t.Fatalf("column %d is %q", i+1, cell)
			}
		}
		date := row[9][2:] + row[9][:2]
		if from, until := head[14][4:], head[15][4:]; head[14][:4] == head[15][:4] && (date < from || date > until) {
			t.Fatalf("%s is not between %s and %s", row[9], head[14], head[15])
		}
		if row[6] == row[7] || row[2] != head[21] {
			t.Fatalf("accounts or currency of %q", row[:14])
		}
		e := entry{payout: row[120], amount: cents(t, row[0], ","), account: row[7], text: row[13], ref: row[10]}
		if e.amount == 0 {
			t.Fatal("a posting of nothing")
		}
		if row[1] == "H" {
			e.amount = -e.amount
		}
		out = append(out, e)
	}
	return out
}

var (
	mt940Line    = regexp.MustCompile(`^[a-zA-Z0-9/\-?:().,'+ ]{1,65}$`)
	mt940Opening = regexp.MustCompile(`^:(60F|62F):([CD])([0-9]{6})([A-Z]{3})([0-9]+,[0-9]*)$`)
	mt940Entry   = regexp.MustCompile(`^:61:([0-9]{6})([0-9]{4})([CD])([0-9]+,[0-9]*)N([A-Z]{3})([^/].{0,14}[^/]|[^/])//(.{1,16})$`)
	mt940Details = regexp.MustCompile(`^([0-9]{3})\?00([^?]{1,27})(\?2[0-9][^?]{1,27}){1,10}$`)
)

// readMT940 reads a statement in the form of German banks.
func readMT940(t testing.TB, file []byte) []entry {
	t.Helper()
	lines := strings.Split(string(file), "\r\n")
	if len(lines) < 7 || lines[len(lines)-1] != "" || lines[len(lines)-2] != "-" {
		t.Fatalf("the end is %q", lines[len(lines)-2:])
	}
	var out []entry
	var balance int64
	var tags []string
	for i := 0; i < len(lines)-2; i++ {
		l := lines[i]
		if !strings.HasPrefix(l, ":") {
			t.Fatalf("line %d is no field: %q", i+1, l)
		}
		tag := l[:strings.Index(l[1:], ":")+2]
		tags = append(tags, tag)
		switch tag {
		case ":20:":
			if len(l) > 4+16 || strings.Contains(l, "//") {
				t.Fatal(l)
			}
		case ":25:":
			if len(l) > 4+35 {
				t.Fatal(l)
			}
		case ":28C:":
			if !regexp.MustCompile(`^:28C:[0-9]{5}/1$`).MatchString(l) {
				t.Fatal(l)
			}
		case ":60F:", ":62F:":
			m := mt940Opening.FindStringSubmatch(l)
			if m == nil || cents(t, m[5], ",") != balance || len(m[5]) > 15 {
				t.Fatalf("%s with a balance of %d", l, balance)
			}
		case ":61:":
			m := mt940Entry.FindStringSubmatch(l)
			if m == nil || len(m[4]) > 15 || m[1][2:] != m[2] {
				t.Fatal(l)
			}
			e := entry{amount: cents(t, m[4], ","), payout: m[7], ref: m[6], kind: m[5]}
			if m[3] == "D" {
				e.amount = -e.amount
			}
			balance += e.amount
			details := lines[i+1]
			if !strings.HasPrefix(details, ":86:") {
				t.Fatalf("no details after %s", l)
			}
			details = details[4:]
			n := 1
			for i++; !strings.HasPrefix(lines[i+1], ":"); i++ {
				details += lines[i+1]
				n++
				if !mt940Line.MatchString(lines[i+1]) || lines[i+1] == "-" {
					t.Fatal(lines[i+1])
				}
			}
			if n > 6 || !mt940Details.MatchString(details) {
				t.Fatalf("details in %d lines: %s", n, details)
			}
			e.text = details
			out = append(out, e)
		default:
			t.Fatalf("field %s", tag)
		}
		if body := strings.TrimPrefix(l, tag); !mt940Line.MatchString(body) {
			t.Fatal(l)
		}
	}
	want := append([]string{":20:", ":25:", ":28C:", ":60F:"}, slices.Repeat([]string{":61:"}, len(out))...)
	if !slices.Equal(tags, append(want, ":62F:")) {
		t.Fatalf("fields %q", tags)
	}
	return out
}

// readCAMT validates a statement by ISO's schema and reads it.
func readCAMT(t testing.TB, file []byte) []entry {
	t.Helper()
	for _, problem := range schema(t).validate(file) {
		t.Error(problem)
	}
	type amount struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	}
	var doc struct {
		Statements []struct {
			Balances []struct {
				Code   string `xml:"Tp>CdOrPrtry>Cd"`
				Amount amount `xml:"Amt"`
				Side   string `xml:"CdtDbtInd"`
			} `xml:"Bal"`
			Entries []struct {
				Reference string `xml:"NtryRef"`
				Amount    amount `xml:"Amt"`
				Side      string `xml:"CdtDbtInd"`
				Unique    string `xml:"AcctSvcrRef"`
				Kind      string `xml:"BkTxCd>Prtry>Cd"`
				EndToEnd  string `xml:"NtryDtls>TxDtls>Refs>EndToEndId"`
				Others    []struct {
					Type      string `xml:"Tp"`
					Reference string `xml:"Ref"`
				} `xml:"NtryDtls>TxDtls>Refs>Prtry"`
				Text string `xml:"AddtlNtryInf"`
			} `xml:"Ntry"`
		} `xml:"BkToCstmrStmt>Stmt"`
	}
	must(t, xml.Unmarshal(file, &doc))
	if len(doc.Statements) != 1 || len(doc.Statements[0].Balances) != 2 {
		t.Fatalf("%d statements", len(doc.Statements))
	}
	signed := func(a amount, side string) int64 {
		if side == "DBIT" {
			return -cents(t, a.Value, ".")
		}
		return cents(t, a.Value, ".")
	}
	s := doc.Statements[0]
	balance := signed(s.Balances[0].Amount, s.Balances[0].Side)
	var out []entry
	unique := map[string]bool{}
	for i, n := range s.Entries {
		if n.Reference != fmt.Sprint(i+1) || unique[n.Unique] || n.Others[0].Type != "PAYOUT" {
			t.Fatalf("entry %d: %+v", i+1, n)
		}
		unique[n.Unique] = true
		e := entry{payout: n.Others[0].Reference, amount: signed(n.Amount, n.Side), kind: n.Kind, text: n.Text, ref: n.EndToEnd}
		balance += e.amount
		out = append(out, e)
	}
	if end := s.Balances[1]; end.Code != "CLBD" || s.Balances[0].Code != "OPBD" || signed(end.Amount, end.Side) != balance {
		t.Fatalf("balances %+v, want %d in the end", s.Balances, balance)
	}
	return out
}

var schema = func() func(testing.TB) *xsd {
	load := sync.OnceValues(func() (*xsd, error) {
		file, err := os.ReadFile("testdata/camt.053.001.08.xsd")
		if err != nil {
			return nil, err
		}
		return newXSD(file)
	})
	return func(t testing.TB) *xsd {
		t.Helper()
		x, err := load()
		must(t, err)
		return x
	}
}()
