package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"zahlwerk/web/api"
)

func TestBadOrders(t *testing.T) {
	t.Parallel()
	h := open(t)
	long := strings.Repeat("x", 256)
	for name, tt := range map[string]struct{ body, want string }{
		"nothing in it":        {`{}`, "body.currency required, body.customer required, body.lines required, body.number required, body.payment_method required, body.total required"},
		"a wrong sum":          {posted("1", "total", 6456), "body.total sum"},
		"a negative quantity":  {posted("1", "lines.0.quantity", -1), "body.lines[0].quantity quantity"},
		"no quantity":          {posted("1", "lines.1.quantity", nil), "body.lines[1].quantity required"},
		"four decimals":        {posted("1", "lines.0.quantity", 1.2345), "body.lines[0].quantity quantity"},
		"a tiny exponent":      {strings.Replace(posted("1"), `"quantity":2`, `"quantity":1e-9`, 1), "body.lines[0].quantity quantity"},
		"quantity as text":     {posted("1", "lines.0.quantity", "2"), "body.lines[0].quantity number"},
		"unknown method":       {posted("1", "payment_method", "paypal"), "body.payment_method payment_method_unknown"},
		"currency of four":     {posted("1", "currency", "EURO"), "body.currency currency"},
		"klarna id no uuid":    {posted("1", "klarna_order_id", "4711"), "body.klarna_order_id klarna_order_id"},
		"klarna id with words": {posted("1", "klarna_order_id", "<script>alert(1)</script>"), "body.klarna_order_id klarna_order_id"},
		"unknown field":        {posted("1", "colour", "red"), "body.colour unknown_field"},
		"unknown field inside": {posted("1", "customer.age", 7), "body.customer.age unknown_field"},
		"unknown in a line":    {posted("1", "lines.1.colour", 7), "body.lines[1].colour unknown_field"},
		"capitals in a name":   {posted("1", "Status", "draft"), "body.Status unknown_field"},
		"no number":            {posted("1", "number", ""), "body.number number_form"},
		"number with a slash":  {posted("1", "number", "a/b"), "body.number number_form"},
		"number of 65":         {posted("1", "number", strings.Repeat("1", 65)), "body.number number_form"},
		"number as a number":   {posted("1", "number", 1), "body.number string"},
		"no lines":             {posted("1", "lines", []any{}), "body.lines no_lines"},
		"lines no list":        {posted("1", "lines", document{}), "body.lines array"},
		"lines null":           {strings.Replace(posted("1", "lines", "X"), `"X"`, "null", 1), "body.lines array"},
		"line no object":       {posted("1", "lines", []any{1}), "body.lines[0] object"},
		"line type":            {posted("1", "lines.0.type", "Physical"), "body.lines[0].type choice"},
		"no name":              {posted("1", "lines.0.name", ""), "body.lines[0].name required"},
		"a long name":          {posted("1", "customer.name", long), "body.customer.name too_long"},
		"control characters":   {posted("1", "customer.name", "a\x00b"), "body.customer.name control_characters"},
		"no e-mail address":    {posted("1", "customer.email", "max"), "body.customer.email email"},
		"a country":            {posted("1", "billing_address.country", "Germany"), "body.billing_address.country country"},
		"status":               {posted("1", "status", "shipped"), "body.status choice"},
		"no date":              {posted("1", "placed_at", "yesterday"), "body.placed_at date_time"},
		"a date out of reason": {posted("1", "placed_at", "0001-02-03T04:05:06Z"), "body.placed_at date"},
		"half a cent":          {posted("1", "total", 6457.5), "body.total integer"},
		"total as text":        {posted("1", "total", "6457"), "body.total integer"},
		"total too large":      {strings.Replace(posted("1"), `"total":6457`, `"total":1e300`, 1), "body.total total_range, body.total sum"},
		"line too large":       {strings.Replace(posted("1"), `"total":5958`, `"total":99999999999999999999`, 1), "body.lines[0].total amount_range"},
		"more than Klarna":     {posted("1", "total", 200_000_001, "lines.0.total", 199_999_502), "body.total total_range"},
		"negative goods":       {posted("1", "lines.0.total", -5958, "total", -5459), "body.total total_range, body.lines[0].total negative"},
		"positive discount":    {posted("1", "lines.1.type", "discount"), "body.lines[1].total reduction_positive"},
		"tax":                  {posted("1", "lines.0.tax_rate", 10001), "body.lines[0].tax_rate tax_rate"},
		"a list":               {`[]`, "body object"},
		"null":                 {`null`, "body object"},
		"several at once":      {posted("1", "currency", "EURO", "lines.0.quantity", 0, "customer.name", ""), "body.customer.name required, body.currency currency, body.lines[0].quantity quantity"},
	} {
		if got := h.post("/orders", tt.body).expect(t, 422).errors(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if n := len(h.get("/orders").list("items")); n != 0 {
		t.Errorf("%d orders were made of bad ones", n)
	}
}

func TestWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	for name, tt := range map[string]struct{ body, code string }{
		"cut off":         {`{"number":"1"`, "malformed_json"},
		"words":           {`number=1`, "malformed_json"},
		"more after it":   {posted("1") + `{}`, "malformed_json"},
		"very deep":       {strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000), "malformed_json"},
		"no UTF-8":        {strings.Replace(posted("1"), "Max", "M\xff", 1), "malformed_json"},
		"a name twice":    {strings.Replace(posted("1"), `"total":6457`, `"total":1,"total":6457`, 1), "duplicate_name"},
		"twice in a line": {strings.Replace(posted("1"), `"sku":"T-1"`, `"sku":"T-1","sku":"T-2"`, 1), "duplicate_name"},
		"nothing":         {"", "body_required"},
	} {
		for _, path := range []string{"/orders", "/orders/1/parcels"} {
			if got := h.post(path, tt.body).expect(t, 400).body["code"]; got != tt.code {
				t.Errorf("%s: %v, want %s", name, got, tt.code)
			}
		}
	}
	for _, path := range []string{"/orders", "/orders/batch", "/orders/1/ship"} {
		h.do("POST", path, posted("2"), "Content-Type", "text/plain").expect(t, 415)
	}
	h.do("POST", "/orders", posted("2"), "Content-Type", "application/json; charset=utf-8").expect(t, 201)
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	h := open(t)
	sized := func(n int) string { return posted("1") + strings.Repeat(" ", n-len(posted("1"))) }
	h.post("/orders", sized(1<<20)).expect(t, 201)
	for _, n := range []int{1<<20 + 1, 10 << 20} {
		h.post("/orders", sized(n)).expect(t, 413).is(t, document{"code": "too_large"})
	}
	h.post("/orders/batch", `{"orders":[`+sized(10<<20)+`]}`).expect(t, 200).is(t, document{"items.0.status": 200})
	h.post("/orders/batch", `{"orders":[`+sized(16<<20)+`]}`).expect(t, 413)
	h.post("/orders/batch", `[`+strings.Replace(posted("2"), "Max", strings.Repeat("x", 1<<20), 1)+`]`).expect(t, 200).is(t, document{"items.0.status": 413})
}

// A client that sends all of 10 MB before it looks gets the answer.
func TestTooLargeIsAnswered(t *testing.T) {
	t.Parallel()
	h := open(t)
	server := httptest.NewServer(h.api)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/api/v1/orders", struct{ io.Reader }{strings.NewReader(strings.Repeat(" ", 10<<20))})
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+h.token)
	r.Header.Set("Content-Type", "application/json")
	res, err := server.Client().Do(r)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != 413 || res.Close {
		t.Errorf("%s, connection closed %t", res.Status, res.Close)
	}
}

// However much is wrong, the answer stays small.
func TestMuchThatIsWrong(t *testing.T) {
	t.Parallel()
	h := open(t)
	var fields strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&fields, `,"field %d":1`, i)
	}
	a := h.post("/orders", strings.Replace(posted("1"), `,"`, fields.String()+`,"`, 1)).expect(t, 422)
	if n := len(a.list("errors")); n != 100 || len(a.raw) > 50_000 {
		t.Errorf("%d errors in %d bytes", n, len(a.raw))
	}
	if a := h.post("/orders", posted("1", strings.Repeat("ä", 10_000), 1)).expect(t, 422); len(a.raw) > 1000 {
		t.Errorf("a long name is echoed: %.300s…", a.raw)
	}
	lines := `{"number":"1","payment_method":"klarna","currency":"EUR","total":0,"customer":{"name":"A"},"lines":[` +
		strings.TrimSuffix(strings.Repeat(`{},`, 300_000), ",") + `]}`
	a = h.post("/orders", lines).expect(t, 422)
	if n := len(a.list("errors")); n != 100 || a.at("errors", 0, "location") != "body.lines" || a.at("errors", 0, "code") != "too_many_items" {
		t.Errorf("%d errors: %.300s", n, a.raw)
	}
	many := `{"orders":[` + strings.TrimSuffix(strings.Repeat("{},", 1001), ",") + `]}`
	if got := h.post("/orders/batch", many).expect(t, 422).errors(); got != "body.orders too_many_items" {
		t.Error(got)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.get("/orders/1").expect(t, 404).is(t, document{"code": "not_found"})
	for _, number := range []string{"a%20b", "%3Cscript%3E", strings.Repeat("1", 65), "%C3%A4"} {
		if got := h.get("/orders/"+number).expect(t, 422).errors(); got != "path.number number_form" {
			t.Errorf("%s: %s", number, got)
		}
	}
	h.do("DELETE", "/orders/1", "").expect(t, 405)
	a := h.do("PUT", "/orders/1", "{}").expect(t, 405)
	if got := a.header.Get("Allow"); got != "GET, PATCH" {
		t.Errorf("Allow %q", got)
	}
	h.get("/orders/1/nonsense").expect(t, 404).is(t, document{"code": "no_such_address"})
	h.get("/orders/").expect(t, 404)
}

func TestAPanicIsOneRequestsEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.contract = nil
	h.api = api.New(api.Deps{Log: h.logger(), Auth: h.auth}) // without what it needs
	h.get("/orders/1").expect(t, 500).is(t, document{"code": "internal"})
	if log := h.log.String(); !strings.Contains(log, "panic") {
		t.Errorf("the log says %q", log)
	}
}

// What is wrong with us is told to the log, not to the visitor.
func TestOurOwnMistakes(t *testing.T) {
	t.Parallel()
	h := open(t)
	must(t, h.db.Read(t.Context()).Exec("ALTER TABLE protocol_entries RENAME TO gone").Error)
	a := h.post("/orders", posted("1")).expect(t, 500)
	a.is(t, document{"code": "internal", "errors": "[]"})
	id := a.header.Get("X-Request-Id")
	if log := h.log.String(); !strings.Contains(log, id) || !strings.Contains(log, "protocol") {
		t.Errorf("the log says %q", log)
	}
	must(t, h.db.Read(t.Context()).Exec("ALTER TABLE api_tokens RENAME TO gone_too").Error)
	if a := h.get("/orders").expect(t, 500); a.header.Get("WWW-Authenticate") != "" {
		t.Error("our mistake is blamed on the token")
	}
}
