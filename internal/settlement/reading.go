package settlement

import (
	"context"
	"maps"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
)

// read reads a page of the payout's lines and stages it.
func (i *importer) read(ctx context.Context) error {
	if i.payout.Reading > readings {
		return i.giveUp(ctx, problem("import_run.problem.lines_move"))
	}
	api, err := i.open(ctx)
	if err != nil {
		return err
	}
	page, _, err := api.Transactions(ctx, i.payout.PaymentReference, place(i.payout.NextPage))
	if err != nil {
		return i.failed(ctx, err)
	}
	read := *i.payout
	staged := read.add(i.run.AccountID, page.Transactions)
	read.follow(page.Pagination, page.Next)
	err = i.step(ctx, func(tx *gorm.DB, r *ImportRun, p *RunPayout) error {
		*p = read
		r.Failures = 0
		r.LinesRead += int64(len(page.Transactions))
		if err := tx.Model(r).Select("failures", "lines_read").Updates(r).Error; err != nil {
			return err
		}
		if err := p.saveReading(tx); err != nil {
			return err
		}
		if p.State == PayoutStaged && p.Reading == 1 && staged.Position == 0 {
			if done, err := i.enterAtOnce(tx, r, p, page.Transactions); done || err != nil {
				return err
			}
		}
		return staged.store(tx)
	})
	if err == nil && i.payout.State != PayoutListed && i.payout.State != PayoutStaged {
		i.payout = nil
	}
	return err
}

// enterAtOnce puts a payout of a single page into the books without a stage. One that was
// here before takes the long way.
func (i *importer) enterAtOnce(tx *gorm.DB, r *ImportRun, p *RunPayout, lines []klarna.Transaction) (done bool, err error) {
	payout, err := i.enterPayout(tx, r, p)
	if err != nil || p.State == PayoutKnown {
		return true, err
	}
	if p.Reread {
		return false, nil
	}
	if err := i.enterPage(tx, r, p, payout, 0, lines); err != nil {
		return true, err
	}
	return true, i.concludePayout(tx, r, p)
}

// add takes a page of lines into the present reading and returns what is to be staged.
func (p *RunPayout) add(accountID int64, lines []klarna.Transaction) stagedPage {
	p.Reading = max(p.Reading, 1)
	page := stagedPage{RunPayoutID: p.ID, Reading: p.Reading, Position: p.Lines, Lines: pack(lines)}
	sums, d := maps.Clone(p.Sums), parseDigest(p.Digest)
	if sums == nil {
		sums = map[klarna.TransactionType]int64{}
	}
	for n := range lines {
		d.add(fingerprintOf(accountID, p.PaymentReference, &lines[n]))
		sums[lines[n].Type] += lines[n].Amount
	}
	p.Lines += int64(len(lines))
	p.Sums, p.Digest = sums, d.String()
	return page
}

// follow decides where the payout's lines go on after a page. They are all there when
// there are as many as Klarna said from the first page to the last. Where it says no
// number, or one that is not reached, only another reading can tell: the same lines again
// are what there is.
func (p *RunPayout) follow(said klarna.Pagination, next *klarna.Page) {
	moved := p.Total != nil && said.Total != nil && *said.Total != *p.Total
	if p.Total == nil {
		p.Total = said.Total
	}
	p.NextPage = next
	if !moved && next != nil && p.Lines < maxLines && (p.Total == nil || p.Lines <= *p.Total) {
		return // there are more
	}
	p.NextPage = nil
	switch {
	case moved:
		p.again("")
	case p.Total != nil && p.Lines == *p.Total, p.Digest == p.DigestBefore:
		p.State = PayoutStaged
	default:
		p.again(p.Digest)
	}
}

// again lets the lines be read from their beginning once more.
func (p *RunPayout) again(digest string) {
	p.Reading++
	p.Total, p.Lines, p.Digest, p.DigestBefore, p.Sums = nil, 0, "", digest, map[klarna.TransactionType]int64{}
}

// whole tells that all lines were read that Klarna says there are.
func (p *RunPayout) whole() bool { return p.Total == nil || p.Lines == *p.Total }

func (p *RunPayout) saveReading(tx *gorm.DB) error {
	return tx.Model(p).Select("state", "next_page", "reading", "total", "lines", "digest", "digest_before", "sums").Updates(p).Error
}

// giveUp leaves the payout as it is, with what was wrong: the next import asks for it
// again.
func (i *importer) giveUp(ctx context.Context, problem *Problem) error {
	if err := i.sweep(ctx, "run_payout_id = ?", i.payout.ID); err != nil {
		return err
	}
	err := i.step(ctx, func(tx *gorm.DB, r *ImportRun, p *RunPayout) error {
		p.State, p.Problem = PayoutProblem, problem
		return i.put(tx, r, p)
	})
	i.payout = nil
	return err
}

// put writes down what has become of a payout.
func (i *importer) put(tx *gorm.DB, r *ImportRun, p *RunPayout) error {
	r.PayoutsDone++
	switch p.State {
	case PayoutNew:
		r.PayoutsNew++
	case PayoutKnown:
		r.PayoutsKnown++
	case PayoutProblem:
		r.PayoutsFailed++
	}
	if err := tx.Model(p).Select("state", "problem", "payout_id").Updates(p).Error; err != nil {
		return err
	}
	return tx.Model(r).Select("payouts_done", "payouts_new", "payouts_known", "payouts_failed").Updates(r).Error
}

// sweep removes staged pages that nobody needs any more, a few at a time.
func (i *importer) sweep(ctx context.Context, condition string, args ...any) error {
	for more := true; more; {
		err := i.step(ctx, func(tx *gorm.DB, _ *ImportRun, _ *RunPayout) (err error) {
			more, err = sweepStaged(tx, condition, args...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
