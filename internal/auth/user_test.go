package auth_test

import (
	"strings"
	"sync"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
)

func TestCreateUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		u, err := h.CreateUser(h.ctx(), "Erika", auth.NewUser{
			Email: "  Max.Muster@Example.COM ", Name: " Max Muster ", Role: auth.Shipping, Password: goodPassword,
		})
		h.must(err)
		want := auth.User{ID: u.ID, Email: "max.muster@example.com", Name: "Max Muster", Role: auth.Shipping, Active: true, CreatedAt: h.clock.Now()}
		if u != want {
			t.Errorf("user = %+v, want %+v", u, want)
		}
		if found, err := h.FindUser(h.ctx(), u.ID); found != want || err != nil {
			t.Errorf("FindUser = %+v, %v", found, err)
		}
		h.user("anna@example.com", auth.Viewer)
		users, err := h.ListUsers(h.ctx())
		if err != nil || len(users) != 2 || users[0].Email != "anna@example.com" {
			t.Errorf("ListUsers = %+v, %v", users, err)
		}
		h.logIn("max.muster@example.com", goodPassword)
		if n := h.count("SELECT COUNT(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'"); n != 2 {
			t.Errorf("%d passwords are hashed by argon2id as they should be", n)
		}
	})
}

func TestCreateUserSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		in   auth.NewUser
		want []string
	}{
		"nothing given": {auth.NewUser{}, []string{"email auth.error.email_invalid", "role auth.error.role_unknown", "password auth.error.password_short"}},
		"no address":    {auth.NewUser{Email: "max", Role: auth.Admin, Password: goodPassword}, []string{"email auth.error.email_invalid"}},
		"with a name":   {auth.NewUser{Email: "Max <max@example.com>", Role: auth.Admin, Password: goodPassword}, []string{"email auth.error.email_invalid"}},
		"two addresses": {auth.NewUser{Email: "a@example.com, b@example.com", Role: auth.Admin, Password: goodPassword}, []string{"email auth.error.email_invalid"}},
		"quoted":        {auth.NewUser{Email: `"a b"@example.com`, Role: auth.Admin, Password: goodPassword}, []string{"email auth.error.email_invalid"}},
		"line break":    {auth.NewUser{Email: "a@example.com\r\nBcc: b@example.com", Role: auth.Admin, Password: goodPassword}, []string{"email auth.error.email_invalid"}},
		"no text":       {auth.NewUser{Email: "a\xff@example.com", Name: "\xff", Role: auth.Admin, Password: goodPassword}, []string{"email auth.error.email_invalid", "name auth.error.name"}},
		"long address":  {auth.NewUser{Email: strings.Repeat("a", 243) + "@example.com", Role: auth.Admin, Password: goodPassword}, []string{"email auth.error.email_invalid"}},
		"long name":     {auth.NewUser{Email: "a@example.com", Name: strings.Repeat("ä", 101), Role: auth.Admin, Password: goodPassword}, []string{"name auth.error.name"}},
		"name in lines": {auth.NewUser{Email: "a@example.com", Name: "a\nb", Role: auth.Admin, Password: goodPassword}, []string{"name auth.error.name"}},
		"role":          {auth.NewUser{Email: "a@example.com", Role: "root", Password: goodPassword}, []string{"role auth.error.role_unknown"}},
		"9 characters":  {auth.NewUser{Email: "a@example.com", Role: auth.Admin, Password: "äöüäöüäöü"}, []string{"password auth.error.password_short"}},
		"201":           {auth.NewUser{Email: "a@example.com", Role: auth.Admin, Password: strings.Repeat("ä", 201)}, []string{"password auth.error.password_long"}},
		"the e-mail":    {auth.NewUser{Email: "Max@example.com", Role: auth.Admin, Password: "MAX@example.com "}, []string{"password auth.error.password_is_email"}},
	}
	each(t, func(t *testing.T, h house) {
		for name, tc := range cases {
			_, err := h.CreateUser(h.ctx(), "Erika", tc.in)
			h.wantFault(err, fault.Invalid, tc.want...)
			if n := h.count("SELECT COUNT(*) FROM users") + h.count("SELECT COUNT(*) FROM audit_entries"); n != 0 {
				t.Fatalf("%s: something was stored", name)
			}
		}
	})
}

// An umlaut is one letter however the keyboard writes it: as one, or as a and dots.
func TestLongestPasswordAndAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		whole, parts := strings.Repeat("ä", 200), strings.Repeat("a\u0308", 200)
		for email, password := range map[string]string{
			strings.Repeat("a", 242) + "@example.com": whole,
			"max@example.com":                         parts,
		} {
			_, err := h.CreateUser(h.ctx(), "Erika", auth.NewUser{Email: email, Role: auth.Admin, Password: password})
			h.must(err)
			h.logIn(email, whole)
			h.logIn(email, parts)
		}
	})
}

func TestEmailIsTakenOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				email := []string{"max@example.com", "MAX@example.com"}[i%2]
				_, errs[i] = h.CreateUser(h.ctx(), "Erika", auth.NewUser{Email: email, Role: auth.Viewer, Password: goodPassword})
			})
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			h.wantFault(err, fault.Invalid, "email auth.error.email_taken")
		}
		if made != 1 || h.count("SELECT COUNT(*) FROM users") != 1 {
			t.Errorf("%d users were made", made)
		}
	})
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.user("erika@example.com", auth.Admin)
		u := h.user("max@example.com", auth.Viewer)
		token := h.logIn(u.Email, goodPassword)

		_, err := h.UpdateUser(h.ctx(), "Erika", u.ID, auth.UserUpdate{Name: " Max ", Role: auth.Shipping, Active: true})
		h.must(err)
		now, _, err := h.Session(h.ctx(), token)
		h.must(err)
		if now.Name != "Max" || now.Role != auth.Shipping || now.Label() != "Max" || u.Label() != "max@example.com" {
			t.Errorf("the log-in still shows %+v", now)
		}
		_, err = h.UpdateUser(h.ctx(), "Erika", u.ID, auth.UserUpdate{Name: "Max", Role: auth.Shipping})
		h.must(err)
		if h.loggedIn(token) {
			t.Error("still logged in, but no longer active")
		}
		_, err = h.UpdateUser(h.ctx(), "Erika", u.ID, auth.UserUpdate{Name: "Max", Role: auth.Shipping, Active: true})
		h.must(err)
		if h.loggedIn(token) {
			t.Error("active again, and the old log-in is back")
		}
		_, err = h.UpdateUser(h.ctx(), "Erika", u.ID, auth.UserUpdate{Name: strings.Repeat("x", 101), Role: "boss"})
		h.wantFault(err, fault.Invalid, "name auth.error.name", "role auth.error.role_unknown")
		_, err = h.UpdateUser(h.ctx(), "Erika", 4711, auth.UserUpdate{Role: auth.Viewer})
		h.wantFault(err, fault.NotFound, "auth.error.user_not_found")
		_, err = h.FindUser(h.ctx(), 4711)
		h.wantFault(err, fault.NotFound, "auth.error.user_not_found")
	})
}

func TestLastAdminStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		admin := h.user("erika@example.com", auth.Admin)
		other := h.user("max@example.com", auth.Admin)
		_, err := h.UpdateUser(h.ctx(), "Erika", other.ID, auth.UserUpdate{Role: auth.Admin})
		h.must(err) // an admin who is not active does not count
		for _, in := range []auth.UserUpdate{{Role: auth.Viewer, Active: true}, {Role: auth.Admin}, {Role: auth.Accounting}} {
			_, err := h.UpdateUser(h.ctx(), "Erika", admin.ID, in)
			h.wantFault(err, fault.Conflict, "auth.error.last_admin")
		}
		_, err = h.UpdateUser(h.ctx(), "Erika", admin.ID, auth.UserUpdate{Name: "Erika", Role: auth.Admin, Active: true})
		h.must(err)
	})
}

func TestAdminsCannotRemoveEachOtherAtTheSameTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		var ids []int64
		for _, email := range []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"} {
			ids = append(ids, h.user(email, auth.Admin).ID)
		}
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() {
				in := auth.UserUpdate{Role: auth.Viewer, Active: true}
				if i%2 == 0 {
					in = auth.UserUpdate{Role: auth.Admin}
				}
				if _, err := h.UpdateUser(h.ctx(), "x", id, in); err != nil {
					h.wantFault(err, fault.Conflict, "auth.error.last_admin")
				}
			})
		}
		wg.Wait()
		if n := h.count("SELECT COUNT(*) FROM users WHERE role = 'admin' AND active"); n != 1 {
			t.Errorf("%d admins are left", n)
		}
	})
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		u := h.user("max@example.com", auth.Viewer)
		h.must(h.SetPreferences(h.ctx(), u.ID, "en", "dark"))
		u, err := h.FindUser(h.ctx(), u.ID)
		if u.Language != "en" || u.Theme != "dark" || err != nil {
			t.Errorf("user = %+v, %v", u, err)
		}
		h.wantFault(h.SetPreferences(h.ctx(), u.ID, "tlh", "pink"), fault.Invalid,
			"language auth.error.language_unknown", "theme auth.error.theme_unknown")
		h.wantFault(h.SetPreferences(h.ctx(), 4711, "", ""), fault.NotFound, "auth.error.user_not_found")
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		u := h.user("max@example.com", auth.Viewer)
		here, elsewhere := h.logIn(u.Email, goodPassword), h.logIn(u.Email, goodPassword)
		_, sess, err := h.Session(h.ctx(), here)
		h.must(err)

		h.wantFault(h.ChangePassword(h.ctx(), u.ID, goodPassword, "short", sess.ID), fault.Invalid, "password auth.error.password_short")
		h.wantFault(h.ChangePassword(h.ctx(), u.ID, "wrong-wrong", newPassword, sess.ID), fault.Invalid, "current_password auth.error.password_wrong")
		h.wantFault(h.ChangePassword(h.ctx(), 4711, goodPassword, newPassword, 0), fault.NotFound, "auth.error.user_not_found")
		h.must(h.ChangePassword(h.ctx(), u.ID, goodPassword, newPassword, sess.ID))
		if !h.loggedIn(here) || h.loggedIn(elsewhere) {
			t.Errorf("logged in here: %t, elsewhere: %t", h.loggedIn(here), h.loggedIn(elsewhere))
		}
		_, _, err = h.LogIn(h.ctx(), u.Email, goodPassword, home, "")
		h.wantFault(err, fault.Unauthorized, "auth.error.credentials")
		h.logIn(u.Email, newPassword)

		for range 5 {
			err = h.ChangePassword(h.ctx(), u.ID, "guess-guess", goodPassword, sess.ID)
			h.wantFault(err, fault.Invalid, "current_password auth.error.password_wrong")
		}
		err = h.ChangePassword(h.ctx(), u.ID, newPassword, goodPassword, sess.ID)
		h.wantFault(err, fault.TooMany, "auth.error.too_many")
	})
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		u := h.user("max@example.com", auth.Viewer)
		token := h.logIn(u.Email, goodPassword)
		for range 5 {
			_, _, err := h.LogIn(h.ctx(), u.Email, "forgotten-1", home, "")
			h.wantFault(err, fault.Unauthorized, "auth.error.credentials")
		}
		h.wantFault(h.SetPassword(h.ctx(), "Erika", u.ID, u.Email), fault.Invalid, "password auth.error.password_is_email")
		h.wantFault(h.SetPassword(h.ctx(), "Erika", 4711, newPassword), fault.NotFound, "auth.error.user_not_found")
		h.must(h.SetPassword(h.ctx(), "Erika", u.ID, newPassword))
		if h.loggedIn(token) {
			t.Error("the old log-in lives on")
		}
		h.logIn(u.Email, newPassword) // the block is over, too
	})
}

func TestChangesAreLoggedWithoutPasswords(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		u := h.user("max@example.com", auth.Admin)
		h.user("anna@example.com", auth.Admin)
		in := auth.UserUpdate{Name: "Max", Role: auth.Viewer, Active: true}
		for range 2 { // the second changes nothing
			_, err := h.UpdateUser(h.ctx(), "Erika", u.ID, in)
			h.must(err)
		}
		h.must(h.SetPassword(h.ctx(), "Erika", u.ID, newPassword))
		h.must(h.ChangePassword(h.ctx(), u.ID, newPassword, goodPassword, 0))
		h.must(h.EndSessions(h.ctx(), "Erika", u.ID))
		const want = `Test: user.created max@example.com
Test: user.created anna@example.com
Erika: user.updated max@example.com
Erika: user.password_changed max@example.com
Max: user.password_changed max@example.com
Erika: user.logged_out max@example.com
`
		if got := h.actions(); got != want {
			t.Errorf("log:\n%swant:\n%s", got, want)
		}
		entries, _, err := h.trail.List(h.ctx(), "", 100)
		h.must(err)
		if got := entries[3].Changes; len(got) != 2 || got[1].Field != "role" || got[1].Old != "admin" || got[1].New != "viewer" {
			t.Errorf("changes = %+v", got)
		}
		for _, e := range entries {
			checkText(t, "audit.action."+e.Action, nil)
			for _, c := range e.Changes {
				checkText(t, "audit.field."+c.Field, nil)
			}
		}
		for _, secret := range []string{goodPassword, newPassword, "argon2id"} {
			if n := h.count("SELECT COUNT(*) FROM audit_entries WHERE changes LIKE ?", "%"+secret+"%"); n != 0 {
				t.Errorf("%q stands in the log", secret)
			}
		}
	})
}
