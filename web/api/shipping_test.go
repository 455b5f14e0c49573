package api_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestRecordingAParcel(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	first := h.post("/orders/1/parcels", parcel).expect(t, 201)
	first.is(t, document{"created": true, "carrier": "dhl-germany", "tracking_number": "00340434161094042557", "report": "pending",
		"unknown_carrier": false, "also_on_order": "", "hints": "[]"})
	note := fmt.Sprint(first.body["delivery_note"])
	h.get("/orders/1").expect(t, 200).is(t, document{
		"status": "shipped", "feedback": "queued", "why": nil, "delivery_notes.0.number": note, "delivery_notes.0.amount": 6457,
		"delivery_notes.0.lines.0.line": 1, "delivery_notes.0.lines.0.quantity": 2, "delivery_notes.0.lines.1.line": 2,
		"delivery_notes.0.parcels.0.tracking_number": "00340434161094042557", "delivery_notes.0.parcels.0.reported_at": nil,
		"delivery_notes.0.capture.state": "pending", "delivery_notes.0.capture.amount": 6457, "delivery_notes.0.capture.generation": 0,
		"delivery_notes.0.capture.idempotency_key": "", "delivery_notes.0.capture.attempts": 0, "delivery_notes.0.capture.adopted": false,
		"delivery_notes.0.capture.error_messages": "[]", "delivery_notes.0.capture.next_try_at": "2026-11-03T08:15:00Z",
	})
	entries := len(h.get("/orders/1/protocol").list("items"))
	again := `{"carrier":"DHL","tracking_number":" 0034 0434-1610.9404 2557"}`
	h.post("/orders/1/parcels", again).expect(t, 200).is(t, document{"created": false, "delivery_note": note, "tracking_number": "00340434161094042557"})
	if n := len(h.get("/orders/1/protocol").list("items")); n != entries {
		t.Errorf("the same parcel again: %d protocol entries, before %d", n, entries)
	}
}

func TestHintsAboutAParcel(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	h.post("/orders", posted("2")).expect(t, 201)
	h.post("/orders/1/parcels", parcel).expect(t, 201)
	body := strings.Replace(parcel, "dhl", "Fahrradkurier Meier", 1)
	a := h.do("POST", "/orders/2/parcels", body, "Accept-Language", "de").expect(t, 201)
	a.is(t, document{"unknown_carrier": true, "carrier": "Fahrradkurier Meier", "also_on_order": "1", "tracking_url": ""})
	if hints := fmt.Sprint(a.body["hints"]); !strings.Contains(hints, "„Fahrradkurier Meier“") || !strings.Contains(hints, "Auftrag 1") {
		t.Errorf("hints %s", hints)
	}
}

// A carrier whose numbers look like no other's need not be named.
func TestParcelWithoutCarrier(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 3 {
		h.post("/orders", posted(fmt.Sprint(i))).expect(t, 201)
	}
	h.post("/orders/0/parcels", `{"tracking_number":"00340434161094042557"}`).expect(t, 201).
		is(t, document{"carrier": "dhl-germany", "unknown_carrier": false, "hints": "[]"})
	h.post("/orders/1/ship", `{"parcels":[{"tracking_number":"1Z999AA10123456784"}]}`).expect(t, 200).
		is(t, document{"delivery_notes.0.parcels.0.carrier": "ups"})
	for number, want := range map[string]string{"4711": "body.carrier carrier_not_recognised", "09133131530724": "body.carrier carrier_ambiguous"} {
		a := h.post("/orders/2/parcels", `{"tracking_number":"`+number+`"}`).expect(t, 422)
		if got := a.errors(); got != want {
			t.Errorf("%s: %s, want %s", number, got, want)
		}
	}
}

func TestBadParcels(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	h.post("/orders", posted("draft", "status", "draft")).expect(t, 201)
	for name, tt := range map[string]struct{ body, want string }{
		"nothing":            {`{}`, "body.tracking_number required"},
		"blanks":             {`{"carrier":" ","tracking_number":" "}`, "body.tracking_number required"},
		"101 characters":     {`{"carrier":"dhl","tracking_number":"` + strings.Repeat("1", 101) + `"}`, "body.tracking_number too_long"},
		"script":             {`{"carrier":"dhl","tracking_number":"<script>alert(1)</script>"}`, "body.tracking_number tracking_form"},
		"only dashes":        {`{"carrier":"dhl","tracking_number":"---"}`, "body.tracking_number tracking_form"},
		"carrier of 101":     {`{"carrier":"` + strings.Repeat("x", 101) + `","tracking_number":"1"}`, "body.carrier too_long"},
		"carrier, two lines": {`{"carrier":"a\nb","tracking_number":"1"}`, "body.carrier control_characters"},
		"address":            {`{"carrier":"dhl","tracking_number":"1","tracking_url":"javascript:alert(1)"}`, "body.tracking_url tracking_url"},
		"unknown note":       {`{"carrier":"dhl","tracking_number":"1234","delivery_note":"77"}`, "body.delivery_note no_such_note"},
		"our own number":     {`{"carrier":"dhl","tracking_number":"1"}`, "body.tracking_number own_number"},
		"a number":           {`{"carrier":"dhl","tracking_number":340434161094042557}`, "body.tracking_number string"},
		"unknown field":      {`{"carrier":"dhl","tracking_number":"1234","weight":2}`, "body.weight unknown_field"},
	} {
		if got := h.post("/orders/1/parcels", tt.body).expect(t, 422).errors(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	h.get("/orders/1").is(t, document{"delivery_notes": "[]", "status": "released"})
	h.post("/orders/draft/parcels", parcel).expect(t, 409).is(t, document{"type": "/problems/draft"})
	h.post("/orders/999/parcels", parcel).expect(t, 404)
}

func TestPartDeliveries(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	for body, want := range map[string]string{
		`{"lines":[{"line":3,"quantity":1}]}`:                                                         "body.lines[0].line no_such_line",
		`{"lines":[{"line":2,"quantity":1}]}`:                                                         "body.lines[0].line no_such_line",
		`{"lines":[{"line":1,"quantity":1},{"line":1,"quantity":2}]}`:                                 "body.lines[1].quantity more_than_open",
		`{"lines":[{"line":1,"quantity":0}]}`:                                                         "body.lines[0].quantity quantity",
		`{"lines":[{"line":1,"quantity":1.00001}]}`:                                                   "body.lines[0].quantity quantity",
		`{"lines":[{"line":1}]}`:                                                                      "body.lines[0].quantity required",
		`{"lines":[{"line":"1","quantity":1}]}`:                                                       "body.lines[0].line integer",
		`{"lines":[` + strings.Repeat(`{"line":1,"quantity":1},`, 1000) + `{"line":1,"quantity":1}]}`: "body.lines too_many_items",
	} {
		if got := h.post("/orders/1/delivery-notes", body).expect(t, 422).errors(); got != want {
			t.Errorf("%.60s: %s, want %s", body, got, want)
		}
	}
	first := h.post("/orders/1/delivery-notes", `{"lines":[{"line":1.0,"quantity":1}]}`).expect(t, 201)
	first.is(t, document{"amount": 2979 + 499, "lines.0.line": 1, "lines.0.quantity": 1, "lines.1.line": 2, "parcels": "[]", "capture": nil, "shipped_at": nil})
	second := h.post("/orders/1/delivery-notes", "").expect(t, 201)
	second.is(t, document{"amount": 2979, "lines.0.quantity": 1})
	h.post("/orders/1/delivery-notes", `{}`).expect(t, 409).is(t, document{"code": "nothing_open"})
	if got := h.post("/orders/1/parcels", parcel).expect(t, 422).errors(); got != "body.delivery_note several_notes" {
		t.Errorf("several notes: %s", got)
	}
	for _, note := range []answer{first, second} { // one carton for both: the second is named
		body := fmt.Sprintf(`{"carrier":"dhl","tracking_number":"AB 1","delivery_note":"%v"}`, note.body["number"])
		h.post("/orders/1/parcels", body).expect(t, 201).is(t, document{"delivery_note": note.body["number"]})
		h.post("/orders/1/parcels", body).expect(t, 200)
	}
	h.get("/orders/1").is(t, document{"status": "shipped", "feedback": "queued",
		"delivery_notes.0.capture.amount": 3478, "delivery_notes.1.capture.amount": 2979})
}

func TestShipping(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 4 {
		h.post("/orders", posted(fmt.Sprint(i))).expect(t, 201)
	}
	for body, want := range map[string]string{
		"":               "body.without_tracking no_tracking",
		`{}`:             "body.without_tracking no_tracking",
		`{"parcels":[]}`: "body.without_tracking no_tracking",
		`{"parcels":[{"carrier":"dhl","tracking_number":"1234"},{"carrier":"","tracking_number":"<b>"}]}`: "body.parcels[1].tracking_number tracking_form",
		`{"without_tracking":"yes"}`: "body.without_tracking boolean",
	} {
		if got := h.post("/orders/0/ship", body).expect(t, 422).errors(); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	h.post("/orders/0/ship", `{"without_tracking":true}`).expect(t, 200).is(t, document{"status": "shipped", "delivery_notes.0.capture.state": "pending"})
	h.post("/orders/0/ship", `{"without_tracking":true}`).expect(t, 409).is(t, document{"code": "all_left"})
	a := h.post("/orders/1/ship", `{"parcels":[`+parcel+`,{"carrier":"gls","tracking_number":"G-2"}]}`).expect(t, 200)
	a.is(t, document{"status": "shipped", "delivery_notes.0.parcels.1.tracking_number": "G-2", "delivery_notes.1": nil})
	h.post("/orders/999/ship", `{"without_tracking":true}`).expect(t, 404)
}

func TestCancelAndResend(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 2 {
		h.post("/orders", posted(fmt.Sprint(i))).expect(t, 201)
	}
	h.post("/orders/0/resend", "").expect(t, 409).is(t, document{"code": "nothing_to_resend"})
	h.post("/orders/0/parcels", parcel).expect(t, 201)
	h.post("/orders/0/resend", "").expect(t, 202).is(t, document{"delivery_notes.0.capture.state": "pending"})
	h.post("/orders/0/cancel", "").expect(t, 200).is(t, document{"status": "cancelled", "delivery_notes.0.capture.state": "withdrawn", "why.rule": "cancelled"})
	h.post("/orders/0/cancel", "").expect(t, 409).is(t, document{"code": "cancelled"})
	h.post("/orders/0/resend", "").expect(t, 409).is(t, document{"code": "resend_cancelled"})
	h.post("/orders/0/parcels", parcel).expect(t, 409)
	h.post("/orders/9/cancel", "").expect(t, 404)
	h.post("/orders/9/resend", "").expect(t, 404)
}
