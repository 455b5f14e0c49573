package web

import (
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

// logPage is how many entries of the log one page shows.
const logPage = 50

func (s *Server) showLog(r *request) error {
	cursor := r.QueryParam("cursor")
	entries, next, err := s.Trail.List(r.ctx(), cursor, logPage)
	if err != nil {
		return err
	}
	return s.ok(r, views.Log(views.LogPage{
		Page: s.page(r, i18n.T(r.ctx(), "log.title"), administration(r)), Entries: entries, Cursor: cursor, Next: next,
	}))
}
