package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/order"
	"zahlwerk/views"
	"zahlwerk/web"
)

func orderAddress(id int64) string { return fmt.Sprintf("/orders/%d", id) }

// inGerman makes a reader of German.
func (c *client) inGerman() *client {
	c.header.Set("Accept-Language", "de")
	return c
}

// fragment asks for the part of a page that a script asks for.
func (c *client) fragment(path string) *answer {
	c.t.Helper()
	c.header.Set("X-Fragment", "1")
	defer c.header.Del("X-Fragment")
	return c.get(path)
}

func TestEmptyListsSayWhatIsNext(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Shipping)
	c.get("/orders").is(200).says("No payment method yet")
	h.method()
	c.get("/orders").is(200).says("No orders yet", "New order")
	h.order(6457)
	c.get("/orders?q=nobody").is(200).says("No order matches", "Search nobody").has(`.empty a[href="/orders"]`)
}

func TestTheListIsFiltered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	small, large := h.order(499), h.order(123456)
	c := h.as(auth.Viewer)
	tests := map[string]struct {
		query string
		want  []string
		chip  string
	}{
		"all":                {"", []string{large.Number, small.Number}, ""},
		"search":             {"q=" + small.Number, []string{small.Number}, "Search"},
		"Klarna's id":        {"q=" + large.KlarnaOrderID, []string{large.Number}, "Search"},
		"status":             {"status=released", []string{large.Number, small.Number}, "Status"},
		"another status":     {"status=draft", nil, "Status"},
		"feedback":           {"feedback=waiting", []string{large.Number, small.Number}, "Feedback"},
		"payment method":     {"payment_method=klarna", []string{large.Number, small.Number}, "Payment method"},
		"amount from":        {"min=1,000.00", []string{large.Number}, "Amount from"},
		"amount up to":       {"max=5", []string{small.Number}, "Amount up to"},
		"day":                {"from=2026-11-03&until=2026-11-03", []string{large.Number, small.Number}, "Date from"},
		"the day before":     {"until=2026-11-02", nil, "Date until"},
		"unknown status":     {"status=lost", []string{large.Number, small.Number}, ""},
		"unknown feedback":   {"feedback=lost", []string{large.Number, small.Number}, ""},
		"no such method":     {"payment_method=lost", []string{large.Number, small.Number}, ""},
		"no day":             {"from=3.11.", []string{large.Number, small.Number}, ""},
		"no amount":          {"min=much", []string{large.Number, small.Number}, ""},
		"no cursor":          {"cursor=x&after=-1", []string{large.Number, small.Number}, ""},
		"the oldest reached": {"cursor=1", nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := c.get("/orders?" + tt.query).is(200)
			var got []string
			for _, row := range a.doc.Find("tr[data-row] td:nth-child(2) a").EachIter() {
				got = append(got, row.Text())
			}
			if strings.Join(got, " ") != strings.Join(tt.want, " ") {
				t.Errorf("%s shows %v, want %v", tt.query, got, tt.want)
			}
			if chip := a.doc.Find(".chip-label").First().Text(); chip != tt.chip {
				t.Errorf("%s: chip %q, want %q", tt.query, chip, tt.chip)
			}
		})
	}
	for name, want := range map[string]string{
		"status=lost": "“lost” is not possible here.", "feedback=lost": "“lost” is not possible here.", "payment_method=lost": "“lost” is not possible here.",
		"from=3.11.": "Please give a date.", "min=much": "Please enter an amount such as 1,234.56.",
	} {
		field, _, _ := strings.Cut(name, "=")
		if got := c.get("/orders?" + name).fieldError(field); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestTheListIsTurnedOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	for range 51 {
		h.order(100)
	}
	c := h.as(auth.Viewer)
	first := c.get("/orders?status=released")
	if n := first.doc.Find("tr[data-row]").Length(); n != 50 {
		t.Errorf("%d orders on the first page, want 50", n)
	}
	older := first.doc.Find(`a[rel=next]`).AttrOr("href", "")
	second := c.get(older).is(200)
	if n := second.doc.Find("tr[data-row]").Length(); n != 1 {
		t.Errorf("%d orders on the second page, want 1", n)
	}
	second.has(`.chip`)
	newer := second.doc.Find(`a[rel=prev]`).AttrOr("href", "")
	if back := c.get(newer); back.doc.Find("tr[data-row]").Length() != 50 || back.doc.Find(`a[rel=prev]`).Length() != 0 {
		t.Errorf("the way back leads to %s", back.text())
	}
	if href := second.doc.Find(".tabs a").Eq(1).AttrOr("href", ""); strings.Contains(href, "cursor") {
		t.Errorf("another filter keeps the place in the list: %s", href)
	}
}

func TestOpenFeedbackIsCounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	c.post(orderAddress(o.ID)+"/parcels", url.Values{"carrier": {"DHL"}, "tracking_number": {"0034"}}).is(303)
	c.get("/orders").says("Being told 1")
	h.settle()
	c.get("/orders?feedback=confirmed").has("tr[data-row]").says("Confirmed")
}

// TestEveryScreen looks at each screen, in both languages, in many states; the client
// checks the pages.
func TestEveryScreen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	clerk := h.as(auth.Admin)
	o := h.order(6457)
	draft := h.newOrder(func(in *order.Input) { in.Status = order.Draft })
	cancelled := h.order(200)
	clerk.post(orderAddress(cancelled.ID)+"/cancel", nil).is(303)
	silent := h.order(300)
	clerk.post(orderAddress(silent.ID)+"/dont-tell", url.Values{"reason": {"Barzahlung"}}).is(303)
	failed := h.newOrder(func(in *order.Input) { in.KlarnaOrderID = "11111111-2222-4333-8444-555555555555" })
	for _, one := range []*order.Order{o, failed} {
		clerk.post(orderAddress(one.ID)+"/parcels", url.Values{"carrier": {"DHL"}, "tracking_number": {"0034" + one.Number}}).is(303)
	}
	check := func() {
		for _, c := range []*client{clerk, clerk.inGerman()} {
			for _, one := range []*order.Order{o, draft, cancelled, silent, failed} {
				c.get(orderAddress(one.ID)).is(200).says(one.Number)
				c.get(orderAddress(one.ID) + "/minidetail").is(200)
				c.fragment(orderAddress(one.ID)).is(200)
				c.fragment(orderAddress(one.ID) + "/minidetail").is(200)
			}
			for _, dialog := range []string{"ship", "cancel", "dont-tell"} {
				c.get(orderAddress(draft.ID) + "?dialog=" + dialog).is(200)
			}
			c.get("/orders").is(200)
			c.get("/orders/new").is(200)
		}
		clerk.header.Set("Accept-Language", "en")
	}
	check()
	h.settle()
	check()
	clerk.get(orderAddress(failed.ID)).says("Klarna feedback failed: Klarna does not know this order").has(`a.external[href*="portal.playground.klarna.com"]`)
}

// newOrder makes an order that Klarna does not know.
func (h *house) newOrder(change func(in *order.Input)) *order.Order {
	h.t.Helper()
	in := order.Input{
		PaymentMethod: "klarna", Currency: "EUR", Total: 6457, CustomerName: "Max Muster", CustomerEmail: "max@example.com",
		BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines: []order.LineInput{
			{SKU: "T-1", Name: "Teekanne", Type: order.Physical, Quantity: 2000, UnitPrice: 2979, TaxRate: 1900, Total: 5958},
			{Name: "Versand", Type: order.ShippingFee, Quantity: 1000, UnitPrice: 499, TaxRate: 1900, Total: 499},
		},
	}
	if change != nil {
		change(&in)
	}
	o, _, err := h.orders.Create(h.t.Context(), in, "Erika Beispiel")
	must(h.t, err)
	return o
}

func TestAnOrderThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Admin)
	for _, id := range []string{"1", "0", "-1", "abc", "99999999999999999999"} {
		c.get("/orders/" + id).is(404)
		c.get("/orders/" + id + "/minidetail").is(404)
		for _, action := range []string{"parcels", "delivery-notes", "ship", "done-by-hand", "undo-done-by-hand", "release", "resend", "cancel",
			"uncancel", "dont-tell", "undo-dont-tell", "read-at-klarna", "amend", "mark-paid", "parcels/1/remove"} {
			form := url.Values{"carrier": {"DHL"}, "tracking_number": {"0034"}, "reason": {"x"}, "without_tracking": {"on"}}
			c.post("/orders/"+id+"/"+action, form).is(404)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(6457)
	cancel, paid := `[data-dialog=cancel]`, fmt.Sprintf(`form[action="%s/mark-paid"]`, orderAddress(o.ID))
	for role, want := range map[auth.Role]struct{ acts, marksPaid bool }{
		auth.Viewer: {}, auth.Shipping: {acts: true}, auth.Accounting: {marksPaid: true}, auth.Admin: {true, true},
	} {
		a := h.as(role).get(orderAddress(o.ID)).is(200)
		if got := a.doc.Find(cancel).Length() > 0; got != want.acts {
			t.Errorf("%s sees the actions: %t, want %t", role, got, want.acts)
		}
		if got := a.doc.Find(paid+" button[type=submit]").Length() > 0; got != want.marksPaid {
			t.Errorf("%s may mark as paid: %t, want %t", role, got, want.marksPaid)
		}
		if role == auth.Shipping {
			a.says("Accounting or administration may do that.")
		}
	}
}

func TestThePageWaitsForKlarnasAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(6457)
	c.get(orderAddress(o.ID)).says("not yet shipped!", "Not shipped yet.")
	if n := c.get(orderAddress(o.ID)).doc.Find("[data-refresh-active]").Length(); n != 0 {
		t.Error("the page asks for news although nothing is on its way")
	}
	c.post(orderAddress(o.ID)+"/parcels", url.Values{"carrier": {"DHL"}, "tracking_number": {"0034 0434"}}).redirects(t, orderAddress(o.ID))
	waiting := c.get(orderAddress(o.ID)).says("Klarna is being told right now.", "already shipped!", "Tracking number 0034 0434 recorded on delivery note 300001.")
	waiting.has("[data-refresh-active]").has(fmt.Sprintf(`a[href="%s"]`, orderAddress(o.ID)))
	h.settle()
	part := c.fragment(orderAddress(o.ID))
	if part.doc.Find("html head title").Length() != 0 || part.Header().Get("Vary") != "X-Fragment" {
		t.Errorf("the part of the page is a page, or does not vary: %s", part.Body)
	}
	if part.doc.Find("[data-refresh-active]").Length() != 0 {
		t.Error("the page goes on asking after the answer")
	}
	there, _ := h.sandbox.Order(o.KlarnaOrderID)
	part.says("Klarna feedback OK: capture "+there.Captures[0].ID+" – €64.57 – DHL 0034 0434", "Confirmed")
	c.inGerman().fragment(orderAddress(o.ID)+"/minidetail").
		says("Klarna Rückmeldung OK: Capture "+there.Captures[0].ID+" – 64,57 € – DHL 0034 0434", "Versand: Bereits versendet!", "Idempotenz-Schlüssel", `"captured_amount":6457`)
}

func TestThePortalOfTheDemoIsTheSandbox(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *web.Config, d *web.Deps) {
		c.Environment = views.EnvironmentDemo
		d.Sandbox = http.NotFoundHandler()
	})
	h.method()
	o := h.order(6457)
	h.as(auth.Viewer).get(orderAddress(o.ID)).has(fmt.Sprintf(`a.external[href="/sandbox/orders/%s"]`, o.KlarnaOrderID))
}
