package auth_test

import (
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
)

func TestSessionEndsAfterTwelveHours(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		token := h.logIn("max@example.com", goodPassword)
		h.clock.Advance(12*time.Hour - time.Microsecond)
		if !h.loggedIn(token) {
			t.Error("ended early")
		}
		h.clock.Advance(time.Microsecond)
		if h.loggedIn(token) {
			t.Error("did not end")
		}
		for _, wrong := range []string{"", "x", token + "x", strings.ToUpper(token), "\xff\x00"} {
			if h.loggedIn(wrong) {
				t.Errorf("%q is a log-in", wrong)
			}
		}
	})
}

func TestEndSession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		u := h.user("max@example.com", auth.Viewer)
		h.user("anna@example.com", auth.Viewer)
		a, b, c := h.logIn(u.Email, goodPassword), h.logIn(u.Email, goodPassword), h.logIn(u.Email, goodPassword)
		anna := h.logIn("anna@example.com", goodPassword)
		for range 2 { // logging out twice is no error
			h.must(h.EndSession(h.ctx(), a))
		}
		if h.loggedIn(a) || !h.loggedIn(b) || !h.loggedIn(c) {
			t.Error("EndSession ended another log-in")
		}
		h.must(h.EndSessions(h.ctx(), "Erika", u.ID))
		if h.loggedIn(b) || h.loggedIn(c) || !h.loggedIn(anna) {
			t.Error("EndSessions did not end exactly this person's")
		}
		h.wantFault(h.EndSessions(h.ctx(), "Erika", 4711), fault.NotFound, "auth.error.user_not_found")
	})
}

func TestLastSeenIsWrittenNowAndThen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		token := h.logIn("max@example.com", goodPassword)
		seen := h.clock.Now()
		for i, d := range []time.Duration{0, 5*time.Minute - time.Microsecond, time.Microsecond, time.Minute, 4 * time.Minute} {
			h.clock.Advance(d)
			if i == 2 || i == 4 {
				seen = h.clock.Now()
			}
			_, sess, err := h.Session(h.ctx(), token)
			h.must(err)
			var stored time.Time
			h.must(h.db.Read(h.ctx()).Table("sessions").Select("seen_at").Row().Scan(&stored))
			if sess.SeenAt != seen || stored != seen {
				t.Errorf("step %d: seen %v, stored %v, want %v", i, sess.SeenAt, stored, seen)
			}
		}
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		h.logIn("max@example.com", goodPassword)
		h.blockedFor("nobody@example.com", "wrong-wrong", "")
		h.clock.Advance(23 * time.Hour)
		token := h.logIn("max@example.com", goodPassword)
		h.must(h.Sweep(h.ctx()))
		if n := h.count("SELECT COUNT(*) FROM sessions"); n != 1 || !h.loggedIn(token) {
			t.Errorf("%d sessions are left", n)
		}
		if h.count("SELECT COUNT(*) FROM login_failures WHERE failures > 0") != 1 {
			t.Error("a counter is forgotten too early")
		}
		h.clock.Advance(time.Hour + time.Microsecond)
		h.must(h.Sweep(h.ctx()))
		if n := h.count("SELECT COUNT(*) FROM login_failures WHERE failures > 0"); n != 0 {
			t.Errorf("%d counters are left", n)
		}
	})
}

func TestSessionNeedsAnActiveUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		token := h.logIn("max@example.com", goodPassword)
		_, err := h.db.Exec(h.ctx(), "UPDATE users SET active = FALSE")
		h.must(err)
		if h.loggedIn(token) {
			t.Error("still logged in")
		}
	})
}

func TestUserAgentIsCut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		token, _, err := h.LogIn(h.ctx(), "max@example.com", goodPassword, home, strings.Repeat("ü", 5000))
		h.must(err)
		_, sess, err := h.Session(h.ctx(), token)
		if sess.UserAgent != strings.Repeat("ü", 200) || err != nil {
			t.Errorf("user agent of %d bytes, %v", len(sess.UserAgent), err)
		}
	})
}
