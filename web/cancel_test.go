package web_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// counts are the rows of each table.
func (h *house) counts() map[string]int64 {
	h.t.Helper()
	var tables []string
	must(h.t, h.db.Read(h.t.Context()).Raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").Scan(&tables).Error)
	counts := map[string]int64{}
	for _, table := range tables {
		var n int64
		must(h.t, h.db.Read(h.t.Context()).Table(table).Count(&n).Error)
		counts[table] = n
	}
	return counts
}

// content is all that stands in some tables.
func (h *house) content(tables ...string) string {
	h.t.Helper()
	var all strings.Builder
	for _, table := range tables {
		var rows []map[string]any
		must(h.t, h.db.Read(h.t.Context()).Table(table).Order("id").Find(&rows).Error)
		for _, row := range rows {
			for _, column := range slices.Sorted(maps.Keys(row)) {
				fmt.Fprintln(&all, table, column, row[column])
			}
		}
	}
	return all.String()
}

// due is how many rows anywhere wait for somebody to work on them.
func (h *house) due() (n int) {
	h.t.Helper()
	states, err := h.deps.Work.States(h.t.Context())
	must(h.t, err)
	for _, s := range states {
		n += s.Due + s.Working
	}
	return n
}

// Cancelling an order tells Klarna nothing, plans nothing and writes nothing into an
// invoice or its protocol. One entry in the order's own protocol is all there is.
func TestCancellingTellsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	in.Username, in.Password, in.HoldSeconds = "K000000_sandbox", "sandbox-password", 3600
	in.Documents = paymentmethod.DeliveryNoteAndInvoice
	_, err := h.methods.Create(t.Context(), in, "test")
	must(t, err)
	c := h.as(auth.Shipping)
	o := h.order(6457)
	c.post(orderAddress(o.ID)+"/invoice", nil).is(303)
	c.get(orderAddress(o.ID) + "/invoice.pdf").is(200)                // kept from now on
	c.post(orderAddress(o.ID)+"/parcels", parcelForm("0034")).is(303) // planned, and held for an hour
	ask := c.get(orderAddress(o.ID) + "?dialog=cancel").says("Klarna is not told: the authorisation stands there until you cancel it in Klarna's portal.")
	ask.has(`dialog#cancel[open] a[href="https://portal.klarna.com/orders/` + o.KlarnaOrderID + `"]`)

	counts, papers := h.counts(), h.content("invoices", "documents")
	c.submit(ask, orderAddress(o.ID)+"/cancel", nil).redirects(t, orderAddress(o.ID))
	counts["protocol_entries"]++
	if after := h.counts(); !maps.Equal(after, counts) {
		t.Errorf("rows after it: %v, want %v", after, counts)
	}
	if after := h.content("invoices", "documents"); after != papers {
		t.Errorf("the papers changed:\n%s\n%s", papers, after)
	}
	entries, err := h.orders.Protocol(t.Context(), o.ID, 0, 1)
	must(t, err)
	if entries[0].Kind != "order_cancelled_klarna_not_told" {
		t.Errorf("the protocol says %s", entries[0].Kind)
	}
	// Nothing is due, also when the hold is long over.
	h.clock.Advance(48 * time.Hour)
	if due := h.due(); due != 0 {
		t.Errorf("%d rows are due", due)
	}
	h.settle()
	if requests := h.sandbox.Requests(); len(requests) != 0 {
		t.Errorf("Klarna was told: %+v", requests)
	}

	// Undone, it is told after all.
	c.logIn(emailOf(auth.Shipping))
	c.post(orderAddress(o.ID)+"/uncancel", nil).redirects(t, orderAddress(o.ID))
	h.settle()
	if there, _ := h.sandbox.Order(o.KlarnaOrderID); len(there.Captures) != 1 || h.find(o).Status != order.Completed {
		t.Errorf("at Klarna: %+v", there.Captures)
	}
	c.post(orderAddress(o.ID)+"/cancel", nil).is(409).says("Klarna has captured the amount already.")
}
