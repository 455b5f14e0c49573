package klarnasandbox

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

func payoutPDF(s *Sandbox, c *call) (answer, *Error) {
	p, err := s.thePayout(c)
	if err != nil {
		return answer{}, err
	}
	doc := newReport("Settlement "+p.PaymentReference, p.PayoutDate)
	doc.payout(&p.Payout)
	return fileAnswer("application/pdf", "settlement-"+p.PaymentReference+".pdf", doc.bytes()), nil
}

func payoutsPDF(s *Sandbox, c *call) (answer, *Error) {
	found, err := s.payoutsBetween(c, true)
	if err != nil {
		return answer{}, err
	}
	start, end, _ := c.dates(true)
	doc := newReport("Settlements "+start.Format(time.DateOnly)+" to "+end.Format(time.DateOnly), end)
	for _, sum := range summarise(found) {
		doc.summary(sum)
	}
	for _, p := range found {
		doc.payout(&p.Payout)
	}
	return fileAnswer("application/pdf", "settlements.pdf", doc.bytes()), nil
}

// report is a PDF with headings and pairs of words and amounts.
type report struct{ *fpdf.Fpdf }

// newReport returns a report; the same content makes the same file.
func newReport(title string, at time.Time) report {
	r := report{fpdf.New("P", "mm", "A4", "")}
	r.SetCreationDate(at.UTC())
	r.SetModificationDate(at.UTC())
	r.SetCatalogSort(true)
	r.SetTitle(title, true)
	r.AddPage()
	r.SetFont("Helvetica", "B", 16)
	r.CellFormat(0, 10, title, "", 1, "L", false, 0, "")
	return r
}

func (r report) heading(text string) {
	r.Ln(4)
	r.SetFont("Helvetica", "B", 11)
	r.CellFormat(0, 7, text, "", 1, "L", false, 0, "")
	r.SetFont("Helvetica", "", 10)
}

func (r report) amounts(currency string, pairs []namedAmount) {
	for _, p := range pairs {
		r.CellFormat(80, 5.5, p.name, "B", 0, "L", false, 0, "")
		r.CellFormat(50, 5.5, plainAmount(p.amount, currency)+" "+currency, "B", 1, "R", false, 0, "")
	}
}

type namedAmount struct {
	name   string
	amount int64
}

func (r report) payout(p *Payout) {
	t := &p.Totals
	r.heading(fmt.Sprintf("%s, %s, %s, merchant %s", p.PaymentReference, p.PayoutDate.Format(time.DateOnly), p.SettlementType, p.MerchantID))
	r.amounts(p.CurrencyCode, []namedAmount{
		{"Sales", t.Sale}, {"Returns", t.Return}, {"Reversals", t.Reversal}, {"Fees", t.Fee}, {"Fee corrections", t.FeeCorrection},
		{"Fee refunds", t.FeeRefund}, {"Tax", t.Tax}, {"Commission", t.Commission}, {"Charges", t.Charge}, {"Credits", t.Credit},
		{"Holdback", t.Holdback}, {"Release", t.Release}, {"Repaid debt", t.Repay}, {"Deposit", t.Deposit},
		{"Opening debt balance", t.OpeningDebtBalance}, {"Closing debt balance", t.ClosingDebtBalance}, {"Settlement", t.Settlement},
	})
}

func (r report) summary(s payoutSummary) {
	r.heading(fmt.Sprintf("All payouts in %s, %s to %s", s.Currency, s.Start.Format(time.DateOnly), s.End.Format(time.DateOnly)))
	r.amounts(s.Currency, []namedAmount{
		{"Sales", s.Sale}, {"Returns", s.Return}, {"Reversals", s.Reversal}, {"Fees", s.Fee}, {"Fee corrections", s.FeeCorrection},
		{"Tax", s.Tax}, {"Commission", s.Commission}, {"Holdback", s.Holdback}, {"Release", s.Release}, {"Repaid debt", s.Repay},
		{"Settlement", s.Settlement},
	})
}

func (r report) bytes() []byte {
	var buf bytes.Buffer
	if err := r.Output(&buf); err != nil { // plain text in a built-in font
		panic(err)
	}
	return buf.Bytes()
}
