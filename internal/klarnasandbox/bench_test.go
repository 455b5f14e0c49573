package klarnasandbox_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/clock"
	. "zahlwerk/internal/klarnasandbox"
)

// BenchmarkCaptures captures different orders, 16 at once, from a sandbox that takes 50 ms;
// it reports the rate beside the ideal of 16 / 50 ms.
func BenchmarkCaptures(b *testing.B) {
	const inFlight, latency = 16, 50 * time.Millisecond
	bench := newBench(b, Options{Clock: clock.New(), Latency: latency})
	ids := make(chan string, b.N)
	for range b.N {
		ids <- bench.order(NewOrder{}).ID
	}
	close(ids)
	var wg sync.WaitGroup
	b.ResetTimer()
	for range inFlight {
		wg.Go(func() {
			for id := range ids {
				if r, err := bench.try(b.Context(), "POST", id+"/captures", id, `{"captured_amount":10000}`); err != nil || r.status != 201 {
					b.Errorf("%v %d", err, r.status)
				}
			}
		})
	}
	wg.Wait()
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "captures/s")
	b.ReportMetric(rate/(inFlight/latency.Seconds()), "of-ideal")
}

// BenchmarkTransactions reads generated transactions page by page.
func BenchmarkTransactions(b *testing.B) {
	const size, lines = 500, 1_000_000
	bench := newBench(b, Options{})
	made := bench.generate(Volume{Payouts: 1, Transactions: lines})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		path := fmt.Sprintf("%stransactions?payment_reference=%s&size=%d&offset=%d", settlements, made[0].PaymentReference, size, i*size%lines)
		if r, err := bench.try(b.Context(), "GET", path, "", ""); err != nil || r.status != 200 {
			b.Fatalf("%v %d", err, r.status)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "transactions/s")
}
