package klarnasandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/clock"
	. "zahlwerk/internal/klarnasandbox"
)

func TestKeyRepeatsTheAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o, other := b.order(NewOrder{}), b.order(NewOrder{})
	first := b.capture(o.ID, "key", `{"captured_amount":1000}`)
	want(t, first, 201, "")
	patched, err := b.try(t.Context(), "PATCH", o.ID+"/merchant-references", "key", `{"merchant_reference1":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	again := map[string]reply{
		"same":            b.capture(o.ID, "key", `{"captured_amount":1000}`),
		"other body":      b.capture(o.ID, "key", `{"captured_amount":2000}`),
		"bad body":        b.capture(o.ID, "key", `{`),
		"other order":     b.capture(other.ID, "key", `{"captured_amount":1000}`),
		"other operation": patched,
	}
	for name, r := range again {
		for _, h := range []string{"Capture-Id", "Location", "Klarna-Correlation-Id"} {
			if r.status != 201 || r.body != "" || r.header.Get(h) != first.header.Get(h) {
				t.Errorf("%s: %d, %s %q, want %q", name, r.status, h, r.header.Get(h), first.header.Get(h))
			}
		}
	}
	if got := b.read(o.ID); got.CapturedAmount != 1000 || got.MerchantReference1 != "" || b.read(other.ID).CapturedAmount != 0 {
		t.Errorf("order is %+v", got)
	}
	replayed := 0
	for _, r := range b.Requests() {
		if r.Replayed {
			replayed++
		}
	}
	if replayed != len(again) {
		t.Errorf("%d calls are marked as repeated, want %d", replayed, len(again))
	}
	want(t, b.capture(o.ID, "other key", `{"captured_amount":1000}`), 201, "")
	want(t, b.capture(o.ID, "", `{"captured_amount":1000}`), 201, "")
	want(t, b.capture(o.ID, "", `{"captured_amount":1000}`), 201, "")
	if got := b.read(o.ID); got.CapturedAmount != 4000 {
		t.Errorf("captured %d, want 4000", got.CapturedAmount)
	}
}

func TestReadsHaveNoKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	before := b.call("GET", o.ID, "key", "")
	want(t, b.capture(o.ID, "key", `{"captured_amount":1000}`), 201, "")
	if after := b.call("GET", o.ID, "key", ""); after.body == before.body {
		t.Error("a read was repeated")
	}
}

func TestKeyLasts24Hours(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	first := b.capture(o.ID, "key", `{"captured_amount":1000}`)
	b.Advance(24*time.Hour - time.Microsecond)
	if r := b.capture(o.ID, "key", `{"captured_amount":1000}`); r.header.Get("Capture-Id") != first.header.Get("Capture-Id") {
		t.Error("forgotten before 24 h")
	}
	b.Advance(time.Microsecond)
	second := b.capture(o.ID, "key", `{"captured_amount":1000}`)
	if second.status != 201 || second.header.Get("Capture-Id") == first.header.Get("Capture-Id") {
		t.Error("not executed anew after 24 h")
	}
	if got := b.read(o.ID).CapturedAmount; got != 2000 {
		t.Errorf("captured %d, want 2000", got)
	}
}

// TestKeyCountsFromTheFirstAttempt: also from one that came to nothing.
func TestKeyCountsFromTheFirstAttempt(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{})
	b.preset("unavailable", Fault{Operation: OpCapture, Times: 1})
	want(t, b.capture(o.ID, "key", `{"captured_amount":1000}`), 503, CodeUnavailable)
	b.Advance(5 * time.Hour)
	want(t, b.capture(o.ID, "key", `{"captured_amount":1000}`), 201, "")
	b.Advance(19 * time.Hour)
	want(t, b.capture(o.ID, "key", `{"captured_amount":1000}`), 201, "")
	if got := b.read(o.ID).CapturedAmount; got != 2000 {
		t.Errorf("captured %d, want 2000", got)
	}
}

func TestKeyBelongsToTheMerchant(t *testing.T) {
	t.Parallel()
	other := Merchant{ID: "K111111", Username: "other", Password: "pass"}
	second := Merchant{ID: DemoMerchantID, Username: "second", Password: "pass"}
	b := newBench(t, Options{Merchants: []Merchant{DemoMerchant(), other, second}})
	mine := b.order(NewOrder{})
	theirs, err := b.CreateOrder(other.ID, NewOrder{Amount: 500})
	if err != nil {
		t.Fatal(err)
	}
	want(t, b.capture(mine.ID, "key", `{"captured_amount":1000}`), 201, "")
	b.user = second // other credentials of the same account
	want(t, b.capture(mine.ID, "key", `{"captured_amount":1000}`), 201, "")
	b.user = other
	want(t, b.capture(theirs.ID, "key", `{"captured_amount":500}`), 201, "")
	if b.read(mine.ID).CapturedAmount != 1000 || b.read(theirs.ID).CapturedAmount != 500 {
		t.Errorf("captured %d and %d", b.read(mine.ID).CapturedAmount, b.read(theirs.ID).CapturedAmount)
	}
}

func TestWhichAnswersAreRepeated(t *testing.T) {
	t.Parallel()
	// Each refusal is followed by a call with the same key that would succeed.
	tests := []struct {
		preset string
		kept   bool
	}{
		{"bad_value", true}, {"capture_not_allowed", true}, {"payment_method_failed", true}, {"no_such_order", true}, {"unprocessable", true},
		{"unauthorized", false}, {"forbidden_page", false}, {"conflict", false}, {"too_large", false}, {"too_many_requests", false},
		{"redirect", false}, {"internal_error", false}, {"bad_gateway", false}, {"unavailable", false}, {"gateway_timeout", false}, {"html_error", false},
	}
	for _, tt := range tests {
		t.Run(tt.preset, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{})
			o := b.order(NewOrder{})
			b.preset(tt.preset, Fault{Operation: OpCapture, Times: 1})
			first, err := b.try(t.Context(), "POST", o.ID+"/captures", "key", `{"captured_amount":1000}`)
			if err != nil {
				t.Fatal(err)
			}
			second := b.capture(o.ID, "key", `{"captured_amount":1000}`)
			if tt.kept {
				want(t, second, first.status, first.code())
				if second.body != first.body {
					t.Errorf("%s is not %s", second.body, first.body)
				}
				return
			}
			want(t, second, 201, "")
		})
	}
}

// TestOwnRefusalsAreRepeated: Klarna's own, and also when their reason is gone.
func TestOwnRefusalsAreRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{FraudStatus: FraudPending})
	first := b.capture(o.ID, "key", `{"captured_amount":1000}`)
	want(t, first, 403, CodeCaptureNotAllowed)
	if _, err := b.Act(o.ID, Action{Kind: ActionFraud, FraudStatus: FraudAccepted}); err != nil {
		t.Fatal(err)
	}
	if again := b.capture(o.ID, "key", `{"captured_amount":1000}`); again.body != first.body {
		t.Errorf("%s is not %s", again.body, first.body)
	}
	want(t, b.capture(o.ID, "new key", `{"captured_amount":1000}`), 201, "")
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	other := Merchant{ID: "K111111", Username: "other", Password: "pass"}
	c := clock.NewFixed(start)
	b := newBench(t, Options{Clock: c, RateLimit: 3, Merchants: []Merchant{DemoMerchant(), other}})
	o := b.order(NewOrder{})
	for remaining := 2; remaining >= 0; remaining-- {
		r := b.call("GET", o.ID, "", "")
		if r.status != 200 || r.header.Get("X-Ratelimit-Limit") != "3, 3;w=1" || r.header.Get("X-Ratelimit-Remaining") != fmt.Sprint(remaining) ||
			r.header.Get("X-Ratelimit-Reset") != "1" {
			t.Errorf("%d with %v", r.status, r.header)
		}
	}
	limited := b.capture(o.ID, "key", `{"captured_amount":1000}`)
	want(t, limited, 429, CodeTooManyRequests)
	if limited.header.Get("X-Ratelimit-Remaining") != "0" || limited.header.Get("X-Ratelimit-Reset") != "1" {
		t.Errorf("headers %v", limited.header)
	}
	b.user = other // has a limit of its own
	want(t, b.call("GET", o.ID, "", ""), 404, CodeNoSuchOrder)
	b.user = DemoMerchant()
	c.Advance(time.Second)
	want(t, b.capture(o.ID, "key", `{"captured_amount":1000}`), 201, "")
	b.SetRateLimit(0)
	for range 10 {
		want(t, b.call("GET", o.ID, "", ""), 200, "")
	}
}

func TestParallelFullCaptures(t *testing.T) {
	t.Parallel()
	const n = 50
	for _, tt := range []struct {
		name    string
		key     func(i int) string
		created int // calls that are answered with 201
		ids     int // different capture ids
	}{
		{"different keys", func(i int) string { return fmt.Sprintf("key-%d", i) }, 1, 1},
		{"no keys", func(int) string { return "" }, 1, 1},
		{"one key", func(int) string { return "key" }, n, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{Latency: time.Millisecond})
			o := b.order(NewOrder{})
			var mu sync.Mutex
			var wg sync.WaitGroup
			created, ids := 0, map[string]bool{}
			for i := range n {
				wg.Go(func() {
					r, err := b.try(t.Context(), "POST", o.ID+"/captures", tt.key(i), `{"captured_amount":10000}`)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err != nil:
						t.Error(err)
					case r.status == http.StatusCreated:
						created++
						ids[r.header.Get("Capture-Id")] = true
					case r.code() != CodeCaptureNotAllowed:
						t.Errorf("%d %s", r.status, r.body)
					}
				})
			}
			wg.Wait()
			got := b.read(o.ID)
			if created != tt.created || len(ids) != tt.ids || len(got.Captures) != 1 || got.CapturedAmount != 10_000 {
				t.Errorf("%d created, %d ids, %d captures", created, len(ids), len(got.Captures))
			}
		})
	}
}

// TestParallelOrders reads, writes, lists and moves the clock at once; the race detector
// looks on.
func TestParallelOrders(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Clock: clock.New(), RequestLog: 64})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			o, err := b.CreateOrder("", NewOrder{Amount: 1000, MerchantReference1: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
				return
			}
			for part := range 4 {
				r, err := b.try(t.Context(), "POST", o.ID+"/captures", fmt.Sprint(i, part), `{"captured_amount":250,"shipping_info":[{"tracking_number":"1"}]}`)
				if err != nil || r.status != 201 {
					t.Errorf("%v %d %s", err, r.status, r.body)
				}
				if _, total := b.FindOrders(o.ID, 0, 10); total != 1 {
					t.Errorf("%d found", total)
				}
				_ = b.Orders()
				b.Advance(time.Millisecond)
			}
			if got, _ := b.Order(o.ID); got.Status != StatusCaptured || len(got.Captures) != 4 {
				t.Errorf("order is %+v", got)
			}
		})
	}
	wg.Wait()
	if n := len(b.Requests()); n != 64 {
		t.Errorf("%d requests are kept, want 64", n)
	}
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{RequestLog: 3})
	o := b.order(NewOrder{})
	for i := range 5 {
		want(t, b.capture(o.ID, fmt.Sprintf("key-%d", i), `{"captured_amount":1,"description":"`+strings.Repeat("ü", 2000)+`"}`), 422, CodeUnprocessable)
	}
	got := b.RequestsAbout(strings.ToUpper(o.ID))
	if len(got) != 3 || got[0].Key != "key-2" || got[2].Key != "key-4" {
		t.Fatalf("kept %+v", got)
	}
	r := got[2]
	if r.Method != "POST" || r.Operation != OpCapture || r.Status != 422 || r.ErrorCode != CodeUnprocessable || r.MerchantID != DemoMerchantID ||
		r.CorrelationID == "" || !r.At.Equal(start) || len(r.Body) > 4096 || !strings.HasPrefix(r.Body, `{"captured_amount":1`) || strings.ContainsRune(r.Body, '\uFFFD') {
		t.Errorf("request %+v", r)
	}
	b.ClearRequests()
	if len(b.Requests()) != 0 {
		t.Error("not forgotten")
	}
}
