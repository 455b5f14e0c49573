package klarna_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"pgregory.net/rapid"

	"zahlwerk/internal/klarna"
)

// specification loads Klarna's own description of an API. It is not part of
// this repository: TEST_KLARNA_SPECS names the folder that holds it.
func specification(t *testing.T, name string) *openapi3.T {
	t.Helper()
	dir := os.Getenv("TEST_KLARNA_SPECS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "klarna")
	}
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("Klarna's specification is missing: %v", err)
		}
		t.Skipf("Klarna's specification is missing, set TEST_KLARNA_SPECS: %v", err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// validated answers like Klarna and reports every request that breaks the
// specification.
func validated(t interface{ Errorf(string, ...any) }, doc *openapi3.T, h http.HandlerFunc) http.Handler {
	for _, server := range doc.Servers { // whatever host the test server has
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Errorf("reading the server's address: %v", err)
			continue
		}
		server.URL = "/" + strings.TrimPrefix(u.Path, "/")
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Errorf("reading the routes: %v", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := validate(router, r); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		h(w, r)
	})
}

func validate(router routers.Router, r *http.Request) error {
	route, params, err := router.FindRoute(r)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}

func TestRequestsAreAsKlarnaSpecifies(t *testing.T) {
	t.Parallel()
	router := validated(t, specification(t, "order-management.yml"), func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && r.URL.Path == orderPath:
			answer(200, `{"order_id":"`+orderID+`","status":"AUTHORIZED"}`)(w, r)
		case r.Method == http.MethodGet && r.URL.Path == capturePath+"/"+captureID:
			answer(200, `{"capture_id":"`+captureID+`"}`)(w, r)
		case r.Method == http.MethodGet:
			answer(404, `{"error_code":"NO_SUCH_ORDER"}`)(w, r)
		case strings.HasSuffix(r.URL.Path, "/shipping-info"):
			answer(204, "")(w, r)
		default:
			answer(201, "", "Capture-Id", captureID)(w, r)
		}
	})
	om := serve(t, router.ServeHTTP)
	post := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	_, call1, err1 := om.Order(t.Context(), orderID)
	_, call2, err2 := om.FindCapture(t.Context(), orderID, captureID)
	id, call3, err3 := om.Capture(t.Context(), orderID, key, post(fullRequest()))
	call4, err4 := om.AppendShippingInfo(t.Context(), orderID, captureID, key,
		post(klarna.ShippingInfoRequest{ShippingInfo: fullRequest().ShippingInfo}))
	call5, err5 := om.CheckCredentials(t.Context())
	if id != captureID {
		t.Errorf("capture id %q", id)
	}
	for i, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
	for i, call := range []klarna.Call{call1, call2, call3, call4, call5} {
		if call.Status == 0 {
			t.Errorf("call %d did not reach the server", i+1)
		}
	}
}

// Whatever Validate lets pass, Klarna's specification lets pass, too.
func TestWhatIsValidIsValidForKlarna(t *testing.T) {
	t.Parallel()
	doc := specification(t, "order-management.yml")
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	send := func(path string, body any) error {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(b)))
		r.Header.Set("Content-Type", "application/json")
		return validate(router, r)
	}
	valid, invalid := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		request := anyCapture.Draw(t, "request")
		if len(request.Validate()) > 0 {
			invalid++
			return
		}
		valid++
		if err := send(capturePath, request); err != nil {
			t.Fatal(err)
		}
		appended := klarna.ShippingInfoRequest{ShippingInfo: request.ShippingInfo}
		if len(appended.Validate()) == 0 {
			if err := send(capturePath+"/"+captureID+"/shipping-info", appended); err != nil {
				t.Fatal(err)
			}
		}
	})
	if valid == 0 || invalid == 0 {
		t.Errorf("%d valid and %d invalid requests prove nothing", valid, invalid)
	}

	tooMuch := fullRequest()
	tooMuch.CapturedAmount = klarna.MaxAmount + 1
	if send(capturePath, tooMuch) == nil {
		t.Error("the specification lets everything pass")
	}
}

var (
	anyText = func(limit int) *rapid.Generator[string] {
		return rapid.OneOf(
			rapid.SampledFrom([]string{"", "x", "Größe & <b>", strings.Repeat("ü", limit), strings.Repeat("🎁", limit/2)}),
			rapid.SampledFrom([]string{strings.Repeat("x", limit+1)}),
			rapid.StringN(0, limit/2, -1),
		)
	}
	anyAmount = rapid.OneOf(rapid.Int64Range(0, 1000), rapid.SampledFrom([]int64{-1, 0, klarna.MaxAmount, klarna.MaxAmount + 1}))
	// One value in a hundred or so is bad, or hardly a request would be good.
	mostly = func(good, all *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			if rapid.IntRange(0, 99).Draw(t, "bad") == 99 {
				return all.Draw(t, "any")
			}
			return good.Draw(t, "good")
		})
	}
	short       = rapid.StringN(1, 10, -1)
	anyShipping = rapid.Custom(func(t *rapid.T) klarna.ShippingInfo {
		return klarna.ShippingInfo{
			ShippingCompany: mostly(short, anyText(100)).Draw(t, "company"),
			ShippingMethod:  rapid.SampledFrom([]klarna.ShippingMethod{"", klarna.Home, klarna.BoxUnregistered, klarna.DHLPackstation}).Draw(t, "method"),
			TrackingNumber:  mostly(short, anyText(100)).Draw(t, "number"),
			TrackingURI:     mostly(short, anyText(1024)).Draw(t, "uri"),
		}
	})
	anyLine = rapid.Custom(func(t *rapid.T) klarna.OrderLine {
		return klarna.OrderLine{
			Type:        rapid.SampledFrom([]klarna.LineType{"", klarna.Physical, klarna.ShippingFee, klarna.GiftCard}).Draw(t, "type"),
			Reference:   mostly(short, anyText(255)).Draw(t, "reference"),
			Name:        mostly(short, anyText(255)).Draw(t, "name"),
			Quantity:    rapid.Int64Range(0, 10).Draw(t, "quantity"),
			UnitPrice:   rapid.Int64Range(-1000, 1000).Draw(t, "price"),
			TotalAmount: rapid.Int64Range(-1000, klarna.MaxAmount).Draw(t, "total"),
		}
	})
	anyCapture = rapid.Custom(func(t *rapid.T) klarna.CaptureRequest {
		return klarna.CaptureRequest{
			CapturedAmount: anyAmount.Draw(t, "amount"),
			Description:    mostly(short, anyText(255)).Draw(t, "description"),
			Reference:      mostly(short, anyText(255)).Draw(t, "reference"),
			OrderLines:     rapid.SliceOfN(anyLine, 0, 4).Draw(t, "lines"),
			ShippingInfo:   rapid.SliceOfN(anyShipping, 0, 3).Draw(t, "parcels"),
		}
	})
)

// The limits and lists of this package are those of the specification.
func TestLimitsAreKlarnas(t *testing.T) {
	t.Parallel()
	schemas := specification(t, "order-management.yml").Components.Schemas
	schema := func(name, property string) *openapi3.Schema {
		s := schemas[name].Value.Properties[property]
		if s == nil {
			t.Fatalf("%s has no %s", name, property)
		}
		return s.Value
	}
	for _, c := range []struct {
		schema, property string
		max              uint64
	}{
		{"CaptureObject", "description", klarna.MaxText},
		{"CaptureObject", "reference", klarna.MaxText},
		{"order_line", "name", klarna.MaxText},
		{"order_line", "reference", klarna.MaxText},
		{"order_line", "quantity_unit", klarna.MaxQuantityUnit},
		{"shipping_info", "shipping_company", klarna.MaxCarrier},
		{"shipping_info", "tracking_number", klarna.MaxTracking},
		{"shipping_info", "tracking_uri", klarna.MaxTrackingURI},
		{"shipping_info", "return_shipping_company", klarna.MaxCarrier},
		{"shipping_info", "return_tracking_number", klarna.MaxTracking},
		{"shipping_info", "return_tracking_uri", klarna.MaxTrackingURI},
	} {
		if got := schema(c.schema, c.property).MaxLength; got == nil || *got != c.max {
			t.Errorf("%s.%s: the specification says %v, not %d", c.schema, c.property, got, c.max)
		}
	}
	for property, limit := range map[string]uint64{"order_lines": klarna.MaxOrderLines, "shipping_info": klarna.MaxShippingInfos} {
		if got := schema("CaptureObject", property).MaxItems; got == nil || *got != limit {
			t.Errorf("%s: the specification says %v, not %d", property, got, limit)
		}
	}
	if got := schema("CaptureObject", "captured_amount").Max; got == nil || *got != klarna.MaxAmount {
		t.Errorf("captured_amount: the specification says %v", got)
	}

	// Types and methods: none of ours is unknown to the specification, none of
	// the specification's is refused by us.
	methods := strings.Split(strings.Trim(schema("shipping_info", "shipping_method").Pattern, "()"), "|")
	for _, m := range append(methods, "Teleport") {
		r := klarna.ShippingInfoRequest{ShippingInfo: []klarna.ShippingInfo{{ShippingMethod: klarna.ShippingMethod(m)}}}
		if got, want := len(r.Validate()) == 0, slices.Contains(methods, m); got != want {
			t.Errorf("shipping method %s: valid %t", m, got)
		}
	}
	for _, v := range append(schema("order_line", "type").Enum, "wet") {
		r := klarna.CaptureRequest{OrderLines: []klarna.OrderLine{{Type: klarna.LineType(v.(string)), Name: "x"}}}
		if got, want := len(r.Validate()) == 0, v != "wet"; got != want {
			t.Errorf("line type %s: valid %t", v, got)
		}
	}
}
