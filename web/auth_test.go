package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/web"
)

func TestLogIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user(auth.Viewer)
	c := h.visitor()
	c.get("/orders?q=muster").redirects(t, "/login?return_to=%2Forders%3Fq%3Dmuster")
	page := c.get("/login?return_to=%2Forders%3Fq%3Dmuster").is(200)
	page.has(`input[name=email][autocomplete=username]`).has(`input[name=password][type=password][autocomplete=current-password]`)

	wrong := c.submit(page, "/login", url.Values{"email": {emailOf(auth.Viewer)}, "password": {"not the password"}}).is(http.StatusUnprocessableEntity)
	wrong.says("e-mail address or the password is wrong")
	form := wrong.form("/login")
	if form.Get("email") != emailOf(auth.Viewer) || form.Get("return_to") != "/orders?q=muster" || form.Get("password") != "" {
		t.Errorf("the form came back as %v", form)
	}
	if strings.Contains(wrong.Body.String(), "not the password") || strings.Contains(h.log.String(), "not the password") {
		t.Error("the password was told")
	}
	c.submit(wrong, "/login", url.Values{"password": {password}}).redirects(t, "/orders?q=muster")
	c.get("/login").redirects(t, "/")
	c.get("/account").is(200).says(emailOf(auth.Viewer), "Read only")

	stranger := h.visitor()
	stranger.post("/login", url.Values{"email": {emailOf(auth.Viewer)}, "password": {password}, "return_to": {"//evil.example"}}).redirects(t, "/")
}

func TestLogInNeverTellsWhoIsThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user(auth.Viewer)
	there := h.visitor().post("/login", url.Values{"email": {emailOf(auth.Viewer)}, "password": {"x"}}).is(422).text()
	nobody := h.visitor().post("/login", url.Values{"email": {"nobody@example.com"}, "password": {"x"}}).is(422).text()
	if there != nobody {
		t.Errorf("%q\n%q", there, nobody)
	}
}

func TestCookie(t *testing.T) {
	t.Parallel()
	for address, tc := range map[string]struct {
		name   string
		secure bool
	}{"http://127.0.0.1:8080": {"zahlwerk", false}, "https://pay.example.com": {"__Host-zahlwerk", true}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(c *web.Config, _ *web.Deps) { c.PublicURL = mustURL(t, address) })
			c := h.as(auth.Viewer)
			k := c.cookies[tc.name]
			if len(c.cookies) != 1 || k == nil {
				t.Fatalf("cookies %v", c.cookies)
			}
			if k.Secure != tc.secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || k.MaxAge != 12*60*60 {
				t.Errorf("cookie %+v", k)
			}
		})
	}
}

// TestLogInStartsAnew: a session that was there before, somebody else's perhaps, is worth
// nothing after a log-in, and what it held is gone.
func TestLogInStartsAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user(auth.Admin)
	c := h.as(auth.Viewer)
	before := *c.cookies["zahlwerk"]
	c.logIn(emailOf(auth.Admin))
	if c.cookies["zahlwerk"].Value == before.Value {
		t.Fatal("the cookie is the same")
	}
	c.get("/account").is(200).says(emailOf(auth.Admin))
	old := h.visitor()
	old.cookies["zahlwerk"] = &before
	old.get("/account").redirects(t, "/login?return_to=%2Faccount")
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	toLogIn := "/login?return_to=%2Faccount"
	for name, end := range map[string]func(t *testing.T, h *house, c *client){
		"by the person": func(t *testing.T, _ *house, c *client) {
			c.submit(c.get("/account"), "/logout", nil).redirects(t, "/login")
			c.get("/login").says("You are logged out.")
		},
		"by an admin": func(t *testing.T, h *house, _ *client) { must(t, h.auth.EndSessions(t.Context(), "test", 1)) },
		"by time":     func(_ *testing.T, h *house, _ *client) { h.clock.Advance(auth.SessionLifetime) },
		"when inactive": func(t *testing.T, h *house, _ *client) {
			h.user(auth.Admin)
			_, err := h.auth.UpdateUser(t.Context(), "test", 1, auth.UserUpdate{Role: auth.Viewer})
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c := h.as(auth.Viewer)
			stolen := *c.cookies["zahlwerk"]
			c.get("/account").is(200)
			end(t, h, c)
			c.get("/account").redirects(t, toLogIn)
			thief := h.visitor()
			thief.cookies["zahlwerk"] = &stolen
			thief.get("/account").redirects(t, toLogIn)
		})
	}
}

func TestBrake(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user(auth.Viewer)
	c := h.visitor()
	guess := url.Values{"email": {emailOf(auth.Viewer)}, "password": {"a guess"}, "return_to": {"/orders"}}
	for range 5 {
		c.post("/login", guess).is(422)
	}
	guess.Set("password", password)
	a := c.post("/login", guess).is(http.StatusTooManyRequests)
	a.says("Too many failed log-ins", "one minute")
	if wait := a.Header().Get("Retry-After"); wait != "30" {
		t.Errorf("Retry-After %q", wait)
	}
	if form := a.form("/login"); form.Get("email") != emailOf(auth.Viewer) || form.Get("return_to") != "/orders" {
		t.Errorf("the form came back as %v", form)
	}
	h.clock.Advance(30 * time.Second)
	c.submit(a, "/login", url.Values{"password": {password}}).redirects(t, "/orders")
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token, err := h.auth.SetupToken(t.Context())
	must(t, err)
	h.visitor().get("/login").says("Not set up yet")
	c := h.visitor()
	page := c.get("/setup?token=" + token).is(200)
	bad := c.submit(page, "/setup", url.Values{"email": {"erika"}, "name": {"Erika"}, "password": {"kurz"}}).is(422)
	if bad.fieldError("email") == "" || bad.fieldError("password") == "" {
		t.Errorf("no errors at the fields: %s", bad.text())
	}
	if form := bad.form("/setup"); form.Get("email") != "erika" || form.Get("name") != "Erika" || form.Get("password") != "" || form.Get("token") != token {
		t.Errorf("the form came back as %v", form)
	}
	c.submit(bad, "/setup", url.Values{"email": {"erika@example.com"}, "password": {password}}).redirects(t, "/")
	c.get("/administration/users").is(200).says("erika@example.com", "Erika", "Welcome")
	h.visitor().get("/setup?token=" + token).is(http.StatusConflict)
	h.visitor().get("/login").is(200).doc.Find(".notice").Each(func(_ int, _ *selection) { t.Error("it still says that nothing is set up") })
}

func TestOfTwoSetUpsOneWins(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token, err := h.auth.SetupToken(t.Context())
	must(t, err)
	codes := make(chan int, 2)
	var both sync.WaitGroup
	for _, email := range []string{"erika@example.com", "max@example.com"} {
		both.Go(func() {
			codes <- h.visitor().post("/setup", url.Values{"token": {token}, "email": {email}, "password": {password}}).Code
		})
	}
	both.Wait()
	if a, b := <-codes, <-codes; a+b != http.StatusSeeOther+http.StatusConflict {
		t.Errorf("status %d and %d", a, b)
	}
	users, err := h.auth.ListUsers(t.Context())
	if err != nil || len(users) != 1 || users[0].Role != auth.Admin {
		t.Errorf("users %+v, %v", users, err)
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.visitor()
	page := c.get("/login?return_to=%2Forders").is(200).has(`html[lang=en]`)
	c.submit(page, "/preferences", url.Values{"language": {"de"}}).redirects(t, "/login?return_to=%2Forders")
	c.post("/preferences", url.Values{"theme": {"dark"}, "return_to": {"//evil.example"}}).redirects(t, "/")
	c.get("/login").has(`html[lang=de][data-theme=dark]`)

	h.user(auth.Viewer)
	c.logIn(emailOf(auth.Viewer))
	c.get("/account").has(`html[lang=de]`) // the person has not chosen: what the cookie says
	c.post("/preferences", url.Values{"theme": {"light"}, "return_to": {"/account"}}).redirects(t, "/account")
	c.post("/preferences", url.Values{"language": {"en"}, "return_to": {"/account"}}).redirects(t, "/account")
	c.get("/account").has(`html[lang=en][data-theme=light]`)
	c.post("/preferences", url.Values{"theme": {""}}).redirects(t, "/")
	if page := c.get("/account"); page.doc.Find("html[data-theme]").Length() > 0 {
		t.Error("the theme of the system was not taken")
	}
	elsewhere := h.visitor()
	elsewhere.header.Set("Accept-Language", "de")
	elsewhere.logIn(emailOf(auth.Viewer))
	elsewhere.get("/account").has(`html[lang=en]`)

	c.post("/preferences", url.Values{"language": {"fr"}}).is(422)
	c.post("/preferences", url.Values{"theme": {"pink"}}).is(422)
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	const next = "ein anderes Beispiel"
	h := newHouse(t)
	c := h.as(auth.Viewer)
	elsewhere := h.visitor()
	elsewhere.logIn(emailOf(auth.Viewer))
	page := c.get("/account").is(200)
	bad := c.submit(page, "/account/password", url.Values{"current_password": {"falsch"}, "password": {next}}).is(422)
	if bad.fieldError("current_password") == "" || strings.Contains(bad.Body.String(), next) {
		t.Errorf("the form came back as %s", bad.text())
	}
	c.submit(bad, "/account/password", url.Values{"current_password": {password}, "password": {"kurz"}}).is(422).has("#field-password-error")
	c.submit(bad, "/account/password", url.Values{"current_password": {password}, "password": {next}}).redirects(t, "/account")
	c.get("/account").is(200).says("Your password is changed")
	elsewhere.get("/account").redirects(t, "/login?return_to=%2Faccount")
}

// TestFlashesFit: somebody who acts a hundred times without looking at a page must not be
// logged out by a cookie that has grown too large.
func TestFlashesFit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Admin)
	c.post(methods+"/new", newKlarna()).redirects(t, methods+"/1")
	name := strings.Repeat("\U0001F4E6", 255)
	for range 30 {
		c.post(methods+"/1", url.Values{"name": {name}}).redirects(t, methods+"/1")
	}
	// What shows no page to anybody leaves them for one that does.
	c.send(fragment("/administration/users")).is(200)
	c.do(http.MethodHead, "/administration/users", nil).is(200)
	page := c.get("/administration/users").is(200)
	if n := page.doc.Find(".flash").Length(); n != 3 {
		t.Errorf("%d flashes", n)
	}
	if n := c.get("/administration/users").doc.Find(".flash").Length(); n != 0 {
		t.Errorf("%d flashes again", n)
	}
}
