package mail_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/mail/mailtest"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

var noon = time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC)

const (
	admin    = "Erika Beispiel"
	password = "nur-ein-beispiel"
)

// post is a mail service about one order with one delivery note. It stands in for
// dispatch: what the mails tell and what becomes of them is kept here.
type post struct {
	*mail.Service
	t       *testing.T
	db      *store.DB
	clock   *clock.Clock
	trail   *audit.Trail
	content func(keys []string) mail.Content
	news    []string // what Handle's outcome was told
	mails   []mail.Mail
}

func newPost(t *testing.T, db *store.DB, o mail.Options) *post {
	t.Helper()
	p := &post{t: t, db: db, clock: clock.NewFixed(noon), trail: audit.New(db)}
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "key"))
	must(t, err)
	p.Service = mail.New(db, p.clock, box, p.trail, o)
	p.content = func(keys []string) mail.Content {
		return mail.Content{Name: "Max Muster", Values: mail.Values{mail.Name: "Max Muster", mail.Order: "100042", mail.Note: "300017",
			mail.Carrier: "DHL", mail.Numbers: strings.Join(keys, ", "), mail.Links: "https://www.example.com/" + strings.Join(keys, "+")}}
	}
	p.Handle(func(tx *gorm.DB, m *mail.Mail) (mail.Content, error) {
		keys, err := mail.TrackingKeys(tx, m.ID)
		slices.Sort(keys)
		return p.content(keys), err
	}, func(_ *gorm.DB, m *mail.Mail) error {
		news := string(m.State)
		if m.Reason != "" {
			news += " " + string(m.Reason)
		}
		if m.State == mail.Pending {
			news += fmt.Sprintf(" +%v", m.DueAt.Sub(p.clock.Now()))
		}
		p.news, p.mails = append(p.news, news), append(p.mails, *m)
		return nil
	})
	for _, query := range []string{
		`INSERT INTO payment_methods (id, name, type, module, connection, active, mark_paid, documents, behaves_like, document_text, region, environment,
			hold_seconds, created_at, updated_at) VALUES (1, 'x', 'x', 'none', 'manual', TRUE, FALSE, '', '', '', '', '', 0, '2026-11-03', '2026-11-03')`,
		`INSERT INTO orders (id, number, status, placed_at, payment_method_id, currency, total, customer_name, billing_address, mark_paid, documents, auto_ship,
			tell_klarna, feedback, content_hash, created_at, updated_at)
			VALUES (1, 'A1', 'released', '2026-11-03', 1, 'EUR', 1, 'x', '{}', FALSE, '', FALSE, FALSE, '', '', '2026-11-03', '2026-11-03')`,
		`INSERT INTO delivery_notes (id, order_id, number, amount, whole, created_at) VALUES (1, 1, '1', 1, TRUE, '2026-11-03')`,
	} {
		_, err := db.Exec(t.Context(), query)
		must(t, err)
	}
	return p
}

// good are settings with which the server takes mails.
func good(s *mailtest.Server) mail.Input {
	in := mail.Input{Settings: mail.Defaults()}
	in.Enabled, in.Host, in.Port, in.Encryption = true, s.Host, s.Port, mail.None
	in.SenderName, in.SenderAddress = "Muster GmbH", "versand@shop.example"
	return in
}

func (p *post) save(in mail.Input) {
	p.t.Helper()
	must(p.t, p.Save(p.t.Context(), in, admin))
}

func (p *post) plan(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.planTo("max@example.com", "de", key)
	}
}

func (p *post) planTo(recipient, language, key string) {
	p.t.Helper()
	must(p.t, p.db.InTx(p.t.Context(), func(tx *gorm.DB) error {
		return p.Plan(tx, mail.Plan{OrderID: 1, DeliveryNoteID: 1, Recipient: recipient, Language: language, TrackingKey: key})
	}))
}

// pass lets time go by and then the mails that are due.
func (p *post) pass(d time.Duration) {
	p.t.Helper()
	p.clock.Advance(d)
	var ids []int64
	must(p.t, p.db.Read(p.t.Context()).Raw("SELECT id FROM mails WHERE due_at <= ? ORDER BY id", p.clock.Now()).Scan(&ids).Error)
	for _, id := range ids {
		c, err := work.Take(p.t.Context(), p.db, p.clock, p.Queue(), id)
		must(p.t, err)
		must(p.t, p.Queue().Do(p.t.Context(), c))
	}
}

// heard fails unless exactly this became of mails since it was asked last.
func (p *post) heard(want ...string) {
	p.t.Helper()
	if !slices.Equal(p.news, want) {
		p.t.Errorf("%q, want %q", p.news, want)
	}
	p.news = nil
}

func (p *post) all() (mails []mail.Mail) {
	p.t.Helper()
	must(p.t, p.db.Read(p.t.Context()).Order("id").Find(&mails).Error)
	return mails
}

// logged is the audit trail as text.
func (p *post) logged() string {
	p.t.Helper()
	entries, _, err := p.trail.List(p.t.Context(), "", 50)
	must(p.t, err)
	b, err := json.Marshal(entries)
	must(p.t, err)
	return string(b)
}

func refused(t *testing.T, err error, code fault.Code, want ...string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != code {
		t.Errorf("%v, want %s %v", err, code, want)
		return
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Name+" "+f.Key)
	}
	if len(got) == 0 {
		got = []string{e.Key}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// onSQLite is a post for what has nothing to do with the database.
func onSQLite(t *testing.T, o mail.Options) *post {
	t.Helper()
	return newPost(t, storetest.SQLite(t), o)
}
