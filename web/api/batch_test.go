package api_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestABatch(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	orders := []string{
		posted("1"),                                   // the same again
		posted("2"),                                   // new
		posted("1", "currency", "USD"),                // other content
		posted("3", "lines.0.quantity", -1),           // breaks a rule
		posted("4", "lines.0.colour", 1),              // no such field
		posted("5", "klarna_order_id", klarnaID("2")), // of another order, of this very batch
		posted("6", "mark_paid", true),                // takes another scope
		`17`,                                          // no order at all
		strings.Replace(posted("7"), `"total":6457`, `"total":1,"total":6457`, 1),
		posted("8"),
	}
	want := []string{
		"1 200 ", "2 201 ", "1 409 body.orders[2].number number_taken", "3 422 body.orders[3].lines[0].quantity quantity",
		"4 422 body.orders[4].lines[0].colour unknown_field", "5 409 body.orders[5].klarna_order_id klarna_order_id_taken", "6 403 ",
		" 422 body.orders[7] object", "7 400 body.orders[8] duplicate_name", "8 201 ",
	}
	a := h.post("/orders/batch", `{"orders":[`+strings.Join(orders, ",")+`]}`).expect(t, 200)
	if n := len(a.list("items")); n != len(want) {
		t.Fatalf("%d results", n)
	}
	for i := range want {
		problem, _ := a.at("items", i, "problem").(document)
		got := fmt.Sprintf("%v %v %s", a.at("items", i, "number"), a.at("items", i, "status"), answer{body: problem}.errors())
		if got != want[i] {
			t.Errorf("order %d: %s, want %s", i, got, want[i])
		}
	}
	if got := numbers(h.get("/orders")); got != "8 2 1" {
		t.Errorf("orders %s", got)
	}
}

func TestABatchAsAList(t *testing.T) {
	t.Parallel()
	h := open(t)
	var orders []string
	for i := range 1000 {
		orders = append(orders, posted(fmt.Sprint(i), "total", 0)) // refused, which is quick
	}
	a := h.post("/orders/batch", `[`+strings.Join(orders, ",")+`]`).expect(t, 200)
	if n := len(a.list("items")); n != 1000 {
		t.Errorf("%d results", n)
	}
	a.is(t, document{"items.999.number": "999", "items.999.status": 422, "items.999.problem.errors.0.location": "body[999].total"})
	h.post("/orders/batch", `[]`).expect(t, 200).is(t, document{"items": "[]"})
}

func TestWhatIsNoBatch(t *testing.T) {
	t.Parallel()
	h := open(t)
	for body, want := range map[string]string{
		`{}`:                           "422 body.orders required",
		`7`:                            "422 body array",
		`"orders"`:                     "422 body array",
		`{"orders":{}}`:                "422 body.orders array",
		`{"items":[]}`:                 "422 body.items unknown_field",
		`{"orders":[],"more":1}`:       "422 body.more unknown_field",
		`{"orders":[],"orders":[]}`:    "422 body.orders unknown_field",
		``:                             "400 ",
		`[`:                            "400 body malformed_json",
		`[1 2]`:                        "400 body malformed_json",
		`[]]`:                          "400 body malformed_json",
		`[] []`:                        "400 body malformed_json",
		`{"orders":[}`:                 "400 body malformed_json",
		`{"orders":`:                   "400 body malformed_json",
		strings.Repeat(`[`, 1_000_000): "400 body malformed_json",
	} {
		a := h.post("/orders/batch", body)
		if got := fmt.Sprintf("%d %s", a.status, a.errors()); got != want {
			t.Errorf("%.40s: %s, want %s", body, got, want)
		}
	}
}
