package settlement

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
)

// readings is how often a list is read at most that does not hold still.
const readings = 3

// Where a list ends at the latest: one that goes on and on would be read forever.
const (
	maxPayouts = 1_000_000
	maxLines   = 100_000_000
)

// list reads a page of the list of payouts. A payout that is complete here is known at
// once; to have met it costs one row. A list that did not hold still is read again.
func (i *importer) list(ctx context.Context) error {
	api, err := i.open(ctx)
	if err != nil {
		return err
	}
	at := place(i.run.NextPage)
	page, _, err := api.Payouts(ctx, klarna.PayoutQuery{From: *i.run.WindowStart, Until: *i.run.WindowEnd, Page: at})
	if err != nil {
		return i.failed(ctx, err)
	}
	return i.step(ctx, func(tx *gorm.DB, r *ImportRun, _ *RunPayout) error {
		if err := listed(tx, r, page.Payouts); err != nil {
			return err
		}
		r.follow(page, at.Offset+int64(len(page.Payouts)))
		return tx.Model(r).Select("phase", "next_page", "listed", "list_total", "list_new", "problem", "failures",
			"payouts", "payouts_done", "payouts_known", "lines_known").Updates(r).Error
	})
}

// follow decides where the list goes on after a page, up to which so many were seen. A
// list that grows while it is read shows what came at its end, or the same payout twice;
// nothing that was there before is hidden.
func (r *ImportRun) follow(page *klarna.PayoutPage, seen int64) {
	r.Failures, r.NextPage = 0, page.Next
	total := page.Pagination.Total
	if r.ListTotal == nil {
		r.ListTotal = total
	}
	first := r.ListTotal
	shrank := first != nil && (total == nil || *total < *first)
	if !shrank && page.Next != nil && seen < maxPayouts && (total == nil || seen <= *total) {
		return // there is more
	}
	whole := !shrank && (total == nil && page.Next == nil || total != nil && seen == *total)
	still := whole && (total != nil && *total == *first || total == nil && r.Listed > 1 && r.ListNew == 0)
	switch {
	case still:
		r.Phase = Reading
	case r.Listed < readings:
		r.Listed++
	default:
		r.Phase = Reading
		if !whole { // what was found is imported; the rest is asked for again
			r.Problem = problem("import_run.problem.list_moves")
		}
	}
	r.NextPage, r.ListTotal, r.ListNew = nil, nil, 0
}

// place is where a list goes on; nil is its beginning.
func place(next *klarna.Page) klarna.Page {
	if next == nil {
		return klarna.Page{}
	}
	return *next
}

// listed writes down which payouts a page has that were not met before.
func listed(tx *gorm.DB, r *ImportRun, page []klarna.Payout) error {
	references := make([]string, len(page))
	for n := range page {
		references[n] = page[n].PaymentReference
	}
	var before []string
	err := tx.Model(&RunPayout{}).Where("run_id = ? AND payment_reference IN ?", r.ID, references).Pluck("payment_reference", &before).Error
	if err != nil {
		return fmt.Errorf("look for payouts that were met before: %w", err)
	}
	met := make(map[string]bool, len(page))
	for _, reference := range before {
		met[reference] = true
	}
	known, err := completePayouts(tx, r.AccountID, references)
	if err != nil {
		return err
	}
	var fresh []RunPayout
	for n := range page {
		reference := page[n].PaymentReference
		if met[reference] {
			continue
		}
		met[reference] = true
		p := RunPayout{RunID: r.ID, PaymentReference: reference, State: PayoutListed, Payout: page[n], Sums: map[klarna.TransactionType]int64{}}
		if here := known[reference]; here != nil {
			p.State, p.PayoutID, p.LinesKnown = PayoutKnown, &here.ID, here.Lines
			r.PayoutsDone++
			r.PayoutsKnown++
			r.LinesKnown += here.Lines
		}
		fresh = append(fresh, p)
	}
	r.Payouts += int64(len(fresh))
	r.ListNew += int64(len(fresh))
	if len(fresh) == 0 {
		return nil
	}
	return tx.CreateInBatches(fresh, store.Batch).Error
}

// completePayouts returns those payouts that need not be read again.
func completePayouts(tx *gorm.DB, accountID int64, references []string) (map[string]*Payout, error) {
	var payouts []Payout
	err := tx.Select("id", "payment_reference", "complete", "lines", "reasons").
		Where("account_id = ? AND complete AND payment_reference IN ?", accountID, references).Find(&payouts).Error
	if err != nil {
		return nil, fmt.Errorf("look for payouts that are here: %w", err)
	}
	known := make(map[string]*Payout, len(payouts))
	for i := range payouts {
		if p := &payouts[i]; p.known() {
			known[p.PaymentReference] = p
		}
	}
	return known, nil
}

// known tells that the payout need not be read again: it is complete, and nothing is
// missing that Klarna may have added.
func (p *Payout) known() bool {
	return p.Complete && !slices.ContainsFunc(p.Reasons, func(r Reason) bool { return r.Name == ReasonLinesMissing })
}
