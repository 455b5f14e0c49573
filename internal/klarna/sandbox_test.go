package klarna_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
)

// sandbox starts a sandbox and returns it with the API that talks to it, and an
// order over 64.57 €.
func sandbox(t *testing.T, password string) (*klarnasandbox.Sandbox, *klarna.OrderManagement, klarnasandbox.Order) {
	t.Helper()
	s := klarnasandbox.New(klarnasandbox.Options{Hold: time.Millisecond})
	server := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); server.Close() })
	order, err := s.CreateOrder(klarnasandbox.DemoMerchantID, klarnasandbox.NewOrder{Amount: 6457})
	if err != nil {
		t.Fatal(err)
	}
	base, err := klarna.ParseBaseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	target := klarna.NewTarget(klarna.Endpoint{Region: klarna.Europe, Environment: klarna.Playground}, klarnasandbox.DemoUsername, password)
	return s, klarna.New(klarna.Options{BaseURL: base}).OrderManagement(target), order
}

func TestAConversation(t *testing.T) {
	t.Parallel()
	_, om, placed := sandbox(t, klarnasandbox.DemoPassword)
	if _, err := om.CheckCredentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	order, call, err := om.Order(t.Context(), placed.ID)
	if err != nil || order.Status != klarna.StatusAuthorized || order.RemainingAuthorizedAmount != 6457 || call.CorrelationID == "" {
		t.Fatalf("%+v, %+v, %v", order, call, err)
	}

	request := encode(t, klarna.CaptureRequest{CapturedAmount: 6457, Reference: "LS-1", ShippingInfo: fullRequest().ShippingInfo})
	id, _, err := om.Capture(t.Context(), placed.ID, uuid.NewString(), request)
	if err != nil || id == "" {
		t.Fatalf("%q, %v", id, err)
	}
	_, _, err = om.Capture(t.Context(), placed.ID, uuid.NewString(), request)
	if klarna.Classify(err) != klarna.CaptureNotAllowed {
		t.Errorf("captured twice: %v", err)
	}

	more := encode(t, klarna.ShippingInfoRequest{ShippingInfo: []klarna.ShippingInfo{{TrackingNumber: "second"}}})
	if _, err := om.AppendShippingInfo(t.Context(), placed.ID, id, uuid.NewString(), more); err != nil {
		t.Fatal(err)
	}
	capture, _, err := om.FindCapture(t.Context(), placed.ID, id)
	if err != nil || capture.Reference != "LS-1" || capture.CapturedAmount != 6457 || capture.CapturedAt.IsZero() ||
		len(capture.ShippingInfo) != 2 || capture.ShippingInfo[1].TrackingNumber != "second" {
		t.Errorf("%+v, %v", capture, err)
	}
	order, _, err = om.Order(t.Context(), placed.ID)
	if err != nil || order.Status != klarna.StatusCaptured || len(order.Captures) != 1 || order.Captures[0].CaptureID != id {
		t.Errorf("%+v, %v", order, err)
	}
	_, _, err = om.Order(t.Context(), orderID)
	if klarna.Classify(err) != klarna.Final {
		t.Errorf("an order that does not exist: %v", err)
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	_, om, placed := sandbox(t, "wrong-password")
	if _, err := om.CheckCredentials(t.Context()); klarna.Classify(err) != klarna.Unauthorized {
		t.Errorf("check: %v", err)
	}
	if _, _, err := om.Order(t.Context(), placed.ID); klarna.Classify(err) != klarna.Unauthorized {
		t.Errorf("read: %v", err)
	}
}

// Whatever goes wrong: a definite answer is never wrong about whether Klarna
// captured, and the same key again leads to one capture.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	for _, fault := range klarnasandbox.Presets() {
		t.Run(fault.Preset, func(t *testing.T) {
			t.Parallel()
			s, om, placed := sandbox(t, klarnasandbox.DemoPassword)
			fault.Operation, fault.Times, fault.Delay = klarnasandbox.OpCapture, 1, min(fault.Delay, time.Millisecond)
			if _, err := s.SetFault(fault); err != nil {
				t.Fatal(err)
			}
			key, request := uuid.NewString(), encode(t, klarna.CaptureRequest{CapturedAmount: 6457})
			id, call, err := om.Capture(t.Context(), placed.ID, key, request)
			captured := captures(t, s, placed.ID)
			switch got := klarna.Classify(err); {
			case got == klarna.OK && (len(captured) != 1 || id != "" && id != captured[0].ID):
				t.Errorf("said to be captured as %q, but the order holds %v", id, captured)
			case got != klarna.OK && got != klarna.Unknown && len(captured) > 0:
				t.Errorf("said to be %s, but it is captured", got)
			}
			if (call.TransportError == "" && call.Status == 0) || call.At.IsZero() {
				t.Errorf("call %+v", call)
			}

			again, _, err := om.Capture(t.Context(), placed.ID, key, request)
			captured = captures(t, s, placed.ID)
			if err == nil && (len(captured) != 1 || again != captured[0].ID) {
				t.Errorf("the same key again: %q, the order holds %v", again, captured)
			}
		})
	}
}

func captures(t *testing.T, s *klarnasandbox.Sandbox, orderID string) []klarnasandbox.Capture {
	t.Helper()
	order, ok := s.Order(orderID)
	if !ok {
		t.Fatalf("the sandbox lost the order %s", orderID)
	}
	return order.Captures
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
