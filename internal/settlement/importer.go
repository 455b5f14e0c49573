package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/work"
)

// turn is how long a worker stays with an import: then others come first, and a program
// that is to stop need not wait for the end of this one.
const turn = 10 * time.Second

// Queue is the imports that are work.
func (s *Service) Queue() *work.Queue {
	return &work.Queue{Name: "imports", Table: "import_runs", Workers: 2, Do: s.work}
}

// work is a turn with an import.
func (s *Service) work(ctx context.Context, c *work.Claim) error {
	r, err := s.Run(ctx, c.ID)
	if err != nil {
		return err
	}
	if r.State == Undone {
		return s.clear(ctx, c, r)
	}
	i := &importer{Service: s, claim: c, run: r}
	err = i.turn(ctx)
	if errors.Is(err, errRests) {
		return nil
	}
	return err
}

// importer lets an import have a turn. What it learns is written in small steps, each of
// them a transaction that only succeeds while the row is the worker's and nobody has
// stopped the import, so that it may be cut off anywhere. It never waits for Klarna within
// one. run and payout are what the database has after the last step.
type importer struct {
	*Service
	claim   *work.Claim
	run     *ImportRun
	account *businessaccount.Account
	api     *klarna.Settlements
	payout  *RunPayout // the one that is being worked on, nil if none
	into    *Payout    // where its lines go
}

// errRests says that the row was given back: the import waits, was stopped, or has ended.
var errRests = errors.New("the import rests")

// step writes what do writes. Copies of run and payout go in and become true with it: a
// transaction may run more than once.
func (i *importer) step(ctx context.Context, do func(tx *gorm.DB, r *ImportRun, p *RunPayout) error) error {
	var (
		r     ImportRun
		p     RunPayout
		rests bool
	)
	err := i.db.InTx(ctx, func(tx *gorm.DB) error {
		r, rests = *i.run, false
		if i.payout != nil {
			p = *i.payout
		}
		if err := i.claim.Renew(tx); err != nil {
			return err
		}
		var state RunState
		if err := tx.Raw("SELECT state FROM import_runs WHERE id = ?", r.ID).Scan(&state).Error; err != nil {
			return err
		}
		if state != Queued && state != Running {
			rests = true
			return i.claim.Finish(tx, nil)
		}
		return do(tx, &r, &p)
	})
	if err != nil {
		return fmt.Errorf("import %d: %w", i.run.ID, err)
	}
	*i.run = r
	if i.payout != nil {
		*i.payout = p
	}
	if rests {
		return errRests
	}
	return nil
}

// turn does what is next until the import rests or the turn is over.
func (i *importer) turn(ctx context.Context) error {
	var err error
	if i.account, err = i.accounts.Find(ctx, i.run.AccountID); err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < turn; {
		if err := i.next(ctx); err != nil {
			return err
		}
	}
	return i.step(ctx, func(tx *gorm.DB, _ *ImportRun, _ *RunPayout) error {
		now := i.clock.Now()
		return i.claim.Finish(tx, &now)
	})
}

// next does one thing: a call with what follows from it, or a part of what was read.
func (i *importer) next(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case i.run.State == Queued:
		return i.begin(ctx)
	case i.run.Phase == Listing:
		return i.list(ctx)
	case i.payout == nil:
		return i.pick(ctx)
	case i.payout.State == PayoutListed:
		return i.read(ctx)
	default:
		return i.promote(ctx)
	}
}

// begin opens the window: its end is what the next import counts from.
func (i *importer) begin(ctx context.Context) error {
	return i.step(ctx, func(tx *gorm.DB, r *ImportRun, _ *RunPayout) error {
		next, err := nextImports(tx, r.AccountID)
		if err != nil {
			return err
		}
		now := i.clock.Now()
		r.State, r.StartedAt, r.Phase = Running, &now, Reading
		if r.Source == FromAPI {
			start, end := next[r.AccountID].window(now, i.account.Days)
			r.Phase, r.Listed, r.WindowStart, r.WindowEnd = Listing, 1, &start, &end
		}
		return tx.Model(r).Select("state", "started_at", "phase", "listed", "window_start", "window_end").Updates(r).Error
	})
}

// pick takes the next payout that is not done, or ends the import.
func (i *importer) pick(ctx context.Context) error {
	var open []RunPayout
	err := i.db.Read(ctx).Where("run_id = ? AND state NOT IN ('new', 'known', 'failed')", i.run.ID).Order("id").Limit(1).Find(&open).Error
	if err != nil {
		return fmt.Errorf("import %d: look for the next payout: %w", i.run.ID, err)
	}
	if len(open) == 0 {
		return i.end(ctx, nil)
	}
	i.payout = &open[0]
	return nil
}

// end ends the import: as failed with a problem, or where payouts have one.
func (i *importer) end(ctx context.Context, problem *Problem) error {
	err := i.sweep(ctx, "run_payout_id IN (SELECT id FROM run_payouts WHERE run_id = ?)", i.run.ID) // of a payout in the middle
	if err != nil {
		return err
	}
	err = i.step(ctx, func(tx *gorm.DB, r *ImportRun, _ *RunPayout) error {
		if problem == nil {
			problem = r.Problem
		}
		if problem == nil && r.PayoutsFailed > 0 {
			problem = problemWithPayouts(r)
		}
		now := i.clock.Now()
		r.State, r.Phase, r.FinishedAt, r.Problem, r.DueAt = Done, "", &now, problem, nil
		if problem != nil {
			r.State = Failed
		}
		if err := tx.Model(r).Select("state", "phase", "finished_at", "problem").Updates(r).Error; err != nil {
			return err
		}
		return i.claim.Finish(tx, nil)
	})
	if err != nil {
		return err
	}
	return errRests
}

// problemWithPayouts says that some payouts could not be read, or not all of them.
func problemWithPayouts(r *ImportRun) *Problem {
	return problem("import_run.problem.payouts", "Count", r.PayoutsFailed)
}

// failed is what follows from a call that brought nothing.
func (i *importer) failed(ctx context.Context, call error) error {
	o, err := judge(call, i.run.Failures)
	if err != nil {
		return fmt.Errorf("import %d: ask Klarna: %w", i.run.ID, err)
	}
	switch {
	case o.wait > 0:
		return i.rest(ctx, o)
	case o.refused || i.payout == nil:
		return i.end(ctx, o.problem)
	}
	return i.giveUp(ctx, o.problem)
}

// rest lets the import wait, and says why.
func (i *importer) rest(ctx context.Context, o outcome) error {
	err := i.step(ctx, func(tx *gorm.DB, r *ImportRun, _ *RunPayout) error {
		r.Failures++
		r.PutOff = o.problem
		if err := tx.Model(r).Select("failures", "put_off").Updates(r).Error; err != nil {
			return err
		}
		due := i.clock.Now().Add(o.wait)
		r.DueAt = &due
		return i.claim.Finish(tx, &due)
	})
	if err != nil {
		return err
	}
	return errRests
}

// open gives access to Klarna; nil where it can't be had, which ends the import.
func (i *importer) open(ctx context.Context) (*klarna.Settlements, error) {
	if i.api != nil {
		return i.api, nil
	}
	if !i.account.Live() {
		return nil, i.end(ctx, problem("import_run.error.not_live"))
	}
	api, err := i.accounts.Settlements(i.account)
	if told := toldBy(err); told != nil {
		return nil, i.end(ctx, told)
	}
	if err != nil {
		return nil, fmt.Errorf("import %d: %w", i.run.ID, err)
	}
	i.api = api
	return api, nil
}
