package settlement

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// MatchTick matches again what may have come to be known since the last time.
func (s *Service) MatchTick() work.Tick {
	var last seen
	var mu sync.Mutex
	return work.Tick{Name: "match_again", Every: 10 * time.Minute, Do: func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		now, err := s.look(ctx)
		if err != nil || now == last {
			return err
		}
		if _, err := s.MatchAgain(ctx); err != nil {
			return err
		}
		last = now
		return nil
	}}
}

// seen is how far protocols and statement lines go. While that stays, nothing happened to
// any order that could change a match: what does is told in its protocol.
type seen struct{ Entry, Line int64 }

func (s *Service) look(ctx context.Context) (now seen, err error) {
	err = s.db.Read(ctx).Raw(`SELECT coalesce((SELECT max(id) FROM protocol_entries), 0) AS entry,
		coalesce((SELECT max(id) FROM statement_lines), 0) AS line`).Scan(&now).Error
	return now, wrap("look for news of orders", err)
}

// MatchAgain tries lines again that have no order: orders are made after their import,
// too, and get other ids at Klarna. It also ties sales to captures that were made or
// confirmed since. It returns how many lines were matched.
func (s *Service) MatchAgain(ctx context.Context) (matched int, err error) {
	for _, state := range []MatchState{Unmatched, Proposed} {
		n, err := s.matchOpen(ctx, state)
		matched += n
		if err != nil {
			return matched, fmt.Errorf("match statement lines again: %w", err)
		}
	}
	if err := s.linkCaptures(ctx); err != nil {
		return matched, fmt.Errorf("tie sales to captures: %w", err)
	}
	if _, err := s.db.Exec(ctx, "DELETE FROM owed_sums WHERE captures = 0"); err != nil { // days of which all is paid
		return matched, fmt.Errorf("clear sums away: %w", err)
	}
	return matched, nil
}

// openLines are the lines of the index statement_lines_open, in its words: written in
// others, it would not be used.
const openLines = "match_state IN ('unmatched', 'proposed')"

// toDecide are the columns by which a line is matched.
var toDecide = []string{"id", "account_id", "payout_id", "identity", "ordinal", "type", "currency", "match_state", "klarna_order_id",
	"merchant_reference1", "merchant_reference2", "merchant_capture_reference", "short_order_id"}

// matchOpen goes through the open lines of a state. It reads many and changes few.
func (s *Service) matchOpen(ctx context.Context, state MatchState) (matched int, err error) {
	for last := int64(0); ; {
		var lines []*StatementLine
		err := s.db.Read(ctx).Select(toDecide).Where(openLines+" AND match_state = ? AND id > ?", state, last).
			Order("id").Limit(store.Batch).Find(&lines).Error
		if err != nil || len(lines) == 0 {
			return matched, err
		}
		last = lines[len(lines)-1].ID
		k, err := learn(s.db.Read(ctx), lines)
		if err != nil {
			return matched, err
		}
		var better []*StatementLine
		for _, l := range lines {
			if now, _, _ := k.decide(l); improves(l.MatchState, now) {
				better = append(better, l)
			}
		}
		if len(better) == 0 {
			continue
		}
		n, err := s.rematch(ctx, better)
		matched += n
		if err != nil {
			return matched, err
		}
	}
}

// improves tells that the rules know more of a line than before.
func improves(was, now MatchState) bool {
	return now == Matched || was == Unmatched && now == Proposed
}

// rematch decides about lines anew, holding their payouts, and stores what it found.
func (s *Service) rematch(ctx context.Context, lines []*StatementLine) (matched int, err error) {
	var ids, payouts []int64
	for _, l := range lines {
		ids, payouts = append(ids, l.ID), append(payouts, l.PayoutID)
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		matched = 0
		standing, err := holdPayouts(tx, payouts)
		if err != nil {
			return err
		}
		var now []*StatementLine
		if err := tx.Where(openLines+" AND id IN ? AND payout_id IN ?", evenly(ids), evenly(slices.Collect(maps.Keys(standing)))).Order("id").Find(&now).Error; err != nil {
			return err
		}
		was := make([]MatchState, len(now))
		for i, l := range now {
			was[i] = l.MatchState
		}
		m := newMatcher(s.clock.Now(), "")
		if err := m.matchPage(tx, now); err != nil {
			return err
		}
		var moves []move
		var moved []*StatementLine
		for i, l := range now {
			if !improves(was[i], l.MatchState) {
				continue
			}
			moves, moved = append(moves, move{l, was[i]}), append(moved, l)
			matched += int(tied(l.MatchState))
		}
		if len(moves) == 0 {
			return nil
		}
		if err := storeMatches(tx, moves); err != nil {
			return err
		}
		return m.matchEffects(tx, moved)
	})
	return matched, err
}

// linkCaptures ties the sales of orders to those of their captures that are not paid out
// yet: a capture may be made, or known by Klarna's id, after its money came.
func (s *Service) linkCaptures(ctx context.Context) error {
	type owed struct {
		ID        int64
		OwedSince time.Time
		OrderID   int64
	}
	for last := (owed{}); ; {
		var found []owed
		err := s.db.Read(ctx).Table("captures c").Select("c.id, c.owed_since, c.order_id").
			Where("c.owed_since IS NOT NULL AND (c.owed_since, c.id) > (?, ?)", last.OwedSince, last.ID).
			Where("EXISTS (SELECT 1 FROM "+standing+" WHERE l.order_id = c.order_id AND l.type = ?)", klarna.TypeSale).
			Order("c.owed_since, c.id").Limit(store.Batch).Scan(&found).Error
		if err != nil || len(found) == 0 {
			return err
		}
		last = found[len(found)-1]
		var ids []int64
		for _, c := range found {
			ids = append(ids, c.OrderID)
		}
		slices.Sort(ids)
		if err := s.link(ctx, slices.Compact(ids)); err != nil {
			return err
		}
	}
}

func (s *Service) link(ctx context.Context, orderIDs []int64) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		const sales = standing + " WHERE l.type = ? AND l.order_id IN ?"
		var payouts []int64
		err := tx.Raw("SELECT DISTINCT l.payout_id FROM "+sales, klarna.TypeSale, evenly(orderIDs)).Scan(&payouts).Error
		if err != nil {
			return err
		}
		standing, err := holdPayouts(tx, payouts)
		if err != nil || len(standing) == 0 {
			return err
		}
		if _, err := hold(tx, orderIDs); err != nil {
			return err
		}
		var lines []*StatementLine
		err = tx.Raw("SELECT l.* FROM "+sales+" AND l.payout_id IN ? ORDER BY l.id", klarna.TypeSale, evenly(orderIDs), evenly(slices.Collect(maps.Keys(standing)))).
			Scan(&lines).Error
		if err != nil {
			return err
		}
		had := map[*StatementLine]bool{}
		for _, l := range lines {
			had[l] = l.CaptureRowID != nil
		}
		m := newMatcher(s.clock.Now(), "")
		if err := m.findOrders(tx, lines, nil); err != nil {
			return err
		}
		for _, l := range lines {
			if had[l] || l.CaptureRowID == nil {
				continue
			}
			err := tx.Model(&StatementLine{}).Where("id = ?", l.ID).Update("capture_row_id", l.CaptureRowID).Error
			if err != nil {
				return err
			}
		}
		return capture.SetPaidOut(tx, m.paidOut(lines))
	})
}
