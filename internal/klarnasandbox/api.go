package klarnasandbox

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// call is one request of the API on its way.
type call struct {
	request       *http.Request
	merchant      string
	route         *route
	orderID, part string // the ids in the path; of a settlement: the order and the payout asked for
	page          int    // the page of a collection, from 1 on
	distortion    FaultKind
	body          []byte // as it came; normalised once it was checked
	key           string
	correlationID string
	now           time.Time // set when the operation is carried out
}

// decode fills v from the checked body.
func (c *call) decode(v any) {
	if err := json.Unmarshal(c.body, v); err != nil { // the schema has let it pass
		panic(err)
	}
}

// location is the address of something that the call has made.
func (c *call) location(kind, id string) string {
	return c.base() + ordersBase + c.orderID + "/" + kind + "/" + id
}

// serveAPI answers one call: what the answer is, is decided and logged before anything of it
// is sent, so that whoever has the answer finds the call in the log.
func (s *Sandbox) serveAPI(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	c := &call{request: r, correlationID: uuid.NewString(), key: r.Header.Get(idempotencyHeader)}
	rec := Request{At: s.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Key: c.key}
	out := s.handle(w, c, &rec)

	rec.MerchantID, rec.OrderID = c.merchant, strings.ToLower(c.orderID)
	if c.route != nil {
		rec.Operation = c.route.op
	}
	if !out.drop {
		rec.Status, rec.ErrorCode = out.status, out.code
		rec.CorrelationID = out.header.Get(correlationHeader)
	}
	rec.Duration = time.Since(started)
	s.requests.add(rec)
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "sandbox request",
		slog.String("method", rec.Method), slog.String("path", rec.Path), slog.Int("status", rec.Status),
		slog.String("error_code", rec.ErrorCode), slog.String("fault", rec.Fault), slog.Bool("replayed", rec.Replayed),
		slog.String("key", rec.Key), slog.Duration("took", rec.Duration))

	if out.drop {
		s.holdOpen(r, out.hold)
		panic(http.ErrAbortHandler)
	}
	out.write(w)
}

// handle decides what becomes of the call. Like the gateway in front of Klarna's API it looks
// at the path, the credentials, the rate and the size first; then come the faults, the
// idempotency key and the operation.
func (s *Sandbox) handle(w http.ResponseWriter, c *call, rec *Request) outcome {
	r := c.request
	gateway := func(a answer, q quota) outcome { return outcome{answer: s.sign(a, c, q)} }
	if !strings.HasPrefix(r.URL.Path, ordersBase) && !strings.HasPrefix(r.URL.Path, settlementsBase) {
		return gateway(pageAnswer(http.StatusForbidden), s.limiter.untouched())
	}
	m, ok := s.authenticate(r)
	if !ok {
		a := answer{status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {`Basic realm="Klarna"`}}}
		return gateway(a, s.limiter.untouched())
	}
	c.merchant = m.ID
	q, ok := s.limiter.take(m.ID, s.Now())
	if !ok {
		e := &Error{Status: http.StatusTooManyRequests, Code: CodeTooManyRequests, Messages: []string{"Too many requests."}}
		return gateway(e.answer(c.correlationID), q)
	}
	var allow []string
	c.route, c.orderID, c.part, allow = findRoute(r.Method, r.URL.Path)
	switch {
	case c.route == nil && allow == nil:
		return gateway(pageAnswer(http.StatusForbidden), q)
	case c.route == nil:
		return gateway(answer{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {strings.Join(allow, ", ")}}}, q)
	}
	if c.route.settle != nil {
		c.readQuery()
	}
	if err := c.read(w); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			e := &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Messages: []string{"The request is too large."}}
			return gateway(e.answer(c.correlationID), q)
		}
		return outcome{drop: true} // the client went away in the middle of its request
	}
	rec.keepBody(c.body)
	return s.answerWithFaults(c, q, rec)
}

// answerWithFaults carries out the call, unless a fault is set that says otherwise.
func (s *Sandbox) answerWithFaults(c *call, q quota, rec *Request) outcome {
	s.attempts.see(c.keyID(), s.Now())
	s.wait(s.Latency())
	f, ok := s.faults.take(c)
	if !ok {
		a, replayed, err := s.once(c)
		rec.Replayed = replayed
		return outcome{answer: s.sign(a, c, q), drop: err != nil}
	}
	rec.Fault = f.label()
	s.wait(f.Delay)
	var out outcome
	if f.Applied {
		c.distortion = f.Kind
		a, replayed, err := s.once(c)
		rec.Replayed = replayed
		out = f.afterwards(a, c)
		out.drop = out.drop || err != nil
		if f.Kind == FaultNewPayout {
			s.appear(c.merchant)
		}
	} else {
		out = f.instead(c)
		if !out.drop && out.definitive() {
			out.header.Set(correlationHeader, c.correlationID)
			s.attempts.keep(c.keyID(), s.Now(), out.answer)
		}
	}
	if f.Kind == FaultTimeout && f.Hold == 0 {
		out.hold = s.hold
	}
	out.answer = s.sign(out.answer, c, q)
	return out
}

// once carries out the call, or repeats the answer that its idempotency key already has. The
// error says that the client went away while another call with the key was under way.
func (s *Sandbox) once(c *call) (a answer, replayed bool, err error) {
	if c.keyID().key == "" {
		return s.perform(c), false, nil
	}
	return s.attempts.do(c.request.Context(), c.keyID(), s.Now, func() answer { return s.perform(c) })
}

// perform carries out the operation.
func (s *Sandbox) perform(c *call) answer {
	a, err := s.operate(c)
	if err != nil {
		a = err.answer(c.correlationID)
	}
	a.header.Set(correlationHeader, c.correlationID)
	return a
}

func (s *Sandbox) operate(c *call) (answer, *Error) {
	if c.route.settle != nil {
		return c.route.settle(s, c)
	}
	if !isUUID(c.orderID) {
		return answer{}, &Error{Status: http.StatusBadRequest, Code: CodeInvalidOrderID, Messages: []string{"Order ID must be a valid UUID."}}
	}
	if c.route.body != nil {
		if !isJSON(c.request) {
			return answer{}, &Error{Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE",
				Messages: []string{"The Content-Type must be application/json."}}
		}
		body, err := c.route.body.parse(c.body)
		if err != nil {
			return answer{}, err
		}
		c.body = body
	}
	o := s.orders.find(c.orderID)
	if o == nil || o.MerchantID != c.merchant {
		return answer{}, notFound(c.route.noOrder, "Order %s could not be found.", c.orderID)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c.now = s.Now()
	o.settle(c.now)
	return c.route.run(o, c)
}

// readQuery notes what a call of the settlements is about, for the faults and the log.
func (c *call) readQuery() {
	q := c.request.URL.Query()
	if id := q.Get("order_id"); isUUID(id) {
		c.orderID = id
	}
	if c.part == "" {
		c.part = q.Get("payment_reference")
	}
	if sp, bad := readSpan(q); len(bad) == 0 && slices.Contains(collections, c.route.op) {
		c.page = sp.offset/sp.size + 1
	}
}

// read takes in the body, at most 1 MiB.
func (c *call) read(w http.ResponseWriter) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, c.request.Body, maxBody))
	c.body = body
	return err
}

// keyID is the call's idempotency key; its key is empty where none counts.
func (c *call) keyID() keyID {
	if !c.route.changes() {
		return keyID{}
	}
	return keyID{c.merchant, c.key}
}

// sign adds the headers that are on each of Klarna's answers. A repeated answer keeps its
// correlation id, which is in its body too.
func (s *Sandbox) sign(a answer, c *call, q quota) answer {
	a = a.clone()
	if a.header.Get(correlationHeader) == "" {
		a.header.Set(correlationHeader, c.correlationID)
	}
	q.write(a.header)
	return a
}

// authenticate finds the merchant of the request's credentials: Basic authentication, or the
// API key as it is behind the word Basic, which Klarna's newer documentation shows.
func (s *Sandbox) authenticate(r *http.Request) (Merchant, bool) {
	username, password, basic := r.BasicAuth()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	raw := strings.EqualFold(scheme, "Basic") && strings.Contains(token, "klarna_")
	var found Merchant
	for _, m := range s.merchants {
		ok := basic && equal(username, m.Username)&equal(password, m.Password) == 1 ||
			raw && equal(token, m.Password)|equal(token, m.Username+":"+m.Password) == 1
		if ok {
			found = m
		}
	}
	return found, found.ID != ""
}

func equal(a, b string) int { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) }

// isJSON accepts a request that says it is JSON, or nothing.
func isJSON(r *http.Request) bool {
	ct := r.Header.Get(contentTypeHeader)
	if ct == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(ct)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// holdOpen keeps a connection without an answer until the client gives up, the time is over
// or the sandbox closes.
func (s *Sandbox) holdOpen(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-s.done:
	}
}
