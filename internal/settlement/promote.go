package settlement

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
)

// promote does the next step by which a payout that was read gets into the books: its own
// row, then page after page, then what they come to. Each is harmless to come again.
func (i *importer) promote(ctx context.Context) error {
	if i.payout.PayoutID == nil {
		return i.enter(ctx)
	}
	var pages []stagedPage
	err := i.db.Read(ctx).Where("run_payout_id = ? AND reading = ?", i.payout.ID, i.payout.Reading).Order("position").Limit(1).Find(&pages).Error
	if err != nil {
		return fmt.Errorf("import %d: read what is staged: %w", i.run.ID, err)
	}
	if len(pages) == 0 {
		return i.conclude(ctx)
	}
	return i.promotePage(ctx, &pages[0])
}

// enter writes the payout down, or finds the one that is there: then its lines are
// compared with those that were read.
func (i *importer) enter(ctx context.Context) error {
	err := i.step(ctx, func(tx *gorm.DB, r *ImportRun, p *RunPayout) error {
		_, err := i.enterPayout(tx, r, p)
		return err
	})
	if err == nil && i.payout.State == PayoutKnown {
		err = i.sweep(ctx, "run_payout_id = ?", i.payout.ID)
		i.payout = nil
	}
	return err
}

func (i *importer) enterPayout(tx *gorm.DB, r *ImportRun, p *RunPayout) (*Payout, error) {
	var there []Payout
	err := tx.Where("account_id = ? AND payment_reference = ?", r.AccountID, p.PaymentReference).Limit(1).Find(&there).Error
	if err != nil {
		return nil, fmt.Errorf("look for payout %s: %w", p.PaymentReference, err)
	}
	payout := newPayout(r, p, i.clock.Now())
	switch {
	case len(there) == 0:
		err = tx.Create(&payout).Error
	case there[0].known():
		p.State, p.PayoutID = PayoutKnown, &there[0].ID
		return &there[0], i.put(tx, r, p)
	default:
		payout.ID, p.Reread = there[0].ID, true
		err = updateTold(tx, &there[0], &payout)
	}
	if err != nil {
		return nil, fmt.Errorf("write payout %s down: %w", p.PaymentReference, err)
	}
	p.PayoutID = &payout.ID
	return &payout, tx.Model(p).Select("payout_id", "reread").Updates(p).Error
}

func newPayout(r *ImportRun, p *RunPayout, now time.Time) Payout {
	told := &p.Payout
	t := Totals{
		Sale: told.Totals.Sale, Return: told.Totals.Return, Reversal: told.Totals.Reversal,
		Fee: told.Totals.Fee, FeeRefund: told.Totals.FeeRefund, FeeCorrection: told.Totals.FeeCorrection,
		Tax: told.Totals.Tax, TaxRefund: told.Totals.TaxRefund,
		Commission: told.Totals.Commission, CommissionReversal: told.Totals.CommissionReversal,
		Charge: told.Totals.Charge, Credit: told.Totals.Credit, Holdback: told.Totals.Holdback, Release: told.Totals.Release,
		Repay: told.Totals.Repay, Deposit: told.Totals.Deposit,
		OpeningDebt: told.Totals.OpeningDebtBalance, ClosingDebt: told.Totals.ClosingDebtBalance,
		Settlement: told.Totals.Settlement,
	}
	return Payout{
		AccountID: r.AccountID, RunID: r.ID, Source: r.Source,
		PaymentReference: p.PaymentReference, PayoutDate: told.PayoutDate.Time, Currency: told.CurrencyCode,
		RegistrationCurrency: told.CurrencyCodeOfRegistrationCountry, SettlementType: told.MerchantSettlementType, MerchantID: told.MerchantID,
		Totals: t, Signed: verdict(&t, p.Sums), Difference: t.Settlement, Unexplained: t.Settlement, Reasons: []Reason{}, CreatedAt: now,
	}
}

// updateTold takes over what Klarna says now of a payout that is here. With more of its
// lines it may show that they have their signs, or have not.
func updateTold(tx *gorm.DB, old, now *Payout) error {
	if old.Signed != now.Signed {
		var turned []klarna.TransactionType
		for _, t := range klarna.TransactionTypes() {
			if Direction(t) < 0 {
				turned = append(turned, t)
			}
		}
		for _, table := range []string{"statement_lines", "payout_sums"} {
			if err := tx.Exec("UPDATE "+table+" SET amount = -amount WHERE payout_id = ? AND type IN ?", old.ID, turned).Error; err != nil {
				return err
			}
		}
	}
	return tx.Model(now).Select("currency", "registration_currency", "settlement_type", "merchant_id", "signed",
		"sale_amount", "return_amount", "reversal_amount", "fee_amount", "fee_refund_amount", "fee_correction_amount", "tax_amount",
		"tax_refund_amount", "commission_amount", "commission_reversal_amount", "charge_amount", "credit_amount", "holdback_amount",
		"release_amount", "repay_amount", "deposit_amount", "opening_debt_amount", "closing_debt_amount", "settlement_amount").Updates(now).Error
}

// promotePage puts the lines of a page into the books and takes it off the stage.
func (i *importer) promotePage(ctx context.Context, page *stagedPage) error {
	target, err := i.target(ctx)
	if err != nil {
		return err
	}
	read, err := unpack(page.Lines)
	if err != nil {
		return fmt.Errorf("import %d: read what is staged: %w", i.run.ID, err)
	}
	return i.step(ctx, func(tx *gorm.DB, r *ImportRun, p *RunPayout) error {
		if _, err := holdPayouts(tx, []int64{target.ID}); err != nil {
			return err
		}
		if err := i.enterPage(tx, r, p, target, page.Position, read); err != nil {
			return err
		}
		return tx.Delete(page).Error
	})
}

// enterPage puts the lines of a page into the books, with what follows from them.
func (i *importer) enterPage(tx *gorm.DB, r *ImportRun, p *RunPayout, target *Payout, position int64, read []klarna.Transaction) error {
	lines := make([]*StatementLine, len(read))
	for n := range read {
		lines[n] = newLine(target, r.ID, &read[n])
	}
	fresh, err := i.unknown(tx, p, position, lines)
	if err != nil {
		return err
	}
	if err := i.enterLines(tx, r, target, fresh); err != nil {
		return err
	}
	if p.Reread {
		if err := meet(tx, p.ID, lines); err != nil {
			return err
		}
	}
	added, known := int64(len(fresh)), int64(len(lines)-len(fresh))
	p.LinesNew, p.LinesKnown = p.LinesNew+added, p.LinesKnown+known
	r.LinesNew, r.LinesKnown = r.LinesNew+added, r.LinesKnown+known
	for _, l := range fresh {
		switch {
		case l.MatchState.Settled():
			r.LinesMatched++
		case l.MatchState == Proposed:
			r.LinesProposed++
		}
	}
	if err := tx.Model(p).Select("lines_new", "lines_known").Updates(p).Error; err != nil {
		return err
	}
	return tx.Model(r).Select("lines_new", "lines_known", "lines_matched", "lines_proposed").Updates(r).Error
}

// target is the payout that lines go into.
func (i *importer) target(ctx context.Context) (*Payout, error) {
	if i.into != nil && i.into.ID == *i.payout.PayoutID {
		return i.into, nil
	}
	var p Payout
	if err := i.db.Read(ctx).Take(&p, *i.payout.PayoutID).Error; err != nil {
		return nil, fmt.Errorf("import %d: find payout %s: %w", i.run.ID, i.payout.PaymentReference, err)
	}
	i.into = &p
	return &p, nil
}

// unknown numbers lines among their equals, those of earlier pages included, and returns
// the ones that are not here yet; the others get the ids of those that are.
func (i *importer) unknown(tx *gorm.DB, p *RunPayout, position int64, lines []*StatementLine) ([]*StatementLine, error) {
	before, err := equalsBefore(tx, p, position, lines)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		l.Ordinal = before[l.Identity]
		before[l.Identity]++
	}
	if !p.Reread {
		return lines, nil
	}
	here, err := linesHere(tx, *p.PayoutID, lines)
	if err != nil {
		return nil, err
	}
	var fresh []*StatementLine
	for _, l := range lines {
		if l.ID = here[equal{l.Identity, l.Ordinal}]; l.ID == 0 {
			fresh = append(fresh, l)
		}
	}
	return fresh, nil
}

// enterLines stores lines that are new, matched, with what follows from their matches.
func (i *importer) enterLines(tx *gorm.DB, r *ImportRun, payout *Payout, lines []*StatementLine) error {
	if len(lines) == 0 {
		return nil
	}
	m := newMatcher(i.clock.Now(), r.Actor)
	if err := m.matchPage(tx, lines); err != nil {
		return err
	}
	if err := insertLines(tx, lines); err != nil {
		return fmt.Errorf("store statement lines: %w", err)
	}
	if err := m.matchEffects(tx, lines); err != nil {
		return err
	}
	// Whoever adds lines to a payout is the one with whom it goes when that is undone.
	err := tx.Exec("UPDATE payouts SET run_id = ? WHERE id = ? AND run_id <> ?", r.ID, payout.ID, r.ID).Error
	if err != nil {
		return err
	}
	return addSums(tx, payout.ID, lines, +1)
}

// conclude says what the payout comes to, once all its pages are promoted.
func (i *importer) conclude(ctx context.Context) error {
	if i.payout.Reread {
		if err := i.compare(ctx); err != nil {
			return err
		}
	}
	if err := i.sweep(ctx, "run_payout_id = ?", i.payout.ID); err != nil { // earlier readings
		return err
	}
	err := i.step(ctx, i.concludePayout)
	if err == nil {
		i.payout, i.into = nil, nil
	}
	return err
}

func (i *importer) concludePayout(tx *gorm.DB, r *ImportRun, p *RunPayout) error {
	if _, err := holdPayouts(tx, []int64{*p.PayoutID}); err != nil {
		return err
	}
	var payout Payout
	if err := tx.Take(&payout, *p.PayoutID).Error; err != nil {
		return fmt.Errorf("find payout %s: %w", p.PaymentReference, err)
	}
	var sums []Sum
	if err := tx.Where("payout_id = ?", payout.ID).Find(&sums).Error; err != nil {
		return fmt.Errorf("read the sums of payout %s: %w", p.PaymentReference, err)
	}
	payout.come(sums)
	payout.Complete = p.whole()
	err := tx.Model(&payout).Select("complete", "lines", "matched", "lines_amount", "difference", "unexplained", "reasons").Updates(&payout).Error
	if err != nil {
		return fmt.Errorf("conclude payout %s: %w", p.PaymentReference, err)
	}
	switch {
	case !p.whole():
		p.State, p.Problem = PayoutProblem, problem("import_run.problem.incomplete", "Lines", p.Lines, "Total", *p.Total)
	case payout.RunID == r.ID:
		p.State = PayoutNew
	default:
		p.State = PayoutKnown
	}
	if p.Reread {
		if err := forgetMet(tx, p); err != nil {
			return err
		}
	}
	return i.put(tx, r, p)
}

// come takes over what the lines come to.
func (p *Payout) come(sums []Sum) {
	p.Lines, p.Matched, p.LinesAmount = 0, 0, 0
	for i := range sums {
		s := &sums[i]
		p.Lines += s.Lines
		p.LinesAmount += s.Amount
		if s.MatchState == Matched || s.MatchState == ByHand {
			p.Matched += s.Lines
		}
	}
	p.Difference = p.Totals.Settlement - p.LinesAmount
	p.Reasons, p.Unexplained = explain(p, sums)
	if p.Reasons == nil {
		p.Reasons = []Reason{}
	}
}

// addSums counts lines in the sums of their payout, or with -1 no longer.
func addSums(tx *gorm.DB, payoutID int64, lines []*StatementLine, sign int64) error {
	if err := holdSums(tx, payoutID); err != nil {
		return err
	}
	type cell struct {
		kind  klarna.TransactionType
		state MatchState
	}
	cells := map[cell]Sum{}
	for _, l := range lines {
		s := cells[cell{l.Type, l.MatchState}]
		s.Lines, s.Amount, s.RawAmount = s.Lines+sign, s.Amount+sign*l.Amount, s.RawAmount+sign*l.RawAmount
		cells[cell{l.Type, l.MatchState}] = s
	}
	for c, s := range cells {
		err := tx.Exec(`INSERT INTO payout_sums (payout_id, type, match_state, lines, amount, raw_amount) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (payout_id, type, match_state) DO UPDATE SET lines = payout_sums.lines + excluded.lines,
				amount = payout_sums.amount + excluded.amount, raw_amount = payout_sums.raw_amount + excluded.raw_amount`,
			payoutID, c.kind, c.state, s.Lines, s.Amount, s.RawAmount).Error
		if err != nil {
			return fmt.Errorf("add up the lines of payout %d: %w", payoutID, err)
		}
	}
	return nil
}
