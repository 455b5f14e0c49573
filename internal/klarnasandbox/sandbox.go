package klarnasandbox

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"zahlwerk/internal/clock"
)

// Sandbox is the stand-in for Klarna. It is an http.Handler and safe for concurrent use.
type Sandbox struct {
	clock     *clock.Clock
	log       *slog.Logger
	merchants []Merchant
	hold      time.Duration
	latency   atomic.Int64 // nanoseconds
	moved     atomic.Int64 // nanoseconds the clock was moved through Advance

	orders   orderBook
	payouts  payoutBook
	attempts attemptStore
	limiter  limiter
	faults   faultSet
	requests requestLog
	forms    formTokens
	control  http.Handler

	done  chan struct{} // closed by Close: nothing is held any longer
	close sync.Once
}

// New returns a sandbox that knows no orders yet.
func New(o Options) *Sandbox {
	o = o.withDefaults()
	s := &Sandbox{
		clock:     o.Clock,
		log:       o.Log,
		merchants: o.Merchants,
		hold:      o.Hold,
		requests:  requestLog{max: o.RequestLog},
		done:      make(chan struct{}),
	}
	s.payouts.open(s.merchants, s.Now())
	s.SetLatency(o.Latency)
	s.SetRateLimit(o.RateLimit)
	s.control = s.controlHandler()
	return s
}

// Close ends every held connection. The sandbox goes on answering, without holding.
func (s *Sandbox) Close() { s.close.Do(func() { close(s.done) }) }

// ServeHTTP answers Klarna's APIs under /ordermanagement/v1/ and /settlements/v1/, and the
// control page and its API under /sandbox/.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p := r.URL.Path; {
	case p == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		http.Redirect(w, r, "/sandbox/", http.StatusSeeOther)
	case p == "/sandbox" || strings.HasPrefix(p, "/sandbox/"):
		s.control.ServeHTTP(w, r)
	default:
		s.serveAPI(w, r)
	}
}

// Now returns the sandbox's time.
func (s *Sandbox) Now() time.Time { return s.clock.Now() }

// Advance moves the sandbox's clock, and with it whoever shares it.
func (s *Sandbox) Advance(d time.Duration) {
	s.moved.Add(int64(d))
	s.clock.Advance(d)
}

// Moved returns by how much Advance has moved the clock in all.
func (s *Sandbox) Moved() time.Duration { return time.Duration(s.moved.Load()) }

// SetLatency sets how long every call of the API takes at least, 10 minutes at most.
func (s *Sandbox) SetLatency(d time.Duration) {
	s.latency.Store(int64(min(max(d, 0), maxWait)))
}

// Latency returns how long every call of the API takes at least.
func (s *Sandbox) Latency() time.Duration { return time.Duration(s.latency.Load()) }

// SetRateLimit sets the number of requests a merchant may make per second, 0 for any.
func (s *Sandbox) SetRateLimit(perSecond int) { s.limiter.perSecond.Store(int64(max(perSecond, 0))) }

// RateLimit returns the number of requests a merchant may make per second, 0 for any.
func (s *Sandbox) RateLimit() int { return int(s.limiter.perSecond.Load()) }

// Merchants returns the accounts that may log in, without their passwords.
func (s *Sandbox) Merchants() []Merchant {
	all := make([]Merchant, 0, len(s.merchants))
	for _, m := range s.merchants {
		all = append(all, Merchant{ID: m.ID, Username: m.Username})
	}
	return all
}

// knowsMerchant says whether the merchant account exists.
func (s *Sandbox) knowsMerchant(id string) error {
	for _, m := range s.merchants {
		if m.ID == id {
			return nil
		}
	}
	return &Error{Status: http.StatusNotFound, Code: "NO_SUCH_MERCHANT",
		Messages: []string{fmt.Sprintf("The sandbox knows no merchant %q.", id)}}
}

// wait lets d pass, or less when the sandbox is closed. It does not look at the client: a
// server that is slow does not notice that nobody waits any longer, and carries on.
func (s *Sandbox) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.done:
	}
}
