package views_test

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
	"zahlwerk/views/viewstest"
)

func parse(t *testing.T, html string) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func address(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func examplePage(ctx context.Context, t *testing.T) views.Page {
	return views.Page{
		Title:       i18n.T(ctx, "examples.title"),
		Breadcrumbs: []views.Crumb{{Label: "A"}, {Label: "B", Href: "/b"}},
		User:        &views.UserInfo{Name: "Erika Beispiel", Email: "erika@example.com", Role: views.RoleAdmin},
		URL:         address(t, "/examples?tab=open"),
		Environment: views.EnvironmentSandbox,
		KlarnaURL:   "http://127.0.0.1:9",
		Banners:     []views.Banner{views.PausedBanner(ctx, "Klarna", "/x"), views.RetryBanner(ctx, "1s"), views.KeyLifetimeBanner(ctx, "1m")},
		Flashes:     []views.Flash{{Kind: views.OK, Text: "Gespeichert", Href: "/x", LinkText: "Zeigen"}},
		Version:     "1.0.0",
	}
}

func TestPagesKeepTheRules(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Languages() {
		ctx := i18n.WithLanguage(t.Context(), lang)
		p := examplePage(ctx, t)
		anonymous := p
		anonymous.User = nil
		for name, html := range map[string]string{
			"examples":        viewstest.Render(t, ctx, views.Examples(p)),
			"error":           viewstest.Render(t, ctx, views.ErrorPage(p, views.ErrorPageOptions{Status: 404, RequestID: "r1"})),
			"error anonymous": viewstest.Render(t, ctx, views.ErrorPage(anonymous, views.ErrorPageOptions{Status: 500, RequestID: "r1"})),
		} {
			t.Run(lang+" "+name, func(t *testing.T) {
				t.Parallel()
				viewstest.Check(t, html)
				if got := parse(t, html).Find("html").AttrOr("lang", ""); got != lang {
					t.Errorf("lang %q, want %q", got, lang)
				}
			})
		}
	}
}

func TestIconsExist(t *testing.T) {
	t.Parallel()
	sprite, err := os.ReadFile("../static/icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`<symbol id="([^"]+)"`).FindAllStringSubmatch(string(sprite), -1) {
		known[m[1]] = true
	}
	use := regexp.MustCompile(`(?:Icon\(|[iI]con: *|@buttonLabel\()"([^"]+)"`)
	sources, err := fs.Glob(os.DirFS("."), "*")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range sources {
		if strings.HasSuffix(name, "_templ.go") || !strings.HasSuffix(name, ".templ") && !strings.HasSuffix(name, ".go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range use.FindAllStringSubmatch(string(source), -1) {
			found++
			if !known[m[1]] {
				t.Errorf("%s: there is no icon %q", name, m[1])
			}
		}
	}
	for _, kind := range []views.Kind{views.OK, views.Warn, views.Fail, views.Info, views.Quiet} {
		if !known[string(kind)] {
			t.Errorf("there is no icon for the kind %q", kind)
		}
	}
	if found < 20 {
		t.Errorf("found %d uses of icons; does the pattern still fit?", found)
	}
}

func TestNavigationShowsWhatTheRoleMayUse(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		views.RoleAdmin: "/ /orders /dispatch /accounting/incoming-payments /accounting/payouts /accounting/exports /accounting/dunning /administration/settings /administration/jobs " +
			"/administration/users /administration/tokens /administration/log",
		views.RoleShipping:   "/ /orders /dispatch",
		views.RoleAccounting: "/ /orders /accounting/incoming-payments /accounting/payouts /accounting/exports /accounting/dunning /administration/settings",
		views.RoleViewer:     "/ /orders",
	}
	for role, want := range tests {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			p := examplePage(t.Context(), t)
			p.User.Role = role
			p.URL = address(t, "/orders/17")
			nav := parse(t, viewstest.Render(t, t.Context(), views.Layout(p))).Find("#navigation")
			got := strings.Join(nav.Find("a").Map(func(_ int, a *goquery.Selection) string { return a.AttrOr("href", "") }), " ")
			if got != want {
				t.Errorf("navigation %q, want %q", got, want)
			}
			current := nav.Find("[aria-current]")
			if current.Length() != 1 || current.AttrOr("href", "") != "/orders" {
				t.Errorf("marked: %v", current.Map(func(_ int, a *goquery.Selection) string { return a.AttrOr("href", "") }))
			}
		})
	}
}

func TestEnvironmentIsMarked(t *testing.T) {
	t.Parallel()
	p := examplePage(t.Context(), t)
	doc := parse(t, viewstest.Render(t, t.Context(), views.Layout(p)))
	if got := doc.Find(".environment").Text(); !strings.Contains(got, "Sandbox") || !strings.Contains(got, p.KlarnaURL) {
		t.Errorf("band %q", got)
	}
	if got := doc.Find("title").Text(); !strings.HasPrefix(got, "Sandbox · ") {
		t.Errorf("title %q", got)
	}
	p.Environment = ""
	if n := parse(t, viewstest.Render(t, t.Context(), views.Layout(p))).Find(".environment").Length(); n != 0 {
		t.Error("a live page is marked")
	}
}

func TestPageAddresses(t *testing.T) {
	t.Parallel()
	p := views.Page{URL: address(t, "/orders?status=released&dialog=cancel&q=a%26b")}
	if got, want := p.With("status", ""), "/orders?dialog=cancel&q=a%26b"; got != want {
		t.Errorf("With = %q, want %q", got, want)
	}
	if got, want := p.DialogURL("help"), "/orders?dialog=help&q=a%26b&status=released"; got != want {
		t.Errorf("DialogURL = %q, want %q", got, want)
	}
	if !p.DialogOpen("cancel") || p.DialogOpen("help") {
		t.Error("the wrong dialog is open")
	}
	if got := (views.Page{}).Address(); got != "/" {
		t.Errorf("address of no request %q", got)
	}
	if (views.Page{}).DialogOpen("help") {
		t.Error("a dialog is open without a request")
	}
}

func TestDialogOpensWithoutScript(t *testing.T) {
	t.Parallel()
	p := examplePage(t.Context(), t)
	p.URL = address(t, "/examples?dialog=cancel")
	doc := parse(t, viewstest.Render(t, t.Context(), views.Examples(p)))
	open := doc.Find("dialog[open]")
	if open.Length() != 1 || open.AttrOr("id", "") != "cancel" {
		t.Errorf("%d dialogs open, the first %q", open.Length(), open.AttrOr("id", ""))
	}
}

func TestFieldSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	html := viewstest.Render(t, t.Context(), views.Field(views.FieldOptions{
		Name: "lines.2.quantity", Label: "Menge", Hint: "Ganze Zahl", Value: `<script>"x"`, Error: "Zu viel", Required: true,
	}))
	viewstest.CheckFragment(t, html)
	doc := parse(t, html)
	input := doc.Find("input")
	for attribute, want := range map[string]string{
		"id": "field-lines-2-quantity", "name": "lines.2.quantity", "value": `<script>"x"`,
		"aria-invalid": "true", "aria-required": "true",
		"aria-describedby": "field-lines-2-quantity-hint field-lines-2-quantity-error",
	} {
		if got := input.AttrOr(attribute, ""); got != want {
			t.Errorf("%s %q, want %q", attribute, got, want)
		}
	}
	if got := doc.Find("#field-lines-2-quantity-error").Text(); !strings.Contains(got, "Zu viel") {
		t.Errorf("error %q", got)
	}
}

func TestFormErrorNamesFieldsByTheirLabels(t *testing.T) {
	t.Parallel()
	ctx := i18n.WithLanguage(t.Context(), i18n.German)
	var c fault.Checker
	c.Add("name", "error.required")
	c.Add("lines.2.quantity", "error.required")
	form := views.FormError(ctx, errors.Join(errors.New("cause"), c.Err()), "examples.")
	want := []views.FieldError{
		{Name: "name", Label: "Bezeichnung", Message: "Bitte ausfüllen."},
		{Name: "lines.2.quantity", Label: "lines.2.quantity", Message: "Bitte ausfüllen."},
	}
	if len(form.Errors) != len(want) || form.Errors[0] != want[0] || form.Errors[1] != want[1] {
		t.Errorf("errors %+v, want %+v", form.Errors, want)
	}
	if form.Error("name") != "Bitte ausfüllen." || form.Error("type") != "" || !form.Failed() {
		t.Errorf("form %+v", form)
	}
	if form := views.FormError(ctx, errors.New("sql: secret"), "examples."); form.Failed() {
		t.Errorf("an accident is told to people: %+v", form)
	}
	summary := parse(t, viewstest.Render(t, ctx, views.ErrorSummary(form)))
	if got := summary.Find("a").First(); got.AttrOr("href", "") != "#field-name" || got.Text() != "Bezeichnung: Bitte ausfüllen." {
		t.Errorf("summary leads to %q with %q", got.AttrOr("href", ""), got.Text())
	}
}

func TestBlockedButtonCannotBeSent(t *testing.T) {
	t.Parallel()
	b := parse(t, viewstest.Render(t, t.Context(), views.Button(views.ButtonOptions{Label: "Senden", Name: "do", Reason: "Noch nicht frei"}))).Find("button")
	if b.AttrOr("type", "") != "button" || b.AttrOr("aria-disabled", "") != "true" || !strings.Contains(b.Text(), "Noch nicht frei") {
		t.Errorf("blocked button %s %q", b.AttrOr("type", ""), b.Text())
	}
}

func TestForeignAddressesAreNotTrusted(t *testing.T) {
	t.Parallel()
	html := viewstest.Render(t, t.Context(), views.ExternalLink("javascript:alert(1)", "x"))
	if strings.Contains(html, "javascript") {
		t.Errorf("kept: %s", html)
	}
}

func TestErrorPageHasTextsForEveryStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{403: "You are not allowed to do this", 418: "That did not fit", 404: "Not found", 503: "Something went wrong"} {
		html := viewstest.Render(t, t.Context(), views.ErrorPage(views.Page{}, views.ErrorPageOptions{Status: status}))
		if got := parse(t, html).Find("h1").Text(); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.July, 9, 22, 5, 6, 7_000_000, time.UTC)
	de := i18n.WithLanguage(t.Context(), i18n.German)
	en := i18n.WithLanguage(t.Context(), i18n.English)
	for _, tt := range []struct{ got, want string }{
		{views.FormatDate(de, at), "10.07.2026"},
		{views.FormatDate(en, at), "10\u00a0Jul\u00a02026"},
		{views.FormatTime(de, at), "10.07.2026 00:05"},
		{views.FormatTime(en, at), "10\u00a0Jul\u00a02026, 00:05"},
		{views.FormatSeconds(de, at), "10.07.2026 00:05:06"},
		{views.FormatExact(de, at), "10.07.2026 00:05:06.007 CEST"},
		{views.FormatTime(de, time.Time{}), ""},
		{views.FormatMoney(de, 123456, "EUR"), "1.234,56\u00a0€"},
		{views.FormatMoney(en, -123456, "EUR"), "-€1,234.56"},
		{views.FormatNumber(de, 1234567), "1.234.567"},
		{views.FormatNumber(en, -1234), "-1,234"},
		{views.FormatBool(de, true), "Ja"},
		{views.FormatBool(en, false), "No"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
