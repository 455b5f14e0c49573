package settlement

import (
	"io"
	"iter"
	"strings"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/money"
)

// The most that a settlement report may be. A row of Klarna's has about 200 characters.
const (
	MaxFileBytes   = 256 << 20
	maxFileRows    = 1_500_000
	maxFilePayouts = 5_000
	maxProblems    = 20   // of a payout that are kept
	maxFileAmount  = 1e17 // of a line or of all of a type, so that no sum leaves 64 bits
)

// statementFile is Klarna's settlement report as CSV: a table with a row for each payout,
// and one with their transactions, in any order and any number of times. Columns are
// known by their names, and how the file writes amounts and dates is told by the file as
// a whole.
//
// A payout that the file has no summary of is refused: nothing but the summary says when
// Klarna paid and how much, and a sum of lines proves nothing about itself.
type statementFile struct {
	fileFormats
	table   *csvfile.Blocks
	unknown []string        // columns that mean nothing here
	has     map[string]bool // columns of the transactions
	rows    int64           // transactions
	posting string          // the currency of all transactions, "" if there are several

	summaries   int // rows of them
	payouts     []*filePayout
	byReference map[string]*filePayout // in capitals
	scattered   bool                   // the rows of a payout are not all beside each other
}

// filePayout is a payout of a file.
type filePayout struct {
	line     int // of its row in the file
	payout   klarna.Payout
	told     bool            // the summary could be read
	given    map[string]bool // totals that the file has
	lines    int64
	sums     map[klarna.TransactionType]typeSum
	signed   bool // the lines have the signs that their types imply
	problems []FileProblem
	more     int // problems that are not kept
}

// typeSum is what the lines of a type come to.
type typeSum struct{ lines, amount int64 }

// FileProblem is what is wrong in a file, with its place.
type FileProblem struct {
	Line   int    `json:"line"`
	Column string `json:"column,omitempty"` // as the file names it, "" for the row
	Problem
}

// openFile looks at a file, which stays open and is read several times. Errors are of
// code Invalid or TooLarge.
func openFile(src io.ReadSeeker) (*statementFile, error) {
	table, err := csvfile.OpenBlocks(src, csvfile.Options{MaxBytes: MaxFileBytes, MaxRows: maxFileRows}, isFileHeader)
	if err != nil {
		return nil, err
	}
	f := &statementFile{table: table, has: map[string]bool{}, byReference: map[string]*filePayout{}}
	summaries, err := f.survey()
	if err != nil {
		return nil, err
	}
	f.summaries = len(summaries)
	for _, row := range summaries {
		f.addPayout(row)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	for _, p := range f.payouts {
		p.conclude()
	}
	return f, nil
}

// fileRow is a row of the file with its table.
type fileRow struct {
	csvfile.Row
	*fileBlock
	above *filePayout // the payout that the table of summaries above it names, if it is one
}

func (r fileRow) value(column string) string { return r.Value(r.Row, column) }

// records returns the rows of all tables. Errors: Invalid for tables that can't be
// understood.
func (f *statementFile) records() iter.Seq2[fileRow, error] {
	return func(yield func(fileRow, error) bool) {
		var (
			at        *csvfile.Block
			current   *fileBlock
			above     *filePayout
			summaries int // in the table above
		)
		for row, err := range f.table.Rows() {
			switch {
			case err != nil:
			case row.Block == nil:
				err = fault.New(fault.Invalid, "settlement_file.error.no_header", "Line", row.Line)
			case row.Block != at:
				before := current
				at = row.Block
				if current, err = blockOf(at); err == nil && current.kind == summaryBlock && (before == nil || before.kind != summaryBlock) {
					summaries = 0
				}
			}
			if err != nil {
				yield(fileRow{}, err)
				return
			}
			if current.kind == summaryBlock {
				if summaries++; summaries == 1 {
					above = f.byReference[strings.ToUpper(current.Value(row.Row, colReference))]
				} else {
					above = nil
				}
			}
			if !yield(fileRow{row.Row, current, above}, nil) {
				return
			}
		}
	}
}

// survey walks over the file once: how it writes numbers and dates, and which payouts it
// has.
func (f *statementFile) survey() (summaries []fileRow, err error) {
	unknown, currencies := map[string]bool{}, map[string]bool{}
	var last *fileBlock
	for row, err := range f.records() {
		if err != nil {
			return nil, err
		}
		if row.fileBlock != last {
			last = row.fileBlock
			for _, c := range fileColumns[row.kind] {
				f.has[c.Name] = f.has[c.Name] || row.Has(c.Name) && row.kind == transactionBlock
			}
			for _, name := range last.Unknown {
				if !unknown[name] {
					unknown[name] = true
					f.unknown = append(f.unknown, name)
				}
			}
		}
		for _, column := range fileFigures[row.kind] {
			f.decimal = f.decimal.And(csvfile.DecimalOf(row.value(column)))
		}
		for _, column := range fileDates[row.kind] {
			f.slashes = f.slashes.and(slashesOf(row.value(column)))
		}
		if row.kind == transactionBlock {
			f.rows++
			if c := row.value(colPosting); len(currencies) < 2 && c != "" {
				currencies[strings.ToUpper(c)] = true
				f.posting = strings.ToUpper(c)
			}
			continue
		}
		if len(summaries) == maxFilePayouts {
			return nil, fault.New(fault.TooLarge, "settlement_file.error.too_many_payouts", "Max", maxFilePayouts)
		}
		summaries = append(summaries, row)
	}
	if len(currencies) > 1 {
		f.posting = ""
	}
	switch {
	case len(summaries) == 0 && f.rows == 0:
		err = fault.New(fault.Invalid, "settlement_file.error.nothing")
	case len(summaries) == 0:
		err = fault.New(fault.Invalid, "settlement_file.error.no_summary")
	}
	return summaries, err
}

// addPayout reads a row of the summary.
func (f *statementFile) addPayout(row fileRow) {
	p := &filePayout{line: row.Line, given: map[string]bool{}, sums: map[klarna.TransactionType]typeSum{}}
	p.payout.PaymentReference = plain(row.value(colReference))
	f.payouts = append(f.payouts, p)
	if row.Problem != nil {
		p.problem(row, *row.Problem)
		return
	}
	reference := strings.ToUpper(p.payout.PaymentReference)
	if other := f.byReference[reference]; other != nil {
		twice := fault.Field{Name: colReference, Key: "settlement_file.error.payout_twice", Args: []any{"Reference", clipped(reference), "Other", other.line}}
		p.problem(row, twice)
		other.problem(row, twice)
		return
	}
	if reference == "" {
		p.problem(row, fault.Field{Name: colReference, Key: "error.required"})
		return
	}
	f.byReference[reference] = p
	f.readSummary(row, p)
}

func (f *statementFile) readSummary(row fileRow, p *filePayout) {
	out := &p.payout
	out.CurrencyCode = strings.ToUpper(row.value(colCurrency))
	if out.CurrencyCode == "" {
		out.CurrencyCode = f.posting
	}
	out.CurrencyCodeOfRegistrationCountry = strings.ToUpper(plain(row.value(colRegistration)))
	out.MerchantSettlementType = klarna.SettlementType(strings.ToUpper(plain(row.value(colKind))))
	out.MerchantID = plain(row.value(colMerchant))
	if !money.ValidCurrency(out.CurrencyCode) {
		p.problem(row, fault.Field{Name: colCurrency, Key: "settlement_file.error.currency", Args: []any{"Value", clipped(out.CurrencyCode)}})
		return
	}
	var wrong *fault.Field
	if date := row.value(colPayoutDate); date == "" {
		p.problem(row, fault.Field{Name: colPayoutDate, Key: "error.required"})
	} else if out.PayoutDate, wrong = f.date(date); wrong != nil {
		wrong.Name = colPayoutDate
		p.problem(row, *wrong)
	}
	read := func(column string, into *int64) {
		text := row.value(column)
		if text == "" {
			return
		}
		p.given[column] = true
		if *into, wrong = f.amount(text, out.CurrencyCode); wrong != nil {
			wrong.Name = column
			p.problem(row, *wrong)
		}
	}
	for _, t := range fileTotals {
		read(t.column, t.field(&out.Totals))
	}
	if read(colSettlement, &out.Totals.Settlement); !p.given[colSettlement] {
		p.problem(row, fault.Field{Name: colSettlement, Key: "error.required"})
	}
	p.told = p.ok()
}

// problem adds what is wrong at a place; field.Name is the column by its own name.
func (p *filePayout) problem(row fileRow, field fault.Field) {
	if row.Has(field.Name) {
		field.Name = row.Heading(field.Name)
	}
	p.add(FileProblem{Line: row.Line, Column: field.Name, Problem: problemOf(field)})
}

func (p *filePayout) add(problem FileProblem) {
	if len(p.problems) == maxProblems {
		p.more++
		return
	}
	p.problems = append(p.problems, problem)
}

func problemOf(field fault.Field) Problem {
	return *problem(field.Key, field.Args...)
}

// ok tells that the payout can be imported as far as the file goes.
func (p *filePayout) ok() bool { return len(p.problems) == 0 }
