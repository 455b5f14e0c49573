package web

import (
	"errors"
	"net/http"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

func (s *Server) showLogIn(r *request) error {
	to := afterLogIn(r.QueryParam("return_to"))
	if r.user.ID != 0 {
		return r.Redirect(http.StatusSeeOther, to)
	}
	return s.logInPage(r, http.StatusOK, views.LogInForm{ReturnTo: to}, nil)
}

func (s *Server) logIn(r *request) error {
	var in views.LogInForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	in.ReturnTo = afterLogIn(in.ReturnTo)
	token, _, err := s.Auth.LogIn(r.ctx(), in.Email, in.Password, remoteIP(r), r.Request().UserAgent())
	if err == nil {
		err = s.startSession(r, token)
	}
	if err == nil {
		return r.Redirect(http.StatusSeeOther, in.ReturnTo)
	}
	switch fault.CodeOf(err) {
	case fault.Unauthorized: // no 401: a browser would have to be offered another way in
		return s.logInPage(r, http.StatusUnprocessableEntity, in, err)
	case fault.TooMany:
		if blocked, ok := errors.AsType[*auth.Blocked](err); ok {
			retryAfter(r.Response().Header(), blocked.Wait.Seconds())
		}
		return s.logInPage(r, http.StatusTooManyRequests, in, err)
	}
	return err
}

func (s *Server) logInPage(r *request, status int, in views.LogInForm, err error) error {
	needsSetUp, lookErr := s.Auth.NeedsSetUp(r.ctx())
	if lookErr != nil {
		return lookErr
	}
	return s.render(r, status, views.LogIn(views.LogInPage{
		Page: s.page(r, i18n.T(r.ctx(), "login.title")), Form: views.FormError(r.ctx(), err, "user.field."),
		Input: in, NeedsSetUp: needsSetUp,
	}))
}

func (s *Server) logOut(r *request) error {
	if err := s.endSession(r); err != nil {
		return err
	}
	return s.done(r, "/login", "login.logged_out")
}

func (s *Server) showSetUp(r *request) error {
	token := r.QueryParam("token")
	if err := s.Auth.CheckSetupToken(r.ctx(), token); err != nil {
		return err
	}
	return s.setUpPage(r, http.StatusOK, views.SetUpForm{Token: token}, nil)
}

func (s *Server) setUp(r *request) error {
	var in views.SetUpForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	_, err := s.Auth.SetUp(r.ctx(), in.Token, in.Email, in.Name, in.Password)
	if fault.CodeOf(err) == fault.Invalid {
		return s.setUpPage(r, http.StatusUnprocessableEntity, in, err)
	}
	if err != nil {
		return err
	}
	token, _, err := s.Auth.LogIn(r.ctx(), in.Email, in.Password, remoteIP(r), r.Request().UserAgent())
	if err != nil {
		return err
	}
	if err := s.startSession(r, token); err != nil {
		return err
	}
	return s.done(r, "/", "setup.done")
}

func (s *Server) setUpPage(r *request, status int, in views.SetUpForm, err error) error {
	return s.render(r, status, views.SetUp(views.SetUpPage{
		Page: s.page(r, i18n.T(r.ctx(), "setup.title")), Form: views.FormError(r.ctx(), err, "user.field."), Input: in,
	}))
}
