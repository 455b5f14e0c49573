package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/auth"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

const (
	goodPassword = "correct-horse-1"
	newPassword  = "battery-staple-2"
	home         = "192.0.2.10"
)

// house is the service with what a test looks at and turns.
type house struct {
	*auth.Service
	t     *testing.T
	db    *store.DB
	clock *clock.Clock
	trail *audit.Trail
}

func newHouse(t *testing.T, db *store.DB) house {
	t.Helper()
	clk := clock.NewFixed(time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC))
	trail := audit.New(db)
	return house{auth.New(db, clk, trail), t, db, clk, trail}
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, h house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newHouse(t, db)) })
}

func (h house) ctx() context.Context { return h.t.Context() }

func (h house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h house) user(email string, role auth.Role) auth.User {
	h.t.Helper()
	u, err := h.CreateUser(h.ctx(), "Test", auth.NewUser{Email: email, Role: role, Password: goodPassword})
	h.must(err)
	return u
}

func (h house) logIn(email, password string) string {
	h.t.Helper()
	token, _, err := h.LogIn(h.ctx(), email, password, home, "Browser")
	h.must(err)
	return token
}

// loggedIn reports whether token is a session.
func (h house) loggedIn(token string) bool {
	h.t.Helper()
	_, _, err := h.Session(h.ctx(), token)
	if err != nil {
		h.wantFault(err, fault.Unauthorized, "auth.error.logged_out")
	}
	return err == nil
}

func (h house) count(query string, args ...any) (n int64) {
	h.t.Helper()
	h.must(h.db.Read(h.ctx()).Raw(query, args...).Scan(&n).Error)
	return n
}

// actions returns the log's actions and subjects, oldest first.
func (h house) actions() string {
	h.t.Helper()
	entries, _, err := h.trail.List(h.ctx(), "", 100)
	h.must(err)
	var b strings.Builder
	for i := len(entries) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%s: %s %s\n", entries[i].Actor, entries[i].Action, entries[i].Subject)
	}
	return b.String()
}

// wantFault checks an error's code and key, or of an Invalid one the "field key" pairs.
func (h house) wantFault(err error, code fault.Code, keys ...string) {
	h.t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != code {
		h.t.Errorf("error = %v, want %s", err, code)
		return
	}
	got := []string{e.Key}
	if len(e.Fields) > 0 {
		got = nil
		for _, f := range e.Fields {
			got = append(got, f.Name+" "+f.Key)
			checkText(h.t, f.Key, f.Args)
		}
	} else {
		checkText(h.t, e.Key, e.Args)
	}
	if strings.Join(got, ", ") != strings.Join(keys, ", ") {
		h.t.Errorf("error says %q, want %q", got, keys)
	}
}

// checkText sees to it that a key has a whole text in both languages.
func checkText(t *testing.T, key string, args []any) {
	t.Helper()
	for _, lang := range i18n.Languages() {
		text := i18n.T(i18n.WithLanguage(t.Context(), lang), key, args...)
		if !i18n.Has(lang, key) || strings.Contains(text, "<no value>") {
			t.Errorf("%s of %s is %q", lang, key, text)
		}
	}
}
