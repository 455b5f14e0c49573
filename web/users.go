package web

import (
	"fmt"
	"net/http"
	"net/url"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

const usersPath = "/administration/users"

func userPath(id int64) string { return fmt.Sprintf("%s/%d", usersPath, id) }

func (s *Server) listUsers(r *request) error {
	users, err := s.Auth.ListUsers(r.ctx())
	if err != nil {
		return err
	}
	return s.ok(r, views.Users(views.UsersPage{Page: s.page(r, i18n.T(r.ctx(), "users.title"), administration(r)), Users: users}))
}

func (s *Server) newUser(r *request) error {
	return s.newUserPage(r, http.StatusOK, views.NewUserForm{Role: string(auth.Shipping)}, nil)
}

func (s *Server) createUser(r *request) error {
	var in views.NewUserForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	u, err := s.Auth.CreateUser(r.ctx(), r.actor(), auth.NewUser{Email: in.Email, Name: in.Name, Role: auth.Role(in.Role), Password: in.Password})
	if status, ok := formStatus(err); ok {
		return s.newUserPage(r, status, in, err)
	}
	if err != nil {
		return err
	}
	return s.done(r, usersPath, "users.created", "Name", u.Label())
}

func (s *Server) newUserPage(r *request, status int, in views.NewUserForm, err error) error {
	return s.render(r, status, views.NewUser(views.NewUserPage{
		Page: s.page(r, i18n.T(r.ctx(), "users.new_title"), administration(r), usersCrumb(r)),
		Form: views.FormError(r.ctx(), err, "user.field."), Input: in,
	}))
}

func (s *Server) showUser(r *request) error {
	u, err := s.pathUser(r)
	if err != nil {
		return err
	}
	return s.userPage(r, http.StatusOK, u, userForm(u), nil, nil)
}

func (s *Server) updateUser(r *request) error {
	u, err := s.pathUser(r)
	if err != nil {
		return err
	}
	in := userForm(u) // a field that is not sent keeps its value
	if err := r.Bind(&in); err != nil {
		return err
	}
	in.Active = r.ticked("active", u.Active)
	_, err = s.Auth.UpdateUser(r.ctx(), r.actor(), u.ID, auth.UserUpdate{Name: in.Name, Role: auth.Role(in.Role), Active: in.Active})
	if status, ok := formStatus(err); ok {
		return s.userPage(r, status, u, in, err, nil)
	}
	if err != nil {
		return err
	}
	return s.done(r, userPath(u.ID), "users.updated", "Name", u.Label())
}

func (s *Server) setUserPassword(r *request) error {
	u, err := s.pathUser(r)
	if err != nil {
		return err
	}
	var in views.PasswordForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	err = s.Auth.SetPassword(r.ctx(), r.actor(), u.ID, in.Password)
	if status, ok := formStatus(err); ok {
		return s.userPage(r, status, u, userForm(u), nil, err)
	}
	if err != nil {
		return err
	}
	return s.done(r, userPath(u.ID), "users.password_set", "Name", u.Label())
}

func (s *Server) endUserSessions(r *request) error {
	u, err := s.pathUser(r)
	if err != nil {
		return err
	}
	if err := s.Auth.EndSessions(r.ctx(), r.actor(), u.ID); err != nil {
		return err
	}
	return s.done(r, userPath(u.ID), "users.logged_out", "Name", u.Label())
}

func (s *Server) pathUser(r *request) (auth.User, error) {
	id, err := r.pathID("id")
	if err != nil {
		return auth.User{}, err
	}
	return s.Auth.FindUser(r.ctx(), id)
}

func userForm(u auth.User) views.UserForm {
	return views.UserForm{Name: u.Name, Role: string(u.Role), Active: u.Active}
}

func (s *Server) userPage(r *request, status int, u auth.User, in views.UserForm, err, passwordErr error) error {
	page := s.page(r, u.Label(), administration(r), usersCrumb(r))
	page.URL = &url.URL{Path: userPath(u.ID)} // also after a POST below it
	return s.render(r, status, views.User(views.UserPage{
		Page: page, Of: u, Input: in,
		Form: views.FormError(r.ctx(), err, "user.field."), PasswordForm: views.FormError(r.ctx(), passwordErr, "user.field."),
	}))
}

func administration(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "nav.administration")}
}

func usersCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "nav.users"), Href: usersPath}
}
