package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/static"
	"zahlwerk/web"
)

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *web.Config, _ *web.Deps) { c.PublicURL = mustURL(t, "http://shop.example.com") })
	const ours, public, other = "http://127.0.0.1:8080", "http://shop.example.com", "https://evil.example.com"
	for name, tc := range map[string]struct {
		site, origin string
		want         int
	}{
		"a browser on our page":                 {"same-origin", ours, 303},
		"typed by the person":                   {"none", "", 303},
		"another site":                          {"cross-site", other, 403},
		"another site without origin":           {"cross-site", "", 403},
		"a neighbour":                           {"same-site", "http://127.0.0.1:9090", 403},
		"an old browser on our page":            {"", ours, 303},
		"an old browser behind a proxy":         {"", public, 303},
		"an old browser on another site":        {"", other, 403},
		"an old browser, origin kept secret":    {"", "null", 403},
		"no browser":                            {"", "", 303},
		"another site that claims our own":      {"cross-site", ours, 403},
		"a proxy that changes the host":         {"same-origin", public, 303},
		"an unknown word":                       {"cross-origin", other, 403},
		"an old browser on our name's neighbor": {"", "http://shop.example.com.evil.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := h.visitor()
			c.t, c.header = t, http.Header{}
			if tc.site != "" {
				c.header.Set("Sec-Fetch-Site", tc.site)
			}
			if tc.origin != "" {
				c.header.Set("Origin", tc.origin)
			}
			a := c.post("/preferences", url.Values{"theme": {"dark"}}).is(tc.want)
			if tc.want == 403 {
				a.says("another website")
				if a.Header().Get("Set-Cookie") != "" {
					t.Error("it was done all the same")
				}
			}
			c.get("/login").is(200) // reading is open to links from everywhere
		})
	}
}

// TestEveryAnswerIsProtected looks at pages, errors, redirects and files alike.
func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *web.Config, _ *web.Deps) { c.PublicURL = mustURL(t, "https://pay.example.com") })
	h.Handle(http.MethodGet, "/panics", func() error { panic("boom") })
	admin := h.as(auth.Admin)
	for _, a := range []*answer{
		h.visitor().get("/login").is(200), h.visitor().get("/").is(303), h.visitor().get("/nothing").is(404),
		h.visitor().do(http.MethodDelete, "/login", nil).is(405), h.visitor().get("/panics").is(500),
		h.visitor().get(static.URL("app.css")).is(200), h.visitor().get("/static/nothing.css").is(404), h.visitor().get("/healthz").is(200),
		h.visitor().get("/api/v1/orders").is(404), h.visitor().get("/sandbox/").is(404), h.visitor().get("/sandbox-not").is(404), admin.get("/administration/users").is(200), admin.get("/administration/users/9").is(404),
	} {
		policy := a.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q lacks %s", a.path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", a.path, policy)
		}
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if got := a.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", a.path, header, got, want)
			}
		}
		if a.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s has no request id", a.path)
		}
		if stored := a.Header().Get("Cache-Control"); stored != "no-store" && !strings.HasPrefix(a.path, "/static/app.") {
			t.Errorf("%s may be stored: %q", a.path, stored)
		}
	}
}

func TestErrorPagesSayNothingInternal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Handle(http.MethodGet, "/panics", func() error { panic("secret in a panic") })
	h.Handle(http.MethodGet, "/fails", func() error { return errors.New("secret in an error") })
	h.Handle(http.MethodGet, "/asks", func() error { return h.db.Read(t.Context()).Exec("SELECT secret_column FROM nowhere").Error })
	for _, path := range []string{"/panics", "/fails", "/asks"} {
		a := h.visitor().get(path).is(http.StatusInternalServerError)
		id := a.Header().Get("X-Request-Id")
		if id == "" {
			t.Fatal("no request id")
		}
		a.says(id, "Something went wrong")
		for _, internal := range []string{"secret", "goroutine", "nowhere", ".go:"} {
			if strings.Contains(a.Body.String(), internal) {
				t.Errorf("%s tells %q", path, internal)
			}
		}
		if log := h.log.String(); !strings.Contains(log, id) || strings.Count(log, "level=ERROR msg=request request_id="+id) != 1 {
			t.Errorf("%s: the log has not exactly one line for %s: %s", path, id, log)
		}
	}
	if log := h.log.String(); !strings.Contains(log, "secret in a panic") || !strings.Contains(log, "nowhere") {
		t.Error("the log does not tell the operator what happened")
	}
}

func TestOddRequests(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user(auth.Viewer)
	c := h.visitor()
	large := url.Values{"email": {strings.Repeat("x", 2<<20)}, "password": {"x"}}
	c.post("/login", large).is(http.StatusRequestEntityTooLarge).says("larger than allowed")
	c.get("/no/such/page").is(http.StatusNotFound).says("Not found")
	c.get("/orders/").is(http.StatusNotFound)
	c.do(http.MethodPost, "/healthz", nil).is(http.StatusMethodNotAllowed)
	c.do(http.MethodPut, "/login", nil).is(http.StatusMethodNotAllowed)
	c.do(http.MethodOptions, "/login", nil).is(http.StatusNoContent)
	c.do(http.MethodHead, "/login", nil).is(http.StatusOK)

	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("email=%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	c.send(r).is(http.StatusBadRequest)
	r = httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("hello"))
	r.Header.Set("Content-Type", "text/plain")
	c.send(r).is(http.StatusUnsupportedMediaType)

	admin := h.as(auth.Admin)
	for _, id := range []string{"x", "-1", "0", "1.5", "99999999999999999999"} {
		admin.get("/administration/users/" + id).is(http.StatusNotFound)
	}
	admin.get("/administration/log?cursor=x").is(http.StatusUnprocessableEntity)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var broken error
	h := newHouse(t, func(_ *web.Config, d *web.Deps) { d.Ready = func() error { return broken } })
	h.visitor().get("/readyz").is(http.StatusOK)
	broken = errors.New("secret: the workers sleep")
	a := h.visitor().get("/readyz").is(http.StatusServiceUnavailable)
	if body := a.Body.String(); body != "workers: not running\n" {
		t.Errorf("body %q", body)
	}
	broken = nil
	must(t, h.db.Close())
	a = h.visitor().get("/readyz").is(http.StatusServiceUnavailable)
	if body := a.Body.String(); body != "database: not reachable\n" {
		t.Errorf("body %q", body)
	}
	h.visitor().get("/healthz").is(http.StatusOK)
	h.visitor().get("/login").is(http.StatusInternalServerError).says("Something went wrong")
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/orders?q=a&x=1": "/orders?q=a&x=1", "/": "/", "/setup?token=a": "/setup?token=a", "/orders/1#top": "/orders/1#top",
		"": "/", "orders": "/", "//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/",
		"https://evil.example/": "/", "javascript:alert(1)": "/", "http:/evil.example": "/", "/a\r\nSet-Cookie: b=c": "/",
		"/\t/evil.example": "/", "%2f%2fevil.example": "/", "/%zz": "/", " //evil.example": "/", "/a\\b": "/",
	} {
		if got := web.LocalPath(address); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", address, got, want)
		}
	}
	for address, want := range map[string]string{
		"/orders?q=a": "/orders?q=a", "/login": "/", "/login?return_to=/x": "/", "/logout": "/", "/setup?token=a": "/", "//evil.example": "/",
	} {
		if got := web.AfterLogIn(address); got != want {
			t.Errorf("AfterLogIn(%q) = %q, want %q", address, got, want)
		}
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}
