package capture

import (
	"errors"
	"time"
)

// Policy is how long to wait for what. The waits after an unknown outcome are
// Klarna's retry policy (https://docs.klarna.com/api/escalation-and-retry-policy/),
// the lifetime of a key is less than the 24 hours for which Klarna remembers it.
type Policy struct {
	Retry       [3]time.Duration
	KeyLifetime time.Duration
}

// DefaultPolicy is what Klarna's documentation asks for.
var DefaultPolicy = Policy{
	Retry:       [3]time.Duration{5 * time.Second, 5 * time.Minute, 5 * time.Hour},
	KeyLifetime: 23 * time.Hour,
}

// Validate refuses waits with which nothing would work.
func (p Policy) Validate() error {
	for _, d := range p.Retry {
		if d <= 0 {
			return errors.New("each of the three waits must be longer than nothing")
		}
	}
	if p.KeyLifetime < time.Second || p.KeyLifetime > 24*time.Hour {
		return errors.New("a key lives between a second and 24 hours")
	}
	return nil
}

// Hours returns n hours, scaled with the lifetime of a key: 23 of them are one.
func (p Policy) Hours(n int) time.Duration { return p.KeyLifetime * time.Duration(n) / 23 }

// Minutes returns n minutes, scaled alike.
func (p Policy) Minutes(n int) time.Duration { return p.KeyLifetime * time.Duration(n) / (23 * 60) }

// backoff is the wait after the nth attempt that brought no answer.
func (p Policy) backoff(n int) time.Duration {
	if n >= 1 && n <= len(p.Retry) {
		return p.Retry[n-1]
	}
	return p.Hours(1)
}
