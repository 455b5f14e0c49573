package settlement

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"zahlwerk/internal/order"
)

// PayoutWeek is what Klarna paid out in a week, in one currency.
type PayoutWeek struct {
	Monday     time.Time // where the merchant works
	Currency   string
	Payouts    int
	Settlement int64
	Fees       int64 // with their tax, less what was given back
}

// Fees is what Klarna keeps for itself of a payout, with tax, less what it gave back.
func (t Totals) Fees() int64 { return t.Fee + t.Tax - t.FeeRefund - t.TaxRefund - t.FeeCorrection }

// PayoutWeeks returns the payouts of the weeks that have ended in the last ones before
// now and of the present one, by currency, the oldest first. A week without a payout is
// there, too, once there is one of its currency.
func (s *Service) PayoutWeeks(ctx context.Context, weeks int) ([]PayoutWeek, error) {
	last := monday(s.clock.Now())
	first := last.AddDate(0, 0, -7*(weeks-1))
	var payouts []Payout
	err := s.db.Read(ctx).Where("payout_date >= ? AND payout_date < ?", first.UTC(), last.AddDate(0, 0, 7).UTC()).
		Order("payout_date, id").Find(&payouts).Error
	if err != nil {
		return nil, fmt.Errorf("list payouts of the last weeks: %w", err)
	}
	return inWeeks(payouts, first, weeks), nil
}

func inWeeks(payouts []Payout, first time.Time, weeks int) []PayoutWeek {
	byCurrency := map[string][]PayoutWeek{}
	for _, p := range payouts {
		of, ok := byCurrency[p.Currency]
		if !ok {
			of = make([]PayoutWeek, weeks)
			for n := range of {
				of[n] = PayoutWeek{Monday: first.AddDate(0, 0, 7*n), Currency: p.Currency}
			}
			byCurrency[p.Currency] = of
		}
		n, _ := slices.BinarySearchFunc(of, monday(p.PayoutDate), func(w PayoutWeek, m time.Time) int { return w.Monday.Compare(m) })
		of[n].Payouts++
		of[n].Settlement += p.Totals.Settlement
		of[n].Fees += p.Totals.Fees()
	}
	var all []PayoutWeek
	for _, of := range byCurrency {
		all = append(all, of...)
	}
	slices.SortFunc(all, func(a, b PayoutWeek) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), a.Monday.Compare(b.Monday))
	})
	return all
}

// monday is the beginning of the week of t, where the merchant works.
func monday(t time.Time) time.Time {
	t = t.In(order.Zone)
	back := (int(t.Weekday()) + 6) % 7
	return time.Date(t.Year(), t.Month(), t.Day()-back, 0, 0, 0, 0, order.Zone)
}
