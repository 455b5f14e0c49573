package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/carrier"
)

const carriers = "/administration/settings/carriers"

// carrier is a carrier of the house by its key.
func (h *house) carrier(key string) carrier.Carrier {
	h.t.Helper()
	table, err := h.carriers.List(h.t.Context())
	must(h.t, err)
	c, ok := table.Find(key)
	if !ok {
		h.t.Fatalf("there is no carrier %s", key)
	}
	return c
}

func carrierPath(c carrier.Carrier) string { return fmt.Sprintf("%s/%d", carriers, c.ID) }

func TestCarriersFromListToForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.get("/administration/settings").has(`a[href="` + carriers + `"]`)
	list := admin.get(carriers).is(http.StatusOK).says("Carriers", "DHL Packstation", "dhl-germany", "pallet, freight (PalletDelivery)")
	list.has(`a[href="` + carrierPath(h.carrier("dhl")) + `"]`).has(`a[href="` + carriers + `/new"]`)

	page := admin.get(carriers + "/new").is(http.StatusOK)
	last := h.carrier("logwin").Position
	if form := page.form(carriers + "/new"); form.Get("position") != fmt.Sprint(last+10) || form.Get("shipping_method") != "Home" || form.Get("active") != "on" {
		t.Errorf("a new carrier begins with %v", form)
	}
	admin.submit(page, carriers+"/new", url.Values{
		"key": {"kurier"}, "name": {"Kurier Meier"}, "code": {"Kurier Meier"}, "shipping_method": {"Own"}, "position": {"5"},
		"tracking_url": {"https://kurier.example/t/{number}"}, "patterns": {"KM\\d{6}\r\n"},
	}).redirects(t, carriers)
	c := h.carrier("kurier")
	if c.Name != "Kurier Meier" || c.ShippingMethod != "Own" || c.Position != 5 || !c.Active || c.Patterns != `KM\d{6}` {
		t.Errorf("%+v", c)
	}
	list = admin.get(carriers).says("Carrier “Kurier Meier” created.")
	if first := list.doc.Find("tbody th a").First().Text(); first != "Kurier Meier" {
		t.Errorf("position 5 comes after %s", first)
	}

	form := admin.get(carrierPath(c)).is(http.StatusOK).form(carrierPath(c))
	form.Del("active") // unticked
	form.Set("name", "Kurier Müller")
	admin.post(carrierPath(c), form).redirects(t, carriers)
	after := h.carrier("kurier")
	if after.Active || after.Name != "Kurier Müller" || after.Patterns != c.Patterns || after.TrackingURL != c.TrackingURL {
		t.Errorf("%+v", after)
	}
	admin.get(carriers).has("tr.inactive").says("Carrier “Kurier Müller” saved.")
	admin.get("/administration/log").says("Carrier created", "Carrier changed", "kurier", "Klarna's code")
}

func TestCarrierKeepsMissingFields(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, before := h.as(auth.Admin), h.carrier("dhl")
	admin.post(carrierPath(before), url.Values{"shipping_method": {""}}).redirects(t, carriers)
	after := h.carrier("dhl")
	if after.ShippingMethod != "" || after.Name != before.Name || after.Patterns != before.Patterns || !after.Active || after.Position != before.Position {
		t.Errorf("%+v", after)
	}
	admin.post(carriers+"/new", url.Values{"key": {"x"}, "name": {"X"}, "code": {"x"}}).redirects(t, carriers)
	if c := h.carrier("x"); !c.Active || c.ShippingMethod != carrier.Home {
		t.Errorf("%+v", c)
	}
}

func TestCarrierFormSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, dhl := h.as(auth.Admin), h.carrier("dhl")
	page := admin.get(carrierPath(dhl))
	a := admin.submit(page, carrierPath(dhl), url.Values{
		"key": {"DHL"}, "name": {"dpd"}, "code": {""}, "tracking_url": {"https://dhl.example"}, "patterns": {"\\d+\n(<b>"}, "position": {"oben"}, "shipping_method": {"Zeppelin"},
	}).is(http.StatusUnprocessableEntity)
	for name, want := range map[string]string{
		"key": "lower case", "name": "with the key “dpd”", "code": "required", "tracking_url": "{number} is missing", "patterns": "Line 2",
		"position": "whole number", "shipping_method": "Zeppelin",
	} {
		if got := a.fieldError(name); !strings.Contains(got, want) && name != "code" || got == "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if form := a.form(carrierPath(dhl)); form.Get("key") != "DHL" || form.Get("position") != "oben" || !strings.Contains(form.Get("patterns"), "(<b>") {
		t.Errorf("what was typed is lost: %v", form)
	}
	admin.get(carriers + "/4711").is(http.StatusNotFound)
	admin.get(carriers + "/x").is(http.StatusNotFound)
	if after := h.carrier("dhl"); after.ID != dhl.ID || after.Patterns != dhl.Patterns {
		t.Errorf("saved: %+v", after)
	}
}

func TestTryANumber(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, gls := h.as(auth.Admin), h.carrier("gls")
	admin.get(carriers + "?number=1Z999AA10123456784").says("1Z999AA10123456784 is a number of UPS").
		has(`a[href="https://www.ups.com/track?tracknum=1Z999AA10123456784"]`)
	admin.get(carriers+"?number=09133131530724").says("matches several", "Hermes", "DPD")
	admin.get(carriers + "?number=4711").says("no carrier matches")
	admin.get(carriers + "?number=" + url.QueryEscape(strings.Repeat("ä", 200))).is(http.StatusOK)

	page := admin.get(carrierPath(gls))
	typed := url.Values{"try": {"on"}, "number": {"GX1"}, "patterns": {`GX\d`}, "name": {"GLS neu"}}
	a := admin.submit(page, carrierPath(gls), typed).is(http.StatusOK).
		says("GX1 is a number of GLS neu", "none of it is saved").has(`a[href="https://gls-group.eu/DE/de/paketverfolgung?match=GX1"]`)
	if form := a.form(carrierPath(gls)); form.Get("patterns") != `GX\d` || form.Get("number") != "GX1" || form.Get("name") != "GLS neu" {
		t.Errorf("what was typed is lost: %v", form)
	}
	typed.Set("number", "364123734778") // a number of GLS, but not by this pattern
	admin.submit(page, carrierPath(gls), typed).says("no carrier matches", "The link would be:").
		has(`a[href="https://gls-group.eu/DE/de/paketverfolgung?match=364123734778"]`)
	typed.Set("patterns", "(")
	if got := admin.submit(page, carrierPath(gls), typed).is(http.StatusUnprocessableEntity).fieldError("patterns"); !strings.Contains(got, "Line 1") {
		t.Errorf("patterns: %q", got)
	}
	if after := h.carrier("gls"); after.Patterns != gls.Patterns || after.Name != gls.Name {
		t.Errorf("trying saved %+v", after)
	}
	fresh := admin.get(carriers + "/new")
	admin.submit(fresh, carriers+"/new", url.Values{"try": {"on"}, "number": {"N1"}, "patterns": {`N\d`}, "name": {"Neu"}}).is(http.StatusOK).says("N1 is a number of Neu")
}

func TestRecogniseForScripts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	for number, want := range map[string]string{
		"00340434161094042557": `{"carriers":[{"key":"dhl","name":"DHL","code":"dhl-germany","tracking_url":"https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=00340434161094042557"}]}`,
		"4711":                 `{"carriers":[]}`,
		"":                     `{"carriers":[]}`,
	} {
		a := shipping.get("/dispatch/recognise?number=" + url.QueryEscape(number)).is(http.StatusOK)
		if got := strings.TrimSpace(a.Body.String()); got != want || !strings.HasPrefix(a.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", number, got)
		}
	}
	var several struct{ Carriers []struct{ Key string } }
	must(t, json.Unmarshal(shipping.get("/dispatch/recognise?number=0913-3131.530724").Body.Bytes(), &several))
	if len(several.Carriers) != 2 || several.Carriers[0].Key != "hermes" {
		t.Errorf("%+v", several)
	}
}

// Without JavaScript the server recognises the carrier of a number that is recorded.
func TestParcelWithoutCarrier(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shipping := h.as(auth.Shipping)
	h.method()
	o := h.small(nil)
	a := shipping.post(parcelsPath(o), url.Values{"tracking_number": {"09133131530724"}}).is(http.StatusUnprocessableEntity)
	if got := a.fieldError("carrier"); !strings.Contains(got, "Hermes, DPD") {
		t.Errorf("carrier: %q", got)
	}
	shipping.post(parcelsPath(o), url.Values{"tracking_number": {"00340434161094042557"}}).redirects(t, fmt.Sprintf("/orders/%d", o.ID))
	shipping.get(fmt.Sprintf("/orders/%d", o.ID)).says("DHL 00340434161094042557")
}
