package businessaccount_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
)

const (
	admin = "Erika Beispiel"
	user  = "PK123456_beispiel"
	key   = "kein-echter-schluessel"
)

var noon = time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC)

// desk is where an admin sets business accounts up. In Klarna's place is a server with
// one user and one key.
type desk struct {
	*businessaccount.Service
	t      *testing.T
	db     *store.DB
	clock  *clock.Clock
	trail  *audit.Trail
	client *klarna.Client
	answer atomic.Pointer[http.HandlerFunc] // in the place of the payouts
	asked  atomic.Pointer[http.Request]
}

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, clock: clock.NewFixed(noon), trail: audit.New(db)}
	there := httptest.NewServer(d)
	t.Cleanup(there.Close)
	base, err := klarna.ParseBaseURL(there.URL)
	must(t, err)
	d.client = klarna.New(klarna.Options{BaseURL: base, Now: d.clock.Now})
	d.Service = businessaccount.New(db, d.clock, newBox(t), d.trail, d.client)
	d.answers(answer(http.StatusOK, `{"payouts":[{"payment_reference":"XISA93DJ","payout_date":"2026-10-28T10:00:00.000Z","currency_code":"EUR",`+
		`"totals":{"settlement_amount":6234}}],"pagination":{"count":1,"total":12}}`))
	return d
}

func newBox(t *testing.T) *secretbox.Box {
	t.Helper()
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "secret.key"))
	must(t, err)
	return box
}

func (d *desk) answers(h http.HandlerFunc) { d.answer.Store(&h) }

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// ServeHTTP is Klarna.
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.asked.Store(r)
	if u, p, _ := r.BasicAuth(); u != user || p != key {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	(*d.answer.Load())(w, r)
}

// klarnaInput is what an admin enters for the one user there is.
func klarnaInput() businessaccount.Input {
	in := businessaccount.Defaults()
	in.Environment = klarna.Playground
	in.Access = access(user, key, 7)
	return in
}

func access(user, key string, days int) string {
	return fmt.Sprintf("API_USER=>%s;\nAPI_KEY=>%s;\nAPI_DAYS=>%d;\n", user, key, days)
}

func (d *desk) create(in businessaccount.Input) *businessaccount.Account {
	d.t.Helper()
	a, err := d.Create(d.t.Context(), in, admin)
	must(d.t, err)
	return d.find(a.ID)
}

func (d *desk) update(id int64, in businessaccount.Input) *businessaccount.Account {
	d.t.Helper()
	_, err := d.Update(d.t.Context(), id, in, admin)
	must(d.t, err)
	return d.find(id)
}

// find reads an account as it is stored.
func (d *desk) find(id int64) *businessaccount.Account {
	d.t.Helper()
	a, err := d.Find(d.t.Context(), id)
	must(d.t, err)
	return a
}

// check asks Klarna.
func (d *desk) check(a *businessaccount.Account) businessaccount.Check {
	d.t.Helper()
	c, err := d.Check(d.t.Context(), a.ID)
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

// fields are what is wrong with which field: "access error.required".
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
