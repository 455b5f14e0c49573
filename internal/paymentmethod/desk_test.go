package paymentmethod_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	pm "zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

const admin = "Erika Beispiel"

var noon = time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC)

// desk is where an admin sets payment methods up, with the sandbox in Klarna's place.
type desk struct {
	*pm.Service
	t       *testing.T
	db      *store.DB
	clock   *clock.Clock
	trail   *audit.Trail
	bell    *work.Bell
	sandbox *klarnasandbox.Sandbox
	above   *above
	during  func() // happens while Klarna is asked
}

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, clock: clock.NewFixed(noon), trail: audit.New(db), bell: work.NewBell(), above: &above{}}
	d.sandbox = klarnasandbox.New(klarnasandbox.Options{Clock: d.clock, Hold: time.Millisecond})
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.during != nil {
			d.during()
		}
		d.sandbox.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { d.sandbox.Close(); there.Close() })
	base, err := klarna.ParseBaseURL(there.URL)
	must(t, err)
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "secret.key"))
	must(t, err)
	client := klarna.New(klarna.Options{BaseURL: base, Now: d.clock.Now})
	d.Service = pm.New(db, d.clock, box, d.trail, client, d.bell, pm.ProbePolicy{Every: 15 * time.Minute})
	d.Depend(d.above)
	return d
}

// above stands for the packages whose rows depend on methods.
type above struct {
	use           pm.Use
	before, after *pm.Method
}

func (a *above) MethodUse(*gorm.DB, int64) (pm.Use, error) { return a.use, nil }

func (a *above) MethodChanged(_ *gorm.DB, before, after *pm.Method) error {
	a.before, a.after = before, after
	return nil
}

// klarnaInput is what an admin enters for the sandbox's merchant.
func klarnaInput() pm.Input {
	in := pm.Defaults(pm.ModuleKlarna)
	in.Environment, in.Username, in.Password = klarna.Playground, klarnasandbox.DemoUsername, klarnasandbox.DemoPassword
	return in
}

func (d *desk) create(in pm.Input) *pm.Method {
	d.t.Helper()
	m, err := d.Create(d.t.Context(), in, admin)
	must(d.t, err)
	return d.find(m.ID)
}

func (d *desk) update(id int64, in pm.Input) *pm.Method {
	d.t.Helper()
	_, err := d.Update(d.t.Context(), id, in, admin)
	must(d.t, err)
	return d.find(id)
}

// find reads a method as it is stored.
func (d *desk) find(id int64) *pm.Method {
	d.t.Helper()
	m, err := d.Find(d.t.Context(), id)
	must(d.t, err)
	return m
}

func (d *desk) pause(m *pm.Method, version int64, reason pm.PauseReason) bool {
	d.t.Helper()
	var paused bool
	must(d.t, d.db.InTx(d.t.Context(), func(tx *gorm.DB) (err error) {
		paused, err = d.Pause(tx, m.ID, version, reason)
		return err
	}))
	return paused
}

// check asks the sandbox.
func (d *desk) check(m *pm.Method) pm.Check {
	d.t.Helper()
	c, err := d.Check(d.t.Context(), m.ID)
	must(d.t, err)
	return c
}

// logged are the entries of the settings' log, newest first.
func (d *desk) logged() []audit.Entry {
	d.t.Helper()
	entries, _, err := d.trail.List(d.t.Context(), "", 100)
	must(d.t, err)
	return entries
}

// settle works on probes until none is due.
func (d *desk) settle() {
	d.t.Helper()
	probes := d.Probes()
	overview := work.NewOverview(d.db, d.clock, probes)
	ctx, stop := context.WithCancel(d.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		work.NewRunner(d.db, d.clock, d.bell, slog.New(slog.DiscardHandler), probes).Run(ctx)
	}()
	defer func() { stop(); <-done }()
	for look := time.NewTicker(time.Millisecond); ; <-look.C {
		states, err := overview.States(d.t.Context())
		must(d.t, err)
		if !slices.ContainsFunc(states, func(s work.QueueState) bool { return s.Due+s.Working > 0 }) {
			look.Stop()
			return
		}
	}
}

// fields are what is wrong with which field: "type error.required".
func fields(err error) []string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return []string{fmt.Sprint(err)}
	}
	var all []string
	for _, f := range e.Fields {
		all = append(all, f.Name+" "+f.Key)
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
