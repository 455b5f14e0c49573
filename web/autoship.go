package web

import (
	"net/http"
	"net/url"
	"strconv"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/views"
)

const (
	autoshipPath = "/autoship"
	schedulePath = autoshipPath + "/schedule"
	autoshipRows = 100 // candidates on a page
	autoshipRuns = 10  // of the list of last runs
)

func (s *Server) showAutoship(r *request) error {
	return s.autoshipPage(r, http.StatusOK, "")
}

// runAutoship prepares a run for a selection or for all that can go, or starts it at
// once.
func (s *Server) runAutoship(r *request) error {
	var in views.AutoshipForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	var ids []int64 // nil: all
	switch in.Action {
	case views.AutoshipPreviewAll, views.AutoshipRunAll:
	case views.AutoshipPreview, views.AutoshipRun:
		ids = append([]int64{}, in.IDs...) // none chosen is not all
	default:
		return fault.New(fault.NotFound, "error.not_found")
	}
	prepare, done := s.Dispatch.PrepareAutoship, ""
	if in.Action == views.AutoshipRun || in.Action == views.AutoshipRunAll {
		prepare, done = s.Dispatch.RunAutoship, "autoship.started"
	}
	b, err := prepare(r.ctx(), ids, r.actor())
	if status, ok := formStatus(err); ok {
		return s.autoshipPage(r, status, message(r, err))
	}
	if err != nil {
		return err
	}
	return s.done(r, batchPath(b.ID), done)
}

// autoshipPage shows the candidates, and why a run was refused.
func (s *Server) autoshipPage(r *request, status int, refused string) error {
	p := views.AutoshipPage{Tab: dispatch.Ready, Refused: refused}
	if r.QueryParam("tab") == string(dispatch.Blocked) {
		p.Tab = dispatch.Blocked
	}
	var err error
	if p.Found, err = s.Dispatch.ListCandidates(r.ctx(), p.Tab, queryID(r, "after"), autoshipRows); err != nil {
		return err
	}
	if p.Ready, p.Blocked, err = s.Dispatch.CountCandidates(r.ctx()); err != nil {
		return err
	}
	if p.UnderWay, err = s.Dispatch.AutoshipRun(r.ctx()); err != nil {
		return err
	}
	if p.Runs, err = s.Batches.List(r.ctx(), 0, autoshipRuns, batch.Autoship); err != nil {
		return err
	}
	schedule, err := s.Dispatch.Schedule(r.ctx())
	if err != nil {
		return err
	}
	p.Next = schedule.Next(s.Clock.Now())
	counts, err := s.Orders.Count(r.ctx(), order.FeedbackByHand)
	if err != nil {
		return err
	}
	p.ToDo = counts[order.FeedbackByHand]
	p.Page = s.page(r, i18n.T(r.ctx(), "autoship.title"), views.Crumb{Label: i18n.T(r.ctx(), "dispatch.title"), Href: "/dispatch"})
	return s.render(r, status, views.Autoship(p))
}

func autoshipCrumbs(r *request) []views.Crumb {
	return []views.Crumb{
		{Label: i18n.T(r.ctx(), "dispatch.title"), Href: "/dispatch"},
		{Label: i18n.T(r.ctx(), "autoship.title"), Href: autoshipPath},
	}
}

// showSchedule shows the schedule as it stands or, for a button that switches a row or a
// column, as the form would have it: nothing is kept before it is saved.
func (s *Server) showSchedule(r *request) error {
	schedule, err := s.Dispatch.Schedule(r.ctx())
	if err != nil {
		return err
	}
	next := schedule.Next(s.Clock.Now())
	p := views.AutoshipSchedulePage{Input: views.AutoshipScheduleForm{Schedule: schedule}, Next: next}
	if q := r.QueryParams(); q.Has("toggle") && r.user.May(auth.Administer) {
		if err := p.Input.Read(q); err != nil {
			return err
		}
		p.Toggled = q.Get("toggle")
		p.Input.Toggle(p.Toggled)
	}
	return s.schedulePage(r, http.StatusOK, p)
}

func (s *Server) setSchedule(r *request) error {
	schedule, err := s.Dispatch.Schedule(r.ctx())
	if err != nil {
		return err
	}
	p := views.AutoshipSchedulePage{Input: views.AutoshipScheduleForm{Schedule: schedule}, Next: schedule.Next(s.Clock.Now())}
	if err = p.Input.Read(r.posted()); err == nil {
		err = s.Dispatch.SetSchedule(r.ctx(), p.Input.Schedule, r.actor())
	}
	if status, ok := formStatus(err); ok {
		p.Input.Form = views.FormError(r.ctx(), err, "autoship.schedule.field.")
		return s.schedulePage(r, status, p)
	}
	if err != nil {
		return err
	}
	return s.done(r, schedulePath, "autoship.schedule.saved")
}

func (s *Server) schedulePage(r *request, status int, p views.AutoshipSchedulePage) error {
	p.MayWrite = r.user.May(auth.Administer)
	p.Page = s.page(r, i18n.T(r.ctx(), "autoship.schedule.title"), autoshipCrumbs(r)...)
	p.URL = &url.URL{Path: schedulePath} // not with all the ticks
	return s.render(r, status, views.AutoshipSchedule(p))
}

// pathRun is the autoship run of the address.
func (s *Server) pathRun(r *request) (*batch.Batch, error) {
	id, err := r.pathID("id")
	if err != nil {
		return nil, err
	}
	b, err := s.Batches.Find(r.ctx(), id)
	if err == nil && b.Kind != batch.Autoship {
		err = fault.New(fault.NotFound, "error.not_found")
	}
	return b, err
}

// showRunPapers leads to the papers of a run.
func (s *Server) showRunPapers(r *request) error {
	b, err := s.pathRun(r)
	if err != nil {
		return err
	}
	papers, err := s.Dispatch.CountPapers(r.ctx(), b.ID)
	if err != nil {
		return err
	}
	title := i18n.T(r.ctx(), "autoship.papers.title", "ID", b.ID)
	run := views.Crumb{Label: i18n.T(r.ctx(), "autoship.run_of", "ID", b.ID), Href: batchPath(b.ID)}
	return s.ok(r, views.AutoshipPapers(views.AutoshipPapersPage{
		Page: s.page(r, title, append(autoshipCrumbs(r), run)...), Batch: *b, Papers: papers}))
}

// printRun shows papers of a part of a run in one file.
func (s *Server) printRun(r *request) error {
	b, err := s.pathRun(r)
	if err != nil {
		return err
	}
	part, err := strconv.Atoi(r.QueryParam("part"))
	if err != nil || part < 1 || part > batch.MaxItems {
		part = 1
	}
	papers, err := s.Dispatch.ListPapers(r.ctx(), b.ID, part)
	if err != nil {
		return err
	}
	what := document.Kind(r.QueryParam("what"))
	if what == document.KindPickList {
		return s.printPickList(r, papers)
	}
	var items []document.Item
	for _, p := range papers {
		switch {
		case what == document.KindInvoice:
			items = append(items, document.Item{Kind: what, OrderID: p.OrderID})
		case p.NoteID != 0:
			items = append(items, document.Item{Kind: what, NoteID: p.NoteID})
		}
	}
	pdf, err := s.Documents.Print(r.ctx(), items, r.actor())
	if err != nil {
		return err
	}
	return sendPDF(r, i18n.T(r.ctx(), "document.file."+string(what))+"-"+strconv.FormatInt(b.ID, 10)+".pdf", pdf)
}

func (s *Server) printPickList(r *request, papers []dispatch.Paper) error {
	var notes []int64
	for _, p := range papers {
		if p.NoteID != 0 {
			notes = append(notes, p.NoteID)
		}
	}
	d, err := s.Documents.PickList(r.ctx(), notes)
	if err != nil {
		return err
	}
	return sendPDF(r, d.FileName(), d.PDF)
}
