package document

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// MaxPrint is the most papers that one file holds.
const MaxPrint = 1500

// Item is a paper to be printed: the delivery note or the label of a note, or the invoice
// of an order.
type Item struct {
	Kind    Kind
	NoteID  int64
	OrderID int64 // for an invoice
}

// Print returns papers in one file, in this order and each once, as they were first
// printed. An order that has no invoice adds none. Errors: those of the papers; Conflict
// when there is nothing to print; TooLarge beyond MaxPrint.
func (s *Service) Print(ctx context.Context, items []Item, actor string) ([]byte, error) {
	if len(items) > MaxPrint {
		return nil, fault.New(fault.TooLarge, "document.error.too_many", "Max", MaxPrint)
	}
	invoices, err := s.invoicesFor(ctx, items)
	if err != nil {
		return nil, err
	}
	var papers [][]byte
	printed := map[Item]bool{}
	for _, i := range items {
		if printed[i] {
			continue
		}
		printed[i] = true
		d, err := s.paper(ctx, i, invoices, actor)
		if err != nil {
			return nil, err
		}
		if d != nil {
			papers = append(papers, d.PDF)
		}
	}
	return merge(papers)
}

func (s *Service) invoicesFor(ctx context.Context, items []Item) (map[int64]Invoice, error) {
	var orders []int64
	for _, i := range items {
		if i.Kind == KindInvoice {
			orders = append(orders, i.OrderID)
		}
	}
	return s.InvoicesOf(ctx, orders)
}

// paper returns what an item asks for, nil for the invoice of an order that has none.
func (s *Service) paper(ctx context.Context, i Item, invoices map[int64]Invoice, actor string) (*Document, error) {
	switch i.Kind {
	case KindDeliveryNote:
		return s.DeliveryNote(ctx, i.NoteID, actor)
	case KindLabel:
		return s.Label(ctx, i.NoteID, actor)
	case KindInvoice:
		if inv, ok := invoices[i.OrderID]; ok {
			return s.InvoicePDF(ctx, inv.ID, actor)
		}
		return nil, nil
	}
	return nil, fault.New(fault.Invalid, "error.choice", "Value", string(i.Kind))
}

// NoteRef is a delivery note with its order.
type NoteRef struct {
	NoteID  int64
	Number  string
	OrderID int64
}

// FindNotes returns delivery notes by their numbers, in the order of these and each once.
// NotFound names the first number that no note has.
func (s *Service) FindNotes(ctx context.Context, numbers []string) ([]NoteRef, error) {
	byNumber := map[string]NoteRef{}
	for some := range slices.Chunk(numbers, store.Batch) {
		if !store.Storable(strings.Join(some, "")) {
			return nil, fault.New(fault.NotFound, "document.error.no_such_note")
		}
		var found []NoteRef
		err := s.db.Read(ctx).Model(&order.DeliveryNote{}).Select("id AS note_id, number, order_id").Where("number IN ?", some).Scan(&found).Error
		if err != nil {
			return nil, fmt.Errorf("find delivery notes: %w", err)
		}
		for _, n := range found {
			byNumber[n.Number] = n
		}
	}
	var notes []NoteRef
	for _, number := range numbers {
		n, ok := byNumber[number]
		if !ok {
			return nil, fault.New(fault.NotFound, "dispatch.error.no_such_note", "Note", number)
		}
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	return notes, nil
}
