package settlement

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// Request asks for a live import of an account; force does so before its time, which is
// logged. A stopped one goes on instead: then that is the one that is returned. Errors:
// NotFound; Conflict when the account can't be fetched for, when an import of it is under
// way, and when it is not yet time (the argument At says when it is).
func (s *Service) Request(ctx context.Context, accountID int64, force bool, actor string) (*ImportRun, error) {
	a, err := s.accounts.Find(ctx, accountID)
	if err != nil {
		return nil, err
	}
	if !a.Live() {
		return nil, fault.New(fault.Conflict, "import_run.error.not_live")
	}
	var r *ImportRun
	err = s.db.InTx(ctx, func(tx *gorm.DB) (err error) {
		r, err = s.request(tx, a, force, actor)
		return err
	})
	if store.IsUnique(err, "import_runs", "account_id") {
		return nil, fault.Wrap(err, fault.Conflict, "import_run.error.active")
	}
	if err != nil {
		return nil, fmt.Errorf("request an import: %w", err)
	}
	return r, nil
}

func (s *Service) request(tx *gorm.DB, a *businessaccount.Account, force bool, actor string) (*ImportRun, error) {
	next, err := nextImports(tx, a.ID)
	if err != nil {
		return nil, err
	}
	now, n := s.clock.Now(), next[a.ID]
	if n.Active != nil {
		if n.Active.State != Stopped {
			return nil, fault.New(fault.Conflict, "import_run.error.active")
		}
		return s.changeIn(tx, n.Active.ID, actor, "import_run.continued", s.goOn)
	}
	early := !n.Allowed(now)
	if early && !force {
		return nil, fault.New(fault.Conflict, "import_run.error.too_early", "At", order.Moment{Time: n.At})
	}
	r := &ImportRun{AccountID: a.ID, Source: FromAPI, State: Queued, Forced: early, Actor: actor, CreatedAt: now, DueAt: &now}
	if err := tx.Create(r).Error; err != nil {
		return nil, err
	}
	if early {
		if err := s.trail.Append(tx, now, actor, "import_run.forced", a.Name, nil); err != nil {
			return nil, err
		}
	}
	s.bell.RingAfter(tx)
	return r, nil
}

// Stop lets an import rest; what it has read stays. Conflict when it does not run.
func (s *Service) Stop(ctx context.Context, runID int64, actor string) error {
	return s.change(ctx, runID, actor, "import_run.stopped", func(tx *gorm.DB, r *ImportRun) error {
		if r.State != Queued && r.State != Running {
			return fault.New(fault.Conflict, "import_run.error.state")
		}
		r.State, r.DueAt = Stopped, nil
		return tx.Model(r).Select("state", "due_at").Updates(r).Error
	})
}

// Continue lets a stopped import go on where it was. Conflict when it is not stopped.
func (s *Service) Continue(ctx context.Context, runID int64, actor string) error {
	return s.change(ctx, runID, actor, "import_run.continued", s.goOn)
}

func (s *Service) goOn(tx *gorm.DB, r *ImportRun) error {
	if r.State != Stopped {
		return fault.New(fault.Conflict, "import_run.error.state")
	}
	now := s.clock.Now()
	r.State, r.DueAt, r.Failures = Queued, &now, 0
	if r.StartedAt != nil {
		r.State = Running
	}
	s.bell.RingAfter(tx)
	return tx.Model(r).Select("state", "due_at", "failures").Updates(r).Error
}

// change is one change of a run by a person, which is logged. The run's row is locked from
// its first statement on: a worker that writes at the same time comes before or after.
func (s *Service) change(ctx context.Context, runID int64, actor, action string, do func(tx *gorm.DB, r *ImportRun) error) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		_, err := s.changeIn(tx, runID, actor, action, do)
		return err
	})
}

func (s *Service) changeIn(tx *gorm.DB, runID int64, actor, action string, do func(tx *gorm.DB, r *ImportRun) error) (*ImportRun, error) {
	if err := tx.Exec("UPDATE import_runs SET state = state WHERE id = ?", runID).Error; err != nil {
		return nil, fmt.Errorf("lock import %d: %w", runID, err)
	}
	r, err := findRun(tx, runID)
	if err != nil {
		return nil, err
	}
	if err := do(tx, r); err != nil {
		return nil, err
	}
	var account string
	if err := tx.Raw("SELECT name FROM business_accounts WHERE id = ?", r.AccountID).Scan(&account).Error; err != nil {
		return nil, fmt.Errorf("read the account of import %d: %w", runID, err)
	}
	return r, s.trail.Append(tx, s.clock.Now(), actor, action, account, nil)
}

// Run returns an import; NotFound when there is none.
func (s *Service) Run(ctx context.Context, id int64) (*ImportRun, error) {
	return findRun(s.db.Read(ctx), id)
}

func findRun(tx *gorm.DB, id int64) (*ImportRun, error) {
	var r ImportRun
	err := tx.Take(&r, id).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "import_run.error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find import %d: %w", id, err)
	}
	return &r, nil
}

// Runs returns imports of an account, or of all (0), the newest first, older than the id
// before (0: from the newest), without files that nobody has said to import.
func (s *Service) Runs(ctx context.Context, accountID, before int64, limit int) ([]ImportRun, error) {
	tx := s.db.Read(ctx).Where("state <> ?", Preview).Order("id DESC").Limit(limit)
	if accountID != 0 {
		tx = tx.Where("account_id = ?", accountID)
	}
	if before != 0 {
		tx = tx.Where("id < ?", before)
	}
	var runs []ImportRun
	if err := tx.Find(&runs).Error; err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	return runs, nil
}

// RunPayouts returns what an import has found, in its order, after the id after (0: from
// the beginning); with states only those.
func (s *Service) RunPayouts(ctx context.Context, runID, after int64, limit int, states ...RunPayoutState) ([]RunPayout, error) {
	tx := s.db.Read(ctx).Where("run_id = ? AND id > ?", runID, after).Order("id").Limit(limit)
	if len(states) > 0 {
		tx = tx.Where("state IN ?", states)
	}
	var payouts []RunPayout
	if err := tx.Find(&payouts).Error; err != nil {
		return nil, fmt.Errorf("list payouts of import %d: %w", runID, err)
	}
	return payouts, nil
}

// Every is how often an account is imported at most: Klarna pays out once a week.
const Every = 7 * 24 * time.Hour

// NextImport says when an account may be imported again, and what its imports are about.
type NextImport struct {
	At     time.Time  // from when on it is allowed; zero: at once
	Active *ImportRun // the one that holds the account, nil if none
	Last   *ImportRun // the last successful one that was not undone, nil if none
	Newest *ImportRun // whatever became of it, nil if there was none

	back *time.Time // from when on what was undone since has to be read again
}

// Allowed tells that the account may be imported now, without force.
func (n NextImport) Allowed(now time.Time) bool { return n.Active == nil && !now.Before(n.At) }

// NextImport returns when an account may be imported again.
func (s *Service) NextImport(ctx context.Context, accountID int64) (NextImport, error) {
	all, err := s.NextImports(ctx, accountID)
	return all[accountID], err
}

// NextImports is NextImport for several accounts at once.
func (s *Service) NextImports(ctx context.Context, accountIDs ...int64) (map[int64]NextImport, error) {
	return nextImports(s.db.Read(ctx), accountIDs...)
}

// nextImports derives it from the live imports of the accounts alone: of each the active
// one, the last successful one, the newest one, and those that were undone since.
func nextImports(tx *gorm.DB, accountIDs ...int64) (map[int64]NextImport, error) {
	next := make(map[int64]NextImport, len(accountIDs))
	if len(accountIDs) == 0 {
		return next, nil
	}
	var runs []ImportRun
	err := tx.Where(`account_id IN ? AND (state IN ('queued', 'running', 'stopped') OR state = 'undone' AND source = 'api' OR id IN (
			SELECT max(id) FROM import_runs WHERE account_id IN ? AND source = 'api' GROUP BY account_id) OR id IN (
			SELECT max(id) FROM import_runs WHERE account_id IN ? AND source = 'api' AND state = 'done' GROUP BY account_id))`,
		accountIDs, accountIDs, accountIDs).Order("id").Find(&runs).Error
	if err != nil {
		return nil, fmt.Errorf("look for the last imports: %w", err)
	}
	for i := range runs {
		r := &runs[i]
		n := next[r.AccountID]
		if r.State.Active() {
			n.Active = r
		}
		if r.Source == FromAPI {
			n.Newest = r
			if r.State == Done {
				n.Last, n.At = r, r.WindowEnd.Add(Every)
			}
		}
		next[r.AccountID] = n
	}
	for i := range runs { // what was undone since the last success began is free again, and has to be read again
		r := &runs[i]
		n := next[r.AccountID]
		if r.State != Undone || r.Source != FromAPI || r.WindowStart == nil || n.Last != nil && n.Last.ID > r.UndoneAfter {
			continue
		}
		n.At = time.Time{}
		if n.back == nil || r.WindowStart.Before(*n.back) {
			n.back = r.WindowStart
		}
		next[r.AccountID] = n
	}
	return next, nil
}

// overlap is how far a window reaches back into the one before: payouts may show late.
const overlap = 7 * 24 * time.Hour

// window is which payouts an import that begins now asks for: Klarna counts days.
func (n NextImport) window(now time.Time, days int) (start, end time.Time) {
	start = now.AddDate(0, 0, -days)
	if n.Last != nil && n.Last.WindowEnd.Before(start) {
		start = *n.Last.WindowEnd
	}
	start = start.Add(-overlap)
	if n.back != nil && n.back.Before(start) {
		start = *n.back
	}
	return start, now
}
