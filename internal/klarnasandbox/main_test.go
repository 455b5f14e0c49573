package klarnasandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"zahlwerk/internal/clock"
	. "zahlwerk/internal/klarnasandbox"
)

var start = time.Date(2026, 3, 2, 9, 48, 12, 345_000_000, time.UTC)

const (
	base        = "/ordermanagement/v1/orders/"
	settlements = "/settlements/v1/"
)

// address is a path of the order management, which is where one that does not say begins.
func address(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return base + path
}

// bench is a sandbox behind a real HTTP server, with a clock that stands.
type bench struct {
	*Sandbox
	t      testing.TB
	url    string
	server *httptest.Server
	client *http.Client
	user   Merchant
}

func newBench(t testing.TB, o Options) *bench {
	t.Helper()
	if o.Clock == nil {
		o.Clock = clock.NewFixed(start)
	}
	s := New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(s.Close)
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	return &bench{Sandbox: s, t: t, url: server.URL, server: server, client: client, user: DemoMerchant()}
}

func (b *bench) order(n NewOrder) Order {
	b.t.Helper()
	if n.Amount == 0 && n.Lines == nil {
		n.Amount = 10_000
	}
	o, err := b.CreateOrder("", n)
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

func (b *bench) read(id string) Order {
	b.t.Helper()
	o, ok := b.Sandbox.Order(id)
	if !ok {
		b.t.Fatalf("no order %s", id)
	}
	return o
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) code() string {
	var e struct {
		Code string `json:"error_code"`
	}
	_ = json.Unmarshal([]byte(r.body), &e)
	return e.Code
}

func (r reply) message() string {
	var e struct {
		Messages []string `json:"error_messages"`
	}
	_ = json.Unmarshal([]byte(r.body), &e)
	return strings.Join(e.Messages, "|")
}

// try makes a call of the API and returns what came of it.
func (b *bench) try(ctx context.Context, method, path, key, body string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.url+address(path), strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	req.SetBasicAuth(b.user.Username, b.user.Password)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Klarna-Idempotency-Key", key)
	}
	return b.do(req)
}

func (b *bench) do(req *http.Request) (reply, error) {
	res, err := b.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(data)}, err
}

// call makes a call that has to be answered, and checks the answer against the contract.
func (b *bench) call(method, path, key, body string) reply {
	b.t.Helper()
	r, err := b.try(b.t.Context(), method, path, key, body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	b.checkContract(method, path, body, r)
	return r
}

func (b *bench) capture(id, key, body string) reply {
	b.t.Helper()
	return b.call("POST", id+"/captures", key, body)
}

func want(t *testing.T, r reply, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Fatalf("answer %d %q, want %d %q: %s", r.status, r.code(), status, code, r.body)
	}
}

// contract is one of Klarna's specifications, found beside the repository or where
// TEST_KLARNA_SPECS says.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

// specs are the files with the specifications, and where their paths begin.
var specs = map[string]string{"order-management.yml": "", "settlements.yml": strings.TrimSuffix(settlements, "/")}

var errNoSpec = errors.New("the specification of Klarna's API is not there")

var loadContracts = sync.OnceValues(func() (all []contract, err error) {
	folder := os.Getenv("TEST_KLARNA_SPECS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "klarna")
	}
	for file, begins := range specs {
		data, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return nil, errors.Join(errNoSpec, err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			return nil, err
		}
		doc.Servers = nil // any host
		if begins != "" {
			doc.Servers = openapi3.Servers{{URL: begins}}
		}
		router, err := gorillamux.NewRouter(doc)
		if err != nil {
			return nil, err
		}
		all = append(all, contract{doc, router})
	}
	return all, nil
})

// needContracts skips the test without the specifications; in CI they have to be there.
func needContracts(t *testing.T) []contract {
	t.Helper()
	c, err := loadContracts()
	switch {
	case errors.Is(err, errNoSpec) && os.Getenv("CI") == "true":
		t.Fatal(err)
	case errors.Is(err, errNoSpec):
		t.Skipf("skipped: %v (set TEST_KLARNA_SPECS to the folder of the .yml files)", err)
	case err != nil:
		t.Fatal(err)
	}
	return c
}

// checkContract reports where an answer breaks the specification, if that is there.
func (b *bench) checkContract(method, path, body string, r reply) {
	b.t.Helper()
	for _, what := range contractBreaks(b.t.Context(), method, path, body, r) {
		b.t.Errorf("%s %s: %d %s\n%s", method, path, r.status, what, r.body)
	}
}

// findOperation returns what the specifications say about a request; false if nothing.
func findOperation(req *http.Request) (*routers.Route, map[string]string, bool) {
	all, err := loadContracts()
	if err != nil {
		return nil, nil, false
	}
	for _, c := range all {
		if found, params, err := c.router.FindRoute(req); err == nil {
			return found, params, true
		}
	}
	return nil, nil, false
}

func refusedReport(path string, r reply) bool {
	return strings.HasPrefix(path, settlements+"reports/") && (r.status == http.StatusBadRequest || r.status == http.StatusNotFound)
}

// contractBreaks compares an answer with the specification; what that says about the request
// is Klarna's to find out.
func contractBreaks(ctx context.Context, method, path, body string, r reply) (breaks []string) {
	req := httptest.NewRequest(method, address(path), strings.NewReader(body))
	found, params, ok := findOperation(req)
	if !ok {
		return nil
	}
	if r.status < 300 && found.Operation.Responses.Status(r.status) == nil {
		breaks = append(breaks, "is not in the specification")
	}
	empty := r.status == http.StatusCreated || r.status == http.StatusNoContent
	err := openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: found},
		Status:                 r.status, Header: r.header, Body: io.NopCloser(strings.NewReader(r.body)),
		// Some empty answers have a content type in the specification; HTTP lets a 204 have none.
		// Of the reports it says that a refusal is an object in CSV or PDF: it is looked at below.
		Options: &openapi3filter.Options{ExcludeResponseBody: empty || refusedReport(path, r)},
	})
	if err != nil {
		breaks = append(breaks, err.Error())
	}
	if refusedReport(path, r) {
		var value any
		if err := json.Unmarshal([]byte(r.body), &value); err != nil {
			breaks = append(breaks, err.Error())
		} else if err := found.Spec.Components.Schemas["ErrorResponse"].Value.VisitJSON(value); err != nil {
			breaks = append(breaks, err.Error())
		}
	}
	if empty && r.body != "" {
		breaks = append(breaks, "has a body")
	}
	for _, name := range []string{"Klarna-Correlation-Id", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
		if r.header.Get(name) == "" {
			breaks = append(breaks, "is without "+name)
		}
	}
	if r.code() != "" && !strings.Contains(r.body, r.header.Get("Klarna-Correlation-Id")) {
		breaks = append(breaks, "differs in the correlation id of body and header")
	}
	return breaks
}
