package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// note makes a delivery note for parts of an order, for all that is open without parts.
func (h *house) note(o *order.Order, parts ...dispatch.LineQuantity) *order.DeliveryNote {
	h.t.Helper()
	n, err := h.dispatch.CreateNote(h.t.Context(), o.ID, parts, "test")
	must(h.t, err)
	return n
}

// small makes a released order over 64.57 € that Klarna knows nothing of; change may
// change what is entered.
func (h *house) small(change func(*order.Input)) *order.Order {
	h.t.Helper()
	in := order.Input{
		PaymentMethod: "klarna", Currency: "EUR", Total: 6457, CustomerName: "Max Muster",
		BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines: []order.LineInput{
			{SKU: "T-1", Name: "Teekanne", Type: order.Physical, Quantity: 2 * money.One, UnitPrice: 2979, TaxRate: 1900, Total: 5958},
			{Name: "Versandkosten", Type: order.ShippingFee, Quantity: money.One, UnitPrice: 499, TaxRate: 1900, Total: 499},
		},
	}
	if change != nil {
		change(&in)
	}
	o, _, err := h.orders.Create(h.t.Context(), in, "test")
	must(h.t, err)
	return o
}

func parcelsPath(o *order.Order) string { return fmt.Sprintf("/orders/%d/parcels", o.ID) }

func TestScan(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	noted := h.small(func(in *order.Input) { in.ExternalNumber = "SHOP 4711" })
	n := h.note(noted)
	bare := h.small(nil)
	draft := h.small(func(in *order.Input) { in.Status = order.Draft })

	for scanned, want := range map[string]string{
		n.Number: "/dispatch/" + n.Number, " " + n.Number + "\t": "/dispatch/" + n.Number, noted.Number: "/dispatch/" + n.Number, "SHOP 4711": "/dispatch/" + n.Number,
	} {
		shipping.get("/dispatch?"+url.Values{"scan": {scanned}}.Encode()).redirects(t, want)
	}
	shipping.get("/dispatch?scan="+n.Number+"&carrier=DHL+Express").redirects(t, "/dispatch/"+n.Number+"?carrier=DHL+Express")

	a := shipping.get("/dispatch?scan="+bare.Number).is(http.StatusOK).says("Order "+bare.Number+" has no delivery note yet", "Max Muster")
	a.has(fmt.Sprintf(`.notice form[action="/orders/%d/delivery-notes"]`, bare.ID))
	a = shipping.get("/dispatch?scan=" + draft.Number).is(http.StatusOK).says("is not released: Draft")
	if a.doc.Find(".notice form").Length() > 0 {
		t.Error("a draft can be given a delivery note")
	}

	a = shipping.get("/dispatch?scan=%3Cscript%3E1").is(http.StatusUnprocessableEntity).says("No")
	if a.fieldError("scan") != "There is no delivery note and no order for “<script>1”." {
		t.Error(a.fieldError("scan"))
	}
	a.has(`[data-sound="fail"]`).has(`input[name="scan"][value="<script>1"][autofocus]`)
	shipping.get("/dispatch/999999").is(http.StatusNotFound)
}

func TestDispatchLists(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	shipping.get("/dispatch").is(http.StatusOK).says("Everything has left").has(`input[name="scan"][data-autofocus]`)
	shipping.get("/dispatch?tab=shipped").says("Nothing shipped yet")
	shipping.get("/dispatch?tab=by-hand").says("Nothing to mark by hand")

	h.method()
	o := h.order(6457)
	a := shipping.get("/dispatch").says("Released orders without a delivery note", o.Number, "€64.57")
	action := fmt.Sprintf("/orders/%d/delivery-notes", o.ID)
	shipping.submit(a, action, nil).redirects(t, "/dispatch?scan="+o.Number)
	shipping.get("/dispatch?scan="+o.Number).redirects(t, "/dispatch/300001")
	shipping.get("/dispatch").says("Delivery notes that have not left").has(`a[href="/dispatch/300001"]`)

	shipping.post(parcelsPath(o), url.Values{"carrier": {"gls"}, "tracking_number": {"12345"}}).is(http.StatusSeeOther)
	shipping.get("/dispatch").says("Everything has left")
	shipping.get("/dispatch?tab=shipped").says("300001", "GLS", "12345", "3 Nov 2026, 12:00").has(`a[href="/dispatch/300001"]`)
	shipping.get("/dispatch?tab=nonsense&after=x").is(http.StatusOK).has(`.tabs a[href="/dispatch"][aria-current]`)
}

func TestDispatchListsGoOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	var last *order.Order
	for range 51 {
		last = h.small(nil)
	}
	a := shipping.get("/dispatch")
	if strings.Contains(a.text(), last.Number) {
		t.Fatal("the list has no end")
	}
	next := a.doc.Find(`main a[href*="orders_after"]`).AttrOr("href", "")
	if b := shipping.get(next).says(last.Number); b.doc.Find(`main a[href*="orders_after"]`).Length() != 0 {
		t.Error("the list goes on after its end")
	}
}

// The main job, as the hall does it: scan the note, scan the number, read the answer.
func TestParcelIsRecordedInTheHall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.order(6457)
	n := h.note(o)
	path := "/dispatch/" + n.Number
	a := shipping.get(path).is(http.StatusOK).says("Has not left yet", "Max Muster", "Fuggerstr. 11", "86150 Augsburg", "Teekanne", "€64.57")
	a.has(`input[name="tracking_number"][autofocus][data-autofocus]`).has(`datalist option[value="DHL"]`)

	shipping.submit(a, parcelsPath(o), url.Values{"carrier": {"DHL"}, "tracking_number": {" 0034 0434 1698 "}}).redirects(t, path+"?saved=1")
	a = shipping.get(path+"?saved=1").is(http.StatusOK).says("Saved", "DHL 0034 0434 1698", "Shipped on 3 Nov 2026, 12:00", "€64.57 will be told to Klarna.")
	a.has(`[data-sound="ok"]`).has(`input[name="scan"][autofocus]`).has(`form[action="/dispatch"] input[name="carrier"][value="DHL"]`)
	a.has(`#note-state[data-refresh="` + path + `"][data-refresh-active]`)
	if a.doc.Find("[autofocus]").Length() != 1 {
		t.Error("more than one field has the focus")
	}

	shipping.header.Set("X-Fragment", "1")
	part := shipping.get(path).is(http.StatusOK).has("#note-state[data-refresh-active]")
	if part.Header().Get("Vary") != "X-Fragment" || part.doc.Find("h1").Length() != 0 {
		t.Errorf("not a part of the page: %s", part.Body)
	}
	h.settle()
	part = shipping.get(path).says("Klarna has confirmed €64.57.", "Klarna knows of it")
	if part.doc.Find("[data-refresh-active]").Length() != 0 {
		t.Error("still looks for news")
	}
	shipping.header.Del("X-Fragment")
	if there, _ := h.sandbox.Order(o.KlarnaOrderID); len(there.Captures) != 1 || there.Captures[0].Reference != n.Number {
		t.Errorf("at Klarna: %+v", there.Captures)
	}

	// A second parcel of the same note is appended.
	a = shipping.get(path).says("Another parcel")
	shipping.submit(a, parcelsPath(o), url.Values{"carrier": {"DHL"}, "tracking_number": {"2"}}).redirects(t, path+"?saved=1")
	h.settle()
	shipping.get(path).says("0034 0434 1698", "DHL2")
}

func TestParcelBadInputInTheHall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.order(6457)
	n := h.note(o)
	page := shipping.get("/dispatch/" + n.Number)
	for name, tt := range map[string]struct {
		carrier, number, url, field string
	}{
		"empty":        {"DHL", "", "", "tracking_number"},
		"blanks":       {"DHL", "  ", "", "tracking_number"},
		"101 long":     {"DHL", strings.Repeat("1", 101), "", "tracking_number"},
		"a script":     {"DHL", "<script>alert(1)</script>", "", "tracking_number"},
		"own number":   {"DHL", n.Number, "", "tracking_number"},
		"order number": {"DHL", o.Number, "", "tracking_number"},
		"no address":   {"DHL", "1", "javascript:alert(1)", "tracking_url"},
	} {
		t.Run(name, func(t *testing.T) {
			a := shipping.submit(page, parcelsPath(o), url.Values{"carrier": {tt.carrier}, "tracking_number": {tt.number}, "tracking_url": {tt.url}})
			a.is(http.StatusUnprocessableEntity).says("No", "Not saved").has(`[data-sound="fail"]`)
			if a.fieldError(tt.field) == "" {
				t.Errorf("nothing at %s: %s", tt.field, a.text())
			}
			for field, typed := range map[string]string{"carrier": tt.carrier, "tracking_number": tt.number, "tracking_url": tt.url} {
				if got := a.doc.Find(`input[name="`+field+`"]`).AttrOr("value", "none"); got != typed {
					t.Errorf("%s became %q, was %q", field, got, typed)
				}
			}
			// The address of the form can't be gone back to.
			a.has(`form[action="/preferences"] input[name="return_to"][value="/dispatch/` + n.Number + `"]`)
		})
	}
	if found, err := h.dispatch.FindNote(t.Context(), n.Number); err != nil || len(found.Parcels) != 0 || found.ShippedAt != nil {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestOneNumberOnTwoNotes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.small(nil)
	first := h.note(o, dispatch.LineQuantity{Line: 1, Quantity: money.One})
	second := h.note(o)
	shipping.get("/dispatch/" + first.Number).says("Other delivery notes").has(`a[href="/dispatch/` + second.Number + `"]`)
	number := url.Values{"carrier": {"DPD"}, "tracking_number": {"0815"}}
	shipping.submit(shipping.get("/dispatch/"+first.Number), parcelsPath(o), number).is(http.StatusSeeOther)

	a := shipping.submit(shipping.get("/dispatch/"+second.Number), parcelsPath(o), number).is(http.StatusUnprocessableEntity)
	a.says("The same number belongs to this delivery note, too").has(`input[type="checkbox"][name="again"]`)
	shipping.submit(a, parcelsPath(o), url.Values{"again": {"on"}}).redirects(t, "/dispatch/"+second.Number+"?saved=1")
	for _, n := range []*order.DeliveryNote{first, second} {
		if found, err := h.dispatch.FindNote(t.Context(), n.Number); err != nil || len(found.Parcels) != 1 {
			t.Errorf("%s: %+v, %v", n.Number, found, err)
		}
	}
}

func TestParcelIsRemovedInTheHall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.order(6457)
	path := "/dispatch/" + h.note(o).Number
	shipping.submit(shipping.get(path), parcelsPath(o), url.Values{"carrier": {"DHL"}, "tracking_number": {"1"}}).is(http.StatusSeeOther)
	shipping.submit(shipping.get(path), parcelsPath(o)+"/1/remove", nil).redirects(t, path)
	shipping.get(path).says("Has not left yet", "Record a parcel")
	h.settle()
	if there, _ := h.sandbox.Order(o.KlarnaOrderID); len(there.Captures) != 0 {
		t.Errorf("told all the same: %+v", there.Captures)
	}
}

// A carrier is recognised from the number's form. Where that tells none, the last one is
// proposed: one press of a key, if it is that again.
func TestCarrierIsRecognisedOrProposed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	scan := func(path, number string, o *order.Order) *answer {
		page := shipping.get(path)
		if got := page.doc.Find(`input[name="carrier"]`).Last().AttrOr("value", ""); got != "" {
			t.Errorf("%s begins with the carrier %q", path, got)
		}
		return shipping.submit(page, parcelsPath(o), url.Values{"tracking_number": {number}})
	}
	first, second, third := h.small(nil), h.small(nil), h.small(nil)
	path := "/dispatch/" + h.note(first).Number
	scan(path, "1Z999AA10123456784", first).redirects(t, path+"?saved=1")
	shipping.get(path).says("UPS")

	path = "/dispatch/" + h.note(second).Number
	a := scan(path, "4711", second).is(http.StatusUnprocessableEntity).says("No carrier can be recognised from the number.")
	a.has(`input[name="carrier"][value="UPS"]`).has(`input[name="tracking_number"][value="4711"]`)
	shipping.submit(a, parcelsPath(second), url.Values{"carrier": {"Fahrradkurier"}}).redirects(t, path+"?saved=1")

	path = "/dispatch/" + h.note(third).Number
	scan(path+"?carrier=GLS", "4712", third).is(http.StatusUnprocessableEntity).has(`input[name="carrier"][value="GLS"]`)
	scan(path+"?carrier="+strings.Repeat("x", 101), "4712", third).is(http.StatusUnprocessableEntity).has(`input[name="carrier"][value="Fahrradkurier"]`)
}

func TestShipWithoutTracking(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.order(6457)
	n := h.note(o)
	path := "/dispatch/" + n.Number
	shipping.get(path).has(`a[href="` + path + `?dialog=without-tracking"]`)
	a := shipping.get(path+"?dialog=without-tracking").says("Ship delivery note "+n.Number+" without a tracking number?", "Klarna is told that the goods have left, but no tracking number.")
	a.has("dialog#without-tracking[open]")
	shipping.submit(a, fmt.Sprintf("/orders/%d/ship", o.ID), nil).redirects(t, path+"?saved=1")
	shipping.get(path+"?saved=1").says("Saved", "without tracking number")
	h.settle()
	shipping.get(path).says("Klarna has confirmed €64.57.")
}

func TestWhatKeepsKlarnaFromBeingTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	bare := h.small(nil) // without an id at Klarna
	path := "/dispatch/" + h.note(bare).Number
	shipping.get(path).says("Careful: the money is not certain", "The order has no Klarna order id.")
	must(t, h.dispatch.Cancel(t.Context(), bare.ID, "test"))
	a := shipping.get(path).says("Nothing of this delivery note may leave any more", "Cancelled")
	if a.doc.Find(`input[name="tracking_number"]`).Length() != 0 {
		t.Error("a parcel can be recorded for a cancelled order")
	}
}

func TestByHandToDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	in.Connection = paymentmethod.Manual
	_, err := h.methods.Create(t.Context(), in, "test")
	must(t, err)
	o := h.order(6457)
	n := h.note(o)
	shipping.get("/dispatch/" + n.Number + "?dialog=without-tracking").says("Zahlwerk tells Klarna nothing about it.")
	shipping.post(parcelsPath(o), url.Values{"carrier": {"dhl"}, "tracking_number": {"00340434"}}).is(http.StatusSeeOther)
	h.settle()
	shipping.get("/dispatch/" + n.Number).says("Please mark it by hand in Klarna's portal")

	a := shipping.get("/dispatch?tab=by-hand").says("To be marked in Klarna by hand", n.Number, o.KlarnaOrderID, "64.57 Copy AmountEUR", "00340434")
	for _, copied := range []string{o.KlarnaOrderID, "64.57", "00340434"} {
		a.has(`button[data-copy="` + copied + `"]`)
	}
	a.has(`a[href="https://portal.klarna.com/orders/` + o.KlarnaOrderID + `"]`)
	if got := a.doc.Find(".tabs .count").Text(); got != "1" {
		t.Errorf("the tab counts %q", got)
	}
	action := fmt.Sprintf("/orders/%d/", o.ID)
	h.clock.Advance(time.Minute)
	shipping.submit(a, action+"done-by-hand", nil).redirects(t, "/dispatch?tab=by-hand")
	a = shipping.get("/dispatch?tab=by-hand").says("Nothing to mark by hand", "Ticked off", emailOf(auth.Shipping), "3 Nov 2026, 12:01")
	shipping.submit(a, action+"undo-done-by-hand", nil).redirects(t, "/dispatch?tab=by-hand")
	shipping.get("/dispatch?tab=by-hand").says("To be marked in Klarna by hand")
}

// Both languages, and every state that the templates know.
func TestDispatchInGerman(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	shipping.header.Set("Accept-Language", "de-DE,de")
	h.method()
	o := h.order(6457)
	path := "/dispatch/" + h.note(o).Number
	shipping.get("/dispatch").says("Offene Lieferscheine", "64,57")
	a := shipping.get(path).says("Noch nicht versendet", "Paket erfassen", "Trackingnummer")
	shipping.submit(a, parcelsPath(o), url.Values{"carrier": {"DHL"}, "tracking_number": {"1"}}).redirects(t, path+"?saved=1")
	h.settle()
	shipping.get(path+"?saved=1").says("Gespeichert", "Versendet am 03.11.2026 12:00", "bestätigt.")
	shipping.get(path + "?dialog=help").is(http.StatusOK)
}
