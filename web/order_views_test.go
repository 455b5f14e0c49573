package web_test

import (
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
)

func TestSavedViews(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(6457)
	c, other := h.as(auth.Viewer), h.as(auth.Shipping)
	if c.get("/orders").doc.Find("#save-view").Length() != 0 {
		t.Error("a list of all can be saved")
	}
	const filtered = "/orders?q=Max&status=released"
	a := c.get("/orders?status=released&cursor=99&q=Max&nothing=1&feedback=").has("#save-view:not([open])")
	c.get(filtered + "&dialog=save-view").has("#save-view[open]")
	c.submit(a, "/orders/views", url.Values{"name": {" Mine "}}).redirects(t, filtered)

	a = c.get(filtered).has(`main nav a[aria-current][href="`+filtered+`"]`).says("Mine", o.Number)
	if n := a.doc.Find("main nav a[aria-current]").Length(); n != 1 || a.doc.Find("#save-view").Length() != 0 {
		t.Errorf("%d tabs are current", n)
	}
	c.get("/orders").has(`main nav a[href="` + filtered + `"]:not([aria-current])`)
	if strings.Contains(other.get("/orders").text(), "Mine") {
		t.Error("it is shown to others")
	}

	// What can't be: the list again, with what was typed.
	again := c.get("/orders?status=draft")
	for name, want := range map[string]string{"Mine": "You have a view of this name already.", "": "Please fill this in."} {
		bad := c.submit(again, "/orders/views", url.Values{"name": {name}}).is(422).has("#save-view[open]").says(want).has(".chip")
		if got := bad.doc.Find("#save-view-name").AttrOr("value", ""); got != name {
			t.Errorf("%q is shown as %q", name, got)
		}
	}
	c.submit(again, "/orders/views", url.Values{"name": {"Drafts"}}).redirects(t, "/orders?status=draft")

	rename := a.doc.Find("#rename-view form[method=post]").AttrOr("action", "")
	bad := c.submit(a, rename, url.Values{"name": {"Drafts"}}).is(422).has("#rename-view[open]").says("You have a view of this name already.")
	if got := bad.doc.Find("#rename-view-name").AttrOr("value", ""); got != "Drafts" {
		t.Errorf("it shows %q", got)
	}
	other.post(rename, url.Values{"name": {"Theirs"}}).is(404)
	c.submit(a, rename, url.Values{"name": {"Renamed"}}).redirects(t, filtered)
	a = c.get(filtered).says("Renamed")

	gone := a.doc.Find("#delete-view form[method=post]").AttrOr("action", "")
	other.post(gone, nil).is(404)
	c.submit(a, gone, nil).redirects(t, filtered)
	if strings.Contains(c.get("/orders").text(), "Renamed") {
		t.Error("it is still there")
	}
	c.post(gone, nil).is(404)
}
