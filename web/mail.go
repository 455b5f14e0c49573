package web

import (
	"net/http"
	"net/url"
	"slices"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/mail"
	"zahlwerk/views"
)

const mailPath = "/administration/settings/mail"

func (s *Server) showMailSettings(r *request) error {
	settings, err := s.Mails.Settings(r.ctx())
	if err != nil {
		return err
	}
	return s.mailPage(r, http.StatusOK, views.MailPage{Input: views.NewMailForm(settings)})
}

// saveMailSettings saves the settings, or only shows what the mails would look like.
func (s *Server) saveMailSettings(r *request) error {
	settings, err := s.Mails.Settings(r.ctx())
	if err != nil {
		return err
	}
	form := views.NewMailForm(settings)
	if err := r.Bind(&form); err != nil {
		return err
	}
	shown := r.Request().PostForm["checkbox"]
	form.Enabled = r.ticked("enabled", settings.Enabled && !slices.Contains(shown, "enabled"))
	if form.Action == "preview" {
		_, err = mail.Preview(form.Input().Settings)
	} else {
		err = s.Mails.Save(r.ctx(), form.Input(), r.actor())
	}
	switch status, ok := formStatus(err); {
	case ok:
		form.Form = views.FormError(r.ctx(), err, "mail.field.")
		return s.mailPage(r, status, views.MailPage{Input: form})
	case err != nil:
		return err
	case form.Action == "preview":
		return s.mailPage(r, http.StatusOK, views.MailPage{Input: form})
	}
	return s.done(r, mailPath, "mail.saved")
}

// testMail sends a mail and shows the server's answer: nothing was changed, so there is
// nothing to come back from.
func (s *Server) testMail(r *request) error {
	settings, err := s.Mails.Settings(r.ctx())
	if err != nil {
		return err
	}
	page := views.MailPage{Input: views.NewMailForm(settings)}
	if err := r.Bind(&page.Test); err != nil {
		return err
	}
	result, err := s.Mails.Test(r.ctx(), page.Test.To)
	if status, ok := formStatus(err); ok {
		page.Test.Form = views.FormError(r.ctx(), err, "mail.field.")
		return s.mailPage(r, status, page)
	}
	if err != nil {
		return err
	}
	page.Tested = &result
	return s.mailPage(r, http.StatusOK, page)
}

func (s *Server) mailPage(r *request, status int, p views.MailPage) error {
	p.Page = s.page(r, i18n.T(r.ctx(), "mail.title"), administration(r), settingsCrumb(r))
	p.URL = &url.URL{Path: mailPath} // not …/test, which can't be gone back to
	if !r.sent("to") {
		p.Test.To = r.user.Email
	}
	var err error
	if p.Samples, err = mail.Preview(p.Input.Input().Settings); err != nil && !isForPerson(err) {
		return err
	}
	return s.render(r, status, views.Mail(p))
}
