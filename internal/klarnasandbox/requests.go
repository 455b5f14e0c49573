package klarnasandbox

import (
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// keptBody is how much of a request's body is remembered.
const keptBody = 4096

// Request is one call of the API, as the sandbox remembers it. Credentials are not kept.
type Request struct {
	At            time.Time     `json:"at"`
	MerchantID    string        `json:"merchant_id,omitempty"`
	Method        string        `json:"method"`
	Path          string        `json:"path"`
	Query         string        `json:"query,omitempty"`
	Operation     Operation     `json:"operation,omitempty"`
	OrderID       string        `json:"order_id,omitempty"`
	Key           string        `json:"idempotency_key,omitempty"`
	Body          string        `json:"body,omitempty"` // its first 4096 bytes
	Status        int           `json:"status"`         // 0: the connection ended without an answer
	ErrorCode     string        `json:"error_code,omitempty"`
	CorrelationID string        `json:"correlation_id,omitempty"`
	Replayed      bool          `json:"replayed"`        // the answer is that of an earlier call with the key
	Fault         string        `json:"fault,omitempty"` // the fault that struck
	Duration      time.Duration `json:"duration_ns"`     // until the answer was ready
}

func (r *Request) keepBody(body []byte) {
	cut := body[:min(len(body), keptBody)]
	if !utf8.Valid(body) {
		r.Body = strings.ToValidUTF8(string(cut), "\uFFFD")
		return
	}
	for !utf8.Valid(cut) {
		cut = cut[:len(cut)-1]
	}
	r.Body = string(cut)
}

// requestLog is a ring of the last requests.
type requestLog struct {
	mu   sync.Mutex
	max  int
	list []Request
	next int // where the next one goes once the ring is full
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) < l.max {
		l.list = append(l.list, r)
		return
	}
	l.list[l.next] = r
	l.next = (l.next + 1) % l.max
}

// Requests returns the remembered calls of the API, oldest first.
func (s *Sandbox) Requests() []Request {
	l := &s.requests
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append(make([]Request, 0, len(l.list)), l.list[l.next:]...), l.list[:l.next]...)
}

// RequestsAbout returns the remembered calls about an order, oldest first.
func (s *Sandbox) RequestsAbout(orderID string) []Request {
	orderID = strings.ToLower(orderID)
	out := []Request{}
	for _, r := range s.Requests() {
		if r.OrderID == orderID {
			out = append(out, r)
		}
	}
	return out
}

// ClearRequests forgets all remembered calls.
func (s *Sandbox) ClearRequests() {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	s.requests.list, s.requests.next = nil, 0
}
