package klarna

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	defaultTimeout = 30 * time.Second
	// maxAnswer is how much of an answer is read, maxRequest how much Klarna
	// takes: https://docs.klarna.com/acquirer/klarna/get-started/integration-resilience/request-limits
	maxAnswer  = 1 << 20
	maxRequest = 1_000_000
)

// Options configure a [Client]; the zero value talks to Klarna.
type Options struct {
	// BaseURL replaces every host of Klarna's. It comes from [ParseBaseURL].
	BaseURL *url.URL
	// UserAgent is sent with every call: "Zahlwerk/1.2.3".
	UserAgent string
	// Timeout of one call, from the first byte to the last; 30 s if 0.
	Timeout time.Duration
	// Transport replaces the connections.
	Transport http.RoundTripper
	// Now tells when a call was made; time.Now if nil.
	Now func() time.Time
}

// Client holds the connections to Klarna. It is safe for concurrent use; a
// program needs one.
type Client struct {
	http      *http.Client
	base      *url.URL
	userAgent string
	timeout   time.Duration
	now       func() time.Time
}

// New returns a client.
func New(o Options) *Client {
	if o.UserAgent == "" {
		o.UserAgent = "Zahlwerk"
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{
		http: &http.Client{
			Transport: o.Transport,
			// A redirect is an answer. To follow one would carry the password
			// somewhere else and turn a POST into a GET.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base:      o.BaseURL,
		userAgent: o.UserAgent,
		timeout:   o.Timeout,
		now:       o.Now,
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment, // the operator's way out
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
		// Rather shorter than Klarna keeps a connection: a POST on one that the
		// other side has just closed ends as an unknown outcome.
		IdleConnTimeout: 30 * time.Second,
	}
}

// request is what a method wants to be sent.
type request struct {
	method string
	path   string // below the host, with its query
	key    string // idempotency key; a POST has one
	body   []byte
	limit  int  // how much of the answer is read, in bytes; maxAnswer if 0
	quiet  bool // the answer's body is not recorded
}

// response is what came back, as far as it came.
type response struct {
	status   int // 0: nothing
	header   http.Header
	body     []byte
	limit    int // how much of it was to be read
	tooLarge bool
	lost     *NoAnswer // the whole answer, or the rest of the body
}

// send makes one call. The error is ErrNotSent or a *NoAnswer; an answer of any
// status is none, even if its body was lost: what that means depends on what
// was asked. The call is filled in as far as it went.
func (c *Client) send(ctx context.Context, t Target, in request) (response, Call, error) {
	redactor := t.redactor()
	call := Call{
		At: c.now().UTC(), Method: in.method, Path: in.path, IdempotencyKey: in.key,
		Request: redactor.Replace(mask(in.body)), RateLimitRemaining: -1,
	}
	withTimeout, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.newRequest(withTimeout, t, in)
	if err != nil {
		call.TransportError = err.Error()
		return response{}, call, err
	}
	call.Host = req.URL.Host

	start := time.Now()
	r, err := c.do(req, cmp.Or(in.limit, maxAnswer))
	call.Duration = time.Since(start)
	call.answered(r, redactor, in.quiet)
	if err != nil {
		r.lost = noAnswer(ctx, err)
		call.TransportError = redactor.Replace(clip(clean(r.lost.Error()), maxMessage))
	}
	if r.status == 0 {
		return r, call, r.lost
	}
	return r, call, nil
}

func (c *Client) newRequest(ctx context.Context, t Target, in request) (*http.Request, error) {
	u, err := t.Endpoint.URL()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	if c.base != nil {
		u = c.base
	}
	switch {
	case in.method != http.MethodGet && !isToken(in.key):
		return nil, fmt.Errorf("%w: the idempotency key %.40q is not one", ErrNotSent, in.key)
	case len(in.body) > maxRequest:
		return nil, fmt.Errorf("%w: the body has %d bytes, Klarna takes %d", ErrNotSent, len(in.body), maxRequest)
	}
	var body io.Reader
	if in.body != nil {
		body = bytes.NewReader(in.body)
	}
	req, err := http.NewRequestWithContext(ctx, in.method, u.String()+in.path, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	req.Header.Set("Authorization", t.authorization())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if in.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if in.key != "" {
		req.Header.Set("Klarna-Idempotency-Key", in.key)
	}
	return req, nil
}

// do sends and reads. Reading to the end lets the connection be used again.
func (c *Client) do(req *http.Request, limit int) (response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	r := response{status: resp.StatusCode, header: resp.Header, body: body, limit: limit}
	if len(body) > limit {
		r.body, r.tooLarge = body[:limit], true
	}
	return r, err
}

// isToken reports whether s can stand in a header or a path as it is: letters,
// digits, "-" and "_", which is what Klarna's ids and our keys consist of.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 255
}
