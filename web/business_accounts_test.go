package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"gorm.io/gorm"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/settlement"
)

const accounts = "/administration/settings/accounting/business-accounts"

func accountPath(a *businessaccount.Account) string { return fmt.Sprintf("%s/%d", accounts, a.ID) }

// accessOf is what an admin types for these credentials.
func accessOf(user, key string, days int) string {
	return fmt.Sprintf("API_USER=>%s;\r\nAPI_KEY=>%s;\r\nAPI_DAYS=>%d;", user, key, days)
}

// newAccount is the least that somebody enters for a new account at the sandbox.
func newAccount() url.Values {
	return url.Values{"environment": {"playground"}, "access": {accessOf(klarnasandbox.DemoUsername, klarnasandbox.DemoPassword, 7)}}
}

// account makes a business account with the sandbox's credentials.
func (h *house) account() *businessaccount.Account {
	h.t.Helper()
	in := businessaccount.Defaults()
	in.Environment, in.Access = klarna.Playground, accessOf(klarnasandbox.DemoUsername, klarnasandbox.DemoPassword, 7)
	a, err := h.accounts.Create(h.t.Context(), in, "Erika Beispiel")
	must(h.t, err)
	return a
}

func (h *house) findAccount(id int64) *businessaccount.Account {
	h.t.Helper()
	a, err := h.accounts.Find(h.t.Context(), id)
	must(h.t, err)
	return a
}

func TestBusinessAccountsFromNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.get("/administration/settings").has(`a[href="` + accounts + `"]`)
	admin.get(accounts).is(http.StatusOK).says("No business account yet").has(`a[href="` + accounts + `/new"]`)
	admin.get(accounts + "/new").is(http.StatusOK).says("Custom").has(`a[href="` + accounts + `/new?module=custom"]`)
	if found := admin.get(accounts + "/new?q=klARNA").doc.Find(".tile").Length(); found != 1 {
		t.Errorf("the search for Klarna finds %d tiles", found)
	}
	admin.get(accounts + "/new?q=paypal").is(http.StatusOK).says("No module found")

	page := admin.get(accounts + "/new?module=custom").is(http.StatusOK)
	form := page.form(accounts + "/new?module=custom")
	for name, value := range map[string]string{"name": "Klarna", "short_name": "klarna", "type": "klarna", "region": "eu", "environment": "live", "active": "on", "access": ""} {
		if form.Get(name) != value {
			t.Errorf("%s begins as %q, want %q", name, form.Get(name), value)
		}
	}
	page.says("Account: Klarna", "Generate new API credentials", "only once", businessaccount.Template)
	page.has(`textarea[name="access"][placeholder="` + businessaccount.Template + `"]`).has(`a[href="https://portal.klarna.com/"]`)
	admin.submit(page, accounts+"/new?module=custom", newAccount()).redirects(t, accounts+"/1")
	a := h.findAccount(1)
	if a.Name != "Klarna" || a.ShortName != "klarna" || a.Type != businessaccount.Klarna || !a.Active || a.FetchAutomatically || !a.Live() {
		t.Errorf("%+v", a)
	}
	shown := admin.get(accounts + "/1").says("Business account “Klarna” created.")
	if text := shown.form(accounts + "/1").Get("access"); text != "API_USER=>K000…; API_KEY=>••••; API_DAYS=>7;" {
		t.Errorf("shown as %q", text)
	}
	admin.get(accounts).says("klarna", "Account: Klarna", "at once", "By hand")
}

func TestBusinessAccountsInGerman(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.header.Set("Accept-Language", "de")
	admin.get(accounts).says("Noch kein Geschäftskonto")
	admin.get(accounts+"/new?module=custom").says("Konto: Klarna", "Neues Geschäftskonto", "Im Klarna-Portal unter Einstellungen neue API-Zugangsdaten erzeugen", "nur ein einziges Mal")
	form := newAccount()
	form.Set("access", "API_USER=>K1;\r\nAPI_KEY=>geheim-geheim;\r\nAPI_DAYS=>3")
	admin.post(accounts+"/new", form).redirects(t, accounts+"/1")
	admin.get(accounts+"/1").says("Zeile 3: Mit weniger als 7 Tagen (hier 3)", "Weniger als 7 Tage", "So wird es verstanden")
	form.Set("access", "API_USER=>;\r\nAPI_KEY=>geheim-geheim")
	admin.post(accounts+"/new", form).is(http.StatusUnprocessableEntity).says("Zeile 1: Hinter API_USER=> steht nichts.", "Zeile 2: Ohne API_DAYS gelten 7 Tage.")
}

// Every field is a control with its name and value: scripts rely on it.
func TestBusinessAccountFormShowsEveryField(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, a := h.as(auth.Admin), h.account()
	want := []string{"access", "active", "checkbox", "environment", "fetch_automatically", "name", "region", "short_name", "type"}
	for _, path := range []string{accounts + "/new?module=custom", accountPath(a)} {
		page := admin.get(path).is(http.StatusOK)
		controls := map[string]bool{}
		page.doc.Find(`form[action="` + path + `"]`).Find("input[name], select[name], textarea[name]").Each(func(_ int, s *goquery.Selection) {
			controls[s.AttrOr("name", "")] = true
		})
		if got := slices.Sorted(maps.Keys(controls)); !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", path, got, want)
		}
	}
}

func TestAMissingFieldOfAnAccountKeepsItsValue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.post(accounts+"/new", newAccount()).redirects(t, accounts+"/1")
	a := h.findAccount(1)
	admin.post(accounts+"/1", url.Values{"name": {"Klarna EU"}, "fetch_automatically": {"on"}}).redirects(t, accounts+"/1")
	admin.post(accounts+"/1", url.Values{"region": {"na"}}).redirects(t, accounts+"/1")
	after := h.findAccount(1)
	if after.Name != "Klarna EU" || !after.FetchAutomatically || !after.Active || after.Region != klarna.NorthAmerica ||
		after.Environment != klarna.Playground || after.AccessVersion != a.AccessVersion {
		t.Errorf("%+v", after)
	}
	form := admin.get(accounts + "/1").form(accounts + "/1")
	form.Del("fetch_automatically")
	admin.post(accounts+"/1", form).redirects(t, accounts+"/1")
	if after := h.findAccount(1); after.FetchAutomatically || !after.Active {
		t.Errorf("unticked: %+v", after)
	}
	// A second account takes the next free short name.
	second := newAccount()
	second.Set("access", accessOf("another", "x", 7))
	admin.post(accounts+"/new", second).redirects(t, accounts+"/2")
	if a := h.findAccount(2); a.ShortName != "klarna_2" {
		t.Errorf("the short name is %q", a.ShortName)
	}
}

func TestBusinessAccountBadInput(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, a := h.as(auth.Admin), h.account()
	const key = "kein-echter-schluessel"
	for name, tt := range map[string]struct {
		form        url.Values
		field, says string
		shown       string // the access data, if they were wrong
	}{
		"no name":       {url.Values{"name": {""}}, "name", "Please fill this in.", ""},
		"short name":    {url.Values{"short_name": {"klarna eu"}}, "short_name", "Please use only letters a–z, digits, dot, _ and -, beginning with a letter or digit, at most 64 characters, no blanks.", ""},
		"type":          {url.Values{"type": {"<script>"}}, "type", "“<script>” is not possible here.", ""},
		"no access":     {url.Values{"access": {" "}}, "access", "Please fill this in.", ""},
		"lines":         {url.Values{"access": {"API_USER=>\r\nAPI_DAYS=>0\r\nPW=>" + key}}, "access", "Line 1: There is nothing after API_USER=>. Line 2: API_DAYS needs a whole number from 1 to 365.", "API_USER=>\nAPI_DAYS=>0\nPW=>"},
		"a key twice":   {url.Values{"access": {"API_USER=>u;\nAPI_KEY=>" + key + ";\nPASSWORD=>" + key}}, "access", "Line 3: PASSWORD is a double; line 2 has the same already.", "API_USER=>u;\nAPI_KEY=>;\nPASSWORD=>"},
		"in one entry":  {url.Values{"access": {"USER=>u KEY=>" + key}}, "access", "Line 1: Up to here API_KEY=>…; is missing.", "USER=>"},
		"another mask":  {url.Values{"access": {"USER=>K9…; KEY=>" + key}}, "access", "Line 1: API_USER is shown shortened. Please enter all of it or leave it as it was shown.", "USER=>K9…; KEY=>"},
		"broken arrow":  {url.Values{"access": {"USER->u\nKEY->" + key}}, "access", "Line 1: There is no => between name and value. A semicolon ends the value before it. Line 2: There is no => between name and value. A semicolon ends the value before it. Line 2: Up to here API_USER=>…; is missing. Line 2: Up to here API_KEY=>…; is missing.", "?\n?"},
		"another field": {url.Values{"name": {""}, "access": {accessOf("u", key, 7)}}, "name", "Please fill this in.", "API_USER=>u;\r\nAPI_KEY=>;\r\nAPI_DAYS=>7;"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{accounts + "/new", accountPath(a)} {
				form := newAccount()
				form.Set("short_name", "other")
				form.Set("name", "Klarna zwei")
				form.Set("access", accessOf("u", key, 7))
				maps.Copy(form, tt.form)
				page := admin.post(path, form).is(http.StatusUnprocessableEntity)
				if got := page.fieldError(tt.field); got != tt.says {
					t.Errorf("%s: says %q, want %q", path, got, tt.says)
				}
				if typed := page.doc.Find(`input[name="name"]`).AttrOr("value", ""); typed != form.Get("name") {
					t.Errorf("%s: the name became %q", path, typed)
				}
				if text := page.doc.Find("textarea").Text(); tt.shown != "" && strings.ReplaceAll(text, "\r", "") != strings.ReplaceAll(tt.shown, "\r", "") {
					t.Errorf("%s: shows %q, want %q", path, text, tt.shown)
				}
				if strings.Contains(page.Body.String(), key) {
					t.Errorf("%s shows the key again", path)
				}
			}
		})
	}
	page := admin.post(accountPath(a), url.Values{"name": {""}, "access": {accessOf("u", key, 7)}})
	page.says("Please enter the key once more: it is not shown again.")
	if all, err := h.accounts.List(t.Context()); err != nil || len(all) != 1 || all[0].AccessVersion != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestShortNameTakenProposesAnother(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	h.account()
	form := newAccount()
	form.Set("name", "Klarna zwei")
	form.Set("short_name", "klarna")
	form.Set("access", accessOf("another", "x", 7))
	page := admin.post(accounts+"/new", form).is(http.StatusUnprocessableEntity)
	if got := page.fieldError("short_name"); got != "The short name “klarna” is taken by the account “Klarna”. “klarna_2” is free, for example." {
		t.Error(got)
	}
	page.has(`button[name="short_name_proposal"][value="klarna_2"]`)
	if first := page.doc.Find(`form[action="`+accounts+`/new?module=custom"] button[type=submit]`).First().AttrOr("name", ""); first != "" {
		t.Errorf("the first button sends %s", first)
	}
	admin.submit(page, accounts+"/new?module=custom", url.Values{"short_name_proposal": {"klarna_2"}, "access": {accessOf("another", "x", 7)}}).redirects(t, accounts+"/2")
}

func TestTheSameAccessOnTwoAccounts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	h.account()
	const taken = "The active account “Klarna” (klarna) uses these access data already. With both, every payout would be booked twice."
	form := newAccount()
	form.Set("short_name", "twice")
	if got := admin.post(accounts+"/new", form).is(http.StatusUnprocessableEntity).fieldError("access"); got != taken {
		t.Error(got)
	}
	form.Set("active", "off")
	admin.post(accounts+"/new", form).redirects(t, accounts+"/2")
	if got := admin.post(accounts+"/2", url.Values{"active": {"on"}}).is(http.StatusUnprocessableEntity).fieldError("active"); got != taken {
		t.Error(got)
	}
	admin.get(accounts).has("tr.inactive").says("Inactive")
}

// While somebody types, a script asks what is understood; nothing is saved.
func TestAccessPreview(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, a := h.as(auth.Admin), h.account()
	const key = "klarna_live_kein_echter"
	for name, tt := range map[string]struct {
		path, access string
		says         []string
	}{
		"nothing":   {accounts + "/new", "", []string{"As soon as access data are entered"}},
		"good":      {accounts + "/new", accessOf("7a1c-beispiel", "geheim-geheim", 7), []string{"User7a1c…", "Key••••", "Days7 days back", "All understood"}},
		"half":      {accounts + "/new", "API_USER=>7a1c-beispiel", []string{"Keymissing", "Line 1: Up to here API_KEY=>…; is missing."}},
		"doubtful":  {accounts + "/new", accessOf("u", key, 5), []string{"Line 3: With fewer than 7 days (here 5)", "look like those of the other environment. The setting is: Playground (test)."}},
		"kept":      {accountPath(a), a.AccessText(), []string{"UserK000… (stored, stays)", "Key•••• (stored, stays)", "All understood"}},
		"new mask":  {accounts + "/new", a.AccessText(), []string{"Line 1: API_USER is shown shortened."}},
		"unknown":   {accounts + "/new", accessOf("u", key, 7) + "\nAPI_WAIT=>1", []string{"Line 4: “API_WAIT” is not known and has no effect."}},
		"a new key": {accountPath(a), accessOf("K000…", key, 7), []string{"UserK000… (stored, stays)", "Key•••• Days"}},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"preview": {"1"}, "access": {tt.access}, "environment": {"playground"}, "name": {"anders"}}
			r := httptest.NewRequest(http.MethodPost, tt.path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Fragment", "1")
			part := admin.send(r).is(http.StatusOK).says(tt.says...).has("#access-preview")
			if part.doc.Find("main").Length() > 0 || part.Header().Get("Vary") != "X-Fragment" {
				t.Error("more than a part of a page")
			}
			whole := admin.post(tt.path, form).is(http.StatusOK).says(tt.says...)
			for _, body := range []string{part.Body.String(), whole.Body.String()} {
				if strings.Contains(body, key) || strings.Contains(body, "geheim-geheim") {
					t.Error("shows the key")
				}
			}
		})
	}
	if all, err := h.accounts.List(t.Context()); err != nil || len(all) != 1 || all[0].Name != "Klarna" || all[0].AccessVersion != 1 {
		t.Errorf("something was saved: %+v, %v", all, err)
	}
	foreign := httptest.NewRequest(http.MethodPost, accountPath(a), strings.NewReader("preview=1"))
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	admin.send(foreign).is(http.StatusForbidden)
}

func TestWarningsAfterSaving(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, a := h.as(auth.Admin), h.account()
	admin.post(accountPath(a), url.Values{"access": {"user=>K000…\npw=>••••\nAPI_ALLPAYMENTS=>1"}}).redirects(t, accountPath(a))
	page := admin.get(accountPath(a)).says("Line 3: “API_ALLPAYMENTS” is not known and has no effect. Line 3: Without API_DAYS it is 7 days.", "saved")
	if strings.Contains(page.text(), "Fewer than 7 days") {
		t.Error("warns of 7 days")
	}
	admin.post(accountPath(a)+"/check", nil).says("The connection works")
}

func TestAccessIsNeverShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin := h.as(auth.Admin)
	admin.post(accounts+"/new", newAccount()).redirects(t, accounts+"/1")
	pages := []*answer{admin.get(accounts), admin.get(accounts + "/1"), admin.post(accounts+"/1/check", nil), admin.get("/administration/log"),
		admin.post(accounts+"/new", newAccount())}
	for _, a := range pages {
		if strings.Contains(a.Body.String(), klarnasandbox.DemoPassword) {
			t.Errorf("%s shows the key", a.path)
		}
	}
	pages[3].says("Business account created", "Access data: changed", "Account: Klarna").says("klarna")
	if strings.Contains(h.log.String(), klarnasandbox.DemoPassword) {
		t.Error("the log has the key")
	}
}

func TestCheckOfAnAccountInWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, a := h.as(auth.Admin), h.account()
	checked := admin.post(accountPath(a)+"/check", nil).is(http.StatusOK)
	checked.says("The connection works: with these access data Klarna hands out the payouts.", "no payout for this account yet", "changed nothing", "200")
	// The address of the check can't be gone back to.
	checked.has(`form[action="/preferences"] input[name="return_to"][value="` + accountPath(a) + `"]`)

	admin.post(accountPath(a), url.Values{"access": {accessOf("N123456_x", "klarna_live_beispiel", 7)}}).redirects(t, accountPath(a))
	admin.get(accountPath(a)).says("look like those of the other environment. The setting is: Playground (test).", "one of another region. The setting is: Europe.")
	admin.post(accountPath(a)+"/check", nil).is(http.StatusOK).says("Klarna does not accept the access data.", "401", "revoked")

	admin.post(accountPath(a), url.Values{"type": {"custom"}, "access": {""}}).redirects(t, accountPath(a))
	admin.get(accountPath(a)).says("Files only")
	admin.post(accountPath(a)+"/check", nil).is(http.StatusOK).says("no access data are stored")
	admin.post(accounts+"/99/check", nil).is(http.StatusNotFound)
	admin.get(accounts + "/x").is(http.StatusNotFound)
}

func TestSavingAnAccountAsItIsChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, a := h.as(auth.Admin), h.account()
	admin.submit(admin.get(accountPath(a)), accountPath(a), nil).redirects(t, accountPath(a))
	after := h.findAccount(a.ID)
	if businessaccount.InputOf(after) != businessaccount.InputOf(a) || after.AccessVersion != 1 {
		t.Errorf("%+v, before %+v", after, a)
	}
	admin.get(accountPath(a)).has(`a[href="/accounting/incoming-payments/1"]`)
}

func TestAccountingReadsAccounts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.account()
	clerk := h.as(auth.Accounting)
	page := clerk.get(accountPath(a)).is(http.StatusOK).says("You can look at these settings.")
	page.has(`fieldset[disabled] input[name="short_name"][value="klarna"]`)
	if n := page.doc.Find(`main form[method=post] button`).Length(); n != 0 {
		t.Errorf("%d buttons to press", n)
	}
	if n := clerk.get(accounts).is(http.StatusOK).doc.Find(`a[href="` + accounts + `/new"]`).Length(); n != 0 {
		t.Error("offers a new account")
	}
}

// keepRun stores an import of an account that began before now.
func (h *house) keepRun(a *businessaccount.Account, state settlement.RunState, before time.Duration) *settlement.ImportRun {
	h.t.Helper()
	end := h.clock.Now().Add(-before)
	start := end.AddDate(0, 0, -14)
	r := settlement.ImportRun{AccountID: a.ID, Source: settlement.FromAPI, State: state, WindowStart: &start, WindowEnd: &end, CreatedAt: end}
	must(h.t, h.db.InTx(h.t.Context(), func(tx *gorm.DB) error { return tx.Create(&r).Error }))
	return &r
}

func TestAccountsTellOfTheirImports(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		state  settlement.RunState // of a run after the first, which was good
		before time.Duration       // since the good one began
		says   []string
	}{
		"a day ago":    {"", 24 * time.Hour, []string{"Account: Klarna2 Nov 2026, 12:009 Nov 2026, 12:00By hand"}},
		"a week ago":   {"", 7 * 24 * time.Hour, []string{"27 Oct 2026, 12:00at onceBy hand"}},
		"then running": {settlement.Running, 8 * 24 * time.Hour, []string{"after the present importImport running"}},
		"then stopped": {settlement.Stopped, 8 * 24 * time.Hour, []string{"after the present importImport stopped"}},
		"then failed":  {settlement.Failed, 8 * 24 * time.Hour, []string{"at onceImport failed Why?"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			admin, a := h.as(auth.Admin), h.account()
			good := h.keepRun(a, settlement.Done, tt.before)
			if tt.state != "" {
				h.keepRun(a, tt.state, time.Hour)
			}
			list := admin.get(accounts).is(http.StatusOK).says(tt.says...)
			list.has(fmt.Sprintf(`a[href="/accounting/import-runs/%d"]`, good.ID))
			admin.get(accountPath(a)).is(http.StatusOK).has(fmt.Sprintf(`a[href="/accounting/import-runs/%d"]`, good.ID))
		})
	}
}
