package settlement

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// PayoutState is whether there is something to be found out about a payout.
type PayoutState string

// The states of a payout.
const (
	Explained   PayoutState = "explained"   // it is complete, and each cent has a name
	Unexplained PayoutState = "unexplained" // cents have none
	Incomplete  PayoutState = "incomplete"  // lines are missing
)

// PayoutStates lists all states of payouts.
func PayoutStates() []PayoutState { return []PayoutState{Explained, Unexplained, Incomplete} }

// State is how the payout stands. Lines that are missing come first: what they say may
// explain the rest.
func (p *Payout) State() PayoutState {
	switch {
	case !p.Complete:
		return Incomplete
	case p.Unexplained != 0:
		return Unexplained
	}
	return Explained
}

func (s PayoutState) apply(tx *gorm.DB) *gorm.DB {
	switch s {
	case Explained:
		return tx.Where("complete AND unexplained = 0")
	case Unexplained:
		return tx.Where("complete AND unexplained <> 0")
	case Incomplete:
		return tx.Where("NOT complete")
	}
	return tx
}

// PayoutFilter says which payouts a list shows.
type PayoutFilter struct {
	Turn
	AccountID int64       // 0 for all
	Currency  string      // "" for all
	From      time.Time   // of the payout date, included; zero for none
	Until     time.Time   // excluded
	State     PayoutState // "" for all
	Bank      BankLine
}

func (f PayoutFilter) apply(tx *gorm.DB) *gorm.DB {
	if f.AccountID != 0 {
		tx = tx.Where("account_id = ?", f.AccountID)
	}
	if f.Currency != "" {
		tx = tx.Where("currency = ?", f.Currency)
	}
	if !f.From.IsZero() {
		tx = tx.Where("payout_date >= ?", f.From)
	}
	if !f.Until.IsZero() {
		tx = tx.Where("payout_date < ?", f.Until)
	}
	return f.Bank.apply(f.State.apply(tx))
}

// PayoutPage is a part of the list of payouts, the newest first.
type PayoutPage struct {
	Payouts  []Payout
	HasNewer bool
	HasOlder bool
}

// Payouts returns one page of the payouts that f finds.
func (s *Service) Payouts(ctx context.Context, f PayoutFilter) (p PayoutPage, err error) {
	if !store.Storable(f.Currency) {
		return p, nil
	}
	if err := f.newestFirst(f.apply(s.db.Read(ctx)), "payout_date", "id").Find(&p.Payouts).Error; err != nil {
		return p, fmt.Errorf("list payouts: %w", err)
	}
	p.Payouts, p.HasNewer, p.HasOlder = turned(f.Turn, p.Payouts)
	return p, nil
}

// PayoutSum is what payouts of one currency come to.
type PayoutSum struct {
	Currency    string
	Count       int
	Settlement  int64
	Unexplained int // how many of them are unexplained or incomplete
}

// PayoutSums adds up what f finds, all pages of it, by currency.
func (s *Service) PayoutSums(ctx context.Context, f PayoutFilter) ([]PayoutSum, error) {
	var sums []PayoutSum
	err := f.apply(s.db.Read(ctx).Model(&Payout{})).
		Select("currency, count(*) AS count, CAST(sum(settlement_amount) AS BIGINT) AS settlement, " +
			"count(CASE WHEN unexplained <> 0 OR NOT complete THEN 1 END) AS unexplained").
		Group("currency").Order("currency").Scan(&sums).Error
	if err != nil {
		return nil, fmt.Errorf("add payouts up: %w", err)
	}
	return sums, nil
}

// PayoutCurrencies returns the currencies in which there are payouts.
func (s *Service) PayoutCurrencies(ctx context.Context) ([]string, error) {
	var currencies []string
	if err := s.db.Read(ctx).Model(&Payout{}).Distinct().Order("currency").Pluck("currency", &currencies).Error; err != nil {
		return nil, fmt.Errorf("list currencies of payouts: %w", err)
	}
	return currencies, nil
}

// FindPayouts returns the payouts of a reference, one for each account that has it;
// NotFound when there is none.
func (s *Service) FindPayouts(ctx context.Context, reference string) ([]Payout, error) {
	var payouts []Payout
	if store.Storable(reference) {
		err := s.db.Read(ctx).Where("payment_reference = ?", reference).Order("account_id").Find(&payouts).Error
		if err != nil {
			return nil, fmt.Errorf("find a payout: %w", err)
		}
	}
	if len(payouts) == 0 {
		return nil, fault.New(fault.NotFound, "payout.error.not_found")
	}
	return payouts, nil
}

// PayoutsToExplain returns how many payouts are unexplained, or incomplete, and up to
// limit of them, most money first.
func (s *Service) PayoutsToExplain(ctx context.Context, state PayoutState, limit int) (payouts []Payout, count int64, err error) {
	if err := state.apply(s.db.Read(ctx).Model(&Payout{})).Count(&count).Error; err != nil || count == 0 {
		return nil, 0, wrap("count payouts to explain", err)
	}
	most := "abs(unexplained) DESC, id"
	if state == Incomplete {
		most = "abs(settlement_amount) DESC, id"
	}
	err = state.apply(s.db.Read(ctx)).Order(most).Limit(limit).Find(&payouts).Error
	return payouts, count, wrap("list payouts to explain", err)
}

func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// LinesOfPayout returns what the lines of a payout come to, by type and match state.
func (s *Service) LinesOfPayout(ctx context.Context, payoutID int64) ([]Sum, error) {
	var sums []Sum
	err := s.db.Read(ctx).Where("payout_id = ? AND lines > 0", payoutID).Order("type, match_state").Find(&sums).Error
	return sums, wrap("add the lines of a payout up", err)
}
