package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
)

func TestAnOrderIsWhatWasPosted(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.post("/orders", posted("200081")).expect(t, 201)
	if got := a.header.Get("Location"); got != "/api/v1/orders/200081" {
		t.Errorf("Location %q", got)
	}
	for _, a := range []answer{a, h.get("/orders/200081").expect(t, 200)} {
		a.is(t, document{
			"number": "200081", "external_number": "SHOP-200081", "status": "released", "placed_at": "2026-11-03T08:15:00Z",
			"payment_method": "klarna", "klarna_order_id": klarnaID("200081"), "currency": "EUR", "total": 6457, "auto_ship": true,
			"customer.name": "Max Muster", "customer.email": "max@example.com", "billing_address.city": "Augsburg", "shipping_address": nil,
			"lines.0.sku": "T-1", "lines.0.quantity": 2, "lines.0.unit_price": 2979, "lines.0.total": 5958, "lines.1.type": "shipping_fee",
			"feedback": "waiting", "why.rule": "not_shipped", "mark_paid": true, "documents": "delivery_note", "tell_klarna": true,
			"delivery_notes": "[]",
		})
	}
}

func TestAnOrderMayBePlain(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", `{"number":"1","payment_method":"none","currency":"eur","total":100,"customer":{"name":"A"},"klarna_order_id":null,
		"lines":[{"name":"X","quantity":1.5,"total":1e2}]}`).expect(t, 201).is(t, document{
		"placed_at": "2026-11-03T08:15:00Z", "feedback": "none", "why.rule": "not_klarna", "lines.0.type": "physical", "lines.0.quantity": 1.5,
		"billing_address.name": "A", "currency": "EUR", "auto_ship": false,
	})
	h.post("/orders", posted("2", "status", "draft", "shipping_address", document{"city": "Ulm"}, "documents", "invoice")).expect(t, 201).is(t, document{
		"status": "draft", "shipping_address.city": "Ulm", "documents": "invoice",
	})
}

func TestAnOrderPostedTwice(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	again := h.post("/orders", posted("1")).expect(t, 200)
	again.is(t, document{"number": "1"})
	if got := again.header.Get("Location"); got != "/api/v1/orders/1" {
		t.Errorf("Location %q", got)
	}
	h.post("/orders", posted("1", "total", 6458, "lines.1.total", 500)).expect(t, 409).is(t, document{
		"type": "/problems/number_taken", "errors.0.location": "body.number", "errors.0.code": "number_taken"})
	h.post("/orders", posted("2", "klarna_order_id", klarnaID("1"))).expect(t, 409).is(t, document{
		"type": "/problems/klarna_order_id_taken", "code": "klarna_order_id_taken", "errors.0.location": "body.klarna_order_id"})
	if n := len(h.get("/orders").list("items")); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestProblemsSpeakTheReadersLanguage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for language, want := range map[string]document{
		"de-AT,de;q=0.9": {"title": "Ungültige Eingabe", "errors.0.message": "Dieses Feld gibt es nicht."},
		"en":             {"title": "Invalid input", "errors.0.message": "There is no such field."},
		"fr":             {"title": "Invalid input", "errors.0.message": "There is no such field."},
	} {
		a := h.do("POST", "/orders", posted("1", "colour", "red"), "Accept-Language", language).expect(t, 422)
		a.is(t, want)
		if got := a.header.Get("Content-Language"); !strings.HasPrefix(language, got) && language != "fr" {
			t.Errorf("%s: Content-Language %q", language, got)
		}
	}
}

func TestListingOrders(t *testing.T) {
	t.Parallel()
	h := open(t)
	for i := range 7 {
		h.post("/orders", posted(fmt.Sprint(100+i))).expect(t, 201)
	}
	h.post("/orders", posted("200", "payment_method", "none", "klarna_order_id", nil, "customer.name", "Erika Ömer")).expect(t, 201)
	h.post("/orders", posted("201", "status", "draft")).expect(t, 201)
	h.post("/orders/100/parcels", parcel).expect(t, 201)
	for query, want := range map[string]string{
		"":                                 "201 200 106 105 104 103 102 101 100",
		"cursor=":                          "201 200 106 105 104 103 102 101 100",
		"feedback=queued":                  "100",
		"status=draft":                     "201",
		"status=shipped":                   "100",
		"payment_method=none":              "200",
		"q=erika":                          "200",
		"q=" + url.QueryEscape("Erika Öm"): "200",
		"q=0034 0434":                      "100",
		"q=00340434":                       "100",
		"q=shop-10&feedback=":              "106 105 104 103 102 101 100",
		"q=nobody":                         "",
		"limit=500&status=released":        "200 106 105 104 103 102 101",
	} {
		if got := numbers(h.get("/orders?"+strings.ReplaceAll(query, " ", "+")).expect(t, 200)); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	var pages []string
	for cursor := ""; ; {
		a := h.get("/orders?limit=4&cursor="+cursor).expect(t, 200)
		pages = append(pages, numbers(a))
		next, more := a.body["next_cursor"].(string)
		if !more {
			break
		}
		cursor = next
	}
	if got := strings.Join(pages, " | "); got != "201 200 106 105 | 104 103 102 101 | 100" {
		t.Errorf("pages %s", got)
	}
	h.get("/orders?limit=1").is(t, document{"items.0.why.rule": "not_shipped", "items.0.feedback": "waiting", "items.0.total": 6457, "items.0.lines": nil})
	for query, want := range map[string]string{
		"cursor=abc":         "query.cursor cursor",
		"cursor=-1":          "query.cursor cursor",
		"limit=501":          "query.limit maximum",
		"limit=0":            "query.limit minimum",
		"limit=many":         "query.limit integer",
		"feedback=happy":     "query.feedback choice",
		"status=gone":        "query.status choice",
		"payment_method=xxx": "query.payment_method payment_method_unknown",
		"q=%00":              "query.q control_characters",
		"q=%ff":              "query.q control_characters",
		"colour=red":         "query.colour unknown_parameter",
	} {
		if got := h.get("/orders?"+query).expect(t, 422).errors(); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func numbers(a answer) string {
	var out []string
	for _, o := range a.list("items") {
		out = append(out, fmt.Sprint(o.(document)["number"]))
	}
	return strings.Join(out, " ")
}

// The lists in the tags of this package are those of the domain.
func TestEveryStateIsKnown(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, f := range order.Feedbacks {
		h.get("/orders?feedback="+string(f)).expect(t, 200)
	}
	for _, s := range order.Statuses {
		h.get("/orders?status="+string(s)).expect(t, 200)
	}
	for i, typ := range order.LineTypes {
		number, total := fmt.Sprint(i), 499
		if typ.IsReduction() {
			total = -499
		}
		h.post("/orders", posted(number, "lines.1.type", typ, "lines.1.total", total, "total", 5958+total)).expect(t, 201)
	}
}

// However many orders a page holds, it takes the same handful of queries.
func TestListingAsksAHandfulOfQueries(t *testing.T) {
	t.Parallel()
	h := open(t)
	var queries atomic.Int64
	must(t, h.db.Read(t.Context()).Callback().Query().Before("gorm:query").Register("count", func(*gorm.DB) { queries.Add(1) }))
	must(t, h.db.Read(t.Context()).Callback().Row().Before("gorm:row").Register("count", func(*gorm.DB) { queries.Add(1) }))
	ask := func() int64 {
		queries.Store(0)
		h.get("/orders?limit=500").expect(t, 200)
		return queries.Load()
	}
	for i := range 40 {
		h.post("/orders", posted(fmt.Sprint(i))).expect(t, 201)
		if i == 1 {
			h.post("/orders/0/parcels", parcel).expect(t, 201)
		}
	}
	few := ask()
	for i := range 10 {
		h.post(fmt.Sprintf("/orders/%d/parcels", 10+i), fmt.Sprintf(`{"carrier":"dhl","tracking_number":"T-%d"}`, i)).expect(t, 201)
	}
	if many := ask(); many != few || many > 10 {
		t.Errorf("%d queries, then %d", few, many)
	}
}

func TestChangingAnOrder(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1", "klarna_order_id", nil)).expect(t, 201)
	h.post("/orders", posted("2")).expect(t, 201)
	h.post("/orders", posted("3", "payment_method", "none", "klarna_order_id", nil)).expect(t, 201)
	change := func(number, body string) answer { t.Helper(); return h.do("PATCH", "/orders/"+number, body) }
	change("1", `{}`).expect(t, 200)
	change("1", `{"klarna_order_id":"`+strings.ToUpper(klarnaID("1"))+`","external_number":"E-9","documents":"invoice","auto_ship":false,"tell_klarna":false}`).
		expect(t, 200).is(t, document{"klarna_order_id": klarnaID("1"), "external_number": "E-9", "documents": "invoice", "auto_ship": false,
		"tell_klarna": false, "why.rule": "dont_tell"})
	change("1", `{"tell_klarna":true,"external_number":null}`).expect(t, 200).is(t, document{"tell_klarna": true, "external_number": "E-9"})
	if got := numbers(h.get("/orders?q=e-9")); got != "1" {
		t.Errorf("found by its new number: %q", got)
	}
	for body, want := range map[string]string{
		`{"klarna_order_id":"no uuid"}`: "body.klarna_order_id klarna_order_id",
		`{"documents":"all"}`:           "body.documents choice",
		`{"auto_ship":"yes"}`:           "body.auto_ship boolean",
		`{"total":1}`:                   "body.total unknown_field",
		`{"external_number":"a\nb"}`:    "body.external_number control_characters",
	} {
		if got := change("1", body).expect(t, 422).errors(); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	change("1", `{"klarna_order_id":"`+klarnaID("2")+`"}`).expect(t, 409).is(t, document{"code": "klarna_order_id_taken"})
	change("3", `{"tell_klarna":false}`).expect(t, 409).is(t, document{"code": "not_klarna"})
	change("999", `{}`).expect(t, 404)
}

func TestTheProtocol(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	h.post("/orders/1/parcels", parcel).expect(t, 201)
	english := h.get("/orders/1/protocol").expect(t, 200)
	if n := len(english.list("items")); n < 4 {
		t.Fatalf("%d entries", n)
	}
	last := len(english.list("items")) - 1
	english.is(t, document{fmt.Sprintf("items.%d.kind", last): "order_created", fmt.Sprintf("items.%d.actor", last): "API: Shop",
		fmt.Sprintf("items.%d.at", last): "2026-11-03T08:15:00Z", fmt.Sprintf("items.%d.details", last): "map[]"})
	german := h.do("GET", "/orders/1/protocol", "", "Accept-Language", "de").expect(t, 200)
	found := false
	for i := range english.list("items") {
		if english.at("items", i, "kind") == "parcel_recorded" {
			found = true
			if a, b := english.at("items", i, "text"), german.at("items", i, "text"); a == b || !strings.Contains(fmt.Sprint(a), "00340434161094042557") {
				t.Errorf("texts %q, %q", a, b)
			}
			if got := english.at("items", i, "details", "number"); got != "00340434161094042557" {
				t.Errorf("details: number %v", got)
			}
		}
	}
	if !found {
		t.Error("the protocol does not name the parcel")
	}
	var kinds, all []string
	for i := range english.list("items") {
		all = append(all, fmt.Sprint(english.at("items", i, "kind")))
	}
	for cursor := ""; len(kinds) <= len(all); {
		a := h.get("/orders/1/protocol?limit=1&cursor="+cursor).expect(t, 200)
		kinds = append(kinds, fmt.Sprint(a.at("items", 0, "kind")))
		next, more := a.body["next_cursor"].(string)
		if !more {
			break
		}
		cursor = next
	}
	if fmt.Sprint(kinds) != fmt.Sprint(all) {
		t.Errorf("one by one %v, at once %v", kinds, all)
	}
	h.get("/orders/999/protocol").expect(t, 404)
}
