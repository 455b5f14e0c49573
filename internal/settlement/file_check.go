package settlement

import (
	"iter"
	"strconv"
	"strings"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/money"
)

// fileLine is a transaction of a payout, and where the file has it.
type fileLine struct {
	payout      *filePayout
	line        int
	transaction klarna.Transaction
}

// check reads every transaction once: what is wrong with them, and what those of each
// payout come to.
func (f *statementFile) check() error {
	w := fileWalk{statementFile: f}
	for row, err := range f.records() {
		if err != nil {
			return err
		}
		if row.kind != transactionBlock {
			continue
		}
		p, err := f.payoutOf(row)
		if err != nil {
			return err
		}
		w.meet(row, p)
		if p == nil {
			continue
		}
		p.lines++
		if row.Problem != nil {
			p.problem(row, *row.Problem)
		} else if t, ok := f.transaction(row, p); ok {
			p.sum(row, t)
		}
	}
	w.end()
	return nil
}

// lines returns the transactions of the payouts that can be imported, as the API would
// have them.
func (f *statementFile) lines() iter.Seq2[fileLine, error] {
	return func(yield func(fileLine, error) bool) {
		for row, err := range f.records() {
			if err != nil {
				yield(fileLine{}, err)
				return
			}
			if row.kind != transactionBlock {
				continue
			}
			p, err := f.payoutOf(row)
			if err != nil {
				yield(fileLine{}, err)
				return
			}
			if p == nil || !p.ok() {
				continue
			}
			t, _ := f.transaction(row, p) // it could be read before
			if p.signed && Direction(t.Type) < 0 {
				t.Amount = -t.Amount
			}
			if !yield(fileLine{p, row.Line, t}, nil) {
				return
			}
		}
	}
}

// payoutOf is the payout that a transaction belongs to, nil when that can't be told: the
// one that it names, or else the one that the table above it is about.
func (f *statementFile) payoutOf(row fileRow) (*filePayout, error) {
	whole := row.Problem == nil || row.Problem.Key == "error.too_long" // its cells are where they belong
	if name := plain(row.value(colReference)); whole && name != "" {
		return f.named(name, row.Line)
	}
	switch {
	case f.summaries == 1:
		return f.payouts[0], nil
	case whole:
		return row.above, nil
	}
	return nil, nil
}

// named is the payout with a reference. One that the file has no summary of can't be
// imported.
func (f *statementFile) named(reference string, line int) (*filePayout, error) {
	key := strings.ToUpper(reference)
	if p := f.byReference[key]; p != nil {
		return p, nil
	}
	if len(f.payouts) == maxFilePayouts {
		return nil, fault.New(fault.TooLarge, "settlement_file.error.too_many_payouts", "Max", maxFilePayouts)
	}
	p := &filePayout{line: line, payout: klarna.Payout{PaymentReference: reference}, sums: map[klarna.TransactionType]typeSum{}}
	p.add(FileProblem{Line: line, Problem: Problem{Key: "settlement_file.error.no_summary_row"}})
	f.byReference[key] = p
	f.payouts = append(f.payouts, p)
	return p, nil
}

// transaction reads a row; what can't be read is a problem of its payout.
func (f *statementFile) transaction(row fileRow, p *filePayout) (t klarna.Transaction, ok bool) {
	if p.payout.CurrencyCode == "" || !money.ValidCurrency(p.payout.CurrencyCode) {
		return t, false // which its summary says
	}
	ok = true
	wrong := func(column string, field *fault.Field) {
		if field != nil {
			field.Name, ok = column, false
			p.problem(row, *field)
		}
	}
	t.PaymentReference, t.CurrencyCode = p.payout.PaymentReference, p.payout.CurrencyCode
	t.Type = klarna.TransactionType(strings.ToUpper(plain(row.value(colType))))
	if t.Type == "" {
		wrong(colType, &fault.Field{Key: "error.required"})
	}
	if c := strings.ToUpper(row.value(colPosting)); c != "" && c != t.CurrencyCode {
		wrong(colPosting, &fault.Field{Key: "settlement_file.error.line_currency", Args: []any{"Value", clipped(c), "Currency", t.CurrencyCode}})
	}
	var field *fault.Field
	if text := row.value(colAmount); text == "" {
		wrong(colAmount, &fault.Field{Key: "error.required"})
	} else {
		t.Amount, field = f.amount(text, t.CurrencyCode)
		wrong(colAmount, field)
	}
	for _, d := range []struct {
		column string
		into   *klarna.Moment
	}{{colSaleDate, &t.SaleDate}, {colCaptureDate, &t.CaptureDate}} {
		if text := row.value(d.column); text != "" {
			*d.into, field = f.date(text)
			wrong(d.column, field)
		}
	}
	f.readTax(row, &t, wrong)
	for _, text := range fileTexts {
		*text.field(&t) = plain(row.value(text.column))
	}
	if n, err := strconv.ParseInt(row.value(colInstallments), 10, 64); err == nil {
		t.InitialInstallments = &n
	}
	return t, ok
}

// readTax reads the tax within an amount: from the columns for it, or from those for the
// first of several rates where it is the only one.
func (f *statementFile) readTax(row fileRow, t *klarna.Transaction, wrong func(string, *fault.Field)) {
	rate, amount := colTaxRate, colTaxAmount
	if row.value(rate)+row.value(amount) == "" && row.value("tax_rate_2")+row.value("tax_amount_2") == "" {
		rate, amount = rate+"_1", amount+"_1"
	}
	if text := row.value(rate); text != "" {
		n, field := f.rate(text)
		wrong(rate, field)
		t.VATRate = &n
	}
	if text := row.value(amount); text != "" {
		n, field := f.amount(text, t.CurrencyCode)
		wrong(amount, field)
		t.VATAmount = &n
	}
}

// sum counts a transaction.
func (p *filePayout) sum(row fileRow, t klarna.Transaction) {
	s := p.sums[t.Type]
	s.lines++
	if s.amount += t.Amount; max(s.amount, -s.amount) > maxFileAmount {
		p.problem(row, fault.Field{Name: colAmount, Key: "settlement_file.error.amount_range"})
		s.amount = 0
	}
	p.sums[t.Type] = s
}

// fileWalk knows what is around a row of which nobody can tell whose it is.
type fileWalk struct {
	*statementFile
	last  *filePayout
	loose []FileProblem // rows since then that may also be of the next payout
	lost  *FileProblem  // the first such row of the file
}

// meet comes past a row of p. One that may be a payout's spoils it: a payout is imported
// as a whole or not at all.
func (w *fileWalk) meet(row fileRow, p *filePayout) {
	if p == nil {
		w.lose(row)
		return
	}
	if p != w.last {
		w.scattered = w.scattered || p.lines > 0
		for _, problem := range w.loose {
			p.add(problem)
		}
	}
	w.last, w.loose = p, nil
}

func (w *fileWalk) lose(row fileRow) {
	field := fault.Field{Name: colReference, Key: "settlement_file.error.which_payout"}
	if row.Problem != nil {
		field = *row.Problem
	}
	problem := FileProblem{Line: row.Line, Column: field.Name, Problem: problemOf(field)}
	if w.last != nil {
		w.last.add(problem)
	}
	if len(w.loose) < maxProblems {
		w.loose = append(w.loose, problem)
	}
	if w.lost == nil {
		w.lost = &problem
	}
}

// end spoils what may have lost a row without anybody seeing it: a payout without rows,
// and any if their rows are not beside each other.
func (w *fileWalk) end() {
	for _, p := range w.payouts {
		if w.lost != nil && p.ok() && (w.scattered || p.lines == 0) {
			p.add(*w.lost)
		}
	}
}
