package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
)

// captured makes an order that has left and is captured at Klarna.
func (h *house) captured(total int64) *order.Order {
	h.t.Helper()
	o := h.order(total)
	_, err := h.dispatch.RecordParcel(h.t.Context(), o.ID, dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: "JJD" + o.Number}, "test")
	must(h.t, err)
	h.settle()
	return o
}

func TestNotPaidOutPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.method()
	c := h.as(auth.Accounting)
	c.get("/accounting/not-paid-out").is(http.StatusOK).says("All of it is paid out")
	old := h.captured(5000)
	h.clock.Advance(30 * 24 * time.Hour)
	young := h.captured(200)
	c.logIn(emailOf(auth.Accounting))

	a := c.get("/accounting/not-paid-out").is(http.StatusOK).says(old.Number, young.Number, "2 captures in EUR", "€52.00", "In no payout yet", "Not due yet", "30 days",
		m.Name, "Captured but not paid out, by age (EUR)")
	a.has(fmt.Sprintf(`a[href="/orders/%d"]`, old.ID)).has(`nav.tabs a[href="/accounting/not-paid-out"][aria-current="page"]`)
	a = c.get("/accounting/not-paid-out?age=late").says(old.Number, "One capture in EUR", "€50.00")
	if strings.Contains(a.text(), young.Number) {
		t.Error("the filter shows all")
	}
	c.get("/accounting/not-paid-out?known=no_payout&payment_method=klarna&currency=EUR").says(old.Number)
	c.get("/accounting/not-paid-out?known=refused").says("Nothing found").has(`a[href="/accounting/not-paid-out"]`)
	a = c.get("/accounting/not-paid-out?age=x&known=x&payment_method=x&currency=x&after=x").is(http.StatusOK).says(old.Number)
	for _, name := range []string{"age", "known", "payment_method", "currency"} {
		if a.fieldError(name) == "" {
			t.Errorf("no word about %s: %s", name, a.text())
		}
	}
	c.header.Set("Accept-Language", "de")
	c.get("/accounting/not-paid-out").says("Erfasst, aber nicht ausgezahlt", "In keiner Auszahlung", "30 Tage")
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(c.get("/accounting/not-paid-out/export.csv?age=late").is(http.StatusOK).Body.String(), "\ufeff")))
	in.Comma = ';'
	rows, err := in.ReadAll()
	must(t, err)
	if len(rows) != 2 || rows[1][0] != old.Number || rows[1][4] != "30" || rows[1][5] != "50,00" {
		t.Errorf("%q", rows)
	}
	h.as(auth.Viewer).get("/accounting/not-paid-out").is(http.StatusForbidden)
}

func TestUnknownPaymentsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(300)
	account, run := h.bookAccount("klarna")
	c := h.as(auth.Accounting)
	c.get("/accounting/unknown-payments").is(http.StatusOK).says("Every line is known")
	p := h.bookPayout(run, settlement.Payout{PaymentReference: "XIS", Complete: true, Totals: settlement.Totals{Settlement: 695, Sale: 700, Fee: 5}},
		bookLine{kind: klarna.TypeSale, amount: 300, match: settlement.Proposed}, bookLine{kind: klarna.TypeSale, amount: 400, match: settlement.Unmatched},
		bookLine{kind: klarna.TypeFee, amount: -5})
	_, err := h.db.Exec(t.Context(), "INSERT INTO match_proposals (line_id, order_id, rule) VALUES (1, ?, 'merchant_reference1')", o.ID)
	must(t, err)

	a := c.get("/accounting/unknown-payments").is(http.StatusOK).says("2 lines in EUR", "€7.00", "SHORT0", "order-1", p.PaymentReference, "Proposed", "Unmatched", o.Number)
	a.has(fmt.Sprintf(`a[href="/accounting/payouts/XIS?account=%d"]`, account.ID)).has(fmt.Sprintf(`a[href="/orders/%d"]`, o.ID)).has(`a[href^="/accounting/statement-lines/1"]`)
	if strings.Contains(a.text(), "SHORT2") {
		t.Error("a fee without an order is unknown")
	}
	a = c.get("/accounting/unknown-payments?match=unmatched&account=klarna&currency=EUR").says("One line in EUR", "€4.00")
	if strings.Contains(a.text(), o.Number) {
		t.Error("the filter shows all")
	}
	c.get("/accounting/unknown-payments?q=nobody").says("No line found")
	a = c.get("/accounting/unknown-payments?match=matched&account=x&currency=x&after=x").is(http.StatusOK).says("SHORT0")
	for _, name := range []string{"match", "account", "currency"} {
		if a.fieldError(name) == "" {
			t.Errorf("no word about %s: %s", name, a.text())
		}
	}
	if n := strings.Count(c.get("/accounting/unknown-payments/export.csv").is(http.StatusOK).Body.String(), "\r\n"); n != 3 {
		t.Errorf("%d rows", n)
	}
	c.header.Set("Accept-Language", "de")
	c.get("/accounting/unknown-payments").says("Ausgezahlt, aber hier unbekannt", "Vorgeschlagen", "7,00 €")
	h.as(auth.Shipping).get("/accounting/unknown-payments").is(http.StatusForbidden)
}

// An order shows what Klarna paid out for it, and kept, to who may see payouts; to others
// only that it was paid out.
func TestOrderShowsItsPayouts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.captured(10000)
	account, run := h.bookAccount("klarna")
	h.bookPayout(run, settlement.Payout{PaymentReference: "XIS", Complete: true, Totals: settlement.Totals{Settlement: 9000, Sale: 10000, Fee: 300, Return: 700}},
		bookLine{kind: klarna.TypeSale, amount: 10000, order: o}, bookLine{kind: klarna.TypeFee, amount: -300, order: o}, bookLine{kind: klarna.TypeReturn, amount: -700, order: o})
	_, err := h.db.Exec(t.Context(), "UPDATE captures SET paid_out_line_id = 1 WHERE order_id = ?", o.ID)
	must(t, err)
	link := fmt.Sprintf(`a[href="/accounting/payouts/XIS?account=%d"]`, account.ID)
	c := h.as(auth.Accounting)
	for _, page := range []string{"", "/minidetail"} {
		c.get(fmt.Sprintf("/orders/%d%s", o.ID, page)).is(http.StatusOK).
			says("Paid out on 2 Nov 2026 with XIS", "Payouts", "Fee", "-€3.00", "Return", "-€7.00", "Paid out less fees", "€90.00").has(link)
	}
	a := h.as(auth.Viewer).get(fmt.Sprintf("/orders/%d", o.ID)).is(http.StatusOK).says("Paid out on 2 Nov 2026 with XIS")
	if a.doc.Find(link).Length() > 0 || strings.Contains(a.text(), "-€3.00") {
		t.Errorf("a viewer sees payouts: %s", a.text())
	}
	c.header.Set("Accept-Language", "de")
	c.get(fmt.Sprintf("/orders/%d", o.ID)).says("Ausgezahlt am 02.11.2026 mit XIS", "Gebühr")
}
