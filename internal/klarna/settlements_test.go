package klarna_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/klarna"
)

const (
	reference        = "XISA93DJ"
	payoutsPath      = "/settlements/v1/payouts"
	transactionsPath = "/settlements/v1/transactions"
)

func serveSettlements(t *testing.T, h http.HandlerFunc) *klarna.Settlements {
	t.Helper()
	return serveSettlementsWith(t, h, klarna.Options{})
}

func serveSettlementsWith(t *testing.T, h http.HandlerFunc, o klarna.Options) *klarna.Settlements {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	base, err := klarna.ParseBaseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.BaseURL, o.Now = base, func() time.Time { return now }
	return klarna.New(o).Settlements(target())
}

// payoutJSON and saleJSON are the least that Klarna says of each.
func payoutJSON(reference string) string {
	return `{"payment_reference":"` + reference + `","payout_date":"2026-10-28T10:00:00.000Z","currency_code":"EUR",` +
		`"merchant_settlement_type":"NET","merchant_id":"K000000","totals":{"sale_amount":6457,"fee_amount":223,"settlement_amount":6234}}`
}

const saleJSON = `{"type":"SALE","amount":6457,"currency_code":"EUR","order_id":"` + orderID + `","sale_date":"2026-10-20T10:00:00Z",` +
	`"capture_date":"2026-10-21T10:00:00Z","purchase_country":"DE"}`

// list writes a page: elements, and what is said of it.
func list(name, pagination string, elements ...string) string {
	return fmt.Sprintf(`{"%s":[%s],"pagination":{"count":%d%s}}`, name, strings.Join(elements, ","), len(elements), pagination)
}

func TestSettlementsAskWith(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("", 3600)
	from, until := time.Date(2026, 10, 20, 0, 30, 0, 0, berlin), time.Date(2026, 11, 3, 9, 15, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		call func(*klarna.Settlements) error
		want string
	}{
		"payouts": {func(s *klarna.Settlements) error { return third(s.Payouts(t.Context(), klarna.PayoutQuery{})) },
			payoutsPath + "?offset=0&size=500"},
		"payouts of some days": {func(s *klarna.Settlements) error {
			return third(s.Payouts(t.Context(), klarna.PayoutQuery{From: from, Until: until, Currency: "EUR", Page: klarna.Page{Size: 20, Offset: 40}}))
		}, payoutsPath + "?currency_code=EUR&end_date=2026-11-03T23%3A59%3A59Z&offset=40&size=20&start_date=2026-10-19T00%3A00%3A00Z"},
		"one payout": {func(s *klarna.Settlements) error { return third(s.Payout(t.Context(), reference)) }, payoutsPath + "/" + reference},
		"an odd one": {func(s *klarna.Settlements) error { return third(s.Payout(t.Context(), "a/../b? c")) }, payoutsPath + "/a%2F..%2Fb%3F%20c"},
		"transactions": {func(s *klarna.Settlements) error { return third(s.Transactions(t.Context(), "A&B=", klarna.Page{})) },
			transactionsPath + "?offset=0&payment_reference=A%26B%3D&size=500"},
		"a page that Klarna named": {func(s *klarna.Settlements) error {
			return third(s.Transactions(t.Context(), reference, klarna.Page{Size: 500, Offset: 500, Next: "cursor=abc&size=100"}))
		}, transactionsPath + "?cursor=abc&size=100"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *http.Request
			s := serveSettlements(t, func(w http.ResponseWriter, r *http.Request) {
				got = r
				w.WriteHeader(http.StatusInternalServerError)
			})
			err := tc.call(s)
			if klarna.Classify(err) != klarna.Unknown || got == nil || got.Method != http.MethodGet || got.RequestURI != tc.want {
				t.Fatalf("asked %v, %v", got, err)
			}
			if u, p, _ := got.BasicAuth(); u != username || p != password || got.Header.Get("Klarna-Idempotency-Key") != "" {
				t.Errorf("headers %v", got.Header)
			}
		})
	}
}

func TestPayouts(t *testing.T) {
	t.Parallel()
	full := `{"payment_reference":"XISA93DJ","payout_date":"2026-10-28T10:00:00+02:00","currency_code":"JPY","currency_code_of_registration_country":"EUR",
		"merchant_settlement_type":"GROSS_FEE","merchant_id":"K1","transactions":"https://elsewhere.example/","new":{"a":[1]},
		"totals":{"settlement_amount":-9223372036854775808,"sale_amount":9223372036854775807,"opening_debt_balance_amount":1}}`
	s := serveSettlements(t, answer(200, list("payouts", `,"total":2,"offset":0`, payoutJSON("ERSTE"), full)))
	page, call, err := s.Payouts(t.Context(), klarna.PayoutQuery{})
	if err != nil || len(page.Payouts) != 2 || page.Next != nil || *page.Pagination.Total != 2 || page.Pagination.Count != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	first, second := page.Payouts[0], page.Payouts[1]
	if first.PaymentReference != "ERSTE" || first.MerchantSettlementType != klarna.SettledNet ||
		first.Totals != (klarna.Totals{Sale: 6457, Fee: 223, Settlement: 6234}) {
		t.Errorf("%+v", first)
	}
	if !second.PayoutDate.Equal(time.Date(2026, 10, 28, 8, 0, 0, 0, time.UTC)) || second.PayoutDate.Location() != time.UTC ||
		second.CurrencyCode != "JPY" || second.CurrencyCodeOfRegistrationCountry != "EUR" || second.MerchantSettlementType != klarna.SettledGrossFee ||
		second.Totals != (klarna.Totals{Sale: math.MaxInt64, Settlement: math.MinInt64, OpeningDebtBalance: 1}) {
		t.Errorf("%+v", second)
	}
	if call.Status != 200 || call.Response != "" || !call.At.Equal(now) || call.TransportError != "" || !strings.HasPrefix(call.Path, payoutsPath+"?") {
		t.Errorf("call %+v", call)
	}
}

func TestOnePayout(t *testing.T) {
	t.Parallel()
	s := serveSettlements(t, answer(200, payoutJSON("xisa93dj")))
	p, _, err := s.Payout(t.Context(), reference)
	if err != nil || p.PaymentReference != "xisa93dj" || p.Totals.Settlement != 6234 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, _, err := s.Payout(t.Context(), "ANOTHER"); !isNotKlarna(err) {
		t.Errorf("another payout: %v", err)
	}
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	fee := `{"type":"FEE","detailed_type":"PURCHASE_FEE_PERCENTAGE","amount":223,"currency_code":"EUR","sale_date":"","capture_date":null,
		"payment_reference":"XISA93DJ","order_id":"` + orderID + `","capture_id":"","vat_rate":1900,"vat_amount":36,"purchase_country":"DE"}`
	odd := `{"type":"REWARD","detailed_type":"BRAND_NEW","amount":4294967296,"currency_code":"JPY"}`
	s := serveSettlements(t, answer(200, list("transactions", "", saleJSON, fee, odd)))
	page, call, err := s.Transactions(t.Context(), reference, klarna.Page{})
	if err != nil || len(page.Transactions) != 3 || page.Next != nil || page.Pagination.Total != nil {
		t.Fatalf("%+v, %v", page, err)
	}
	sale, tax, other := page.Transactions[0], page.Transactions[1], page.Transactions[2]
	if sale.Type != klarna.TypeSale || sale.Amount != 6457 || sale.OrderID != orderID || sale.PaymentReference != "" || sale.VATRate != nil ||
		!sale.CaptureDate.Equal(time.Date(2026, 10, 21, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", sale)
	}
	if tax.DetailedType != "PURCHASE_FEE_PERCENTAGE" || *tax.VATRate != 1900 || *tax.VATAmount != 36 || tax.TaxInCurrencyOfRegistration != nil ||
		!tax.SaleDate.IsZero() || !tax.CaptureDate.IsZero() {
		t.Errorf("%+v", tax)
	}
	if other.Type != "REWARD" || other.DetailedType != "BRAND_NEW" || other.Amount != 4294967296 || slices.Contains(klarna.TransactionTypes(), other.Type) {
		t.Errorf("%+v", other)
	}
	if call.Response != "" {
		t.Errorf("kept %s", call.Response)
	}
}

// What can't be a page of Klarna's is no page: nothing of it is read.
func TestOddSettlements(t *testing.T) {
	t.Parallel()
	total := func(name, value string) string { return strings.Replace(payoutJSON(reference), name, value, 1) }
	sale := func(name, value string) string { return strings.Replace(saleJSON, name, value, 1) }
	payouts := func(elements ...string) string { return list("payouts", "", elements...) }
	transactions := func(elements ...string) string { return list("transactions", "", elements...) }
	cut := transactions(saleJSON, saleJSON, saleJSON)
	for name, tc := range map[string]struct {
		h            http.HandlerFunc
		payouts      bool // else transactions
		reason       klarna.Reason
		classifiedAs klarna.Answer
	}{
		"a log-in page":          {answer(200, "<!doctype html><title>Log in</title>"), false, klarna.NotKlarna, klarna.Unknown},
		"nothing":                {answer(200, ""), false, klarna.NotKlarna, klarna.Unknown},
		"null":                   {answer(200, "null"), false, klarna.NotKlarna, klarna.Unknown},
		"a bare list":            {answer(200, "["+saleJSON+"]"), false, klarna.NotKlarna, klarna.Unknown},
		"cut JSON":               {answer(200, cut[:len(cut)-60]), false, klarna.NotKlarna, klarna.Unknown},
		"cut in the body":        {raw("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + cut[:200]), false, klarna.Cut, klarna.Unknown},
		"cut at once":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, klarna.Cut, klarna.Unknown},
		"the other list":         {answer(200, payouts(payoutJSON(reference))), false, klarna.NotKlarna, klarna.Unknown},
		"no pagination":          {answer(200, `{"transactions":[]}`), false, klarna.NotKlarna, klarna.Unknown},
		"no count":               {answer(200, `{"transactions":[],"pagination":{"total":0}}`), false, klarna.NotKlarna, klarna.Unknown},
		"count below nothing":    {answer(200, `{"transactions":[],"pagination":{"count":-1}}`), false, klarna.NotKlarna, klarna.Unknown},
		"total below nothing":    {answer(200, list("transactions", `,"total":-1`)), false, klarna.NotKlarna, klarna.Unknown},
		"no amount":              {answer(200, transactions(sale(`"amount":6457,`, ""))), false, klarna.NotKlarna, klarna.Unknown},
		"null amount":            {answer(200, transactions(sale("6457", "null"))), false, klarna.NotKlarna, klarna.Unknown},
		"amount as text":         {answer(200, transactions(sale("6457", `"6457"`))), false, klarna.NotKlarna, klarna.Unknown},
		"amount in euros":        {answer(200, transactions(sale("6457", "64.57"))), false, klarna.NotKlarna, klarna.Unknown},
		"amount beyond int64":    {answer(200, transactions(sale("6457", "9223372036854775808"))), false, klarna.NotKlarna, klarna.Unknown},
		"no type":                {answer(200, transactions(sale("SALE", ""))), false, klarna.NotKlarna, klarna.Unknown},
		"no currency":            {answer(200, transactions(sale("EUR", ""))), false, klarna.NotKlarna, klarna.Unknown},
		"a null transaction":     {answer(200, transactions(saleJSON, "null")), false, klarna.NotKlarna, klarna.Unknown},
		"a wrong date":           {answer(200, transactions(sale("2026-10-21T", "2026-13-21T"))), false, klarna.NotKlarna, klarna.Unknown},
		"a date in no year":      {answer(200, transactions(sale("2026-10-21T10:00:00Z", "0001-01-01T00:00:00+01:00"))), false, klarna.NotKlarna, klarna.Unknown},
		"a number as a date":     {answer(200, transactions(sale(`"2026-10-21T10:00:00Z"`, "1761040800"))), false, klarna.NotKlarna, klarna.Unknown},
		"of another payout":      {answer(200, transactions(saleJSON, sale("{", `{"payment_reference":"ANOTHER",`))), false, klarna.NotKlarna, klarna.Unknown},
		"9 MiB":                  {answer(200, list("transactions", `,"next":"`+strings.Repeat("x", 9<<20)+`"`)), false, klarna.TooLarge, klarna.Unknown},
		"no totals":              {answer(200, payouts(total(`"totals":{"sale_amount":6457,"fee_amount":223,"settlement_amount":6234}`, `"x":1`))), true, klarna.NotKlarna, klarna.Unknown},
		"no settlement":          {answer(200, payouts(total("settlement_amount", "settlement"))), true, klarna.NotKlarna, klarna.Unknown},
		"settlement overflows":   {answer(200, payouts(total("6234", "-9223372036854775809"))), true, klarna.NotKlarna, klarna.Unknown},
		"no reference":           {answer(200, payouts(total("XISA93DJ", ""))), true, klarna.NotKlarna, klarna.Unknown},
		"reference of dots":      {answer(200, payouts(total("XISA93DJ", ".."))), true, klarna.NotKlarna, klarna.Unknown},
		"no payout date":         {answer(200, payouts(total("2026-10-28T10:00:00.000Z", ""))), true, klarna.NotKlarna, klarna.Unknown},
		"payout of no currency":  {answer(200, payouts(total("EUR", ""))), true, klarna.NotKlarna, klarna.Unknown},
		"a null payout":          {answer(200, payouts("null")), true, klarna.NotKlarna, klarna.Unknown},
		"null instead of a list": {answer(200, `{"payouts":null,"pagination":{"count":0}}`), true, klarna.NotKlarna, klarna.Unknown},
		"bad request":            {answer(400, `{"error_code":"INVALID_DATE","error_messages":["bad"],"correlation_id":"c"}`), true, "", klarna.Final},
		"unauthorized":           {answer(401, ""), true, "", klarna.Unauthorized},
		"forbidden":              {answer(403, "<html>"), true, "", klarna.BareForbidden},
		"not found":              {answer(404, `{"error_code":"NOT_FOUND"}`), true, "", klarna.Final},
		"too fast":               {answer(429, "", "Retry-After", "7"), true, "", klarna.TooFast},
		"broken":                 {answer(503, "<html>"), true, "", klarna.Unknown},
		"a redirect":             {answer(302, "", "Location", "https://elsewhere.example/"), true, "", klarna.Final},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveSettlements(t, tc.h)
			var call klarna.Call
			var err error
			var read bool
			if tc.payouts {
				var page *klarna.PayoutPage
				page, call, err = s.Payouts(t.Context(), klarna.PayoutQuery{})
				read = page != nil
			} else {
				var page *klarna.TransactionPage
				page, call, err = s.Transactions(t.Context(), reference, klarna.Page{})
				read = page != nil
			}
			var reason klarna.Reason
			if none, ok := errors.AsType[*klarna.NoAnswer](err); ok {
				reason = none.Reason
			}
			if read || reason != tc.reason || klarna.Classify(err) != tc.classifiedAs {
				t.Errorf("read %t, %v", read, err)
			}
			if (call.TransportError != "") != (tc.reason != "") || call.Response != "" {
				t.Errorf("call %+v", call)
			}
		})
	}
}

// Klarna's codes are kept of what it refuses, though nothing of what it tells.
func TestRefusedSettlementsSayWhy(t *testing.T) {
	t.Parallel()
	s := serveSettlements(t, answer(400, `{"error_code":"INVALID_DATE","error_messages":["start_date"],"correlation_id":"corr-body"}`, "X-Ratelimit-Reset", "3"))
	_, call, err := s.Payouts(t.Context(), klarna.PayoutQuery{})
	if e, ok := errors.AsType[*klarna.Error](err); !ok || e.Code != "INVALID_DATE" || call.ErrorCode != "INVALID_DATE" ||
		!slices.Equal(call.ErrorMessages, []string{"start_date"}) || call.RetryAfter != 3*time.Second {
		t.Errorf("%+v, %v", call, err)
	}
}

func TestSettlementsThatAreNotSent(t *testing.T) {
	t.Parallel()
	s := serveSettlements(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	query := func(change func(*klarna.PayoutQuery)) func() (klarna.Call, error) {
		return func() (klarna.Call, error) {
			q := klarna.PayoutQuery{From: now.AddDate(0, 0, -7), Until: now}
			change(&q)
			_, call, err := s.Payouts(t.Context(), q)
			return call, err
		}
	}
	named := func(reference string) func() (klarna.Call, error) {
		return func() (klarna.Call, error) {
			_, _, err := s.Payout(t.Context(), reference)
			if !errors.Is(err, klarna.ErrNotSent) {
				t.Errorf("payout %q: %v", reference, err)
			}
			_, call, err := s.Transactions(t.Context(), reference, klarna.Page{})
			return call, err
		}
	}
	for name, call := range map[string]func() (klarna.Call, error){
		"too large a page":     query(func(q *klarna.PayoutQuery) { q.Size = klarna.MaxPageSize + 1 }),
		"a page of -1":         query(func(q *klarna.PayoutQuery) { q.Size = -1 }),
		"before the beginning": query(func(q *klarna.PayoutQuery) { q.Offset = -1 }),
		"backwards":            query(func(q *klarna.PayoutQuery) { q.From = now.AddDate(0, 0, 1) }),
		"no currency":          query(func(q *klarna.PayoutQuery) { q.Currency = "eur&x=1" }),
		"another address":      query(func(q *klarna.PayoutQuery) { q.Next = "a=b HTTP/1.1\r\nHost: x" }),
		"a fragment":           query(func(q *klarna.PayoutQuery) { q.Next = "a#b" }),
		"an endless query":     query(func(q *klarna.PayoutQuery) { q.Next = strings.Repeat("x", 5000) }),
		"no reference":         named(""),
		"the folder above":     named(".."),
		"a long reference":     named(strings.Repeat("x", 256)),
		"two lines":            named("A\nB"),
		"broken text":          named("\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			call, err := call()
			if klarna.Classify(err) != klarna.NotSent || call.TransportError == "" || call.Status != 0 {
				t.Errorf("%+v, %v", call, err)
			}
		})
	}
	nowhere := klarna.New(klarna.Options{Transport: transport(func(*http.Request) (*http.Response, error) { t.Error("sent"); return nil, nil })}).
		Settlements(klarna.NewTarget(klarna.Endpoint{Region: "mars"}, username, password))
	if _, _, err := nowhere.Payouts(t.Context(), klarna.PayoutQuery{}); klarna.Classify(err) != klarna.NotSent {
		t.Errorf("a region that there is not: %v", err)
	}
}

func TestSettlementsOfKlarnaItself(t *testing.T) {
	t.Parallel()
	var asked string
	client := klarna.New(klarna.Options{Transport: transport(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.String()
		return nil, errors.New("there is no network")
	})})
	_, call, err := client.Settlements(target()).Payouts(t.Context(), klarna.PayoutQuery{Page: klarna.Page{Size: 1}})
	if klarna.Classify(err) != klarna.Unknown || asked != "https://api.klarna.com/settlements/v1/payouts?offset=0&size=1" || call.Host != "api.klarna.com" {
		t.Errorf("asked %s, record %s, %v", asked, call.Host, err)
	}
}

func isNotKlarna(err error) bool {
	none, ok := errors.AsType[*klarna.NoAnswer](err)
	return ok && none.Reason == klarna.NotKlarna
}
