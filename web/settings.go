package web

import (
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

func (s *Server) showSettings(r *request) error {
	return s.ok(r, views.Settings(s.page(r, i18n.T(r.ctx(), "settings.title"), administration(r))))
}

func (s *Server) showExamples(r *request) error {
	return s.ok(r, views.Examples(s.page(r, "")))
}
