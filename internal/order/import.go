package order

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
)

// Import is a file of orders: a row for each line of an order, the rows of an order
// beside each other or not, held together by its number. What belongs to the order as a
// whole may stand in each of its rows or in one.
type Import struct {
	Unknown []string // columns that mean nothing here

	table   *csvfile.Table
	columns *csvfile.Columns
	decimal csvfile.Decimal
	ends    map[string]int     // number of an order: the line of its last row
	spoilt  map[string]Problem // orders that may have lost a row that can't be read
}

// Imported is an order as a file has it.
type Imported struct {
	Line     int // of the file, its first
	Number   string
	Input    Input
	Problems []Problem // what can't be read; the order is not to be made

	rows   []csvfile.Row // nil when they are not all there
	unsaid []Problem     // places of what follows from other problems, and is not said
}

// Problem is what is wrong in a file, with its place.
type Problem struct {
	Line   int
	Column string // as the file calls it, "" for the row
	Key    string
	Args   []any
}

// defaultCurrency is what an order without one is in.
const defaultCurrency = "EUR"

// OpenImport looks at a file, which stays open and is read several times. Errors are of
// code Invalid or TooLarge.
func OpenImport(src io.ReadSeeker) (*Import, error) {
	table, err := csvfile.Open(src, csvfile.Options{})
	if err != nil {
		return nil, err
	}
	columns, err := table.Find(importColumns)
	if err != nil {
		return nil, err
	}
	if missing := missingColumns(columns); len(missing) > 0 {
		return nil, fault.New(fault.Invalid, "import.error.columns_missing", "Columns", strings.Join(missing, ", "))
	}
	im := &Import{Unknown: columns.Unknown, table: table, columns: columns, ends: map[string]int{}, spoilt: map[string]Problem{}}
	return im, im.survey()
}

// Table is the file as it was read.
func (im *Import) Table() *csvfile.Table { return im.table }

// survey walks over the file once: how it writes numbers, where each order ends, and
// which orders can't be trusted because a row that may be theirs can't be read.
func (im *Import) survey() error {
	var last string // number of the order of the row before
	var lost *int   // line of a row that may have been the beginning of the next order
	rows := 0
	for row, err := range im.table.Rows() {
		if err != nil {
			return err
		}
		rows++
		number := im.columns.Value(row, colNumber)
		if number != "" {
			im.ends[number] = row.Line
		}
		if lost != nil && number != "" {
			if number != last {
				im.spoil(number, *lost)
			}
			lost = nil
		}
		switch {
		case row.Problem != nil && (number == "" || row.End > row.Line):
			if number == "" {
				im.spoil(last, row.Line)
			}
			lost = &row.Line
		case number == "" && im.continues(row):
			im.spoil(last, row.Line)
		}
		for _, column := range figures {
			im.decimal = im.decimal.And(csvfile.DecimalOf(im.columns.Value(row, column)))
		}
		if number != "" {
			last = number
		}
	}
	if rows == 0 {
		return fault.New(fault.Invalid, "import.error.no_rows")
	}
	return nil
}

// continues tells a row that says nothing of an order as a whole, and so must be a line
// of one.
func (im *Import) continues(row csvfile.Row) bool {
	return im.columns.Value(row, colMethod) == "" && im.columns.Value(row, colName) == ""
}

func (im *Import) spoil(number string, line int) {
	if _, known := im.spoilt[number]; !known && number != "" {
		im.spoilt[number] = Problem{Line: line, Key: "import.error.spoilt"}
	}
}

// Orders returns the orders of the file, each as soon as its last row is read. A row
// without an order's number is an order of its own, with a Problem.
func (im *Import) Orders() iter.Seq2[Imported, error] {
	return func(yield func(Imported, error) bool) {
		open := map[string]*Imported{}
		for row, err := range im.table.Rows() {
			if err != nil {
				yield(Imported{}, err)
				return
			}
			number := im.columns.Value(row, colNumber)
			o := open[number]
			if o == nil {
				o = &Imported{Line: row.Line, Number: number}
				open[number] = o
			}
			if len(o.rows) <= MaxLines { // one more than may be is enough to refuse it
				o.rows = append(o.rows, row)
			}
			if number != "" && im.ends[number] != row.Line {
				continue
			}
			delete(open, number)
			im.read(o)
			if !yield(*o, nil) {
				return
			}
		}
	}
}

// read turns the rows of an order into its input.
func (im *Import) read(o *Imported) {
	for _, row := range o.rows {
		if p := row.Problem; p != nil {
			o.Problems = append(o.Problems, Problem{Line: row.Line, Column: p.Name, Key: p.Key, Args: p.Args})
		}
	}
	if p, ok := im.spoilt[o.Number]; ok {
		o.Problems = append(o.Problems, p)
	}
	if o.Number == "" && len(o.Problems) == 0 {
		o.Problems = append(o.Problems, Problem{Line: o.Line, Column: im.columns.Heading(colNumber), Key: "error.required"})
	}
	if len(o.Problems) > 0 {
		o.rows = nil // half an order is not looked at any further
		return
	}
	(&importReading{Import: im, order: o}).read()
}

// importReading is an order's rows being read.
type importReading struct {
	*Import
	order    *Imported
	currency string
}

func (r *importReading) read() {
	in := &r.order.Input
	in.Number = r.order.Number
	r.currency = strings.ToUpper(r.value(colCurrency))
	if r.currency == "" {
		r.currency = defaultCurrency
	}
	in.ExternalNumber, in.PaymentMethod, in.Currency = r.value("external_number"), r.value(colMethod), r.currency
	in.KlarnaOrderID, in.CustomerEmail = r.value("klarna_order_id"), r.value("customer_email")
	in.BillingAddress = r.address(billingColumn)
	if in.CustomerName = r.value(colName); in.CustomerName == "" {
		in.CustomerName = in.BillingAddress.Name
	}
	if a := r.address(func(part string) string { return ofShipping + part }); a != (Address{}) {
		in.ShippingAddress = &a
	}
	var ok bool
	if date := r.value("placed_at"); date != "" {
		if in.PlacedAt, ok = parseDate(date); !ok {
			r.problem(r.place("placed_at"), "placed_at", "import.error.date", "Value", date)
		}
	}
	if yes := r.value("auto_ship"); yes != "" {
		if in.AutoShip, ok = parseBool(yes); !ok {
			r.problem(r.place("auto_ship"), "auto_ship", "import.error.bool", "Value", yes)
		}
	}
	readable := true
	var sum int64
	for _, row := range r.order.rows {
		l := r.line(row)
		in.Lines = append(in.Lines, l)
		if readable = readable && l.Total >= -MaxAmount && l.Total <= MaxAmount; readable {
			sum += l.Total
		}
	}
	if in.Total = sum; r.value(colTotal) != "" {
		in.Total = r.amount(r.order.rows[r.rowOf(colTotal)], colTotal)
	}
}

func (r *importReading) line(row csvfile.Row) LineInput {
	value := func(column string) string { return r.columns.Value(row, column) }
	l := LineInput{SKU: value("line_sku"), Name: value(colLineName), Type: parseLineType(value(colLineType)), Quantity: money.One}
	if s := value(colQuantity); s != "" {
		l.Quantity = r.quantity(row, s)
	}
	if s := value(colTaxRate); s != "" {
		l.TaxRate = r.rate(row, s)
	}
	hasPrice, hasTotal := value(colUnitPrice) != "", value(colLineTotal) != ""
	if hasPrice {
		l.UnitPrice = r.amount(row, colUnitPrice)
	}
	switch {
	case hasTotal:
		l.Total = r.amount(row, colLineTotal)
		if !hasPrice && l.Total != noAmount {
			l.UnitPrice = unitPrice(l.Total, l.Quantity)
		}
	case hasPrice && (l.UnitPrice == noAmount || l.Quantity <= 0):
		l.Total = noAmount
		r.order.unsaid = append(r.order.unsaid, Problem{Line: row.Line, Column: r.columns.Heading(colLineTotal)})
	case hasPrice:
		l.Total = LineTotal(l.UnitPrice, l.Quantity)
	default:
		r.problem(row.Line, colLineTotal, "error.required")
		l.Total = noAmount
	}
	return l
}

func (r *importReading) quantity(row csvfile.Row, s string) money.Quantity {
	if !r.decimal.Clear(s) {
		r.problem(row.Line, colQuantity, "import.error.ambiguous", "Value", s)
		return noQuantity
	}
	q, err := money.ParseQuantity(s, r.decimal.Lang())
	if err != nil {
		r.problem(row.Line, colQuantity, "order.error.quantity")
		return noQuantity
	}
	return q
}

func (r *importReading) rate(row csvfile.Row, s string) int64 {
	rate, ok := parseRate(s, r.decimal.Lang())
	if !ok || !r.decimal.Clear(s) {
		r.problem(row.Line, colTaxRate, "order.error.tax_rate")
		return noRate
	}
	return rate
}

func (r *importReading) amount(row csvfile.Row, column string) int64 {
	s := r.columns.Value(row, column)
	if !r.decimal.Clear(s) {
		r.problem(row.Line, column, "import.error.ambiguous", "Value", s)
		return noAmount
	}
	amount, err := money.Parse(s, r.currency, r.decimal.Lang())
	switch {
	case errors.Is(err, money.ErrOutOfRange):
		r.problem(row.Line, column, "order.error.amount_range")
	case errors.Is(err, money.ErrOtherCurrency):
		r.problem(row.Line, column, "import.error.other_currency", "Value", s, "Currency", r.currency)
	case errors.Is(err, money.ErrTooManyDecimals):
		r.problem(row.Line, column, "import.error.decimals", "Value", s, "Currency", r.currency)
	case err != nil:
		r.problem(row.Line, column, "order.error.amount")
	default:
		return amount
	}
	return noAmount
}

func (r *importReading) address(column func(part string) string) (a Address) {
	for _, p := range addressParts {
		*p.field(&a) = r.value(column(p.name))
	}
	a.Country = parseCountry(a.Country)
	return a
}

// value is what the rows of the order say in a column: the first that says anything.
// Another that says something else is a problem.
func (r *importReading) value(column string) string {
	first := r.rowOf(column)
	if first < 0 {
		return ""
	}
	value := r.columns.Value(r.order.rows[first], column)
	for _, row := range r.order.rows[first+1:] {
		if other := r.columns.Value(row, column); other != "" && other != value {
			r.problem(row.Line, column, "import.error.differs", "Value", other, "Other", value, "First", r.order.rows[first].Line)
			break
		}
	}
	return value
}

// rowOf is the first row of the order that has something in a column, -1 for none.
func (r *importReading) rowOf(column string) int {
	return slices.IndexFunc(r.order.rows, func(row csvfile.Row) bool { return r.columns.Value(row, column) != "" })
}

// place is the line in which the order says something in a column.
func (r *importReading) place(column string) int {
	return r.order.rows[max(r.rowOf(column), 0)].Line
}

// problem adds what is wrong at a place, once.
func (r *importReading) problem(line int, column, key string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = clip(text, 100)
		}
	}
	p := Problem{Line: line, Column: r.columns.Heading(column), Key: key, Args: args}
	for _, known := range slices.Concat(r.order.Problems, r.order.unsaid) {
		if known.Line == p.Line && known.Column == p.Column {
			return
		}
	}
	r.order.Problems = append(r.order.Problems, p)
}

// clip shortens a text for a message.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// refuse adds what an order would refuse, at the places where the file has it.
func (im *Import) refuse(o *Imported, fields []fault.Field) {
	r := &importReading{Import: im, order: o}
	for _, f := range fields {
		column, line := columnOf(f.Name)
		at := r.place(column)
		if line >= 0 && line < len(o.rows) {
			at = o.rows[line].Line
		}
		r.problem(at, column, f.Key, slices.Clone(f.Args)...)
	}
}
