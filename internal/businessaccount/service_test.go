package businessaccount_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestCreateStoresWhatWasEntered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		in := klarnaInput()
		in.Name, in.ShortName, in.FetchAutomatically, in.Access = "  Klarna Konto ", " klarna.eu ", true, access(user, key, 30)
		a := d.create(in)
		if a.Name != "Klarna Konto" || a.ShortName != "klarna.eu" || a.Type != businessaccount.Klarna || a.Region != klarna.Europe ||
			a.Environment != klarna.Playground || !a.Active || !a.FetchAutomatically || !a.Live() {
			t.Errorf("stored %+v", a)
		}
		if !a.CreatedAt.Equal(noon) || !a.UpdatedAt.Equal(noon) {
			t.Errorf("created %v, updated %v, want %v", a.CreatedAt, a.UpdatedAt, noon)
		}
		if a.UserHint != "PK12…" || a.Days != 30 || a.AccessVersion != 1 || len(a.AccessMark) != 64 {
			t.Errorf("user %q, %d days, version %d, mark %q", a.UserHint, a.Days, a.AccessVersion, a.AccessMark)
		}
		if bytes.Contains(a.Access, []byte(user)) || bytes.Contains(a.Access, []byte(key)) || strings.Contains(a.AccessMark, user) {
			t.Error("the access data are readable in the database")
		}
		if v := d.check(a).Verdict; v != businessaccount.VerdictOK {
			t.Errorf("the stored access data: %s", v)
		}
		same, err := d.FindByShortName(t.Context(), "klarna.eu")
		if err != nil || same.ID != a.ID {
			t.Errorf("found %+v, %v", same, err)
		}
		log := d.logged()
		if len(log) != 1 || log[0].Actor != admin || log[0].Action != "business_account.created" || log[0].Subject != "business_account:klarna.eu" {
			t.Fatalf("log %+v", log)
		}
		if text := fmt.Sprintf("%+v", log[0]); strings.Contains(text, user) || strings.Contains(text, key) || !strings.Contains(text, "Field:access Old: New: Secret:true") {
			t.Errorf("logged %s", text)
		}
	})
}

func TestUpdateLogsWhatChanged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*businessaccount.Input)
		want   []string // fields in the log
		sealed bool     // anew
	}{
		"nothing":          {func(*businessaccount.Input) {}, nil, false},
		"the same, typed":  {func(in *businessaccount.Input) { in.Access = access(user, key, 7) }, nil, false},
		"only days":        {func(in *businessaccount.Input) { in.Access = "API_USER=>PK12…; API_KEY=>••••; API_DAYS=>30;" }, []string{"days"}, false},
		"another key":      {func(in *businessaccount.Input) { in.Access = access("PK12…", "neu", 7) }, []string{"access"}, true},
		"another user":     {func(in *businessaccount.Input) { in.Access = access("K9_neu", "••••", 8) }, []string{"days", "access"}, true},
		"the name":         {func(in *businessaccount.Input) { in.Name, in.ShortName = "Neu", "neu" }, []string{"name", "short_name"}, false},
		"where it is":      {func(in *businessaccount.Input) { in.Region, in.Environment = klarna.Oceania, klarna.Live }, []string{"region", "environment"}, false},
		"its boxes":        {func(in *businessaccount.Input) { in.Active, in.FetchAutomatically = false, true }, []string{"active", "fetch_automatically"}, false},
		"no access at all": {func(in *businessaccount.Input) { in.Type, in.Access = businessaccount.Custom, " \n" }, []string{"account_type", "days", "access"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			before := d.create(klarnaInput())
			d.clock.Advance(time.Minute)
			in := businessaccount.InputOf(before)
			tt.change(&in)
			after := d.update(before.ID, in)
			if sealed := after.AccessVersion == before.AccessVersion+1; sealed != tt.sealed || sealed == bytes.Equal(after.Access, before.Access) {
				t.Errorf("sealed anew: %t, version %d", sealed, after.AccessVersion)
			}
			if !after.UpdatedAt.Equal(noon.Add(time.Minute)) || !after.CreatedAt.Equal(noon) {
				t.Errorf("updated %v", after.UpdatedAt)
			}
			var got []string
			if log := d.logged(); len(log) > 1 {
				if log[0].Action != "business_account.changed" || log[0].Actor != admin {
					t.Errorf("logged %+v", log[0])
				}
				for _, c := range log[0].Changes {
					got = append(got, c.Field)
					if secret := c.Field == "access"; c.Secret != secret {
						t.Errorf("logged %+v", c)
					}
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("logged %v, want %v", got, tt.want)
			}
		})
	}
}

// What was shown masked still opens Klarna after it was saved.
func TestSavingUnchangedKeepsTheKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		a := d.create(klarnaInput())
		if a.AccessText() != "API_USER=>PK12…; API_KEY=>••••; API_DAYS=>7;" {
			t.Fatalf("shown as %q", a.AccessText())
		}
		for _, text := range []string{a.AccessText(), "api_days=>99\r\napi_key=>••••\r\napi_user=>PK12…"} {
			in := businessaccount.InputOf(a)
			in.Access = text
			a = d.update(a.ID, in)
			if v := d.check(a).Verdict; v != businessaccount.VerdictOK {
				t.Errorf("after %q: %s", text, v)
			}
		}
		if a.Days != 99 {
			t.Errorf("%d days", a.Days)
		}
		in := businessaccount.InputOf(a)
		in.Access = access("PK12…", "ein-anderer", 7)
		if a = d.update(a.ID, in); d.check(a).Verdict != businessaccount.VerdictUnauthorized {
			t.Error("the new key was not stored")
		}
		in.Access = access("PK12…", key, 7)
		if a = d.update(a.ID, in); d.check(a).Verdict != businessaccount.VerdictOK {
			t.Error("the user was not kept")
		}
	})
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*businessaccount.Input)
		want   []string
	}{
		"no name":         {func(in *businessaccount.Input) { in.Name = " " }, []string{"name error.required"}},
		"long name":       {func(in *businessaccount.Input) { in.Name = strings.Repeat("ü", 256) }, []string{"name error.too_long"}},
		"no short name":   {func(in *businessaccount.Input) { in.ShortName = "" }, []string{"short_name error.required"}},
		"blank inside":    {func(in *businessaccount.Input) { in.ShortName = "klarna eu" }, []string{"short_name business_account.error.short_name_form"}},
		"a path":          {func(in *businessaccount.Input) { in.ShortName = ".." }, []string{"short_name business_account.error.short_name_form"}},
		"long short name": {func(in *businessaccount.Input) { in.ShortName = strings.Repeat("k", 65) }, []string{"short_name business_account.error.short_name_form"}},
		"no type":         {func(in *businessaccount.Input) { in.Type = "" }, []string{"type error.required"}},
		"another type":    {func(in *businessaccount.Input) { in.Type = "paypal" }, []string{"type error.choice"}},
		"region":          {func(in *businessaccount.Input) { in.Region = "mars" }, []string{"region error.choice"}},
		"environment":     {func(in *businessaccount.Input) { in.Environment = "" }, []string{"environment error.required"}},
		"no access":       {func(in *businessaccount.Input) { in.Access = "\n " }, []string{"access error.required"}},
		"masked":          {func(in *businessaccount.Input) { in.Access = access("K9…", "•••••", 7) }, []string{"access business_account.access.error.masked", "access business_account.access.error.masked"}},
		"bad days":        {func(in *businessaccount.Input) { in.Access = access(user, key, 0) }, []string{"access business_account.access.error.days"}},
		"custom, but bad": {func(in *businessaccount.Input) { in.Type, in.Access = "custom", "hallo=>welt" }, []string{"access business_account.access.error.missing", "access business_account.access.error.missing"}},
		"everything at once": {func(in *businessaccount.Input) { *in = businessaccount.Input{} },
			[]string{"name error.required", "short_name error.required", "type error.required", "region error.required", "environment error.required"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			in := klarnaInput()
			tt.change(&in)
			_, err := d.Create(t.Context(), in, admin)
			if got := fields(err); fault.CodeOf(err) != fault.Invalid || !slices.Equal(got, tt.want) {
				t.Errorf("create: %v, want %v", got, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), key) {
				t.Errorf("the error quotes the key: %v", err)
			}
			a := d.create(klarnaInput())
			_, err = d.Update(t.Context(), a.ID, in, admin)
			if got := fields(err); fault.CodeOf(err) != fault.Invalid || !slices.Equal(got, tt.want) {
				t.Errorf("update: %v, want %v", got, tt.want)
			}
			if after := d.find(a.ID); after.AccessVersion != 1 || businessaccount.InputOf(after) != businessaccount.InputOf(a) || len(d.logged()) != 1 {
				t.Errorf("changed all the same: %+v", after)
			}
		})
	}
}

func TestAnAccountForFilesNeedsNoAccess(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		in := klarnaInput()
		in.Type, in.Access = businessaccount.Custom, ""
		a := d.create(in)
		if a.HasAccess() || a.AccessMark != "" || a.Days != 0 || a.AccessText() != "" || a.Live() {
			t.Errorf("%+v", a)
		}
		if _, err := d.Settlements(a); !errors.Is(err, businessaccount.ErrNoAccess) {
			t.Errorf("%v", err)
		}
		in.ShortName = "files"
		d.create(in) // a second one is not the same access
		in = businessaccount.InputOf(a)
		in.Type = businessaccount.Klarna
		if _, err := d.Update(t.Context(), a.ID, in, admin); !slices.Equal(fields(err), []string{"access error.required"}) {
			t.Errorf("%v", err)
		}
		in.Access = access(user, key, 7)
		if a = d.update(a.ID, in); !a.Live() || d.check(a).Verdict != businessaccount.VerdictOK {
			t.Errorf("%+v", a)
		}
	})
}

func TestShortNameTakenProposesAnother(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.create(klarnaInput())
		in := klarnaInput()
		in.Name, in.Access = "Klarna zwei", access("K2", key, 7)
		_, err := d.Create(t.Context(), in, admin)
		e, _ := errors.AsType[*fault.Error](err)
		if e == nil || len(e.Fields) != 1 || e.Fields[0].Name != "short_name" || fmt.Sprint(e.Fields[0].Args) != "[ShortName klarna Name Klarna Proposal klarna_2]" {
			t.Fatalf("%v", err)
		}
		in.ShortName = "klarna_2"
		second := d.create(in)
		in.ShortName = "klarna"
		if _, err := d.Update(t.Context(), second.ID, in, admin); !slices.Equal(fields(err), []string{"short_name business_account.error.short_name_taken"}) {
			t.Errorf("%v", err)
		}
		for want, ask := range map[string]struct {
			name   string
			except int64
		}{"klarna_3": {"klarna", 0}, "klarna": {"klarna", 1}, "neu": {"neu", 0}, "klarna_2": {"klarna_2", second.ID}} {
			if free, err := d.FreeShortName(t.Context(), ask.name, ask.except); free != want || err != nil {
				t.Errorf("%s, %v; want %s", free, err, want)
			}
		}
	})
}

func TestTheSameAccessTwice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		first := d.create(klarnaInput())
		taken := func(err error, field string) {
			t.Helper()
			e, _ := errors.AsType[*fault.Error](err)
			if e == nil || len(e.Fields) != 1 || e.Fields[0].Name != field || fmt.Sprint(e.Fields[0].Args) != "[Name Klarna ShortName klarna]" {
				t.Errorf("%v", err)
			}
		}
		in := klarnaInput()
		in.Name, in.ShortName, in.Access = "Noch einmal", "again", access(user, "another-key", 30)
		_, err := d.Create(t.Context(), in, admin)
		taken(err, "access")

		elsewhere := in
		elsewhere.ShortName, elsewhere.Environment = "live", klarna.Live
		live := d.create(elsewhere)
		elsewhere.Environment = klarna.Playground
		_, err = d.Update(t.Context(), live.ID, elsewhere, admin)
		taken(err, "access")

		in.Active = false
		again := d.create(in)
		in = businessaccount.InputOf(again)
		in.Active = true
		_, err = d.Update(t.Context(), again.ID, in, admin)
		taken(err, "active")

		off := businessaccount.InputOf(first)
		off.Active = false
		d.update(first.ID, off)
		d.update(again.ID, in)
		off.Active = true
		_, err = d.Update(t.Context(), first.ID, off, admin)
		if e, _ := errors.AsType[*fault.Error](err); e == nil || fmt.Sprint(e.Fields[0].Args) != "[Name Noch einmal ShortName again]" {
			t.Errorf("%v", err)
		}
	})
}

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				in := klarnaInput()
				if in.ShortName = fmt.Sprintf("k%d", i); i%2 == 0 {
					in.ShortName = "klarna"
				}
				_, errs[i] = d.Create(t.Context(), in, admin)
			})
		}
		all.Wait()
		made := 0
		for i, err := range errs {
			switch {
			case err == nil:
				made++
			case fault.CodeOf(err) != fault.Invalid:
				t.Errorf("%d: %v", i, err)
			}
		}
		if made != 1 || len(d.logged()) != 1 {
			t.Errorf("%d were made, %d logged", made, len(d.logged()))
		}
	})
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		_, err1 := d.Find(t.Context(), 99)
		_, err2 := d.FindByShortName(t.Context(), "x\x00")
		_, err3 := d.FindByShortName(t.Context(), "nobody")
		_, err4 := d.Update(t.Context(), 99, klarnaInput(), admin)
		_, err5 := d.Check(t.Context(), 99)
		for i, err := range []error{err1, err2, err3, err4, err5} {
			if fault.CodeOf(err) != fault.NotFound {
				t.Errorf("%d: %v", i+1, err)
			}
		}
		all, err := d.List(t.Context())
		if len(all) != 0 || err != nil {
			t.Errorf("%v, %v", all, err)
		}
	})
}
