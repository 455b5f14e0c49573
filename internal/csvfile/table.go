package csvfile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"zahlwerk/internal/fault"
)

// Options are the limits of a file; what is 0 is the default.
type Options struct {
	MaxBytes   int64 // 32 MiB
	MaxColumns int   // 200
	MaxRows    int   // 200,000
	MaxField   int   // characters in a cell, 10,000
}

// MaxBytes is how large a file may be by default.
const MaxBytes = 32 << 20

// maxRecord is the most that one record may take up: more is a quote that never ends.
const maxRecord = 1 << 20

// maxName is how long the name of a column may be: what is longer is no name.
const maxName = 200

func (o Options) orDefault() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = MaxBytes
	}
	if o.MaxColumns == 0 {
		o.MaxColumns = 200
	}
	if o.MaxRows == 0 {
		o.MaxRows = 200_000
	}
	if o.MaxField == 0 {
		o.MaxField = 10_000
	}
	return o
}

// Table is an open file: a header and rows.
type Table struct {
	Encoding  Encoding
	Delimiter rune
	Header    []string // the names of the columns; "" for a column without one

	text    text
	options Options
	named   bool // the first line is Excel's sep=
}

// Row is a line of the table, which may be several lines of the file.
type Row struct {
	Line    int          // where it begins in the file, counted from 1
	End     int          // where it ends
	Cells   []string     // as many as the header has, but fewer when there is a Problem
	Problem *fault.Field // what can't be read; Name is the column, "" for the row
}

// Open looks at a file from its beginning. src is read several times and stays open.
// Errors are of code Invalid or TooLarge and name what is wrong.
func Open(src io.ReadSeeker, o Options) (*Table, error) {
	t := &Table{options: o.orDefault()}
	size, err := src.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = src.Seek(0, io.SeekStart)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the file: %w", err)
	case size == 0:
		return nil, fault.New(fault.Invalid, "csvfile.error.empty")
	case size > t.options.MaxBytes:
		return nil, fault.New(fault.TooLarge, "csvfile.error.too_large", "Limit", Size(t.options.MaxBytes))
	}
	if t.text, err = look(src); err != nil {
		return nil, err
	}
	t.Encoding = t.text.encoding
	if err := t.findDelimiter(); err != nil {
		return nil, err
	}
	return t, t.readHeader()
}

// Size writes a number of bytes for people.
func Size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}

func (t *Table) readHeader() error {
	for row, err := range t.records() {
		if err != nil {
			return err
		}
		if row.Problem != nil {
			return fault.New(fault.Invalid, "csvfile.error.header", "Line", row.Line)
		}
		return t.setHeader(row)
	}
	return fault.New(fault.Invalid, "csvfile.error.empty")
}

func (t *Table) setHeader(row Row) error {
	for len(row.Cells) > 1 && row.Cells[len(row.Cells)-1] == "" {
		row.Cells = row.Cells[:len(row.Cells)-1]
	}
	if n := len(row.Cells); n > t.options.MaxColumns {
		return fault.New(fault.Invalid, "csvfile.error.too_many_columns", "Columns", n, "Max", t.options.MaxColumns)
	}
	t.Header = row.Cells
	return checkHeader(row)
}

// checkHeader refuses what looks like data: a file without a header would lose its first
// row and have its columns taken for others.
func checkHeader(row Row) error {
	seen := map[string]string{}
	for _, name := range row.Cells {
		if name == "" {
			continue
		}
		if utf8.RuneCountInString(name) > maxName || !strings.ContainsFunc(name, unicode.IsLetter) && strings.ContainsFunc(name, unicode.IsDigit) {
			return fault.New(fault.Invalid, "csvfile.error.no_header", "Line", row.Line, "Cell", clip(name))
		}
		folded := Fold(name)
		if other, twice := seen[folded]; twice && folded != "" {
			return fault.New(fault.Invalid, "csvfile.error.column_twice", "Column", name, "Other", other)
		}
		seen[folded] = name
	}
	return nil
}

// clip shortens a text for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}

// Rows returns the rows below the header, without those that are blank. It can be
// called again. A row that can't be read comes with its Problem, and the next ones
// follow; an error ends the file.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		header, n := true, 0
		for row, err := range t.records() {
			if header && err == nil {
				header = false
				continue
			}
			if n++; err == nil && n > t.options.MaxRows {
				err = fault.New(fault.TooLarge, "csvfile.error.too_many_rows", "Max", t.options.MaxRows)
			}
			if err == nil {
				t.fit(&row)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// fit finds what is wrong with a row below the header.
func (t *Table) fit(row *Row) {
	switch {
	case row.Problem == nil:
		t.checkRow(row)
	case len(row.Cells) < len(t.Header): // it broke in the cell after those
		row.Problem.Name = t.Header[len(row.Cells)]
	}
}

// checkRow finds a row that has another shape than the header. Empty cells beyond it are
// what some programs write.
func (t *Table) checkRow(row *Row) {
	n := len(t.Header)
	for len(row.Cells) > n && row.Cells[len(row.Cells)-1] == "" {
		row.Cells = row.Cells[:len(row.Cells)-1]
	}
	if len(row.Cells) != n {
		row.Problem = &fault.Field{Key: "csvfile.error.ragged", Args: []any{"Columns", len(row.Cells), "Want", n}}
		return
	}
	for i, cell := range row.Cells {
		if len(cell) > t.options.MaxField && utf8.RuneCountInString(cell) > t.options.MaxField {
			row.Problem = &fault.Field{Name: t.Header[i], Key: "error.too_long", Args: []any{"Max", t.options.MaxField}}
			return
		}
	}
}

// records returns every record that is not blank, the header first.
func (t *Table) records() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r, m, err := t.reader()
		if err != nil {
			yield(Row{}, err)
			return
		}
		before := 0 // lines above the first that the reader sees
		if t.named {
			before = 1
		}
		next := before + 1 // where the next record can begin at the earliest
		for {
			m.read = 0
			cells, err := r.Read()
			if err == io.EOF {
				return
			}
			row, err := rowOf(r, cells, err)
			if err != nil {
				if errors.Is(err, errRecord) {
					err = fault.New(fault.Invalid, "csvfile.error.quote_open", "Line", next)
				}
				yield(Row{}, err)
				return
			}
			row.Line, row.End = row.Line+before, row.End+before
			next = row.End + 1
			if row.Problem == nil && isBlank(row.Cells) {
				continue
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// rowOf turns what the reader returned into a row. A record that can't be parsed has the
// cells before the spot.
func rowOf(r *csv.Reader, cells []string, err error) (Row, error) {
	row := Row{Cells: cells}
	bad, isBad := errors.AsType[*csv.ParseError](err)
	switch {
	case isBad:
		row.Line, row.End = bad.StartLine, bad.Line
		row.Problem = &fault.Field{Key: "csvfile.error.quote", Args: []any{"Line", bad.Line}}
	case err != nil:
		return row, fmt.Errorf("read the file: %w", err)
	default:
		row.Line, _ = r.FieldPos(0)
		last := len(cells) - 1
		row.End, _ = r.FieldPos(last)
		row.End += strings.Count(cells[last], "\n")
	}
	for i, c := range cells {
		cells[i] = clean(c)
	}
	return row, nil
}

func isBlank(cells []string) bool {
	for _, c := range cells {
		if c != "" {
			return false
		}
	}
	return true
}

// clean takes off what does not belong to a cell: blanks around it, and the ="…" by which
// spreadsheets are kept from taking a number for a figure.
func clean(cell string) string {
	cell = strings.TrimSpace(cell)
	if inner, ok := strings.CutPrefix(cell, `="`); ok && strings.HasSuffix(inner, `"`) {
		return strings.TrimSpace(strings.TrimSuffix(inner, `"`))
	}
	return cell
}

// reader returns a parser at the header, and the meter that keeps its records small.
func (t *Table) reader() (*csv.Reader, *meter, error) {
	in, err := t.text.lines()
	if err != nil {
		return nil, nil, err
	}
	m := &meter{r: in}
	lines := bufio.NewReader(m)
	if t.named {
		if _, err := lines.ReadString('\n'); err != nil && err != io.EOF {
			return nil, nil, fmt.Errorf("read the file: %w", err)
		}
	}
	r := csv.NewReader(lines)
	r.Comma, r.FieldsPerRecord = t.Delimiter, -1
	return r, m, nil
}

var errRecord = errors.New("the record is too long")

// meter refuses to hand over more than a record may have. Whoever begins a record sets
// read to 0.
type meter struct {
	r    io.Reader
	read int
}

func (m *meter) Read(b []byte) (int, error) {
	if m.read > maxRecord {
		return 0, errRecord
	}
	n, err := m.r.Read(b)
	m.read += n
	return n, err
}
