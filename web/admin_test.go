package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"zahlwerk/internal/auth"
)

type selection = goquery.Selection

func fragment(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("X-Fragment", "1")
	return r
}

func TestUsers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	page := admin.get("/administration/users/new").is(200)
	bad := admin.submit(page, "/administration/users/new", url.Values{"email": {"max"}, "role": {"king"}, "name": {"Max"}, "password": {"kurz"}}).is(422)
	for _, field := range []string{"email", "role", "password"} {
		if bad.fieldError(field) == "" {
			t.Errorf("nothing at %s: %s", field, bad.text())
		}
	}
	if form := bad.form("/administration/users/new"); form.Get("name") != "Max" || form.Get("email") != "max" {
		t.Errorf("the form came back as %v", form)
	}
	admin.submit(bad, "/administration/users/new", url.Values{"email": {"max@example.com"}, "role": {"shipping"}, "password": {password}}).
		redirects(t, "/administration/users")
	admin.get("/administration/users").is(200).says("max@example.com", "Shipping", "User “Max” is added.")
	max := h.visitor()
	max.logIn("max@example.com")

	page = admin.get("/administration/users/2").is(200)
	admin.submit(page, "/administration/users/2", url.Values{"name": {"Max <M>"}}).redirects(t, "/administration/users/2")
	admin.get("/administration/users/2").says("Max <M>", "Active")
	admin.post("/administration/users/2", url.Values{"role": {"viewer"}}).redirects(t, "/administration/users/2")
	u, err := h.auth.FindUser(t.Context(), 2)
	if err != nil || u.Name != "Max <M>" || u.Role != auth.Viewer || !u.Active {
		t.Errorf("what was not sent was changed: %+v, %v", u, err)
	}
	page = admin.get("/administration/users/2")
	admin.submit(page, "/administration/users/2/password", url.Values{"password": {"kurz"}}).is(422).has("#field-password-error")
	admin.submit(page, "/administration/users/2/end-sessions", nil).redirects(t, "/administration/users/2")
	max.get("/account").redirects(t, "/login?return_to=%2Faccount")
	admin.submit(page, "/administration/users/2/password", url.Values{"password": {"ein neues Beispiel"}}).redirects(t, "/administration/users/2")
	admin.submit(page, "/administration/users/2", url.Values{"active": {"off"}}).redirects(t, "/administration/users/2")
	admin.get("/administration/users/2").says("Not active")

	page = admin.get("/administration/users/1")
	admin.submit(page, "/administration/users/1", url.Values{"role": {"viewer"}}).is(http.StatusConflict).says("last active administrator")
}

func TestATokenLivesAsLongAsTheFormSaysAtFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	want := admin.get("/administration/tokens").is(200).form("/administration/tokens").Get("expires_in")
	admin.post("/administration/tokens", url.Values{"name": {"Shop"}, "scopes": {"orders:read"}}).redirects(t, "/administration/tokens")
	token, err := h.auth.Token(t.Context(), admin.get("/administration/tokens").doc.Find(".notice code").Text())
	must(t, err)
	if days := token.ExpiresAt.Sub(noon).Hours() / 24; want != strconv.FormatFloat(days, 'f', -1, 64) {
		t.Errorf("ends after %v days, the form begins with %s", days, want)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	page := admin.get("/administration/tokens").is(200).says("No tokens yet")
	bad := admin.submit(page, "/administration/tokens", url.Values{"expires_in": {"-1"}, "name": {"Shop"}}).is(422)
	bad.has("#field-expires_in-error")
	bad = admin.submit(page, "/administration/tokens", url.Values{"name": {"Shop"}}).is(422)
	if bad.form("/administration/tokens").Get("name") != "Shop" || bad.doc.Find("#field-scopes-all-error").Length() != 1 {
		t.Errorf("the form came back as %s", bad.text())
	}
	admin.submit(bad, "/administration/tokens", url.Values{"scopes": {"orders:read", "orders:write"}, "expires_in": {"30"}}).
		redirects(t, "/administration/tokens")
	page = admin.get("/administration/tokens").is(200).says("Shop", "orders:read orders:write", "only now")
	bearer := page.doc.Find(".notice code").Text()
	token, err := h.auth.Token(t.Context(), bearer)
	if err != nil || token.Name != "Shop" || !token.ExpiresAt.Equal(noon.Add(30*24*time.Hour)) {
		t.Errorf("token %+v, %v", token, err)
	}
	again := admin.get("/administration/tokens")
	if strings.Contains(again.Body.String(), bearer) || strings.Contains(h.log.String(), bearer) {
		t.Error("the token is told again")
	}
	admin.get("/administration/tokens?dialog=revoke-1").has("dialog[open]#revoke-1")
	admin.submit(again, "/administration/tokens/1/revoke", nil).redirects(t, "/administration/tokens")
	admin.get("/administration/tokens").says("Revoked on")
	if _, err := h.auth.Token(t.Context(), bearer); err == nil {
		t.Error("the token still opens")
	}
	admin.post("/administration/tokens", url.Values{"name": {"Lager"}, "scopes": {"admin"}, "expires_in": {"never"}}).redirects(t, "/administration/tokens")
	admin.get("/administration/tokens").says("Valid without end")
	admin.post("/administration/tokens/9/revoke", url.Values{}).is(http.StatusNotFound)
}

func TestLog(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	h.method()
	for i := range 60 {
		admin.post("/administration/users/1", url.Values{"name": {fmt.Sprintf("Erika %d", i)}})
	}
	page := admin.get("/administration/log").is(200).says("User changed", "Name: Erika 58 → Erika 59", emailOf(auth.Admin))
	if page.doc.Find("tbody tr").Length() != 50 || page.doc.Find(".pagination a").Length() != 1 {
		t.Errorf("%d rows", page.doc.Find("tbody tr").Length())
	}
	older := admin.get(page.doc.Find(".pagination a").AttrOr("href", ""))
	older.is(200).says("Payment method added", "Type: klarna", "Connection: connected", "Password: changed", "User created", "Role: Administration")
	if strings.Contains(older.text(), "sandbox-password") || strings.Contains(older.text(), "audit.") {
		t.Errorf("the log says %s", older.text())
	}
	newest := older.doc.Find(".pagination a")
	if newest.Length() != 1 || newest.AttrOr("href", "") != "/administration/log" {
		t.Error("no way back")
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	page := admin.get("/administration/jobs").is(200).says("Captures", "Parcels added later", "Paused payment methods", "Housekeeping", "Nothing to do")
	page.has(`[data-refresh="/administration/jobs"][data-refresh-active]`)
	if strings.Contains(page.text(), "jobs.") {
		t.Errorf("a text is missing: %s", page.text())
	}
	part := admin.send(fragment("/administration/jobs")).is(200).has("#jobs table")
	if part.doc.Find("main, nav").Length() > 0 || part.Header().Get("Vary") != "X-Fragment" {
		t.Error("the part is a whole page")
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(auth.Accounting).get("/administration/settings").is(200).has(`a[href="/administration/settings/payment-methods"]`)
}
