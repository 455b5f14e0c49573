package klarna

import (
	"strconv"
	"strings"
	"time"
)

// Call is the record of one conversation with Klarna, to be kept. It holds no
// Authorization header, and personal data is masked in both bodies.
type Call struct {
	At             time.Time
	Duration       time.Duration
	Method         string
	Host           string
	Path           string
	IdempotencyKey string
	Status         int // 0: no answer came
	CorrelationID  string
	ErrorCode      string
	ErrorMessages  []string
	Request        string // body, masked and capped
	Response       string // body, masked and capped
	// TransportError says why no answer or no whole one came, or why nothing
	// was sent.
	TransportError string
	// RateLimitRemaining is how many calls Klarna still allows before RetryAfter
	// has passed; -1 if it did not say.
	RateLimitRemaining int
	// RetryAfter is when Klarna counts anew (X-Ratelimit-Reset): how long to
	// wait after a 429. 0 if it did not say.
	RetryAfter time.Duration
}

// maxRetryAfter bounds what is believed of X-Ratelimit-Reset: the limits are
// per second.
const maxRetryAfter = time.Hour

// answered takes down what came back; quietly means without its body.
func (c *Call) answered(r response, redactor *strings.Replacer, quietly bool) {
	if r.status == 0 {
		return
	}
	c.Status = r.status
	var body errorBody
	if !quietly {
		c.Response = redactor.Replace(mask(r.body))
	}
	if !quietly || r.status >= 300 { // a success of many pages is not read twice
		body = parseErrorBody(r.body)
	}
	if r.status >= 300 {
		c.ErrorCode = redactor.Replace(body.code)
		for _, m := range body.messages {
			c.ErrorMessages = append(c.ErrorMessages, redactor.Replace(m))
		}
	}
	c.CorrelationID = clip(clean(r.header.Get("Klarna-Correlation-Id")), maxCode)
	if c.CorrelationID == "" {
		c.CorrelationID = body.correlationID
	}
	// https://docs.klarna.com/api/rate-limit/
	if n, err := strconv.Atoi(r.header.Get("X-Ratelimit-Remaining")); err == nil && n >= 0 {
		c.RateLimitRemaining = n
	}
	if n, err := strconv.ParseInt(r.header.Get("X-Ratelimit-Reset"), 10, 32); err == nil && n > 0 {
		c.RetryAfter = min(time.Duration(n)*time.Second, maxRetryAfter)
	}
}
