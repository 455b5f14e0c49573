package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"zahlwerk/internal/klarnasandbox"
)

// tabTo presses Tab until the focus is on an element that matches.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	for range 200 {
		if b.evaluate(fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
		b.keys("tab", "\t")
	}
	b.picture("failed")
	b.t.Fatalf("no way to %s with Tab (%s):\n%s", selector, b.name, b.text())
}

// tabAndPress goes to a button with Tab and presses it.
func (b *tab) tabAndPress(selector string) {
	b.t.Helper()
	b.tabTo(selector)
	b.keys("press "+selector, "\r")
}

// sscc is a parcel number of DHL's form with its check digit.
func sscc(n int) string {
	digits := fmt.Sprintf("00340434161%08d", n)
	sum := 0
	for i, d := range digits {
		weight := 3
		if (len(digits)-i)%2 == 0 {
			weight = 1
		}
		sum += weight * int(d-'0')
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// dayTexts are what a person waits for in both languages.
var dayTexts = map[string]struct{ done, yes, empty string }{
	"de": {"Abgeschlossen", "Gespeichert: ", "Alles versendet"},
	"en": {"Finished", "Saved: ", "Everything has left"},
}

// TestBrowserDay plays a merchant's day with the keyboard, from the file of the shop to
// an empty dispatch list: the first half in German, the second in English.
func TestBrowserDay(t *testing.T) {
	t.Parallel()
	const orders = 200
	sandbox, klarnaURL := klarnaServer(t, klarnasandbox.Options{})
	site := newSite(t, "ZAHLWERK_KLARNA_URL="+klarnaURL)
	p, api := site.ready()
	site.must(demoPassword+"\n", "user", "add", "vera@example.com", "--role", "shipping", "--name", "Vera", "--password-stdin")

	var file strings.Builder
	ids := map[string]string{}
	file.WriteString("number;external_number;payment_method;klarna_order_id;currency;auto_ship;customer_name;customer_email;street;postal_code;city;country;line_sku;line_name;line_type;line_quantity;line_unit_price;line_tax_rate;line_total\n")
	for n := range orders {
		number := fmt.Sprintf("T%04d", n+1)
		ids[number] = atKlarna(t, sandbox, number)
		head := fmt.Sprintf("%s;SHOP-%d;klarna;%s;EUR;ja;Jörg Größe %d;kunde%d@example.com;Fuggerstr. %d;86150;Augsburg;DE;", number, n, ids[number], n, n, n+1)
		fmt.Fprintf(&file, "%sT-1;Teekanne;physical;1;59,58;19;59,58\n%s;Versand;shipping_fee;1;4,99;19;4,99\n", head, head)
	}
	path := filepath.Join(t.TempDir(), "orders.csv")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}

	browser := chromium(t)
	b := open(t, browser, p.url, look{"de", "light", 1280, false})
	text := dayTexts["de"]
	b.logIn("vera@example.com")
	b.visit("/orders/import")
	b.tabTo(`input[type=file]`)
	b.do("choose the file", chromedp.SetUploadFiles(chromedp.CSS(`input[type=file]`), []string{path}))
	b.tabAndPress(`main form[method=post] button`)
	b.waitFor("the preview", func() bool { return strings.Contains(b.location(), "/batches/") && strings.Contains(b.text(), "T0001") })
	b.picture("day-preview")
	b.tabAndPress(`form[action$="/start"] button`)
	b.waitFor("the imported orders", func() bool { return strings.Contains(b.text(), text.done) })
	b.picture("day-imported")

	b.visit("/autoship")
	b.tabAndPress(`button[value=run_all]`)
	b.waitFor("the run", func() bool {
		return strings.Contains(b.location(), "/batches/") && strings.Contains(b.text(), text.done)
	})
	b.picture("day-autoship")

	b.visit("/dispatch")
	for n := range orders {
		if n == orders/2 {
			b = open(t, browser, p.url, look{"en", "dark", 1280, false})
			text = dayTexts["en"]
			b.logIn("vera@example.com")
			b.visit("/dispatch")
		}
		note := api.order(fmt.Sprintf("T%04d", n+1)).DeliveryNotes[0].Number
		b.scan("scan", note, note)
		b.scan("tracking_number", sscc(n), text.yes+"DHL "+sscc(n))
	}
	b.picture("day-last")
	b.visit("/dispatch")
	b.waitFor("an empty list", func() bool { return strings.Contains(b.text(), text.empty) })
	b.picture("day-empty")

	for number, id := range ids {
		eventually(t, "order "+number+" is completed", func() bool { return api.order(number).Status == "completed" })
		at, _ := sandbox.Order(id)
		if len(at.Captures) != 1 || at.CapturedAmount != 6457 || at.RemainingAuthorizedAmount != 0 {
			t.Errorf("order %s: %d captures over %d, %d remains", number, len(at.Captures), at.CapturedAmount, at.RemainingAuthorizedAmount)
		}
	}
}
