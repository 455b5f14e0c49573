package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
)

// maxPause is the longest that a failing account is left alone by Tick.
const maxPause = 24 * time.Hour

// Tick asks for the imports that are due of accounts that are fetched automatically, and
// removes files that nobody has started; it is called every hour. After failures of an
// account it waits longer and longer.
func (s *Service) Tick(ctx context.Context) error {
	accounts, err := s.accounts.List(ctx)
	if err != nil {
		return err
	}
	errs := []error{s.sweepFiles(ctx)}
	for i := range accounts {
		if a := &accounts[i]; a.FetchAutomatically && a.Live() {
			errs = append(errs, s.tick(ctx, a))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) tick(ctx context.Context, a *businessaccount.Account) error {
	next, err := s.NextImport(ctx, a.ID)
	now := s.clock.Now()
	if err != nil || !next.Allowed(now) {
		return err
	}
	pause, err := s.pause(ctx, a.ID, next)
	if err != nil || next.Newest != nil && now.Before(next.Newest.CreatedAt.Add(pause)) {
		return err
	}
	_, err = s.Request(ctx, a.ID, false, "")
	if fault.CodeOf(err) == fault.Conflict { // somebody was faster
		return nil
	}
	return err
}

// pause is how long to wait from one failed import to the next: an hour after the first,
// then twice as long each time.
func (s *Service) pause(ctx context.Context, accountID int64, next NextImport) (time.Duration, error) {
	if next.Newest == nil || next.Newest.State != Failed {
		return 0, nil
	}
	last := int64(0)
	if next.Last != nil {
		last = next.Last.ID
	}
	var failed int64
	err := s.db.Read(ctx).Model(&ImportRun{}).Where("account_id = ? AND id > ? AND source = ? AND state = ?", accountID, last, FromAPI, Failed).Count(&failed).Error
	if err != nil {
		return 0, fmt.Errorf("count failed imports: %w", err)
	}
	return min(time.Hour<<min(failed-1, 5), maxPause), nil
}
