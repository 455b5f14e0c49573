package paymentmethod_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	pm "zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestCreateStoresWhatWasEntered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		in := klarnaInput()
		in.Name, in.DocumentText, in.HoldSeconds = "  Klarna Rechnung ", "Betrag erhalten.\r\nDanke.", 30
		m := d.create(in)
		if m.Name != "Klarna Rechnung" || m.Type != "klarna" || m.Module != pm.ModuleKlarna || m.Connection != pm.API || !m.Active || !m.MarkPaid ||
			m.Documents != pm.DeliveryNoteOnly || m.BehavesLike != pm.Invoice || m.DocumentText != "Betrag erhalten.\nDanke." ||
			m.Region != klarna.Europe || m.Environment != klarna.Playground || m.HoldSeconds != 30 {
			t.Errorf("stored %+v", m)
		}
		if !m.CreatedAt.Equal(noon) || !m.UpdatedAt.Equal(noon) {
			t.Errorf("created %v, updated %v, want %v", m.CreatedAt, m.UpdatedAt, noon)
		}
		if m.UsernameHint != "K000…" || m.CredentialsVersion != 1 || len(m.Missing()) > 0 || !m.Connected() {
			t.Errorf("credentials %q, version %d, missing %v", m.UsernameHint, m.CredentialsVersion, m.Missing())
		}
		if bytes.Contains(m.Username, []byte("K000000")) || bytes.Contains(m.Password, []byte("sandbox")) {
			t.Error("the credentials are readable in the database")
		}
		if v := d.check(m).Verdict; v != pm.VerdictOK {
			t.Errorf("the stored credentials: %s", v)
		}
		log := d.logged()
		if len(log) != 1 || log[0].Actor != admin || log[0].Action != "payment_method.created" || log[0].Subject != "payment_method:klarna" {
			t.Fatalf("log %+v", log)
		}
		for _, c := range log[0].Changes {
			if secret := c.Field == "username" || c.Field == "password"; c.Secret != secret || secret && c.Old+c.New != "" {
				t.Errorf("logged %+v", c)
			}
		}
	})
}

func TestDefaultsAreWhatAMissingFieldKeeps(t *testing.T) {
	t.Parallel()
	custom := pm.Defaults(pm.ModuleNone)
	if custom.Documents != pm.DeliveryNoteAndInvoice || custom.MarkPaid || !custom.Active || custom.BehavesLike != pm.Invoice {
		t.Errorf("custom: %+v", custom)
	}
	d := newDesk(t, storetest.SQLite(t))
	custom.Name, custom.Type = "Vorkasse", "vorkasse"
	if m := d.create(custom); m.Connection != pm.Manual || m.Connected() || len(m.Missing()) > 0 {
		t.Errorf("a method without a module: %+v", m)
	}
	bare := pm.Defaults(pm.ModuleKlarna)
	if m := d.create(bare); !slices.Equal(m.Missing(), []string{"username", "password"}) {
		t.Errorf("nothing blocks saving without credentials, but %v is missing", m.Missing())
	}
	bare.Type, bare.Connection = "klarna_portal", pm.Manual
	if m := d.create(bare); len(m.Missing()) > 0 {
		t.Errorf("by hand nothing is needed, not %v", m.Missing())
	}
}

func TestTypeIsUnique(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		first := klarnaInput()
		first.Name = "Klarna DE"
		m := d.create(first)
		for _, proposal := range []string{"klarna_2", "klarna_3"} {
			second := klarnaInput()
			_, err := d.Create(t.Context(), second, admin)
			if got := fields(err); !slices.Equal(got, []string{"type payment_method.error.type_taken"}) {
				t.Fatalf("the second: %v", got)
			}
			if args := fieldArgs(err); args["Name"] != "Klarna DE" || args["Type"] != "klarna" || args["Proposal"] != proposal {
				t.Errorf("says %v, want a proposal of %s", args, proposal)
			}
			second.Type = proposal
			d.create(second)
		}
		in := pm.InputOf(m)
		in.Type = "klarna_2"
		_, err := d.Update(t.Context(), m.ID, in, admin)
		if got := fields(err); !slices.Equal(got, []string{"type payment_method.error.type_taken"}) || fieldArgs(err)["Proposal"] != "klarna_4" {
			t.Errorf("changed to a type that is taken: %v, %v", got, fieldArgs(err))
		}
		if methods, err := d.List(t.Context()); err != nil || len(methods) != 3 || len(d.logged()) != 3 {
			t.Errorf("%d methods, %d in the log, %v", len(methods), len(d.logged()), err)
		}
	})
}

func fieldArgs(err error) map[string]any {
	args := map[string]any{}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return nil
	}
	for _, f := range e.Fields {
		for i := 0; i+1 < len(f.Args); i += 2 {
			args[f.Args[i].(string)] = f.Args[i+1]
		}
	}
	return args
}

func TestFreeTypeIsOneThatCanBeUsed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	long := strings.Repeat("k", pm.MaxType)
	for _, typ := range []string{"klarna", "klarna_2", "7", long} {
		in := klarnaInput()
		in.Type = typ
		d.create(in)
	}
	for typ, want := range map[string]string{
		"klarna": "klarna_3", "klarna_2": "klarna_3", "klarna_9": "klarna_9", "7": "_2", long: long[2:] + "_2", "": "",
	} {
		if got, err := d.FreeType(t.Context(), typ, 0); got != want || err != nil {
			t.Errorf("FreeType(%q) = %q, %v, want %q", typ, got, err, want)
		}
	}
}

func TestTwoAtOnceTakeOneType(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range errs {
			both.Go(func() { _, errs[i] = d.Create(t.Context(), klarnaInput(), admin) })
		}
		both.Wait()
		slices.SortFunc(errs, func(a, b error) int { return len(fault.CodeOf(a)) - len(fault.CodeOf(b)) })
		if errs[0] != nil || fault.CodeOf(errs[1]) != fault.Invalid {
			t.Errorf("%v", errs)
		}
	})
}

func TestInputIsChecked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*pm.Input)
		want   string
	}{
		"no name":               {func(in *pm.Input) { in.Name = " \t" }, "name error.required"},
		"name of 256":           {func(in *pm.Input) { in.Name = strings.Repeat("ä", 256) }, "name error.too_long"},
		"name of 255":           {func(in *pm.Input) { in.Name = strings.Repeat("ä", 255) }, ""},
		"name of two lines":     {func(in *pm.Input) { in.Name = "Klarna\nRechnung" }, "name error.control_characters"},
		"name with markup":      {func(in *pm.Input) { in.Name = "<script>alert(1)</script>" }, ""},
		"no type":               {func(in *pm.Input) { in.Type = "" }, "type error.required"},
		"type with a blank":     {func(in *pm.Input) { in.Type = "klarna 2" }, "type payment_method.error.type_form"},
		"type pasted with line": {func(in *pm.Input) { in.Type = "klarna\n" }, ""},
		"type in capitals":      {func(in *pm.Input) { in.Type = "Klarna" }, "type payment_method.error.type_form"},
		"type with an umlaut":   {func(in *pm.Input) { in.Type = "klärna" }, "type payment_method.error.type_form"},
		"type of 65":            {func(in *pm.Input) { in.Type = strings.Repeat("k", 65) }, "type payment_method.error.type_form"},
		"type of 64":            {func(in *pm.Input) { in.Type = strings.Repeat("k", 64) }, ""},
		"type with signs":       {func(in *pm.Input) { in.Type = "klarna-de_2" }, ""},
		"no module":             {func(in *pm.Input) { in.Module = "" }, "module error.required"},
		"another module":        {func(in *pm.Input) { in.Module = "paypal" }, "module error.choice"},
		"another connection":    {func(in *pm.Input) { in.Connection = "fax" }, "connection error.choice"},
		"other documents":       {func(in *pm.Input) { in.Documents = "receipt" }, "documents error.choice"},
		"another behaviour":     {func(in *pm.Input) { in.BehavesLike = "cash" }, "behaves_like error.choice"},
		"another region":        {func(in *pm.Input) { in.Region = "moon" }, "region error.choice"},
		"another environment":   {func(in *pm.Input) { in.Environment = "staging" }, "environment error.choice"},
		"text of 2001":          {func(in *pm.Input) { in.DocumentText = strings.Repeat("ß", 2001) }, "document_text error.too_long"},
		"hold below 0":          {func(in *pm.Input) { in.HoldSeconds = -1 }, "hold_seconds payment_method.error.hold_seconds"},
		"hold above a day":      {func(in *pm.Input) { in.HoldSeconds = 86_401 }, "hold_seconds payment_method.error.hold_seconds"},
		"hold of a day":         {func(in *pm.Input) { in.HoldSeconds = 86_400 }, ""},
		"username of two lines": {func(in *pm.Input) { in.Username = "K123\n456" }, "username payment_method.error.credential_line_break"},
		"password of two lines": {func(in *pm.Input) { in.Password = "one\r\ntwo" }, "password payment_method.error.credential_line_break"},
		"password not in UTF-8": {func(in *pm.Input) { in.Password = "one\xfftwo" }, "password payment_method.error.credential_line_break"},
		"password of 513":       {func(in *pm.Input) { in.Password = strings.Repeat("x", 513) }, "password error.too_long"},
		"username with a colon": {func(in *pm.Input) { in.Username = "K123:secret" }, "username payment_method.error.username_colon"},
		"a hint for a username": {func(in *pm.Input) { in.Username = "K000…" }, "username payment_method.error.username_hint"},
		"no credentials":        {func(in *pm.Input) { in.Username, in.Password = "", "" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			in := klarnaInput()
			tt.change(&in)
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			_, err := d.Create(t.Context(), in, admin)
			if err == nil && want == nil {
				return
			}
			if got := fields(err); !slices.Equal(got, want) || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("create: %v, want %v", got, want)
			}
			m := d.create(klarnaInput())
			_, err = d.Update(t.Context(), m.ID, in, admin)
			// The shown beginning of the username is what an unchanged form sends.
			if got := fields(err); !slices.Equal(got, want) && in.Username != m.UsernameHint {
				t.Errorf("update: %v, want %v", got, want)
			}
		})
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	_, err := d.Create(t.Context(), pm.Input{}, admin)
	want := []string{"name error.required", "type error.required", "module error.required", "connection error.required",
		"documents error.required", "behaves_like error.required", "region error.required", "environment error.required"}
	if got := fields(err); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPastedCredentialsAreTrimmed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	in := klarnaInput()
	in.Username, in.Password = "  "+in.Username+"\r\n", "\t"+in.Password+" \n"
	m := d.create(in)
	if v := d.check(m).Verdict; v != pm.VerdictOK {
		t.Errorf("pasted with line ends: %s", v)
	}
}

func TestUpdateKeepsWhatIsEmpty(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		m := d.create(klarnaInput())
		for name, tt := range map[string]struct {
			username, password string
			version            int64
			secrets            []string // in the log
		}{
			"empty":              {"", "", 1, nil},
			"the hint":           {m.UsernameHint, "", 1, nil},
			"the same username":  {klarnasandbox.DemoUsername, "", 1, nil},
			"blanks":             {"  ", " \n", 1, nil},
			"a password entered": {m.UsernameHint, klarnasandbox.DemoPassword, 2, []string{"password"}},
		} {
			d.clock.Advance(time.Second)
			entries := len(d.logged())
			in := pm.InputOf(m)
			in.Username, in.Password = tt.username, tt.password
			after := d.update(m.ID, in)
			if after.CredentialsVersion-m.CredentialsVersion != tt.version-1 || after.UsernameHint != m.UsernameHint {
				t.Errorf("%s: version %d after %d, hint %q", name, after.CredentialsVersion, m.CredentialsVersion, after.UsernameHint)
			}
			if v := d.check(after).Verdict; v != pm.VerdictOK {
				t.Errorf("%s: the credentials are %s", name, v)
			}
			if !after.UpdatedAt.Equal(d.clock.Now()) || !after.CreatedAt.Equal(noon) {
				t.Errorf("%s: updated %v, want %v; created %v", name, after.UpdatedAt, d.clock.Now(), after.CreatedAt)
			}
			if added := d.logged()[:len(d.logged())-entries]; len(added) != len(tt.secrets) || !slices.Equal(secrets(added), tt.secrets) {
				t.Errorf("%s: logged %+v, want %v", name, added, tt.secrets)
			}
			m = after
		}
	})
}

// secrets are the fields of entries that were changed and not shown.
func secrets(entries []audit.Entry) []string {
	var names []string
	for _, e := range entries {
		for _, c := range e.Changes {
			if c.Secret {
				names = append(names, c.Field)
			}
		}
	}
	return names
}

func TestUpdateChangesCredentials(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	wrong := klarnaInput()
	wrong.Username, wrong.Password = "N1", "falsch"
	m := d.create(wrong)
	if m.UsernameHint != "N…" {
		t.Errorf("of two characters at most one shows: %q", m.UsernameHint)
	}
	m = d.update(m.ID, klarnaInput())
	if m.CredentialsVersion != 2 || m.UsernameHint != "K000…" || d.check(m).Verdict != pm.VerdictOK {
		t.Errorf("version %d, hint %q, %s", m.CredentialsVersion, m.UsernameHint, d.check(m).Verdict)
	}
	in := pm.InputOf(m)
	in.Username = "K000…x"
	_, err := d.Update(t.Context(), m.ID, in, admin)
	if got := fields(err); !slices.Equal(got, []string{"username payment_method.error.username_hint"}) {
		t.Errorf("a changed hint: %v", got)
	}
}

func TestUpdateOfNoMethod(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	_, err := d.Update(t.Context(), 7, klarnaInput(), admin)
	_, findErr := d.Find(t.Context(), 7)
	for _, err := range []error{err, findErr, d.Resume(t.Context(), 7, admin)} {
		if fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%v", err)
		}
	}
}

func TestWhatOrdersHoldStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	m := d.create(klarnaInput())
	d.above.use = pm.Use{Orders: 3}
	if use, err := d.Use(t.Context(), m.ID); use != d.above.use || err != nil {
		t.Errorf("%+v, %v", use, err)
	}
	in := pm.InputOf(m)
	in.Type, in.Module = "klarna_de", pm.ModuleNone
	_, err := d.Update(t.Context(), m.ID, in, admin)
	if got := fields(err); !slices.Equal(got, []string{"type payment_method.error.type_in_use", "module payment_method.error.module_in_use"}) {
		t.Errorf("%v", got)
	}
	in = pm.InputOf(m)
	in.Name, in.Connection, in.Active = "Klarna neu", pm.Manual, false
	if after := d.update(m.ID, in); after.Name != "Klarna neu" || after.Connection != pm.Manual || after.Active {
		t.Errorf("the rest may change: %+v", after)
	}
	d.above.use = pm.Use{}
	in.Type = "klarna_de"
	if after := d.update(m.ID, in); after.Type != "klarna_de" {
		t.Errorf("without orders the type may change: %+v", after)
	}
}

func TestTheTargetStaysWhileAnAnswerIsOpen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	m := d.create(klarnaInput())
	d.above.use = pm.Use{Open: 2}
	in := pm.InputOf(m)
	in.Region, in.Environment, in.Username = klarna.Oceania, klarna.Live, "K999999_other"
	_, err := d.Update(t.Context(), m.ID, in, admin)
	want := []string{"region payment_method.error.captures_open", "environment payment_method.error.captures_open", "username payment_method.error.captures_open"}
	if got := fields(err); !slices.Equal(got, want) || fieldArgs(err)["Count"] != 2 {
		t.Errorf("%v, %v", got, fieldArgs(err))
	}
	in = pm.InputOf(m)
	in.Password = "ein anderes"
	if after := d.update(m.ID, in); after.CredentialsVersion != 2 {
		t.Error("a new password must always be accepted")
	}
}

func TestDependentsHearOfAChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	m := d.create(klarnaInput())
	in := pm.InputOf(m)
	in.Connection = pm.Plugin
	d.update(m.ID, in)
	if d.above.before == nil || d.above.before.Connection != pm.API || d.above.after.Connection != pm.Plugin || d.above.after.ID != m.ID {
		t.Errorf("heard of %+v and %+v", d.above.before, d.above.after)
	}
	log := d.logged()[0]
	if log.Action != "payment_method.changed" || len(log.Changes) != 1 || log.Changes[0] != (audit.Change{Field: "connection", Old: "api", New: "plugin"}) {
		t.Errorf("logged %+v", log)
	}
}
