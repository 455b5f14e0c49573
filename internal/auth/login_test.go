package auth_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
)

func TestLogIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		u := h.user("max@example.com", auth.Shipping)
		h.clock.Advance(time.Hour)
		now := h.clock.Now()
		token, who, err := h.LogIn(h.ctx(), " MAX@example.com", goodPassword, home, "Browser \xff\x00 1.0")
		h.must(err)
		if who.ID != u.ID || who.LastLoginAt == nil || *who.LastLoginAt != now {
			t.Errorf("who = %+v", who)
		}
		seen, sess, err := h.Session(h.ctx(), token)
		h.must(err)
		if seen.ID != u.ID || seen.LastLoginAt == nil || *seen.LastLoginAt != now {
			t.Errorf("user = %+v", seen)
		}
		want := auth.Session{ID: sess.ID, UserID: u.ID, UserAgent: "Browser  1.0", CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(12 * time.Hour)}
		if sess != want {
			t.Errorf("session = %+v, want %+v", sess, want)
		}
		if len(token) < 43 || h.count("SELECT COUNT(*) FROM sessions WHERE token_hash = ?", token) != 0 {
			t.Error("the token is short, or kept as it is")
		}
		if another := h.logIn(u.Email, goodPassword); another == token {
			t.Error("two log-ins have one token")
		}
	})
}

// Whatever is wrong, the answer is the same.
func TestLogInGivesNothingAway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("erika@example.com", auth.Admin)
		gone := h.user("gone@example.com", auth.Viewer)
		_, err := h.UpdateUser(h.ctx(), "Erika", gone.ID, auth.UserUpdate{Role: auth.Viewer})
		h.must(err)
		for name, tc := range map[string]struct{ email, password string }{
			"password":     {"erika@example.com", newPassword},
			"no password":  {"erika@example.com", ""},
			"case":         {"erika@example.com", "Correct-horse-1"},
			"nobody":       {"nobody@example.com", goodPassword},
			"not active":   {"gone@example.com", goodPassword},
			"no e-mail":    {"", goodPassword},
			"no text":      {"a\xff\x00", goodPassword},
			"wildcard":     {"%@example.com", goodPassword},
			"someone else": {"gone@example.com' OR '1'='1", goodPassword},
		} {
			token, who, err := h.LogIn(h.ctx(), tc.email, tc.password, "", "")
			h.wantFault(err, fault.Unauthorized, "auth.error.credentials")
			if token != "" || who != (auth.User{}) {
				t.Errorf("%s: got in", name)
			}
		}
	})
}

// blockedFor logs in and returns the wait it is told, 0 when it was not blocked.
func (h house) blockedFor(email, password, ip string) time.Duration {
	h.t.Helper()
	_, _, err := h.LogIn(h.ctx(), email, password, ip, "")
	var b *auth.Blocked
	if errors.As(err, &b) {
		h.wantFault(err, fault.TooMany, "auth.error.too_many")
		return b.Wait
	}
	if err != nil {
		h.wantFault(err, fault.Unauthorized, "auth.error.credentials")
	}
	return 0
}

func TestBlocksForAnEmailGrow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		fail := func() time.Duration { return h.blockedFor("MAX@example.com", "wrong-wrong", "") }
		for i := range 5 {
			if d := fail(); d != 0 {
				t.Fatalf("failure %d is blocked for %s", i+1, d)
			}
		}
		const s, m = time.Second, time.Minute
		for _, want := range []time.Duration{30 * s, m, 2 * m, 4 * m, 8 * m, 15 * m, 15 * m} {
			if d := h.blockedFor("max@example.com", goodPassword, ""); d != want {
				t.Fatalf("blocked for %s, want %s", d, want)
			}
			h.clock.Advance(want - time.Microsecond)
			if d := h.blockedFor("max@example.com", goodPassword, ""); d != time.Microsecond {
				t.Fatalf("just before the end blocked for %s", d)
			}
			h.clock.Advance(time.Microsecond)
			if d := fail(); d != 0 {
				t.Fatalf("after the block still blocked for %s", d)
			}
		}
		if d := h.blockedFor("anna@example.com", "wrong-wrong", ""); d != 0 {
			t.Errorf("another e-mail is blocked, too, for %s", d)
		}
		h.clock.Advance(15 * m)
		h.logIn("max@example.com", goodPassword)
		for i := range 5 {
			if d := fail(); d != 0 {
				t.Fatalf("after a success failure %d is blocked for %s", i+1, d)
			}
		}
	})
}

func TestFailuresAreForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		fail := func(n int) (d time.Duration) {
			for range n {
				d = h.blockedFor("max@example.com", "wrong-wrong", "")
			}
			return d
		}
		fail(4)
		h.clock.Advance(24*time.Hour + time.Microsecond)
		if d := fail(5); d != 0 {
			t.Errorf("blocked for %s: yesterday's failures count", d)
		}
		if fail(1) == 0 {
			t.Error("not blocked after today's failures")
		}
	})
}

func TestBlocksForAnAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		for i := range 20 {
			if d := h.blockedFor(fmt.Sprintf("n%d@example.com", i), "wrong-wrong", home); d != 0 {
				t.Fatalf("failure %d is blocked for %s", i+1, d)
			}
			if i%10 > 0 {
				continue
			}
			// Successes in between neither count nor help.
			if d := h.blockedFor("max@example.com", goodPassword, home); d != 0 {
				t.Fatalf("after %d failures blocked for %s", i+1, d)
			}
		}
		if d := h.blockedFor("max@example.com", goodPassword, home); d != 30*time.Second {
			t.Errorf("blocked for %s", d)
		}
		if d := h.blockedFor("max@example.com", goodPassword, "192.0.2.11"); d != 0 {
			t.Errorf("another address is blocked, too, for %s", d)
		}
		// The right password does not end in a block because it was the 21st try.
		h.clock.Advance(30 * time.Second)
		for range 2 {
			if d := h.blockedFor("max@example.com", goodPassword, home); d != 0 {
				t.Errorf("after the block still blocked for %s", d)
			}
		}
	})
}

// Guessing at the same moment, at two instances of the program, is no way around.
func TestGuessesAtTheSameTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("max@example.com", auth.Viewer)
		instances := []*auth.Service{h.Service, auth.New(h.db, h.clock, audit.New(h.db))}
		codes := make([]fault.Code, 30)
		var wg sync.WaitGroup
		for i := range codes {
			wg.Go(func() {
				_, _, err := instances[i%2].LogIn(h.ctx(), "max@example.com", "wrong-wrong", fmt.Sprintf("192.0.2.%d", i), "")
				codes[i] = fault.CodeOf(err)
			})
		}
		wg.Wait()
		n := map[fault.Code]int{}
		for _, c := range codes {
			n[c]++
		}
		if n[fault.Unauthorized] != 5 || n[fault.TooMany] != 25 {
			t.Errorf("answers = %v", n)
		}
	})
}

func TestTypedPasswordsAreNotKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.blockedFor(goodPassword, "wrong-wrong", home) // in the wrong field
		if n := h.count("SELECT COUNT(*) FROM login_failures WHERE key LIKE ?", "%"+goodPassword+"%"); n != 0 {
			t.Error("it stands in the database")
		}
		if n := h.count("SELECT COUNT(*) FROM login_failures"); n != 2 {
			t.Errorf("%d counters", n)
		}
	})
}
