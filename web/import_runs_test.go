package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/settlement"
)

func runPath(id int64) string { return fmt.Sprintf("/accounting/import-runs/%d", id) }

func importsOf(account int64) string { return incomingOf(account) + "?tab=import" }

// The button starts an import and leads to it; its page shows how far it is and, at the
// end, what it has brought and what is next.
func TestLiveImport(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(5000)
	h.pays("XISA93DJ", klarnasandbox.Transaction{Type: "SALE", Amount: 5000, OrderID: o.KlarnaOrderID}, klarnasandbox.Transaction{Type: "FEE", Amount: 150, OrderID: o.KlarnaOrderID},
		klarnasandbox.Transaction{Type: "SALE", Amount: 900, MerchantReference1: "elsewhere"})
	account := h.account()
	c := h.as(auth.Accounting)
	start := accountPath(account) + "/import"
	a := c.get(importsOf(account.ID)).is(http.StatusOK).says("only every 7 days", "No import yet", "at once").has(fmt.Sprintf(`a[href="%s/file"]`, incomingOf(account.ID)))
	a = c.follow(c.submit(a, start, nil)).is(http.StatusOK).says("The live import is started.", "Queued", "Asking Klarna", "You may leave this page").has(`[data-refresh-active]`)
	run := a.path
	c.post(start, nil).is(http.StatusConflict).says("already under way")
	c.get(importsOf(account.ID)).says("An import of this account is running").has(fmt.Sprintf(`a[href="%s"]`, run))

	h.settle()
	a = c.get(run).is(http.StatusOK).says("The import is done", "New: 3 lines in 1 payouts · here already: 0 payouts · unmatched: 1 lines", "0 with a proposal, 1 for no order", "XISA93DJ", "€57.50", "Payouts from 20 Oct 2026 to 3 Nov 2026")
	a.has(fmt.Sprintf(`a[href="%s?match=open"]`, incomingOf(account.ID))).has(fmt.Sprintf(`a[href="/accounting/payouts/XISA93DJ?account=%d"]`, account.ID))
	if a.doc.Find("[data-refresh-active]").Length() > 0 {
		t.Error("a page that nothing happens on waits")
	}
	c.get(importsOf(account.ID)).says("Possible again from 10 Nov 2026, 12:00", "Done").has(`button[aria-disabled=true]`)
	c.post(start, nil).is(http.StatusConflict).says("every 7 days", "10 Nov 2026, 12:00")
	c.post(start, url.Values{"force": {"on"}}).is(http.StatusForbidden)
	c.header.Set("Accept-Language", "de")
	c.get(run).says("Der Import ist fertig", "Neu: 3 Zeilen")
	c.get(importsOf(account.ID)).says("Klarna kann im Live-Import die Zahlungen nur alle 7 Tage abholen", "Wieder möglich ab 10.11.2026 12:00")

	admin := h.as(auth.Admin)
	a = admin.get(importsOf(account.ID) + "&dialog=force").has("dialog[open]#force")
	a = admin.follow(admin.submit(a, start, nil))
	h.settle()
	admin.get(a.path).says("before its time", "New: 0 lines in 0 payouts · here already: 1 payouts", "Here already")
	admin.get("/administration/log").says("Live import started before its time")

	h.clock.Advance(settlement.Every)
	c.logIn(emailOf(auth.Accounting))
	c.get(importsOf(account.ID)).has(fmt.Sprintf(`form[action="%s"] button`, start))
	for _, role := range []auth.Role{auth.Shipping, auth.Viewer} {
		other := h.as(role)
		other.post(start, nil).is(http.StatusForbidden)
		other.get(run).is(http.StatusForbidden)
		other.post(run+"/undo", nil).is(http.StatusForbidden)
	}
}

func TestStopContinueUndoImport(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.pays("X1", klarnasandbox.Transaction{Type: "SALE", Amount: 5000, MerchantReference1: "one"})
	account := h.account()
	c := h.as(auth.Accounting)
	run := c.follow(c.post(accountPath(account)+"/import", nil)).path
	c.submit(c.get(run), run+"/stop", nil).redirects(t, run)
	c.get(run).says("The import is stopped.", "Stopped")
	c.post(run+"/stop", nil).is(http.StatusConflict).says("the import has moved on")
	h.settle()
	c.get(importsOf(account.ID)).says("An import of this account is stopped").has(fmt.Sprintf(`form[action="%s/continue"]`, run))
	c.submit(c.get(run), run+"/continue", nil).redirects(t, run)
	c.post(run+"/continue", nil).is(http.StatusConflict)
	h.settle()
	c.get(run).says("The import is done", "X1")

	a := c.get(run + "?dialog=undo").says("One payout goes").has("dialog[open]#undo")
	c.submit(a, run+"/undo", nil).redirects(t, run)
	c.get(run).says("Import undone.", "This import was undone", "are being cleared away").has("[data-refresh-active]")
	c.get(incomingOf(account.ID)).says("No statement lines yet")
	c.get(importsOf(account.ID)).says("Undone", "at once")
	c.post(run+"/undo", nil).is(http.StatusConflict)
	h.settle()
	if a := c.get(run); strings.Contains(a.text(), "cleared") || a.doc.Find(`a[href^="/accounting/payouts/X1"]`).Length() > 0 {
		t.Errorf("undone: %s", a.text())
	}
	run = c.follow(c.post(accountPath(account)+"/import", nil)).path
	h.settle()
	c.get(run).says("New: 1 lines in 1 payouts")
	for _, path := range []string{runPath(99), runPath(99) + "x"} {
		c.get(path).is(http.StatusNotFound)
	}
	c.post(runPath(99)+"/undo", nil).is(http.StatusNotFound)
}

func TestImportThatFails(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	in := businessaccount.Defaults()
	in.Environment, in.Access = "playground", accessOf(klarnasandbox.DemoUsername, "wrong", 7)
	account, err := h.accounts.Create(t.Context(), in, "Erika Beispiel")
	must(t, err)
	c := h.as(auth.Accounting)
	run := c.follow(c.post(accountPath(account)+"/import", nil)).path
	h.settle()
	c.get(run).says("The import has not brought everything", "does not accept the access data (401)", "does not count for the 7 days")
	c.get(importsOf(account.ID)).says("Failed", "at once")
	c.header.Set("Accept-Language", "de")
	c.get(run).says("Der Import hat nicht alles gebracht", "401")
}

// What can't be fetched for says why, and a file can be imported all the same.
func TestImportsOfAnAccountThatIsNotLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	account := h.account()
	in := businessaccount.InputOf(account)
	in.Active = false
	_, err := h.accounts.Update(t.Context(), account.ID, in, "Erika Beispiel")
	must(t, err)
	in = businessaccount.Defaults()
	in.ShortName, in.Type = "files", businessaccount.Custom
	files, err := h.accounts.Create(t.Context(), in, "Erika Beispiel")
	must(t, err)
	c := h.as(auth.Accounting)
	for a, why := range map[*businessaccount.Account]string{account: "is not active", files: "come from files only"} {
		c.get(importsOf(a.ID)).is(http.StatusOK).says(why).has(fmt.Sprintf(`a[href="%s/file"]`, incomingOf(a.ID)))
		c.post(accountPath(a)+"/import", nil).is(http.StatusConflict).says("Nothing can be fetched for this account")
	}
}

// Imports and payouts are many in the end: both lists have pages.
func TestImportsPageByPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for n := range 101 {
		h.pays(fmt.Sprintf("P%03d", n), klarnasandbox.Transaction{Type: "SALE", Amount: int64(n + 1)})
	}
	account, run := h.imported()
	c := h.as(auth.Accounting)
	first := c.get(runPath(run.ID)).says("in 101 payouts")
	second := c.get(first.doc.Find(`.pagination a[rel="next"]`).AttrOr("href", "")).is(http.StatusOK)
	if n := second.doc.Find("tr[data-row]").Length(); n != 1 {
		t.Errorf("%d payouts on the second page", n)
	}
	c.get(runPath(run.ID) + "?state=failed").says("No such payout").has(fmt.Sprintf(`.empty a[href="%s"]`, runPath(run.ID)))
	for range 20 {
		h.clock.Advance(settlement.Every + time.Minute)
		_, err := h.settlements.Request(t.Context(), account.ID, false, "")
		must(t, err)
		h.settle()
	}
	c.logIn(emailOf(auth.Accounting))
	first = c.get(importsOf(account.ID)).says("automatically")
	second = c.get(first.doc.Find(`.pagination a[rel="next"]`).AttrOr("href", "")).is(http.StatusOK).says("Erika Beispiel", "To the newest")
	if n := second.doc.Find("tr[data-row]").Length(); n != 1 {
		t.Errorf("%d imports on the second page", n)
	}
}
