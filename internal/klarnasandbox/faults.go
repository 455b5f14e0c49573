package klarnasandbox

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultKind is the way in which a call goes wrong.
type FaultKind string

// The kinds of faults. Those from FaultTruncated on distort the operation's own answer, so the
// operation is always carried out before they strike.
const (
	FaultAnswer  FaultKind = "answer"  // Status, Code and Messages instead of the operation's answer
	FaultHTML    FaultKind = "html"    // an HTML page instead of JSON, with Status or the operation's own
	FaultTimeout FaultKind = "timeout" // the connection is held for Hold, then closed
	FaultCut     FaultKind = "cut"     // the connection is closed at once

	FaultTruncated FaultKind = "truncated"                 // half of the JSON
	FaultPartial   FaultKind = "partial"                   // status and headers, then the connection is closed
	FaultEmpty     FaultKind = "empty"                     // no body
	FaultHuge      FaultKind = "huge"                      // a body of more than 1 MiB
	FaultNoID      FaultKind = "no_capture_id"             // a 201 with Location only
	FaultNoIDs     FaultKind = "no_capture_id_no_location" // a 201 with neither
	FaultSlow      FaultKind = "slow"                      // the operation's answer, after Delay

	FaultNextElsewhere FaultKind = "next_elsewhere" // the page's next points to another host
	FaultNoTotal       FaultKind = "no_total"       // the page is without total
	FaultShortPage     FaultKind = "short_page"     // the page has half of what it could, and a next
	FaultOtherTotal    FaultKind = "other_total"    // the page's total is one more than there are
	FaultMissingLine   FaultKind = "missing_line"   // the page's last element is left out
	FaultNothing       FaultKind = "nothing"        // the collection is said to be empty
	FaultNewPayout     FaultKind = "new_payout"     // a new payout comes right after the answer
)

var (
	faultKinds = []FaultKind{FaultAnswer, FaultHTML, FaultTimeout, FaultCut, FaultTruncated, FaultPartial, FaultEmpty,
		FaultHuge, FaultNoID, FaultNoIDs, FaultSlow,
		FaultNextElsewhere, FaultNoTotal, FaultShortPage, FaultOtherTotal, FaultMissingLine, FaultNothing, FaultNewPayout}
	distortions = faultKinds[4:]
	pageFaults  = faultKinds[11:] // strike pages of collections only
	// collections are the operations whose answers are pages.
	collections = []Operation{OpListPayouts, OpListTransactions}
)

// Fault is something that goes wrong with the calls it is set for.
type Fault struct {
	ID     int64  // given by SetFault
	Preset string // the name it has among the presets, if it came from there

	// Which calls, and how many of them.
	Operation Operation // any if empty
	OrderID   string    // any if empty
	Reference string    // the payment reference of the payout asked for, any if empty
	Page      int       // of a collection, counted from 1 in steps of the size asked for; any if 0
	Times     int       // 0: until it is cleared
	Struck    int       // how many it has struck so far

	// What happens to them.
	Kind     FaultKind
	Applied  bool          // the operation is carried out before the fault strikes
	Delay    time.Duration // passes first, whatever the kind
	Hold     time.Duration // of FaultTimeout; the sandbox's own if 0
	Status   int
	Code     string   // of FaultAnswer; without one its answer has no body
	Messages []string // of FaultAnswer
	Reset    int      // of a 429: X-Ratelimit-Reset in seconds, 1 if 0
}

// SetFault sets a fault; those set earlier strike first. The error is an *Error with the
// names of the fields that make no sense.
func (s *Sandbox) SetFault(f Fault) (Fault, error) {
	f.OrderID, f.Reference = strings.ToLower(strings.TrimSpace(f.OrderID)), strings.TrimSpace(f.Reference)
	if slices.Contains(distortions, f.Kind) {
		f.Applied = true
	}
	if bad := f.badFields(); len(bad) > 0 {
		return Fault{}, badValue(bad...)
	}
	f.Struck = 0
	return s.faults.add(f), nil
}

func (f *Fault) badFields() badFields {
	var bad badFields
	needsStatus := f.Kind == FaultAnswer || f.Kind == FaultHTML && !f.Applied
	bad.check("kind", slices.Contains(faultKinds, f.Kind))
	ofPages := slices.Contains(collections, f.Operation)
	bad.check("operation", f.Operation == "" || ofPages || slices.Contains(Operations(), f.Operation) && !slices.Contains(pageFaults, f.Kind))
	bad.check("order_id", f.OrderID == "" || isUUID(f.OrderID))
	bad.check("payment_reference", f.Reference == "" || referenceForm.MatchString(f.Reference))
	bad.check("page", f.Page >= 0 && (f.Page == 0 || f.Operation == "" || ofPages))
	bad.check("times", f.Times >= 0)
	bad.check("status", f.Status >= 200 && f.Status <= 599 || f.Status == 0 && !needsStatus)
	bad.check("delay", f.Delay >= 0 && f.Delay <= maxWait && (f.Delay > 0 || f.Kind != FaultSlow))
	bad.check("hold", f.Hold >= 0 && f.Hold <= maxWait)
	bad.check("reset", f.Reset >= 0)
	return bad
}

// Faults returns the faults that are set, in the order in which they strike.
func (s *Sandbox) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := make([]Fault, 0, len(s.faults.list))
	for _, f := range s.faults.list {
		out = append(out, *f)
	}
	return out
}

// ClearFault takes a fault back; false if it is not set any longer.
func (s *Sandbox) ClearFault(id int64) bool {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	before := len(s.faults.list)
	s.faults.list = slices.DeleteFunc(s.faults.list, func(f *Fault) bool { return f.ID == id })
	return len(s.faults.list) < before
}

// ClearFaults takes all faults back.
func (s *Sandbox) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// faultSet holds the faults that are set, first the one that strikes first.
type faultSet struct {
	mu   sync.Mutex
	last int64
	list []*Fault
}

func (s *faultSet) add(f Fault) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	f.ID = s.last
	kept := f
	s.list = append(s.list, &kept)
	return f
}

// take returns the fault that strikes a call, and counts it.
func (s *faultSet) take(c *call) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.list {
		if !f.fits(c) {
			continue
		}
		f.Struck++
		if f.Times > 0 && f.Struck >= f.Times {
			s.list = slices.Delete(s.list, i, i+1)
		}
		return *f, true
	}
	return Fault{}, false
}

// fits says whether the fault is set for such a call.
func (f *Fault) fits(c *call) bool {
	return (f.Operation == "" || f.Operation == c.route.op) &&
		(f.OrderID == "" || strings.EqualFold(f.OrderID, c.orderID)) &&
		(f.Reference == "" || f.Reference == c.part) &&
		(f.Page == 0 || f.Page == c.page) &&
		(c.page > 0 || !slices.Contains(pageFaults, f.Kind))
}

// label names the fault in the log of requests.
func (f *Fault) label() string {
	switch {
	case f.Preset != "":
		return f.Preset
	case f.Status != 0:
		return fmt.Sprintf("%s_%d", f.Kind, f.Status)
	}
	return string(f.Kind)
}

// instead is what becomes of a call whose operation is not carried out.
func (f *Fault) instead(c *call) outcome {
	switch f.Kind {
	case FaultTimeout:
		return outcome{drop: true, hold: f.Hold}
	case FaultCut:
		return outcome{drop: true}
	case FaultHTML:
		return outcome{answer: pageAnswer(f.Status)}
	}
	return outcome{answer: f.answer(c)}
}

// afterwards is what becomes of the answer of a call whose operation was carried out.
func (f *Fault) afterwards(a answer, c *call) outcome {
	out := outcome{answer: a.clone()}
	if f.Status != 0 && f.Kind != FaultAnswer {
		out.status = f.Status
	}
	switch f.Kind {
	case FaultTimeout:
		return outcome{drop: true, hold: f.Hold}
	case FaultCut:
		return outcome{drop: true}
	case FaultAnswer:
		return outcome{answer: f.answer(c)}
	case FaultHTML:
		return outcome{answer: pageAnswer(withBody(out.status))}
	case FaultTruncated:
		out.setBody(truncated(out.body))
	case FaultPartial:
		out.cut, out.status = true, withBody(out.status)
	case FaultEmpty:
		out.body = nil
		out.header.Del(contentTypeHeader)
	case FaultHuge:
		out.setBody(huge(out.body))
	case FaultNoID:
		out.header.Del(captureIDHeader)
		out.header.Del(refundIDHeader)
	case FaultNoIDs:
		out.header.Del(captureIDHeader)
		out.header.Del(refundIDHeader)
		out.header.Del(locationHeader)
	}
	return out
}

// answer is what the fault says instead of Klarna.
func (f *Fault) answer(c *call) answer {
	a := answer{status: f.Status, header: http.Header{}}
	if f.Code != "" {
		a = (&Error{Status: f.Status, Code: f.Code, Messages: f.Messages}).answer(c.correlationID)
	}
	switch {
	case f.Status == http.StatusTooManyRequests:
		a.header.Set("X-Ratelimit-Remaining", "0")
		a.header.Set(resetHeader, strconv.Itoa(max(f.Reset, 1)))
	case f.Status == http.StatusUnauthorized:
		a.header.Set("Www-Authenticate", `Basic realm="Klarna"`)
	case f.Status >= 300 && f.Status < 400 && f.Status != http.StatusNotModified:
		// The target is no address of the API: a client that follows is told 403 there.
		a.header.Set(locationHeader, "/redirected"+c.request.URL.Path)
	}
	return a
}

// setBody gives the answer a body of JSON, also where there should be none.
func (a *answer) setBody(body []byte) {
	a.status, a.body = withBody(a.status), body
	a.header.Set(contentTypeHeader, "application/json")
}

func withBody(status int) int {
	if !bodyAllowed(status) {
		return http.StatusOK
	}
	return status
}

func truncated(body []byte) []byte {
	if len(body) == 0 {
		return []byte(`{"capture_id":"4ba29b50-`)
	}
	return body[:len(body)/2]
}

// huge makes the JSON longer than 1 MiB without changing what it says.
func huge(body []byte) []byte {
	if len(body) == 0 {
		body = []byte("{}")
	}
	return append(bytes.Clone(body), bytes.Repeat([]byte{' '}, 1<<20+1)...)
}
