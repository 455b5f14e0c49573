package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/settlement"
)

// reportOf is a settlement report of the sandbox's, for one payout or, without, for all.
func (h *house) reportOf(reference string) string {
	h.t.Helper()
	path := "payouts-summary-with-transactions?start_date=2020-01-01&end_date=2099-12-31"
	if reference != "" {
		path = "payout-with-transactions?payment_reference=" + reference
	}
	r := httptest.NewRequest(http.MethodGet, "/settlements/v1/reports/"+path, nil)
	r.SetBasicAuth(klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	w := httptest.NewRecorder()
	h.sandbox.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		h.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func (h *house) payout(reference string, amounts ...int64) {
	h.t.Helper()
	var lines []klarnasandbox.Transaction
	for _, amount := range amounts {
		lines = append(lines, klarnasandbox.Transaction{Type: klarnasandbox.TypeSale, DetailedType: "PURCHASE", Amount: amount})
	}
	_, err := h.sandbox.CreatePayout(klarnasandbox.NewPayout{PaymentReference: reference, Transactions: lines})
	must(h.t, err)
}

// A report is read, its preview looked at and started; then its payouts are here, and the
// same file brings nothing again.
func TestImportSettlementFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account()
	h.payout("FILE0001", 10_000, 2_345)
	h.payout("FILE0002", 5_000)
	c := h.as(auth.Accounting)
	path := fmt.Sprintf("/accounting/incoming-payments/%d/file", a.ID)
	c.get(path).is(http.StatusOK).has("form[enctype='multipart/form-data'] input[type=file][name=file]").says("total_settlement_amount", "At most 256 MiB")
	content := strings.Replace(h.reportOf(""), "\ntype;", "\ntype;shop;", 1)
	content = strings.ReplaceAll(content, "\nSALE;", "\nSALE;Augsburg;")
	content = strings.Replace(content, ";50.00;EUR", ";5o.00;EUR", 1)
	sent := c.sendFile(path, "november.csv", content)
	page := c.follow(sent)
	preview := sent.Header().Get("Location")
	page.says("november.csv", "Read as UTF-8, delimiter ;", "FILE0001", "€123.45", "FILE0002", "Can't be imported", "column “amount”: “5o.00” is not an amount.", "shop",
		"Import one payout", "Nothing has been imported yet")
	if payouts := h.payouts(); len(payouts) != 0 {
		t.Fatalf("the preview has imported %d payouts", len(payouts))
	}
	c.get(strings.Replace(preview, path, "/accounting/import-runs", 1)).redirects(t, preview)
	c.get(path).says("november.csv", "accounting@example.com")
	started := c.post(preview+"/start", url.Values{})
	run := started.Header().Get("Location")
	if started.Code != http.StatusSeeOther || !strings.HasPrefix(run, "/accounting/import-runs/") {
		t.Fatalf("%d to %q", started.Code, run)
	}
	h.settle()
	if payouts := h.payouts(); len(payouts) != 1 || payouts[0].PaymentReference != "FILE0001" || payouts[0].Source != settlement.FromFile {
		t.Errorf("%+v", payouts)
	}
	c.get(run).is(http.StatusOK).has("a[href='"+preview+"']").says("november.csv", "FILE0001", "FILE0002", "the preview of the file says why")
	c.get(preview).is(http.StatusOK).has("a[href='" + run + "']")
	c.post(preview+"/start", url.Values{}).is(http.StatusConflict).says("This file is imported already")

	again := c.follow(c.sendFile(path, "again.csv", h.reportOf("FILE0001")))
	again.says("There is nothing to import", "Here already")
	if again.doc.Find("form[action$='/start']").Length() != 0 {
		t.Error("what brings nothing can be started")
	}
	changed := strings.Replace(h.reportOf("FILE0001"), ";23.45;", ";23.44;", 1)
	differs := c.follow(c.sendFile(path, "changed.csv", changed))
	differs.says("Here already, but differs", "One line is only in the file: line", "One line is only here:", "€23.45")
	discard := differs.doc.Find("form[action$='/discard']").AttrOr("action", "")
	c.post(discard, url.Values{}).redirects(t, path)
	c.get(strings.TrimSuffix(discard, "/discard")).is(http.StatusNotFound)
}

func (h *house) payouts() (all []settlement.Payout) {
	h.t.Helper()
	must(h.t, h.db.Read(h.t.Context()).Order("payment_reference").Find(&all).Error)
	return all
}

func TestImportSettlementFileInGerman(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account()
	h.payout("FILE0001", 10_000, 2_345)
	c := h.as(auth.Accounting)
	c.header.Set("Accept-Language", "de")
	path := fmt.Sprintf("/accounting/incoming-payments/%d/file", a.ID)
	c.get(path).says("Abrechnungsdatei importieren", "Höchstens 256 MiB", "Zu welchem Auftrag die Zeile gehört")
	german := strings.NewReplacer(";100.00;", ";100,00;", ";23.45;", ";23,45;", ";123.45;", ";123,45;").Replace(h.reportOf("FILE0001"))
	c.follow(c.sendFile(path, "november.csv", german)).says("Vorschau der Datei", "123,45 €", "Eine Auszahlung importieren", "Neu")
	cut := german[:strings.LastIndex(strings.TrimSpace(german), "\n")+1]
	c.follow(c.sendFile(path, "halb.csv", cut)).says("Nicht importierbar", "Es fehlen Zeilen", "Es gibt nichts zu importieren")
}

// Whatever is sent instead is answered with the form and the reason, and an account in
// which there is no such file does not show another's.
func TestSettlementFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account()
	h.payout("FILE0001", 10_000)
	c := h.as(auth.Accounting)
	path := fmt.Sprintf("/accounting/incoming-payments/%d/file", a.ID)
	for content, want := range map[string]string{
		"":                                "The file is empty.",
		"PK\x03\x04":                      "This is a packed file",
		"number;name\n1;Eva\n":            "Line 1 is not the header of a settlement report",
		"type;amount\nSALE;1.00\n":        "no summary",
		"type;order_id;sale_date\nX;1;\n": "lacks columns: amount",
	} {
		c.sendFile(path, "x.csv", content).is(http.StatusUnprocessableEntity).says(want).has("input[type=file]")
	}
	c.post(path, url.Values{}).is(http.StatusUnprocessableEntity).says("Choose a file.")
	c.sendFile("/accounting/incoming-payments/999/file", "x.csv", "x").is(http.StatusNotFound)
	preview := c.sendFile(path, "x.csv", h.reportOf("FILE0001")).Header().Get("Location")
	other := strings.Replace(preview, fmt.Sprintf("/%d/file", a.ID), "/999/file", 1)
	c.get(other).is(http.StatusNotFound)
	c.post(other+"/start", url.Values{}).is(http.StatusNotFound)
	c.get(path + "/999").is(http.StatusNotFound)
}
