package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"zahlwerk/internal/klarnasandbox"
)

// Tests named TestBrowser… drive the plain program with a real browser. With
// TEST_SHOTS=folder every page they look at is also kept as a picture.

// tab is a tab of a real browser.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	name string // begins the names of its pictures
}

// look is how somebody looks at pages.
type look struct {
	language string // de, en
	theme    string // light, dark
	width    int64
	noScript bool
}

func (l look) String() string {
	script := ""
	if l.noScript {
		script = "-noscript"
	}
	return fmt.Sprintf("%s-%s-%d%s", l.language, l.theme, l.width, script)
}

// chromium starts one browser for a test, with a profile of its own.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium (apt-get install chromium)")
		}
		t.Skip("no Chromium (make test installs it)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-background-networking", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// open opens a tab that looks at base in this way.
func open(t *testing.T, browser context.Context, base string, l look) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(l.width, 1100)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 3*deadline)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, base: base, name: l.String()}
	_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.language}})
	b.must("set the language", err)
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	b.must("set the theme", err)
	_, err = chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{})
	b.must("forget who looked before", err)
	if l.noScript {
		_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.must("switch scripts off", err)
	}
	return b
}

func (b *tab) must(what string, err error) {
	b.t.Helper()
	if err != nil {
		b.picture("failed")
		b.t.Fatalf("%s (%s): %v", what, b.name, err)
	}
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(what, chromedp.Do(b.ctx, steps...))
}

func (b *tab) visit(path string) {
	b.t.Helper()
	b.do("visit "+path, chromedp.Navigate(b.base+path))
}

// logIn logs in by the form.
func (b *tab) logIn(email string) {
	b.t.Helper()
	b.visit("/login")
	b.do("log in", chromedp.SendKeys(chromedp.CSS(`input[name=email]`), email),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), demoPassword+"\r"),
		chromedp.WaitVisible(chromedp.CSS(`main`)))
	b.waitFor("the overview", func() bool { return !strings.Contains(b.location(), "/login") })
}

func (b *tab) location() string {
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	b.must("location", err)
	return at
}

// text is what a person reads on the page; nothing while one page gives way to the next.
func (b *tab) text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
	if b.ctx.Err() != nil {
		b.must("read the page", err)
	}
	return text
}

func (b *tab) waitFor(what string, state func() bool) {
	b.t.Helper()
	end := time.Now().Add(deadline)
	for !state() {
		if time.Now().After(end) {
			b.picture("failed")
			b.t.Fatalf("%s (%s) does not come:\n%s", what, b.name, b.text())
		}
		time.Sleep(20 * time.Millisecond) // between two looks at a state
	}
}

// picture keeps the page as it looks, if somebody asked for pictures.
func (b *tab) picture(name string) {
	dir := os.Getenv("TEST_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+"-"+b.name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Logf("picture %s: %v", name, err)
	}
}

// axe returns what axe-core finds wrong with the page.
func (b *tab) axe() []string {
	b.t.Helper()
	path := os.Getenv("TEST_AXE")
	if path == "" {
		return nil
	}
	source, err := os.ReadFile(path)
	b.must("read axe-core", err)
	_, err = chromedp.Run(b.ctx, chromedp.Evaluate[chromedp.Void](string(source)+";undefined"))
	b.must("load axe-core", err)
	result, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.target.join(" ")).slice(0, 4).join(", "))))`, chromedp.EvalAwaitPromise))
	b.must("run axe-core", err)
	var found []string
	b.must("read axe-core's result", json.Unmarshal([]byte(result), &found))
	return found
}

// overflow tells that the page is wider than its window.
func (b *tab) overflow() bool {
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth + 1`))
	b.must("measure the page", err)
	return wide
}

// needAxe makes the missing of axe-core a failure in CI.
func needAxe(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_AXE") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("TEST_AXE is not set: no axe-core")
		}
		t.Log("TEST_AXE is not set: pages are looked at without axe-core (make test fetches it)")
	}
}

// TestBrowserMainJob does the main job as a clerk: unfold the order, enter a tracking
// number, read Klarna's answer, without reloading anything.
func TestBrowserMainJob(t *testing.T) {
	t.Parallel()
	sandbox, klarnaURL := klarnaServer(t, klarnasandbox.Options{})
	site := newSite(t, "ZAHLWERK_KLARNA_URL="+klarnaURL)
	p, api := site.ready()
	site.must(demoPassword+"\n", "user", "add", "vera@example.com", "--role", "shipping", "--name", "Vera", "--password-stdin")
	vera, browser := p.logIn("vera@example.com", demoPassword), chromium(t)
	for n, l := range []look{{"de", "light", 1280, false}, {"en", "dark", 1280, true}} {
		placed := fmt.Sprintf("M%04d", n)
		if status := api.call("POST", "/orders", orderJSON(placed, atKlarna(t, sandbox, placed)), nil); status != 201 {
			t.Fatalf("order %s: %d", placed, status)
		}
		id := firstLink(t, vera, "/orders?q="+placed, "/orders/([0-9]+)/minidetail")
		b := open(t, browser, p.url, l)
		b.logIn("vera@example.com")
		b.visit("/orders/" + id)
		number := "00340434161094" + id + l.language
		b.do("record the tracking number", chromedp.SetValue(chromedp.CSS(`input[name=carrier], select[name=carrier]`), "dhl"),
			chromedp.SendKeys(chromedp.CSS(`input[name=tracking_number]`), number+"\r"))
		b.waitFor("the page after saving", func() bool { return strings.Contains(b.text(), number) })
		answer := map[string]string{"de": "Klarna Rückmeldung OK: Capture", "en": "Klarna feedback OK: capture"}[l.language]
		b.waitFor("Klarna's answer", func() bool {
			if l.noScript {
				b.visit("/orders/" + id)
			}
			text := b.text()
			return strings.Contains(text, answer) && strings.Contains(text, number)
		})
		b.picture("order")
		if !l.noScript {
			b.visit("/orders?q=" + number)
			b.do("unfold the order", chromedp.Click(chromedp.CSS(`[data-unfold]`)), chromedp.WaitVisible(chromedp.CSS(`tr + tr .protocol, tr + tr [class*=protocol]`)))
			if !strings.Contains(b.text(), answer) {
				t.Errorf("the minidetail does not have Klarna's answer:\n%s", b.text())
			}
			b.picture("minidetail")
		}
	}
}

// firstLink is the id that pattern finds first in a page.
func firstLink(t *testing.T, b *browser, page, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(b.get(page))
	if found == nil {
		t.Fatalf("%s does not have %s", page, pattern)
	}
	return found[1]
}

// TestBrowserPages looks at every page in both languages and themes, wide and narrow,
// with axe.
func TestBrowserPages(t *testing.T) {
	t.Parallel()
	needAxe(t)
	p := newSite(t).start("demo", "--orders", "120")
	admin := p.logIn("admin@example.com", demoPassword)
	confirmed := firstLink(t, admin, "/orders?feedback=confirmed", "/orders/([0-9]+)/minidetail")
	failed := firstLink(t, admin, "/orders?feedback=failed", "/orders/([0-9]+)/minidetail")
	draft := firstLink(t, admin, "/orders?status=draft", "/orders/([0-9]+)/minidetail")
	note := firstLink(t, admin, "/dispatch?tab=shipped", `href="/dispatch/([0-9]+)"`)
	waiting := firstLink(t, admin, "/dispatch", `href="/dispatch/([0-9]+)"`)
	item := firstLink(t, admin, "/accounting/dunning", `href="/accounting/dunning/([0-9]+)"`)
	finished := firstLink(t, admin, "/batches", `href="/batches/([0-9]+)"`)
	admin.post("/orders/views", url.Values{"name": {"Filiale"}, "list": {"payment_method=klarna_filiale"}})
	admin.post("/orders/bulk", url.Values{"action": {"release"}, "id": {draft, failed}})
	preview := firstLink(t, admin, "/batches", `href="/batches/([0-9]+)"`)
	toMatch := firstLink(t, admin, "/accounting/incoming-payments/1?match=open", "/accounting/statement-lines/([0-9]+)")
	payout := firstLink(t, admin, "/accounting/payouts", `href="(/accounting/payouts/[^"?]+)`)
	pages := []string{"/", "/?dialog=help", "/orders", "/orders?feedback=failed", "/orders?payment_method=klarna_filiale", "/orders?dialog=save-view&status=shipped",
		"/orders?q=nothing-like-this", "/orders/new", "/orders/import", "/orders/" + confirmed, "/orders/" + failed, "/orders/" + draft,
		"/orders/" + failed + "/minidetail", "/dispatch", "/dispatch?tab=shipped", "/dispatch?tab=by-hand", "/dispatch?scan=nothing",
		"/dispatch/" + note, "/dispatch/" + waiting, "/dispatch/import", "/autoship", "/autoship?tab=blocked", "/autoship/schedule",
		"/batches", "/batches/" + finished, "/batches/" + finished + "/papers", "/batches/" + preview,
		"/accounting/dunning", "/accounting/dunning/" + item, "/accounting/dunning/reminded?reminder=1&refused=" + item, "/accounting/dunning/settings",
		"/accounting/incoming-payments", "/accounting/incoming-payments/1", "/accounting/incoming-payments/1?match=open&type=SALE", "/accounting/incoming-payments/1?q=nothing",
		"/accounting/incoming-payments/1?tab=import", "/accounting/incoming-payments/1?tab=import&dialog=force", "/accounting/incoming-payments/1/file", "/accounting/statement-lines/1",
		"/accounting/statement-lines/" + toMatch, "/accounting/import-runs/1", "/accounting/import-runs/1?dialog=undo",
		"/accounting/payouts", "/accounting/payouts?state=unexplained&currency=EUR&from=2020-01-01", "/accounting/payouts?q=nothing-like-this&state=x",
		payout, payout + "?type=FEE", "/accounting/not-paid-out", "/accounting/not-paid-out?known=refused&age=x", "/accounting/unknown-payments",
		"/accounting/exports", "/accounting/exports?format=datev&from=2020-01-01&until=2030-12-31", "/accounting/exports?format=fees&from=2020-01-01&until=2030-12-31",
		"/accounting/exports?format=xls", "/accounting/exports/settings",
		"/administration/settings", "/administration/settings/payment-methods", "/administration/settings/payment-methods/new",
		"/administration/settings/payment-methods/new?module=klarna", "/administration/settings/payment-methods/1",
		"/administration/settings/accounting/business-accounts", "/administration/settings/accounting/business-accounts/new",
		"/administration/settings/accounting/business-accounts/new?module=custom", "/administration/settings/accounting/business-accounts/1",
		"/administration/settings/carriers", "/administration/settings/carriers?number=09133131530724", "/administration/settings/carriers/new",
		"/administration/settings/carriers/1", "/administration/settings/company", "/administration/settings/mail",
		"/administration/users", "/administration/users/new", "/administration/users/1", "/administration/tokens", "/administration/log",
		"/administration/jobs", "/account", "/no-such-page"}
	browser := chromium(t)
	for _, l := range []look{{"de", "light", 1280, false}, {"en", "dark", 1280, false}, {"de", "dark", 390, false}, {"en", "light", 390, false}} {
		b := open(t, browser, p.url, l)
		b.visit("/login")
		for _, problem := range b.axe() {
			t.Errorf("/login (%s): %s", l, problem)
		}
		b.picture("login")
		b.logIn("admin@example.com")
		for _, path := range pages {
			b.visit(path)
			for _, problem := range b.axe() {
				t.Errorf("%s (%s): %s", path, l, problem)
			}
			if b.overflow() {
				t.Errorf("%s (%s) is wider than its window", path, l)
			}
			b.picture(strings.NewReplacer("/", "_", "?", "_", "=", "_").Replace(path))
		}
	}
}
