package bookkeeping

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/settlement"
)

// How many rows are read at once: an export needs neither memory nor an open transaction,
// however long it is and however slowly somebody takes it.
const (
	payoutChunk = 200
	lineChunk   = 1000
)

// chosen restricts a query of payouts to those of a selection.
func (sel *Selection) chosen(q *gorm.DB) *gorm.DB {
	q = q.Where("account_id = ?", sel.AccountID)
	if sel.Payout != "" {
		return q.Where("payment_reference = ?", sel.Payout)
	}
	return q.Where("payout_date >= ? AND payout_date < ?", sel.From.UTC(), sel.Until.AddDate(0, 0, 1).UTC())
}

// payouts calls do for each payout of a selection with its sums, by date and reference.
func (s *Service) payouts(ctx context.Context, sel *Selection, currency string, do func(*settlement.Payout, []settlement.Sum) error) error {
	var last *settlement.Payout
	for {
		q := sel.chosen(s.db.Read(ctx))
		if currency != "" {
			q = q.Where("currency = ?", currency)
		}
		if last != nil {
			q = q.Where("payout_date > ? OR payout_date = ? AND payment_reference > ?", last.PayoutDate, last.PayoutDate, last.PaymentReference)
		}
		var chunk []settlement.Payout
		if err := q.Order("payout_date, payment_reference").Limit(payoutChunk).Find(&chunk).Error; err != nil {
			return fmt.Errorf("read payouts: %w", err)
		}
		sums, err := s.sums(ctx, chunk)
		if err != nil {
			return err
		}
		for i := range chunk {
			if err := do(&chunk[i], sums[chunk[i].ID]); err != nil {
				return err
			}
		}
		if len(chunk) < payoutChunk {
			return nil
		}
		last = &chunk[len(chunk)-1]
	}
}

func (s *Service) sums(ctx context.Context, payouts []settlement.Payout) (map[int64][]settlement.Sum, error) {
	ids := make([]int64, len(payouts))
	for i := range payouts {
		ids[i] = payouts[i].ID
	}
	var sums []settlement.Sum
	if err := s.db.Read(ctx).Where("payout_id IN ?", ids).Order("payout_id, type, match_state").Find(&sums).Error; err != nil {
		return nil, fmt.Errorf("read the sums of payouts: %w", err)
	}
	of := map[int64][]settlement.Sum{}
	for _, sum := range sums {
		of[sum.PayoutID] = append(of[sum.PayoutID], sum)
	}
	return of, nil
}

// linesQuery reads a part of a cell of a payout's sums, for which there is an index.
const linesQuery = `SELECT l.id, l.type, l.detailed_type, l.amount, l.klarna_order_id, l.vat_rate, l.vat_amount,
		COALESCE(o.number, l.merchant_reference1) AS reference, COALESCE(i.number, '') AS invoice
	FROM statement_lines l LEFT JOIN orders o ON o.id = l.order_id LEFT JOIN invoices i ON i.order_id = l.order_id
	WHERE l.payout_id = ? AND l.type = ? AND l.match_state = ? AND l.id > ?
	ORDER BY l.id LIMIT ?`

// lines calls do for each line of a payout that makes a posting, and returns what they come
// to: cell by cell of its sums, and in each as Klarna's list had them.
func (s *Service) lines(ctx context.Context, p *settlement.Payout, cells []settlement.Sum, do func(*line) error) (sum int64, err error) {
	cells = slices.Clone(cells)
	slices.SortFunc(cells, func(a, b settlement.Sum) int {
		return cmp.Or(byType(a.Type, b.Type), cmp.Compare(a.MatchState, b.MatchState))
	})
	for i := range cells {
		if !counts(&cells[i]) {
			continue
		}
		amount, err := s.cell(ctx, p, &cells[i], do)
		if err != nil {
			return 0, err
		}
		sum += amount
	}
	return sum, nil
}

// cell calls do for each line of a cell and returns what they come to. A payout that is not
// as its sums say is being undone, or somebody matches its lines: the file would be wrong.
func (s *Service) cell(ctx context.Context, p *settlement.Payout, of *settlement.Sum, do func(*line) error) (sum int64, err error) {
	var last, count int64
	for more := true; more; {
		var chunk []line
		err := s.db.Read(ctx).Raw(linesQuery, p.ID, of.Type, of.MatchState, last, lineChunk).Scan(&chunk).Error
		if err != nil {
			return 0, fmt.Errorf("read the lines of payout %s: %w", p.PaymentReference, err)
		}
		for i := range chunk {
			last = chunk[i].ID
			sum += chunk[i].Amount
			if err := do(&chunk[i]); err != nil {
				return 0, err
			}
		}
		count += int64(len(chunk))
		more = len(chunk) == lineChunk
	}
	if p.Complete && (count != of.Lines || sum != of.Amount) {
		return 0, fault.New(fault.Conflict, "bookkeeping.error.changed", "Payout", p.PaymentReference)
	}
	return sum, nil
}
