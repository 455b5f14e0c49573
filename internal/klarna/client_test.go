package klarna_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/klarna"
)

const (
	orderID   = "f3392f8b-6116-4073-ab96-e330819e2c07"
	captureID = "4ba29b50-be7b-44f5-a492-113e6a865e22"
	key       = "9c1c0c52-0c5a-4d0a-8b8e-3a2d1f0e9b11"
	username  = "K000000_test"
	password  = "not-a-real-password$*:ü"
	body      = `{"captured_amount":6457}`

	orderPath   = "/ordermanagement/v1/orders/" + orderID
	capturePath = orderPath + "/captures"
)

var now = time.Date(2026, 11, 3, 9, 15, 0, 0, time.UTC)

// serve starts a server and returns the API that talks to it.
func serve(t *testing.T, h http.HandlerFunc) *klarna.OrderManagement {
	t.Helper()
	return serveWith(t, h, klarna.Options{})
}

func serveWith(t *testing.T, h http.HandlerFunc, o klarna.Options) *klarna.OrderManagement {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	base, err := klarna.ParseBaseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.BaseURL, o.UserAgent, o.Now = base, "Zahlwerk/1.2.3", func() time.Time { return now }
	return klarna.New(o).OrderManagement(target())
}

func target() klarna.Target {
	return klarna.NewTarget(klarna.Endpoint{Region: klarna.Europe, Environment: klarna.Live}, username, password)
}

// answer writes an answer of Klarna's.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Klarna-Correlation-Id", "corr-header")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	common := http.Header{
		"Authorization":   {"Basic SzAwMDAwMF90ZXN0Om5vdC1hLXJlYWwtcGFzc3dvcmQkKjrDvA=="},
		"Accept":          {"application/json"},
		"User-Agent":      {"Zahlwerk/1.2.3"},
		"Accept-Encoding": {"gzip"}, // net/http's own
	}
	posted := common.Clone()
	posted["Content-Type"] = []string{"application/json"}
	posted["Klarna-Idempotency-Key"] = []string{key}
	posted["Content-Length"] = []string{"24"}
	const odd = `{"captured_amount": 6457} ` // to be sent as it is

	for name, tc := range map[string]struct {
		call         func(*klarna.OrderManagement)
		method, path string
		header       http.Header
		body         string
	}{
		"order": {func(om *klarna.OrderManagement) { _, _, _ = om.Order(t.Context(), orderID) }, "GET", orderPath, common, ""},
		"capture": {func(om *klarna.OrderManagement) { _, _, _ = om.Capture(t.Context(), orderID, key, []byte(body)) },
			"POST", capturePath, posted, body},
		"the very bytes": {func(om *klarna.OrderManagement) { _, _, _ = om.Capture(t.Context(), orderID, key, []byte(odd)) },
			"POST", capturePath, with(posted, "Content-Length", "26"), odd},
		"find capture": {func(om *klarna.OrderManagement) { _, _, _ = om.FindCapture(t.Context(), orderID, captureID) },
			"GET", capturePath + "/" + captureID, common, ""},
		"append": {func(om *klarna.OrderManagement) {
			_, _ = om.AppendShippingInfo(t.Context(), orderID, captureID, key, []byte(body))
		},
			"POST", capturePath + "/" + captureID + "/shipping-info", posted, body},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan *http.Request, 2)
			tc.call(serve(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(b)))
				got <- r
				w.WriteHeader(http.StatusInternalServerError)
			}))
			if len(got) != 1 {
				t.Fatalf("%d requests, want 1", len(got))
			}
			r := <-got
			if r.Method != tc.method || r.RequestURI != tc.path {
				t.Errorf("%s %s, want %s %s", r.Method, r.RequestURI, tc.method, tc.path)
			}
			if sent, _ := io.ReadAll(r.Body); string(sent) != tc.body {
				t.Errorf("body %q, want %q", sent, tc.body)
			}
			for name := range tc.header {
				if !slices.Equal(r.Header[name], tc.header[name]) {
					t.Errorf("%s: %q, want %q", name, r.Header[name], tc.header[name])
				}
			}
			for name := range r.Header {
				if _, ok := tc.header[name]; !ok {
					t.Errorf("unexpected header %s: %q", name, r.Header[name])
				}
			}
		})
	}
}

func with(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}

func TestABaseURLMayHaveAPath(t *testing.T) {
	t.Parallel()
	path := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { path <- r.URL.Path }))
	t.Cleanup(server.Close)
	base, err := klarna.ParseBaseURL(server.URL + "/klarna/")
	if err != nil {
		t.Fatal(err)
	}
	_, call, _ := klarna.New(klarna.Options{BaseURL: base}).OrderManagement(target()).Order(t.Context(), orderID)
	if got := <-path; got != "/klarna"+orderPath {
		t.Errorf("asked for %s", got)
	}
	if call.Path != orderPath || call.Host != base.Host {
		t.Errorf("the record says %s %s", call.Host, call.Path)
	}
}

func TestWithoutABaseURLKlarnaIsMeant(t *testing.T) {
	t.Parallel()
	var asked string
	client := klarna.New(klarna.Options{Transport: transport(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.String()
		return nil, errors.New("there is no network")
	})})
	_, call, err := client.OrderManagement(target()).Order(t.Context(), orderID)
	if klarna.Classify(err) != klarna.Unknown || asked != "https://api.klarna.com"+orderPath || call.Host != "api.klarna.com" {
		t.Errorf("asked %s, record %s, err %v", asked, call.Host, err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOrder(t *testing.T) {
	t.Parallel()
	om := serve(t, answer(200, `{"order_id":"F3392F8B-6116-4073-AB96-E330819E2C07","status":"PART_CAPTURED","fraud_status":"ACCEPTED",
		"order_amount":6457,"captured_amount":1000,"remaining_authorized_amount":5457,"refunded_amount":1,"purchase_currency":"EUR",
		"created_at":"2026-11-01T10:25:40Z","expires_at":"2026-11-29T00:00:00.000Z","klarna_reference":"K4MADNY","unheard_of":{"a":[1]},
		"initial_payment_method":{"type":"INVOICE"},"billing_address":{"given_name":"Erika"},
		"captures":[{"capture_id":"`+captureID+`","captured_amount":1000,"captured_at":"2026-11-02T01:51:17+01:00","reference":"LS-1",
		"shipping_info":[{"tracking_number":"003"}],"order_lines":[{"name":"a","quantity":1,"unit_price":1000,"total_amount":1000}]}],
		"refunds":[{"refund_id":"r","refunded_amount":1}]}`,
		"X-Ratelimit-Remaining", "15", "X-Ratelimit-Reset", "1"))
	order, call, err := om.Order(t.Context(), orderID)
	if err != nil {
		t.Fatal(err)
	}
	if order.Status != klarna.StatusPartCaptured || order.FraudStatus != klarna.FraudAccepted || order.RemainingAuthorizedAmount != 5457 ||
		order.InitialPaymentMethod.Type != "INVOICE" || !order.ExpiresAt.Equal(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("order %+v", order)
	}
	if len(order.Captures) != 1 || order.Captures[0].Reference != "LS-1" || order.Captures[0].ShippingInfo[0].TrackingNumber != "003" ||
		!order.Captures[0].CapturedAt.Equal(time.Date(2026, 11, 2, 0, 51, 17, 0, time.UTC)) {
		t.Errorf("captures %+v", order.Captures)
	}
	if call.Status != 200 || call.CorrelationID != "corr-header" || call.RateLimitRemaining != 15 || call.RetryAfter != time.Second ||
		!call.At.Equal(now) || call.Method != "GET" || call.Path != orderPath || call.Duration <= 0 || call.TransportError != "" {
		t.Errorf("call %+v", call)
	}
	if strings.Contains(call.Response, "Erika") || !strings.Contains(call.Response, `"given_name":"••••"`) {
		t.Errorf("kept: %s", call.Response)
	}
}

func TestFindCapture(t *testing.T) {
	t.Parallel()
	capture, _, err := serve(t, answer(200, `{"capture_id":"`+captureID+`","captured_amount":1}`)).FindCapture(t.Context(), orderID, captureID)
	if err != nil || capture.CapturedAmount != 1 {
		t.Errorf("%+v, %v", capture, err)
	}
	_, _, err = serve(t, answer(200, `{"capture_id":"another"}`)).FindCapture(t.Context(), orderID, captureID)
	if none, ok := errors.AsType[*klarna.NoAnswer](err); !ok || none.Reason != klarna.NotKlarna {
		t.Errorf("another capture: %v", err)
	}
	_, _, err = serve(t, answer(404, `{"error_code":"NO_SUCH_CAPTURE"}`)).FindCapture(t.Context(), orderID, captureID)
	if e, ok := errors.AsType[*klarna.Error](err); !ok || e.Code != klarna.CodeNoSuchCapture {
		t.Errorf("err = %v", err)
	}
}

func TestCaptureID(t *testing.T) {
	t.Parallel()
	location := "https://api.klarna.com" + capturePath + "/"
	for name, tc := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"header":                 {answer(201, "", "Capture-Id", captureID, "Location", location+"other"), captureID},
		"location":               {answer(201, "", "Location", location+captureID), captureID},
		"relative location":      {answer(201, "", "Location", capturePath+"/"+captureID), captureID},
		"neither":                {answer(201, ""), ""},
		"200 and JSON":           {answer(200, `{}`), ""},
		"204":                    {answer(204, ""), ""},
		"a location of no use":   {answer(201, "", "Location", "https://proxy.example/login"), ""},
		"a location without end": {answer(201, "", "Location", location), ""},
		"odd ids":                {answer(201, "", "Capture-Id", "../x", "Location", location+"%2e%2e"), ""},
		"header and a page":      {answer(201, "<html>", "Capture-Id", captureID), captureID},
		"header and a cut body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Capture-Id", captureID)
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(201)
			_, _ = io.WriteString(w, "{")
		}, captureID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, call, err := serve(t, tc.h).Capture(t.Context(), orderID, key, []byte(body))
			if err != nil || got != tc.want {
				t.Errorf("%q, %v; want %q", got, err, tc.want)
			}
			if call.IdempotencyKey != key || call.Request != body || call.Status/100 != 2 {
				t.Errorf("call %+v", call)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		h    http.HandlerFunc
		want klarna.Error
	}{
		"not allowed": {
			answer(403, `{"error_code":"CAPTURE_NOT_ALLOWED","error_messages":["Capture not possible."],"correlation_id":"corr-body"}`),
			klarna.Error{Status: 403, Code: "CAPTURE_NOT_ALLOWED", Messages: []string{"Capture not possible."}, CorrelationID: "corr-header", JSON: true},
		},
		"correlation id in the body only": {
			answer(404, `{"error_code":"NO_SUCH_ORDER","correlation_id":"corr-body"}`, "Klarna-Correlation-Id", ""),
			klarna.Error{Status: 404, Code: "NO_SUCH_ORDER", CorrelationID: "corr-body", JSON: true},
		},
		"too fast": {
			answer(429, "", "X-Ratelimit-Reset", "7", "X-Ratelimit-Remaining", "0"),
			klarna.Error{Status: 429, CorrelationID: "corr-header", RetryAfter: 7 * time.Second},
		},
		"nonsense about the rate": {
			answer(429, "", "X-Ratelimit-Reset", "1767225600", "X-Ratelimit-Remaining", "-3"),
			klarna.Error{Status: 429, CorrelationID: "corr-header", RetryAfter: time.Hour},
		},
		"HTML":          {answer(401, "<title>401</title>"), klarna.Error{Status: 401, CorrelationID: "corr-header"}},
		"bare":          {answer(403, `{"message":"Forbidden"}`), klarna.Error{Status: 403, CorrelationID: "corr-header"}},
		"empty":         {answer(503, ""), klarna.Error{Status: 503, CorrelationID: "corr-header"}},
		"a huge page":   {answer(404, strings.Repeat("x", 2<<20)), klarna.Error{Status: 404, CorrelationID: "corr-header"}},
		"a redirection": {answer(302, "", "Location", "/elsewhere"), klarna.Error{Status: 302, CorrelationID: "corr-header"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			om := serve(t, tc.h)
			_, call, err := om.Capture(t.Context(), orderID, key, []byte(body))
			got, ok := errors.AsType[*klarna.Error](err)
			if !ok {
				t.Fatalf("err = %v", err)
			}
			if got.Error() != tc.want.Error() || got.JSON != tc.want.JSON || got.RetryAfter != tc.want.RetryAfter {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			if call.Status != got.Status || call.ErrorCode != got.Code || call.CorrelationID != got.CorrelationID ||
				!slices.Equal(call.ErrorMessages, got.Messages) || call.RetryAfter != got.RetryAfter {
				t.Errorf("the record differs: %+v", call)
			}
			if len(call.Response) > 20<<10 {
				t.Errorf("%d bytes were kept", len(call.Response))
			}
			// All methods judge alike.
			for _, err := range []error{
				second(om.AppendShippingInfo(t.Context(), orderID, captureID, key, []byte(body))),
				third(om.Order(t.Context(), orderID)),
				third(om.FindCapture(t.Context(), orderID, captureID)),
			} {
				if err == nil || err.Error() != got.Error() {
					t.Errorf("another method: %v", err)
				}
			}
		})
	}
}

func second(_ klarna.Call, err error) error            { return err }
func third[T any](_ T, _ klarna.Call, err error) error { return err }

func TestAppendShippingInfo(t *testing.T) {
	t.Parallel()
	call, err := serve(t, answer(204, "")).AppendShippingInfo(t.Context(), orderID, captureID, key, []byte(`{"shipping_info":[{}]}`))
	if err != nil || call.Status != 204 || call.RateLimitRemaining != -1 {
		t.Errorf("%+v, %v", call, err)
	}
}

func TestCheckCredentials(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		h    http.HandlerFunc
		want klarna.Answer
	}{
		"good":            {answer(404, `{"error_code":"NO_SUCH_ORDER"}`), klarna.OK},
		"bad":             {answer(401, ""), klarna.Unauthorized},
		"no contract":     {answer(403, `{"error_code":"NOT_ALLOWED"}`), klarna.Final},
		"bare":            {answer(403, ""), klarna.BareForbidden},
		"another 404":     {answer(404, `{"error_code":"NOT_FOUND"}`), klarna.Final},
		"somebody's 404":  {answer(404, "<h1>Not found</h1>"), klarna.Unknown},
		"somebody's 200":  {answer(200, "<h1>Please log in</h1>"), klarna.Unknown},
		"Klarna is down":  {answer(503, ""), klarna.Unknown},
		"too many":        {answer(429, ""), klarna.TooFast},
		"nobody is there": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, klarna.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call, err := serve(t, tc.h).CheckCredentials(t.Context())
			if got := klarna.Classify(err); got != tc.want {
				t.Errorf("%s (%v), want %s", got, err, tc.want)
			}
			id, ok := strings.CutPrefix(call.Path, "/ordermanagement/v1/orders/")
			if call.Method != "GET" || !ok || !klarna.ValidOrderID(id) {
				t.Errorf("asked %s %s", call.Method, call.Path)
			}
		})
	}
}

func TestNothingIsSent(t *testing.T) {
	t.Parallel()
	om := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	nowhere := klarna.New(klarna.Options{}).OrderManagement(klarna.NewTarget(klarna.Endpoint{}, username, password))
	capture := func(om *klarna.OrderManagement, id, key string, body string) error {
		_, call, err := om.Capture(t.Context(), id, key, []byte(body))
		if call.Method != "POST" || call.TransportError == "" || call.At.IsZero() || call.Status != 0 || call.RateLimitRemaining != -1 {
			t.Errorf("call %+v", call)
		}
		return err
	}
	for name, err := range map[string]error{
		"no key":          capture(om, orderID, "", body),
		"a key of spaces": capture(om, orderID, "a b", body),
		"a key of lines":  capture(om, orderID, "a\r\nX-Evil: 1", body),
		"a long key":      capture(om, orderID, strings.Repeat("x", 256), body),
		"no order id":     capture(om, "", key, body),
		"no UUID":         capture(om, "K4MADNY", key, body),
		"a big body":      capture(om, orderID, key, strings.Repeat(" ", 1_000_001)),
		"no endpoint":     capture(nowhere, orderID, key, body),
		"append, no key":  second(om.AppendShippingInfo(t.Context(), orderID, captureID, "", []byte(body))),
		"no capture id":   third(om.FindCapture(t.Context(), orderID, "")),
		"a path for one":  third(om.FindCapture(t.Context(), orderID, "../../x")),
		"dots for one":    third(om.FindCapture(t.Context(), orderID, "..")),
	} {
		if klarna.Classify(err) != klarna.NotSent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCredentialsAreNeverKept(t *testing.T) {
	t.Parallel()
	om := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"error_code": password, "error_messages": []string{r.Header.Get("Authorization"), "is " + password},
			"correlation_id": "c",
		})
	})
	_, call, err := om.Capture(t.Context(), orderID, key, []byte(`{"description":"`+password+`"}`))
	kept, _ := json.Marshal(call)
	for _, text := range []string{string(kept), err.Error()} {
		if strings.Contains(text, "real-password") || strings.Contains(text, "SzAwMDAwMF90ZXN0") {
			t.Errorf("the credentials are in %s", text)
		}
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	remotes := make(chan string, 10)
	om := serve(t, func(w http.ResponseWriter, r *http.Request) {
		remotes <- r.RemoteAddr
		answer(404, `{"error_code":"NO_SUCH_ORDER"}`+strings.Repeat(" ", 100_000))(w, r)
	})
	for range 5 {
		_, _, _ = om.Order(context.Background(), orderID)
	}
	close(remotes)
	first := <-remotes
	for r := range remotes {
		if r != first {
			t.Errorf("a second connection: %s after %s", r, first)
		}
	}
}
