package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/web"
)

// permitted is who may do what, written down apart from the route table: the rows of the
// table of roles, each with its addresses.
var permitted = []struct {
	what   string
	roles  []auth.Role // nil: everybody, also who is not logged in
	routes []string
}{
	{"the way in and out", nil, []string{
		"GET /healthz", "GET /readyz", "GET /static/*", "GET /login", "POST /login", "POST /logout", "GET /setup", "POST /setup",
		"POST /preferences",
	}},
	{"one's own account", []auth.Role{auth.Viewer, auth.Shipping, auth.Accounting, auth.Admin}, []string{
		"GET /account", "POST /account/password",
	}},
	{"overview, orders, protocol: read", []auth.Role{auth.Viewer, auth.Shipping, auth.Accounting, auth.Admin}, []string{
		"GET /", "GET /orders", "GET /orders/:id", "GET /orders/:id/minidetail", "GET /orders/export.csv",
		"POST /orders/views", "POST /orders/views/:id/rename", "POST /orders/views/:id/delete",
	}},
	{"order actions, parcels, dispatch", []auth.Role{auth.Shipping, auth.Admin}, []string{
		"GET /orders/import", "POST /orders/import", "GET /orders/import/template.csv",
		"GET /dispatch/import", "POST /dispatch/import", "GET /dispatch/import/:id", "POST /dispatch/import/:id",
		"GET /orders/new", "POST /orders/new", "POST /orders/:id/parcels", "POST /orders/:id/parcels/:parcel/remove",
		"POST /orders/:id/delivery-notes", "POST /orders/:id/ship", "POST /orders/:id/undo-ship", "POST /orders/:id/done-by-hand", "POST /orders/:id/undo-done-by-hand",
		"POST /orders/:id/release", "POST /orders/:id/resend", "POST /orders/:id/cancel", "POST /orders/:id/uncancel",
		"POST /orders/:id/dont-tell", "POST /orders/:id/undo-dont-tell", "POST /orders/:id/read-at-klarna", "POST /orders/:id/amend",
		"GET /dispatch", "GET /dispatch/:note", "POST /dispatch/:note", "POST /dispatch/:note/withdraw", "GET /dispatch/recognise",
	}},
	{"autoship", []auth.Role{auth.Shipping, auth.Admin}, []string{"GET /autoship", "POST /autoship", "GET /autoship/schedule", "GET /batches/:id/papers", "GET /batches/:id/print.pdf"}},
	{"selections, batches", []auth.Role{auth.Shipping, auth.Admin}, []string{
		"POST /orders/bulk", "GET /batches", "GET /batches/:id", "GET /batches/:id/result.csv", "POST /batches/:id/start",
		"POST /batches/:id/stop", "POST /batches/:id/continue", "POST /batches/:id/discard",
	}},
	{"papers", []auth.Role{auth.Shipping, auth.Admin}, []string{
		"POST /orders/:id/invoice", "GET /dispatch/:note/delivery-note.pdf", "GET /dispatch/:note/label.pdf", "GET /dispatch/pick-list.pdf",
		"GET /dispatch/print.pdf",
	}},
	{"an invoice: read", []auth.Role{auth.Viewer, auth.Shipping, auth.Accounting, auth.Admin}, []string{"GET /orders/:id/invoice.pdf"}},
	{"company", []auth.Role{auth.Admin}, []string{
		"GET /administration/settings/company", "POST /administration/settings/company", "GET /administration/settings/company/logo",
	}},
	{"mark as paid", []auth.Role{auth.Accounting, auth.Admin}, []string{"POST /orders/:id/mark-paid", "POST /orders/:id/payment", "POST /orders/:id/undo-payment"}},
	{"open items and dunning", []auth.Role{auth.Accounting, auth.Admin}, []string{
		"GET /accounting/dunning", "POST /accounting/dunning/remind", "GET /accounting/dunning/reminded", "GET /accounting/dunning/letters",
		"GET /accounting/dunning/settings", "GET /accounting/dunning/:id", "POST /accounting/dunning/:id/hold", "POST /accounting/dunning/:id/unhold",
	}},
	{"incoming payments, imports, matching", []auth.Role{auth.Accounting, auth.Admin}, []string{
		"GET /accounting/incoming-payments", "GET /accounting/incoming-payments/:account", "GET /accounting/incoming-payments/:account/lines.csv",
		"GET /accounting/statement-lines/:id", "POST /accounting/statement-lines/:id/match", "POST /accounting/statement-lines/:id/unmatch",
		"POST /accounting/statement-lines/:id/reject", "GET /accounting/import-runs/:id", "POST /accounting/import-runs/:id/stop",
		"POST /accounting/import-runs/:id/continue", "POST /accounting/import-runs/:id/undo",
		"POST /administration/settings/accounting/business-accounts/:id/import",
	}},
	{"payouts", []auth.Role{auth.Accounting, auth.Admin}, []string{
		"GET /accounting/payouts", "GET /accounting/payouts/:reference", "GET /accounting/payouts/:reference/lines.csv",
		"GET /accounting/not-paid-out", "GET /accounting/not-paid-out/export.csv", "GET /accounting/unknown-payments", "GET /accounting/unknown-payments/export.csv",
	}},
	{"exports", []auth.Role{auth.Accounting, auth.Admin}, []string{
		"GET /accounting/exports", "GET /accounting/exports/download", "GET /accounting/exports/settings", "POST /accounting/exports/settings",
	}},
	{"settlement files", []auth.Role{auth.Accounting, auth.Admin}, []string{
		"GET /accounting/incoming-payments/:account/file", "POST /accounting/incoming-payments/:account/file",
		"GET /accounting/incoming-payments/:account/file/:run", "POST /accounting/incoming-payments/:account/file/:run/start",
		"POST /accounting/incoming-payments/:account/file/:run/discard",
	}},
	{"payment methods: read", []auth.Role{auth.Accounting, auth.Admin}, []string{
		"GET /administration/settings", "GET /administration/settings/payment-methods", "GET /administration/settings/payment-methods/:id",
	}},
	{"business accounts: read", []auth.Role{auth.Accounting, auth.Admin}, []string{
		"GET /administration/settings/accounting/business-accounts", "GET /administration/settings/accounting/business-accounts/:id",
	}},
	{"business accounts: write, check", []auth.Role{auth.Admin}, []string{
		"GET /administration/settings/accounting/business-accounts/new", "POST /administration/settings/accounting/business-accounts/new",
		"POST /administration/settings/accounting/business-accounts/:id", "POST /administration/settings/accounting/business-accounts/:id/check",
	}},
	{"payment methods: write; users, tokens, jobs, log", []auth.Role{auth.Admin}, []string{
		"GET /administration/settings/payment-methods/new", "POST /administration/settings/payment-methods/new",
		"POST /administration/settings/payment-methods/:id", "POST /administration/settings/payment-methods/:id/check",
		"POST /administration/settings/payment-methods/:id/resume",
		"GET /administration/settings/carriers", "GET /administration/settings/carriers/new", "POST /administration/settings/carriers/new",
		"GET /administration/settings/carriers/:id", "POST /administration/settings/carriers/:id",
		"GET /administration/settings/mail", "POST /administration/settings/mail", "POST /administration/settings/mail/test",
		"POST /accounting/dunning/settings", "POST /autoship/schedule",
		"GET /administration/users", "GET /administration/users/new", "POST /administration/users/new", "GET /administration/users/:id",
		"POST /administration/users/:id", "POST /administration/users/:id/password", "POST /administration/users/:id/end-sessions",
		"GET /administration/tokens", "POST /administration/tokens", "POST /administration/tokens/:id/revoke",
		"GET /administration/log", "GET /administration/jobs",
	}},
}

func TestRoles(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	clients := map[auth.Role]*client{"": h.visitor()}
	for _, role := range auth.Roles() {
		clients[role] = h.as(role)
	}
	oracle := map[string][]auth.Role{}
	for _, row := range permitted {
		for _, route := range row.routes {
			oracle[route] = row.roles
		}
	}
	for _, route := range h.Routes() {
		name := route.Method + " " + route.Path
		roles, known := oracle[name]
		if !known {
			t.Errorf("the table of roles does not know %s", name)
			continue
		}
		delete(oracle, name)
		for role, c := range clients {
			checkAccess(t, c, route, role, roles)
		}
	}
	for name := range oracle {
		t.Errorf("there is no %s", name)
	}
}

// checkAccess asks for a route, with numbers that nothing has: who may come in learns that.
func checkAccess(t *testing.T, c *client, route web.Route, role auth.Role, roles []auth.Role) {
	t.Helper()
	visitor := *c // who leaves by one route is still there for the next
	visitor.cookies = map[string]*http.Cookie{}
	if route.Path != "/logout" {
		visitor.cookies = c.cookies
	}
	path := route.Path
	for _, variable := range []string{":id", ":parcel", ":note", ":run", ":account", "*"} {
		path = strings.ReplaceAll(path, variable, "999999")
	}
	methods := []string{route.Method}
	if route.Method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	for _, method := range methods {
		var form url.Values
		if method == http.MethodPost {
			form = url.Values{}
		}
		a := visitor.do(method, path, form)
		toLogIn := a.Code == http.StatusSeeOther && strings.HasPrefix(a.Header().Get("Location"), "/login?return_to=")
		got := "in"
		switch {
		case toLogIn || a.Code == http.StatusUnauthorized:
			got = "log in"
		case a.Code == http.StatusForbidden:
			got = "forbidden"
		}
		want := "in"
		switch {
		case roles == nil:
		case role == "":
			want = "log in"
		case !slices.Contains(roles, role):
			want = "forbidden"
		}
		if got != want {
			t.Errorf("%s %s as %q: %s (status %d), want %s", method, route.Path, role, got, a.Code, want)
		}
		if a.Code >= 500 {
			t.Errorf("%s %s as %q: status %d", method, route.Path, role, a.Code)
		}
	}
}

// TestSetupIsNoWayInForAPerson keeps the exception of the table above honest: the set-up
// is open to everybody, but only its token opens it.
func TestSetupIsNoWayInForAPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.auth.SetupToken(t.Context())
	must(t, err)
	for _, path := range []string{"/setup", "/setup?token=", "/setup?token=guessed"} {
		h.visitor().get(path).is(http.StatusForbidden).says("link")
	}
	h.visitor().post("/setup", url.Values{"token": {"guessed"}, "email": {"a@example.com"}, "password": {password}}).is(http.StatusForbidden)
	h.user(auth.Viewer)
	h.visitor().get("/setup?token=guessed").is(http.StatusConflict)
}
