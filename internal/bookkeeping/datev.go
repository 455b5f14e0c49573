package bookkeeping

import (
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// DATEV's limits: postings a batch, and ten digits before the comma.
const (
	maxDATEVRows   = 99_999
	maxDATEVAmount = 9_999_999_999_99
)

// What DATEV's format version 13 of a booking batch has as columns, and the places of
// those that are filled. Numbers count from 1, as DATEV's description does.
// https://developer.datev.de/de/file-format/details/datev-format/format-description/booking-batch
const (
	datevAmount    = 1
	datevSide      = 2 // S or H, of the account in column 7
	datevCurrency  = 3
	datevAccount   = 7
	datevContra    = 8
	datevTaxKey    = 9
	datevDay       = 10 // TTMM: the year is that of the fiscal year
	datevDocument  = 11 // Belegfeld 1: open items are settled by it
	datevText      = 14
	datevOrder     = 95
	datevLocked    = 114
	datevReference = 121 // what holds the postings of a payment service's payout together
)

var datevColumns = func() []string {
	numbered := func(first, second string, n int) string {
		var names []string
		for i := 1; i <= n; i++ {
			names = append(names, first+" "+strconv.Itoa(i), second+" "+strconv.Itoa(i))
		}
		return strings.Join(names, ";")
	}
	return strings.Split(strings.Join([]string{
		"Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;WKZ Umsatz;Kurs;Basisumsatz;WKZ Basisumsatz;Konto",
		"Gegenkonto (ohne BU-Schlüssel);BU-Schlüssel;Belegdatum;Belegfeld 1;Belegfeld 2;Skonto;Buchungstext",
		"Postensperre;Diverse Adressnummer;Geschäftspartnerbank;Sachverhalt;Zinssperre;Beleglink",
		numbered("Beleginfo – Art", "Beleginfo – Inhalt", 8),
		"KOST1 – Kostenstelle;KOST2 – Kostenstelle;Kost Menge;EU-Land u. USt-IdNr.;EU-Steuersatz",
		"Abw. Versteuerungsart;Sachverhalt L+L;Funktionsergänzung L+L;BU 49 Hauptfunktionstyp",
		"BU 49 Hauptfunktionsnummer;BU 49 Funktionsergänzung",
		numbered("Zusatzinformation – Art", "Zusatzinformation – Inhalt", 20),
		"Stück;Gewicht;Zahlweise;Forderungsart;Veranlagungsjahr;Zugeordnete Fälligkeit;Skontotyp;Auftragsnummer",
		"Buchungstyp;USt-Schlüssel (Anzahlungen);EU-Mitgliedstaat (Anzahlungen);Sachverhalt L+L (Anzahlungen)",
		"EU-Steuersatz (Anzahlungen);Erlöskonto (Anzahlungen);Herkunft-Kz;Leerfeld;KOST-Datum",
		"SEPA-Mandatsreferenz;Skontosperre;Gesellschaftername;Beteiligtennummer;Identifikationsnummer",
		"Zeichnernummer;Postensperre bis;Bezeichnung;Kennzeichen;Festschreibung;Leistungsdatum;Datum Zuord.",
		"Fälligkeit;Generalumkehr;Steuersatz;Land;Abrechnungsreferent;BVV-Position",
		"EU-Mitgliedstaat u. UStID (Ursprung);EU-Steuersatz (Ursprung);Abw. Skontokonto",
	}, ";"), ";")
}()

type datevFile struct {
	w    io.Writer
	h    *header
	row  []string // reused
	line []byte   // reused
}

func newDATEV(w io.Writer, h *header) file {
	return &datevFile{w: w, h: h, row: make([]string, len(datevColumns))}
}

// heading writes the two lines above the postings: what the batch is, and the columns.
func (f *datevFile) heading() error {
	const day = "20060102"
	h := f.h
	head := []string{
		quoted("EXTF"), "700", "21", quoted("Buchungsstapel"), "13",
		h.stamp.In(h.from.Location()).Format("20060102150405") + "000", "", quoted("ZW"), quoted("Zahlwerk"), quoted(""),
		strconv.Itoa(h.set.Consultant), strconv.Itoa(h.set.Client), h.set.yearBegin(h.year, h.from.Location()).Format(day),
		strconv.Itoa(h.set.AccountLength), h.from.Format(day), h.until.Format(day),
		quoted(batchName(h)),
		quoted(""), "1", "0", "0", quoted(h.currency), "", quoted(""), "", "", quoted(""), "", "", quoted(""), quoted(""),
	}
	if err := f.write(head); err != nil {
		return err
	}
	return f.write(datevColumns)
}

func (f *datevFile) put(p *posting) error {
	if f.line == nil {
		if err := f.heading(); err != nil {
			return err
		}
	}
	side := "S"
	if p.Amount < 0 {
		side = "H"
	}
	digits := decimals(f.h.currency)
	amount := decimal(abs(p.Amount), digits, ',')
	if digits == 0 {
		amount += ",00"
	}
	for column, cell := range map[int]string{
		datevAmount: amount, datevSide: quoted(side), datevCurrency: quoted(f.h.currency),
		datevAccount: f.h.set.Accounts[Clearing], datevContra: f.h.set.Accounts[p.Role], datevTaxKey: "",
		datevDay: p.Day.Format("0201"), datevDocument: quoted(document(p.reference())),
		datevText: quoted(cut(f.h.texts.posting(p), 60)), datevOrder: "",
		datevLocked: "0", datevReference: quoted(cut(plain(p.Payout.PaymentReference), 30)),
	} {
		f.row[column-1] = cell
	}
	if key := f.h.set.taxKeyOf(p); key != "" {
		f.row[datevTaxKey-1] = quoted(key)
	}
	if o := cut(plain(p.order()), 30); o != "" {
		f.row[datevOrder-1] = quoted(o)
	}
	return f.write(f.row)
}

func (f *datevFile) close() error { return nil }

// write writes a line in Windows-1252; what that does not have becomes a question mark.
func (f *datevFile) write(cells []string) error {
	f.line = f.line[:0]
	for i, cell := range cells {
		if i > 0 {
			f.line = append(f.line, ';')
		}
		for _, r := range cell {
			b, ok := charmap.Windows1252.EncodeRune(r)
			if !ok {
				b = '?'
			}
			f.line = append(f.line, b)
		}
	}
	f.line = append(f.line, '\r', '\n')
	_, err := f.w.Write(f.line)
	return err
}

// quoted is a text cell.
func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// document keeps of a number what DATEV takes in Belegfeld 1, at most 36 characters.
func document(s string) string {
	return cut(strings.Map(func(r rune) rune {
		switch {
		case isAlphanumeric(r), strings.ContainsRune("$&%*+-/", r):
			return r
		case r == ' ':
			return -1
		}
		return '-'
	}, spelled(s, func(r rune) bool { return r < 0x80 })), 36)
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// batchName is what people know a batch by, at most 30 characters.
func batchName(h *header) string {
	number := " " + h.currency + " " + strconv.Itoa(h.number)
	return cut(spelled(h.account.ShortName, isBatchName), 30-len(number)) + number
}

// isBatchName tells what the name of a batch may have.
func isBatchName(r rune) bool { return isAlphanumeric(r) || strings.ContainsRune("_.-/ ", r) }
