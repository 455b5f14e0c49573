package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/paymentmethod"
)

const methods = "/administration/settings/payment-methods"

func methodPath(m *paymentmethod.Method) string { return fmt.Sprintf("%s/%d", methods, m.ID) }

// newKlarna is the least that somebody enters for a new method.
func newKlarna() url.Values {
	return url.Values{"name": {"Klarna"}, "type": {"klarna"}, "module": {"klarna"}, "environment": {"playground"},
		"username": {klarnasandbox.DemoUsername}, "password": {klarnasandbox.DemoPassword}}
}

func (h *house) findMethod(id int64) *paymentmethod.Method {
	h.t.Helper()
	m, err := h.methods.Find(h.t.Context(), id)
	must(h.t, err)
	return m
}

func (h *house) pause(m *paymentmethod.Method) {
	h.t.Helper()
	must(h.t, h.db.InTx(h.t.Context(), func(tx *gorm.DB) error {
		_, err := h.methods.Pause(tx, m.ID, m.CredentialsVersion, paymentmethod.PauseUnauthorized)
		return err
	}))
}

func TestPaymentMethodsFromNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.get(methods).is(http.StatusOK).says("No payment method yet").has(`a[href="` + methods + `/new"]`)

	picker := admin.get(methods+"/new").is(http.StatusOK).says("Klarna", "Custom")
	picker.has(`a[href="` + methods + `/new?module=klarna"]`).has(`a[href="` + methods + `/new?module=none"]`)
	if found := admin.get(methods + "/new?q=klARNA").says("Klarna").doc.Find(".tile").Length(); found != 1 {
		t.Errorf("the search for Klarna finds %d tiles", found)
	}
	admin.get(methods + "/new?q=paypal").is(http.StatusOK).says("No module found")

	page := admin.get(methods + "/new?module=klarna").is(http.StatusOK)
	done := admin.submit(page, methods+"/new?module=klarna", url.Values{"username": {klarnasandbox.DemoUsername}, "password": {klarnasandbox.DemoPassword}})
	done.redirects(t, methods+"/1")
	m := h.findMethod(1)
	want := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	want.Username = "K000…"
	if got := paymentmethod.InputOf(m); got != want || !m.HasCredentials() {
		t.Errorf("%+v, want %+v", got, want)
	}
	admin.get(methods+"/1").says("Payment method “Klarna” created.", "OK")
	admin.get(methods).says("klarna", "Connected", "Yes", "Invoice", "OK")
}

// Every field is a control with its name and value: scripts rely on it.
func TestPaymentMethodFormShowsEveryField(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	want := []string{"active", "behaves_like", "checkbox", "connection", "document_text", "documents", "environment", "hold_seconds",
		"mark_paid", "module", "name", "password", "region", "type", "username"}
	m := h.method()
	for _, path := range []string{methods + "/new?module=klarna", methods + "/new?module=none", methodPath(m)} {
		a := admin.get(path).is(http.StatusOK)
		controls := map[string]bool{}
		for _, n := range a.doc.Find(`form[action="` + path + `"]`).Find("input[name], select[name], textarea[name]").Nodes {
			for _, attr := range n.Attr {
				if attr.Key == "name" {
					controls[attr.Val] = true
				}
			}
		}
		if got := slices.Sorted(maps.Keys(controls)); !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", path, got, want)
		}
		a.has(`input[name="type"]`)
	}
	form := admin.get(methodPath(m)).form(methodPath(m))
	for name, value := range map[string]string{"name": "Klarna", "type": "klarna", "module": "klarna", "connection": "api", "active": "on",
		"mark_paid": "on", "documents": "delivery_note", "behaves_like": "invoice", "region": "eu", "environment": "playground",
		"username": "K000…", "password": "", "hold_seconds": "0"} {
		if form.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, form.Get(name), value)
		}
	}
}

func TestAMissingFieldKeepsItsValue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.post(methods+"/new", url.Values{"name": {"Klarna"}, "type": {"klarna"}, "module": {"klarna"}, "username": {"u"}, "password": {"p"}}).
		redirects(t, methods+"/1")
	m := h.findMethod(1)
	if !m.Active || !m.MarkPaid || m.Documents != paymentmethod.DeliveryNoteOnly || m.Environment != klarna.Live || m.Connection != paymentmethod.API {
		t.Errorf("not the defaults of Klarna: %+v", m)
	}
	admin.post(methods+"/new?module=none", url.Values{"name": {"Vorkasse"}, "type": {"vorkasse"}}).redirects(t, methods+"/2")
	if m := h.findMethod(2); m.Module != paymentmethod.ModuleNone || m.MarkPaid || m.Documents != paymentmethod.DeliveryNoteAndInvoice {
		t.Errorf("not the defaults of Custom: %+v", m)
	}

	admin.post(methods+"/1", url.Values{"document_text": {"Danke."}, "hold_seconds": {"60"}}).redirects(t, methods+"/1")
	admin.post(methods+"/1", url.Values{"environment": {"playground"}}).redirects(t, methods+"/1")
	after := h.findMethod(1)
	if after.DocumentText != "Danke." || after.HoldSeconds != 60 || !after.Active || !after.MarkPaid || after.Environment != klarna.Playground || after.CredentialsVersion != m.CredentialsVersion {
		t.Errorf("%+v", after)
	}
	for value, want := range map[string]bool{"off": false, "on": true, "0": false, "1": true, "false": false, "true": true} {
		admin.post(methods+"/1", url.Values{"active": {value}}).redirects(t, methods+"/1")
		if m := h.findMethod(1); m.Active != want || !m.MarkPaid {
			t.Errorf("active=%s: %t, paid %t", value, m.Active, m.MarkPaid)
		}
	}
}

// A box that was shown and is not sent was unticked; a browser sends nothing for it.
func TestUntickedBoxes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, m := h.as(auth.Admin), h.method()
	form := admin.get(methodPath(m)).form(methodPath(m))
	form.Del("mark_paid")
	admin.post(methodPath(m), form).redirects(t, methodPath(m))
	if after := h.findMethod(m.ID); after.MarkPaid || !after.Active {
		t.Errorf("paid %t, active %t", after.MarkPaid, after.Active)
	}
	form = admin.get(methodPath(m)).form(methodPath(m))
	if form.Has("mark_paid") {
		t.Error("the box is ticked again")
	}
	form.Del("active")
	admin.post(methodPath(m), form).redirects(t, methodPath(m))
	if h.findMethod(m.ID).Active {
		t.Error("still active")
	}
	admin.get(methods).has("tr.inactive").says("Inactive")
}

func TestPaymentMethodBadInput(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, m := h.as(auth.Admin), h.method()
	for name, tt := range map[string]struct {
		form  url.Values
		field string
		says  string
	}{
		"no name":          {url.Values{"name": {""}}, "name", "Please fill this in."},
		"type with blanks": {url.Values{"type": {"klarna zwei"}}, "type", "Please use only small letters a–z, digits, _ and -, at most 64 characters, no blanks."},
		"no type":          {url.Values{"type": {" "}}, "type", "Please fill this in."},
		"another module":   {url.Values{"module": {"paypal"}}, "module", "“paypal” is not possible here."},
		"script as module": {url.Values{"module": {"<script>"}}, "module", "“<script>” is not possible here."},
		"no number":        {url.Values{"hold_seconds": {"bald"}}, "hold_seconds", "Please enter a whole number from 0 to 86400."},
		"pasted in two":    {url.Values{"password": {"eins\nzwei"}}, "password", "There is a line break or another invisible character in the middle of it. Please copy it again."},
		"user:password":    {url.Values{"username": {"u:p"}}, "username", "A username has no colon. Did you paste username and password together?"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{methods + "/new", methodPath(m)} {
				form := newKlarna()
				form.Set("type", "other")
				maps.Copy(form, tt.form)
				a := admin.post(path, form).is(http.StatusUnprocessableEntity)
				if got := a.fieldError(tt.field); got != tt.says {
					t.Errorf("%s: says %q, want %q", path, got, tt.says)
				}
				if typed := a.doc.Find(`input[name="name"]`).AttrOr("value", ""); typed != form.Get("name") {
					t.Errorf("%s: the name became %q", path, typed)
				}
				if strings.Contains(a.Body.String(), klarnasandbox.DemoPassword) {
					t.Errorf("%s shows the password again", path)
				}
			}
		})
	}
	if all, err := h.methods.List(t.Context()); err != nil || len(all) != 1 || all[0].Name != "Klarna" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestTypeTakenProposesAnother(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	h.method()
	if typ := admin.get(methods+"/new?module=klarna").doc.Find(`input[name="type"]`).AttrOr("value", ""); typ != "klarna_2" {
		t.Errorf("a second method begins with the type %q", typ)
	}
	form := newKlarna()
	form.Set("name", "Klarna zwei")
	a := admin.post(methods+"/new", form).is(http.StatusUnprocessableEntity)
	if got := a.fieldError("type"); got != "The type “klarna” is taken by the payment method “Klarna”. “klarna_2” is free, for example." {
		t.Error(got)
	}
	a.says("Please enter it once more: a password is not shown again.")
	// Enter presses the first button, which must not be the proposal.
	if first := a.doc.Find(`form[action="`+methods+`/new?module=klarna"] button[type=submit]`).First().AttrOr("name", ""); first != "" {
		t.Errorf("the first button sends %s", first)
	}
	a.has(`button[name="type_proposal"][value="klarna_2"]`)
	again := admin.submit(a, methods+"/new?module=klarna", url.Values{"type_proposal": {"klarna_2"}, "name": {""}})
	again.is(http.StatusUnprocessableEntity).has(`input[name="type"][value="klarna_2"]`)
	admin.submit(a, methods+"/new?module=klarna", url.Values{"type_proposal": {"klarna_2"}}).redirects(t, methods+"/2")
	if m := h.findMethod(2); m.Type != "klarna_2" || m.Name != "Klarna zwei" {
		t.Errorf("%+v", m)
	}
	admin.get(methods+"/2").says("Not ready yet", "Missing: password.")
}

func TestCredentialsAreNeverShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.post(methods+"/new", newKlarna()).redirects(t, methods+"/1")
	pages := []*answer{admin.get(methods), admin.get(methods + "/1"), admin.post(methods+"/1/check", nil), admin.get("/administration/log"),
		admin.post(methods+"/1", url.Values{"name": {""}, "password": {klarnasandbox.DemoPassword}})}
	for _, a := range pages {
		for _, secret := range []string{klarnasandbox.DemoUsername, klarnasandbox.DemoPassword} {
			if strings.Contains(a.Body.String(), secret) {
				t.Errorf("%s shows %s", a.path, secret)
			}
		}
	}
	if strings.Contains(h.log.String(), klarnasandbox.DemoPassword) {
		t.Error("the log has the password")
	}
}

func TestSavingTheFormAsItIsChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, m := h.as(auth.Admin), h.method()
	before := h.findMethod(m.ID)
	admin.submit(admin.get(methodPath(m)), methodPath(m), nil).redirects(t, methodPath(m))
	after := h.findMethod(m.ID)
	if paymentmethod.InputOf(after) != paymentmethod.InputOf(before) || after.CredentialsVersion != before.CredentialsVersion {
		t.Errorf("%+v, before %+v", after, before)
	}
	admin.post(methodPath(m)+"/check", nil).says("The connection works")
}

func TestCheckConnectionInWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, m := h.as(auth.Admin), h.method()
	a := admin.post(methodPath(m)+"/check", nil).is(http.StatusOK)
	a.says("The connection works: Klarna accepts username and password in this region and environment.", "Correlation id", "404", "nothing")
	// The address of the check can't be gone back to.
	a.has(`form[action="/preferences"] input[name="return_to"][value="` + methodPath(m) + `"]`)

	in := paymentmethod.InputOf(m)
	in.Password, in.Region = "klarna_live_beispiel", klarna.NorthAmerica
	_, err := h.methods.Update(t.Context(), m.ID, in, "test")
	must(t, err)
	admin.get(methodPath(m)).says("This may not fit together", "look like those of the other environment. The setting is: Playground (test).",
		"looks like one of another region. The setting is: North America.")
	admin.post(methodPath(m)+"/check", nil).is(http.StatusOK).says("Klarna does not accept the credentials.", "other environment", "another region", "401")

	bare, err := h.methods.Create(t.Context(), paymentmethod.Input{Name: "Leer", Type: "leer", Module: "klarna", Connection: "api", Active: true,
		Documents: "delivery_note", BehavesLike: "invoice", Region: "eu", Environment: "live"}, "test")
	must(t, err)
	admin.get(methodPath(bare)).says("Not ready yet", "Missing: username, password.")
	admin.get(methods).says("Not ready", "Missing: username, password.")
	admin.post(methodPath(bare)+"/check", nil).is(http.StatusOK).says("There is nothing to check yet")
	admin.post(methods+"/99/check", nil).is(http.StatusNotFound)
	admin.get(methods + "/x").is(http.StatusNotFound)
}

func TestPausedMethodIsResumed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, m := h.as(auth.Admin), h.method()
	admin.post(methodPath(m)+"/resume", nil).is(http.StatusConflict).says("This payment method is not paused.")
	h.pause(m)
	admin.get(methods).says("Paused", "since 3 Nov 2026, 12:00: Klarna does not accept the credentials.")
	page := admin.get(methodPath(m)).says("Paused: nothing goes to Klarna", "since 3 Nov 2026, 12:00: Klarna does not accept the credentials.")
	admin.submit(page, methodPath(m)+"/resume", nil).redirects(t, methodPath(m))
	admin.get(methodPath(m)).says("works again")
	if h.findMethod(m.ID).PausedAt != nil {
		t.Error("still paused")
	}
}

func TestTypeOfAMethodInUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, m := h.as(auth.Admin), h.method()
	h.order(6457)
	a := admin.get(methodPath(m)).says("The type can't be changed any more because orders use it.")
	a.has(`input[name="type"][readonly][value="klarna"]`).has(`select[name="module"] option[value="none"][disabled]`)
	admin.submit(a, methodPath(m), nil).redirects(t, methodPath(m))
	refused := admin.submit(a, methodPath(m), url.Values{"type": {"other"}}).is(http.StatusUnprocessableEntity)
	if got := refused.fieldError("type"); got != "The type can't be changed any more because orders use it." {
		t.Error(got)
	}
}

func TestAccountingReadsMethods(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.method()
	h.pause(m)
	a := h.as(auth.Accounting).get(methodPath(m)).is(http.StatusOK).says("You can look at these settings.")
	a.has(`fieldset[disabled] input[name="type"][value="klarna"]`)
	if n := a.doc.Find(`main form[method=post] button`).Length(); n != 0 {
		t.Errorf("%d buttons to press", n)
	}
}
