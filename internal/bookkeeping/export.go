package bookkeeping

import (
	"archive/zip"
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/settlement"
)

// Format is a form of file.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	DATEV     Format = "datev"
	CAMT      Format = "camt053"
	MT940     Format = "mt940"
	FeeReport Format = "fees" // the fees as base of the reverse charge, as CSV
)

// Formats lists all formats.
func Formats() []Format { return []Format{CSV, DATEV, CAMT, MT940, FeeReport} }

// format is what is particular to a format.
type format struct {
	extension   string
	contentType string
	prefix      string // of file names
	accounts    bool   // it names accounts of the ledger
	statement   bool   // it is an account's statement: what comes in and goes out
	byYear      bool   // a file holds one fiscal year
	limit       int64  // postings a file; 0: none
	places      int    // decimals of an amount at most
	most        int64  // the largest amount, in units of the last place; 0: none
	open        func(w io.Writer, h *header) file
}

var formats = map[Format]*format{
	CSV:       {extension: "csv", contentType: "text/csv; charset=utf-8", prefix: "postings", accounts: true, places: 3, open: newCSV},
	DATEV:     {extension: "csv", contentType: "text/csv; charset=windows-1252", prefix: "EXTF_Buchungsstapel", accounts: true, byYear: true, limit: maxDATEVRows, places: 2, most: maxDATEVAmount, open: newDATEV},
	CAMT:      {extension: "xml", contentType: "application/xml", prefix: "camt.053", statement: true, places: 5, most: maxCAMTAmount, open: newCAMT},
	MT940:     {extension: "sta", contentType: "text/plain; charset=us-ascii", prefix: "MT940", statement: true, places: 3, most: maxMT940Amount, open: newMT940},
	FeeReport: {extension: "csv", contentType: "text/csv; charset=utf-8", prefix: "fees", places: 3},
}

func (sel *Selection) format() *format { return formats[sel.Format] }

// holds tells whether an amount can stand in the format.
func (f *format) holds(amount int64, currency string) bool {
	return decimals(currency) <= f.places && (f.most == 0 || abs(amount) <= f.most)
}

// file is a file that is being written.
type file interface {
	put(p *posting) error
	close() error
}

// header is what a file says of itself.
type header struct {
	account     *businessaccount.Account
	currency    string
	from, until time.Time // its first and last day
	year        int       // fiscal year
	stamp       time.Time // when the newest payout in it was made
	number      int       // of the files of a currency, from 1
	payout      string    // "" for a period
	set         *Settings
	texts       *texts
}

// statement is the number of an account's statement: its last day, as year and day of the
// year. It grows with time and is the same again.
func (h *header) statement() string {
	return h.until.Format("06") + fmt.Sprintf("%03d", h.until.YearDay())
}

// Export is a file, or several in one, ready to be written.
type Export struct {
	Name        string
	ContentType string
	service     *Service
	check       *Check
	texts       *texts
	several     bool
	whole       bool // payouts that are not complete are refused
}

// Open returns an export that can be written. Payouts whose lines are not all here are
// exported only on purpose. Errors: those of Check; Conflict when something is missing.
func (s *Service) Open(ctx context.Context, sel Selection, incomplete bool) (*Export, error) {
	c, err := s.Check(ctx, sel)
	switch {
	case err != nil:
		return nil, err
	case c.Postings() == 0:
		return nil, fault.New(fault.Conflict, "bookkeeping.error.empty")
	case !c.Ready():
		return nil, fault.New(fault.Conflict, "bookkeeping.error.missing")
	case c.Incomplete.Count > 0 && !incomplete:
		return nil, fault.New(fault.Conflict, "bookkeeping.error.incomplete", "Count", c.Incomplete.Count)
	}
	f := sel.format()
	e := &Export{service: s, check: c, texts: newTexts(c.Settings.Language), whole: !incomplete, ContentType: f.contentType}
	e.several = sel.Format != FeeReport && (len(c.Sums) > 1 || c.splits(c.Sums[0]))
	e.Name = e.name("", f.extension)
	if e.several {
		e.Name, e.ContentType = e.name("", "zip"), "application/zip"
	}
	return e, nil
}

// splits tells that a currency may need several files.
func (c *Check) splits(s Sum) bool {
	f, years := c.Selection.format(), c.years[s.Currency]
	return f.limit > 0 && s.Postings > f.limit || f.byYear && years[0] != years[1]
}

// name is the name of a file; part tells it from others of the same export.
func (e *Export) name(part, extension string) string {
	sel := &e.check.Selection
	what := sel.From.Format(time.DateOnly) + "_" + sel.Until.Format(time.DateOnly)
	if sel.Payout != "" {
		what = sel.Payout
	}
	return fileName(sel.format().prefix+"_"+e.check.Account.ShortName+"_"+what+part) + "." + extension
}

// fileName keeps what every file system takes.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return r
		}
		return '-'
	}, spelled(s, func(r rune) bool { return r < 0x80 }))
}

// Write writes the export, a payout's lines at a time.
func (e *Export) Write(ctx context.Context, w io.Writer) error {
	if e.check.Selection.Format == FeeReport {
		return e.writeFees(w)
	}
	buffer := bufio.NewWriterSize(w, 1<<16)
	x := &writing{Export: e, out: buffer}
	if e.several {
		x.zip = zip.NewWriter(buffer)
	}
	for _, s := range e.check.Sums {
		if err := x.currency(ctx, s.Currency); err != nil {
			return fmt.Errorf("export %s: %w", e.Name, err)
		}
	}
	if x.zip != nil {
		if err := x.zip.Close(); err != nil {
			return fmt.Errorf("export %s: %w", e.Name, err)
		}
	}
	return buffer.Flush()
}

// writing is an export that is being written, and where it is.
type writing struct {
	*Export
	out    io.Writer
	zip    *zip.Writer
	file   file
	header header
	rows   int64 // in the file
}

// currency writes the files of a currency.
func (x *writing) currency(ctx context.Context, currency string) error {
	x.header = header{}
	err := x.service.payouts(ctx, &x.check.Selection, currency, func(p *settlement.Payout, lines []settlement.Sum) error {
		if x.whole && !p.Complete {
			return fault.New(fault.Conflict, "bookkeeping.error.changed", "Payout", p.PaymentReference)
		}
		return x.payout(ctx, p, lines)
	})
	if err != nil {
		return err
	}
	return x.close()
}

func (x *writing) payout(ctx context.Context, p *settlement.Payout, lines []settlement.Sum) error {
	postings, _ := x.check.Selection.outline(p, lines)
	if x.check.Selection.Way == PerLine {
		amount, err := x.service.lines(ctx, p, lines, func(l *line) error {
			post := ofLine(p, l)
			return x.put(&post)
		})
		if err != nil {
			return err
		}
		postings = nonzero(append(differences(p, lines, amount), transfer(p)))
	}
	for i := range postings {
		if err := x.put(&postings[i]); err != nil {
			return err
		}
	}
	return nil
}

// put writes a posting, into a new file where it does not belong into the present one.
func (x *writing) put(p *posting) error {
	if p.Amount == 0 {
		return nil
	}
	f, year := x.check.Selection.format(), x.check.Settings.year(p.Day)
	if !f.holds(p.Amount, p.Payout.Currency) {
		return fmt.Errorf("payout %s has an amount that the format can't hold", p.Payout.PaymentReference)
	}
	if x.file != nil && (f.limit > 0 && x.rows == f.limit || f.byYear && year != x.header.year) {
		if err := x.close(); err != nil {
			return err
		}
	}
	if x.file == nil {
		if err := x.open(p, year); err != nil {
			return err
		}
	}
	x.rows++
	return x.file.put(p)
}

// open begins the file that a posting goes into.
func (x *writing) open(p *posting, year int) error {
	c, f := x.check, x.check.Selection.format()
	h := header{
		account: &c.Account, currency: p.Payout.Currency, from: c.Selection.From, until: c.Selection.Until, year: year,
		stamp: c.newest[p.Payout.Currency], number: x.header.number + 1, payout: c.Selection.Payout, set: &c.Settings, texts: x.texts,
	}
	if h.payout != "" {
		h.from, h.until = p.Day, p.Day
	}
	if f.byYear {
		h.clip(p.Day.Location())
	}
	x.header, x.rows = h, 0
	w := x.out
	if x.zip != nil {
		part := "_" + h.currency
		if f.byYear {
			part += "_" + strconv.Itoa(h.year) + "_" + strconv.Itoa(h.number)
		}
		entry, err := x.zip.Create(x.name(part, f.extension))
		if err != nil {
			return err
		}
		w = entry
	}
	x.file = f.open(w, &x.header)
	return nil
}

// clip restricts the period to the fiscal year.
func (h *header) clip(in *time.Location) {
	begin, end := h.set.yearBegin(h.year, in), h.set.yearBegin(h.year+1, in).AddDate(0, 0, -1)
	if h.from.Before(begin) {
		h.from = begin
	}
	if h.until.After(end) {
		h.until = end
	}
}

func (x *writing) close() error {
	if x.file == nil {
		return nil
	}
	err := x.file.close()
	x.file = nil
	return err
}
