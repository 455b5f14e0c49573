package web

import (
	"encoding/gob"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/sessions"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

// What the cookie holds.
const (
	tokenKey    = "token"
	languageKey = "language"
	themeKey    = "theme"
)

// A cookie has 4 kB: what somebody just did must not crowd the log-in out of it.
const (
	maxFlashes   = 3
	maxFlashText = 400 // bytes
)

// cookieName is the name of the one cookie. With https its prefix makes browsers refuse
// one that a neighbouring host tries to set for us.
func (s *Server) cookieName() string {
	if s.config.PublicURL.Scheme == "https" {
		return "__Host-zahlwerk"
	}
	return "zahlwerk"
}

func init() { gob.Register(views.Flash{}) }

// cookie is the visitor's cookie: a token whose hash the server keeps and can end, what
// they just did, and the preferences of those who are not logged in. One that can't be
// read (of another key) is an empty one.
func (s *Server) cookie(r *request) *sessions.Session {
	c, _ := s.cookies.Get(r.Request(), s.cookieName())
	return c
}

func (s *Server) saveCookie(r *request, c *sessions.Session) error {
	if err := c.Save(r.Request(), r.Response()); err != nil {
		return fmt.Errorf("save the session cookie: %w", err)
	}
	return nil
}

// identify finds who makes the request, and the language that they read.
func (s *Server) identify(r *request) error {
	c := s.cookie(r)
	language, _ := c.Values[languageKey].(string)
	if token, ok := c.Values[tokenKey].(string); ok && token != "" {
		user, session, err := s.Auth.Session(r.ctx(), token)
		switch {
		case err == nil:
			r.user, r.session = user, session
			if user.Language != "" {
				language = user.Language
			}
		case fault.CodeOf(err) != fault.Unauthorized:
			return err
		}
	}
	if i18n.Known(language) {
		r.SetRequest(r.Request().WithContext(i18n.WithLanguage(r.ctx(), language)))
	}
	return nil
}

// startSession begins a new log-in under a new token; one that the cookie held before
// ends, also on the server.
func (s *Server) startSession(r *request, token string) error {
	if err := s.dropSession(r); err != nil {
		return err
	}
	c := s.cookie(r)
	c.Values[tokenKey] = token
	return s.saveCookie(r, c)
}

// endSession forgets the log-in, on the server too.
func (s *Server) endSession(r *request) error {
	if err := s.dropSession(r); err != nil {
		return err
	}
	return s.saveCookie(r, s.cookie(r))
}

// dropSession takes everything that belongs to a log-in out of the cookie; the language
// and the theme stay.
func (s *Server) dropSession(r *request) error {
	c := s.cookie(r)
	token, _ := c.Values[tokenKey].(string)
	for key := range c.Values {
		if key != languageKey && key != themeKey {
			delete(c.Values, key)
		}
	}
	if token == "" {
		return nil
	}
	return s.Auth.EndSession(r.ctx(), token)
}

// flash tells the person, on the next page, what they just did.
func (s *Server) flash(r *request, f views.Flash) error {
	if len(f.Text) > maxFlashText {
		f.Text = strings.ToValidUTF8(f.Text[:maxFlashText], "") + "…"
	}
	c := s.cookie(r)
	waiting := c.Flashes()
	for _, old := range waiting[max(0, len(waiting)-maxFlashes+1):] {
		c.AddFlash(old)
	}
	c.AddFlash(f)
	return s.saveCookie(r, c)
}

// done is the end of a POST that worked: 303 to path, with a word about it.
func (s *Server) done(r *request, path, key string, args ...any) error {
	if key != "" {
		if err := s.flash(r, views.Flash{Kind: views.OK, Text: i18n.T(r.ctx(), key, args...)}); err != nil {
			return err
		}
	}
	return r.Redirect(http.StatusSeeOther, path)
}

// flashes takes what is to be told out of the cookie. It must come before the body. A
// part of a page, and an answer without a body, tells nothing: it waits for a page.
func (s *Server) flashes(r *request) []views.Flash {
	if isFragment(r) || r.Request().Method == http.MethodHead {
		return nil
	}
	c := s.cookie(r)
	var out []views.Flash
	for _, f := range c.Flashes() {
		if f, ok := f.(views.Flash); ok {
			out = append(out, f)
		}
	}
	if len(out) > 0 {
		if err := s.saveCookie(r, c); err != nil {
			s.Log.Warn("forget flashes", "request_id", r.requestID, "error", err)
		}
	}
	return out
}
