package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// KeepPreviews is how long a file waits for somebody to start its import.
const KeepPreviews = 24 * time.Hour

// StartFile imports a file that was read. Errors: NotFound; Conflict when that was done
// already, when the file brings nothing new, when one of its payouts has come from
// elsewhere meanwhile, and while another import of the account is under way.
func (s *Service) StartFile(ctx context.Context, runID int64, actor string) error {
	err := s.change(ctx, runID, actor, "settlement_file.imported", func(tx *gorm.DB, r *ImportRun) error {
		if err := previewed(tx, r); err != nil {
			return err
		}
		var here int64
		err := tx.Raw(`SELECT count(*) FROM run_payouts r JOIN payouts p ON p.payment_reference IN (r.payment_reference, upper(r.payment_reference))
			WHERE r.run_id = ? AND r.state = ?`, r.ID, PayoutStaged).Scan(&here).Error
		switch {
		case err != nil:
			return fmt.Errorf("look for payouts that are here: %w", err)
		case r.PayoutsDone == r.Payouts:
			return fault.New(fault.Conflict, "settlement_file.error.nothing_new")
		case here > 0:
			return fault.New(fault.Conflict, "settlement_file.error.changed")
		}
		now := s.clock.Now()
		r.State, r.Actor, r.DueAt = Queued, actor, &now
		s.bell.RingAfter(tx)
		return tx.Model(r).Select("state", "actor", "due_at").Updates(r).Error
	})
	if store.IsUnique(err, "import_runs", "account_id") {
		return fault.Wrap(err, fault.Conflict, "import_run.error.active")
	}
	return err
}

// previewed refuses what is not a file that waits to be started.
func previewed(tx *gorm.DB, r *ImportRun) error {
	var files int64
	if err := tx.Model(&settlementFile{}).Where("run_id = ?", r.ID).Count(&files).Error; err != nil {
		return fmt.Errorf("find the file of import %d: %w", r.ID, err)
	}
	if r.State != Preview || files == 0 {
		return fault.New(fault.Conflict, "settlement_file.error.state")
	}
	return nil
}

// DiscardFile removes a file that nobody has started. Errors: NotFound, Conflict.
func (s *Service) DiscardFile(ctx context.Context, runID int64, actor string) error {
	err := s.change(ctx, runID, actor, "settlement_file.discarded", func(tx *gorm.DB, r *ImportRun) error {
		if err := previewed(tx, r); err != nil {
			return err
		}
		return tx.Delete(&settlementFile{RunID: r.ID}).Error // it can't be started any more
	})
	if err != nil {
		return err
	}
	return s.forgetFile(ctx, runID)
}

// forgetFile removes a preview, a little at a time.
func (s *Service) forgetFile(ctx context.Context, runID int64) error {
	for more := true; more; {
		err := s.db.InTx(ctx, func(tx *gorm.DB) (err error) {
			more, err = sweepStaged(tx, "run_payout_id IN (SELECT id FROM run_payouts WHERE run_id = ?)", runID)
			return err
		})
		if err != nil {
			return fmt.Errorf("remove the file of import %d: %w", runID, err)
		}
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("run_id = ?", runID).Delete(&RunPayout{}).Error; err != nil {
			return err
		}
		return tx.Where("state = ?", Preview).Delete(&ImportRun{ID: runID}).Error
	})
	if err != nil {
		return fmt.Errorf("remove the file of import %d: %w", runID, err)
	}
	return nil
}

// FilePreviews returns the files of an account that wait to be started, the newest first.
func (s *Service) FilePreviews(ctx context.Context, accountID int64) ([]ImportRun, error) {
	var runs []ImportRun
	err := s.db.Read(ctx).Where("account_id = ? AND state = ? AND id IN (SELECT run_id FROM settlement_files)", accountID, Preview).
		Order("id DESC").Limit(maxPreviews).Find(&runs).Error
	if err != nil {
		return nil, fmt.Errorf("list the files of account %d: %w", accountID, err)
	}
	return runs, nil
}

// maxPreviews is how many files are offered to go on with.
const maxPreviews = 10

// sweepFiles removes files that nobody has started for a day.
func (s *Service) sweepFiles(ctx context.Context) error {
	var old []int64
	err := s.db.Read(ctx).Model(&ImportRun{}).Where("state = ? AND created_at < ?", Preview, s.clock.Now().Add(-KeepPreviews)).Pluck("id", &old).Error
	if err != nil {
		return fmt.Errorf("look for files that nobody started: %w", err)
	}
	for _, id := range old {
		err = errors.Join(err, s.forgetFile(ctx, id))
	}
	return err
}
