package web

import (
	"context"
	"net/http"
	"time"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

// A settlement report may be larger than other files: how long it may take to send it and
// to read it.
const (
	maxReport      = settlement.MaxFileBytes + maxBody
	reportSendTime = 10 * time.Minute
	reportReadTime = reportSendTime + 5*time.Minute
)

func (s *Server) newSettlementFile(r *request) error {
	a, err := s.accountOfPath(r)
	if err != nil {
		return err
	}
	return s.settlementFilePage(r, a, http.StatusOK, nil)
}

func (s *Server) accountOfPath(r *request) (*businessaccount.Account, error) {
	id, err := r.pathID("account")
	if err != nil {
		return nil, err
	}
	return s.Accounts.Find(r.ctx(), id)
}

func importCrumbs(r *request, a *businessaccount.Account) []views.Crumb {
	return []views.Crumb{accounting(r), incomingCrumb(r), {Label: a.Name, Href: incomingImportPath(a.ID)}}
}

func (s *Server) settlementFilePage(r *request, a *businessaccount.Account, status int, wrong error) error {
	waiting, err := s.Settlements.FilePreviews(r.ctx(), a.ID)
	if err != nil {
		return err
	}
	return s.render(r, status, views.SettlementFile(views.SettlementFilePage{
		Page: s.page(r, i18n.T(r.ctx(), "settlement_file.title"), importCrumbs(r, a)...),
		Form: views.FormError(r.ctx(), wrong, "settlement_file.field."), AccountID: a.ID, Waiting: waiting,
	}))
}

func (s *Server) readSettlementFile(r *request) error {
	a, err := s.accountOfPath(r)
	if err != nil {
		return err
	}
	run, err := s.previewSettlementFile(r, a)
	if err != nil {
		status, ok := fileStatus(err)
		if !ok {
			return err
		}
		return s.settlementFilePage(r, a, status, err)
	}
	return s.done(r, views.SettlementPreviewPath(*run), "")
}

func (s *Server) previewSettlementFile(r *request, a *businessaccount.Account) (*settlement.ImportRun, error) {
	c := http.NewResponseController(r.Response())
	_ = c.SetReadDeadline(time.Now().Add(reportSendTime)) // where there is none, it needs no longer one
	_ = c.SetWriteDeadline(time.Now().Add(reportReadTime))
	f, err := r.uploaded("file")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return s.Settlements.PreviewFile(r.ctx(), a.ID, f.name, f, r.actor())
}

func (s *Server) showSettlementFile(r *request) error {
	return s.settlementPreviewPage(r, http.StatusOK, nil)
}

// settlementPreviewPage shows a file that was read, and why something could not be done
// with it.
func (s *Server) settlementPreviewPage(r *request, status int, wrong error) error {
	a, run, err := s.previewOfPath(r)
	if err != nil {
		return err
	}
	report, err := s.Settlements.FileReport(r.ctx(), run.ID)
	if err != nil {
		return err
	}
	crumbs := append(importCrumbs(r, a), views.Crumb{Label: i18n.T(r.ctx(), "settlement_file.title"), Href: views.SettlementFilePath(a.ID)})
	return s.render(r, status, views.SettlementPreview(views.SettlementPreviewPage{
		Page: s.page(r, i18n.T(r.ctx(), "settlement_file.preview"), crumbs...), Run: *run, Report: report, Refused: views.FormError(r.ctx(), wrong, ""),
	}))
}

// previewOfPath is the file that the address names, of the account that it names.
func (s *Server) previewOfPath(r *request) (*businessaccount.Account, *settlement.ImportRun, error) {
	a, err := s.accountOfPath(r)
	if err != nil {
		return nil, nil, err
	}
	id, err := r.pathID("run")
	if err != nil {
		return nil, nil, err
	}
	run, err := s.Settlements.Run(r.ctx(), id)
	if err == nil && run.AccountID != a.ID {
		err = fault.New(fault.NotFound, "settlement_file.error.not_found")
	}
	return a, run, err
}

func (s *Server) startSettlementFile(r *request) error {
	return s.actOnSettlementFile(r, s.Settlements.StartFile, func(run *settlement.ImportRun) (string, string) {
		return importRunPath(run.ID), "settlement_file.flash.started"
	})
}

func (s *Server) discardSettlementFile(r *request) error {
	return s.actOnSettlementFile(r, s.Settlements.DiscardFile, func(run *settlement.ImportRun) (string, string) {
		return views.SettlementFilePath(run.AccountID), "settlement_file.flash.discarded"
	})
}

func (s *Server) actOnSettlementFile(r *request, do func(ctx context.Context, runID int64, actor string) error, then func(*settlement.ImportRun) (path, key string)) error {
	_, run, err := s.previewOfPath(r)
	if err != nil {
		return err
	}
	if err := do(r.ctx(), run.ID, r.actor()); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.settlementPreviewPage(r, status, err)
	}
	path, key := then(run)
	return s.done(r, path, key)
}
