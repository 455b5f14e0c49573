package klarna

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Settlements is Klarna's Settlements API as one merchant account sees it: what
// was paid out, and for what. It only reads. It is safe for concurrent use.
//
// The records of its calls hold no bodies: there are many, they are long, and
// what was in them is kept line by line.
//
// See https://docs.klarna.com/api/settlements/
type Settlements struct {
	client *Client
	target Target
}

// MaxPageSize is how many elements a page has at most.
const MaxPageSize = 500

// How much of an answer is read. A full page of transactions with every field
// filled has less than 1 MB, one of payouts less than 600 kB; texts may be longer.
const (
	maxTransactionsAnswer = 8 << 20
	maxPayoutsAnswer      = 4 << 20
	maxPayoutAnswer       = maxAnswer
)

const (
	settlementsPath  = "/settlements/v1"
	payoutsPath      = settlementsPath + "/payouts"
	transactionsPath = settlementsPath + "/transactions"
)

// Settlements returns the API as the account t sees it.
func (c *Client) Settlements(t Target) *Settlements {
	return &Settlements{client: c, target: t}
}

// PayoutQuery says which payouts are meant. Klarna filters by the day of the
// payout: From and Until are days in UTC, both included; a zero one is no limit.
type PayoutQuery struct {
	From, Until time.Time
	Currency    string // ISO 4217; all if ""
	Page
}

// PayoutPage is one page of payouts. Next is the page after it, nil after the
// last one.
type PayoutPage struct {
	Payouts    []Payout
	Pagination Pagination
	Next       *Page
}

// TransactionPage is one page of a payout's transactions. Next is the page after
// it, nil after the last one.
type TransactionPage struct {
	Transactions []Transaction
	Pagination   Pagination
	Next         *Page
}

// Payouts reads a page of payouts.
func (s *Settlements) Payouts(ctx context.Context, q PayoutQuery) (*PayoutPage, Call, error) {
	var answer struct {
		Payouts    []payout    `json:"payouts"`
		Pagination *pagination `json:"pagination"`
	}
	in := request{path: payoutsPath, limit: maxPayoutsAnswer}
	filter, err := q.filter()
	if err != nil {
		call, err := s.notSent(in, err)
		return nil, call, err
	}
	location, call, err := s.list(ctx, in, filter, q.Page, &answer)
	if err != nil {
		return nil, call, err
	}
	if answer.Payouts == nil || !answer.Pagination.ok() {
		return nil, call, call.notKlarna("it is not a list of payouts")
	}
	page := PayoutPage{Payouts: make([]Payout, len(answer.Payouts)), Pagination: answer.Pagination.plain()}
	for i := range answer.Payouts {
		var ok bool
		if page.Payouts[i], ok = answer.Payouts[i].plain(); !ok {
			return nil, call, call.notKlarna("a payout lacks what every payout has")
		}
	}
	page.Next = q.Page.after(len(page.Payouts), page.Pagination, location)
	return &page, call, nil
}

// Payout reads one payout.
func (s *Settlements) Payout(ctx context.Context, reference string) (*Payout, Call, error) {
	in := request{path: payoutsPath + "/" + url.PathEscape(reference), limit: maxPayoutAnswer}
	if !isReference(reference) {
		call, err := s.notSent(in, fmt.Errorf("%w: %.40q is not a payment reference", ErrNotSent, reference))
		return nil, call, err
	}
	var answer payout
	call, err := s.get(ctx, in, &answer)
	if err != nil {
		return nil, call, err
	}
	p, ok := answer.plain()
	if !ok || !strings.EqualFold(p.PaymentReference, reference) {
		return nil, call, call.notKlarna("it is not the payout that was asked for")
	}
	return &p, call, nil
}

// Transactions reads a page of the transactions of a payout. A line that names
// another payout spoils the page: then nobody asked for it.
func (s *Settlements) Transactions(ctx context.Context, reference string, p Page) (*TransactionPage, Call, error) {
	var answer struct {
		Transactions []transaction `json:"transactions"`
		Pagination   *pagination   `json:"pagination"`
	}
	in := request{path: transactionsPath, limit: maxTransactionsAnswer}
	if !isReference(reference) {
		call, err := s.notSent(in, fmt.Errorf("%w: %.40q is not a payment reference", ErrNotSent, reference))
		return nil, call, err
	}
	location, call, err := s.list(ctx, in, url.Values{"payment_reference": {reference}}, p, &answer)
	if err != nil {
		return nil, call, err
	}
	if answer.Transactions == nil || !answer.Pagination.ok() {
		return nil, call, call.notKlarna("it is not a list of transactions")
	}
	page := TransactionPage{Transactions: make([]Transaction, len(answer.Transactions)), Pagination: answer.Pagination.plain()}
	for i := range answer.Transactions {
		t, ok := answer.Transactions[i].plain()
		if !ok {
			return nil, call, call.notKlarna("a transaction lacks what every transaction has")
		}
		if t.PaymentReference != "" && !strings.EqualFold(t.PaymentReference, reference) {
			return nil, call, call.notKlarna("a transaction of another payout")
		}
		page.Transactions[i] = t
	}
	page.Next = p.after(len(page.Transactions), page.Pagination, location)
	return &page, call, nil
}

// list reads a page into answer and returns the address that it has.
func (s *Settlements) list(ctx context.Context, in request, filter url.Values, p Page, answer any) (*url.URL, Call, error) {
	query, err := p.query(filter)
	if err != nil {
		call, err := s.notSent(in, err)
		return nil, call, err
	}
	in.path += "?" + query
	location, err := s.locate(in.path)
	if err != nil {
		call, err := s.notSent(in, err)
		return nil, call, err
	}
	call, err := s.get(ctx, in, answer)
	return location, call, err
}

// locate returns the address of a path, as a link in the answer would name it.
func (s *Settlements) locate(path string) (*url.URL, error) {
	base := s.client.base
	if base == nil {
		var err error
		if base, err = s.target.Endpoint.URL(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
		}
	}
	location, err := url.Parse(base.String() + path)
	if err != nil {
		return nil, fmt.Errorf("%w: the address of the page can't be read", ErrNotSent)
	}
	return location, nil
}

func (s *Settlements) get(ctx context.Context, in request, answer any) (Call, error) {
	in.method, in.quiet = http.MethodGet, true
	r, call, err := s.client.send(ctx, s.target, in)
	if err == nil {
		err = checkResponse(r, call)
	}
	if err == nil {
		err = r.decode(answer, &call)
	}
	return call, err
}

func (s *Settlements) notSent(in request, err error) (Call, error) {
	return Call{
		At: s.client.now().UTC(), Method: http.MethodGet, Path: in.path, TransportError: err.Error(), RateLimitRemaining: -1,
	}, err
}

// filter returns the parameters of the query. A bare date would be understood as
// its first second, which leaves the last day out.
func (q PayoutQuery) filter() (url.Values, error) {
	v := url.Values{}
	from, until := q.From.UTC(), q.Until.UTC()
	if !q.From.IsZero() && !q.Until.IsZero() && until.Format(time.DateOnly) < from.Format(time.DateOnly) {
		return nil, fmt.Errorf("%w: the query ends on %s, before it begins", ErrNotSent, until.Format(time.DateOnly))
	}
	if !q.From.IsZero() {
		v.Set("start_date", from.Format(time.DateOnly)+"T00:00:00Z")
	}
	if !q.Until.IsZero() {
		v.Set("end_date", until.Format(time.DateOnly)+"T23:59:59Z")
	}
	if q.Currency != "" {
		if len(q.Currency) != 3 || strings.Trim(q.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return nil, fmt.Errorf("%w: %.10q is not a currency", ErrNotSent, q.Currency)
		}
		v.Set("currency_code", q.Currency)
	}
	return v, nil
}

// isReference reports whether s can be a payment reference: some text in a line.
func isReference(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 255 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
