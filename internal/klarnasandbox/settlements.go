package klarnasandbox

// The Settlements API as the merchant sees it: payouts, their sums and transactions, page by
// page. The payouts come from elsewhere: payday.go makes them of what was captured and
// refunded (Advance, PayOut) and of what is booked besides (AddExtra), as the merchant's Terms
// say; GeneratePayouts makes any number with any number of lines, CreatePayout and
// CreateOddPayout those that are unlike others. Payouts and Transactions tell them in Go. What
// goes wrong with pages is among the faults: PayoutPresets.

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	settlementsBase = "/settlements/v1/"
	usualSize       = 20
	mostSize        = 500
)

// pagination is where a page stands in its collection.
type pagination struct {
	Count  int    `json:"count"`
	Total  *int   `json:"total,omitempty"`
	Next   string `json:"next,omitempty"`
	Prev   string `json:"prev,omitempty"`
	Offset int    `json:"offset"`
}

// span is the part of a collection that a call asks for.
type span struct{ offset, size int }

// base is the address of the sandbox as the client has written it.
func (c *call) base() string {
	scheme := "http://"
	if c.request.TLS != nil {
		scheme = "https://"
	}
	return scheme + c.request.Host
}

// link is the address of something of the settlements API.
func (c *call) link(path string, query url.Values) string {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.base() + settlementsBase + path
}

// span reads size and offset.
func (c *call) span() (span, *Error) {
	sp, bad := readSpan(c.request.URL.Query())
	if len(bad) > 0 {
		return span{}, badValue(bad...)
	}
	return sp, nil
}

func readSpan(q url.Values) (sp span, bad []string) {
	read := func(name string, usual, least, most int) int {
		if !q.Has(name) {
			return usual
		}
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n < least || n > most {
			bad = append(bad, name)
		}
		return n
	}
	sp.size = read("size", usualSize, 1, mostSize)
	sp.offset = read("offset", 0, 0, 1<<31-1)
	return sp, bad
}

// pageOf says where the page of count elements stands, distorted as the fault says that strikes
// the call.
func (c *call) pageOf(sp span, count, total int) pagination {
	end, told := sp.offset+count, total
	p := pagination{Count: count, Total: &told, Offset: sp.offset}
	switch c.distortion {
	case FaultNothing:
		told, total = 0, 0
	case FaultOtherTotal:
		told++
	case FaultMissingLine:
		end++ // nothing leads to it
	}
	at := func(offset int) string {
		q := c.request.URL.Query()
		q.Set("offset", strconv.Itoa(offset))
		q.Set("size", strconv.Itoa(sp.size))
		return c.link(strings.TrimPrefix(c.request.URL.Path, settlementsBase), q)
	}
	if sp.offset < end && end < total {
		p.Next = at(end)
	}
	if sp.offset > 0 {
		p.Prev = at(max(sp.offset-sp.size, 0))
	}
	switch c.distortion {
	case FaultNoTotal:
		p.Total = nil
	case FaultNextElsewhere:
		p.Next = strings.Replace(at(end), c.base(), "https://settlements.example.org", 1)
	}
	return p
}

// window is which of total elements the page has: all that fit, or fewer if the fault says so.
func (c *call) window(sp span, total int) (from, to int) {
	from = min(sp.offset, total)
	to = min(from+sp.size, total)
	switch c.distortion {
	case FaultShortPage:
		to = from + (to-from+1)/2
	case FaultMissingLine:
		to = max(to-1, from)
	case FaultNothing:
		to = from
	}
	return from, to
}

// dates reads start_date and end_date, both included; zero where none is given.
func (c *call) dates(required bool) (start, end time.Time, e *Error) {
	var bad []string
	q := c.request.URL.Query()
	read := func(name string) time.Time {
		if !q.Has(name) && !required {
			return time.Time{}
		}
		t, err := time.Parse(time.RFC3339, q.Get(name))
		if err != nil {
			t, err = time.Parse(time.DateOnly, q.Get(name))
		}
		if err != nil {
			bad = append(bad, name)
		}
		return t
	}
	start, end = read("start_date"), read("end_date")
	if len(bad) == 0 && !end.IsZero() && start.After(end) {
		bad = append(bad, "start_date is after end_date")
	}
	if len(bad) > 0 {
		return start, end, badValue(bad...)
	}
	return start, end, nil
}

// currency reads currency_code, empty for all.
func (c *call) currency() (string, *Error) {
	q := c.request.URL.Query()
	code := q.Get("currency_code")
	if q.Has("currency_code") && (!isLetters(code, 3) || code != strings.ToUpper(code)) {
		return "", badValue("currency_code")
	}
	return code, nil
}

// payoutsBetween returns the merchant's payouts of the dates and the currency, in the order in
// which they are told.
func (s *Sandbox) payoutsBetween(c *call, datesRequired bool) ([]*payout, *Error) {
	start, end, err := c.dates(datesRequired)
	if err != nil {
		return nil, err
	}
	currency, err := c.currency()
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(s.payoutsOf(c.merchant), func(p *payout) bool {
		return p.PayoutDate.Before(start) || !end.IsZero() && p.PayoutDate.After(end) || currency != "" && p.CurrencyCode != currency
	})
	s.inTheirOrder(c, found)
	return found, nil
}

// inTheirOrder turns payouts, which are kept oldest first, as they are told.
func (s *Sandbox) inTheirOrder(c *call, payouts []*payout) {
	if !s.Terms(c.merchant).OldestFirst {
		slices.Reverse(payouts)
	}
}

// told is the payout as Klarna tells it, with its link.
func (c *call) told(p *payout) Payout {
	out := p.Payout
	out.Transactions = c.link("transactions", url.Values{"payment_reference": {p.PaymentReference}})
	return out
}

func listPayouts(s *Sandbox, c *call) (answer, *Error) {
	sp, err := c.span()
	if err != nil {
		return answer{}, err
	}
	found, err := s.payoutsBetween(c, false)
	if err != nil {
		return answer{}, err
	}
	from, to := c.window(sp, len(found))
	page := make([]Payout, 0, to-from)
	for _, p := range found[from:to] {
		page = append(page, c.told(p))
	}
	return okAnswer(struct {
		Payouts    []Payout   `json:"payouts"`
		Pagination pagination `json:"pagination"`
	}{page, c.pageOf(sp, len(page), len(found))}), nil
}

// thePayout is the one whose reference the call names.
func (s *Sandbox) thePayout(c *call) (*payout, *Error) {
	if !referenceForm.MatchString(c.part) {
		return nil, badValue("payment_reference")
	}
	p := s.payout(c.merchant, c.part)
	if p == nil {
		return nil, notFound(CodeNotFound, "Payout %s could not be found.", c.part)
	}
	return p, nil
}

func readPayout(s *Sandbox, c *call) (answer, *Error) {
	p, err := s.thePayout(c)
	if err != nil {
		return answer{}, err
	}
	return okAnswer(c.told(p)), nil
}

func listTransactions(s *Sandbox, c *call) (answer, *Error) {
	sp, err := c.span()
	if err != nil {
		return answer{}, err
	}
	q := c.request.URL.Query()
	reference, orderID := q.Get("payment_reference"), q.Get("order_id")
	switch {
	case q.Has("payment_reference") && !referenceForm.MatchString(reference):
		return answer{}, badValue("payment_reference")
	case q.Has("order_id") && !isUUID(orderID):
		return answer{}, badValue("order_id")
	}
	var from []*payout
	if reference == "" {
		from = s.payoutsOf(c.merchant)
		s.inTheirOrder(c, from)
	} else if p := s.payout(c.merchant, reference); p != nil {
		from = []*payout{p}
	}
	page, total := c.transactions(from, orderID, sp, s.Terms(c.merchant))
	return okAnswer(struct {
		Transactions []Transaction `json:"transactions"`
		Pagination   pagination    `json:"pagination"`
	}{page, c.pageOf(sp, len(page), total)}), nil
}

// transactions returns the page of the lines of payouts, only an order's if orderID is not
// empty, and how many there are in all.
func (c *call) transactions(from []*payout, orderID string, sp span, terms Terms) ([]Transaction, int) {
	total := 0
	chosen := make([][]int, len(from)) // of an order's lines
	counts := make([]int, len(from))
	for i, p := range from {
		counts[i] = p.count()
		if orderID != "" {
			chosen[i] = p.of(orderID)
			counts[i] = len(chosen[i])
		}
		total += counts[i]
	}
	first, last := c.window(sp, total)
	page := make([]Transaction, 0, last-first)
	before := 0
	for i, p := range from {
		for n := max(first-before, 0); n < min(last-before, counts[i]); n++ {
			line := n
			if orderID != "" {
				line = chosen[i][n]
			}
			t := p.line(line, terms)
			if !terms.Bare {
				t.Payout = c.link("payouts/"+p.PaymentReference, nil)
			}
			page = append(page, t)
		}
		before += counts[i]
	}
	return page, total
}

// payoutSummary is the sum of the payouts of one currency.
type payoutSummary struct {
	Start         time.Time `json:"summary_payout_date_start"`
	End           time.Time `json:"summary_payout_date_end"`
	Currency      string    `json:"summary_settlement_currency"`
	Settlement    int64     `json:"summary_total_settlement_amount"`
	Sale          int64     `json:"summary_total_sale_amount"`
	Return        int64     `json:"summary_total_return_amount"`
	Reversal      int64     `json:"summary_total_reversal_amount"`
	Fee           int64     `json:"summary_total_fee_amount"`
	FeeCorrection int64     `json:"summary_total_fee_correction_amount"`
	Tax           int64     `json:"summary_total_tax_amount"`
	Commission    int64     `json:"summary_total_commission_amount"`
	Holdback      int64     `json:"summary_total_holdback_amount"`
	Release       int64     `json:"summary_total_release_amount"`
	Repay         int64     `json:"summary_total_repay_amount"`
}

// summarise adds up payouts by currency, in the order of the currencies' names.
func summarise(payouts []*payout) []payoutSummary {
	all := []payoutSummary{}
	for _, p := range payouts {
		i, found := slices.BinarySearchFunc(all, p.CurrencyCode, func(e payoutSummary, currency string) int {
			return strings.Compare(e.Currency, currency)
		})
		if !found {
			all = slices.Insert(all, i, payoutSummary{Currency: p.CurrencyCode, Start: p.PayoutDate, End: p.PayoutDate})
		}
		all[i].add(p)
	}
	return all
}

func (s *payoutSummary) add(p *payout) {
	if p.PayoutDate.Before(s.Start) {
		s.Start = p.PayoutDate
	}
	if p.PayoutDate.After(s.End) {
		s.End = p.PayoutDate
	}
	t := p.Totals
	s.Settlement += t.Settlement
	s.Sale += t.Sale
	s.Return += t.Return
	s.Reversal += t.Reversal
	s.Fee += t.Fee
	s.FeeCorrection += t.FeeCorrection
	s.Tax += t.Tax
	s.Commission += t.Commission
	s.Holdback += t.Holdback
	s.Release += t.Release
	s.Repay += t.Repay
}

func sumPayouts(s *Sandbox, c *call) (answer, *Error) {
	found, err := s.payoutsBetween(c, true)
	if err != nil {
		return answer{}, err
	}
	return okAnswer(summarise(found)), nil
}

// fileAnswer is a report.
func fileAnswer(contentType, name string, body []byte) answer {
	return answer{status: http.StatusOK, body: body, header: http.Header{contentTypeHeader: {contentType},
		"Content-Disposition": {`attachment; filename="` + name + `"`}}}
}
