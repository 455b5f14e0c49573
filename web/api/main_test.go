package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/uuid"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
	"zahlwerk/web/api"
)

var now = time.Date(2026, 11, 3, 8, 15, 0, 0, time.UTC)

// house is the API over real services and a database of its own. Nothing is sent to
// Klarna unless a test lets workers run.
type house struct {
	t           testing.TB
	api         http.Handler
	db          *store.DB
	clock       *clock.Clock
	bell        *work.Bell
	auth        *auth.Service
	methods     *paymentmethod.Service
	captures    *capture.Pusher
	accounts    *businessaccount.Service
	settlements *settlement.Service
	log         *bytes.Buffer // what was logged as an error
	token       string        // of a shop: orders:read, orders:write
	contract    *contract
}

func open(t testing.TB) *house { t.Helper(); return openOn(t, storetest.SQLite(t), klarna.Options{}) }

func openOn(t testing.TB, db *store.DB, o klarna.Options) *house {
	t.Helper()
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "secret.key"))
	must(t, err)
	clk, bell, trail, client := clock.NewFixed(now), work.NewBell(), audit.New(db), klarna.New(o)
	h := &house{t: t, db: db, clock: clk, bell: bell, auth: auth.New(db, clk, trail), log: &bytes.Buffer{}}
	h.methods = paymentmethod.New(db, clk, box, trail, client, bell, paymentmethod.ProbePolicy{Every: time.Hour})
	h.captures = capture.NewPusher(db, clk, bell, client, h.methods, capture.DefaultPolicy, 1)
	carriers := carrier.New(db, clk, trail)
	h.accounts = businessaccount.New(db, clk, box, trail, client)
	h.settlements = settlement.New(db, clk, bell, trail, h.accounts)
	h.api = api.New(api.Deps{
		Log:  h.logger(),
		Auth: h.auth, Methods: h.methods, Orders: order.New(db, clk), Dispatch: dispatch.New(db, clk, dispatch.Deps{Captures: h.captures, Carriers: carriers}), Captures: h.captures,
		Carriers: carriers, Accounts: h.accounts, Settlements: h.settlements,
	})
	for _, m := range []paymentmethod.Module{paymentmethod.ModuleKlarna, paymentmethod.ModuleNone} {
		in := paymentmethod.Defaults(m)
		in.Name, in.Type = "Method "+string(m), string(m)
		if m == paymentmethod.ModuleKlarna {
			in.Username, in.Password = klarnasandbox.DemoUsername, klarnasandbox.DemoPassword
		}
		_, err := h.methods.Create(t.Context(), in, "test")
		must(t, err)
	}
	h.token = h.newToken("Shop", auth.ScopeOrdersRead, auth.ScopeOrdersWrite)
	h.contract = readContract(t, h)
	return h
}

func (h *house) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelError}))
}

func (h *house) newToken(name string, scopes ...auth.Scope) string {
	h.t.Helper()
	bearer, _, err := h.auth.CreateToken(h.t.Context(), "test", auth.NewToken{Name: name, Scopes: scopes})
	must(h.t, err)
	return bearer
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// document is an answer's JSON.
type document = map[string]any

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    string
	body   document
}

// do sends a request as the shop; header is alternating names and values. Each answer
// must be as the OpenAPI document says.
func (h *house) do(method, path, body string, header ...string) answer {
	h.t.Helper()
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return h.send(r)
}

func (h *house) send(r *http.Request) answer {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if err := json.Unmarshal([]byte(a.raw), &a.body); err != nil {
		h.t.Errorf("%s %s: the answer is no JSON object: %v: %.200s", r.Method, r.URL, err, a.raw)
	}
	if a.status >= 400 {
		h.checkProblem(r, a)
	}
	h.contract.check(h.t, r, a)
	return a
}

func (h *house) get(path string) answer { h.t.Helper(); return h.do("GET", path, "") }

func (h *house) post(path, body string) answer { h.t.Helper(); return h.do("POST", path, body) }

// expect is an answer with this status; anything else ends the test.
func (a answer) expect(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}

// at returns a value inside: at("delivery_notes", 0, "capture", "state").
func (a answer) at(path ...any) any {
	var v any = a.body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(document)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// is compares values inside, given as paths of names and indices parted by dots.
func (a answer) is(t testing.TB, want document) {
	t.Helper()
	for path, w := range want {
		var steps []any
		for _, p := range strings.Split(path, ".") {
			var i int
			if _, err := fmt.Sscanf(p, "%d", &i); err == nil {
				steps = append(steps, i)
			} else {
				steps = append(steps, p)
			}
		}
		if got := a.at(steps...); fmt.Sprint(got) != fmt.Sprint(w) {
			t.Errorf("%s is %v, want %v", path, got, w)
		}
	}
}

func (a answer) list(path ...any) []any {
	l, _ := a.at(path...).([]any)
	return l
}

// errors is what a problem says about inputs: "location code", in order.
func (a answer) errors() string {
	var out []string
	for _, e := range a.list("errors") {
		e, _ := e.(document)
		out = append(out, fmt.Sprintf("%v %v", e["location"], e["code"]))
	}
	return strings.Join(out, ", ")
}

// checkProblem holds for each error there is: it is a problem document with words for
// people, and nothing of our inside in it.
func (h *house) checkProblem(r *http.Request, a answer) {
	h.t.Helper()
	where := r.Method + " " + r.URL.Path
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		h.t.Errorf("%s: %d as %s", where, a.status, ct)
	}
	code, _ := a.body["code"].(string)
	members := document{"status": a.status, "type": "/problems/" + code, "request_id": a.header.Get("X-Request-Id")}
	for name, want := range members {
		if fmt.Sprint(a.body[name]) != fmt.Sprint(want) {
			h.t.Errorf("%s: %s is %v, want %v", where, name, a.body[name], want)
		}
	}
	sentences := []any{a.body["title"], a.body["detail"]}
	for _, e := range a.list("errors") {
		sentences = append(sentences, e.(document)["message"])
	}
	for _, s := range sentences {
		text, _ := s.(string)
		if text == "" || strings.Contains(text, "api.error.") || strings.Contains(text, "<no value>") {
			h.t.Errorf("%s: says %q", where, text)
		}
	}
	for _, inside := range []string{"SQL", "gorm", "json:", "Go struct", "strconv", "expected ", h.token} {
		if strings.Contains(a.raw, inside) {
			h.t.Errorf("%s: shows %q: %s", where, inside, a.raw)
		}
	}
}

// contract checks answers against the OpenAPI document.
type contract struct {
	document *openapi3.T
	router   routers.Router
}

var loading sync.Mutex // the loader is not made for several at a time

func readContract(t testing.TB, h *house) *contract {
	t.Helper()
	loading.Lock()
	defer loading.Unlock()
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/openapi.json", nil))
	document, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	must(t, err)
	router, err := gorillamux.NewRouter(document)
	must(t, err)
	return &contract{document, router}
}

func (c *contract) check(t testing.TB, r *http.Request, a answer) {
	t.Helper()
	if c == nil {
		return
	}
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return // an address that is not in it
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.raw)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s: the answer is not as the OpenAPI document says: %v", r.Method, r.URL.Path, err)
	}
}

// posted is an order as shops post it, with changes: a value by its path, nil removes.
func posted(number string, changes ...any) string {
	o := document{
		"number": number, "external_number": "SHOP-" + number, "placed_at": "2026-11-03T09:15:00+01:00", "payment_method": "klarna",
		"klarna_order_id": klarnaID(number), "currency": "EUR", "total": 6457, "auto_ship": true,
		"customer":        document{"name": "Max Muster", "email": "max@example.com"},
		"billing_address": document{"name": "Max Muster", "street": "Fuggerstr. 11", "postal_code": "86150", "city": "Augsburg", "country": "DE"},
		"lines": []any{
			document{"sku": "T-1", "name": "Teekanne", "type": "physical", "quantity": 2, "unit_price": 2979, "tax_rate": 1900, "total": 5958},
			document{"name": "Versand", "type": "shipping_fee", "quantity": 1, "unit_price": 499, "tax_rate": 1900, "total": 499},
		},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		change(o, strings.Split(changes[i].(string), "."), changes[i+1])
	}
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func change(v any, path []string, to any) {
	if l, ok := v.([]any); ok {
		var i int
		_, _ = fmt.Sscanf(path[0], "%d", &i)
		change(l[i], path[1:], to)
		return
	}
	o := v.(document)
	switch {
	case len(path) > 1:
		change(o[path[0]], path[1:], to)
	case to == nil:
		delete(o, path[0])
	default:
		o[path[0]] = to
	}
}

// klarnaID is the id at Klarna of the order of a number.
func klarnaID(number string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(number)).String()
}

const parcel = `{"carrier":"dhl","tracking_number":"00340434161094042557"}`
