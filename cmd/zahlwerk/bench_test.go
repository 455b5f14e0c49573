package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// The figures of `make bench`. Each is printed beside its ideal, or beside a raw baseline
// that was measured in the same run on the same machine.

// bench is the program's inside, wired on a database of its own against a sandbox.
type bench struct {
	*app
	b       *testing.B
	sandbox *klarnasandbox.Sandbox
	arrived sync.Map // Klarna order id → time.Time of its first capture request
	method  *paymentmethod.Method
}

func newBench(b *testing.B, latency time.Duration, workers int) *bench {
	b.Helper()
	ctx := context.Background()
	s := &bench{b: b}
	s.sandbox = klarnasandbox.New(klarnasandbox.Options{Clock: clock.New(), Merchants: []klarnasandbox.Merchant{klarnasandbox.DemoMerchant()}, Latency: latency})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/captures") {
			s.arrived.LoadOrStore(strings.Split(r.URL.Path, "/")[4], time.Now())
		}
		s.sandbox.ServeHTTP(w, r)
	}))
	c := &config{Addr: "127.0.0.1:0", Data: b.TempDir(), KlarnaURL: server.URL, Workers: workers, Retry: "5s,5m,5h", KeyLifetime: "23h", Log: "text", LogLevel: "warn"}
	if err := c.check(); err != nil {
		b.Fatal(err)
	}
	db, err := openDatabase(ctx, c, true)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		s.sandbox.Close()
		server.Close()
		db.Close()
	})
	if s.app, err = newApp(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil)), clock.New(), db); err != nil {
		b.Fatal(err)
	}
	if s.method, err = s.methods.Create(ctx, sampleMethods[0], auth.System); err != nil {
		b.Fatal(err)
	}
	return s
}

// run starts the workers until the end of the benchmark.
func (s *bench) run() {
	ctx, cancel := context.WithCancel(context.Background())
	stopped, err := s.startWork(ctx)
	if err != nil {
		s.b.Fatal(err)
	}
	s.b.Cleanup(func() {
		cancel()
		<-stopped
	})
}

func (s *bench) order(n int) *order.Order {
	s.b.Helper()
	k, err := s.sandbox.CreateOrder(klarnasandbox.DemoMerchantID, klarnasandbox.NewOrder{Amount: 6457})
	if err != nil {
		s.b.Fatal(err)
	}
	o, _, err := s.orders.Create(context.Background(), order.Input{
		Number: strconv.Itoa(n), PaymentMethod: "klarna", KlarnaOrderID: k.ID, Currency: "EUR", Total: 6457, CustomerName: "Max Muster",
		Lines: []order.LineInput{
			{SKU: "T-1", Name: "Teekanne", Type: order.Physical, Quantity: money.One, UnitPrice: 5958, TaxRate: 1900, Total: 5958},
			{Name: "Versand", Type: order.ShippingFee, Quantity: money.One, UnitPrice: 499, TaxRate: 1900, Total: 499}},
	}, "bench")
	if err != nil {
		s.b.Fatal(err)
	}
	return o
}

func (s *bench) ship(o *order.Order) {
	s.b.Helper()
	_, err := s.dispatch.RecordParcel(context.Background(), o.ID, dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: "BENCH" + o.Number}, "bench")
	if err != nil {
		s.b.Fatal(err)
	}
}

func (s *bench) count(query string, args ...any) (n int) {
	s.b.Helper()
	if err := s.db.Read(context.Background()).Raw(query, args...).Scan(&n).Error; err != nil {
		s.b.Fatal(err)
	}
	return n
}

// report prints a figure beside its ideal.
func report(b *testing.B, format string, args ...any) {
	b.Helper()
	fmt.Fprintf(os.Stderr, "  %-28s %s\n", strings.TrimPrefix(b.Name(), "Benchmark"), fmt.Sprintf(format, args...))
}

// BenchmarkCaptures pushes 2,000 captures against a Klarna that answers in 50 ms, 16 in
// flight, protocol and all. The ideal is 16 / 50 ms = 320 a second.
func BenchmarkCaptures(b *testing.B) {
	const captures, latency, workers = 2000, 50 * time.Millisecond, 16
	for range b.N {
		s := newBench(b, latency, workers)
		for i := range captures {
			s.ship(s.order(i + 1))
		}
		start := time.Now()
		s.run()
		for s.count("SELECT count(*) FROM captures WHERE state = 'confirmed'") < captures {
			time.Sleep(5 * time.Millisecond)
		}
		took := time.Since(start)
		if n := s.count("SELECT count(*) FROM protocol_entries WHERE kind = 'klarna_ok'"); n != captures {
			b.Fatalf("%d entries in the protocol", n)
		}
		rate, ideal := captures/took.Seconds(), workers/latency.Seconds()
		b.ReportMetric(rate, "captures/s")
		b.ReportMetric(rate/ideal, "of-ideal")
		report(b, "%.0f captures/s, ideal %.0f: %.1f %%", rate, ideal, 100*rate/ideal)
	}
}

// BenchmarkSaveToRequest measures from a saved tracking number to the request at Klarna.
// The baseline is a bare HTTP request to the same server.
func BenchmarkSaveToRequest(b *testing.B) {
	const parcels = 500
	for range b.N {
		s := newBench(b, 0, 16)
		orders := make([]*order.Order, parcels)
		for i := range orders {
			orders[i] = s.order(i + 1)
		}
		s.run()
		<-s.runner.Ready()
		took := make([]time.Duration, parcels)
		for i, o := range orders {
			s.ship(o)
			saved := time.Now()
			for {
				if at, ok := s.arrived.Load(o.KlarnaOrderID); ok {
					took[i] = max(at.(time.Time).Sub(saved), 0)
					break
				}
				time.Sleep(100 * time.Microsecond)
			}
		}
		base := s.bareRequest(100)
		sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
		p50, p99 := took[parcels/2], took[parcels*99/100]
		b.ReportMetric(float64(p50.Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms")
		report(b, "p50 %v (goal 10ms), p99 %v (goal 100ms); a bare HTTP request takes %v", p50.Round(10*time.Microsecond), p99.Round(10*time.Microsecond), base.Round(10*time.Microsecond))
	}
}

// bareRequest is the median of n requests without any program around them.
func (s *bench) bareRequest(n int) time.Duration {
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		res, err := http.Get(s.config.KlarnaURL + "/ordermanagement/v1/orders/x")
		if err != nil {
			s.b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		took[i] = time.Since(start)
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	return took[n/2]
}

// filled makes a site with a database that a program has worked on.
func filled(b *testing.B) (*site, *klarnasandbox.Sandbox, *machine) {
	b.Helper()
	sandbox, klarna := klarnaServer(b, klarnasandbox.Options{Latency: 50 * time.Millisecond})
	s := newSite(b, "ZAHLWERK_KLARNA_URL="+klarna)
	p, api := s.ready()
	for i := range 200 {
		number := strconv.Itoa(1000 + i)
		if status := api.call("POST", "/orders", orderJSON(number, atKlarna(b, sandbox, number)), nil); status != 201 {
			b.Fatalf("POST order: %d", status)
		}
	}
	if p.stop() != 0 {
		b.Fatal(p.log)
	}
	return s, sandbox, api
}

// BenchmarkStart measures from the start of the process on an existing database to the
// first page. The baseline is the same program printing its version.
func BenchmarkStart(b *testing.B) {
	s, _, _ := filled(b)
	for range b.N {
		start := time.Now()
		s.must("", "version")
		bare := time.Since(start)
		start = time.Now()
		p := s.start("serve")
		res, err := http.Get(p.url + "/login")
		if err != nil || res.StatusCode != 200 {
			b.Fatal(res, err)
		}
		res.Body.Close()
		took := time.Since(start)
		b.ReportMetric(took.Seconds(), "s")
		report(b, "%v to the first page (goal 1s); the bare process takes %v", took.Round(time.Millisecond), bare.Round(time.Millisecond))
		p.kill()
	}
}

// BenchmarkIdle measures what a running program uses that has nothing to do.
func BenchmarkIdle(b *testing.B) {
	const watch = 30 * time.Second
	s, _, _ := filled(b)
	for range b.N {
		p := s.start("serve")
		p.logIn("ada@example.com", testPassword).get("/orders")
		time.Sleep(3 * time.Second) // the work of the start is over
		before := cpu(b, p.cmd.Process.Pid)
		time.Sleep(watch)
		used := cpu(b, p.cmd.Process.Pid) - before
		memory := rss(b, p.cmd.Process.Pid)
		share := used.Seconds() / watch.Seconds()
		b.ReportMetric(100*share, "%core")
		b.ReportMetric(memory, "MB")
		report(b, "%.2f %% of a core (goal 0.3 %%), %.0f MB (goal 80 MB)", 100*share, memory)
		p.kill()
	}
}

// BenchmarkKill9 measures from the start after a kill -9, with captures in flight, to the
// next request at Klarna.
func BenchmarkKill9(b *testing.B) {
	for range b.N {
		s, sandbox, api := filled(b)
		p := s.start("serve")
		api.base = p.url
		for i := range 200 {
			number := strconv.Itoa(1000 + i)
			api.call("POST", "/orders/"+number+"/parcels", map[string]any{"carrier": "dhl", "tracking_number": "K9" + number}, nil)
			if i == 150 {
				break
			}
		}
		p.kill()
		sandbox.ClearRequests()
		start := time.Now()
		p = s.start("serve")
		listening := time.Since(start)
		for len(sandbox.Requests()) == 0 && time.Since(start) < deadline {
			time.Sleep(time.Millisecond)
		}
		took := time.Since(start)
		b.ReportMetric(took.Seconds(), "s")
		report(b, "%v to the next request at Klarna (goal 2s); %v until it listens", took.Round(time.Millisecond), listening.Round(time.Millisecond))
		p.kill()
	}
}

// cpu is the processor time that a process has used (proc_pid_stat(5), fields 14 and 15,
// in ticks of 10 ms).
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// rss is the memory of a process in MB.
func rss(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
