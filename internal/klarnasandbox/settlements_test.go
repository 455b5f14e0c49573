package klarnasandbox_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"pgregory.net/rapid"

	. "zahlwerk/internal/klarnasandbox"
)

// page is an answer with a part of a collection.
type page struct {
	Payouts      []Payout      `json:"payouts"`
	Transactions []Transaction `json:"transactions"`
	Pagination   struct {
		Count  int    `json:"count"`
		Total  *int   `json:"total"`
		Next   string `json:"next"`
		Prev   string `json:"prev"`
		Offset int    `json:"offset"`
	} `json:"pagination"`
}

// settle reads something of the settlements API, and checks the answer against the contract.
func (b *bench) settle(path string) reply {
	b.t.Helper()
	return b.call("GET", settlements+strings.TrimPrefix(path, b.url+settlements), "", "")
}

func (b *bench) page(path string) (p page) {
	b.t.Helper()
	r := b.settle(path)
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.status != 200 {
		b.t.Fatalf("%s: %d, %v", path, r.status, err)
	}
	if p.Pagination.Count != len(p.Payouts)+len(p.Transactions) {
		b.t.Errorf("%s counts %d", path, p.Pagination.Count)
	}
	return p
}

// generate makes payouts and returns them as they are listed, newest first.
func (b *bench) generate(v Volume) []Payout {
	b.t.Helper()
	made, err := b.GeneratePayouts(v)
	if err != nil {
		b.t.Fatal(err)
	}
	slices.Reverse(made)
	return made
}

// untold are transactions without the links that only the API tells.
func untold(lines []Transaction) []Transaction {
	for i := range lines {
		lines[i].Payout = ""
	}
	return lines
}

func TestPayouts(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Merchants: []Merchant{DemoMerchant(), {ID: "K2", Username: "k2", Password: "x"}}})
	made := b.generate(Volume{Payouts: 25, Transactions: 100})
	b.generate(Volume{MerchantID: "K2", Payouts: 3})
	first := b.page("payouts")
	if n := *first.Pagination.Total; n != 25 || len(first.Payouts) != 20 || first.Pagination.Prev != "" {
		t.Errorf("the first page has %+v", first.Pagination)
	}
	second := b.page(first.Pagination.Next)
	if len(second.Payouts) != 5 || second.Pagination.Next != "" || second.Pagination.Offset != 20 || second.Pagination.Prev == "" {
		t.Errorf("the second page has %+v", second.Pagination)
	}
	for i, p := range append(first.Payouts, second.Payouts...) {
		if link := b.url + settlements + "transactions?payment_reference=" + p.PaymentReference; p.Transactions != link {
			t.Errorf("the transactions are at %s", p.Transactions)
		}
		if p.Transactions = ""; p != made[i] {
			t.Errorf("payout %d is %+v, want %+v", i, p, made[i])
		}
	}
	var one Payout
	if err := json.Unmarshal([]byte(b.settle("payouts/"+made[3].PaymentReference).body), &one); err != nil || one.Totals != made[3].Totals {
		t.Errorf("%+v, %v", one, err)
	}
	b.terms(func(t *Terms) { t.OldestFirst = true })
	if p := b.page("payouts").Payouts[0]; p.PaymentReference != made[24].PaymentReference {
		t.Error("the oldest is not the first")
	}

	b.user = Merchant{Username: "k2", Password: "x"}
	want(t, b.settle("payouts/"+made[3].PaymentReference), 404, CodeNotFound)
	if n := len(b.page("payouts").Payouts); n != 3 {
		t.Errorf("another merchant has %d payouts", n)
	}
	if n := len(b.page("transactions?payment_reference=" + made[3].PaymentReference).Transactions); n != 0 {
		t.Errorf("another merchant sees %d transactions", n)
	}
	b.user.Password = "wrong"
	for _, path := range []string{"payouts", "payouts/summary", "transactions", "reports/payout"} {
		if r := b.settle(path); r.status != 401 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}

func TestSettlementsRefuse(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	dates := "start_date=2026-01-01&end_date=2026-12-31T23:59:59Z"
	for _, tt := range []struct {
		path    string
		status  int
		code    string
		message string
	}{
		{"payouts?size=0", 400, CodeBadValue, "size"},
		{"payouts?size=501", 400, CodeBadValue, "size"},
		{"payouts?size=x", 400, CodeBadValue, "size"},
		{"payouts?size=", 400, CodeBadValue, "size"},
		{"payouts?offset=-1", 400, CodeBadValue, "offset"},
		{"payouts?start_date=yesterday", 400, CodeBadValue, "start_date"},
		{"payouts?start_date=2026-02-30", 400, CodeBadValue, "start_date"},
		{"payouts?end_date=2026-01-01T25:00:00Z", 400, CodeBadValue, "end_date"},
		{"payouts?start_date=2026-01-02&end_date=2026-01-01", 400, CodeBadValue, "end_date"},
		{"payouts?currency_code=euro", 400, CodeBadValue, "currency_code"},
		{"payouts?currency_code=", 400, CodeBadValue, "currency_code"},
		{"payouts/summary", 400, CodeBadValue, "start_date"},
		{"payouts/summary?start_date=2026-01-01", 400, CodeBadValue, "end_date"},
		{"payouts/a%20b", 400, CodeBadValue, "payment_reference"},
		{"payouts/NONE", 404, CodeNotFound, "NONE"},
		{"transactions?size=501", 400, CodeBadValue, "size"},
		{"transactions?order_id=x", 400, CodeBadValue, "order_id"},
		{"transactions?payment_reference=", 400, CodeBadValue, "payment_reference"},
		{"reports/payout", 400, CodeBadValue, "payment_reference"},
		{"reports/payout?payment_reference=NONE", 404, CodeNotFound, "NONE"},
		{"reports/payout-with-transactions", 400, CodeBadValue, "payment_reference"},
		{"reports/payout-with-transactions?payment_reference=NONE", 404, CodeNotFound, "NONE"},
		{"reports/payouts-summary", 400, CodeBadValue, "start_date"},
		{"reports/payouts-summary-with-transactions?start_date=2026-01-01", 400, CodeBadValue, "end_date"},
		{"nothing", 403, "", ""},
		{"payouts/a/b", 403, "", ""},
		{"payouts?" + dates, 200, "", ""},
		{"payouts/summary?" + dates, 200, "", ""},
		{"payouts?size=500&offset=2147483647", 200, "", ""},
		{"transactions?payment_reference=NONE", 200, "", ""},
		{"reports/payouts-summary?" + dates, 200, "", ""},
		{"reports/payouts-summary-with-transactions?" + dates, 200, "", ""},
	} {
		r := b.settle(tt.path)
		if r.status != tt.status || r.code() != tt.code || !strings.Contains(r.message(), tt.message) {
			t.Errorf("%s: %d %s, want %d %s about %s", tt.path, r.status, r.body, tt.status, tt.code, tt.message)
		}
	}
	if r := b.call("POST", settlements+"payouts", "", "{}"); r.status != 405 || r.header.Get("Allow") != "GET" {
		t.Errorf("POST: %d %s", r.status, r.header.Get("Allow"))
	}
}

// TestPayoutDates: both ends are included, and a bare date is the first second of its day.
func TestPayoutDates(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	for i, at := range []time.Time{start, start.Add(time.Second), start.Add(24 * time.Hour)} {
		b.Advance(at.Sub(b.Now()))
		n := NewPayout{PaymentReference: fmt.Sprint("P", i), Currency: []string{"EUR", "EUR", "CHF"}[i], Transactions: []Transaction{{Type: TypeSale, Amount: 100}}}
		if _, err := b.CreatePayout(n); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{ // the first is of 2026-03-02T09:48:12Z
		"": "P2 P1 P0",
		"start_date=2026-03-02T09:48:12Z&end_date=2026-03-02T09:48:12Z":           "P0",
		"start_date=2026-03-02T10:48:13%2B01:00&end_date=2026-03-02T09:48:13Z":    "P1",
		"start_date=2026-03-02&end_date=2026-03-03":                               "P1 P0",
		"start_date=2026-03-03&end_date=2026-03-03":                               "",
		"start_date=2026-03-03&end_date=2026-03-03T23:59:59Z":                     "P2",
		"start_date=2026-03-02T09:48:13Z":                                         "P2 P1",
		"end_date=2026-03-02T09:48:12.999Z":                                       "P0",
		"currency_code=CHF":                                                       "P2",
		"currency_code=GBP":                                                       "",
		"start_date=2026-03-02&end_date=2026-03-02T23:59:59Z&currency_code=EUR":   "P1 P0",
		"start_date=2026-03-02&end_date=2026-03-04&currency_code=EUR&something=1": "P1 P0",
	} {
		var have []string
		for _, p := range b.page("payouts?" + query).Payouts {
			have = append(have, p.PaymentReference)
		}
		if got := strings.Join(have, " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var sums []map[string]any
	r := b.settle("payouts/summary?start_date=2026-03-02&end_date=2026-03-04")
	if err := json.Unmarshal([]byte(r.body), &sums); err != nil || len(sums) != 2 || sums[0]["summary_settlement_currency"] != "CHF" ||
		sums[1]["summary_total_sale_amount"] != 200.0 || sums[1]["summary_payout_date_start"] != "2026-03-02T09:48:12Z" ||
		sums[1]["summary_payout_date_end"] != "2026-03-02T09:48:13Z" {
		t.Errorf("%s, %v", r.body, err)
	}
	if r := b.settle("payouts/summary?start_date=2026-03-02&end_date=2026-03-04&currency_code=EUR"); strings.Contains(r.body, "CHF") {
		t.Errorf("of one currency: %s", r.body)
	}
}

// TestPaging: whoever follows next, whatever the size, reads each line once.
func TestPaging(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	made := b.generate(Volume{Payouts: 3, Transactions: 700})
	all := func(path string) (lines []Transaction) {
		var before string
		for path != "" {
			p := b.page(path)
			if (p.Pagination.Prev == "") != (before == "") {
				t.Errorf("%s has a page before it: %q", path, p.Pagination.Prev)
			}
			if n := *p.Pagination.Total; p.Pagination.Offset != len(lines) || (p.Pagination.Next == "") != (len(lines)+len(p.Transactions) == n) {
				t.Fatalf("%s has %+v after %d of %d", path, p.Pagination, len(lines), n)
			}
			lines = append(lines, p.Transactions...)
			before, path = path, p.Pagination.Next
		}
		return untold(lines)
	}
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.IntRange(40, 500).Draw(r, "size")
		p := rapid.SampledFrom(made).Draw(r, "payout")
		if got := all(fmt.Sprintf("transactions?payment_reference=%s&size=%d", p.PaymentReference, size)); !slices.Equal(got, b.Transactions(p.PaymentReference)) {
			r.Errorf("%d lines", len(got))
		}
	})
	var whole []Transaction
	for _, p := range made {
		whole = append(whole, b.Transactions(p.PaymentReference)...)
	}
	if got := all("transactions?size=499"); !slices.Equal(got, whole) {
		t.Errorf("all payouts have %d lines, want %d", len(got), len(whole))
	}
	for _, id := range []string{whole[0].OrderID, whole[334].OrderID, whole[699].OrderID} {
		mine := slices.DeleteFunc(slices.Clone(whole), func(l Transaction) bool { return l.OrderID != id })
		if got := all("transactions?size=2&order_id=" + strings.ToUpper(id)); !slices.Equal(got, mine) || len(mine) == 0 {
			t.Errorf("an order has the lines %+v, want %+v", got, mine)
		}
	}
	if p := b.page("transactions?payment_reference=" + made[0].PaymentReference + "&offset=5000"); len(p.Transactions) != 0 || p.Pagination.Next != "" {
		t.Errorf("behind the end is %+v", p.Pagination)
	}
	if l := b.page("transactions?size=1").Transactions[0]; l.Payout != b.url+settlements+"payouts/"+l.PaymentReference {
		t.Errorf("the payout is at %s", l.Payout)
	}
}

// TestMillion: many transactions cost nothing before they are asked for, and any page is there.
func TestMillion(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	made := b.generate(Volume{Payouts: 2, Transactions: 1_000_000})
	q := url.Values{"payment_reference": {made[0].PaymentReference}, "size": {"500"}, "offset": {"499500"}}
	p := b.page("transactions?" + q.Encode())
	if len(p.Transactions) != 500 || *p.Pagination.Total != 500_000 || p.Pagination.Next != "" {
		t.Errorf("the last page has %+v", p.Pagination)
	}
}

// settlementFile is a CSV report, read: columns by name.
type settlementFile struct{ payouts, lines []map[string]string }

func readSettlementFile(t *testing.T, text string) (f settlementFile) {
	t.Helper()
	first, second, ok := strings.Cut(text, "\n\n")
	if !ok {
		t.Fatalf("the report has one block: %s", text)
	}
	read := func(block string) (rows []map[string]string) {
		r := csv.NewReader(strings.NewReader(block))
		r.Comma = ';'
		all, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, values := range all[1:] {
			row := map[string]string{}
			for i, name := range all[0] {
				row[name] = values[i]
			}
			rows = append(rows, row)
		}
		return rows
	}
	return settlementFile{read(first), read(second)}
}

func TestReports(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{MerchantReference1: "R;1", Amount: 123_456, AutoCapture: true})
	b.extra(Extra{Type: TypeReversal, DetailedType: "REVERSAL", Amount: 5, OrderID: o.ID, ReversalReference: "krn:1"})
	p := pay(b, o)
	yen, err := b.CreateOddPayout("", OddNoMinorUnits)
	if err != nil {
		t.Fatal(err)
	}
	r := b.settle("reports/payout-with-transactions?payment_reference=" + p.PaymentReference)
	f := readSettlementFile(t, r.body)
	if len(f.payouts) != 1 || len(f.lines) != 4 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%v %s", r.header, r.body)
	}
	some := func(row map[string]string, names ...string) (values []string) {
		for _, n := range names {
			values = append(values, row[n])
		}
		return values
	}
	if got, want := some(f.payouts[0], "total_sale_amount", "total_fee_amount", "total_reversal_amount", "total_settlement_amount", "payment_reference", "settlement_currency", "merchant_settlement_type", "payout_date"),
		[]string{"1234.56", "37.26", "0.05", "1197.25", p.PaymentReference, "EUR", "NET", "2026-03-02T09:48:12Z"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := some(f.lines[0], "type", "amount", "posting_currency", "order_id", "merchant_reference1", "tax_amount"), []string{"SALE", "1234.56", "EUR", o.ID, "R;1", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := some(f.lines[1], "type", "amount", "tax_rate", "tax_amount"), []string{"FEE", "36.91", "19.00", "5.89"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := some(f.lines[3], "reversal_reference", "capture_id"), []string{"krn:1", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	days := "start_date=2026-03-02&end_date=2026-03-03"
	f = readSettlementFile(t, b.settle("reports/payouts-summary-with-transactions?"+days).body)
	if len(f.payouts) != 2 || len(f.lines) != 7 || f.lines[0]["payment_reference"] != yen.PaymentReference || f.lines[0]["amount"] != "12990" {
		t.Errorf("%d payouts, lines %v", len(f.payouts), f.lines)
	}
	for _, path := range []string{"reports/payout?payment_reference=" + p.PaymentReference, "reports/payouts-summary?" + days} {
		r := b.settle(path)
		if err := api.Validate(bytes.NewReader([]byte(r.body)), nil); err != nil || r.status != 200 || r.header.Get("Content-Type") != "application/pdf" {
			t.Errorf("%s: %d, %v", path, r.status, err)
		}
		if !strings.Contains(r.body, "/CreationDate (D:2026030") { // not today: the same report is the same file
			t.Errorf("%s was created at another time", path)
		}
	}
}

// TestSettlementFaults looks at what arrives of a page of transactions.
func TestSettlementFaults(t *testing.T) {
	t.Parallel()
	total := func(p page, want int) bool { return p.Pagination.Total != nil && *p.Pagination.Total == want }
	looks := map[string]func(p page) bool{
		"next_elsewhere": func(p page) bool {
			return len(p.Transactions) == 40 && strings.HasPrefix(p.Pagination.Next, "https://settlements.example.org/") && strings.Contains(p.Pagination.Next, "offset=80")
		},
		"no_total": func(p page) bool { return p.Pagination.Total == nil && len(p.Transactions) == 40 },
		"short_page": func(p page) bool {
			return len(p.Transactions) == 20 && total(p, 100) && strings.Contains(p.Pagination.Next, "offset=60")
		},
		"other_total": func(p page) bool { return len(p.Transactions) == 40 && total(p, 101) },
		"missing_line": func(p page) bool {
			return len(p.Transactions) == 39 && total(p, 100) && strings.Contains(p.Pagination.Next, "offset=80")
		},
		"nothing":    func(p page) bool { return len(p.Transactions) == 0 && total(p, 0) && p.Pagination.Next == "" },
		"new_payout": func(p page) bool { return len(p.Transactions) == 40 && total(p, 100) },
	}
	for _, f := range PayoutPresets() {
		t.Run(f.Preset, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{})
			made := b.generate(Volume{Payouts: 2, Transactions: 200})
			f.Operation, f.Reference, f.Page, f.Times = OpListTransactions, made[0].PaymentReference, 2, 1
			if _, err := b.SetFault(f); err != nil {
				t.Fatal(err)
			}
			ask := func(n, offset int) (reply, page) {
				r := b.settle(fmt.Sprintf("transactions?payment_reference=%s&size=40&offset=%d", made[n].PaymentReference, offset))
				var p page
				_ = json.Unmarshal([]byte(r.body), &p)
				return r, p
			}
			whole := func(n, offset int) {
				t.Helper()
				if _, p := ask(n, offset); len(p.Transactions) != 40 || !total(p, 100) {
					t.Errorf("struck, too: %+v", p.Pagination)
				}
			}
			whole(0, 0)
			whole(1, 40)
			b.page("payouts")
			r, p := ask(0, 40)
			if look := looks[f.Preset]; look == nil && (r.status != f.Status || r.code() != f.Code) || look != nil && !look(p) {
				t.Errorf("%d %+v", r.status, p.Pagination)
			}
			want := len(made)
			if f.Kind == FaultNewPayout {
				want++
			}
			if n := len(b.Payouts("")); n != want {
				t.Errorf("%d payouts", n)
			}
			whole(0, 40)
			if n := slices.IndexFunc(b.Requests(), func(r Request) bool { return r.Fault == f.Preset }); n != 3 {
				t.Errorf("struck call %d", n)
			}
		})
	}
}

// TestPageFaultsWait: a fault of pages is for pages only.
func TestPageFaultsWait(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{AutoCapture: true})
	p := pay(b, o)
	b.preset("no_total", Fault{Times: 1})
	for _, path := range []string{o.ID, settlements + "payouts/" + p.PaymentReference, settlements + "payouts?size=x"} {
		b.call("GET", path, "", "")
	}
	if n := len(b.Faults()); n != 1 {
		t.Errorf("%d faults are left", n)
	}
	if got := b.page("payouts").Pagination; got.Total != nil {
		t.Errorf("a page with %+v", got)
	}
}

// TestNewPayoutWhilePaging: what comes meanwhile moves the pages: a payout is told twice.
func TestNewPayoutWhilePaging(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.generate(Volume{Payouts: 6})
	b.preset("new_payout", Fault{Operation: OpListPayouts, Times: 1})
	first := b.page("payouts?size=3")
	second := b.page(first.Pagination.Next)
	if !reflect.DeepEqual(first.Payouts[2], second.Payouts[0]) || *second.Pagination.Total != 7 {
		t.Errorf("%+v after %+v", second.Payouts[0], first.Payouts[2])
	}
}

// TestSettlementLimits: both APIs share the rate limit of the merchant.
func TestSettlementLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{RateLimit: 2})
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} {
		if r := b.settle("payouts"); r.status != want {
			t.Errorf("call %d: %d, want %d", i, r.status, want)
		}
	}
}
