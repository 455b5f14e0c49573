package api_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// From an order to Klarna's answer, only through the API.
func TestFromAnOrderToKlarnasAnswer(t *testing.T) {
	t.Parallel()
	sandbox := klarnasandbox.New(klarnasandbox.Options{})
	server := httptest.NewServer(sandbox)
	t.Cleanup(func() { sandbox.Close(); server.Close() })
	base, err := klarna.ParseBaseURL(server.URL)
	must(t, err)
	h := openOn(t, storetest.SQLite(t), klarna.Options{BaseURL: base})
	placed, err := sandbox.CreateOrder(klarnasandbox.DemoMerchantID, klarnasandbox.NewOrder{Amount: 6457})
	must(t, err)
	h.post("/orders", posted("1", "klarna_order_id", placed.ID)).expect(t, 201)
	h.post("/orders", posted("2")).expect(t, 201) // Klarna does not know it
	h.post("/orders/1/parcels", parcel).expect(t, 201)
	h.post("/orders/2/parcels", parcel).expect(t, 201)

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		work.NewRunner(h.db, h.clock, h.bell, slog.New(slog.DiscardHandler), h.captures.Queues()...).Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-stopped })

	a := h.until("/orders/1", "feedback", "confirmed")
	knows, _ := sandbox.Order(placed.ID)
	a.is(t, document{
		"why": nil, "delivery_notes.0.capture.state": "confirmed", "delivery_notes.0.capture.capture_id": knows.Captures[0].ID,
		"delivery_notes.0.capture.generation": 1, "delivery_notes.0.capture.next_try_at": nil, "delivery_notes.0.parcels.0.report": "reported",
		"delivery_notes.0.parcels.0.reported_at": "2026-11-03T08:15:00Z",
	})
	if key, _ := a.at("delivery_notes", 0, "capture", "idempotency_key").(string); key == "" {
		t.Error("no idempotency key")
	}
	text, _ := h.do("GET", "/orders/1/protocol", "", "Accept-Language", "de").at("items", 0, "text").(string)
	if !strings.Contains(text, knows.Captures[0].ID) {
		t.Errorf("the protocol says %q", text)
	}
	h.do("PATCH", "/orders/1", `{"klarna_order_id":""}`).expect(t, 409)
	h.post("/orders/1/cancel", "").expect(t, 409)
	h.post("/orders/1/resend", "").expect(t, 409)

	a = h.until("/orders/2", "feedback", "failed")
	a.is(t, document{"why.rule": "no_such_order_at_klarna", "delivery_notes.0.capture.state": "refused",
		"delivery_notes.0.capture.error_code": "NO_SUCH_ORDER"})
	if a.at("delivery_notes", 0, "capture", "correlation_id") == "" || len(a.list("delivery_notes", 0, "capture", "error_messages")) == 0 {
		t.Errorf("Klarna's words are missing: %s", a.raw)
	}
	h.post("/orders/2/resend", "").expect(t, 202)
}

// until asks again until a member has a value.
func (h *house) until(path, member, value string) answer {
	h.t.Helper()
	for {
		a := h.get(path).expect(h.t, 200)
		if a.body[member] == value {
			return a
		}
		select {
		case <-h.t.Context().Done():
			h.t.Fatalf("%s never became %s: %s", member, value, a.raw)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
