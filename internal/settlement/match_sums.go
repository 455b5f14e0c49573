package settlement

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/businessaccount"
)

// move is a line whose match state has changed.
type move struct {
	line *StatementLine
	from MatchState
}

// moveSums keeps the sums of payouts true when lines got other match states. The
// transaction holds their payouts (holdPayouts).
func moveSums(tx *gorm.DB, moves []move) error {
	before, after, matched := map[int64][]*StatementLine{}, map[int64][]*StatementLine{}, map[int64]int64{}
	for _, m := range moves {
		if m.line.Surplus || m.from == m.line.MatchState {
			continue
		}
		was := *m.line
		was.MatchState = m.from
		id := m.line.PayoutID
		before[id], after[id] = append(before[id], &was), append(after[id], m.line)
		matched[id] += tied(m.line.MatchState) - tied(m.from)
	}
	for id := range before {
		if err := addSums(tx, id, before[id], -1); err != nil {
			return err
		}
		if err := addSums(tx, id, after[id], +1); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM payout_sums WHERE payout_id = ? AND lines = 0", id).Error; err != nil {
			return fmt.Errorf("add up the lines of payout %d: %w", id, err)
		}
		if err := tx.Exec("UPDATE payouts SET matched = matched + ? WHERE id = ?", matched[id], id).Error; err != nil {
			return fmt.Errorf("count the matched lines of payout %d: %w", id, err)
		}
	}
	return nil
}

// tied is 1 for lines that have an order.
func tied(s MatchState) int64 {
	if s == Matched || s == ByHand {
		return 1
	}
	return 0
}

// holdPayouts keeps these payouts, and by that the matches of their lines, from being
// changed by others until tx ends; standing are those that were not undone. Who holds
// orders, too, holds payouts first.
func holdPayouts(tx *gorm.DB, ids []int64) (standing map[int64]bool, err error) {
	var found []int64
	err = forUpdate(tx).Model(&Payout{}).Where("id IN ?", ids).Order("id").Pluck("id", &found).Error
	if err != nil {
		return nil, fmt.Errorf("hold payouts: %w", err)
	}
	standing = map[int64]bool{}
	for _, id := range found {
		standing[id] = true
	}
	return standing, nil
}

// holdSums keeps the sums of a payout's account for this transaction alone: all payouts of
// the account share rows of them, and two who take those in different orders would wait for
// each other.
func holdSums(tx *gorm.DB, payoutID int64) error {
	var held int64
	err := tx.Clauses(clause.Locking{Strength: "NO KEY UPDATE"}).Model(&businessaccount.Account{}).Select("id").
		Where("id = (SELECT account_id FROM payouts WHERE id = ?)", payoutID).Scan(&held).Error
	if err != nil {
		return fmt.Errorf("hold the sums of payout %d: %w", payoutID, err)
	}
	return nil
}
