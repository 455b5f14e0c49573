package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
)

// allowed is who may do what, written out: the test's own word, not the program's.
var allowed = map[string][]auth.Scope{
	"POST /orders":                         {"orders:write", "admin"},
	"POST /orders/batch":                   {"orders:write", "admin"},
	"GET /orders":                          {"orders:read", "admin"},
	"GET /orders/{number}":                 {"orders:read", "admin"},
	"PATCH /orders/{number}":               {"orders:write", "admin"},
	"GET /orders/{number}/protocol":        {"orders:read", "admin"},
	"POST /orders/{number}/delivery-notes": {"orders:write", "admin"},
	"POST /orders/{number}/parcels":        {"orders:write", "admin"},
	"POST /orders/{number}/ship":           {"orders:write", "admin"},
	"POST /orders/{number}/cancel":         {"orders:write", "admin"},
	"POST /orders/{number}/resend":         {"orders:write", "admin"},

	"GET /payouts":                                {"accounting:read", "admin"},
	"GET /payouts/{payment_reference}":            {"accounting:read", "admin"},
	"GET /statement-lines":                        {"accounting:read", "admin"},
	"POST /business-accounts/{short_name}/import": {"accounting:write", "admin"},
	"GET /import-runs/{id}":                       {"accounting:read", "admin"},
	"POST /import-runs/{id}/stop":                 {"accounting:write", "admin"},
	"POST /import-runs/{id}/continue":             {"accounting:write", "admin"},
	"POST /import-runs/{id}/undo":                 {"accounting:write", "admin"},
}

// inPath puts what there is not into an address.
var inPath = strings.NewReplacer("{number}", "999", "{payment_reference}", "X", "{short_name}", "x", "{id}", "999")

func TestEveryOperationWithEveryScope(t *testing.T) {
	t.Parallel()
	h := open(t)
	tokens := map[auth.Scope]string{}
	for _, s := range auth.AllScopes() {
		tokens[s] = h.newToken(string(s), s)
	}
	for path, item := range h.contract.document.Paths.Map() {
		for method := range item.Operations() {
			name := method + " " + path
			scopes, known := allowed[name]
			if !known {
				t.Errorf("the test does not know who may %s", name)
			}
			address, body := inPath.Replace(path), ""
			if method != "GET" {
				body = "{}"
			}
			if a := h.do(method, address, body, "Authorization", ""); a.status != 401 {
				t.Errorf("%s without a token: %d", name, a.status)
			}
			for scope, token := range tokens {
				want := false
				for _, s := range scopes {
					want = want || s == scope
				}
				a := h.do(method, address, body, "Authorization", "Bearer "+token)
				if got := a.status != 401 && a.status != 403; got != want {
					t.Errorf("%s with %s: %d, allowed is %t", name, scope, a.status, want)
				}
				if challenge := a.header.Get("WWW-Authenticate"); !want && !strings.Contains(challenge, `error="insufficient_scope"`) {
					t.Errorf("%s with %s: WWW-Authenticate %q", name, scope, challenge)
				}
			}
		}
	}
}

// To mark as paid is accounting's business, also for machines.
func TestMarkPaidTakesAccounting(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.post("/orders", posted("1")).expect(t, 201)
	for _, tt := range []struct {
		scopes []auth.Scope
		status int
	}{
		{[]auth.Scope{"orders:write"}, 403},
		{[]auth.Scope{"accounting:write"}, 403},
		{[]auth.Scope{"orders:write", "accounting:read"}, 403},
		{[]auth.Scope{"orders:write", "accounting:write"}, 200},
		{[]auth.Scope{"admin"}, 200},
	} {
		token := "Bearer " + h.newToken("x", tt.scopes...)
		h.do("PATCH", "/orders/1", `{"mark_paid":true}`, "Authorization", token).expect(t, tt.status)
		if tt.status == 403 {
			h.do("POST", "/orders", posted("2", "mark_paid", true), "Authorization", token).expect(t, 403)
			h.get("/orders/2").expect(t, 404)
		}
	}
	admin := "Bearer " + h.newToken("x", "admin")
	h.do("POST", "/orders", posted("3", "mark_paid", false), "Authorization", admin).expect(t, 201).is(t, document{"mark_paid": false})
}

func TestWhoIsNobody(t *testing.T) {
	t.Parallel()
	h := open(t)
	old := now.AddDate(0, 0, 1)
	bearer, token, err := h.auth.CreateToken(t.Context(), "test", auth.NewToken{Name: "revoked", Scopes: []auth.Scope{"admin"}, ExpiresAt: &old})
	must(t, err)
	must(t, h.auth.RevokeToken(t.Context(), "test", token.ID))
	_, err = h.auth.CreateUser(t.Context(), "test", auth.NewUser{Email: "a@example.com", Role: auth.Admin, Password: "correct-horse-1"})
	must(t, err)
	session, _, err := h.auth.LogIn(t.Context(), "a@example.com", "correct-horse-1", "192.0.2.1", "")
	must(t, err)
	for name, tt := range map[string]struct{ header, value, code, challenge string }{
		"nothing":                 {"X-Nothing", "", "token_missing", `Bearer realm="Zahlwerk"`},
		"a person's cookie":       {"Cookie", "zahlwerk=" + session, "token_missing", `Bearer realm="Zahlwerk"`},
		"a person's session":      {"Authorization", "Bearer " + session, "token_unknown", `Bearer realm="Zahlwerk", error="invalid_token"`},
		"a password":              {"Authorization", "Basic YTpi", "token_missing", `Bearer realm="Zahlwerk"`},
		"no token after the word": {"Authorization", "Bearer ", "token_missing", `Bearer realm="Zahlwerk"`},
		"an invented token":       {"Authorization", "Bearer zw_invented", "token_unknown", `Bearer realm="Zahlwerk", error="invalid_token"`},
		"a revoked token":         {"Authorization", "Bearer " + bearer, "token_revoked", `Bearer realm="Zahlwerk", error="invalid_token"`},
	} {
		r := httptest.NewRequest("GET", "/api/v1/orders?token="+h.token, nil)
		r.Header.Set(tt.header, tt.value)
		a := h.send(r).expect(t, 401)
		if got := a.header.Get("WWW-Authenticate"); a.body["code"] != tt.code || got != tt.challenge {
			t.Errorf("%s: %v, %s", name, a.body["code"], got)
		}
	}
	if a := h.do("GET", "/orders", "", "Authorization", "bearer "+h.token); a.status != 200 {
		t.Errorf("the scheme in small letters: %d", a.status)
	}
}
