package web_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/auth"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
	"zahlwerk/views/viewstest"
	"zahlwerk/web"
)

// noon is when a house opens; its clock stands still until a test moves it.
var noon = time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC)

// password is everybody's.
const password = "nur ein Beispiel"

// house is the whole application on a database of its own, with the sandbox in Klarna's
// place. Its background works when settle is called.
type house struct {
	*web.Server
	t           testing.TB
	deps        web.Deps
	db          *store.DB
	clock       *clock.Clock
	auth        *auth.Service
	methods     *paymentmethod.Service
	orders      *order.Service
	dispatch    *dispatch.Service
	carriers    *carrier.Service
	documents   *document.Service
	mails       *mail.Service
	batches     *batch.Service
	accounts    *businessaccount.Service
	settlements *settlement.Service
	captures    *capture.Pusher
	sandbox     *klarnasandbox.Sandbox
	log         *logBuffer
	bell        *work.Bell
	queues      []*work.Queue
}

// newHouse builds a house; change may change what an operator sets.
func newHouse(t testing.TB, change ...func(*web.Config, *web.Deps)) *house {
	t.Helper()
	clk := clock.NewFixed(noon)
	h := &house{t: t, db: storetest.SQLite(t), clock: clk, log: &logBuffer{}, bell: work.NewBell()}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.sandbox = klarnasandbox.New(klarnasandbox.Options{Clock: clk, Hold: time.Second})
	t.Cleanup(h.sandbox.Close)
	there := httptest.NewServer(h.sandbox)
	t.Cleanup(there.Close)

	base, err := klarna.ParseBaseURL(there.URL)
	must(t, err)
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "secret.key"))
	must(t, err)
	trail := audit.New(h.db)
	client := klarna.New(klarna.Options{BaseURL: base, Now: clk.Now})
	h.auth = auth.New(h.db, clk, trail)
	h.methods = paymentmethod.New(h.db, clk, box, trail, client, h.bell, paymentmethod.ProbePolicy{Every: time.Hour})
	h.orders = order.New(h.db, clk)
	h.captures = capture.NewPusher(h.db, clk, h.bell, client, h.methods, capture.DefaultPolicy, 2)
	h.methods.Depend(h.captures)
	h.carriers = carrier.New(h.db, clk, trail)
	h.documents = document.New(h.db, clk, trail)
	h.mails = mail.New(h.db, clk, box, trail, mail.Options{})
	h.batches = batch.New(h.db, clk, h.bell)
	h.accounts = businessaccount.New(h.db, clk, box, trail, client)
	h.settlements = settlement.New(h.db, clk, h.bell, trail, h.accounts)
	h.dispatch = dispatch.New(h.db, clk, dispatch.Deps{Captures: h.captures, Carriers: h.carriers, Documents: h.documents,
		Mails: h.mails, Batches: h.batches, Trail: trail})
	h.batches.Handle(batch.Autoship, h.dispatch.Autoship)
	for _, k := range dispatch.BulkKinds {
		h.batches.Handle(k, h.dispatch.Bulk)
	}
	h.batches.Handle(batch.ImportOrders, h.orders.Import)
	h.batches.Handle(batch.ImportTracking, h.dispatch.RecordTracking)
	ticks := work.Ticks(h.db, clk)
	h.queues = append(h.captures.Queues(), h.methods.Probes(), h.batches.Queue(), h.mails.Queue(), h.settlements.Queue(), ticks)

	public, err := url.Parse("http://127.0.0.1:8080")
	must(t, err)
	config := web.Config{
		PublicURL: public, SessionKeys: [][]byte{bytes.Repeat([]byte{1}, 64), bytes.Repeat([]byte{2}, 32)},
		Version: "test", Policy: capture.DefaultPolicy,
	}
	h.deps = web.Deps{
		DB: h.db, Clock: clk, Log: log, Auth: h.auth, Trail: trail, Methods: h.methods, Orders: h.orders, Dispatch: h.dispatch,
		Captures: h.captures, Carriers: h.carriers, Documents: h.documents, Dunning: dunning.New(h.db, clk, trail, h.documents),
		Mails: h.mails, Batches: h.batches, Accounts: h.accounts, Settlements: h.settlements,
		Bookkeeping: bookkeeping.New(h.db, clk, trail, h.accounts), Work: work.NewOverview(h.db, clk, h.queues...),
	}
	for _, f := range change {
		f(&config, &h.deps)
	}
	h.Server = web.New(h.deps, config)
	return h
}

// settle lets the background work until nothing is due.
func (h *house) settle() {
	h.t.Helper()
	r := work.NewRunner(h.db, h.clock, h.bell, h.deps.Log, h.queues...)
	ctx, stop := context.WithCancel(h.t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	defer running.Wait()
	defer stop()
	for look := time.NewTicker(time.Millisecond); ; <-look.C {
		states, err := h.deps.Work.States(h.t.Context())
		must(h.t, err)
		if !slices.ContainsFunc(states, func(s work.QueueState) bool { return s.Due+s.Working > 0 }) {
			look.Stop()
			return
		}
	}
}

// method makes a connected payment method with the sandbox's credentials.
func (h *house) method() *paymentmethod.Method {
	h.t.Helper()
	in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	in.Environment, in.Username, in.Password = klarna.Playground, klarnasandbox.DemoUsername, klarnasandbox.DemoPassword
	m, err := h.methods.Create(h.t.Context(), in, "Erika Beispiel")
	must(h.t, err)
	return m
}

// order makes a released order of the payment method klarna, at Klarna as well.
func (h *house) order(total int64) *order.Order {
	h.t.Helper()
	there, err := h.sandbox.CreateOrder("", klarnasandbox.NewOrder{Amount: total})
	must(h.t, err)
	o, _, err := h.orders.Create(h.t.Context(), order.Input{
		PaymentMethod: "klarna", KlarnaOrderID: there.ID, Currency: "EUR", Total: total, CustomerName: "Max Muster",
		BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines:          []order.LineInput{{Name: "Teekanne", Type: order.Physical, Quantity: money.One, UnitPrice: total, TaxRate: 1900, Total: total}},
	}, "Erika Beispiel")
	must(h.t, err)
	return o
}

// emailOf is the address of the one person who has a role.
func emailOf(role auth.Role) string { return string(role) + "@example.com" }

// user makes the person who has a role.
func (h *house) user(role auth.Role) auth.User {
	h.t.Helper()
	u, err := h.auth.CreateUser(h.t.Context(), "test", auth.NewUser{Email: emailOf(role), Role: role, Password: password})
	must(h.t, err)
	return u
}

// as makes the person who has a role and logs them in.
func (h *house) as(role auth.Role) *client {
	h.t.Helper()
	h.user(role)
	c := h.visitor()
	c.logIn(emailOf(role))
	return c
}

// client is a browser without JavaScript: it keeps cookies and speaks English.
type client struct {
	t       testing.TB
	handler http.Handler
	cookies map[string]*http.Cookie
	header  http.Header // sent with each request
}

// visitor is somebody who is not logged in.
func (h *house) visitor() *client {
	return &client{t: h.t, handler: h.Server, cookies: map[string]*http.Cookie{}, header: http.Header{
		"Accept-Language": {"en"}, "Sec-Fetch-Site": {"same-origin"},
	}}
}

func (c *client) logIn(email string) {
	c.t.Helper()
	c.post("/login", url.Values{"email": {email}, "password": {password}}).redirects(c.t, "/")
}

// answer is what came back; its page was checked.
type answer struct {
	*httptest.ResponseRecorder
	t    testing.TB
	path string
	doc  *goquery.Document
}

func (c *client) get(path string) *answer { c.t.Helper(); return c.do(http.MethodGet, path, nil) }

func (c *client) post(path string, form url.Values) *answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, form)
}

func (c *client) do(method, path string, form url.Values) *answer {
	c.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return c.send(r)
}

func (c *client) send(r *http.Request) *answer {
	c.t.Helper()
	for name, values := range c.header {
		if _, given := r.Header[name]; !given {
			r.Header[name] = values
		}
	}
	r.Host = "127.0.0.1:8080"
	for _, k := range c.cookies {
		r.AddCookie(k)
	}
	a := &answer{ResponseRecorder: httptest.NewRecorder(), t: c.t, path: r.URL.RequestURI()}
	c.handler.ServeHTTP(a, r)
	for _, k := range a.Result().Cookies() {
		c.cookies[k.Name] = k
	}
	if strings.HasPrefix(a.Header().Get("Content-Type"), "text/html") && a.Body.Len() > 0 {
		if r.Header.Get("X-Fragment") != "" {
			viewstest.CheckFragment(c.t, a.Body.String())
		} else {
			viewstest.Check(c.t, a.Body.String())
		}
	}
	var err error
	a.doc, err = goquery.NewDocumentFromReader(bytes.NewReader(a.Body.Bytes()))
	must(c.t, err)
	return a
}

// submit sends the page's form that posts to action, as it stands, with changes: a field
// without values is left out.
func (c *client) submit(a *answer, action string, changes url.Values) *answer {
	c.t.Helper()
	form := a.form(action)
	for name, values := range changes {
		form[name] = values
	}
	return c.post(action, form)
}

// form is what a browser would send of the form that posts to action.
func (a *answer) form(action string) url.Values {
	a.t.Helper()
	found := a.doc.Find("form[method=post]").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("action", "") == action })
	if found.Length() == 0 {
		a.t.Fatalf("%s has no form that posts to %s", a.path, action)
	}
	values := url.Values{}
	found.First().Find("input[name], select[name], textarea[name]").Each(func(_ int, s *goquery.Selection) {
		name, value := s.AttrOr("name", ""), s.AttrOr("value", "")
		_, checked := s.Attr("checked")
		switch {
		case s.Is("select"):
			chosen := s.Find("option[selected]")
			if chosen.Length() == 0 {
				chosen = s.Find("option").First()
			}
			value = chosen.AttrOr("value", "")
		case s.Is("textarea"):
			value = s.Text()
		case s.Is("[type=checkbox], [type=radio]") && !checked, s.Is("[disabled]"):
			return
		case s.Is("[type=checkbox]") && value == "":
			value = "on"
		}
		values.Add(name, value)
	})
	return values
}

// is fails unless the answer has this status.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Errorf("%s: status %d, want %d: %s", a.path, a.Code, status, a.text())
	}
	return a
}

// redirects fails unless the answer is a 303 to path.
func (a *answer) redirects(t testing.TB, path string) {
	t.Helper()
	if a.Code != http.StatusSeeOther || a.Header().Get("Location") != path {
		t.Errorf("%s: %d to %q, want 303 to %q: %s", a.path, a.Code, a.Header().Get("Location"), path, a.text())
	}
}

// says fails unless a person can read all of these texts in the page.
func (a *answer) says(texts ...string) *answer {
	a.t.Helper()
	all := a.text()
	for _, text := range texts {
		if !strings.Contains(all, text) {
			a.t.Errorf("%s does not say %q: %s", a.path, text, all)
		}
	}
	return a
}

// text is what can be read in the main part of the page.
func (a *answer) text() string {
	found := a.doc.Find("main")
	if found.Length() == 0 {
		found = a.doc.Selection
	}
	return strings.Join(strings.Fields(found.Text()), " ")
}

// has fails unless the selector finds something.
func (a *answer) has(selector string) *answer {
	a.t.Helper()
	if a.doc.Find(selector).Length() == 0 {
		a.t.Errorf("%s has no %s: %s", a.path, selector, a.text())
	}
	return a
}

// fieldError is what the page says is wrong with a field.
func (a *answer) fieldError(name string) string {
	return strings.TrimSpace(a.doc.Find("#field-" + name + "-error span:last-child").Text())
}

// logBuffer is a log that many may write to.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
