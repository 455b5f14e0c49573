package web

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

const exportsPath = "/accounting/exports"

// showExports shows the choice of an export. With a format in the address, it looks at the
// export and says what it would hold and what it lacks.
func (s *Server) showExports(r *request) error {
	p, sel, err := s.exportsPage(r)
	if err != nil {
		return err
	}
	if !r.QueryParams().Has("format") {
		return s.ok(r, views.Exports(p))
	}
	return s.checkedExport(r, p, sel, nil)
}

// downloadExport sends an export. What keeps it from being made stands on the page of the
// choice.
func (s *Server) downloadExport(r *request) error {
	p, sel, err := s.exportsPage(r)
	if err != nil {
		return err
	}
	if p.Input.Failed() {
		return s.checkedExport(r, p, sel, nil)
	}
	e, err := s.Bookkeeping.Open(r.ctx(), sel, p.Input.Incomplete != "")
	if _, ok := formStatus(err); ok {
		return s.checkedExport(r, p, sel, err)
	}
	if err != nil {
		return err
	}
	h := r.Response().Header()
	h.Set("Content-Type", e.ContentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": e.Name}))
	r.Response().WriteHeader(http.StatusOK)
	if r.Request().Method == http.MethodHead {
		return nil
	}
	if err := e.Write(r.ctx(), patientWriter{r}); err != nil {
		s.Log.Error("send an export", "request_id", r.requestID, "name", e.Name, "error", err)
		panic(http.ErrAbortHandler) // a file that ends early must not look whole
	}
	return nil
}

// patientWriter gives the reader of a long file time for each part of it: the server's
// time-out is meant for pages.
type patientWriter struct{ r *request }

func (w patientWriter) Write(b []byte) (int, error) {
	// A connection without a time-out has none to move.
	_ = http.NewResponseController(w.r.Response()).SetWriteDeadline(time.Now().Add(csvWait))
	n, err := w.r.Response().Write(b)
	if err != nil {
		return n, fmt.Errorf("send a part of a file: %w", err)
	}
	return n, nil
}

// exportsPage reads what is chosen; what can't be read is an error at its field.
func (s *Server) exportsPage(r *request) (views.ExportsPage, bookkeeping.Selection, error) {
	var p views.ExportsPage
	var err error
	if p.Accounts, err = s.Accounts.List(r.ctx()); err != nil {
		return p, bookkeeping.Selection{}, err
	}
	p.Input = views.NewExportForm(p.Accounts, s.Clock.Now())
	if err := r.Bind(&p.Input); err != nil {
		return p, bookkeeping.Selection{}, err
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "bookkeeping.title"), accounting(r))
	p.URL = &url.URL{Path: exportsPath, RawQuery: r.Request().URL.RawQuery} // also from the download
	sel := bookkeeping.Selection{Payout: p.Input.Payout, Format: bookkeeping.Format(p.Input.Format), Way: bookkeeping.Way(p.Input.Way)}
	var f fault.Checker
	if i := slices.IndexFunc(p.Accounts, func(a businessaccount.Account) bool { return a.ShortName == p.Input.Account }); i >= 0 {
		sel.AccountID = p.Accounts[i].ID
	} else if len(p.Accounts) > 0 {
		f.Add("account", "error.choice", "Value", p.Input.Account)
	}
	if sel.Payout == "" {
		for name, day := range map[string]struct {
			typed string
			at    *time.Time
		}{"from": {p.Input.From, &sel.From}, "until": {p.Input.Until, &sel.Until}} {
			if *day.at, err = views.ParseDay(day.typed); err != nil {
				f.Add(name, "error.date")
			}
		}
	}
	if err := f.Err(); err != nil {
		p.Input.Form = views.FormError(r.ctx(), err, "bookkeeping.field.")
	}
	return p, sel, nil
}

// checkedExport shows an export that was looked at, with what refused it, if anything did.
func (s *Server) checkedExport(r *request, p views.ExportsPage, sel bookkeeping.Selection, refused error) error {
	if p.Input.Failed() {
		return s.render(r, http.StatusUnprocessableEntity, views.Exports(p))
	}
	check, err := s.Bookkeeping.Check(r.ctx(), sel)
	if err != nil && refused == nil {
		refused = err
	}
	p.Check = check
	if refused == nil {
		return s.ok(r, views.Exports(p))
	}
	status, ok := formStatus(refused)
	if !ok {
		return refused
	}
	p.Input.Form = views.FormError(r.ctx(), refused, "bookkeeping.field.")
	return s.render(r, status, views.Exports(p))
}

func (s *Server) showExportSettings(r *request) error {
	set, err := s.Bookkeeping.Settings(r.ctx())
	if err != nil {
		return err
	}
	return s.exportSettingsPage(r, http.StatusOK, views.NewLedgerForm(r.ctx(), set))
}

func (s *Server) updateExportSettings(r *request) error {
	set, err := s.Bookkeeping.Settings(r.ctx())
	if err != nil {
		return err
	}
	form := views.NewLedgerForm(r.ctx(), set)
	posted := r.posted()
	form.Each(func(name string, value *string) {
		if posted.Has(name) {
			*value = posted.Get(name)
		}
	})
	err = s.Bookkeeping.UpdateSettings(r.ctx(), form.Settings(r.ctx()), r.actor())
	if status, ok := formStatus(err); ok {
		form.Refuse(r.ctx(), err)
		return s.exportSettingsPage(r, status, form)
	}
	if err != nil {
		return err
	}
	return s.done(r, exportsPath, "bookkeeping.done.settings")
}

func (s *Server) exportSettingsPage(r *request, status int, form views.LedgerForm) error {
	crumb := views.Crumb{Label: i18n.T(r.ctx(), "bookkeeping.title"), Href: exportsPath}
	return s.render(r, status, views.Ledger(views.LedgerPage{
		Page: s.page(r, i18n.T(r.ctx(), "bookkeeping.settings"), accounting(r), crumb), Input: form,
	}))
}
