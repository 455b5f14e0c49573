package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// owed makes an order with an invoice that nobody has paid, of a method that is paid for
// after delivery.
func (h *house) owed(change func(in *order.Input)) *document.Invoice {
	h.t.Helper()
	if _, err := paymentmethod.FindByType(h.db.Read(h.t.Context()), "rechnung"); err != nil {
		in := paymentmethod.Defaults(paymentmethod.ModuleNone)
		in.Name, in.Type = "Rechnung", "rechnung"
		_, err := h.methods.Create(h.t.Context(), in, "test")
		must(h.t, err)
	}
	o := h.small(func(in *order.Input) {
		in.PaymentMethod = "rechnung"
		if change != nil {
			change(in)
		}
	})
	var inv *document.Invoice
	must(h.t, h.db.InTx(h.t.Context(), func(tx *gorm.DB) error {
		locked, err := order.Lock(tx, o.ID)
		if err == nil {
			inv, _, err = h.documents.CreateInvoice(tx, locked, "test")
		}
		return err
	}))
	return inv
}

func itemPath(inv *document.Invoice) string { return fmt.Sprintf("/accounting/dunning/%d", inv.ID) }

// overdue moves the clock until an invoice is overdue for some days; log-ins end on the
// way.
func (h *house) overdue(c *client, inv *document.Invoice, days int) {
	h.t.Helper()
	h.clock.Advance(inv.PayBy.Sub(h.clock.Now()) + time.Duration(days)*24*time.Hour)
	c.logIn(emailOf(auth.Accounting))
}

func TestOpenItemsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	c.get("/accounting/dunning").is(http.StatusOK).says("No open items").has(`nav a[href="/accounting/dunning"][aria-current="page"]`)

	first := h.owed(nil)
	h.clock.Advance(24 * time.Hour)
	c.logIn(emailOf(auth.Accounting))
	second := h.owed(func(in *order.Input) { in.CustomerName = "Erika Beispiel" })
	a := c.get("/accounting/dunning").is(http.StatusOK).says(first.Number, second.Number, "2 open items", "€129.14", "Not yet due")
	a.has(fmt.Sprintf(`a[href="/orders/%d"]`, first.OrderID)).has(fmt.Sprintf(`a[href="%s"]`, itemPath(first)))
	if a.doc.Find(`button[name="only"]`).Length() > 0 {
		t.Error("nothing is due, but a reminder is offered")
	}
	a = c.get("/accounting/dunning?q=erika").says(second.Number, "One open item")
	if strings.Contains(a.text(), first.Number) {
		t.Error("the search shows all")
	}
	c.get("/accounting/dunning?q=nobody").says("No open item found")
	c.get("/accounting/dunning?show=to_remind").says("Nobody to remind")
	c.get("/accounting/dunning?show=nonsense&after=x&before=-&q=%00").is(http.StatusOK)

	h.overdue(c, first, 5)
	a = c.get("/accounting/dunning?show=to_remind").says("Overdue 5 days", "Overdue 4 days", "Remind", "To be reminded 2", "Overdue 2")
	a.has(fmt.Sprintf(`button[name="only"][value="%d"]`, first.ID))
	if !strings.Contains(a.doc.Find(".tabs").Text(), "All open") {
		t.Error("no tabs")
	}
}

func TestRemindOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	inv := h.owed(nil)
	c.post("/accounting/dunning/remind", url.Values{"only": {fmt.Sprint(inv.ID)}}).is(http.StatusConflict).says("is not overdue")
	h.overdue(c, inv, 1)
	c.post("/accounting/dunning/remind", url.Values{"only": {fmt.Sprint(inv.ID)}}).is(http.StatusConflict).says("Payment reminder is due in 2 days")
	c.get(itemPath(inv)).says("Payment reminder is due in 2 days")

	h.overdue(c, inv, 4)
	a := c.get(itemPath(inv)).is(http.StatusOK).says("Overdue 4 days", "Make Payment reminder")
	c.submit(a, "/accounting/dunning/remind", nil).redirects(t, itemPath(inv))
	a = c.get(itemPath(inv)).says("500001", "Payment reminder", "€0.00")
	letter := a.doc.Find(`.table a[href*="letters"]`).AttrOr("href", "")
	pdf := c.get(letter).is(http.StatusOK)
	if pdf.Header().Get("Content-Type") != "application/pdf" || !bytes.HasPrefix(pdf.Body.Bytes(), []byte("%PDF")) ||
		!strings.Contains(pdf.Header().Get("Content-Disposition"), "500001") {
		t.Errorf("the letter: %v, %.10s", pdf.Header(), pdf.Body.String())
	}
	if again := c.get(letter); !bytes.Equal(again.Body.Bytes(), pdf.Body.Bytes()) {
		t.Error("a reprint has other bytes")
	}
	c.get(fmt.Sprintf("/orders/%d", inv.OrderID)).says("Payment reminder 500001 made for invoice " + inv.Number)
	c.header.Set("Accept-Language", "de")
	c.get(fmt.Sprintf("/orders/%d", inv.OrderID)).says("Zahlungserinnerung 500001 zu Rechnung " + inv.Number + " erstellt")
	c.get("/accounting/dunning/letters?reminder=999").is(http.StatusNotFound)
	c.get("/accounting/dunning/letters").is(http.StatusNotFound)
	c.get("/accounting/dunning/999").is(http.StatusNotFound)
}

func TestRemindSelection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	first, second, late := h.owed(nil), h.owed(nil), h.owed(nil)
	must(t, h.dispatch.MarkPaid(t.Context(), late.OrderID, true, "test"))
	h.overdue(c, first, 10)
	c.post("/accounting/dunning/remind", url.Values{"show": {"overdue"}}).is(http.StatusUnprocessableEntity).says("Please select", first.Number)

	a := c.get("/accounting/dunning")
	selection := url.Values{"invoice": {fmt.Sprint(first.ID), fmt.Sprint(second.ID), fmt.Sprint(late.ID), "999", "x"}}
	a = c.submit(a, "/accounting/dunning/remind", selection)
	if a.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %s", a.Code, a.text())
	}
	a = c.get(a.Header().Get("Location")).is(http.StatusOK).
		says("2 reminders made, 1 refused", "Payment reminder 500001", "Payment reminder 500002", late.Number, "marked as paid in advance", "All 2 letters in one PDF")
	pdf := c.get(a.doc.Find(`.page-head a[href*="letters"]`).AttrOr("href", "")).is(http.StatusOK)
	if !bytes.HasPrefix(pdf.Body.Bytes(), []byte("%PDF")) || !strings.Contains(pdf.Header().Get("Content-Disposition"), "reminders.pdf") {
		t.Errorf("the letters: %v", pdf.Header())
	}

	// The same again reminds nobody twice.
	a = c.post("/accounting/dunning/remind", selection)
	c.get(a.Header().Get("Location")).says("0 reminders made, 3 refused", "First notice is due in 10 days")
}

func TestHoldReminders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	inv := h.owed(nil)
	h.overdue(c, inv, 10)

	a := c.get(fmt.Sprintf("/accounting/dunning?dialog=hold-%d", inv.ID)).has("dialog[open]")
	a = c.submit(a, itemPath(inv)+"/hold", url.Values{"reason": {""}, "until": {"nonsense"}}).is(http.StatusUnprocessableEntity)
	a.has(`dialog[open] input[name="until"][value="nonsense"]`)
	a = c.submit(a, itemPath(inv)+"/hold", url.Values{"reason": {""}, "until": {"2020-01-01"}}).is(http.StatusUnprocessableEntity)
	if a.fieldError("reason") == "" || a.fieldError("until") == "" {
		t.Errorf("reason %q, until %q", a.fieldError("reason"), a.fieldError("until"))
	}
	c.submit(a, itemPath(inv)+"/hold", url.Values{"reason": {"asked for time"}, "until": {"2026-12-24"}}).redirects(t, itemPath(inv))
	c.get(itemPath(inv)).says("On hold until 24 Dec 2026", "asked for time")
	c.get("/accounting/dunning?show=to_remind").says("Nobody to remind")
	c.get(fmt.Sprintf("/orders/%d", inv.OrderID)).says("put on hold until 24 Dec 2026: asked for time")
	c.post("/accounting/dunning/remind", url.Values{"only": {fmt.Sprint(inv.ID)}}).is(http.StatusConflict).says("is on hold: asked for time")

	c.get("/accounting/dunning").has(fmt.Sprintf(`button[formaction="%s/unhold"]`, itemPath(inv)))
	c.post(itemPath(inv)+"/unhold", url.Values{"return_to": {"/accounting/dunning"}}).redirects(t, "/accounting/dunning")
	c.get("/accounting/dunning?show=to_remind").says(inv.Number)
	c.post(itemPath(inv)+"/unhold", url.Values{}).is(http.StatusConflict).says("is not on hold")
}

func TestPayOpenItem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	inv := h.owed(nil)
	pay := fmt.Sprintf("/orders/%d/payment", inv.OrderID)
	a := c.get(fmt.Sprintf("/accounting/dunning?dialog=paid-%d", inv.ID)).has(`dialog[open] input[name="paid_on"][value="2026-11-03"]`)
	c.submit(a, pay, url.Values{"paid_on": {"2026-11-02"}}).redirects(t, "/accounting/dunning")
	c.get("/accounting/dunning").says("No open items")
	a = c.get(itemPath(inv)).says("Paid", "2 Nov 2026", "is paid")
	if a.doc.Find("#paid").Length() > 0 {
		t.Error("a paid invoice can be paid again")
	}
	c.post(fmt.Sprintf("/orders/%d/undo-payment", inv.OrderID), url.Values{})
	c.get("/accounting/dunning").says(inv.Number)
}

func TestDunningSettingsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const path = "/accounting/dunning/settings"
	reader := h.as(auth.Accounting)
	reader.get(path).is(http.StatusOK).has("fieldset[disabled] input[name='levels.0.name_de']")
	reader.post(path, url.Values{}).is(http.StatusForbidden)

	c := h.as(auth.Admin)
	a := c.get(path).is(http.StatusOK).has(`input[name="levels.1.fee"][value="2.50"]`)
	a = c.submit(a, path, url.Values{"levels.1.fee": {"a lot"}, "levels.0.after_days": {"soon"}, "levels.2.name_en": {""}}).is(http.StatusUnprocessableEntity)
	a.says("Level 2, Fee", "Level 1, Waiting time", "Level 3, Name in English").has(`input[name="levels.1.fee"][value="a lot"]`)
	c.submit(a, path, url.Values{"levels.1.fee": {"3,00 €"}, "levels.0.after_days": {"5"}, "levels.2.name_en": {"Last notice"}}).redirects(t, path)
	want := dunning.Defaults()
	want.Levels[1].Fee, want.Levels[0].AfterDays, want.Levels[2].Name.EN = 300, 5, "Last notice"
	if got, err := h.deps.Dunning.Settings(t.Context()); err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	c.post(path, url.Values{"levels.0.after_days": {"6"}}).redirects(t, path) // a missing field keeps its value
	want.Levels[0].AfterDays = 6
	if got, err := h.deps.Dunning.Settings(t.Context()); err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	c.get("/administration/log").says("Dunning changed", "Level 1")
}
