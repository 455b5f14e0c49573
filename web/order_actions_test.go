package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

func parcelForm(number string) url.Values {
	return url.Values{"carrier": {"DHL"}, "tracking_number": {number}, "tracking_url": {""}}
}

// state is where the order's only capture stands, "" without one.
func (h *house) state(o *order.Order) capture.State {
	h.t.Helper()
	told, err := h.captures.FindByOrder(h.t.Context(), o.ID)
	must(h.t, err)
	for _, c := range told.Captures {
		return c.State
	}
	return ""
}

func (h *house) find(o *order.Order) *order.Order {
	h.t.Helper()
	found, err := h.orders.Find(h.t.Context(), o.ID)
	must(h.t, err)
	return found
}

func TestBadParcels(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	tests := map[string]struct{ field, value, says string }{
		"none":                    {"tracking_number", "", "Please fill this in."},
		"blanks":                  {"tracking_number", "   ", "Please fill this in."},
		"101 characters":          {"tracking_number", strings.Repeat("1", 101), "Please use at most 100 characters."},
		"a script":                {"tracking_number", "<script>alert(1)</script>", "A tracking number consists of letters, digits and . _ / : + # * % -."},
		"nothing but dashes":      {"tracking_number", "---", "A tracking number consists of letters, digits and . _ / : + # * % -."},
		"our own order":           {"tracking_number", o.Number, "“" + o.Number + "” is one of our own order or delivery note numbers. Please scan the barcode of the parcel label."},
		"no carrier":              {"carrier", " ", "No carrier can be recognised from the number. Please name it."},
		"a long carrier":          {"carrier", strings.Repeat("x", 101), "Please use at most 100 characters."},
		"a carrier with a break":  {"carrier", "D\tHL", "Please leave out control characters and line breaks."},
		"a link that runs":        {"tracking_url", "javascript:alert(1)", "Please give an address that begins with https:// or http://."},
		"a note that is not ours": {"delivery_note", "999", "There is no delivery note 999 here."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			form := parcelForm("0034 0434")
			form.Set(tt.field, tt.value)
			a := c.post(orderAddress(o.ID)+"/parcels", form).is(422)
			if got := a.fieldError(tt.field); got != tt.says {
				t.Errorf("the field says %q, want %q", got, tt.says)
			}
			for kept, values := range form {
				if got := a.form(orderAddress(o.ID) + "/parcels").Get(kept); kept != "delivery_note" && got != values[0] {
					t.Errorf("%s was %q, the form has %q", kept, values[0], got)
				}
			}
			if strings.Contains(a.Body.String(), "<script>alert") {
				t.Error("what was typed is part of the page")
			}
		})
	}
	if s := h.state(o); s != "" {
		t.Errorf("a bad parcel made a capture that is %s", s)
	}
}

func TestTheSameNumberTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	for range 2 {
		c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034-0434")).redirects(t, orderAddress(o.ID))
		h.settle()
	}
	c.get(orderAddress(o.ID)).says("The tracking number 0034-0434 is recorded on delivery note 300001 already. Nothing was sent again.")
	there, _ := h.sandbox.Order(o.KlarnaOrderID)
	if len(there.Captures) != 1 || len(h.find(o).Notes[0].Parcels) != 1 {
		t.Errorf("%d captures, %d parcels", len(there.Captures), len(h.find(o).Notes[0].Parcels))
	}
	second := h.order(100)
	c.post(orderAddress(second.ID)+"/parcels", url.Values{"carrier": {"Radkurier Süd"}, "tracking_number": {"00340434"}}).is(303)
	c.get(orderAddress(second.ID)).says("“Radkurier Süd” is not in the list of carriers.", "stands on order "+o.Number+", too.").
		has(fmt.Sprintf(`a[href="/orders?q=%s"]`, o.Number))
}

func TestTwoPeopleRecordOneParcel(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(6457)
	people := []*client{h.as(auth.Shipping), h.as(auth.Admin)}
	var both sync.WaitGroup
	for _, c := range people {
		both.Go(func() { c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).redirects(t, orderAddress(o.ID)) })
	}
	both.Wait()
	h.settle()
	there, _ := h.sandbox.Order(o.KlarnaOrderID)
	if found := h.find(o); len(found.Notes) != 1 || len(found.Notes[0].Parcels) != 1 || len(there.Captures) != 1 {
		t.Errorf("%d notes, %d captures at Klarna, want one each", len(found.Notes), len(there.Captures))
	}
}

func TestAParcelComesBackToItsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	c.post(orderAddress(o.ID)+"/delivery-notes", nil).is(303)
	form := parcelForm("")
	form.Set("delivery_note", "300001")
	form.Set("return_to", "/dispatch/300001?saved=1")
	c.post(orderAddress(o.ID)+"/parcels", form).is(422).says("Delivery note 300001").has("#field-tracking_number-error")
	form.Set("tracking_number", "0034")
	c.post(orderAddress(o.ID)+"/parcels", form).redirects(t, "/dispatch/300001?saved=1")
	form.Set("return_to", "//elsewhere.example")
	c.post(orderAddress(o.ID)+"/parcels", form).redirects(t, "/")
}

func TestPartDeliveries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	there, err := h.sandbox.CreateOrder("", klarnasandbox.NewOrder{Amount: 6457})
	must(t, err)
	o := h.newOrder(func(in *order.Input) { in.KlarnaOrderID = there.ID })
	path := orderAddress(o.ID) + "/delivery-notes"
	tests := map[string]struct{ quantity, says string }{
		"more than ordered":    {"3", "That much is not open, only 2."},
		"negative":             {"-1", "Please give a quantity above 0 with at most three decimals."},
		"no number":            {"two", "Please give a quantity above 0 with at most three decimals."},
		"nothing":              {" ", "Please enter a quantity for at least one line."},
		"nothing, as a number": {"0", "Please enter a quantity for at least one line."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := c.submit(c.get(orderAddress(o.ID)), path, url.Values{"lines.0.quantity": {tt.quantity}}).is(422)
			if got := a.fieldError("lines-0-quantity"); got != tt.says {
				t.Errorf("the field says %q, want %q", got, tt.says)
			}
			if got := a.form(path).Get("lines.0.quantity"); got != tt.quantity {
				t.Errorf("typed %q, the form has %q", tt.quantity, got)
			}
			a.has(`.error-summary a[href="#field-lines-0-quantity"]`).says("Teekanne: " + tt.says)
		})
	}
	c.submit(c.get(orderAddress(o.ID)), path, url.Values{"lines.0.quantity": {"1"}}).redirects(t, orderAddress(o.ID))
	c.get(orderAddress(o.ID)).says("Delivery note 300001 created.", "open: 1 of 2")
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("A1")).is(303)
	h.settle()
	c.get(orderAddress(o.ID)).says("partly shipped!", "Partly confirmed")
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("A2")).is(303)
	h.settle()
	last := c.get(orderAddress(o.ID)).says("already shipped!")
	if balance := last.doc.Find("tfoot .money").Last().Text(); balance != "€0.00" {
		t.Errorf("the balance is %s", balance)
	}
	now, _ := h.sandbox.Order(there.ID)
	if now.CapturedAmount != 6457 || len(now.Captures) != 2 {
		t.Errorf("Klarna has captured %d in %d captures", now.CapturedAmount, len(now.Captures))
	}
	form := parcelForm("A1")
	form.Set("delivery_note", "300002")
	a := c.post(orderAddress(o.ID)+"/parcels", form).is(422).has("#field-again")
	if got := a.fieldError("tracking_number"); got != "This number stands on delivery note 300001 already. Does it belong to this one, too?" {
		t.Errorf("the field says %q", got)
	}
	form.Set("again", "on")
	c.post(orderAddress(o.ID)+"/parcels", form).is(303)
}

func TestMarkShipped(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		connection paymentmethod.Connection
		asks       string
		state      capture.State
		says       string
	}{
		"connected": {paymentmethod.API, "Klarna captures the amount all the same", capture.Confirmed, "without a tracking number"},
		"by hand":   {paymentmethod.Manual, "The order goes on the list", capture.ByHand, "Please mark as shipped in Klarna's portal"},
		"plugin":    {paymentmethod.Plugin, "the shop plugin does that", capture.Skipped, "the shop plugin tells Klarna"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			m := h.method()
			in := paymentmethod.InputOf(m)
			in.Connection = tt.connection
			_, err := h.methods.Update(t.Context(), m.ID, in, "Erika Beispiel")
			must(t, err)
			c := h.as(auth.Shipping)
			o := h.order(6457)
			ask := c.post(orderAddress(o.ID)+"/ship", nil).is(422).says("Is it really to be shipped without one?", tt.asks).has("dialog#ship[open]")
			c.submit(ask, orderAddress(o.ID)+"/ship", nil).redirects(t, orderAddress(o.ID))
			h.settle()
			if s := h.state(o); s != tt.state {
				t.Errorf("the capture is %s, want %s", s, tt.state)
			}
			c.get(orderAddress(o.ID)).says(tt.says)
			c.post(orderAddress(o.ID)+"/ship", url.Values{"without_tracking": {"on"}}).is(409).says("Everything of order " + o.Number + " has left already.")
		})
	}
}

func TestMarkedByHand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.method()
	in := paymentmethod.InputOf(m)
	in.Connection = paymentmethod.Manual
	_, err := h.methods.Update(t.Context(), m.ID, in, "Erika Beispiel")
	must(t, err)
	c := h.as(auth.Shipping)
	o := h.order(123456)
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(303)
	a := c.get(orderAddress(o.ID)).says("To do by hand")
	for _, value := range []string{o.KlarnaOrderID, "1,234.56", "0034"} {
		a.has(fmt.Sprintf(`.notice [data-copy="%s"]`, value))
	}
	c.submit(a, orderAddress(o.ID)+"/done-by-hand", nil).redirects(t, orderAddress(o.ID))
	c.submit(c.get(orderAddress(o.ID)).says("Done by hand"), orderAddress(o.ID)+"/undo-done-by-hand", nil).redirects(t, orderAddress(o.ID))
	c.get(orderAddress(o.ID)).says("To do by hand")
	c.post(orderAddress(o.ID)+"/undo-done-by-hand", nil).is(409).says("There is nothing to do by hand here.")
}

func TestCancelling(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	ask := c.get(orderAddress(o.ID) + "?dialog=cancel").has("dialog#cancel[open]").says("Klarna is not told: the authorisation stands there")
	c.submit(ask, orderAddress(o.ID)+"/cancel", nil).redirects(t, orderAddress(o.ID))
	c.get(orderAddress(o.ID)).says("Order cancelled. Klarna was not told: please cancel the authorisation in Klarna's portal.")
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(409).says("Order " + o.Number + " is cancelled.")
	c.post(orderAddress(o.ID)+"/uncancel", nil).redirects(t, orderAddress(o.ID))
	c.post(orderAddress(o.ID)+"/uncancel", nil).is(409)
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(303)
	h.settle()
	c.post(orderAddress(o.ID)+"/cancel", nil).is(409).says("Klarna has captured the amount already.")
	if there, _ := h.sandbox.Order(o.KlarnaOrderID); there.Status != string(klarna.StatusCaptured) {
		t.Errorf("the order is %s at Klarna", there.Status)
	}
}

func TestKlarnaIsNotToBeTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	path := orderAddress(o.ID) + "/dont-tell"
	for reason, want := range map[string]string{"  ": "Please fill this in.", strings.Repeat("x", dispatch.MaxReason+1): "Please use at most 500 characters."} {
		a := c.post(path, url.Values{"reason": {reason}}).is(422).has("dialog#dont-tell[open]")
		if got := a.fieldError("reason"); got != want {
			t.Errorf("the field says %q, want %q", got, want)
		}
		if got := a.form(path).Get("reason"); strings.TrimSpace(got) != strings.TrimSpace(reason) {
			t.Errorf("the reason was lost: %q", got)
		}
	}
	c.post(path, url.Values{"reason": {"Kunde zahlt bar."}}).redirects(t, orderAddress(o.ID))
	c.get(orderAddress(o.ID)).says("Klarna is not to be told about this order: Kunde zahlt bar. If that")
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(303)
	h.settle()
	if there, _ := h.sandbox.Order(o.KlarnaOrderID); len(there.Captures) != 0 {
		t.Error("Klarna was told")
	}
	c.submit(c.get(orderAddress(o.ID)), orderAddress(o.ID)+"/undo-dont-tell", nil).redirects(t, orderAddress(o.ID))
	h.settle()
	c.get(orderAddress(o.ID)).says("Confirmed")
}

func TestReleasingAndAmending(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	taken := h.order(100)
	o := h.newOrder(func(in *order.Input) { in.Status = order.Draft })
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(409).says("is a draft. Please release it first.")
	c.submit(c.get(orderAddress(o.ID)), orderAddress(o.ID)+"/release", nil).redirects(t, orderAddress(o.ID))
	c.post(orderAddress(o.ID)+"/release", nil).is(409).says("is no draft any more.")

	path := orderAddress(o.ID) + "/amend"
	for id, want := range map[string]struct {
		status int
		says   string
	}{
		"no-uuid":            {422, "That is no Klarna order id."},
		taken.KlarnaOrderID:  {409, "This Klarna order id belongs to another order already: " + taken.Number + "."},
		"<script>x</script>": {422, "That is no Klarna order id."},
	} {
		a := c.post(path, url.Values{"klarna_order_id": {id}, "external_number": {"SHOP-1"}}).is(want.status)
		if got := a.fieldError("klarna_order_id"); !strings.HasPrefix(got, want.says) {
			t.Errorf("%s: the field says %q", id, got)
		}
		if f := a.form(path); f.Get("klarna_order_id") != id || f.Get("external_number") != "SHOP-1" {
			t.Errorf("%s: what was typed is lost: %v", id, f)
		}
	}
	there, err := h.sandbox.CreateOrder("", klarnasandbox.NewOrder{Amount: o.Total})
	must(t, err)
	c.post(path, url.Values{"klarna_order_id": {there.ID}}).redirects(t, orderAddress(o.ID))
	c.post(path, url.Values{"external_number": {"SHOP-2"}}).redirects(t, orderAddress(o.ID))
	if got := h.find(o); got.KlarnaOrderID != there.ID || got.ExternalNumber != "SHOP-2" {
		t.Errorf("the order has %q and %q", got.KlarnaOrderID, got.ExternalNumber)
	}
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(303)
	h.settle()
	c.get(orderAddress(o.ID)).has(`input[name=klarna_order_id][readonly]`).says("Klarna has captured under this id already; it can't be changed any more.")
	c.post(path, url.Values{"klarna_order_id": {""}}).is(409).says("it can't be changed any more.")
}

func TestSendingAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	c.post(orderAddress(o.ID)+"/resend", nil).is(409).says("There is nothing that could be sent again.")
	fault, ok := klarnasandbox.Preset("unprocessable")
	if !ok {
		t.Fatal("the sandbox has no such fault")
	}
	fault.Operation, fault.Times = klarnasandbox.OpCapture, 1
	_, err := h.sandbox.SetFault(fault)
	must(t, err)
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(303)
	h.settle()
	a := c.get(orderAddress(o.ID)).says("Failed", "Klarna feedback failed:")
	c.submit(a, orderAddress(o.ID)+"/resend", nil).redirects(t, orderAddress(o.ID))
	h.settle()
	c.get(orderAddress(o.ID)).says("Confirmed", "Klarna feedback OK")
}

func TestLookingUpAtKlarna(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o, unknown, none := h.order(6457), h.newOrder(func(in *order.Input) { in.KlarnaOrderID = "11111111-2222-4333-8444-555555555555" }), h.newOrder(nil)
	c.submit(c.get(orderAddress(o.ID)), orderAddress(o.ID)+"/read-at-klarna", nil).redirects(t, orderAddress(o.ID))
	c.get(orderAddress(o.ID)).says("Looked up at Klarna: status AUTHORIZED, fraud check ACCEPTED, captured €0.00, still authorised €64.57")
	c.post(orderAddress(unknown.ID)+"/read-at-klarna", nil).is(409).says("Klarna did not answer as expected (status 404).", "Looking up at Klarna failed")
	c.post(orderAddress(none.ID)+"/read-at-klarna", nil).is(409).says("there is nothing to look up at Klarna.")
}

func TestMarkingAsPaid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(6457)
	c := h.as(auth.Accounting)
	for _, paid := range []bool{false, true} {
		c.submit(c.get(orderAddress(o.ID)), orderAddress(o.ID)+"/mark-paid", nil).redirects(t, orderAddress(o.ID))
		if got := h.find(o).MarkPaid; got != paid {
			t.Errorf("marked as paid: %t, want %t", got, paid)
		}
	}
	c.post(orderAddress(o.ID)+"/mark-paid", url.Values{"paid": {"off"}}).is(303)
	c.post(orderAddress(o.ID)+"/mark-paid", nil).is(303) // without the field: marked
	if !h.find(o).MarkPaid {
		t.Error("the order is not marked as paid")
	}
}

func TestRemovingAParcel(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.method()
	in := paymentmethod.InputOf(m)
	in.HoldSeconds = 60
	_, err := h.methods.Update(t.Context(), m.ID, in, "Erika Beispiel")
	must(t, err)
	c := h.as(auth.Shipping)
	o := h.order(6457)
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(303)
	remove := fmt.Sprintf("%s/parcels/%d/remove", orderAddress(o.ID), h.find(o).Notes[0].Parcels[0].ID)
	c.submit(c.get(orderAddress(o.ID)), remove, nil).redirects(t, orderAddress(o.ID))
	c.get(orderAddress(o.ID)).says("not yet shipped!", "Tracking number removed: DHL 0034 (delivery note 300001)")
	c.post(remove, nil).is(404)
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0035")).is(303)
	h.clock.Advance(2 * 60e9)
	h.settle()
	told := fmt.Sprintf("%s/parcels/%d/remove", orderAddress(o.ID), h.find(o).Notes[0].Parcels[0].ID)
	c.post(told, nil).is(409).says("Klarna knows this number already")
}
