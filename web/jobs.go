package web

import (
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/views"
)

func (s *Server) showJobs(r *request) error {
	states, err := s.Work.States(r.ctx())
	if err != nil {
		return err
	}
	r.Response().Header().Set("Vary", "X-Fragment")
	if isFragment(r) {
		return s.ok(r, views.JobsTable(states))
	}
	failed, err := s.Orders.Count(r.ctx(), order.FeedbackFailed)
	if err != nil {
		return err
	}
	return s.ok(r, views.Jobs(views.JobsPage{
		Page: s.page(r, i18n.T(r.ctx(), "jobs.title"), administration(r)), States: states, Failed: failed[order.FeedbackFailed],
	}))
}
