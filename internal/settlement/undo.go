package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Undo takes back an import, also one that is under way: its payouts and the payments
// booked with them go at once, and with that the account may be imported anew. Its lines,
// which nothing shows any more, are cleared away by and by. Errors: NotFound; Conflict
// when it was undone before, and when an order that it has released has left.
func (s *Service) Undo(ctx context.Context, runID int64, actor string) error {
	return s.change(ctx, runID, actor, "import_run.undone", func(tx *gorm.DB, r *ImportRun) error {
		if r.State == Undone || r.State == Preview {
			return fault.New(fault.Conflict, "import_run.error.state")
		}
		now := s.clock.Now()
		var gone []int64
		err := tx.Raw("DELETE FROM payouts WHERE run_id = ? RETURNING id", r.ID).Scan(&gone).Error
		if err != nil {
			return fmt.Errorf("remove the payouts of import %d: %w", r.ID, err)
		}
		if err := undoEffects(tx, gone, now, actor); err != nil {
			return err
		}
		s.bell.RingAfter(tx)
		return tx.Model(r).Updates(map[string]any{ // whoever works on it has lost it
			"state": Undone, "phase": Clearing, "undone_at": now, "undone_by": actor, "due_at": now, "lease_until": nil, "lease_token": "",
			"undone_after": gorm.Expr("(SELECT max(id) FROM import_runs WHERE account_id = ?)", r.AccountID),
		}).Error
	})
}

// clear is a turn with an import that was undone: what it had staged and its lines go, a
// few at a time.
func (s *Service) clear(ctx context.Context, c *work.Claim, r *ImportRun) error {
	w := clearing{Service: s, claim: c, run: r}
	for began := time.Now(); time.Since(began) < turn; {
		more, err := w.some(ctx)
		if err != nil {
			return fmt.Errorf("clear away import %d: %w", r.ID, err)
		}
		if !more {
			return nil
		}
	}
	now := s.clock.Now()
	return c.FinishNow(ctx, &now)
}

type clearing struct {
	*Service
	claim *work.Claim
	run   *ImportRun
	last  int64 // what the import had found up to here is gone
}

// some clears some of it away; at the end it gives the row back.
func (w *clearing) some(ctx context.Context) (more bool, err error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	at, lines, err := w.orphans(ctx)
	if err != nil {
		return false, err
	}
	err = w.db.InTx(ctx, func(tx *gorm.DB) error {
		more = true
		if err := w.claim.Renew(tx); err != nil {
			return err
		}
		if len(lines) > 0 {
			return errors.Join(clearEffects(tx, lines), tx.Where("id IN ?", lines).Delete(&StatementLine{}).Error)
		}
		var err error
		more, err = sweepStaged(tx, "run_payout_id IN (SELECT id FROM run_payouts WHERE run_id = ?)", w.run.ID)
		if more || err != nil {
			return err
		}
		err = tx.Exec("DELETE FROM lines_met WHERE run_payout_id IN (SELECT id FROM run_payouts WHERE run_id = ? AND reread)", w.run.ID).Error
		if err != nil {
			return err
		}
		if err := w.claim.Mine(tx).Update("phase", "").Error; err != nil {
			return err
		}
		return w.claim.Finish(tx, nil)
	})
	w.last = at
	return more, err
}

// orphans returns some lines of a payout that the import had found and that is gone.
func (w *clearing) orphans(ctx context.Context) (at int64, lines []int64, err error) {
	var found []struct{ ID, PayoutID int64 }
	err = w.db.Read(ctx).Raw(`SELECT f.id, f.payout_id FROM run_payouts f WHERE f.run_id = ? AND f.id >= ?
		AND NOT EXISTS (SELECT 1 FROM payouts p WHERE p.id = f.payout_id)
		AND EXISTS (SELECT 1 FROM statement_lines l WHERE l.payout_id = f.payout_id) ORDER BY f.id LIMIT 1`,
		w.run.ID, w.last).Scan(&found).Error
	if err != nil || len(found) == 0 {
		return w.last, nil, err
	}
	err = w.db.Read(ctx).Model(&StatementLine{}).Where("payout_id = ?", found[0].PayoutID).Limit(store.Batch).Pluck("id", &lines).Error
	return found[0].ID, lines, err
}
