package settlement

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
)

// PreviewFile reads Klarna's settlement report and stages what an import of it would bring,
// as an import that nobody has started: see [Service.FileReport] and [Service.StartFile].
// Errors: NotFound for the account, Conflict when it is not in use; Invalid or TooLarge
// for what is no such report.
func (s *Service) PreviewFile(ctx context.Context, accountID int64, name string, src io.ReadSeeker, actor string) (*ImportRun, error) {
	a, err := s.accounts.Find(ctx, accountID)
	if err != nil {
		return nil, err
	}
	if !a.Active {
		return nil, fault.New(fault.Conflict, "settlement_file.error.inactive")
	}
	f, err := openFile(src)
	if err != nil {
		return nil, err
	}
	p := &filePreview{
		Service: s, file: f, comparer: newFileComparer(f), here: map[string]*Payout{}, found: map[*filePayout]*RunPayout{},
		pages: map[*filePayout][]klarna.Transaction{}, keys: map[*filePayout][]lineKey{},
		run: &ImportRun{AccountID: a.ID, Source: FromFile, State: Preview, Phase: Reading, Actor: actor, FileName: name, CreatedAt: s.clock.Now()},
	}
	if err := p.make(ctx); err != nil {
		_ = s.forgetFile(context.WithoutCancel(ctx), p.run.ID) // what can't be removed is swept later
		return nil, fmt.Errorf("preview a settlement file: %w", err)
	}
	return p.run, nil
}

// filePreview stages a file.
type filePreview struct {
	*Service
	file     *statementFile
	run      *ImportRun
	comparer *fileComparer
	here     map[string]*Payout // by their references, in capitals
	found    map[*filePayout]*RunPayout
	pages    map[*filePayout][]klarna.Transaction // not staged yet
	waiting  int                                  // lines of them
	keys     map[*filePayout][]lineKey            // of payouts that are here
}

// maxWaiting is how many lines wait in memory for their page to be full.
const maxWaiting = 10 * klarna.MaxPageSize

func (p *filePreview) make(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	if err := p.begin(ctx); err != nil {
		return err
	}
	for l, err := range p.file.lines() {
		if err != nil {
			return err
		}
		if err := p.take(ctx, &l); err != nil {
			return err
		}
	}
	if err := p.flushAll(ctx); err != nil {
		return err
	}
	report, err := p.report(ctx)
	if err != nil {
		return err
	}
	return p.end(ctx, report)
}

// look finds the payouts of the file that are here already, whatever became of them. One
// that is in another account is not imported into this one, too.
func (p *filePreview) look(ctx context.Context) error {
	var references []string
	for _, of := range p.file.payouts {
		references = append(references, of.payout.PaymentReference, strings.ToUpper(of.payout.PaymentReference))
	}
	for some := range slices.Chunk(references, store.Batch) {
		var payouts []Payout
		if err := p.db.Read(ctx).Where("payment_reference IN ?", some).Find(&payouts).Error; err != nil {
			return fmt.Errorf("look for payouts that are here: %w", err)
		}
		for i := range payouts {
			reference := strings.ToUpper(payouts[i].PaymentReference)
			if p.here[reference] == nil || payouts[i].AccountID == p.run.AccountID {
				p.here[reference] = &payouts[i]
			}
		}
	}
	for _, of := range p.file.payouts {
		here := p.here[strings.ToUpper(of.payout.PaymentReference)]
		switch {
		case here == nil || !of.ok():
		case here.AccountID != p.run.AccountID:
			of.add(FileProblem{Line: of.line, Problem: *problem("settlement_file.error.other_account")})
		case !here.Complete:
			of.add(FileProblem{Line: of.line, Problem: *problem("settlement_file.error.incomplete_here")})
		}
	}
	return nil
}

// known is the complete payout that is here in the place of one of the file.
func (p *filePreview) known(of *filePayout) *Payout {
	if !of.ok() {
		return nil
	}
	return p.here[strings.ToUpper(of.payout.PaymentReference)]
}

// begin writes the import down, and its payouts with what is to become of them. Lines that
// Klarna's totals say are missing make a payout one that can't be imported.
func (p *filePreview) begin(ctx context.Context) error {
	err := p.db.InTx(ctx, func(tx *gorm.DB) error { p.run.ID = 0; return tx.Create(p.run).Error })
	if err != nil {
		return err
	}
	var all []*RunPayout
	taken := map[string]bool{"": true}
	for _, of := range p.file.payouts {
		if of.ok() && p.known(of) == nil && of.lacksLines(p.run) {
			of.add(FileProblem{Line: of.line, Problem: *problem("settlement_file.error.lines_missing")})
		}
		reference := strings.ToUpper(of.payout.PaymentReference)
		if taken[reference] { // which is a problem that the report tells
			continue
		}
		taken[reference] = true
		x := &RunPayout{RunID: p.run.ID, PaymentReference: of.payout.PaymentReference, State: PayoutStaged, Payout: of.payout, Reading: 1,
			Sums: map[klarna.TransactionType]int64{}}
		if !of.told { // so that nobody takes what is missing for 0
			x.Payout = klarna.Payout{PaymentReference: x.PaymentReference}
		}
		if here := p.known(of); here != nil {
			x.State, x.PayoutID, x.LinesKnown = PayoutKnown, &here.ID, here.Lines
			p.run.PayoutsKnown++
			p.run.LinesKnown += here.Lines
		} else if !of.ok() {
			x.State, x.Problem = PayoutProblem, problem("settlement_file.problem", "Count", len(of.problems)+of.more, "Line", of.problems[0].Line)
			p.run.PayoutsFailed++
		}
		p.run.Payouts++
		p.found[of] = x
		all = append(all, x)
	}
	p.run.PayoutsDone = p.run.PayoutsKnown + p.run.PayoutsFailed
	for some := range slices.Chunk(all, store.Batch) {
		err := p.db.InTx(ctx, func(tx *gorm.DB) error {
			for _, x := range some {
				x.ID = 0
			}
			return tx.CreateInBatches(some, store.Batch).Error
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// take stages a line, or remembers it for the comparison with what is here.
func (p *filePreview) take(ctx context.Context, l *fileLine) error {
	of := l.payout
	if p.known(of) != nil {
		if p.keys[of] == nil {
			p.keys[of] = make([]lineKey, 0, of.lines)
		}
		line := newLine(&Payout{}, 0, &l.transaction)
		p.keys[of] = append(p.keys[of], lineKey{p.comparer.key(line), int32(min(l.line, math.MaxInt32))})
		return nil
	}
	p.pages[of] = append(p.pages[of], l.transaction)
	p.waiting++
	switch {
	case len(p.pages[of]) == klarna.MaxPageSize:
		return p.flush(ctx, of)
	case p.waiting == maxWaiting:
		return p.flushAll(ctx)
	}
	return nil
}

func (p *filePreview) flushAll(ctx context.Context) error {
	for of := range p.pages {
		if err := p.flush(ctx, of); err != nil {
			return err
		}
	}
	return nil
}

// flush stages the lines of a payout that wait.
func (p *filePreview) flush(ctx context.Context, of *filePayout) error {
	x, lines := p.found[of], p.pages[of]
	page := x.add(p.run.AccountID, lines)
	p.run.LinesRead += int64(len(lines))
	p.waiting -= len(lines)
	delete(p.pages, of)
	return p.db.InTx(ctx, page.store)
}

// end makes the preview one that can be started.
func (p *filePreview) end(ctx context.Context, report *FileReport) error {
	var changed []*RunPayout
	for _, x := range p.found {
		if x.State == PayoutStaged {
			x.Total = &x.Lines
		}
		if x.State == PayoutStaged || x.Problem != nil {
			changed = append(changed, x)
		}
	}
	for some := range slices.Chunk(changed, store.Batch) {
		err := p.db.InTx(ctx, func(tx *gorm.DB) error {
			for _, x := range some {
				if err := x.saveReading(tx); err != nil {
					return err
				}
				if err := tx.Model(x).Select("problem").Updates(x).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return p.db.InTx(ctx, func(tx *gorm.DB) error {
		err := tx.Model(p.run).Select("payouts", "payouts_done", "payouts_known", "payouts_failed", "lines_read", "lines_known").Updates(p.run).Error
		if err != nil {
			return err
		}
		return tx.Create(&settlementFile{RunID: p.run.ID, Report: report}).Error
	})
}

// report says what was found.
func (p *filePreview) report(ctx context.Context) (*FileReport, error) {
	f := p.file
	r := &FileReport{Encoding: f.table.Encoding, Delimiter: f.table.Delimiter, Unknown: f.unknown, Rows: f.rows}
	for _, of := range f.payouts {
		row, err := p.reportOf(ctx, of)
		if err != nil {
			return nil, err
		}
		r.Payouts = append(r.Payouts, *row)
	}
	slices.SortStableFunc(r.Payouts, func(a, b FilePayout) int { return a.urgency() - b.urgency() })
	if len(r.Payouts) > maxReported {
		r.Payouts, r.More = r.Payouts[:maxReported], len(r.Payouts)-maxReported
	}
	return r, nil
}

func (p *filePreview) reportOf(ctx context.Context, of *filePayout) (*FilePayout, error) {
	row := &FilePayout{Line: of.line, Reference: of.payout.PaymentReference, Lines: of.lines, State: PayoutStaged, Problems: of.problems, More: of.more}
	if of.told {
		in := of.book(p.run)
		row.Date, row.Currency, row.Settlement = in.PayoutDate, in.Currency, in.Totals.Settlement
		row.LinesAmount, row.Reasons, row.Unexplained = in.LinesAmount, in.Reasons, in.Unexplained
	}
	here := p.known(of)
	switch {
	case !of.ok():
		row.State = PayoutProblem
		return row, nil
	case here == nil:
		return row, nil
	}
	row.State = PayoutKnown
	var err error
	row.Here, err = p.compare(ctx, p.comparer, of, here, p.keys[of])
	if err == nil && !row.Same() {
		p.found[of].Problem = problem("settlement_file.differs", "OnlyFile", row.Here.OnlyFile, "OnlyHere", row.Here.OnlyHere)
	}
	return row, err
}

// urgency puts what somebody should look at first.
func (p *FilePayout) urgency() int {
	switch {
	case p.State == PayoutProblem:
		return 0
	case p.State == PayoutKnown && !p.Same():
		return 1
	case p.State == PayoutKnown:
		return 3
	}
	return 2
}

// book is the payout as it would stand in the books.
func (p *filePayout) book(r *ImportRun) Payout {
	x := RunPayout{PaymentReference: p.payout.PaymentReference, Payout: p.payout, Sums: map[klarna.TransactionType]int64{}}
	for kind, s := range p.sums {
		x.Sums[kind] = s.amount
	}
	payout := newPayout(r, &x, time.Time{})
	var sums []Sum
	for kind, s := range p.sums {
		sums = append(sums, Sum{Type: kind, Lines: s.lines, Amount: signedAmount(kind, s.amount, payout.Signed), RawAmount: s.amount})
	}
	payout.come(sums)
	return payout
}

// lacksLines tells that Klarna's totals are more than the lines come to.
func (p *filePayout) lacksLines(r *ImportRun) bool {
	book := p.book(r)
	return slices.ContainsFunc(book.Reasons, func(r Reason) bool { return r.Name == ReasonLinesMissing })
}
