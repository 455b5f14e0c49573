package klarnasandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	. "zahlwerk/internal/klarnasandbox"
)

// preset sets a fault that has a name, for the calls that of says.
func (b *bench) preset(name string, of Fault) Fault {
	b.t.Helper()
	f, ok := Preset(name)
	if !ok {
		b.t.Fatalf("no preset %s", name)
	}
	f.Operation, f.OrderID, f.Times = of.Operation, of.OrderID, of.Times
	if of.Delay > 0 {
		f.Delay = of.Delay
	}
	if of.Hold > 0 {
		f.Hold = of.Hold
	}
	set, err := b.SetFault(f)
	if err != nil {
		b.t.Fatal(err)
	}
	return set
}

// TestEveryPreset strikes a capture with every fault over a real connection and looks at
// what arrives, at what Klarna knows then, and at what a repetition with the same key does.
func TestEveryPreset(t *testing.T) {
	t.Parallel()
	looks := map[string]func(reply) bool{
		"unauthorized":   func(r reply) bool { return r.status == 401 && r.body == "" },
		"forbidden_page": func(r reply) bool { return r.status == 403 && strings.Contains(r.body, "<html>") },
		"too_many_requests": func(r reply) bool {
			return r.status == 429 && r.header.Get("X-Ratelimit-Reset") == "5" && r.header.Get("X-Ratelimit-Remaining") == "0"
		},
		"redirect": func(r reply) bool {
			return r.status == 307 && strings.HasPrefix(r.header.Get("Location"), "/redirected/")
		},
		"html_error": func(r reply) bool {
			return r.status == 502 && strings.Contains(r.header.Get("Content-Type"), "text/html")
		},
		"html_applied": func(r reply) bool {
			return r.status == 201 && strings.Contains(r.body, "<html>") && r.header.Get("Capture-Id") == "" && r.header.Get("Location") == ""
		},
		"truncated": func(r reply) bool { return r.status == 201 && r.body != "" && !json.Valid([]byte(r.body)) },
		"empty":     func(r reply) bool { return r.status == 201 && r.body == "" && r.header.Get("Capture-Id") != "" },
		"huge": func(r reply) bool {
			return r.status == 201 && len(r.body) > 1<<20 && json.Valid([]byte(r.body)) && r.header.Get("Capture-Id") != ""
		},
		"no_capture_id": func(r reply) bool {
			return r.status == 201 && r.header.Get("Capture-Id") == "" && r.header.Get("Location") != ""
		},
		"no_capture_id_no_location": func(r reply) bool {
			return r.status == 201 && r.header.Get("Capture-Id") == "" && r.header.Get("Location") == ""
		},
		"slow":                   func(r reply) bool { return r.status == 201 && r.header.Get("Capture-Id") != "" },
		"internal_error_applied": func(r reply) bool { return r.status == 500 && r.code() == CodeUnexpected },
		"timeout_applied":        nil, "timeout_before": nil, "cut_applied": nil, "cut_before": nil, "partial": nil, // no whole answer
	}
	for _, f := range Presets() {
		t.Run(f.Preset, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{Hold: time.Millisecond})
			o := b.order(NewOrder{})
			b.preset(f.Preset, Fault{Operation: OpCapture, Times: 1, Delay: min(f.Delay, time.Millisecond)})
			r, err := b.try(t.Context(), "POST", o.ID+"/captures", "key", `{"captured_amount":10000}`)

			look, listed := looks[f.Preset]
			switch {
			case listed && look == nil && err == nil:
				t.Fatalf("answered with %d", r.status)
			case listed && look == nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
				t.Fatalf("ended with %v", err)
			case look != nil && (err != nil || !look(r)):
				t.Fatalf("%v, %d %v %.200q", err, r.status, r.header, r.body)
			case !listed && (err != nil || r.status != f.Status || r.code() != f.Code || r.message() != strings.Join(f.Messages, "|")):
				t.Fatalf("%v, %d %s, want %d %s", err, r.status, r.body, f.Status, f.Code)
			}
			if applied := len(b.read(o.ID).Captures) == 1; applied != f.Applied {
				t.Fatalf("applied: %v, want %v", applied, f.Applied)
			}
			if log := b.Requests(); len(log) != 1 || log[0].Fault != f.Preset || (log[0].Status == 0) != (f.Kind == FaultTimeout || f.Kind == FaultCut) {
				t.Errorf("logged %+v", log)
			}
			if n := len(b.Faults()); n != 0 {
				t.Errorf("%d faults are left", n)
			}
			again := b.capture(o.ID, "key", `{"captured_amount":10000}`)
			if f.Applied || again.status == 201 {
				want(t, again, 201, "")
				if c := b.read(o.ID).Captures; len(c) != 1 || again.header.Get("Capture-Id") != c[0].ID {
					t.Errorf("%d captures, the answer says %q", len(c), again.header.Get("Capture-Id"))
				}
			}
		})
	}
}

func TestFaultsOnReads(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	get := func() reply {
		r, err := b.try(t.Context(), "GET", o.ID, "", "")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	whole := get().body
	b.preset("truncated", Fault{Operation: OpGetOrder, Times: 1})
	if r := get(); r.status != 200 || r.body != whole[:len(whole)/2] {
		t.Errorf("truncated: %d %s", r.status, r.body)
	}
	b.preset("empty", Fault{Operation: OpGetOrder, Times: 1})
	if r := get(); r.status != 200 || r.body != "" {
		t.Errorf("empty: %d %s", r.status, r.body)
	}
	b.preset("huge", Fault{Operation: OpGetOrder, Times: 1})
	if r := get(); len(r.body) <= 1<<20 || strings.TrimSpace(r.body) != whole {
		t.Errorf("huge: %d bytes", len(r.body))
	}
	b.preset("html_applied", Fault{Operation: OpGetOrder, Times: 1})
	if r := get(); r.status != 200 || !strings.Contains(r.body, "<html>") {
		t.Errorf("html: %d %s", r.status, r.body)
	}
	b.preset("partial", Fault{Operation: OpGetOrder, Times: 1})
	if r, err := b.try(t.Context(), "GET", o.ID, "", ""); !errors.Is(err, io.ErrUnexpectedEOF) || r.status != 200 || r.body != whole[:len(whole)/2] {
		t.Errorf("partial: %v, %d %s", err, r.status, r.body)
	}
	if _, err := b.SetFault(Fault{Kind: FaultEmpty, Status: 202, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if r := get(); r.status != 202 || r.body != "" {
		t.Errorf("with a status of its own: %d %s", r.status, r.body)
	}
	if r := get(); r.body != whole {
		t.Error("faults go on")
	}
}

// TestDistortionsAreApplied: what distorts the operation's answer needs one.
func TestDistortionsAreApplied(t *testing.T) {
	t.Parallel()
	for _, kind := range []FaultKind{FaultTruncated, FaultPartial, FaultEmpty, FaultHuge, FaultNoID, FaultNoIDs, FaultSlow} {
		b := newBench(t, Options{})
		o := b.order(NewOrder{})
		if _, err := b.SetFault(Fault{Kind: kind, Delay: time.Millisecond, Times: 1}); err != nil {
			t.Fatal(err)
		}
		_, _ = b.try(t.Context(), "POST", o.ID+"/captures", "", `{"captured_amount":1}`)
		if n := len(b.read(o.ID).Captures); n != 1 {
			t.Errorf("%s: %d captures", kind, n)
		}
	}
}

func TestFaultsMatch(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o, other := b.order(NewOrder{}), b.order(NewOrder{})
	forever := b.preset("unavailable", Fault{Operation: OpGetOrder, OrderID: strings.ToUpper(o.ID)})
	b.preset("conflict", Fault{Times: 2})
	status := func(method, path string) int {
		r, err := b.try(t.Context(), method, path, "", "")
		if err != nil {
			t.Fatal(err)
		}
		return r.status
	}
	for i, step := range []struct {
		method, path string
		want         int
	}{
		{"GET", o.ID, 503}, {"GET", other.ID, 409}, {"GET", o.ID, 503}, {"POST", o.ID + "/acknowledge", 409},
		{"POST", o.ID + "/acknowledge", 204}, {"GET", o.ID, 503}, {"GET", other.ID, 200},
	} {
		if got := status(step.method, step.path); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
	if set := b.Faults(); len(set) != 1 || set[0].ID != forever.ID || set[0].Struck != 3 {
		t.Errorf("set are %+v", set)
	}
	if !b.ClearFault(forever.ID) || b.ClearFault(forever.ID) || status("GET", o.ID) != 200 {
		t.Error("not cleared")
	}
	b.preset("unavailable", Fault{})
	b.ClearFaults()
	if status("GET", o.ID) != 200 {
		t.Error("not all cleared")
	}
}

func TestSetFaultRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	for name, f := range map[string]Fault{
		"kind":      {Kind: "nonsense"},
		"status":    {Kind: FaultAnswer},
		"operation": {Kind: FaultCut, Operation: "nonsense"},
		"order_id":  {Kind: FaultCut, OrderID: "1"},
		"times":     {Kind: FaultCut, Times: -1},
		"delay":     {Kind: FaultSlow},
		"hold":      {Kind: FaultTimeout, Hold: time.Hour},
		"reset":     {Kind: FaultAnswer, Status: 429, Reset: -1},
	} {
		if _, err := b.SetFault(f); err == nil || !strings.HasSuffix(err.Error(), "Bad value: "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(b.Faults()) != 0 {
		t.Error("set nevertheless")
	}
}

// TestTimeoutEndsWithTheClient: the client gives up long before the hold is over.
func TestTimeoutEndsWithTheClient(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	b.preset("timeout_applied", Fault{Times: 1, Hold: 10 * time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.try(ctx, "POST", o.ID+"/captures", "key", `{"captured_amount":10000}`); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("ended with %v", err)
	}
	want(t, b.capture(o.ID, "key", `{"captured_amount":10000}`), 201, "")
	if n := len(b.read(o.ID).Captures); n != 1 {
		t.Errorf("%d captures", n)
	}
	b.server.Close() // waits for the call that is held
}

func TestCloseEndsHolding(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Hold: 10 * time.Minute, Latency: 10 * time.Minute})
	o := b.order(NewOrder{})
	b.preset("timeout_before", Fault{Times: 1})
	ended := make(chan error, 1)
	go func() {
		_, err := b.try(t.Context(), "POST", o.ID+"/captures", "key", `{"captured_amount":10000}`)
		ended <- err
	}()
	b.Close()
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

// TestWaitingDuplicate: a call whose key is under way waits; the sandbox answers it when the
// first is through, although the first client never hears of it.
func TestWaitingDuplicate(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	b.preset("timeout_applied", Fault{Operation: OpCapture, Times: 1, Hold: 10 * time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = b.try(ctx, "POST", o.ID+"/captures", "key", `{"captured_amount":10000}`)
	}()
	for len(b.Faults()) > 0 { // until the first one is struck
		want(t, b.call("GET", o.ID, "", ""), 200, "")
	}
	want(t, b.capture(o.ID, "key", `{"captured_amount":10000}`), 201, "")
	cancel()
	<-ended
	if n := len(b.read(o.ID).Captures); n != 1 {
		t.Errorf("%d captures", n)
	}
}
