package auth_test

import (
	"fmt"
	"sync"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
)

func (h house) setupToken() string {
	h.t.Helper()
	token, err := h.SetupToken(h.ctx())
	h.must(err)
	return token
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		if needs, err := h.NeedsSetUp(h.ctx()); !needs || err != nil {
			t.Errorf("NeedsSetUp = %t, %v", needs, err)
		}
		h.wantFault(h.CheckSetupToken(h.ctx(), ""), fault.Forbidden, "auth.error.setup_token")
		old := h.setupToken()
		token := h.setupToken()
		if old == token || len(token) < 43 || h.count("SELECT COUNT(*) FROM settings WHERE value = ?", token) != 0 {
			t.Error("the token is short, the same again, or kept as it is")
		}
		for _, wrong := range []string{"", "x", old, token + "x"} {
			h.wantFault(h.CheckSetupToken(h.ctx(), wrong), fault.Forbidden, "auth.error.setup_token")
			_, err := h.SetUp(h.ctx(), wrong, "erika@example.com", "", goodPassword)
			h.wantFault(err, fault.Forbidden, "auth.error.setup_token")
		}
		h.must(h.CheckSetupToken(h.ctx(), token))
		_, err := h.SetUp(h.ctx(), token, "erika", "", "short") // does not use the token up
		h.wantFault(err, fault.Invalid, "email auth.error.email_invalid", "password auth.error.password_short")

		u, err := h.SetUp(h.ctx(), token, "Erika@example.com", "Erika", goodPassword)
		h.must(err)
		if u.Role != auth.Admin || !u.Active || u.Email != "erika@example.com" {
			t.Errorf("user = %+v", u)
		}
		h.logIn("erika@example.com", goodPassword)
		if n := h.count("SELECT COUNT(*) FROM settings"); n != 0 {
			t.Error("the used token is still there")
		}
		if got := h.actions(); got != "Erika: user.created erika@example.com\n" {
			t.Errorf("log: %s", got)
		}
		h.wantFault(h.CheckSetupToken(h.ctx(), token), fault.Conflict, "auth.error.setup_done")
		_, err = h.SetUp(h.ctx(), token, "max@example.com", "", goodPassword)
		h.wantFault(err, fault.Conflict, "auth.error.setup_done")
		if again := h.setupToken(); again != "" {
			t.Error("there is a new link although there is a user")
		}
		if needs, err := h.NeedsSetUp(h.ctx()); needs || err != nil {
			t.Errorf("NeedsSetUp = %t, %v", needs, err)
		}
	})
}

func TestSetUpByManyAtTheSameTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		token := h.setupToken()
		errs := make([]error, 6)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = h.SetUp(h.ctx(), token, fmt.Sprintf("n%d@example.com", i), "", goodPassword)
			})
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			h.wantFault(err, fault.Conflict, "auth.error.setup_done")
		}
		if n := h.count("SELECT COUNT(*) FROM users"); made != 1 || n != 1 {
			t.Errorf("%d set-ups, %d users", made, n)
		}
	})
}

// A user made on the command line ends the link, too.
func TestCreateUserEndsSetUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		token := h.setupToken()
		h.user("max@example.com", auth.Viewer)
		_, err := h.SetUp(h.ctx(), token, "erika@example.com", "", goodPassword)
		h.wantFault(err, fault.Conflict, "auth.error.setup_done")
		if n := h.count("SELECT COUNT(*) FROM settings"); n != 0 {
			t.Error("the link's token is still there")
		}
	})
}
