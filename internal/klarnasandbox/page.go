package klarnasandbox

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const pageSize = 50

// moves are the steps of the clock that the page has a button for: the waits of Klarna's retry
// policy, a day, a week, and the time that an order may be captured.
var moves = []string{"5s", "5m", "1h", "5h", "1d", "7d", "28d"}

// addPages adds the control page: every page works without a script, every form answers 303.
func (s *Sandbox) addPages(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/sandbox/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /sandbox/{$}", s.pageOrders)
	mux.HandleFunc("GET /sandbox/sandbox.css", serveCSS)
	mux.HandleFunc("GET /sandbox/orders/new", s.pageNewOrder)
	mux.HandleFunc("POST /sandbox/orders/new", s.postNewOrder)
	mux.HandleFunc("GET /sandbox/orders/{id}", s.pageOrder)
	mux.HandleFunc("POST /sandbox/orders/{id}", s.postAction)
	mux.HandleFunc("GET /sandbox/payouts", s.pagePayouts)
	mux.HandleFunc("POST /sandbox/payouts/now", s.postPayOut)
	mux.HandleFunc("POST /sandbox/payouts/odd", s.postOdd)
	mux.HandleFunc("POST /sandbox/payouts/extra", s.postExtra)
	mux.HandleFunc("POST /sandbox/payouts/terms", s.postTerms)
	mux.HandleFunc("POST /sandbox/payouts/generate", s.postVolume)
	mux.HandleFunc("GET /sandbox/faults", s.pageFaults)
	mux.HandleFunc("POST /sandbox/faults", s.postFault)
	mux.HandleFunc("POST /sandbox/faults/clear", s.postClearFaults)
	mux.HandleFunc("GET /sandbox/clock", s.pageClock)
	mux.HandleFunc("POST /sandbox/clock", s.postClock)
	mux.HandleFunc("POST /sandbox/settings", s.postSettings)
	mux.HandleFunc("GET /sandbox/requests", s.pageRequests)
	mux.HandleFunc("GET /sandbox/", s.notFoundPage)
}

// page is what every page shows, and its own content.
type page struct {
	Lang    string
	Name    string // of the template and of the entry in the navigation
	Self    string // the path, for the links to the other language
	Now     time.Time
	Moved   time.Duration
	Faults  int
	Done    string // what the person has just done, a key of the texts
	Problem string // what went wrong
	Errors  map[string]bool
	Once    string // the form's token
	Content any
}

// HasError says whether the field of that name is wrong.
func (p page) HasError(field string) bool { return p.Errors[field] }

func (s *Sandbox) newPage(w http.ResponseWriter, r *http.Request, name string) page {
	return page{
		Lang: language(w, r), Name: name, Self: r.URL.Path, Now: s.Now(), Moved: s.Moved(), Faults: len(s.Faults()),
		Done: r.URL.Query().Get("done"), Once: uuid.NewString(),
	}
}

type ordersContent struct {
	Query        string
	Orders       []Order
	Total        int
	From, To     int
	Newer, Older string // links to the neighbouring pages, empty if there is none
	Merchants    []Merchant
}

func (s *Sandbox) pageOrders(w http.ResponseWriter, r *http.Request) {
	p := s.newPage(w, r, "orders")
	c := ordersContent{Query: strings.TrimSpace(r.URL.Query().Get("q")), Merchants: s.Merchants()}
	offset, _ := paging(r, pageSize)
	c.Orders, c.Total = s.FindOrders(c.Query, offset, pageSize)
	c.From, c.To = offset+1, offset+len(c.Orders)
	link := func(offset int) string {
		q := url.Values{"offset": {strconv.Itoa(offset)}}
		if c.Query != "" {
			q.Set("q", c.Query)
		}
		return "/sandbox/?" + q.Encode()
	}
	if offset > 0 {
		c.Newer = link(max(offset-pageSize, 0))
	}
	if c.To < c.Total && len(c.Orders) > 0 {
		c.Older = link(offset + pageSize)
	}
	p.Content = c
	render(w, http.StatusOK, p)
}

type newOrderContent struct {
	Form           url.Values
	ID             string
	PaymentMethods []string
	Merchants      []Merchant
}

func (s *Sandbox) pageNewOrder(w http.ResponseWriter, r *http.Request) {
	s.renderNewOrder(w, r, http.StatusOK, url.Values{"purchase_currency": {"EUR"}, "purchase_country": {"DE"}}, nil)
}

func (s *Sandbox) renderNewOrder(w http.ResponseWriter, r *http.Request, status int, form url.Values, bad map[string]bool) {
	p := s.newPage(w, r, "new")
	p.Errors = bad
	id := form.Get("order_id")
	if id == "" {
		id = uuid.NewString()
	}
	p.Content = newOrderContent{form, id, PaymentMethods, uniqueMerchants(s.Merchants())}
	render(w, status, p)
}

func (s *Sandbox) postNewOrder(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	bad := map[string]bool{}
	amount, ok := parseAmount(form.Get("order_amount"))
	if !ok {
		bad["order_amount"] = true
	}
	n := NewOrder{
		ID: strings.TrimSpace(form.Get("order_id")), Amount: amount,
		Currency: strings.TrimSpace(form.Get("purchase_currency")), Country: strings.TrimSpace(form.Get("purchase_country")),
		MerchantReference1: strings.TrimSpace(form.Get("merchant_reference1")),
		MerchantReference2: strings.TrimSpace(form.Get("merchant_reference2")),
		PaymentMethod:      form.Get("payment_method"), FraudStatus: form.Get("fraud_status"),
		AutoCapture: form.Get("auto_capture") != "",
	}
	if len(bad) == 0 {
		_, err := s.CreateOrder(form.Get("merchant_id"), n)
		var e *Error
		switch {
		case err == nil:
			http.Redirect(w, r, "/sandbox/orders/"+strings.ToLower(n.ID)+"?done=created", http.StatusSeeOther)
			return
		case errors.As(err, &e) && e.Status == http.StatusConflict: // the form was sent twice
			http.Redirect(w, r, "/sandbox/orders/"+strings.ToLower(n.ID), http.StatusSeeOther)
			return
		case errors.As(err, &e):
			for _, m := range e.Messages {
				bad[strings.TrimPrefix(m, "Bad value: ")] = true
			}
		}
	}
	s.renderNewOrder(w, r, http.StatusUnprocessableEntity, form, bad)
}

type orderContent struct {
	Order    Order
	Requests []Request
	Actions  []ActionKind
	Form     url.Values
	Faults   []Fault
}

func (s *Sandbox) pageOrder(w http.ResponseWriter, r *http.Request) {
	s.renderOrder(w, r, http.StatusOK, url.Values{}, "", nil)
}

func (s *Sandbox) renderOrder(w http.ResponseWriter, r *http.Request, status int, form url.Values, problem string, bad map[string]bool) {
	o, ok := s.Order(r.PathValue("id"))
	if !ok {
		s.notFoundPage(w, r)
		return
	}
	p := s.newPage(w, r, "order")
	p.Problem, p.Errors = problem, bad
	requests := s.RequestsAbout(o.ID)
	slices.Reverse(requests)
	var about []Fault
	for _, f := range s.Faults() {
		if f.OrderID == o.ID || f.OrderID == "" {
			about = append(about, f)
		}
	}
	p.Content = orderContent{o, requests, ActionKinds, form, about}
	render(w, status, p)
}

func (s *Sandbox) postAction(w http.ResponseWriter, r *http.Request) {
	form, ok := readForm(w, r)
	if !ok {
		return
	}
	back := "/sandbox/orders/" + url.PathEscape(r.PathValue("id"))
	a := Action{Kind: ActionKind(form.Get("kind")), Reference: strings.TrimSpace(form.Get("reference")), FraudStatus: form.Get("fraud_status")}
	if text := strings.TrimSpace(form.Get("amount")); text != "" {
		if a.Amount, ok = parseAmount(text); !ok {
			s.renderOrder(w, r, http.StatusUnprocessableEntity, form, "", map[string]bool{"amount": true})
			return
		}
	}
	if !s.forms.first(form.Get("once")) {
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	_, err := s.Act(r.PathValue("id"), a)
	var e *Error
	switch {
	case err == nil:
		http.Redirect(w, r, back+"?done=acted", http.StatusSeeOther)
	case errors.As(err, &e) && e.Status == http.StatusNotFound:
		s.notFoundPage(w, r)
	case errors.As(err, &e) && e.Code == CodeBadValue:
		s.renderOrder(w, r, http.StatusUnprocessableEntity, form, "", map[string]bool{"amount": true})
	default:
		s.renderOrder(w, r, http.StatusConflict, form, err.Error(), nil)
	}
}

type requestsContent struct {
	Requests []Request
	Total    int
}

func (s *Sandbox) pageRequests(w http.ResponseWriter, r *http.Request) {
	p := s.newPage(w, r, "requests")
	all := s.Requests()
	slices.Reverse(all)
	p.Content = requestsContent{all[:min(len(all), 200)], len(all)}
	render(w, http.StatusOK, p)
}

func (s *Sandbox) notFoundPage(w http.ResponseWriter, r *http.Request) {
	render(w, http.StatusNotFound, s.newPage(w, r, "missing"))
}

// readForm reads a posted form of at most 64 KiB; otherwise it has answered.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if errors.As(err, new(*http.MaxBytesError)) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, http.StatusText(status), status)
		return nil, false
	}
	return r.PostForm, true
}

func uniqueMerchants(all []Merchant) []Merchant {
	var out []Merchant
	for _, m := range all {
		if !slices.ContainsFunc(out, func(o Merchant) bool { return o.ID == m.ID }) {
			out = append(out, m)
		}
	}
	return out
}
