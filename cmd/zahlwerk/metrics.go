package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"zahlwerk/internal/order"
	"zahlwerk/internal/work"
	"zahlwerk/web"
)

var (
	queueRows = prometheus.NewDesc("zahlwerk_queue_rows", "Rows that are work, by queue and state; counted up to 10,000.",
		[]string{"queue", "state"}, nil)
	queueAge = prometheus.NewDesc("zahlwerk_queue_oldest_seconds", "How long the oldest due row of a queue has been due.",
		[]string{"queue"}, nil)
	ordersByFeedback = prometheus.NewDesc("zahlwerk_orders", "Orders that need somebody or something, by feedback; counted up to 1,000.",
		[]string{"feedback"}, nil)
	methodPaused = prometheus.NewDesc("zahlwerk_payment_methods_paused", "Payment methods for which nothing is sent to Klarna.", nil, nil)
)

// collector reads the metrics from the rows when somebody asks, so that they say the
// same on every instance.
type collector struct {
	app      *app
	overview *work.Overview
}

// Describe names the metrics.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- queueRows
	ch <- queueAge
	ch <- ordersByFeedback
	ch <- methodPaused
}

// Collect reads them.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	states, err := c.overview.States(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(queueRows, err)
		return
	}
	now := c.app.clock.Now()
	for _, s := range states {
		for state, n := range map[string]int{"due": s.Due, "held": s.Held, "working": s.Working, "later": s.Later} {
			gauge(queueRows, float64(n), s.Name, state)
		}
		age := 0.0
		if s.Oldest != nil {
			age = now.Sub(*s.Oldest).Seconds()
		}
		gauge(queueAge, age, s.Name)
	}
	counts, err := c.app.orders.Count(ctx, order.FeedbackFailed, order.FeedbackQueued, order.FeedbackByHand)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(ordersByFeedback, err)
		return
	}
	for f, n := range counts {
		gauge(ordersByFeedback, float64(n), string(f))
	}
	paused, err := c.app.methods.Paused(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(methodPaused, err)
		return
	}
	gauge(methodPaused, float64(len(paused)))
}

// serveMetrics serves Prometheus metrics on an address of their own, if there is one.
func (a *app) serveMetrics() (stop func(), err error) {
	if a.config.MetricsAddr == "" || a.config.MetricsAddr == "off" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", a.config.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collector{app: a, overview: work.NewOverview(a.db, a.clock, a.queues...)})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := web.HTTPServer(mux, a.log)
	go func() {
		if err := server.Serve(l); err != http.ErrServerClosed {
			a.log.Error("serve metrics", "error", err)
		}
	}()
	return func() { server.Close() }, nil
}
