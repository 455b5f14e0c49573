package paymentmethod_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	pm "zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestPause(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		m := d.create(klarnaInput())
		other := klarnaInput()
		other.Type = "other"
		d.create(other)
		if err := d.Resume(t.Context(), m.ID, admin); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("resume of a method that works: %v", err)
		}
		if !d.pause(m, m.CredentialsVersion, pm.PauseUnauthorized) {
			t.Fatal("not paused")
		}
		d.clock.Advance(time.Minute)
		if d.pause(m, m.CredentialsVersion, pm.PauseForbidden) {
			t.Error("paused twice: its time and reason would be lost")
		}
		m = d.find(m.ID)
		if !m.PausedAt.Equal(noon) || m.PauseReason != pm.PauseUnauthorized || !m.DueAt.Equal(noon.Add(15*time.Minute)) {
			t.Errorf("paused at %v because %s, next read at %v", m.PausedAt, m.PauseReason, m.DueAt)
		}
		paused, err := d.Paused(t.Context())
		if err != nil || len(paused) != 1 || paused[0].ID != m.ID || paused[0].Name != "Klarna" || paused[0].PauseReason != pm.PauseUnauthorized {
			t.Errorf("%+v, %v", paused, err)
		}
		must(t, d.db.InTx(t.Context(), func(tx *gorm.DB) error { return pm.Wait(tx, m.ID, noon.Add(time.Hour)) }))
		must(t, d.Resume(t.Context(), m.ID, admin))
		m = d.find(m.ID)
		if m.PausedAt != nil || m.PauseReason != "" || m.DueAt != nil || m.WaitUntil != nil {
			t.Errorf("resumed, but %+v", m)
		}
		if log := d.logged()[0]; log.Action != "payment_method.resumed" || log.Actor != admin {
			t.Errorf("logged %+v", log)
		}
	})
}

func TestALateRefusalDoesNotPauseMendedCredentials(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		m := d.create(klarnaInput())
		asked := m.CredentialsVersion
		m = d.update(m.ID, klarnaInput()) // while the answer is on its way
		if d.pause(m, asked, pm.PauseUnauthorized) || d.find(m.ID).PausedAt != nil {
			t.Error("the old credentials' refusal paused the new ones")
		}
	})
}

func TestSavingLiftsThePause(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*pm.Input)
		lifts  bool
	}{
		"a password":         {func(in *pm.Input) { in.Password = klarnasandbox.DemoPassword }, true},
		"a username":         {func(in *pm.Input) { in.Username = "K123456_neu" }, true},
		"the region":         {func(in *pm.Input) { in.Region = klarna.NorthAmerica }, true},
		"the environment":    {func(in *pm.Input) { in.Environment = klarna.Live }, true},
		"only the name":      {func(in *pm.Input) { in.Name = "Klarna neu" }, false},
		"nothing":            {func(*pm.Input) {}, false},
		"the same username":  {func(in *pm.Input) { in.Username = klarnasandbox.DemoUsername }, false},
		"another connection": {func(in *pm.Input) { in.Connection = pm.Manual }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			m := d.create(klarnaInput())
			d.pause(m, 1, pm.PauseUnauthorized)
			in := pm.InputOf(m)
			tt.change(&in)
			if m = d.update(m.ID, in); (m.PausedAt == nil) != tt.lifts {
				t.Errorf("paused at %v", m.PausedAt)
			}
		})
	}
}

func TestCheckConnection(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*pm.Input)
		preset  string
		verdict pm.Verdict
		hints   []string
	}{
		"good":              {verdict: pm.VerdictOK},
		"no password":       {change: func(in *pm.Input) { in.Password = "" }, verdict: pm.VerdictMissing},
		"wrong password":    {change: func(in *pm.Input) { in.Username, in.Password = "user", "falsch" }, verdict: pm.VerdictUnauthorized, hints: []string{"retype"}},
		"live key":          {change: func(in *pm.Input) { in.Username, in.Password = "user", "klarna_live_beispiel" }, verdict: pm.VerdictUnauthorized, hints: []string{"environment", "retype"}},
		"test key":          {change: func(in *pm.Input) { in.Password = "klarna_test_beispiel" }, verdict: pm.VerdictUnauthorized, hints: []string{"retype"}},
		"older live user":   {change: func(in *pm.Input) { in.Username = "K123456_abc" }, verdict: pm.VerdictUnauthorized, hints: []string{"environment", "retype"}},
		"older test user":   {change: func(in *pm.Input) { in.Username = "PK123456_abc" }, verdict: pm.VerdictUnauthorized, hints: []string{"retype"}},
		"American user":     {change: func(in *pm.Input) { in.Username = "PN123456_abc" }, verdict: pm.VerdictUnauthorized, hints: []string{"region", "retype"}},
		"forbidden":         {preset: "forbidden_page", verdict: pm.VerdictForbidden},
		"too many requests": {preset: "too_many_requests", verdict: pm.VerdictTooMany},
		"bad gateway":       {preset: "html_error", verdict: pm.VerdictNoAnswer},
		"cut":               {preset: "cut_before", verdict: pm.VerdictNoAnswer},
		"time-out":          {preset: "timeout_before", verdict: pm.VerdictNoAnswer},
		"not allowed":       {preset: "not_allowed", verdict: pm.VerdictUnexpected},
		"a redirect":        {preset: "redirect", verdict: pm.VerdictUnexpected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			in := klarnaInput()
			if tt.change != nil {
				tt.change(&in)
			}
			m := d.create(in)
			if tt.preset != "" {
				f, _ := klarnasandbox.Preset(tt.preset)
				_, err := d.sandbox.SetFault(f)
				must(t, err)
			}
			c := d.check(m)
			if c.Verdict != tt.verdict || !slices.Equal(c.Hints, tt.hints) {
				t.Errorf("%s %v, want %s %v", c.Verdict, c.Hints, tt.verdict, tt.hints)
			}
			var calls []pm.Call
			must(t, d.db.Read(t.Context()).Find(&calls).Error)
			asked := 1
			if tt.verdict == pm.VerdictMissing {
				asked = 0
			}
			if len(calls) != asked || asked == 1 && (calls[0].PaymentMethodID != m.ID || calls[0].Status != c.Call.Status || calls[0].Method != "GET") {
				t.Errorf("kept %+v", calls)
			}
			if kept := fmt.Sprintf("%+v %+v", calls, c); in.Password != "" && strings.Contains(kept, in.Password) {
				t.Errorf("the password is kept: %s", kept)
			}
			after := d.find(m.ID)
			if (after.LastSuccessAt != nil) != (tt.verdict == pm.VerdictOK) || after.PausedAt != nil || after.CredentialsVersion != m.CredentialsVersion {
				t.Errorf("last success %v, paused %v", after.LastSuccessAt, after.PausedAt)
			}
		})
	}
}

func TestCheckNeedsTheKeyFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	m := d.create(klarnaInput())
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "other.key"))
	must(t, err)
	other := pm.New(d.db, d.clock, box, d.trail, klarna.New(klarna.Options{}), d.bell, pm.ProbePolicy{})
	if _, err := other.Check(t.Context(), m.ID); fault.CodeOf(err) != fault.Internal {
		t.Errorf("%v", err)
	}
	if _, err := other.Doubts(m); err == nil {
		t.Error("doubts without the key")
	}
}

func TestDoubts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		username, password string
		region             klarna.Region
		environment        klarna.Environment
		want               []string
	}{
		"nothing known":         {"7a1c", "geheim", klarna.Europe, klarna.Live, nil},
		"no password":           {"N123456_a", "", klarna.Europe, klarna.Live, nil},
		"live":                  {"7a1c", "klarna_live_a", klarna.Europe, klarna.Live, nil},
		"live in playground":    {"7a1c", "klarna_live_a", klarna.Europe, klarna.Playground, []string{"environment"}},
		"test in live":          {"7a1c", "klarna_test_a", klarna.Europe, klarna.Live, []string{"environment"}},
		"American in Europe":    {"N123456_a", "geheim", klarna.Europe, klarna.Live, []string{"region"}},
		"European in Oceania":   {"K123456_a", "klarna_test_a", klarna.Oceania, klarna.Live, []string{"environment", "region"}},
		"only custom, no doubt": {"K123456_a", "geheim", klarna.Europe, klarna.Playground, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			in := klarnaInput()
			in.Username, in.Password, in.Region, in.Environment = tt.username, tt.password, tt.region, tt.environment
			if got, err := d.Doubts(d.create(in)); !slices.Equal(got, tt.want) || err != nil {
				t.Errorf("%v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestAPausedMethodIsTriedAndGoesOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		m := d.create(klarnaInput())
		refuse, err := d.sandbox.SetFault(klarnasandbox.Fault{Kind: klarnasandbox.FaultAnswer, Status: 401})
		must(t, err)
		d.pause(m, 1, pm.PauseUnauthorized)

		d.settle()
		if n := len(d.sandbox.Requests()); n != 0 {
			t.Fatalf("%d requests before the first read is due", n)
		}
		d.clock.Advance(15 * time.Minute)
		d.settle()
		m = d.find(m.ID)
		if n := len(d.sandbox.Requests()); n != 1 || m.PausedAt == nil || !m.DueAt.Equal(noon.Add(30*time.Minute)) {
			t.Fatalf("refused again: %d requests, paused %v, next %v", n, m.PausedAt, m.DueAt)
		}
		d.sandbox.ClearFault(refuse.ID)
		d.clock.Advance(15 * time.Minute)
		d.settle()
		m = d.find(m.ID)
		if m.PausedAt != nil || m.DueAt != nil || m.LastSuccessAt == nil {
			t.Errorf("accepted: paused %v, next %v, last success %v", m.PausedAt, m.DueAt, m.LastSuccessAt)
		}
		if log := d.logged()[0]; log.Action != "payment_method.resumed_by_itself" {
			t.Errorf("logged %+v", log)
		}
		d.clock.Advance(time.Hour)
		d.settle()
		if n := len(d.sandbox.Requests()); n != 2 {
			t.Errorf("%d requests, want 2: a method that works is not tried", n)
		}
	})
}

func TestAPersonIsFasterThanTheProbe(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{"accepted": false, "refused": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			m := d.create(klarnaInput())
			if refused {
				_, err := d.sandbox.SetFault(klarnasandbox.Fault{Kind: klarnasandbox.FaultAnswer, Status: 401})
				must(t, err)
			}
			d.pause(m, 1, pm.PauseUnauthorized)
			d.clock.Advance(15 * time.Minute)
			d.during = func() {
				if err := d.Resume(t.Context(), m.ID, admin); err != nil {
					t.Error(err)
				}
			}
			d.settle()
			m = d.find(m.ID)
			if m.PausedAt != nil || m.DueAt != nil {
				t.Errorf("paused %v, next read %v", m.PausedAt, m.DueAt)
			}
			if log := d.logged()[0]; log.Action != "payment_method.resumed" {
				t.Errorf("logged %+v", log)
			}
		})
	}
}

func TestWaitAndSucceededOnlyMoveOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		m := d.create(klarnaInput())
		for _, step := range []struct {
			do                   func(tx *gorm.DB) error
			waitUntil, succeeded time.Duration
		}{
			{func(tx *gorm.DB) error { return pm.Wait(tx, m.ID, noon.Add(time.Minute)) }, time.Minute, 0},
			{func(tx *gorm.DB) error { return pm.Wait(tx, m.ID, noon.Add(time.Second)) }, time.Minute, 0},
			{func(tx *gorm.DB) error { return pm.Wait(tx, m.ID, noon.Add(time.Hour)) }, time.Hour, 0},
			{func(tx *gorm.DB) error { return pm.Succeeded(tx, m, noon.Add(time.Second)) }, time.Hour, time.Second},
			{func(tx *gorm.DB) error { return pm.Succeeded(tx, m, noon.Add(time.Minute)) }, time.Hour, time.Second},
			{func(tx *gorm.DB) error { return pm.Succeeded(tx, m, noon.Add(2*time.Minute)) }, time.Hour, 2 * time.Minute},
		} {
			must(t, db.InTx(t.Context(), step.do))
			got := d.find(m.ID)
			if !got.WaitUntil.Equal(noon.Add(step.waitUntil)) {
				t.Errorf("waits until %v, want %v", got.WaitUntil, noon.Add(step.waitUntil))
			}
			if step.succeeded != 0 && !got.LastSuccessAt.Equal(noon.Add(step.succeeded)) {
				t.Errorf("last success %v, want %v", got.LastSuccessAt, noon.Add(step.succeeded))
			}
		}
	})
}

func TestPortalURL(t *testing.T) {
	t.Parallel()
	m := pm.Method{Environment: klarna.Playground}
	if got := m.PortalURL("a/b"); got != "https://portal.playground.klarna.com/orders/a%2Fb" {
		t.Error(got)
	}
}
