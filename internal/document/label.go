package document

import (
	"context"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
)

// Label returns the label of a parcel of a delivery note (Paketmarke), A6. Its barcode is
// the note's number. The first print is noted at the note's parcels and in the protocol.
// Errors: NotFound; Conflict when the note was taken back or its order cancelled.
func (s *Service) Label(ctx context.Context, noteID int64, actor string) (*Document, error) {
	o, n, err := s.findNote(ctx, noteID)
	if err != nil {
		return nil, err
	}
	if err := mayLeave(o, n); err != nil {
		return nil, err
	}
	d := Document{Kind: KindLabel, Number: n.Number, OrderID: &o.ID, Language: o.Language(), CreatedBy: actor}
	return s.archived(ctx, d, func() ([]byte, error) {
		h, err := s.house(ctx)
		if err != nil {
			return nil, err
		}
		return drawLabel(h, o, n)
	}, func(tx *gorm.DB) error {
		now := s.clock.Now()
		err := tx.Model(&order.Parcel{}).Where("delivery_note_id = ? AND label_printed_at IS NULL", n.ID).Update("label_printed_at", now).Error
		if err != nil {
			return err
		}
		return order.AddProtocol(tx, order.ProtocolEntry{OrderID: o.ID, At: now, Actor: actor, Kind: "label_printed",
			Params: order.Params{"note": n.Number}})
	})
}

// Places on a label, A6 upright.
const (
	labelLeft   = 8.0
	labelRight  = 97.0
	labelWide   = labelRight - labelLeft
	senderFoot  = 34.0
	addressFoot = 92.0
)

func drawLabel(h house, o *order.Order, n *order.DeliveryNote) ([]byte, error) {
	l := language(o.Language())
	s := newSheet("A6", l, about{title: l.text("document.label.title", "Number", n.Number), author: h.Name, at: n.CreatedAt})
	s.AddPage()
	s.write(labelLeft, 10, regular, footSize, faint, l.text("document.label.sender"))
	sender, size := s.fitting(append(h.address(), h.abroad(l, o.Delivery().Country)...), 9, labelWide, senderFoot-15)
	for i, text := range sender {
		s.write(labelLeft, 14.5+float64(i)*height(size), regular, size, ink, text)
	}
	s.rule(labelLeft, labelRight, senderFoot, 0.3, ink)
	s.write(labelLeft, senderFoot+6, regular, footSize, faint, l.text("document.label.recipient"))
	to := o.Delivery()
	s.drawRecipient(l.address(to, h.Country), to.Country != "" && to.Country != h.Country)
	s.rule(labelLeft, labelRight, addressFoot, 0.3, ink)
	s.drawLabelNumbers(o, n)
	return s.finish()
}

// abroad is the company's country below its address, for a parcel that leaves it.
func (c *Company) abroad(l language, to string) []string {
	if c.Country == "" || to == "" || to == c.Country {
		return nil
	}
	return []string{l.country(c.Country)}
}

// drawRecipient writes the address as large as it has room, what a parcel is sorted by in
// bold: the place, and the country if it stands there.
func (s *sheet) drawRecipient(lines []string, abroad bool) {
	sorted := 1
	if abroad {
		sorted = 2
	}
	const top = senderFoot + 13.5
	broken, size := s.fitting(lines, 15, labelWide, addressFoot-top)
	for i, text := range broken {
		st := regular
		if i >= len(broken)-sorted {
			st = bold
		}
		s.write(labelLeft, top+float64(i)*height(size), st, size, ink, text)
	}
}

// drawLabelNumbers writes the barcode with its number below, and the order's.
func (s *sheet) drawLabelNumbers(o *order.Order, n *order.DeliveryNote) {
	const room = labelWide - 2*quietBars*wideBar
	bar := wideBar
	if w := barcodeWidth(bar, n.Number); w > room {
		bar *= room / w
	}
	x := labelLeft + (labelWide-barcodeWidth(bar, n.Number))/2
	s.barcode(x, addressFoot+6, bar, 24, n.Number)
	size := s.shrunk(n.Number, bold, 13, labelWide)
	s.write(labelLeft+(labelWide-s.width(bold, size, n.Number))/2, addressFoot+36, bold, size, ink, n.Number)
	s.write(labelLeft, addressFoot+46, regular, smallSize, ink, s.text("document.label.order", "Number", o.Number))
	if o.ExternalNumber != "" {
		text := s.text("document.label.your_order", "Number", o.ExternalNumber)
		s.write(labelLeft, addressFoot+50.5, regular, s.shrunk(text, regular, smallSize, labelWide), ink, text)
	}
}
