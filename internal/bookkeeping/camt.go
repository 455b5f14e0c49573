package bookkeeping

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxCAMTAmount is what 18 digits hold.
const maxCAMTAmount = 999_999_999_999_999_999

// camtNamespace is the version of the message, which German banks send since 2025.
const camtNamespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

// The parts of a statement, in the order of the schema.
type (
	camtHeader struct {
		XMLName xml.Name `xml:"GrpHdr"`
		ID      string   `xml:"MsgId"`
		Created string   `xml:"CreDtTm"`
	}
	camtPeriod struct {
		XMLName xml.Name `xml:"FrToDt"`
		From    string   `xml:"FrDtTm"`
		Until   string   `xml:"ToDtTm"`
	}
	camtAccount struct {
		XMLName  xml.Name `xml:"Acct"`
		ID       string   `xml:"Id>Othr>Id"`
		Currency string   `xml:"Ccy"`
		Name     string   `xml:"Nm"`
	}
	camtBalance struct {
		XMLName xml.Name   `xml:"Bal"`
		Code    string     `xml:"Tp>CdOrPrtry>Cd"`
		Amount  camtAmount `xml:"Amt"`
		Side    string     `xml:"CdtDbtInd"`
		Day     string     `xml:"Dt>Dt"`
	}
	camtAmount struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	}
	camtEntry struct {
		XMLName   xml.Name   `xml:"Ntry"`
		Number    int        `xml:"NtryRef"`
		Amount    camtAmount `xml:"Amt"`
		Side      string     `xml:"CdtDbtInd"`
		Status    string     `xml:"Sts>Cd"`
		Booked    string     `xml:"BookgDt>Dt"`
		Value     string     `xml:"ValDt>Dt"`
		Reference string     `xml:"AcctSvcrRef"`
		Code      camtCode   `xml:"BkTxCd"`
		Details   camtTx     `xml:"NtryDtls>TxDtls"`
		Text      string     `xml:"AddtlNtryInf"`
	}
	camtCode struct {
		Domain string `xml:"Domn>Cd"`
		Family string `xml:"Domn>Fmly>Cd"`
		Sub    string `xml:"Domn>Fmly>SubFmlyCd"`
		Type   string `xml:"Prtry>Cd"`
		Issuer string `xml:"Prtry>Issr"`
	}
	camtTx struct {
		Refs     camtRefs   `xml:"Refs"`
		Amount   camtAmount `xml:"Amt"`
		Side     string     `xml:"CdtDbtInd"`
		Purposes []string   `xml:"RmtInf>Ustrd"`
	}
	camtRefs struct {
		EndToEnd string    `xml:"EndToEndId"`
		Others   []camtRef `xml:"Prtry"`
	}
	camtRef struct {
		Type      string `xml:"Tp"`
		Reference string `xml:"Ref"`
	}
)

type camtFile struct {
	w       io.Writer
	x       *xml.Encoder
	h       *header
	places  int
	entries int
	balance int64
	payout  string
	of      int // entries of the payout so far
}

func newCAMT(w io.Writer, h *header) file {
	return &camtFile{w: w, x: xml.NewEncoder(w), h: h, places: decimals(h.currency)}
}

// begin writes what stands above the entries. Both balances are 0: each payout takes away
// what its lines have brought.
func (f *camtFile) begin() error {
	h := f.h
	created := h.stamp.In(h.from.Location()).Format("2006-01-02T15:04:05-07:00")
	id := "ZW-" + h.from.Format("20060102") + "-" + h.until.Format("20060102") + "-" + h.currency
	if h.payout != "" {
		id = "ZW-" + h.payout
	}
	id = camtText(id, 35)
	begin := `<Document xmlns="` + camtNamespace + `">` + "\n<BkToCstmrStmt>\n"
	if _, err := io.WriteString(f.w, xml.Header+begin); err != nil {
		return err
	}
	if err := f.encode(camtHeader{ID: id, Created: created}); err != nil {
		return err
	}
	if _, err := io.WriteString(f.w, "<Stmt>\n<Id>"); err != nil {
		return err
	}
	if err := xml.EscapeText(f.w, []byte(id)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f.w, "</Id>\n<ElctrncSeqNb>%s</ElctrncSeqNb>\n<CreDtTm>%s</CreDtTm>\n", h.statement(), created); err != nil {
		return err
	}
	end := h.until.AddDate(0, 0, 1).Add(-time.Second)
	return f.encode(
		camtPeriod{From: h.from.Format(time.RFC3339), Until: end.Format(time.RFC3339)},
		camtAccount{ID: camtText(h.account.ShortName, 34), Currency: h.currency, Name: camtText(h.account.Name, 70)},
		f.zero("OPBD", h.from), f.zero("CLBD", h.until),
	)
}

func (f *camtFile) zero(code string, day time.Time) camtBalance {
	return camtBalance{Code: code, Amount: f.amount(0), Side: "CRDT", Day: day.Format(time.DateOnly)}
}

func (f *camtFile) amount(minor int64) camtAmount {
	return camtAmount{Currency: f.h.currency, Value: decimal(minor, f.places, '.')}
}

// encode writes elements, a line each.
func (f *camtFile) encode(elements ...any) error {
	for _, e := range elements {
		if err := f.x.Encode(e); err != nil {
			return err
		}
		if _, err := io.WriteString(f.w, "\n"); err != nil {
			return err
		}
	}
	return nil
}

func (f *camtFile) put(p *posting) error {
	if f.entries == 0 {
		if err := f.begin(); err != nil {
			return err
		}
	}
	if p.Payout.PaymentReference != f.payout {
		f.payout, f.of = p.Payout.PaymentReference, 0
	}
	f.entries++
	f.of++
	f.balance += p.Amount
	side := "CRDT"
	if p.Amount < 0 {
		side = "DBIT"
	}
	day, amount := p.Day.Format(time.DateOnly), f.amount(abs(p.Amount))
	text := f.h.texts.posting(p)
	return f.encode(camtEntry{
		Number: f.entries, Amount: amount, Side: side, Status: "BOOK", Booked: day, Value: day,
		Reference: f.reference(), Code: camtCodeOf(p),
		Details: camtTx{Refs: camtRefsOf(p), Amount: amount, Side: side, Purposes: f.purposes(p, text)},
		Text:    camtText(text, 500),
	})
}

// reference is the reference of an entry that no other one has: readers tell by it what
// they know. It is the same in the statement of a payout and in that of a period.
func (f *camtFile) reference() string {
	number := "-" + strconv.Itoa(f.of)
	return camtText(f.payout, 35-len(number)) + number
}

// purposes is what a posting is for, in words.
func (f *camtFile) purposes(p *posting, text string) []string {
	purposes := []string{camtText(text, 140)}
	if l := p.Line; l != nil && l.KlarnaOrderID != "" {
		purposes = append(purposes, camtText(f.h.texts.word("bookkeeping.csv.klarna_order_id")+" "+l.KlarnaOrderID, 140))
	}
	return purposes
}

func camtRefsOf(p *posting) camtRefs {
	refs := camtRefs{EndToEnd: "NOTPROVIDED", Others: []camtRef{{"PAYOUT", camtText(p.Payout.PaymentReference, 35)}}}
	l := p.Line
	if l == nil {
		return refs
	}
	if r := camtText(l.Reference, 35); r != "" {
		refs.EndToEnd = r
	}
	for _, ref := range []camtRef{{"INVOICE", l.Invoice}, {"DETAILED_TYPE", l.DetailedType}} {
		if ref.Reference = camtText(ref.Reference, 35); ref.Reference != "" {
			refs.Others = append(refs.Others, ref)
		}
	}
	return refs
}

// camtCodeOf is ISO's code of a posting, with Klarna's own beside it.
func camtCodeOf(p *posting) camtCode {
	code := camtCode{Domain: "PMNT", Family: "MCOP", Sub: "OTHR", Type: strings.ToUpper(string(p.Kind)), Issuer: "Klarna"}
	if p.Type != "" {
		code.Type = string(p.Type)
	}
	code.Type = camtText(code.Type, 35)
	if p.Amount < 0 {
		code.Family = "MDOP"
	}
	switch {
	case p.Kind == kindPayout && p.Amount < 0:
		code.Family = "ICDT"
	case p.Kind == kindPayout, p.Role == Sales:
		code.Family = "RCDT"
	case p.Role == Fees, p.Role == FeeRefunds:
		code.Sub = "FEES"
	case p.Role == Corrections:
		code.Sub = "ADJT"
	case p.Role == Taxes:
		code.Sub = "TAXE"
	case p.Role == Commissions:
		code.Sub = "COMM"
	}
	return code
}

// camtText is a text of one line of at most n characters.
func camtText(s string, n int) string { return strings.TrimSpace(cut(plain(s), n)) }

func (f *camtFile) close() error {
	if f.balance != 0 {
		return errUnbalanced
	}
	_, err := io.WriteString(f.w, "</Stmt>\n</BkToCstmrStmt>\n</Document>\n")
	return err
}
