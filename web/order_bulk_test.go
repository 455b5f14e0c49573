package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

func draft(in *order.Input) { in.Status = order.Draft }

// select sends the form of the list with these orders ticked.
func (c *client) choose(a *answer, action string, orders ...*order.Order) *answer {
	c.t.Helper()
	changes := url.Values{"action": {action}}
	for _, o := range orders {
		a.has(fmt.Sprintf(`tr[data-row] input[name=id][value="%d"]`, o.ID))
		changes.Add("id", fmt.Sprint(o.ID))
	}
	return c.submit(a, "/orders/bulk", changes)
}

// follow goes where an answer leads.
func (c *client) follow(a *answer) *answer {
	c.t.Helper()
	if a.Code != 303 {
		c.t.Fatalf("%s: status %d: %s", a.path, a.Code, a.text())
	}
	return c.get(a.Header().Get("Location"))
}

// A selection with a cancelled order in it: the preview says what would happen, then
// each row what did.
func TestReleaseASelection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	one, two, released, cancelled := h.newOrder(draft), h.newOrder(draft), h.order(100), h.order(200)
	must(t, h.dispatch.Cancel(t.Context(), cancelled.ID, "Erika Beispiel"))

	a := c.follow(c.choose(c.get("/orders"), "release", one, two, released, cancelled)).is(200)
	a.says("Preview", "To do: 2 · Unchanged: 1 · Refused: 1", "Order "+cancelled.Number+" is cancelled.", "Order "+released.Number+" is no draft any more.")
	if o, err := h.orders.Find(t.Context(), one.ID); err != nil || o.Status != order.Draft {
		t.Errorf("a preview made it %s (%v)", o.Status, err)
	}
	page := a.path
	c.submit(a, page+"/start", nil).redirects(t, page)
	h.settle()
	c.get(page).says("Done: 2 · Unchanged: 1 · Refused: 1")
	for o, want := range map[*order.Order]order.Status{one: order.Released, two: order.Released, released: order.Released, cancelled: order.Cancelled} {
		if now, err := h.orders.Find(t.Context(), o.ID); err != nil || now.Status != want {
			t.Errorf("order %s is %s, want %s (%v)", o.Number, now.Status, want, err)
		}
	}
	c.get(orderAddress(one.ID)).says("Order released", "shipping@example.com")
}

// Shipping without a number is asked about, and Klarna is told.
func TestShipAndResendASelection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	good := h.order(6457)
	bad := h.newOrder(func(in *order.Input) { in.KlarnaOrderID = "11111111-2222-4333-8444-555555555555" })
	a := c.follow(c.choose(c.get("/orders"), "ship", good, bad))
	a.says("Ship these without a tracking number?", "Klarna is told, without a tracking number.", "Ship 2 orders without a number")
	c.submit(a, a.path+"/start", nil).is(303)
	h.settle()
	c.get(a.path).says("Done: 2")
	for o, want := range map[*order.Order]order.Feedback{good: order.FeedbackConfirmed, bad: order.FeedbackFailed} {
		if now, err := h.orders.Find(t.Context(), o.ID); err != nil || now.Feedback != want {
			t.Errorf("order %s: %s, want %s (%v)", o.Number, now.Feedback, want, err)
		}
	}
	a = c.follow(c.choose(c.get("/orders"), "resend", good, bad))
	a.says("To do: 1 · Unchanged: 1", "There is nothing that could be sent again.", "It is sent to Klarna again.")
	c.submit(a, a.path+"/start", nil).is(303)
	h.settle()
	c.get(a.path).says("Done: 1 · Unchanged: 1").has(`a[href="/orders?feedback=failed"]`)
}

// Autoship of a selection is prepared as any other run.
func TestAutoshipASelection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	can := h.newOrder(func(in *order.Input) { in.AutoShip, in.KlarnaOrderID = true, "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10" })
	cancelled := h.order(100)
	must(t, h.dispatch.Cancel(t.Context(), cancelled.ID, "Erika Beispiel"))
	a := c.follow(c.choose(c.get("/orders"), "autoship", can, cancelled)).says("Autoship", "To do: 1 · Unchanged: 0 · Refused: 1")
	c.submit(a, a.path+"/start", nil).is(303)
	h.settle()
	c.get(a.path).says("Done: 1 · Unchanged: 0 · Refused: 1")
	o, err := h.orders.Find(t.Context(), can.ID)
	must(t, err)
	if len(o.Notes) != 1 || o.Notes[0].ShippedAt != nil {
		t.Errorf("%+v", o.Notes)
	}
}

// All orders of a view are taken, also those on other pages, and no others.
func TestAllOfAView(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.method()
	c := h.as(auth.Shipping)
	h.plainOrders(m, 130, func(i int, o *order.Order) {
		if i%2 == 0 {
			o.Status = order.Draft
		}
	})
	a := c.get("/orders?status=draft").says("All 65 orders of this view")
	b := c.follow(c.submit(a, "/orders/bulk", url.Values{"action": {"release"}, "all": {"on"}, "id": {a.doc.Find("input[name=id]").First().AttrOr("value", "")}}))
	b.says("To do: 65")
	c.submit(b, b.path+"/start", nil).is(303)
	h.settle()
	c.get(b.path).says("Done: 65 · Unchanged: 0 · Refused: 0")
	c.get("/orders?status=draft").says("No order matches")
	if got := c.get("/orders?status=draft&q=nothing").doc.Find("input[name=all]").Length(); got != 0 {
		t.Error("a view of one page offers all pages")
	}
}

func TestSelectionsThatCantBe(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.method()
	c := h.as(auth.Shipping)
	h.plainOrders(m, 60, nil)
	one := h.order(100)
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		text   string
	}{
		"nothing selected": {url.Values{"action": {"release"}, "list": {"status=released"}}, 422, "Please select at least one order."},
		"no such action":   {url.Values{"action": {"burn"}, "id": {fmt.Sprint(one.ID)}}, 422, "This can't be done with a selection."},
		"no action":        {url.Values{"id": {fmt.Sprint(one.ID)}}, 422, "This can't be done with a selection."},
		"no such order":    {url.Values{"action": {"release"}, "id": {"999999"}}, 409, "Please select at least one order."},
		"an odd filter":    {url.Values{"action": {"release"}, "all": {"on"}, "list": {"min=much"}}, 422, "A filter can't be read."},
		"all of nothing":   {url.Values{"action": {"release"}, "all": {"on"}, "list": {"q=nobody"}}, 409, "Please select at least one order."},
	} {
		a := c.post("/orders/bulk", tc.form).is(tc.status).says(tc.text)
		if name == "nothing selected" {
			a.has(".chip").has(`input[name=list][value="status=released"]`)
		}
	}
	c.post("/orders/bulk", url.Values{"action": {"release"}, "id": {"x"}}).is(400)
	c.get("/batches").says("Nothing yet")
	viewer := h.as(auth.Viewer)
	if viewer.get("/orders").doc.Find("input[name=id], form[action='/orders/bulk']").Length() != 0 {
		t.Error("who may not act selects")
	}
}

// plainOrders makes many orders at once that differ by change.
func (h *house) plainOrders(m *paymentmethod.Method, n int, change func(i int, o *order.Order)) []order.Order {
	h.t.Helper()
	orders := make([]order.Order, n)
	for i := range orders {
		orders[i] = order.Order{Number: fmt.Sprint("N", i), Status: order.Released, PlacedAt: noon, PaymentMethodID: m.ID, Currency: "EUR", Total: 123456,
			CustomerName: "Max Muster", Country: "DE", Documents: paymentmethod.DeliveryNoteOnly, TellKlarna: true,
			Feedback: order.FeedbackWaiting, CreatedAt: noon, UpdatedAt: noon}
		if change != nil {
			change(i, &orders[i])
		}
	}
	must(h.t, h.db.InTx(h.t.Context(), func(tx *gorm.DB) error {
		return tx.Omit("PaymentMethod").CreateInBatches(orders, store.Batch).Error
	}))
	return orders
}

func TestExport(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Viewer)
	o := h.newOrder(func(in *order.Input) {
		in.Number, in.ExternalNumber, in.CustomerName, in.CustomerEmail = "A1", "SHOP-4711", `=HYPERLINK("http://x")`, "max@example.com"
		in.KlarnaOrderID, in.Currency, in.PlacedAt = "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10", "EUR", time.Date(2026, 11, 2, 23, 30, 0, 0, time.UTC)
		in.Total, in.Lines = 123456, []order.LineInput{{Name: "Teekanne", Type: order.Physical, Quantity: money.One, UnitPrice: 123456, TaxRate: 1900, Total: 123456}}
	})
	for _, number := range []string{"0034-1", "0034-2"} {
		_, err := h.dispatch.RecordParcel(t.Context(), o.ID, dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: number}, "Erika Beispiel")
		must(t, err)
	}
	h.newOrder(func(in *order.Input) { in.Number = "A2" })

	for language, want := range map[string]string{
		"en": "Order,External number,Date,Customer,E-mail,Country,Payment method,Status,Total,Currency,Feedback,Klarna order id,Delivery notes,Tracking numbers,Paid,Shipped on\r\n" +
			`A1,SHOP-4711,2026-11-03,"'=HYPERLINK(""http://x"")",max@example.com,DE,Klarna,Shipped,1234.56,EUR,Being told,3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10,300001,"0034-1, 0034-2",Yes,2026-11-03 12:00` + "\r\n",
		"de": "Auftrag;Externe Nummer;Datum;Kunde;E-Mail;Land;Zahlungsweise;Status;Summe;Währung;Rückmeldung;Klarna-Auftragsnummer;Lieferscheine;Trackingnummern;Bezahlt;Versendet am\r\n" +
			`A1;SHOP-4711;2026-11-03;"'=HYPERLINK(""http://x"")";max@example.com;DE;Klarna;Versendet;1234,56;EUR;Wird gemeldet;3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10;300001;0034-1, 0034-2;Ja;2026-11-03 12:00` + "\r\n",
	} {
		c.header.Set("Accept-Language", language)
		a := c.get("/orders/export.csv?q=A1").is(200)
		if got := strings.TrimPrefix(a.Body.String(), "\ufeff"); got != want || len(got) == a.Body.Len() {
			t.Errorf("%s:\n%q, want\n%q", language, got, want)
		}
		if got := a.Header().Get("Content-Type"); got != "text/csv; charset=utf-8" {
			t.Error(got)
		}
	}
	c.get("/orders?q=A1").has(`a[href="/orders/export.csv?q=A1"]`)
	if got := c.get("/orders/export.csv?q=nobody").Body.String(); strings.Count(got, "\r\n") != 1 {
		t.Errorf("nothing: %q", got)
	}
	c.get("/orders/export.csv?min=much").is(422)
}

// 2,000 orders arrive in pieces, none twice and none missing.
func TestALargeExportIsStreamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.plainOrders(h.method(), 2000, nil)
	c := h.as(auth.Viewer)
	r := httptest.NewRequest("GET", "/orders/export.csv", nil)
	for _, k := range c.cookies {
		r.AddCookie(k)
	}
	w := &pieces{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(w, r)
	if w.flushed < 4 {
		t.Errorf("sent in %d pieces", w.flushed)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.Body.String(), "\ufeff"))).ReadAll()
	must(t, err)
	if len(rows) != 2001 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows[1:] {
		if want := fmt.Sprint("N", 1999-i); row[0] != want {
			t.Fatalf("row %d is %s, want %s", i, row[0], want)
		}
	}
}

// pieces counts how often something was sent.
type pieces struct {
	*httptest.ResponseRecorder
	flushed int
}

func (p *pieces) Flush() { p.flushed++ }

// An export that can't go on is cut off, so that nobody takes it for a whole one.
func TestABrokenExportIsCutOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.plainOrders(h.method(), 600, nil)
	c := h.as(auth.Viewer)
	r := httptest.NewRequest("GET", "/orders/export.csv", nil)
	for _, k := range c.cookies {
		r.AddCookie(k)
	}
	defer func() {
		if recover() == nil {
			t.Error("the connection stays")
		}
		if !strings.Contains(h.log.String(), "send a table") {
			t.Error("nothing stands in the log")
		}
	}()
	h.ServeHTTP(&lost{httptest.NewRecorder()}, r)
}

// lost is a reader who has gone.
type lost struct{ *httptest.ResponseRecorder }

func (lost) Write([]byte) (int, error) { return 0, fmt.Errorf("broken pipe") }

// From an order to the next one of the list that somebody came from.
func TestNeighboursOfAnOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	var orders []*order.Order
	for n := range 5 {
		orders = append(orders, h.newOrder(func(in *order.Input) {
			if n%2 == 1 {
				in.Status = order.Draft
			}
		}))
	}
	around := func(a *answer, newer, older *order.Order) {
		t.Helper()
		for rel, o := range map[string]*order.Order{"prev": newer, "next": older} {
			link := a.doc.Find("main .page-head a[rel=" + rel + "]")
			switch {
			case o == nil && link.Length() != 0:
				t.Errorf("%s: %s leads to %s", a.path, rel, link.Text())
			case o != nil && !strings.Contains(link.Text(), o.Number):
				t.Errorf("%s: %s leads to %q, want %s", a.path, rel, link.Text(), o.Number)
			}
		}
	}
	around(c.get(orderAddress(orders[2].ID)), orders[3], orders[1])
	around(c.get(orderAddress(orders[0].ID)), orders[1], nil)

	a := c.get("/orders?status=released")
	href := a.doc.Find(fmt.Sprintf(`tr[data-row] a[href^="/orders/%d?"]`, orders[2].ID)).AttrOr("href", "")
	a = c.get(href)
	around(a, orders[4], orders[0])
	a.has(`nav a[href="/orders?status=released"]`) // the way back
	around(c.get(a.doc.Find(".page-head a[rel=prev]").AttrOr("href", "")), nil, orders[2])
	around(c.get(orderAddress(orders[2].ID)+"/minidetail?list=status%3Dreleased"), orders[4], orders[0])

	// An action keeps the place in the list.
	c.header.Set("Referer", "http://127.0.0.1:8080"+href)
	c.post(orderAddress(orders[2].ID)+"/dont-tell", url.Values{"reason": {"cash"}}).redirects(t, href)
	around(c.post(orderAddress(orders[2].ID)+"/dont-tell", url.Values{}).is(422), orders[4], orders[0])
	c.header.Set("Referer", "http://[")
	c.post(orderAddress(orders[2].ID)+"/undo-dont-tell", nil).redirects(t, orderAddress(orders[2].ID))
	c.header.Del("Referer")
	around(c.get(orderAddress(orders[2].ID)+"?list=%25zz%26status%3Dlost"), orders[3], orders[1])
}

func TestExpiringOrders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.plainOrders(h.method(), 3, func(i int, o *order.Order) {
		at := noon.AddDate(0, 0, 5*(i+1))
		o.ExpiresAt = &at
	})
	c := h.as(auth.Viewer)
	for query, want := range map[string]int{"expires_within=7": 1, "expires_within=14": 2, "": 3, "expires_within=0": 3, "expires_within=x": 3, "expires_within=9999": 3} {
		a := c.get("/orders?" + query)
		if n := len(a.rows()); n != want {
			t.Errorf("%s: %d orders, want %d", query, n, want)
		}
		if chip := a.doc.Find(".chip").Length() == 1; chip != (want < 3) {
			t.Errorf("%s: a chip: %t", query, chip)
		}
	}
	c.get("/orders?expires_within=7").says("Authorisation ends within 7 days")
	if got := c.get("/orders?expires_within=x").fieldError("expires_within"); got != "“x” is not possible here." {
		t.Error(got)
	}
}
