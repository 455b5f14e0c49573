package document

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// PickList returns the list of what delivery notes take from the shelves: summed by
// article, then note by note. It is in the reader's language and not kept. Errors:
// NotFound; Conflict when a note was taken back or its order cancelled.
func (s *Service) PickList(ctx context.Context, noteIDs []int64) (*Document, error) {
	picks, err := s.picks(ctx, noteIDs)
	if err != nil {
		return nil, err
	}
	h, err := s.house(ctx)
	if err != nil {
		return nil, err
	}
	now, lang := s.clock.Now(), i18n.Language(ctx)
	pdf, err := drawPickList(h, language(lang), now, picks)
	if err != nil {
		return nil, fmt.Errorf("draw the pick list: %w", err)
	}
	return &Document{Kind: KindPickList, Number: now.In(order.Zone).Format("2006-01-02_1504"), Language: lang, PDF: pdf, CreatedAt: now}, nil
}

// pick is a delivery note to be picked.
type pick struct {
	order *order.Order
	note  *order.DeliveryNote
	lines []delivery
}

// picks reads the notes in the order asked for, each once.
func (s *Service) picks(ctx context.Context, noteIDs []int64) ([]pick, error) {
	byNote := map[int64]pick{}
	for ids := range slices.Chunk(noteIDs, store.Batch) {
		var orderIDs []int64
		if err := s.db.Read(ctx).Model(&order.DeliveryNote{}).Where("id IN ?", ids).Distinct().Pluck("order_id", &orderIDs).Error; err != nil {
			return nil, fmt.Errorf("find delivery notes: %w", err)
		}
		orders, err := s.findOrders(ctx, orderIDs...)
		if err != nil {
			return nil, err
		}
		for _, o := range orders {
			for i := range o.Notes {
				byNote[o.Notes[i].ID] = newPick(o, &o.Notes[i])
			}
		}
	}
	var picks []pick
	for _, id := range noteIDs {
		p, ok := byNote[id]
		if !ok {
			return nil, fault.New(fault.NotFound, "document.error.no_such_note")
		}
		if err := mayLeave(p.order, p.note); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(picks, func(q pick) bool { return q.note.ID == id }) {
			picks = append(picks, p)
		}
	}
	return picks, nil
}

// newPick takes what lies on shelves: nothing digital, nothing that stays open.
func newPick(o *order.Order, n *order.DeliveryNote) pick {
	p := pick{order: o, note: n}
	all, _ := deliveries(o, n)
	for _, d := range all {
		if d.Type == order.Physical && d.Now > 0 {
			p.lines = append(p.lines, d)
		}
	}
	return p
}

// article is what is taken of one article for all notes.
type article struct {
	SKU, Name string
	Quantity  money.Quantity
	Notes     int
}

// articles sums picks up, in the order of the article numbers; what has none goes by its
// name.
func articles(picks []pick) []article {
	sums := map[article]article{}
	for _, p := range picks {
		for _, d := range p.lines {
			key := article{SKU: d.SKU}
			if d.SKU == "" {
				key.Name = d.Name
			}
			sum, ok := sums[key]
			if !ok {
				sum = article{SKU: d.SKU, Name: d.Name}
			}
			sum.Quantity += d.Now
			sum.Notes++
			sums[key] = sum
		}
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b article) int {
		return cmp.Or(cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Name, b.Name))
	})
}

func drawPickList(h house, l language, now time.Time, picks []pick) ([]byte, error) {
	p := newList(h, l, about{title: l.text("document.pick_list.title"), at: now},
		l.text("document.pick_list.made", "Date", l.date(now), "Time", now.In(order.Zone).Format("15:04"), "Count", len(picks)))
	t := p.newTable(
		column{title: "", wide: 8},
		column{title: l.text("document.column.sku"), wide: 40},
		column{title: l.text("document.column.name"), wide: 75},
		column{title: l.text("document.pick_list.notes"), wide: 20, right: true},
		column{title: l.text("document.column.quantity"), wide: 22, right: true, bold: true},
	)
	for _, a := range articles(picks) {
		t.tickRow(a.SKU, a.Name, l.quantity(money.Quantity(a.Notes)*money.One), l.quantity(a.Quantity))
	}
	for _, k := range picks {
		p.drawPick(k)
	}
	return p.finish()
}

// drawPick lists what belongs into the parcels of one note, with the note's barcode for
// whoever packs it.
func (p *letter) drawPick(k pick) {
	const barcodeHigh = 9
	p.y += 6
	p.room(barcodeHigh + 28)
	w := barcodeWidth(narrowBar, k.note.Number)
	p.barcode(right-w-quietBars*narrowBar, p.y-4, narrowBar, barcodeHigh, k.note.Number)
	room := right - left - w - 3*quietBars*narrowBar
	title := p.text("document.pick_list.note", "Note", k.note.Number, "Order", k.order.Number)
	p.write(left, p.y, bold, p.shrunk(title, bold, 11, room), ink, title)
	to := k.order.Delivery()
	who := strings.Join(filled(to.Company, to.Name, strings.TrimSpace(to.PostalCode+" "+to.City), to.Country), ", ")
	p.write(left, p.y+4.8, regular, p.shrunk(who, regular, textSize, room), ink, who)
	p.y += barcodeHigh + 3
	t := p.newTable(
		column{title: "", wide: 8},
		column{title: p.text("document.column.sku"), wide: 40},
		column{title: p.text("document.column.name"), wide: 95},
		column{title: p.text("document.column.quantity"), wide: 22, right: true, bold: true},
	)
	for _, d := range k.lines {
		t.tickRow(d.SKU, d.Name, p.quantity(d.Now))
	}
}
