package document

import (
	"context"
	"strconv"

	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// DeliveryNote returns the paper that lies in the parcels of a delivery note. Errors:
// NotFound; Conflict when the note was taken back or its order cancelled.
func (s *Service) DeliveryNote(ctx context.Context, noteID int64, actor string) (*Document, error) {
	o, n, err := s.findNote(ctx, noteID)
	if err != nil {
		return nil, err
	}
	if err := mayLeave(o, n); err != nil {
		return nil, err
	}
	d := Document{Kind: KindDeliveryNote, Number: n.Number, OrderID: &o.ID, Language: o.Language(), CreatedBy: actor}
	return s.archived(ctx, d, func() ([]byte, error) {
		h, err := s.house(ctx)
		if err != nil {
			return nil, err
		}
		return drawDeliveryNote(h, o, n)
	}, nil)
}

// delivery is a line of an order on a delivery note.
type delivery struct {
	order.Line
	Before money.Quantity // left with earlier notes
	Now    money.Quantity
}

func (d delivery) open() money.Quantity { return d.Quantity - d.Before - d.Now }

// deliveries are the goods of a note, and with a part delivery what of the order is still
// open after it. Later notes do not count: the paper is the same whenever it is printed.
func deliveries(o *order.Order, n *order.DeliveryNote) (lines []delivery, part bool) {
	var earlier []order.DeliveryNote
	for _, other := range o.Notes {
		if other.ID < n.ID {
			earlier = append(earlier, other)
		}
	}
	before, _ := order.Delivered(earlier)
	now, _ := order.Delivered([]order.DeliveryNote{*n})
	for _, l := range o.Lines {
		d := delivery{l, before[l.ID], now[l.ID]}
		if !l.Type.IsGoods() || d.Now == 0 && d.open() == 0 {
			continue
		}
		lines = append(lines, d)
	}
	return lines, !n.Whole
}

func drawDeliveryNote(h house, o *order.Order, n *order.DeliveryNote) ([]byte, error) {
	l := language(o.Language())
	p := newLetter(h, l, about{title: l.text("document.delivery_note.title", "Number", n.Number), at: n.CreatedAt}, o.Delivery(), []fact{
		{l.text("document.fact.delivery_note"), n.Number},
		{l.text("document.fact.date"), l.date(n.CreatedAt)},
		{l.text("document.fact.order"), o.Number},
		{l.text("document.fact.order_date"), l.date(o.PlacedAt)},
		{l.text("document.fact.your_order"), o.ExternalNumber},
		{l.text("document.fact.payment_method"), o.PaymentMethod.Name},
	})
	const barcodeHigh = 11
	if w := barcodeWidth(narrowBar, n.Number); w < 75 {
		p.barcode(right-w-quietBars*narrowBar, subjectY-barcodeHigh+1, narrowBar, barcodeHigh, n.Number)
	}
	p.say(regular, l.text("document.delivery_note.intro"))
	lines, part := deliveries(o, n)
	p.drawDeliveries(lines, part)
	if o.Documents == paymentmethod.DeliveryNoteOnly {
		p.say(regular, documentText(l, o, n.Number, n.CreatedAt, EndOfDay(n.CreatedAt, h.PaymentTermDays)))
	}
	return p.finish()
}

// drawDeliveries lists what leaves; for a part delivery beside what was ordered, has left
// before and is still to come.
func (p *letter) drawDeliveries(lines []delivery, part bool) {
	p.y += 3
	var t *table
	if part {
		t = p.newTable(
			column{title: p.text("document.column.position"), wide: 10},
			column{title: p.text("document.column.sku"), wide: 28},
			column{title: p.text("document.column.name"), wide: 55},
			column{title: p.text("document.column.ordered"), wide: 17, right: true},
			column{title: p.text("document.column.delivered_before"), wide: 19, right: true},
			column{title: p.text("document.column.delivered_now"), wide: 19, right: true, bold: true},
			column{title: p.text("document.column.open"), wide: 17, right: true},
		)
	} else {
		t = p.newTable(
			column{title: p.text("document.column.position"), wide: 10},
			column{title: p.text("document.column.sku"), wide: 35},
			column{title: p.text("document.column.name"), wide: 98},
			column{title: p.text("document.column.quantity"), wide: 22, right: true, bold: true},
		)
	}
	for _, d := range lines {
		cells := []string{strconv.Itoa(d.Position), d.SKU, d.Name, p.quantity(d.Now)}
		if part {
			cells = []string{strconv.Itoa(d.Position), d.SKU, d.Name, p.quantity(d.Quantity), p.quantity(d.Before), p.quantity(d.Now), p.quantity(d.open())}
		}
		t.row(cells)
	}
	p.y += 3
}
