package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/order"
)

func batchAddress(b *batch.Batch) string { return fmt.Sprintf("/batches/%d", b.ID) }

// batch prepares a batch of the kind release with these items.
func (h *house) batch(items ...batch.Item) *batch.Batch {
	h.t.Helper()
	b, err := h.batches.Create(h.t.Context(), batch.Batch{Kind: batch.Release, Actor: "Erika Beispiel"}, func(yield func(batch.Item, error) bool) {
		for _, i := range items {
			if !yield(i, nil) {
				return
			}
		}
	})
	must(h.t, err)
	return b
}

// drafts makes n drafts with an item each.
func (h *house) drafts(n int) (items []batch.Item) {
	h.t.Helper()
	for range n {
		o := h.newOrder(func(in *order.Input) { in.Status = order.Draft })
		items = append(items, batch.Item{Label: o.Number, OrderID: &o.ID})
	}
	return items
}

// rows are the cells of the page's table.
func (a *answer) rows() (rows []string) {
	for _, tr := range a.doc.Find("main tbody tr").EachIter() {
		var cells []string
		for _, td := range tr.Find("td").EachIter() {
			cells = append(cells, strings.Join(strings.Fields(td.Text()), " "))
		}
		rows = append(rows, strings.Join(cells, " | "))
	}
	return rows
}

// From the preview to the result, by a browser without JavaScript.
func TestABatchFromPreviewToResult(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	items := append(h.drafts(2), batch.Item{Label: "A3", State: batch.ItemRefused, Messages: []batch.Message{
		{Field: "total", Key: "order.error.sum", Args: map[string]any{"Sum": order.Money{Amount: 100, Currency: "EUR"}, "Total": order.Money{Amount: 123456, Currency: "EUR"}}}}},
		batch.Item{Label: "A4", State: batch.Unchanged})
	b := h.batch(items...)
	page := batchAddress(b)

	a := c.get(page).is(200).says("Release orders", "Preview", "To do: 2 · Unchanged: 1 · Refused: 1", "Release 2 orders",
		"Total: The lines add up to €1.00, not to €1,234.56.")
	if a.doc.Find("[data-refresh-active]").Length() != 0 {
		t.Error("a preview looks for news")
	}
	c.inGerman().get(page).says("Vorschau", "2 Aufträge freigeben", "Summe: Die Positionen ergeben 1,00 €")
	c.header.Set("Accept-Language", "en")
	c.submit(a, page+"/start", nil).redirects(t, page)
	a = c.get(page).says("Running", "2 of 4", "You can leave this page").has("[data-refresh-active]").has("progress")
	c.post(page+"/start", nil).is(409).says("not possible any more", "Running")
	c.submit(a, page+"/stop", nil).redirects(t, page)
	a = c.get(page).says("Stopped", "Continue with the other 2").has("form")
	if a.doc.Find("[data-refresh-active]").Length() != 0 {
		t.Error("what is stopped looks for news")
	}
	c.submit(a, page+"/continue", nil).redirects(t, page)
	h.settle()
	c.get(page).says("Finished", "Done: 2 · Unchanged: 1 · Refused: 1").has(`a[href="/dispatch"]`).has(fmt.Sprintf(`a[href="/orders/%d"]`, *items[0].OrderID))
	for _, path := range []string{"/start", "/stop", "/continue", "/discard"} {
		c.post(page+path, nil).is(409)
	}
	c.get("/batches").says("Release orders", "Finished", "shipping@example.com")
}

func TestABatchIsDiscarded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	c.get("/batches").says("Nothing yet")
	b := h.batch(h.drafts(2)...)
	c.submit(c.get(batchAddress(b)), batchAddress(b)+"/discard", nil).redirects(t, "/batches")
	c.get("/batches").says("Discarded", "Nothing yet")
	c.get(batchAddress(b)).is(404)
	c.post(batchAddress(b)+"/discard", nil).is(404)

	b = h.batch(h.drafts(2)...)
	c.post(batchAddress(b)+"/start", nil).is(303)
	c.post(batchAddress(b)+"/stop", nil).is(303)
	c.submit(c.get(batchAddress(b)), batchAddress(b)+"/discard", nil).redirects(t, batchAddress(b))
	c.get(batchAddress(b)).says("Finished", "It was ended early: 2 are left undone.")
}

// Items are looked through by their results and page by page, both ways.
func TestItemsOfABatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Shipping)
	var items []batch.Item
	for n := range 250 {
		i := batch.Item{Label: fmt.Sprint("L", n+1)}
		if n%50 == 0 {
			i.State, i.Messages = batch.ItemRefused, []batch.Message{batch.Say("dispatch.error.cancelled", "Number", i.Label)}
		}
		items = append(items, i)
	}
	page := batchAddress(h.batch(items...))

	a := c.get(page)
	look := func(what, first string, n int) {
		t.Helper()
		rows := a.rows()
		if len(rows) != n || !strings.Contains(rows[0], first+" |") {
			t.Errorf("%s: %d rows from %q, want %d from %s", what, len(rows), rows[0], n, first)
		}
	}
	turn := func(rel string) {
		t.Helper()
		href := a.doc.Find("main .pagination a[rel="+rel+"]").AttrOr("href", "")
		if href == "" {
			t.Fatalf("no way to %s", rel)
		}
		a = c.get(href)
	}
	look("the first page", "L1", 100)
	turn("next")
	look("the second", "L101", 100)
	turn("next")
	look("the last", "L201", 50)
	if a.doc.Find("main .pagination a[rel=next]").Length() != 0 {
		t.Error("the last page leads on")
	}
	turn("prev")
	look("back on the second", "L101", 100)
	turn("prev")
	look("back on the first", "L1", 100)
	if a.doc.Find("main .pagination a[rel=prev]").Length() != 0 {
		t.Error("the first page leads back")
	}
	a.has("main .pagination a[rel=next]")
	a = c.get(page + "?state=refused")
	look("refused", "L1", 5)
	a.says("Order L201 is cancelled.").has(`.tabs a[aria-current][href$="state=refused"]`)
	c.get(page + "?state=unchanged").says("Nothing here")
	if n := len(c.get(page + "?state=lost&after=x").rows()); n != 100 {
		t.Errorf("%d rows for what can't be read", n)
	}
	c.fragment(page + "?state=refused").is(200).has("#batch")
}

// The results as a file, for spreadsheets of both languages.
func TestResultOfABatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Shipping)
	var items []batch.Item
	for n := range 1200 {
		items = append(items, batch.Item{Label: fmt.Sprint("=L", n+1), State: batch.ItemRefused,
			Messages: []batch.Message{batch.Say("dispatch.error.cancelled", "Number", n), batch.Say("order.error.not_found")}})
	}
	items[7].State = batch.Unchanged
	page := batchAddress(h.batch(items...))
	a := c.get(page + "/result.csv")
	lines := strings.Split(a.Body.String(), "\r\n")
	if len(lines) != 1202 || lines[0] != "\ufeffNo.,About,Result,What about it" ||
		lines[1200] != "1200,'=L1200,Refused,Order 1199 is cancelled. There is no such order." {
		t.Errorf("%d lines: %q … %q", len(lines), lines[0], lines[len(lines)-2])
	}
	if got := a.Header().Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=release-") {
		t.Error(got)
	}
	german := c.inGerman().get(page + "/result.csv?state=unchanged")
	if got, want := german.Body.String(), "\ufeffNr.;Betrifft;Ergebnis;Hinweis\r\n8;'=L8;Unverändert;Auftrag 7 ist storniert. Diesen Auftrag gibt es nicht.\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	c.get("/batches/999/result.csv").is(404)
	if got := c.do(http.MethodHead, page+"/result.csv", nil); got.Code != 200 || got.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", got.Code, got.Body.Len())
	}
}

func TestBatchesAreListed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Admin)
	for range 51 {
		h.batch(batch.Item{Label: "A"})
	}
	a := c.get("/batches")
	if n := len(a.rows()); n != 50 {
		t.Errorf("%d rows", n)
	}
	a = c.get(a.doc.Find("a[rel=next]").AttrOr("href", ""))
	if n := len(a.rows()); n != 1 {
		t.Errorf("%d older rows", n)
	}
	a.has(`.pagination a[href="/batches"]`)
	c.get("/administration/jobs").has(`a[href="/batches"]`)
	c.post("/batches/999/start", url.Values{}).is(404)
}
