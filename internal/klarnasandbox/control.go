package klarnasandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxList     = 500
	maxControl  = 1 << 20
	longestMove = 3650 * 24 * time.Hour
)

// controlHandler serves the control page and the control API. Posts from other origins are
// refused: the page needs no log-in, and a sandbox runs on the machine of whoever browses.
func (s *Sandbox) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/api/orders", s.apiFindOrders)
	mux.HandleFunc("POST /sandbox/api/orders", s.apiCreateOrder)
	mux.HandleFunc("GET /sandbox/api/orders/{id}", s.apiReadOrder)
	mux.HandleFunc("POST /sandbox/api/orders/{id}/actions", s.apiAct)
	mux.HandleFunc("GET /sandbox/api/faults", s.apiListFaults)
	mux.HandleFunc("POST /sandbox/api/faults", s.apiSetFault)
	mux.HandleFunc("DELETE /sandbox/api/faults", s.apiClearFaults)
	mux.HandleFunc("DELETE /sandbox/api/faults/{id}", s.apiClearFault)
	mux.HandleFunc("GET /sandbox/api/presets", s.apiListPresets)
	mux.HandleFunc("GET /sandbox/api/clock", s.apiReadClock)
	mux.HandleFunc("POST /sandbox/api/clock", s.apiMoveClock)
	mux.HandleFunc("GET /sandbox/api/settings", s.apiReadSettings)
	mux.HandleFunc("PUT /sandbox/api/settings", s.apiChangeSettings)
	mux.HandleFunc("GET /sandbox/api/requests", s.apiListRequests)
	mux.HandleFunc("DELETE /sandbox/api/requests", s.apiClearRequests)
	s.addPayoutControls(mux)
	s.addPages(mux)
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	})
}

// controlOrder is an order in the control API: what Klarna tells, and what it keeps.
type controlOrder struct {
	Order
	MerchantID   string `json:"merchant_id"`
	Acknowledged bool   `json:"acknowledged"`
}

func toControlOrder(o Order) controlOrder { return controlOrder{o, o.MerchantID, o.Acknowledged} }

func (s *Sandbox) apiFindOrders(w http.ResponseWriter, r *http.Request) {
	offset, limit := paging(r, 50)
	found, total := s.FindOrders(r.URL.Query().Get("q"), offset, limit)
	orders := make([]controlOrder, 0, len(found))
	for _, o := range found {
		orders = append(orders, toControlOrder(o))
	}
	writeJSON(w, http.StatusOK, map[string]any{"orders": orders, "total": total})
}

func (s *Sandbox) apiCreateOrder(w http.ResponseWriter, r *http.Request) {
	var in struct {
		NewOrder
		MerchantID string `json:"merchant_id"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	o, err := s.CreateOrder(in.MerchantID, in.NewOrder)
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set(locationHeader, "/sandbox/api/orders/"+o.ID)
	writeJSON(w, http.StatusCreated, toControlOrder(o))
}

func (s *Sandbox) apiReadOrder(w http.ResponseWriter, r *http.Request) {
	o, ok := s.Order(r.PathValue("id"))
	if !ok {
		writeError(w, notFound(CodeNoSuchOrder, "Order %s could not be found.", r.PathValue("id")))
		return
	}
	writeJSON(w, http.StatusOK, toControlOrder(o))
}

func (s *Sandbox) apiAct(w http.ResponseWriter, r *http.Request) {
	var a Action
	if !readJSON(w, r, &a) {
		return
	}
	o, err := s.Act(r.PathValue("id"), a)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, toControlOrder(o))
}

// controlFault is a fault in the control API; durations are milliseconds.
type controlFault struct {
	ID        int64     `json:"id"`
	Preset    string    `json:"preset,omitempty"`
	Operation Operation `json:"operation"`
	OrderID   string    `json:"order_id"`
	Reference string    `json:"payment_reference"`
	Page      int       `json:"page"`
	Times     int       `json:"times"`
	Struck    int       `json:"struck"`
	Kind      FaultKind `json:"kind"`
	Applied   bool      `json:"applied"`
	DelayMS   int64     `json:"delay_ms"`
	HoldMS    int64     `json:"hold_ms"`
	Status    int       `json:"status"`
	Code      string    `json:"error_code"`
	Messages  []string  `json:"error_messages"`
	Reset     int       `json:"ratelimit_reset"`
}

func toControlFault(f Fault) controlFault {
	return controlFault{f.ID, f.Preset, f.Operation, f.OrderID, f.Reference, f.Page, f.Times, f.Struck, f.Kind, f.Applied,
		f.Delay.Milliseconds(), f.Hold.Milliseconds(), f.Status, f.Code, orEmpty(f.Messages), f.Reset}
}

func (c controlFault) fault() Fault {
	return Fault{Preset: c.Preset, Operation: c.Operation, OrderID: c.OrderID, Reference: c.Reference, Page: c.Page, Times: c.Times, Kind: c.Kind, Applied: c.Applied,
		Delay: milliseconds(c.DelayMS), Hold: milliseconds(c.HoldMS), Status: c.Status, Code: c.Code, Messages: c.Messages, Reset: c.Reset}
}

// milliseconds keeps what is too long for a Duration too long.
func milliseconds(n int64) time.Duration {
	if n > (maxWait + time.Second).Milliseconds() {
		return maxWait + time.Second
	}
	return time.Duration(max(n, -1)) * time.Millisecond
}

func (s *Sandbox) apiListFaults(w http.ResponseWriter, r *http.Request) {
	writeFaults(w, "faults", s.Faults())
}

func (s *Sandbox) apiListPresets(w http.ResponseWriter, r *http.Request) {
	writeFaults(w, "presets", allPresets)
}

func writeFaults(w http.ResponseWriter, name string, faults []Fault) {
	out := make([]controlFault, 0, len(faults))
	for _, f := range faults {
		out = append(out, toControlFault(f))
	}
	writeJSON(w, http.StatusOK, map[string]any{name: out})
}

// apiSetFault sets a fault; what the body says goes over what its preset says.
func (s *Sandbox) apiSetFault(w http.ResponseWriter, r *http.Request) {
	var body json.RawMessage
	if !readJSON(w, r, &body) {
		return
	}
	var named struct {
		Preset string `json:"preset"`
	}
	_ = json.Unmarshal(body, &named) // what is wrong with it shows below
	var in controlFault
	if named.Preset != "" {
		preset, ok := Preset(named.Preset)
		if !ok {
			writeError(w, badValue("preset"))
			return
		}
		in = toControlFault(preset)
	}
	if err := decodeStrictly(strings.NewReader(string(body)), &in); err != nil {
		writeError(w, notJSON(err))
		return
	}
	f, err := s.SetFault(in.fault())
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, toControlFault(f))
}

func (s *Sandbox) apiClearFaults(w http.ResponseWriter, r *http.Request) {
	s.ClearFaults()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) apiClearFault(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || !s.ClearFault(id) {
		writeError(w, notFound(CodeNotFound, "There is no fault %s.", r.PathValue("id")))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) apiReadClock(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"now": s.Now(), "moved_seconds": int64(s.Moved() / time.Second)})
}

func (s *Sandbox) apiMoveClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	d, err := parseMove(in.Advance)
	if err != nil {
		writeError(w, badValue("advance"))
		return
	}
	s.Advance(d)
	s.apiReadClock(w, r)
}

// parseMove reads how far the clock is to be moved ahead: a duration as Go writes it, or
// whole days such as 7d.
func parseMove(text string) (time.Duration, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(text, " ", ""), "+")
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(min(n, 100_000)) * 24 * time.Hour
	}
	if err != nil {
		return 0, fmt.Errorf("reading a move of the clock: %w", err)
	}
	if d <= 0 || d > longestMove {
		return 0, fmt.Errorf("a move of the clock by %s is not possible", d)
	}
	return d, nil
}

// controlSettings are what can be changed while the sandbox runs.
type controlSettings struct {
	LatencyMS int64 `json:"latency_ms"`
	RateLimit int   `json:"rate_limit"`
}

func (s *Sandbox) apiReadSettings(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, controlSettings{s.Latency().Milliseconds(), s.RateLimit()})
}

func (s *Sandbox) apiChangeSettings(w http.ResponseWriter, r *http.Request) {
	in := controlSettings{s.Latency().Milliseconds(), s.RateLimit()}
	if !readJSON(w, r, &in) {
		return
	}
	if bad := s.changeSettings(in); len(bad) > 0 {
		writeError(w, badValue(bad...))
		return
	}
	s.apiReadSettings(w, r)
}

func (s *Sandbox) changeSettings(in controlSettings) (bad []string) {
	if in.LatencyMS < 0 || in.LatencyMS > maxWait.Milliseconds() {
		bad = append(bad, "latency_ms")
	}
	if in.RateLimit < 0 || in.RateLimit > 1_000_000 {
		bad = append(bad, "rate_limit")
	}
	if bad == nil {
		s.SetLatency(time.Duration(in.LatencyMS) * time.Millisecond)
		s.SetRateLimit(in.RateLimit)
	}
	return bad
}

func (s *Sandbox) apiListRequests(w http.ResponseWriter, r *http.Request) {
	all := s.Requests()
	if id := r.URL.Query().Get("order_id"); id != "" {
		all = s.RequestsAbout(id)
	}
	total := len(all)
	if _, limit := paging(r, maxList); total > limit {
		all = all[total-limit:]
	}
	writeJSON(w, http.StatusOK, map[string]any{"requests": all, "total": total})
}

func (s *Sandbox) apiClearRequests(w http.ResponseWriter, r *http.Request) {
	s.ClearRequests()
	w.WriteHeader(http.StatusNoContent)
}

// paging reads offset and limit; what makes no sense is the default.
func paging(r *http.Request, usual int) (offset, limit int) {
	q := r.URL.Query()
	if n, err := strconv.Atoi(q.Get("offset")); err == nil && n > 0 {
		offset = n
	}
	limit = usual
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		limit = min(n, maxList)
	}
	return offset, limit
}

func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	err := decodeStrictly(http.MaxBytesReader(w, r.Body, maxControl), v)
	if err != nil {
		writeError(w, notJSON(err))
	}
	return err == nil
}

func decodeStrictly(r io.Reader, v any) error {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

func notJSON(err error) *Error {
	if errors.As(err, new(*http.MaxBytesError)) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Messages: []string{"The request is too large."}}
	}
	return &Error{Status: http.StatusBadRequest, Code: CodeBadValue, Messages: []string{"Body: " + err.Error()}}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // our own types always encode
		panic(err)
	}
	w.Header().Set(contentTypeHeader, "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: CodeInternalError}
	}
	writeJSON(w, e.Status, struct {
		Code     string   `json:"error_code"`
		Messages []string `json:"error_messages"`
	}{e.Code, orEmpty(e.Messages)})
}
