package bookkeeping

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"zahlwerk/internal/klarna"
)

// maxMT940Amount is what 15 characters hold, the comma among them.
const maxMT940Amount = 99_999_999_999_999

// Lengths of SWIFT's MT940 in the form of German banks ("Anlage 3 des DFÜ-Abkommens").
const (
	mt940Reference = 16 // :20: and both references of :61:
	mt940Account   = 35
	mt940Line      = 65 // a line of :86:, of which there are six
	mt940Lines     = 6
	mt940Subfield  = 27 // ?20 to ?29
)

// noReference says that there is none.
const noReference = "NONREF"

// errUnbalanced can't be: the transfer to the bank takes away what all other postings of a
// payout come to.
var errUnbalanced = errors.New("a statement does not end with a balance of 0")

type mt940File struct {
	w       io.Writer
	h       *header
	places  int
	balance int64
	begun   bool
	text    strings.Builder // of the present posting
}

func newMT940(w io.Writer, h *header) file {
	return &mt940File{w: w, h: h, places: decimals(h.currency)}
}

// begin writes what stands above the postings.
func (f *mt940File) begin() error {
	h := f.h
	name := "ZW" + h.from.Format("060102") + h.until.Format("060102")
	if h.payout != "" {
		name = h.payout
	}
	_, err := fmt.Fprintf(f.w, ":20:%s\r\n:25:%s\r\n:28C:%s/1\r\n:60F:C%s%s%s\r\n",
		swiftReference(name), cmp.Or(cut(swift(h.account.ShortName), mt940Account), "KLARNA"), h.statement(),
		h.from.Format("060102"), h.currency, f.amount(0))
	f.begun = true
	return err
}

// amount is an amount as SWIFT writes it: the comma stands also where nothing follows it.
func (f *mt940File) amount(minor int64) string {
	s := decimal(minor, f.places, ',')
	if f.places == 0 {
		s += ","
	}
	return s
}

func (f *mt940File) put(p *posting) error {
	if !f.begun {
		if err := f.begin(); err != nil {
			return err
		}
	}
	f.balance += p.Amount
	side := "C"
	if p.Amount < 0 {
		side = "D"
	}
	reference := noReference
	if r := p.reference(); r != p.Payout.PaymentReference {
		reference = swiftReference(r)
	}
	f.text.Reset()
	fmt.Fprintf(&f.text, ":61:%s%s%s%sN%s%s//%s\r\n", p.Day.Format("060102"), p.Day.Format("0102"), side, f.amount(abs(p.Amount)),
		mt940Type(p), reference, swiftReference(p.Payout.PaymentReference))
	f.details(p)
	_, err := io.WriteString(f.w, f.text.String())
	return err
}

// details writes :86: what the posting is in numbered parts, as many to a line as fit.
func (f *mt940File) details(p *posting) {
	kind := f.h.texts.kind(p.Kind, p.Type)
	purpose := []string{kind, f.h.texts.word("bookkeeping.csv.payout") + " " + p.Payout.PaymentReference}
	if l := p.Line; l != nil {
		for _, part := range []struct{ key, value string }{
			{"order", l.Reference}, {"invoice", l.Invoice}, {"detail", l.DetailedType}, {"klarna_order_id", l.KlarnaOrderID},
		} {
			if part.value != "" {
				purpose = append(purpose, f.h.texts.word("bookkeeping.csv."+part.key)+" "+part.value)
			}
		}
	}
	fields := []string{mt940Code(p), "?00" + cut(subfield(kind), mt940Subfield)}
	for _, text := range purpose {
		for text = subfield(text); text != "" && len(fields) < 12; text = strings.TrimSpace(text[min(len(text), mt940Subfield):]) {
			fields = append(fields, fmt.Sprintf("?2%d%s", len(fields)-2, strings.TrimSpace(text[:min(len(text), mt940Subfield)])))
		}
	}
	f.text.WriteString(":86:")
	used, lines := 0, 1
	for _, field := range fields {
		if used+len(field) > mt940Line {
			if lines == mt940Lines {
				break
			}
			f.text.WriteString("\r\n")
			used, lines = 0, lines+1
		}
		f.text.WriteString(field)
		used += len(field)
	}
	f.text.WriteString("\r\n")
}

func (f *mt940File) close() error {
	if f.balance != 0 {
		return errUnbalanced
	}
	_, err := fmt.Fprintf(f.w, ":62F:C%s%s%s\r\n-\r\n", f.h.until.Format("060102"), f.h.currency, f.amount(0))
	return err
}

// mt940Type is the type of a posting in :61:, after its N.
func mt940Type(p *posting) string {
	switch {
	case p.Kind == kindPayout:
		return "TRF"
	case p.Role.isCharge():
		return "CHG"
	}
	return "MSC"
}

// mt940Code is the German code of a posting (Geschäftsvorfallcode).
func mt940Code(p *posting) string {
	switch {
	case p.Kind == kindPayout && p.Amount < 0:
		return "020" // transfer out
	case p.Role.isCharge():
		return "808" // charges
	case p.Type == klarna.TypeSale, p.Kind == kindPayout:
		return "051" // transfer in
	}
	return "835" // other
}

// isCharge tells what is a price for Klarna's services.
func (r Role) isCharge() bool { return r.taxed() || r == Taxes }

// swift spells a text in SWIFT's character set x. A field may not begin with what tells
// fields apart.
func swift(s string) string {
	return strings.TrimLeft(spelled(s, func(r rune) bool { return isAlphanumeric(r) || strings.ContainsRune(" /-?:().,'+", r) }), ":-")
}

// subfield is a text within :86:, where question marks tell the parts apart.
func subfield(s string) string { return strings.ReplaceAll(swift(s), "?", ".") }

// swiftReference is a reference: no slash at an end, no two together; NONREF for one of
// which nothing is left.
func swiftReference(s string) string {
	s = strings.ReplaceAll(swift(s), " ", "")
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	return cmp.Or(strings.Trim(cut(strings.TrimLeft(s, "/"), mt940Reference), "/"), noReference)
}
