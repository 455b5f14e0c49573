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
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// path is the page of a delivery note.
func notePath(n *order.DeliveryNote) string { return "/dispatch/" + n.Number }

func TestSeveralParcelsInARow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.order(6457)
	n, next := h.note(o), h.note(h.small(nil))
	more := url.Values{"carrier": {"DHL"}, "tracking_number": {"1"}, "another": {"on"}}
	shipping.submit(shipping.get(notePath(n)), parcelsPath(o), more).redirects(t, notePath(n)+"?another=1&saved=1")
	a := shipping.get(notePath(n)+"?another=1&saved=1").says("Yes", "Saved: DHL 1 (delivery note "+n.Number+")")
	a.has(`input[name="tracking_number"][autofocus]`).has(`input[name="another"][checked]`)
	if a.doc.Find(`input[name="scan"]`).Length() != 0 {
		t.Error("the scan field is in the way of the next parcel")
	}
	shipping.submit(a, parcelsPath(o), url.Values{"carrier": {"DHL"}, "tracking_number": {"2"}, "another": nil}).redirects(t, notePath(n)+"?saved=1")
	shipping.get(notePath(n) + "?saved=1").has(`input[name="scan"][autofocus]`).has(`a[data-key="F8"][href="` + notePath(n) + `"]`)
	h.settle()
	if there, _ := h.sandbox.Order(o.KlarnaOrderID); len(there.Captures) != 1 || len(there.Captures[0].ShippingInfo) != 2 {
		t.Errorf("at Klarna: %+v", there.Captures)
	}
	// What has left needs no number any more: the next note's barcode opens it.
	shipping.submit(shipping.get(notePath(n)), parcelsPath(o), url.Values{"tracking_number": {next.Number}}).redirects(t, notePath(next))
}

// The barcodes of papers are not those of parcels.
func TestWrongBarcode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o, other := h.small(nil), h.small(nil)
	n, next := h.note(o), h.note(other)
	scan := func(number string) *answer {
		return shipping.submit(shipping.get(notePath(n)), parcelsPath(o), url.Values{"tracking_number": {number}}).is(http.StatusUnprocessableEntity)
	}
	for _, own := range []string{n.Number, " " + n.Number, o.Number} {
		a := scan(own).says("That is this delivery note's barcode.").has(`[data-sound="fail"]`).has(`input[name="tracking_number"][data-autofocus]`)
		if a.doc.Find(`.hall a[href^="/dispatch/"][data-key="F4"]`).Length() != 0 {
			t.Errorf("%s: another note is offered", own)
		}
	}
	bare := h.small(nil)
	scan(bare.Number).says("Open " + bare.Number).has(`a[href="/dispatch?scan=` + bare.Number + `"][data-key="F4"]`)
	for _, wrong := range []string{next.Number, other.Number} {
		a := scan(wrong).says("“"+wrong+"” is another delivery note or order.", "Open "+next.Number)
		if a.has(`a[href="`+notePath(next)+`"][data-key="F4"]`).doc.Find(`[data-key="F4"]`).Length() != 1 {
			t.Errorf("%s: the key means two things", wrong)
		}
	}
}

func TestUndoInTheHall(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.order(6457)
	n := h.note(o)
	ship := func() *answer {
		shipping.submit(shipping.get(notePath(n)+"?dialog=without-tracking"), fmt.Sprintf("/orders/%d/ship", o.ID), nil).redirects(t, notePath(n)+"?saved=1")
		return shipping.get(notePath(n) + "?saved=1").says("Saved: without tracking number").has(`button[data-key="F9"]`)
	}
	shipping.submit(ship(), fmt.Sprintf("/orders/%d/undo-ship", o.ID), nil).redirects(t, notePath(n))
	shipping.get(notePath(n)).says("Has not left yet")

	late := ship()
	h.settle()
	a := shipping.submit(late, fmt.Sprintf("/orders/%d/undo-ship", o.ID), nil).is(http.StatusConflict)
	a.says("No", "Klarna has captured the amount already.").has(`form[action="/preferences"] input[name="return_to"][value="` + notePath(n) + `"]`)

	shipping.submit(shipping.get(notePath(n)), parcelsPath(o), url.Values{"carrier": {"DHL"}, "tracking_number": {"1"}}).is(http.StatusSeeOther)
	saved := shipping.get(notePath(n) + "?saved=1")
	h.settle()
	shipping.submit(saved, parcelsPath(o)+"/1/remove", nil).is(http.StatusConflict).says("Klarna knows this number already")
	shipping.get(notePath(n) + "?saved=1").says("Klarna knows this number already").has(`main a[href$="/orders/` + o.KlarnaOrderID + `"]`)
}

// Before a label is printed the page says whether Klarna will pay, and asks where that
// is doubtful. Klarna is asked only when a person wants it.
func TestOutlook(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.order(6457)
	n := h.note(o)
	read := fmt.Sprintf("/orders/%d/read-at-klarna", o.ID)
	a := shipping.get(notePath(n)).says("Can be captured as it stands", "Klarna was not asked about it yet.")
	a.has(`a[data-key="F2"][target="_blank"][href="` + notePath(n) + `/label.pdf"]`)
	if len(h.sandbox.Requests()) != 0 {
		t.Fatal("Klarna was asked by itself")
	}
	_, err := h.sandbox.Act(o.KlarnaOrderID, klarnasandbox.Action{Kind: klarnasandbox.ActionFraud, FraudStatus: string(klarna.FraudPending)})
	must(t, err)
	shipping.submit(a, read, nil).redirects(t, notePath(n))
	a = shipping.get(notePath(n)).says("Careful: the money is not certain", "still checking the order for fraud", "Klarna was asked: 3 Nov 2026, 12:00.")
	a.has(`a[data-dialog="print"][data-key="F2"]`)
	shipping.get(notePath(n) + "?dialog=print").has(`dialog#print[open] a[href="` + notePath(n) + `/label.pdf"]`)

	// What Klarna does not answer is told on the same page.
	preset, _ := klarnasandbox.Preset("internal_error")
	preset.Operation = klarnasandbox.OpGetOrder
	_, err = h.sandbox.SetFault(preset)
	must(t, err)
	shipping.submit(shipping.get(notePath(n)), read, nil).is(http.StatusConflict).says("No", "Klarna did not answer as expected")

	plugin := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	plugin.Type, plugin.Connection = "plugin", paymentmethod.Plugin
	_, err = h.methods.Create(t.Context(), plugin, "test")
	must(t, err)
	p := h.small(func(in *order.Input) { in.PaymentMethod = "plugin" })
	a = shipping.get(notePath(h.note(p))).says("Klarna is not told of this", "the shop plugin tells Klarna. There is nothing to do here.")
	if a.doc.Find(`form[action*="read-at-klarna"]`).Length() != 0 {
		t.Error("Klarna can be asked about a plugin's order")
	}
}

func TestChangeQuantities(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.small(nil) // two pots of 29.79 € each, 4.99 € for shipping
	n := h.note(o)
	one := url.Values{"lines.0.quantity": {"1"}}
	page := shipping.get(notePath(n)).says("Change quantities", "This delivery note€64.57", "Stays open€0.00").has(`form[data-preview="split-amounts"]`)

	preview := url.Values{"lines.0.quantity": {"1"}, "preview": {"1"}}
	shipping.submit(page, notePath(n), preview).is(http.StatusOK).says("This delivery note€34.78", "Stays open€29.79").has("details[open] #split-amounts")
	shipping.header.Set("X-Fragment", "1")
	part := shipping.submit(page, notePath(n), preview).is(http.StatusOK).says("€34.78", "€29.79").has("#split-amounts")
	if part.doc.Find("h1").Length() != 0 {
		t.Error("not a part of the page")
	}
	shipping.submit(page, notePath(n), url.Values{"lines.0.quantity": {"3"}, "preview": {"1"}}).says("That much is not open, only 2.")
	shipping.header.Del("X-Fragment")
	if found, err := h.dispatch.FindNote(t.Context(), n.Number); err != nil || found.WithdrawnAt != nil {
		t.Fatalf("a preview changed something: %+v %v", found, err)
	}

	for typed, want := range map[string]string{"": "Please enter a quantity for at least one line.", "3": "That much is not open, only 2.", "x": "Please", "-1": "Please"} {
		a := shipping.submit(page, notePath(n), url.Values{"lines.0.quantity": {typed}}).is(http.StatusUnprocessableEntity)
		if got := a.fieldError("lines-0-quantity"); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q", typed, got)
		}
	}
	shipping.submit(page, notePath(n), one).redirects(t, "/dispatch/300002")
	shipping.get("/dispatch/300002").says("Delivery note 300002 replaces delivery note 300001.", "€34.78", "Something of this order is still open")
	shipping.get(notePath(n)).says("This delivery note was taken back").has(`a[href="/dispatch/300002"]`)
	shipping.submit(page, notePath(n), one).is(http.StatusNotFound)

	page = shipping.get("/dispatch/300002")
	shipping.submit(page, parcelsPath(o), url.Values{"carrier": {"DHL"}, "tracking_number": {"1"}}).is(http.StatusSeeOther)
	shipping.submit(page, "/dispatch/300002", one).is(http.StatusConflict).says("Delivery note 300002 has left already.")
	shipping.submit(page, "/dispatch/300002/withdraw", nil).is(http.StatusConflict).says("Delivery note 300002 has left already.")

	rest := h.note(o)
	shipping.submit(shipping.get(notePath(rest)), notePath(rest)+"/withdraw", nil).redirects(t, "/dispatch")
	shipping.get("/dispatch").says("Delivery note " + rest.Number + " taken back")
	if now := h.find(o); now.Status != order.Released {
		t.Errorf("the order is %s", now.Status)
	}
}

// A part can be made of an order that was scanned without a delivery note.
func TestPartOfAScannedOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.small(nil)
	a := shipping.get("/dispatch?scan="+o.Number).says("Part delivery", "This delivery note€64.57")
	action := fmt.Sprintf("/orders/%d/delivery-notes", o.ID)
	a.doc.Find(`.action[action="` + action + `"]`).Remove() // the button for all of it
	shipping.submit(a, action, url.Values{"lines.0.quantity": {"1"}}).redirects(t, "/dispatch?scan="+o.Number)
	if n, err := h.dispatch.FindNote(t.Context(), "300001"); err != nil || n.Amount != 3478 {
		t.Errorf("%+v %v", n, err)
	}
	shipping.submit(a, action, url.Values{"lines.0.quantity": {"2"}}).is(http.StatusUnprocessableEntity)
	preview := shipping.submit(a, action, url.Values{"lines.0.quantity": {"1"}, "preview": {"1"}}).is(http.StatusOK)
	preview.says("Delivery note 300001€34.78", "This delivery note€29.79", "Stays open€0.00")
	preview.has(fmt.Sprintf(`form[action="/preferences"] input[name="return_to"][value="/orders/%d"]`, o.ID))
}

// Each delivery note is ticked off by itself, the last tick stands first.
func TestByHandNoteByNote(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	in.Connection = paymentmethod.Manual
	_, err := h.methods.Create(t.Context(), in, "test")
	must(t, err)
	o := h.small(nil)
	for i := range 2 {
		n := h.note(o, dispatch.LineQuantity{Line: 1, Quantity: money.One})
		shipping.post(parcelsPath(o), url.Values{"carrier": {"dhl"}, "tracking_number": {fmt.Sprint("T", i)}, "delivery_note": {n.Number}}).is(http.StatusSeeOther)
	}
	list := "/dispatch?tab=by-hand"
	tick := func(action, note string) {
		t.Helper()
		h.clock.Advance(time.Minute)
		shipping.post(fmt.Sprintf("/orders/%d/%s", o.ID, action), url.Values{"delivery_note": {note}, "return_to": {list}}).redirects(t, list)
	}
	shipping.get(list).has(`button[data-copy-next]`)
	tick("done-by-hand", "300002")
	if a := shipping.get(list).says("Ticked off"); a.doc.Find(`form[action$="/done-by-hand"]`).Length() != 1 {
		t.Error("the other note was ticked off with it")
	}
	tick("done-by-hand", "300001")
	if first := shipping.get(list).says("Nothing to mark by hand").doc.Find("tbody th").First().Text(); first != "300001" {
		t.Errorf("%s stands first", first)
	}
	shipping.post(fmt.Sprintf("/orders/%d/done-by-hand", o.ID), url.Values{"delivery_note": {"300001"}, "return_to": {list}}).
		is(http.StatusConflict).says("No", "There is nothing to do by hand here.", "Ticked off")
	shipping.get(orderAddress(o.ID)).says("Marked as shipped in Klarna by hand (delivery note 300001)")
	tick("undo-done-by-hand", "300001")
	shipping.get(list).says("To be marked in Klarna by hand")
}

func TestPrintSeveral(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	n := h.note(h.small(nil))
	a := shipping.get("/dispatch").has(`form[method="get"][action="/dispatch/print.pdf"][target="_blank"] input[name="note"][value="` + n.Number + `"]`)
	a.has(`button[formaction="/dispatch/pick-list.pdf"]`).has(`input[name="what"][value="delivery_note"][checked]`).has(`input[name="what"][value="label"][checked]`)
	for _, path := range []string{"/dispatch/pick-list.pdf?note=", "/dispatch/print.pdf?what=delivery_note&what=label&note="} {
		if got := shipping.get(path + n.Number).is(http.StatusOK).Header().Get("Content-Type"); got != "application/pdf" {
			t.Errorf("%s: %s", path, got)
		}
	}
}
