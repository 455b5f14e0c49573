package klarnasandbox

import (
	"log/slog"
	"time"

	"zahlwerk/internal/clock"
)

// The merchant that the sandbox knows when Options names none. Nothing here opens
// anything at Klarna.
const (
	DemoMerchantID = "K000000"
	DemoUsername   = "K000000_sandbox"
	DemoPassword   = "sandbox-password"
)

const (
	defaultHold       = 60 * time.Second
	defaultRequestLog = 5000
	// maxWait bounds what a fault or the latency may keep a connection waiting.
	maxWait = 10 * time.Minute
)

// Options configure a Sandbox; the zero value is a sandbox with the demo merchant,
// no rate limit, no latency and a clock of its own.
type Options struct {
	// Clock is the sandbox's time, for expiry, idempotency and the rate limit. Whoever
	// shares it is moved along when the sandbox's clock is moved.
	Clock *clock.Clock
	// Merchants are the accounts that may log in; several may share an ID, as several
	// credentials of one merchant account do.
	Merchants []Merchant
	// RateLimit is the number of requests a merchant may make per second, 0 for any.
	RateLimit int
	// Latency is how long every call of the API takes at least.
	Latency time.Duration
	// Hold is the longest time that a time-out fault keeps a connection open, 60 s if 0.
	Hold time.Duration
	// RequestLog is how many requests are remembered, 5000 if 0.
	RequestLog int
	// Log receives one line a request, nothing if nil.
	Log *slog.Logger
}

// Merchant is one set of credentials of a merchant account.
type Merchant struct {
	ID       string
	Username string
	Password string
}

// DemoMerchant returns the merchant that a sandbox without others knows.
func DemoMerchant() Merchant {
	return Merchant{ID: DemoMerchantID, Username: DemoUsername, Password: DemoPassword}
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.New()
	}
	if len(o.Merchants) == 0 {
		o.Merchants = []Merchant{DemoMerchant()}
	}
	if o.Hold <= 0 {
		o.Hold = defaultHold
	}
	if o.RequestLog <= 0 {
		o.RequestLog = defaultRequestLog
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
