package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

const runPayoutRows = 100 // of an import's page

// importRunPath is where an import is watched: whoever starts one leads people there.
func importRunPath(id int64) string { return fmt.Sprintf("/accounting/import-runs/%d", id) }

func incomingImportPath(account int64) string {
	return incomingAccountPath(account) + "?tab=" + views.IncomingImport
}

// importsPage shows the imports of an account; refused says why one could not be started.
func (s *Server) importsPage(r *request, account int64, status int, refused views.Form) error {
	a, err := s.incomingAccount(r.ctx(), account)
	if err != nil {
		return err
	}
	before := queryID(r, "runs_before")
	p := views.IncomingImportPage{
		Account: a, Now: s.Clock.Now(), Refused: refused, MayForce: r.user.May(auth.Administer), MayWrite: r.user.May(auth.Administer),
	}
	if p.Runs, err = s.Settlements.Runs(r.ctx(), account, before, runRows+1); err != nil {
		return err
	}
	if before != 0 {
		p.Newest = incomingImportPath(account)
	}
	if len(p.Runs) > runRows {
		p.Runs = p.Runs[:runRows]
		p.Older = fmt.Sprintf("%s&runs_before=%d", incomingImportPath(account), p.Runs[runRows-1].ID)
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "incoming.title_of", "Account", a.Name), accounting(r), incomingCrumb(r))
	if !isRead(r.Request()) {
		p.URL = &url.URL{Path: incomingAccountPath(account), RawQuery: url.Values{"tab": {views.IncomingImport}}.Encode()}
	}
	return s.render(r, status, views.IncomingImports(p))
}

// startImport asks for a live import and leads to it; one that was stopped goes on.
func (s *Server) startImport(r *request) error {
	account, err := r.pathID("id")
	if err != nil {
		return err
	}
	force := r.ticked("force", false)
	if force && !r.user.May(auth.Administer) {
		return fault.New(fault.Forbidden, "import_run.error.force")
	}
	run, err := s.Settlements.Request(r.ctx(), account, force, r.actor())
	if err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.importsPage(r, account, status, views.FormError(r.ctx(), err, ""))
	}
	return s.done(r, importRunPath(run.ID), "incoming.done.import")
}

func (s *Server) showImportRun(r *request) error {
	return s.importRunPage(r, http.StatusOK, views.Form{})
}

// importRunPage shows the import of the address, and why something could not be done with
// it.
func (s *Server) importRunPage(r *request, status int, refused views.Form) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	run, err := s.Settlements.Run(r.ctx(), id)
	if err != nil {
		return err
	}
	if run.State == settlement.Preview { // it has begun nothing yet
		return r.Redirect(http.StatusSeeOther, views.SettlementPreviewPath(*run))
	}
	a, err := s.Accounts.Find(r.ctx(), run.AccountID)
	if err != nil {
		return err
	}
	p := views.ImportRunPage{Run: *run, Account: a.Name, State: runPayoutState(r), Refused: refused, Now: s.Clock.Now()}
	if err := s.runPayouts(r, &p); err != nil {
		return err
	}
	r.Response().Header().Add("Vary", "X-Fragment")
	p.URL = r.Request().URL
	if isFragment(r) {
		return s.ok(r, views.ImportRunBody(p))
	}
	p.Page = s.page(r, views.ImportRunTitle(r.ctx(), *run, a.Name), accounting(r), incomingCrumb(r),
		views.Crumb{Label: a.Name, Href: incomingImportPath(a.ID)})
	if !isRead(r.Request()) {
		p.URL = &url.URL{Path: importRunPath(id)} // below it there is nothing to read
	}
	return s.render(r, status, views.ImportRun(p))
}

// runPayoutState is the one state of payouts that is asked for, "" for all.
func runPayoutState(r *request) settlement.RunPayoutState {
	state := settlement.RunPayoutState(r.QueryParam("state"))
	if slices.Contains([]settlement.RunPayoutState{settlement.PayoutNew, settlement.PayoutKnown, settlement.PayoutProblem}, state) {
		return state
	}
	return ""
}

// runPayouts reads the part of the payouts that the address asks for.
func (s *Server) runPayouts(r *request, p *views.ImportRunPage) (err error) {
	after := queryID(r, "after")
	var states []settlement.RunPayoutState
	if p.State != "" {
		states = append(states, p.State)
	}
	p.Payouts, err = s.Settlements.RunPayouts(r.ctx(), p.Run.ID, after, runPayoutRows+1, states...)
	if after != 0 {
		p.First = p.PayoutsHref(p.State, 0)
	}
	if len(p.Payouts) > runPayoutRows {
		p.Payouts = p.Payouts[:runPayoutRows]
		p.Next = p.PayoutsHref(p.State, p.Payouts[runPayoutRows-1].ID)
	}
	return err
}

// actOnRun does something with the import of the address; what is refused is told on its
// page.
func (s *Server) actOnRun(r *request, do func(ctx context.Context, id int64, actor string) error, done string) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	if err := do(r.ctx(), id, r.actor()); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.importRunPage(r, status, views.FormError(r.ctx(), err, ""))
	}
	return s.done(r, importRunPath(id), done)
}

func (s *Server) stopImport(r *request) error {
	return s.actOnRun(r, s.Settlements.Stop, "incoming.done.stop")
}

func (s *Server) continueImport(r *request) error {
	return s.actOnRun(r, s.Settlements.Continue, "incoming.done.continue")
}

func (s *Server) undoImport(r *request) error {
	return s.actOnRun(r, s.Settlements.Undo, "incoming.done.undo")
}
