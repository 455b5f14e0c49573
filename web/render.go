package web

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/a-h/templ"

	"zahlwerk/internal/capture"
	"zahlwerk/views"
)

// page returns the frame of a page with this title and the way to it.
func (s *Server) page(r *request, title string, way ...views.Crumb) views.Page {
	p := views.Page{
		Title: title, Breadcrumbs: way, URL: r.Request().URL, Version: s.config.Version,
		Environment: s.config.Environment, KlarnaURL: s.config.KlarnaURL,
		Banners: s.banners(r), Flashes: s.flashes(r),
	}
	p.Theme, _ = s.cookie(r).Values[themeKey].(string)
	if r.user.ID != 0 {
		p.User = &views.UserInfo{Name: r.user.Name, Email: r.user.Email, Role: string(r.user.Role)}
		p.Theme = r.user.Theme
	}
	return p
}

// banners are the states that everybody should know of.
func (s *Server) banners(r *request) []views.Banner {
	var out []views.Banner
	if p := s.config.Policy; p != capture.DefaultPolicy {
		if p.Retry != capture.DefaultPolicy.Retry {
			out = append(out, views.RetryBanner(r.ctx(), fmt.Sprintf("%v, %v, %v", p.Retry[0], p.Retry[1], p.Retry[2])))
		}
		if p.KeyLifetime != capture.DefaultPolicy.KeyLifetime {
			out = append(out, views.KeyLifetimeBanner(r.ctx(), p.KeyLifetime.String()))
		}
	}
	if r.user.ID == 0 {
		return out
	}
	paused, err := s.Methods.Paused(r.ctx())
	if err != nil {
		s.Log.Error("look for paused methods", "request_id", r.requestID, "error", err)
	}
	for _, m := range paused {
		out = append(out, views.PausedBanner(r.ctx(), m.Name, fmt.Sprintf("/administration/settings/payment-methods/%d", m.ID)))
	}
	return out
}

// render writes a page, or a part of one: into a buffer first, so that a page that
// breaks off half way is an error and not half a page.
func (s *Server) render(r *request, status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(r.ctx(), &b); err != nil {
		return fmt.Errorf("render the page: %w", err)
	}
	return r.HTMLBlob(status, b.Bytes())
}

func (s *Server) ok(r *request, c templ.Component) error { return s.render(r, http.StatusOK, c) }

// isFragment tells that a script asks for a part of a page.
func isFragment(r *request) bool { return r.Request().Header.Get("X-Fragment") != "" }
