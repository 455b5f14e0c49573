package web

import (
	"net/http"
	"net/url"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

// setPreferences changes what is sent of language and theme. The cookie remembers them
// for the log-in page, the user's row on every machine.
func (s *Server) setPreferences(r *request) error {
	var in views.PreferencesForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	c := s.cookie(r)
	language, _ := c.Values[languageKey].(string)
	theme, _ := c.Values[themeKey].(string)
	if r.user.ID != 0 {
		language, theme = r.user.Language, r.user.Theme
	}
	if r.sent("language") {
		language = in.Language
	}
	if r.sent("theme") {
		theme = in.Theme
	}
	if language != "" && !i18n.Known(language) {
		return fault.New(fault.Invalid, "auth.error.language_unknown")
	}
	if theme != "" && theme != views.ThemeLight && theme != views.ThemeDark {
		return fault.New(fault.Invalid, "auth.error.theme_unknown")
	}
	if r.user.ID != 0 {
		if err := s.Auth.SetPreferences(r.ctx(), r.user.ID, language, theme); err != nil {
			return err
		}
	}
	c.Values[languageKey], c.Values[themeKey] = language, theme
	if err := s.saveCookie(r, c); err != nil {
		return err
	}
	return r.Redirect(http.StatusSeeOther, localPath(in.ReturnTo))
}

func (s *Server) showAccount(r *request) error { return s.accountPage(r, http.StatusOK, nil) }

func (s *Server) changePassword(r *request) error {
	var in views.ChangePasswordForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	err := s.Auth.ChangePassword(r.ctx(), r.user.ID, in.CurrentPassword, in.Password, r.session.ID)
	if status, ok := formStatus(err); ok {
		return s.accountPage(r, status, err)
	}
	if err != nil {
		return err
	}
	return s.done(r, "/account", "account.password_changed")
}

func (s *Server) accountPage(r *request, status int, err error) error {
	page := s.page(r, i18n.T(r.ctx(), "account.title"))
	page.URL = &url.URL{Path: "/account"} // also after a POST elsewhere
	return s.render(r, status, views.Account(views.AccountPage{
		Page: page, Form: views.FormError(r.ctx(), err, "user.field."), Of: r.user,
	}))
}
