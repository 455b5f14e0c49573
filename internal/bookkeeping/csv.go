package bookkeeping

import (
	"encoding/csv"
	"io"
	"time"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/i18n"
)

// csvColumns are the columns of a file of postings.
var csvColumns = []string{"date", "payout", "posting", "type", "detail", "order", "invoice", "klarna_order_id",
	"debit", "credit", "amount", "currency", "clearing", "tax_key", "vat_rate", "vat_amount", "text"}

type csvFile struct {
	w      *csv.Writer
	h      *header
	err    error
	places int
	point  byte
	day    string // how it is written
}

// newTable begins a table, in the manner of spreadsheets of a language.
func newTable(w io.Writer, t *texts, lang string, columns []string) *csvFile {
	f := &csvFile{w: csv.NewWriter(w), point: '.', day: time.DateOnly}
	f.w.UseCRLF = true
	if lang == i18n.German {
		f.w.Comma, f.point, f.day = ';', ',', "02.01.2006"
	}
	_, f.err = io.WriteString(w, csvfile.ByteOrderMark)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = t.word("bookkeeping.csv." + c)
	}
	f.write(head...)
	return f
}

func (f *csvFile) write(cells ...string) {
	if f.err == nil {
		f.err = f.w.Write(cells)
	}
}

func newCSV(w io.Writer, h *header) file {
	f := newTable(w, h.texts, h.set.Language, csvColumns)
	f.h, f.places = h, decimals(h.currency)
	return f
}

func (f *csvFile) put(p *posting) error {
	accounts := f.h.set.Accounts
	debit, credit := accounts[Clearing], accounts[p.Role]
	if p.Amount < 0 {
		debit, credit = credit, debit
	}
	l := p.Line
	if l == nil {
		l = &line{}
	}
	f.write(p.Day.Format(f.day), csvfile.Harmless(p.Payout.PaymentReference), f.h.texts.kind(p.Kind, p.Type), csvfile.Harmless(string(p.Type)),
		csvfile.Harmless(l.DetailedType), csvfile.Harmless(l.Reference), csvfile.Harmless(l.Invoice), csvfile.Harmless(l.KlarnaOrderID), debit, credit,
		decimal(abs(p.Amount), f.places, f.point), f.h.currency, decimal(p.Amount, f.places, f.point), f.h.set.taxKeyOf(p),
		f.number(l.VATRate, 2), f.number(l.VATAmount, f.places), csvfile.Harmless(f.h.texts.posting(p)))
	return f.err
}

// number is a number that may not be there.
func (f *csvFile) number(n *int64, places int) string {
	if n == nil {
		return ""
	}
	return decimal(*n, places, f.point)
}

func (f *csvFile) close() error {
	if f.err == nil {
		f.w.Flush()
		f.err = f.w.Error()
	}
	return f.err
}

// taxKeyOf is the tax key of a posting.
func (set *Settings) taxKeyOf(p *posting) string {
	if !p.Role.taxed() {
		return ""
	}
	return set.FeeTaxKey
}
