package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// keys types what a scanner types, or presses keys; Enter is "\r".
func (b *tab) keys(what, keys string) {
	b.t.Helper()
	b.do(what, chromedp.KeyEvent(keys))
}

// functionKey presses a function key once the page has a use for it.
func (b *tab) functionKey(key string) {
	b.t.Helper()
	name := "F" + string('0'+[]rune(key)[0]-'\u0800')
	b.waitFor("a use for "+name, func() bool {
		return b.evaluate(`document.readyState === "complete" && document.querySelector("[data-key=` + name + `]:not([hidden])") !== null`)
	})
	b.keys("press "+name, key)
}

// focus is the name of the field that has the focus.
func (b *tab) focus() string {
	name, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.activeElement?.name ?? ""`))
	if b.ctx.Err() != nil {
		b.must("find the focus", err)
	}
	return name
}

// scan types a number into the field that has the focus, which must be the one of this
// name, and waits for the page to say so.
func (b *tab) scan(field, number, want string) {
	b.t.Helper()
	b.waitFor("the field "+field, func() bool { return b.focus() == field })
	b.keys("scan "+number, number+"\r")
	b.waitFor(want, func() bool { return strings.Contains(b.text(), want) })
}

// texts of the scanner's job in both languages.
var hallTexts = map[string]struct{ yes, no, note, own, other, another, undone string }{
	"de": {"Gespeichert: ", "Nein", "Lieferschein ", "Das ist der Strichcode dieses Lieferscheins.", "ist ein anderer Lieferschein oder Auftrag", "Noch ein Paket", "Noch nicht versendet"},
	"en": {"Saved: ", "No", "Delivery note ", "That is this delivery note's barcode.", "is another delivery note or order", "Another parcel", "Has not left yet"},
}

// TestBrowserScanner does a scanner's job without touching a mouse: scan the note, scan
// the parcel, read the answer, scan the next; wrong barcodes, several parcels, undo and
// no tracking number included. With and without scripts.
func TestBrowserScanner(t *testing.T) {
	t.Parallel()
	p := newSite(t).start("demo", "--orders", "60")
	browser := chromium(t)
	for i, l := range []look{{"de", "light", 1280, false}, {"en", "dark", 390, false}, {"de", "dark", 1280, true}} {
		b := open(t, browser, p.url, l)
		b.logIn("shipping@example.com")
		orders := withoutNote(t, p)
		if len(orders) < 2 {
			t.Fatal("the demo has too few orders to ship")
		}
		text := hallTexts[l.language]
		number := func(n int) string { return fmt.Sprintf("JJD0003900078823%04d", 10*i+n) }
		b.visit("/dispatch")
		first := b.noteOf(orders[0], l)
		if l.noScript {
			b.scan("tracking_number", number(1), text.yes+"DHL")
			b.scan("scan", first, text.another)
			continue
		}
		b.picture("hall-note")
		b.scan("tracking_number", first, text.own)
		b.scan("tracking_number", orders[1], text.other)
		b.picture("hall-no")

		// Two parcels: F8 ticks "another".
		b.functionKey(kb.F8)
		b.scan("tracking_number", number(1), text.yes+"DHL "+number(1))
		b.functionKey(kb.F8)
		b.scan("tracking_number", number(2), text.yes+"DHL "+number(2))
		b.picture("hall-yes")
		b.waitFor("the next scan", func() bool { return b.focus() == "scan" })

		second := b.noteOf(orders[1], l)
		b.functionKey(kb.F9)
		b.waitFor("the question", func() bool { return b.evaluate(`document.querySelector("dialog[open]") !== null`) })
		b.picture("hall-question")
		b.keys("go to the answer", "\t\t")
		for range 4 { // the link of the question and the button that closes it come first
			if b.evaluate(`document.activeElement.matches("dialog button[type=submit].primary")`) {
				break
			}
			b.keys("go to the answer", "\t")
		}
		b.keys("yes", "\r")
		b.waitFor("the next scan", func() bool { return b.focus() == "scan" })
		b.evaluate(`window.before = true`) // what is waited for stands on this page, too
		b.scan("scan", second, text.note+second)
		b.waitFor("the page of the note", func() bool { return b.evaluate(`window.before === undefined && document.readyState === "complete"`) })
		if b.overflow() {
			t.Errorf("the page of note %s (%s) is wider than its window", second, l)
		}
		for _, problem := range b.axe() {
			t.Errorf("%s: %s", l, problem)
		}
	}
}

// evaluate asks the page; false while one page gives way to the next.
func (b *tab) evaluate(question string) bool {
	yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](question))
	if b.ctx.Err() != nil {
		b.must("ask the page", err)
	}
	return yes
}

// noteOf scans an order and makes its delivery note with the key that is offered, or,
// without scripts, with the button after the next.
func (b *tab) noteOf(number string, l look) string {
	b.t.Helper()
	b.waitFor("the scan field", func() bool { return b.focus() == "scan" })
	b.keys("scan the order", number+"\r")
	b.waitFor("the offer", func() bool { return strings.Contains(b.location(), "scan="+number) })
	if l.noScript {
		b.waitFor("the scan field", func() bool { return b.focus() == "scan" })
		b.keys("make the note", "\t\t\r")
	} else {
		b.functionKey(kb.F2)
	}
	b.waitFor("its page", func() bool { return strings.Contains(b.location(), "/dispatch/3") })
	note, _, _ := strings.Cut(b.location()[strings.LastIndex(b.location(), "/")+1:], "?")
	return note
}

// withoutNote are the numbers of orders that have no delivery note yet.
func withoutNote(t *testing.T, p *program) (numbers []string) {
	t.Helper()
	page := p.logIn("admin@example.com", demoPassword).get("/dispatch")
	for {
		_, rest, ok := strings.Cut(page, `/delivery-notes"`)
		if !ok {
			return numbers
		}
		before := page[:len(page)-len(rest)]
		row := before[strings.LastIndex(before, "<tr"):]
		_, number, _ := strings.Cut(row, `<a href="/orders/`)
		_, number, _ = strings.Cut(number, ">")
		number, _, _ = strings.Cut(number, "<")
		numbers = append(numbers, number)
		page = rest
	}
}
