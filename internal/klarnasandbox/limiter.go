package klarnasandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// liveLimit is what the headers say while no limit is set: Klarna's own for these operations.
const liveLimit = 200

// limiter counts the requests of each merchant in the present second.
type limiter struct {
	perSecond atomic.Int64
	mu        sync.Mutex
	second    int64
	used      map[string]int64
}

// quota is what the rate limit headers tell.
type quota struct{ limit, remaining, reset int64 }

// take counts a request; false says that the limit is reached.
func (l *limiter) take(merchant string, now time.Time) (quota, bool) {
	limit := l.perSecond.Load()
	if limit == 0 {
		return l.untouched(), true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Unix(); second != l.second || l.used == nil {
		l.second, l.used = second, map[string]int64{}
	}
	if l.used[merchant] >= limit {
		return quota{limit, 0, 1}, false
	}
	l.used[merchant]++
	return quota{limit, limit - l.used[merchant], 1}, true
}

// untouched is the quota of nobody in particular.
func (l *limiter) untouched() quota {
	limit := l.perSecond.Load()
	if limit == 0 {
		limit = liveLimit
	}
	return quota{limit, limit, 1}
}

func (q quota) write(h http.Header) {
	set := func(name, value string) {
		if h.Get(name) == "" { // a fault has set its own
			h.Set(name, value)
		}
	}
	set("X-Ratelimit-Limit", fmt.Sprintf("%d, %d;w=1", q.limit, q.limit))
	set("X-Ratelimit-Remaining", strconv.FormatInt(q.remaining, 10))
	set(resetHeader, strconv.FormatInt(q.reset, 10))
}
