package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// autoship makes an order that autoship takes.
func (h *house) autoship(total int64) *order.Order {
	h.t.Helper()
	o := h.order(total)
	on := true
	must(h.t, h.dispatch.Amend(h.t.Context(), o.ID, dispatch.Amendment{AutoShip: &on}, "Erika Beispiel"))
	return o
}

func chosen(action string, orders ...*order.Order) url.Values {
	form := url.Values{"action": {action}}
	for _, o := range orders {
		form.Add("id", fmt.Sprint(o.ID))
	}
	return form
}

// lastRun is the newest autoship run, prepared or started.
func (h *house) lastRun() batch.Batch {
	h.t.Helper()
	runs, err := h.batches.List(h.t.Context(), 0, 1, batch.Autoship)
	must(h.t, err)
	if len(runs) == 0 {
		h.t.Fatal("there is no run")
	}
	return runs[0]
}

func TestAutoshipPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	clerk := h.as(auth.Shipping)
	clerk.get("/autoship").is(http.StatusOK).says("Nothing to ship", "Autoship does not run by itself")

	a, b := h.autoship(1000), h.autoship(2000)
	stays := h.order(3000)
	page := clerk.get("/autoship").is(http.StatusOK).says(a.Number, b.Number, "€10.00", "Delivery note", "Prepare a run for all 2")
	page.has(`nav a[href="/autoship"][aria-current=page]`)
	clerk.get("/autoship?tab=blocked").is(http.StatusOK).says(stays.Number, "Autoship is switched off for this order.")
	clerk.get("/dispatch").is(http.StatusOK).has(`a[href="/autoship"]`)

	clerk.post("/autoship", chosen("preview")).is(http.StatusConflict).says("Please select orders first.", a.Number)
	clerk.post("/autoship", chosen("nonsense", a)).is(http.StatusNotFound)
	prepared := clerk.post("/autoship", chosen("preview", a, stays))
	run := h.lastRun()
	prepared.redirects(t, fmt.Sprintf("/batches/%d", run.ID))
	if run.State != batch.Preview || run.Total != 2 || run.Refused != 1 {
		t.Errorf("%+v", run)
	}
	clerk.get(fmt.Sprintf("/batches/%d", run.ID)).is(http.StatusOK).says("Delivery note", "Autoship is switched off for this order.")

	clerk.post("/autoship", chosen("run_all"))
	if run = h.lastRun(); run.State != batch.Running || run.Total != 2 {
		t.Fatalf("%+v", run)
	}
	clerk.post("/autoship", chosen("run", a)).is(http.StatusConflict).says("Another run of this kind has not ended yet.", "A run has not ended", "0 of 2 handled")
	h.settle()
	clerk.get("/autoship").is(http.StatusOK).says("Nothing to ship", "Last runs", fmt.Sprintf("Run %d", run.ID), "Finished").
		has(fmt.Sprintf(`a[href="/batches/%d/papers"]`, run.ID))
	clerk.get(fmt.Sprintf("/orders/%d", a.ID)).is(http.StatusOK).says("Autoship done", "Delivery note handed to the dispatch centre: 300001 – €10.00")
	clerk.post("/autoship", chosen("run_all")).is(http.StatusConflict).says("There is no order that autoship can take now.")
}

func TestPapersOfARun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	in := paymentmethod.Defaults(paymentmethod.ModuleNone)
	in.Name, in.Type = "Rechnung", "rechnung"
	_, err := h.methods.Create(t.Context(), in, "Erika Beispiel")
	must(t, err)
	clerk := h.as(auth.Shipping)
	h.autoship(1000)
	cancelled := h.autoship(2000)
	clerk.post("/autoship", chosen("run_all"))
	h.settle()
	must(t, h.dispatch.Cancel(t.Context(), cancelled.ID, "clerk"))
	notes := h.lastRun()
	path := fmt.Sprintf("/batches/%d", notes.ID)
	page := clerk.get(path+"/papers").is(http.StatusOK).says("Delivery notes", "Parcel labels", "Pick list")
	if page.doc.Find(`a[href*="what=invoice"]`).Length() != 0 {
		t.Error("there are invoices of orders that Klarna invoices")
	}
	for _, what := range []document.Kind{document.KindDeliveryNote, document.KindLabel, document.KindPickList} {
		pdf := clerk.get(path + "/print.pdf?what=" + string(what)).is(http.StatusOK)
		if got := pdf.Header().Get("Content-Type"); got != "application/pdf" {
			t.Errorf("%s is %s", what, got)
		}
	}
	clerk.get(path + "/print.pdf?what=invoice").is(http.StatusConflict)
	clerk.get(path + "/print.pdf?what=delivery_note&part=2").is(http.StatusConflict)
	clerk.get(path + "/print.pdf?what=reminder").is(http.StatusUnprocessableEntity)
	clerk.get("/batches/999/papers").is(http.StatusNotFound)

	o, _, err := h.orders.Create(t.Context(), order.Input{PaymentMethod: in.Type, Currency: "EUR", Total: 500, CustomerName: "Max Muster", AutoShip: true,
		Documents: string(paymentmethod.InvoiceOnly), BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines: []order.LineInput{{Name: "Beratung", Type: order.Surcharge, Quantity: 1000, UnitPrice: 500, TaxRate: 1900, Total: 500}}}, "shop")
	must(t, err)
	clerk.post("/autoship", chosen("run", o))
	h.settle()
	path = fmt.Sprintf("/batches/%d", h.lastRun().ID)
	page = clerk.get(path + "/papers").is(http.StatusOK).says("Invoices")
	if page.doc.Find(`a[href*="what=label"]`).Length() != 0 {
		t.Error("there are labels of orders that do not leave")
	}
	clerk.get(path + "/print.pdf?what=invoice").is(http.StatusOK)
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	page := admin.get("/autoship/schedule").is(http.StatusOK).says("no hour is ticked")
	admin.submit(page, "/autoship/schedule", url.Values{"hours": {"", "2-8", "2-99"}}).is(http.StatusUnprocessableEntity).says("“2-99”").has(`input[value="2-8"][checked]`)
	admin.submit(page, "/autoship/schedule", url.Values{"hours": {"", "2-8", "2-14"}}).redirects(t, "/autoship/schedule")
	want := dispatch.Schedule{TimeZone: "Europe/Berlin"}
	want.Hours[time.Tuesday][8], want.Hours[time.Tuesday][14] = true, true
	kept := func() {
		t.Helper()
		if got, err := h.dispatch.Schedule(t.Context()); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	kept()
	page = admin.get("/autoship/schedule").says("Next run by itself: 3 Nov 2026, 14:00") // it is noon in Berlin
	page.has(`input[value="2-8"][checked][aria-label="Tuesday, 8:00"]`)
	admin.get("/autoship").says("Next run by itself")
	admin.get("/administration/log").says("Autoship schedule changed", "Tuesday: 8, 14")

	wrong := admin.submit(page, "/autoship/schedule", url.Values{"time_zone": {"Europe/Augsburg"}, "hours": {"", "3-7"}}).is(http.StatusUnprocessableEntity)
	if e := wrong.fieldError("time_zone"); e != "“Europe/Augsburg” is no known time zone. What is meant is a name like Europe/Berlin." {
		t.Error(e)
	}
	wrong.has(`input[value="3-7"][checked]`).has(`input[value="Europe/Augsburg"]`)
	kept()
	admin.post("/autoship/schedule", url.Values{}).redirects(t, "/autoship/schedule") // what is missing stays
	kept()
	admin.post("/autoship/schedule", url.Values{"time_zone": {"UTC"}}).redirects(t, "/autoship/schedule")
	want.TimeZone = "UTC"
	kept()
	admin.submit(page, "/autoship/schedule", url.Values{"hours": {""}}).redirects(t, "/autoship/schedule")
	want = dispatch.Schedule{TimeZone: "Europe/Berlin"}
	kept()
}

func TestScheduleToggles(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	ticked := func(q url.Values) int {
		t.Helper()
		page := admin.get("/autoship/schedule?" + q.Encode()).is(http.StatusOK).says("Not saved yet")
		return page.doc.Find("input[name=hours][checked]").Length()
	}
	for name, tc := range map[string]struct {
		hours  []string
		toggle string
		want   int
	}{
		"a day":              {[]string{""}, "day-2", 24},
		"a day, begun":       {[]string{"", "2-8", "3-8"}, "day-2", 25},
		"an hour":            {[]string{"", "3-8"}, "hour-8", 7},
		"an hour, all of it": {[]string{"", "0-8", "1-8", "2-8", "3-8", "4-8", "5-8", "6-8", "6-9"}, "hour-8", 1},
		"nothing":            {[]string{"", "3-8"}, "week-1", 1},
	} {
		if n := ticked(url.Values{"hours": tc.hours, "toggle": {tc.toggle}}); n != tc.want {
			t.Errorf("%s: %d ticked, want %d", name, n, tc.want)
		}
	}
	if got, err := h.dispatch.Schedule(t.Context()); err != nil || got != (dispatch.Schedule{TimeZone: order.Zone.String()}) {
		t.Errorf("a look at it has changed it: %+v, %v", got, err)
	}
	clerk := h.as(auth.Shipping)
	page := clerk.get("/autoship/schedule?toggle=day-2").is(http.StatusOK).says("The administration can change the schedule.")
	if page.doc.Find("input[type=checkbox]:not([disabled]), button[name=toggle], main button.primary").Length() != 0 {
		t.Error("the shipping role could change the schedule")
	}
	clerk.post("/autoship/schedule", url.Values{}).is(http.StatusForbidden)
}
