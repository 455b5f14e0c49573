package klarnasandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	. "zahlwerk/internal/klarnasandbox"
)

// control makes a request of the control page or its API.
func (b *bench) control(method, path, body string, header ...string) reply {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	r, err := b.do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// post sends a form of the control page.
func (b *bench) post(path string, form url.Values) reply {
	b.t.Helper()
	return b.control("POST", path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func TestControlAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	var o struct {
		Order
		MerchantID string `json:"merchant_id"`
	}
	step := func(method, path, body string, status int, say string) string {
		t.Helper()
		r := b.control(method, "/sandbox/api"+path, body)
		if r.status != status || !strings.Contains(strings.Join(strings.Fields(r.body), ""), say) {
			t.Fatalf("%s %s: %d %s, want %d %s", method, path, r.status, r.body, status, say)
		}
		return r.body
	}
	created := step("POST", "/orders", `{"order_amount":5000,"merchant_reference1":"A-1","payment_method":"CARD"}`, 201, `"merchant_id":"K000000"`)
	if err := json.Unmarshal([]byte(created), &o); err != nil {
		t.Fatal(err)
	}
	step("POST", "/orders", `{"order_amount":5000,"order_id":"`+o.ID+`"}`, 409, CodeConflict)
	step("POST", "/orders", `{"order_amount":0}`, 400, "order_amount")
	step("POST", "/orders", `{"amount":1}`, 400, "unknownfield")
	step("POST", "/orders", `{} {}`, 400, "oneJSONvalue")
	step("POST", "/orders", strings.Repeat(" ", 1<<20)+"{}", 413, CodeTooLarge)
	step("GET", "/orders?q=a-1", "", 200, `"total":1`)
	step("GET", "/orders?q=a-1&offset=1", "", 200, `"orders":[]`)
	step("GET", "/orders/"+o.ID, "", 200, `"remaining_authorized_amount":5000`)
	step("GET", "/orders/4ba29b50-be7b-44f5-a492-113e6a865e22", "", 404, CodeNoSuchOrder)
	step("POST", "/orders/"+o.ID+"/actions", `{"kind":"capture","amount":2000,"reference":"LS"}`, 200, `"captured_amount":2000`)
	step("POST", "/orders/"+o.ID+"/actions", `{"kind":"cancel"}`, 403, CodeCancelNotAllowed)
	step("POST", "/orders/"+o.ID+"/actions", `{"kind":"explode"}`, 400, "kind")
	step("POST", "/orders/"+o.ID+"/actions", `{"kind":"fraud","fraud_status":"MAYBE"}`, 400, "fraud_status")

	step("GET", "/presets", "", 200, `"preset":"timeout_applied"`)
	step("POST", "/faults", `{"preset":"timeout_applied","operation":"captureOrder","times":1,"hold_ms":20}`, 201, `"id":1,"preset":"timeout_applied"`)
	step("POST", "/faults", `{"kind":"answer","status":503,"error_code":"BUSY","error_messages":["x"],"delay_ms":5}`, 201, `"id":2`)
	step("POST", "/faults", `{"preset":"nonsense"}`, 400, "preset")
	step("POST", "/faults", `{"kind":"cut","delay_ms":99999999999}`, 400, "delay")
	step("POST", "/faults", `[]`, 400, CodeBadValue)
	step("GET", "/faults", "", 200, `"hold_ms":20`)
	if f := b.Faults(); len(f) != 2 || f[0].Hold != 20*time.Millisecond || !f[0].Applied || f[1].Code != "BUSY" || f[1].Delay != 5*time.Millisecond {
		t.Errorf("set are %+v", f)
	}
	step("DELETE", "/faults/1", "", 204, "")
	step("DELETE", "/faults/1", "", 404, CodeNotFound)
	step("DELETE", "/faults", "", 204, "")
	step("GET", "/faults", "", 200, `"faults":[]`)

	step("POST", "/clock", `{"advance":"5h"}`, 200, `"moved_seconds":18000`)
	step("POST", "/clock", `{"advance":"28d"}`, 200, `"now":"2026-03-30T14:48:12.345Z"`)
	for _, bad := range []string{"", "-5h", "5", "d", "5000d", "99999999999999d", "1e9h"} {
		step("POST", "/clock", `{"advance":"`+bad+`"}`, 400, "advance")
	}
	step("GET", "/orders/"+o.ID, "", 200, `"status":"EXPIRED"`)

	step("PUT", "/settings", `{"latency_ms":3}`, 200, `"latency_ms":3,"rate_limit":0`)
	step("PUT", "/settings", `{"rate_limit":50,"latency_ms":0}`, 200, `"latency_ms":0,"rate_limit":50`)
	step("PUT", "/settings", `{"rate_limit":-1}`, 400, "rate_limit")
	want(t, b.call("GET", o.ID, "", ""), 200, "")
	step("GET", "/requests?order_id="+o.ID, "", 200, `"total":1`)
	step("DELETE", "/requests", "", 204, "")
	step("GET", "/requests", "", 200, `"requests":[]`)
	step("DELETE", "/orders", "", 405, "")
}

func TestOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	for name, tt := range map[string]struct {
		header []string
		status int
	}{
		"a script":        {nil, 201},
		"the page itself": {[]string{"Sec-Fetch-Site", "same-origin", "Origin", b.url}, 201},
		"another site":    {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another port":    {[]string{"Sec-Fetch-Site", "same-site"}, 403},
		"an old browser":  {[]string{"Origin", "https://example.org"}, 403},
	} {
		if r := b.control("POST", "/sandbox/api/orders", `{"order_amount":1}`, tt.header...); r.status != tt.status {
			t.Errorf("%s: %d, want %d", name, r.status, tt.status)
		}
		header := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, tt.header...)
		if r := b.control("POST", "/sandbox/clock", "advance=1h", header...); (r.status == 403) != (tt.status == 403) {
			t.Errorf("%s: the page answers %d", name, r.status)
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	id := "4ba29b50-be7b-44f5-a492-113e6a865e22"
	order := url.Values{"order_id": {id}, "order_amount": {"1.234,50"}, "purchase_currency": {"EUR"}, "purchase_country": {"DE"},
		"merchant_reference1": {`<script>alert(1)</script>`}, "payment_method": {"INVOICE"}, "fraud_status": {"ACCEPTED"}}
	redirect := func(r reply, to string) {
		t.Helper()
		if r.status != 303 || r.header.Get("Location") != to {
			t.Fatalf("%d to %q, want 303 to %q: %s", r.status, r.header.Get("Location"), to, r.body)
		}
	}
	page := "/sandbox/orders/" + id
	redirect(b.post("/sandbox/orders/new", order), page+"?done=created")
	redirect(b.post("/sandbox/orders/new", order), page) // sent twice
	if all := b.Orders(); len(all) != 1 || all[0].OrderAmount != 123_450 {
		t.Fatalf("orders %+v", all)
	}
	if r := b.control("GET", page, ""); r.status != 200 || strings.Contains(r.body, "<script") || !strings.Contains(r.body, "&lt;script") {
		t.Errorf("%d, or a script gets through", r.status)
	}
	order.Set("order_amount", "12,3,4,5x")
	order.Set("merchant_reference2", "kept")
	if r := b.post("/sandbox/orders/new", order); r.status != 422 || !strings.Contains(r.body, `id="order_amount-error"`) ||
		!strings.Contains(r.body, `value="12,3,4,5x"`) || !strings.Contains(r.body, `value="kept"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	order.Set("order_amount", "1")
	order.Set("order_id", "no uuid")
	if r := b.post("/sandbox/orders/new", order); r.status != 422 || !strings.Contains(r.body, `id="order_id-error"`) {
		t.Errorf("%d %s", r.status, r.body)
	}

	capture := url.Values{"kind": {"capture"}, "amount": {"34.50"}, "reference": {"LS"}, "once": {"token-1"}}
	redirect(b.post(page, capture), page+"?done=acted")
	redirect(b.post(page, capture), page) // sent twice
	if got := b.read(id).CapturedAmount; got != 3450 {
		t.Errorf("captured %d", got)
	}
	if r := b.post(page, url.Values{"kind": {"cancel"}}); r.status != 409 || !strings.Contains(r.body, "Order has previous captures") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := b.post(page, url.Values{"kind": {"capture"}, "amount": {"x"}}); r.status != 422 || !strings.Contains(r.body, `id="amount-error"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := b.post("/sandbox/orders/none", url.Values{"kind": {"capture"}}); r.status != 404 {
		t.Errorf("%d", r.status)
	}

	fault := url.Values{"preset": {"slow"}, "operation": {"captureOrder"}, "order_id": {strings.ToUpper(id)}, "times": {"2"}, "delay_ms": {"7"}, "once": {"token-2"}}
	redirect(b.post("/sandbox/faults", fault), "/sandbox/faults?done=fault_set")
	redirect(b.post("/sandbox/faults", fault), "/sandbox/faults?done=fault_set") // sent twice
	if f := b.Faults(); len(f) != 1 || f[0].Delay != 7*time.Millisecond || f[0].OrderID != id || f[0].Times != 2 {
		t.Errorf("set are %+v", f)
	}
	for field, bad := range map[string]string{"preset": "x", "operation": "x", "order_id": "x", "times": "x", "delay_ms": "0", "hold_s": "9999", "reset_s": "-1"} {
		form := url.Values{"preset": {"slow"}, "times": {"1"}, field: {bad}}
		if r := b.post("/sandbox/faults", form); r.status != 422 || !strings.Contains(r.body, `id="`+field+`-error"`) {
			t.Errorf("%s: %d", field, r.status)
		}
	}
	redirect(b.post("/sandbox/faults/clear", url.Values{"id": {"all"}}), "/sandbox/faults?done=fault_cleared")
	if len(b.Faults()) != 0 {
		t.Error("not cleared")
	}

	move := url.Values{"advance": {"1d"}, "once": {"token-3"}}
	redirect(b.post("/sandbox/clock", move), "/sandbox/clock?done=moved")
	redirect(b.post("/sandbox/clock", move), "/sandbox/clock?done=moved") // sent twice
	if b.Moved() != 24*time.Hour || !b.Now().Equal(start.Add(24*time.Hour)) {
		t.Errorf("moved by %v", b.Moved())
	}
	if r := b.post("/sandbox/clock", url.Values{"advance": {"soon"}}); r.status != 422 || !strings.Contains(r.body, `value="soon"`) {
		t.Errorf("%d", r.status)
	}
	redirect(b.post("/sandbox/settings", url.Values{"latency_ms": {"1"}, "rate_limit": {"100"}}), "/sandbox/clock?done=settings")
	if b.Latency() != time.Millisecond || b.RateLimit() != 100 {
		t.Errorf("%v, %d", b.Latency(), b.RateLimit())
	}
	if r := b.post("/sandbox/settings", url.Values{"latency_ms": {"-1"}, "rate_limit": {"x"}}); r.status != 422 {
		t.Errorf("%d", r.status)
	}
	if r := b.post("/sandbox/clock", url.Values{"advance": {strings.Repeat("x", 65<<10)}}); r.status != 413 {
		t.Errorf("%d", r.status)
	}
}

// TestPages reads every page in both languages, empty and full.
func TestPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	paths := []string{"/sandbox/", "/sandbox/?q=nothing", "/sandbox/?offset=900", "/sandbox/orders/new", "/sandbox/payouts", "/sandbox/faults", "/sandbox/clock", "/sandbox/requests"}
	look := func() {
		for _, path := range paths {
			for _, lang := range []string{"de", "en"} {
				r := b.control("GET", path, "", "Accept-Language", lang+"-XX,fr;q=0.9")
				if r.status != 200 || !strings.Contains(r.body, `<html lang="`+lang+`">`) || strings.Count(r.body, "<h1") != 1 {
					t.Errorf("%s %s: %d", path, lang, r.status)
				}
				for _, no := range []string{"<script", "<style", " style=", " onclick=", "ZgotmplZ", "%!"} {
					if strings.Contains(r.body, no) {
						t.Errorf("%s %s has %s", path, lang, no)
					}
				}
				if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
					t.Errorf("policy %q", csp)
				}
			}
		}
	}
	look()
	for range 60 {
		b.order(NewOrder{MerchantReference1: "R"})
	}
	o := b.order(NewOrder{MerchantReference1: "R-last", Currency: "CHF"})
	b.preset("unavailable", Fault{Operation: OpCapture, OrderID: o.ID, Times: 2})
	if _, err := b.SetFault(Fault{Kind: FaultAnswer, Status: 418, Code: "TEA", Applied: true, Operation: OpCancel}); err != nil {
		t.Fatal(err)
	}
	want(t, b.capture(o.ID, "a-key", `{"captured_amount":1000}`), 503, CodeUnavailable)
	b.ClearFault(1)
	for range 2 {
		want(t, b.capture(o.ID, "a-key", `{"captured_amount":1000,"reference":"LS-9","shipping_info":[{"shipping_company":"DHL","tracking_number":"TN-1","return_tracking_number":"RN-1"}]}`), 201, "")
	}
	want(t, b.call("POST", o.ID+"/refunds", "", `{"refunded_amount":100}`), 201, "")
	want(t, b.call("POST", o.ID+"/shipping-info", "", `{"shipping_info":[{"tracking_number":"TN-2"}]}`), 204, "")
	b.extra(Extra{Type: TypeCharge, DetailedType: "PAYMENT_REMINDER", Amount: 100, OrderID: o.ID})
	if _, err := b.CreateOddPayout("", OddNoMinorUnits); err != nil {
		t.Fatal(err)
	}
	b.Advance(30 * time.Hour)
	paths = append(paths, "/sandbox/orders/"+o.ID, "/sandbox/orders/"+o.ID+"?done=acted", "/sandbox/faults?order="+o.ID)
	look()

	german := b.control("GET", "/sandbox/orders/"+o.ID, "", "Accept-Language", "de").body
	for _, s := range []string{o.ID, "R-last", "LS-9", "TN-1", "RN-1", "TN-2", "a-key", "100,00\u00a0CHF", "10,00\u00a0CHF", "alte Antwort wiederholt", "unavailable",
		o.KlarnaReference + "-1", "teilweise eingezogen", "418 TEA", "+1 Tag 6h0m0s"} {
		if !strings.Contains(german, s) {
			t.Errorf("the order's page is without %q", s)
		}
	}
	first := b.control("GET", "/sandbox/", "", "Accept-Language", "en").body
	if !strings.Contains(first, "1 to 50 of 61") || !strings.Contains(first, "offset=50") || strings.Contains(first, `rel="prev"`) {
		t.Error("the first page of orders has other neighbours")
	}
	second := b.control("GET", "/sandbox/?offset=50", "").body
	if !strings.Contains(second, "51 to 61 of 61") || strings.Contains(second, `rel="next"`) {
		t.Error("the second page of orders has other neighbours")
	}
	for path, status := range map[string]int{"/sandbox": 303, "/": 303, "/sandbox/sandbox.css": 200, "/sandbox/nothing": 404, "/sandbox/orders/x": 404} {
		if r := b.control("GET", path, ""); r.status != status {
			t.Errorf("%s: %d, want %d", path, r.status, status)
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	for _, tt := range []struct{ path, accept, cookie, want string }{
		{"/sandbox/", "", "", "en"},
		{"/sandbox/", "fr", "", "en"},
		{"/sandbox/", "de-AT", "", "de"},
		{"/sandbox/", "en;q=0.3, de;q=0.8", "", "de"},
		{"/sandbox/", "de", "sandbox_lang=en", "en"},
		{"/sandbox/?lang=de", "en", "sandbox_lang=en", "de"},
		{"/sandbox/?lang=xx", "de", "", "de"},
	} {
		r := b.control("GET", tt.path, "", "Accept-Language", tt.accept, "Cookie", tt.cookie)
		if !strings.Contains(r.body, `<html lang="`+tt.want+`">`) {
			t.Errorf("%+v: another language", tt)
		}
		if keeps := strings.HasPrefix(r.header.Get("Set-Cookie"), "sandbox_lang=de"); keeps != strings.HasSuffix(tt.path, "lang=de") {
			t.Errorf("%+v: cookie %q", tt, r.header.Get("Set-Cookie"))
		}
	}
}
