package web

import (
	"net/http"
	"strconv"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

const tokensPath = "/administration/tokens"

// newTokenKey is where a new token waits, in the encrypted cookie, for the one page that
// shows it.
const newTokenKey = "new_token"

func (s *Server) listTokens(r *request) error {
	c := s.cookie(r)
	bearer, _ := c.Values[newTokenKey].(string)
	if bearer != "" {
		delete(c.Values, newTokenKey)
		if err := s.saveCookie(r, c); err != nil {
			return err
		}
	}
	return s.tokensPage(r, http.StatusOK, bearer, newTokenForm(), nil)
}

// newTokenForm is the form as it begins, and what a field means that is not sent.
func newTokenForm() views.TokenForm { return views.TokenForm{ExpiresIn: views.TokenLifetimes[1]} }

func (s *Server) createToken(r *request) error {
	in := newTokenForm()
	if err := r.Bind(&in); err != nil {
		return err
	}
	bearer, err := s.makeToken(r, in)
	if status, ok := formStatus(err); ok {
		return s.tokensPage(r, status, "", in, err)
	}
	if err != nil {
		return err
	}
	c := s.cookie(r)
	c.Values[newTokenKey] = bearer
	if err := s.saveCookie(r, c); err != nil {
		return err
	}
	return r.Redirect(http.StatusSeeOther, tokensPath)
}

func (s *Server) makeToken(r *request, in views.TokenForm) (bearer string, err error) {
	t := auth.NewToken{Name: in.Name}
	for _, scope := range in.Scopes {
		t.Scopes = append(t.Scopes, auth.Scope(scope))
	}
	if in.ExpiresIn != views.TokenNeverExpires {
		days, err := strconv.Atoi(in.ExpiresIn)
		if err != nil || days < 1 || days > maxTokenDays {
			var f fault.Checker
			f.Add("expires_in", "error.choice", "Value", in.ExpiresIn)
			return "", f.Err()
		}
		at := s.Clock.Now().Add(time.Duration(days) * 24 * time.Hour)
		t.ExpiresAt = &at
	}
	bearer, _, err = s.Auth.CreateToken(r.ctx(), r.actor(), t)
	return bearer, err
}

// maxTokenDays keeps a typed number of days within what a time can hold.
const maxTokenDays = 3650

func (s *Server) revokeToken(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	if err := s.Auth.RevokeToken(r.ctx(), r.actor(), id); err != nil {
		return err
	}
	return s.done(r, tokensPath, "tokens.revoked_flash")
}

func (s *Server) tokensPage(r *request, status int, bearer string, in views.TokenForm, err error) error {
	tokens, listErr := s.Auth.ListTokens(r.ctx())
	if listErr != nil {
		return listErr
	}
	return s.render(r, status, views.Tokens(views.TokensPage{
		Page: s.page(r, i18n.T(r.ctx(), "tokens.title"), administration(r)), Form: views.FormError(r.ctx(), err, "token.field."),
		Input: in, Tokens: tokens, Bearer: bearer, Now: s.Clock.Now(),
	}))
}
