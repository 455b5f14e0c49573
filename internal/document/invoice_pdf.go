package document

import (
	"context"
	"fmt"
	"math/bits"
	"strconv"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

// InvoicePDF returns an invoice on paper. Errors: NotFound; Conflict when the order was
// cancelled before its invoice was printed.
func (s *Service) InvoicePDF(ctx context.Context, invoiceID int64, actor string) (*Document, error) {
	var inv Invoice
	err := s.db.Read(ctx).Take(&inv, invoiceID).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "document.error.no_invoice")
	}
	if err != nil {
		return nil, fmt.Errorf("find invoice %d: %w", invoiceID, err)
	}
	o, err := s.findOrder(ctx, inv.OrderID)
	if err != nil {
		return nil, err
	}
	d := Document{Kind: KindInvoice, Number: inv.Number, OrderID: &o.ID, Language: o.Language(), CreatedBy: actor}
	return s.archived(ctx, d, func() ([]byte, error) {
		if o.Status == order.Cancelled {
			return nil, fault.New(fault.Conflict, "document.error.cancelled", "Number", o.Number)
		}
		h, err := s.house(ctx)
		if err != nil {
			return nil, err
		}
		return drawInvoice(h, o, &inv)
	}, nil)
}

func drawInvoice(h house, o *order.Order, inv *Invoice) ([]byte, error) {
	l := language(o.Language())
	p := newLetter(h, l, about{title: l.text("document.invoice.title", "Number", inv.Number), at: inv.IssuedAt}, o.BillingAddress, []fact{
		{l.text("document.fact.invoice"), inv.Number},
		{l.text("document.fact.invoice_date"), l.date(inv.IssuedAt)},
		{l.text("document.fact.delivery_date"), deliveryDate(l, o, inv)},
		{l.text("document.fact.order"), o.Number},
		{l.text("document.fact.order_date"), l.date(o.PlacedAt)},
		{l.text("document.fact.your_order"), o.ExternalNumber},
		{l.text("document.fact.payment_method"), o.PaymentMethod.Name},
	})
	p.say(regular, l.text("document.invoice.intro"))
	p.drawBill(o)
	p.y += 4
	p.drawPayment(o, inv)
	p.say(regular, documentText(l, o, inv.Number, inv.IssuedAt, inv.PayBy))
	return p.finish()
}

// deliveryDate is when the goods left, as an invoice has to tell (§ 14 UStG): a day, or
// the first and the last one. What has not left yet leaves with the invoice.
func deliveryDate(l language, o *order.Order, inv *Invoice) string {
	var first, last time.Time
	for _, n := range o.Notes {
		if n.WithdrawnAt != nil || n.ShippedAt == nil {
			continue
		}
		if first.IsZero() || n.ShippedAt.Before(first) {
			first = *n.ShippedAt
		}
		if n.ShippedAt.After(last) {
			last = *n.ShippedAt
		}
	}
	switch {
	case first.IsZero():
		return l.text("document.invoice.delivered_today")
	case DaysBetween(first, last) == 0:
		return l.date(last)
	}
	return l.date(first) + " – " + l.date(last)
}

// drawBill lists the lines, then the sum by rate of tax.
func (p *letter) drawBill(o *order.Order) {
	p.y += 3
	t := p.newTable(
		column{title: p.text("document.column.position"), wide: 10},
		column{title: p.text("document.column.sku"), wide: 27},
		column{title: p.text("document.column.name"), wide: 53},
		column{title: p.text("document.column.quantity"), wide: 17, right: true},
		column{title: p.text("document.column.tax"), wide: 14, right: true},
		column{title: p.text("document.column.unit_price"), wide: 22, right: true},
		column{title: p.text("document.column.total"), wide: 22, right: true},
	)
	for _, l := range o.Lines {
		if isVoucher(l) || l.Type == order.SalesTax {
			continue // below
		}
		var remarks []string
		if less := reducedBy(l); less > 0 {
			remarks = append(remarks, p.text("document.invoice.reduced", "Amount", p.money(less, o.Currency)))
		}
		rate := p.percent(l.TaxRate)
		if l.Type.IsReduction() {
			rate = "" // it lowers lines of every rate
		}
		t.row([]string{strconv.Itoa(l.Position), l.SKU, l.Name, p.quantity(l.Quantity), rate,
			p.money(l.UnitPrice, o.Currency), p.money(l.Total, o.Currency)}, remarks...)
	}
	t.drawSums(AccountOf(o.Lines), o.Currency)
}

// reducedBy is what a line costs less than its quantity at its price.
func reducedBy(l order.Line) int64 {
	if l.Type.IsReduction() || l.UnitPrice <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(l.UnitPrice), uint64(l.Quantity))
	full, _ := bits.Div64(hi, lo, 1000) // at most 10¹² a piece and 10⁶ pieces
	return int64(full) - l.Total
}

func (t *table) drawSums(a Account, currency string) {
	t.room(float64(2+2*len(a.Shares)+len(a.Vouchers)) * (height(textSize) + 0.6))
	t.y += 1
	for _, s := range a.Shares {
		t.total(regular, t.text("document.invoice.net", "Rate", t.percent(s.Rate)), t.money(s.Net, currency))
		t.total(regular, t.text("document.invoice.tax", "Rate", t.percent(s.Rate)), t.money(s.Tax, currency))
	}
	if a.SalesTax != 0 {
		t.total(regular, t.text("document.invoice.sales_tax"), t.money(a.SalesTax, currency))
	}
	t.sumRule()
	t.total(bold, t.text("document.invoice.gross"), t.money(a.Gross, currency))
	if len(a.Vouchers) == 0 {
		return
	}
	for _, v := range a.Vouchers {
		t.total(regular, v.Name, t.money(v.Total, currency))
	}
	t.sumRule()
	t.total(bold, t.text("document.invoice.due"), t.money(a.Due, currency))
}

// sumRule draws the line above a sum.
func (t *table) sumRule() {
	t.rule(right-75, right, t.y-height(textSize)+0.4, 0.2, ink)
	t.y += 0.8
}

// drawPayment says that the invoice is paid, or how and until when it is to be.
func (p *letter) drawPayment(o *order.Order, inv *Invoice) {
	due := p.money(inv.Amount, inv.Currency)
	switch {
	case o.PaidAt != nil:
		p.say(regular, p.text("document.invoice.paid_at", "Date", p.date(*o.PaidAt), "Method", o.PaymentMethod.Name))
	case o.MarkPaid:
		p.say(regular, p.text("document.invoice.paid", "Method", o.PaymentMethod.Name))
	case inv.Amount == 0:
		p.say(regular, p.text("document.invoice.nothing_due"))
	case o.BehavesLike == paymentmethod.DirectDebit:
		p.say(regular, p.text("document.invoice.direct_debit", "Amount", due, "Method", o.PaymentMethod.Name))
	default:
		p.say(bold, p.text("document.invoice.pay_by", "Amount", due, "Date", p.date(inv.PayBy)))
		p.drawBank(inv.Number)
	}
}

// drawBank lists what a transfer needs.
func (p *letter) drawBank(reference string) {
	if p.house.IBAN == "" {
		return
	}
	facts := []fact{
		{p.text("document.bank.holder"), p.house.Name}, {p.text("document.bank.bank"), p.house.Bank},
		{p.text("document.foot.iban"), WrittenIBAN(p.house.IBAN)}, {p.text("document.foot.bic"), p.house.BIC},
		{p.text("document.bank.reference"), reference},
	}
	p.room(float64(len(facts)) * height(textSize))
	for _, f := range facts {
		if f.value != "" {
			p.write(left, p.y, regular, textSize, faint, f.label)
			p.write(left+34, p.y, regular, textSize, ink, f.value)
			p.y += height(textSize)
		}
	}
	p.y += 2
}
