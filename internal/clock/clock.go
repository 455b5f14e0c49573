package clock

import (
	"sync/atomic"
	"time"
)

// Clock tells the time. The zero value is the machine's clock; a moved or a fixed
// clock differs from it by an offset or stands still. It is safe for concurrent use
// and must not be copied once in use.
type Clock struct {
	offset atomic.Int64 // nanoseconds ahead of the machine's clock
	fixed  atomic.Int64 // microseconds since the Unix epoch; 0 = not fixed
}

// New returns a clock that shows the machine's time.
func New() *Clock { return &Clock{} }

// NewFixed returns a clock that stands at t until it is moved.
func NewFixed(t time.Time) *Clock {
	c := &Clock{}
	c.fixed.Store(t.UnixMicro())
	return c
}

// Now returns the time in UTC with microsecond precision.
func (c *Clock) Now() time.Time {
	if us := c.fixed.Load(); us != 0 {
		return time.UnixMicro(us).UTC()
	}
	return time.Now().Add(time.Duration(c.offset.Load())).UTC().Truncate(time.Microsecond)
}

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) {
	for {
		us := c.fixed.Load()
		if us == 0 {
			c.offset.Add(int64(d))
			return
		}
		if c.fixed.CompareAndSwap(us, us+d.Microseconds()) {
			return
		}
	}
}

// Offset returns how far the clock is ahead of the machine's; a fixed clock has none.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }
