package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

// ImportRun is an import of payouts, and how far it is.
type ImportRun struct {
	ID          int64               `json:"id"`
	Account     string              `json:"account" doc:"The short name of the business account."`
	Source      settlement.Source   `json:"source" enum:"api,file"`
	State       settlement.RunState `json:"state" enum:"queued,running,stopped,done,failed,undone"`
	WindowStart *time.Time          `json:"window_start"`
	WindowEnd   *time.Time          `json:"window_end"`
	Payouts     int64               `json:"payouts" doc:"Found so far."`
	PayoutsDone int64               `json:"payouts_done"`
	New         int64               `json:"new" doc:"Statement lines that were not here before."`
	Known       int64               `json:"known" doc:"Statement lines that were."`
	Unmatched   int64               `json:"unmatched" doc:"New ones that somebody has to look at."`
	Error       string              `json:"error" doc:"What went wrong, or what it waits for, in the language of Accept-Language; else empty."`
}

// ImportInput asks for an import.
type ImportInput struct {
	Force bool `json:"force" required:"false" doc:"Before its time; takes the scope admin."`
}

type importInput struct {
	ShortName string `path:"short_name" maxLength:"100"`
	Body      *ImportInput
}

type runAnswer struct{ Body ImportRun }

// startImport answers with the import that was made or, where one was stopped, with that
// one, which goes on.
func (s *service) startImport(ctx context.Context, in *importInput) (*runAnswer, error) {
	force := in.Body != nil && in.Body.Force
	if force {
		if err := need(tokenOf(ctx), auth.Administer); err != nil {
			return nil, err
		}
	}
	a, err := s.Accounts.FindByShortName(ctx, in.ShortName)
	if err != nil {
		return nil, err
	}
	r, err := s.Settlements.Request(ctx, a.ID, force, actor(ctx))
	if err != nil {
		return nil, refusedImport(ctx, err)
	}
	return s.run(ctx, r.ID)
}

// refusedImport says from when on an import is possible, where that is what it lacks.
func refusedImport(ctx context.Context, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != fault.Conflict {
		return err
	}
	for _, arg := range e.Args {
		if at, ok := arg.(order.Moment); ok {
			p := newProblem(ctx, http.StatusConflict, e.Key, e.Args...)
			p.NextPossibleAt = &at.Time
			return p
		}
	}
	return err
}

// RunPath names an import.
type RunPath struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *service) showRun(ctx context.Context, in *RunPath) (*runAnswer, error) {
	return s.run(ctx, in.ID)
}

func (s *service) stopRun(ctx context.Context, in *RunPath) (*runAnswer, error) {
	return s.changeRun(ctx, in.ID, s.Settlements.Stop)
}

func (s *service) continueRun(ctx context.Context, in *RunPath) (*runAnswer, error) {
	return s.changeRun(ctx, in.ID, s.Settlements.Continue)
}

func (s *service) undoRun(ctx context.Context, in *RunPath) (*runAnswer, error) {
	return s.changeRun(ctx, in.ID, s.Settlements.Undo)
}

func (s *service) changeRun(ctx context.Context, id int64, change func(ctx context.Context, id int64, actor string) error) (*runAnswer, error) {
	if err := change(ctx, id, actor(ctx)); err != nil {
		return nil, err
	}
	return s.run(ctx, id)
}

func (s *service) run(ctx context.Context, id int64) (*runAnswer, error) {
	r, err := s.Settlements.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.State == settlement.Preview { // a file that nobody has started
		return nil, fault.New(fault.NotFound, "import_run.error.not_found")
	}
	a, err := s.Accounts.Find(ctx, r.AccountID)
	if err != nil {
		return nil, err
	}
	answer := &runAnswer{Body: ImportRun{
		ID: r.ID, Account: a.ShortName, Source: r.Source, State: r.State, WindowStart: r.WindowStart, WindowEnd: r.WindowEnd,
		Payouts: r.Payouts, PayoutsDone: r.PayoutsDone, New: r.LinesNew, Known: r.LinesKnown, Unmatched: r.LinesUnmatched(),
	}}
	problem := r.Problem
	if problem == nil && r.Failures > 0 {
		problem = r.PutOff
	}
	if problem != nil {
		answer.Body.Error = views.ProblemText(ctx, problem)
	}
	return answer, nil
}
