package klarnasandbox_test

import (
	"net/http"
	"strings"
	"testing"

	. "zahlwerk/internal/klarnasandbox"
)

func TestValidation(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("ä", n) }
	line := func(more string) string {
		return `{"captured_amount":1,"order_lines":[{"name":"Tea","quantity":2,"unit_price":50,"total_amount":100` + more + `}]}`
	}
	parcels := func(n int) string {
		return `{"captured_amount":1,"shipping_info":[` + strings.TrimSuffix(strings.Repeat(`{},`, n), ",") + `]}`
	}
	tests := []struct {
		name, body string
		status     int
		code, say  string
	}{
		{"nothing", "", 400, CodeBadValue, "not valid JSON"},
		{"no JSON", "captured_amount=1", 400, CodeBadValue, "not valid JSON"},
		{"cut JSON", `{"captured_amount":1`, 400, CodeBadValue, "not valid JSON"},
		{"two values", `{"captured_amount":1} {}`, 400, CodeBadValue, "single"},
		{"a list", `[]`, 400, CodeBadValue, "object"},
		{"no amount", `{}`, 400, CodeBadValue, "Bad value: captured_amount"},
		{"null amount", `{"captured_amount":null}`, 400, CodeBadValue, "Bad value: captured_amount"},
		{"text amount", `{"captured_amount":"1"}`, 400, CodeBadValue, "Bad value: captured_amount"},
		{"broken amount", `{"captured_amount":1.5}`, 400, CodeBadValue, "Bad value: captured_amount"},
		{"negative amount", `{"captured_amount":-1}`, 400, CodeBadValue, "Bad value: captured_amount"},
		{"enormous amount", `{"captured_amount":200000001}`, 400, CodeBadValue, "Bad value: captured_amount"},
		{"endless amount", `{"captured_amount":1e400}`, 400, CodeBadValue, "Bad value: captured_amount"},
		{"highest amount", `{"captured_amount":200000000}`, 403, CodeCaptureNotAllowed, ""},
		{"whole amount as a float", `{"captured_amount":1.0}`, 201, "", ""},
		{"reference of 255", `{"captured_amount":1,"reference":"` + long(255) + `"}`, 201, "", ""},
		{"reference of 256", `{"captured_amount":1,"reference":"` + long(256) + `"}`, 422, CodeUnprocessable, "The size of the reference value must be between 0 and 255"},
		{"description of 256", `{"captured_amount":1,"description":"` + long(256) + `"}`, 422, CodeUnprocessable, "The size of the description value"},
		{"reference as a number", `{"captured_amount":1,"reference":7}`, 400, CodeBadValue, "Bad value: reference"},
		{"company of 100", `{"captured_amount":1,"shipping_info":[{"shipping_company":"` + long(100) + `"}]}`, 201, "", ""},
		{"company of 101", `{"captured_amount":1,"shipping_info":[{},{"shipping_company":"` + long(101) + `"}]}`, 422, CodeUnprocessable,
			"The size of the shipping_info/shipping_company value must be between 0 and 100"},
		{"tracking number of 101", `{"captured_amount":1,"shipping_info":[{"tracking_number":"` + long(101) + `"}]}`, 422, CodeUnprocessable,
			"The size of the shipping_info/tracking_number value must be between 0 and 100"},
		{"tracking uri of 1025", `{"captured_amount":1,"shipping_info":[{"tracking_uri":"` + long(1025) + `"}]}`, 422, CodeUnprocessable, "1024"},
		{"unknown method", `{"captured_amount":1,"shipping_info":[{"shipping_method":"Pigeon"}]}`, 400, CodeBadValue, "Bad value: shipping_info[0].shipping_method"},
		{"method somewhere in it", `{"captured_amount":1,"shipping_info":[{"shipping_method":"AtHomeDoor"}]}`, 201, "", ""},
		{"500 parcels", parcels(500), 201, "", ""},
		{"501 parcels", parcels(501), 422, CodeUnprocessable, "The size of the shipping_info value must be between 0 and 500"},
		{"parcels are no list", `{"captured_amount":1,"shipping_info":{}}`, 400, CodeBadValue, "Bad value: shipping_info"},
		{"parcel is a text", `{"captured_amount":1,"shipping_info":["x"]}`, 400, CodeBadValue, "Bad value: shipping_info[0]"},
		{"good line", line(``), 201, "", ""},
		{"line type", line(`,"type":"tea"`), 400, CodeBadValue, "Bad value: order_lines[0].type"},
		{"line type somewhere in it", line(`,"type":"nonphysical"`), 400, CodeBadValue, "order_lines[0].type"},
		{"line without a name", `{"captured_amount":1,"order_lines":[{"quantity":2,"unit_price":50,"total_amount":100}]}`, 400, CodeBadValue, "Bad value: order_lines[0].name"},
		{"line does not add up", line(`,"total_discount_amount":1`), 400, CodeBadValue, "Bad value: order_lines[0].total_amount"},
		{"line overflows", `{"captured_amount":1,"order_lines":[{"name":"x","quantity":9223372036854775807,"unit_price":200000000,"total_amount":1}]}`, 400, CodeBadValue, "order_lines[0].total_amount"},
		{"negative quantity", `{"captured_amount":1,"order_lines":[{"name":"x","quantity":-1,"unit_price":-1,"total_amount":1}]}`, 400, CodeBadValue, "order_lines[0].quantity"},
		{"gift card", `{"captured_amount":1,"order_lines":[{"name":"x","type":"gift_card","quantity":1,"unit_price":-500,"total_amount":-500}]}`, 201, "", ""},
		{"unit of 11", line(`,"quantity_unit":"12345678901"`), 422, CodeUnprocessable, "order_lines/quantity_unit"},
		{"subscription", line(`,"subscription":{"interval":"MONTH","name":"x"}`), 400, CodeBadValue, "order_lines[0].subscription.interval_count"},
		{"delay not enabled", `{"captured_amount":1,"shipping_delay":1}`, 400, CodeBadValue, "Bad value: shipping_delay"},
		{"two mistakes", `{"captured_amount":-1,"reference":1}`, 400, CodeBadValue, "Bad value: captured_amount|Bad value: reference"},
	}
	b := newBench(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := b.order(NewOrder{})
			r := b.capture(o.ID, "", tt.body)
			want(t, r, tt.status, tt.code)
			if !strings.Contains(r.message(), tt.say) {
				t.Errorf("says %q, want %q", r.message(), tt.say)
			}
			if n := len(b.read(o.ID).Captures); (n == 1) != (tt.status == 201) {
				t.Errorf("%d captures", n)
			}
		})
	}
}

func TestShippingInfoNeedsAParcel(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{AutoCapture: true})
	path := o.ID + "/captures/" + o.Captures[0].ID + "/shipping-info"
	want(t, b.call("POST", path, "", `{"shipping_info":[]}`), 422, CodeUnprocessable)
	want(t, b.call("POST", path, "", `{}`), 400, CodeBadValue)
}

// TestGateway is about what is answered before the operation.
func TestGateway(t *testing.T) {
	t.Parallel()
	other := Merchant{ID: "K111111", Username: "K111111_other", Password: "other:pass*$"}
	key := Merchant{ID: "K222222", Username: "6b2bd8a0-6d0c-4a4f-9c33-05a1bb0a0a10", Password: "klarna_test_api_notreal"}
	b := newBench(t, Options{Merchants: []Merchant{DemoMerchant(), other, key}})
	o := b.order(NewOrder{})
	tests := []struct {
		name, method, path string
		auth               func(*http.Request)
		contentType, body  string
		status             int
		code               string
	}{
		{name: "without credentials", method: "GET", path: base + o.ID, status: 401},
		{name: "wrong password", method: "GET", path: base + o.ID, auth: basic(DemoUsername, "x"), status: 401},
		{name: "another's password", method: "GET", path: base + o.ID, auth: basic(DemoUsername, other.Password), status: 401},
		{name: "empty credentials", method: "GET", path: base + o.ID, auth: basic("", ""), status: 401},
		{name: "another's order", method: "GET", path: base + o.ID, auth: basic(other.Username, other.Password), status: 404, code: CodeNoSuchOrder},
		{name: "API key", method: "GET", path: base + o.ID, auth: raw("Basic " + key.Password), status: 404, code: CodeNoSuchOrder},
		{name: "user and API key", method: "GET", path: base + o.ID, auth: raw("Basic " + key.Username + ":" + key.Password), status: 404, code: CodeNoSuchOrder},
		{name: "wrong API key", method: "GET", path: base + o.ID, auth: raw("Basic klarna_test_api_other"), status: 401},
		{name: "bearer", method: "GET", path: base + o.ID, auth: raw("Bearer " + key.Password), status: 401},
		{name: "upper case id", method: "GET", path: base + strings.ToUpper(o.ID), auth: basic(DemoUsername, DemoPassword), status: 200},
		{name: "no UUID", method: "GET", path: base + "123", auth: basic(DemoUsername, DemoPassword), status: 400, code: CodeInvalidOrderID},
		{name: "UUID without hyphens", method: "GET", path: base + strings.ReplaceAll(o.ID, "-", ""), auth: basic(DemoUsername, DemoPassword), status: 400, code: CodeInvalidOrderID},
		{name: "unknown order", method: "GET", path: base + "4ba29b50-be7b-44f5-a492-113e6a865e22", auth: basic(DemoUsername, DemoPassword), status: 404, code: CodeNoSuchOrder},
		{name: "refund of an unknown order", method: "POST", path: base + "4ba29b50-be7b-44f5-a492-113e6a865e22/refunds", auth: basic(DemoUsername, DemoPassword),
			contentType: "application/json", body: `{"refunded_amount":1}`, status: 404, code: CodeNotFound},
		{name: "no such path", method: "GET", path: base + o.ID + "/nothing", auth: basic(DemoUsername, DemoPassword), status: 403},
		{name: "slash at the end", method: "GET", path: base + o.ID + "/", auth: basic(DemoUsername, DemoPassword), status: 403},
		{name: "no id", method: "GET", path: base, auth: basic(DemoUsername, DemoPassword), status: 403},
		{name: "another API", method: "GET", path: "/checkout/v3/orders/" + o.ID, auth: basic(DemoUsername, DemoPassword), status: 403},
		{name: "wrong method", method: "DELETE", path: base + o.ID + "/captures", auth: basic(DemoUsername, DemoPassword), status: 405},
		{name: "form instead of JSON", method: "POST", path: base + o.ID + "/captures", auth: basic(DemoUsername, DemoPassword),
			contentType: "application/x-www-form-urlencoded", body: `{"captured_amount":1}`, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{name: "JSON with a charset", method: "POST", path: base + o.ID + "/captures", auth: basic(DemoUsername, DemoPassword),
			contentType: "application/json; charset=utf-8", body: `{"captured_amount":1}`, status: 201},
		{name: "JSON without saying so", method: "POST", path: base + o.ID + "/captures", auth: basic(DemoUsername, DemoPassword),
			body: `{"captured_amount":1}`, status: 201},
		{name: "more than 1 MiB", method: "POST", path: base + o.ID + "/captures", auth: basic(DemoUsername, DemoPassword),
			contentType: "application/json", body: `{"captured_amount":1}` + strings.Repeat(" ", 1<<20), status: 413, code: CodeTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), tt.method, b.url+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.auth != nil {
				tt.auth(req)
			}
			if tt.contentType != "" {
				req.Header.Set("Content-Type", tt.contentType)
			}
			r, err := b.do(req)
			if err != nil {
				t.Fatal(err)
			}
			want(t, r, tt.status, tt.code)
			for _, name := range []string{"Klarna-Correlation-Id", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
				if r.header.Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
			if tt.status == 405 && r.header.Get("Allow") != "POST, GET" {
				t.Errorf("allows %q", r.header.Get("Allow"))
			}
			if tt.status == 401 && !strings.HasPrefix(r.header.Get("Www-Authenticate"), "Basic ") {
				t.Errorf("does not ask for Basic")
			}
		})
	}
}

func basic(username, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(username, password) }
}

func raw(header string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", header) }
}
