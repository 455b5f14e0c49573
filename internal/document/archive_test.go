package document_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/document"
	"zahlwerk/internal/order"
)

// papers print each kind that is kept.
func (o *office) papers(made *order.Order, n *order.DeliveryNote) map[string]func() (*document.Document, error) {
	inv := o.invoice(made)
	reminder := document.ReminderInput{Number: "500001", Invoice: *inv, Level: 2, Fee: 250, PayBy: noon.AddDate(0, 0, 30), At: noon.AddDate(0, 0, 20)}
	ctx := o.t.Context()
	return map[string]func() (*document.Document, error){
		"delivery note": func() (*document.Document, error) { return o.DeliveryNote(ctx, n.ID, clerk) },
		"label":         func() (*document.Document, error) { return o.Label(ctx, n.ID, clerk) },
		"invoice":       func() (*document.Document, error) { return o.InvoicePDF(ctx, inv.ID, clerk) },
		"reminder":      func() (*document.Document, error) { return o.Reminder(ctx, reminder, clerk) },
	}
}

func TestAReprintGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		o.company(teaHouse())
		made := o.order(pots())
		papers := o.papers(made, o.note(made, nil))
		first := map[string]*document.Document{}
		for name, print := range papers {
			d, err := print()
			must(t, err)
			if sum := sha256.Sum256(d.PDF); d.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("%s: hash %s", name, d.SHA256)
			}
			first[name] = d
		}
		o.clock.Advance(400 * 24 * time.Hour)
		moved := teaHouse()
		moved.Name, moved.IBAN = "Kaffeehaus Beispiel", ""
		must(t, o.UpdateCompany(t.Context(), moved, document.LogoChange{Data: picture(t, "png", 300, 100)}, clerk))
		o.set(made, "paid_at", o.clock.Now())
		for name, print := range papers {
			d, err := print()
			must(t, err)
			if !bytes.Equal(d.PDF, first[name].PDF) || d.ID != first[name].ID {
				t.Errorf("%s: another one", name)
			}
		}
	})
}

// TestTheSamePaperIsTheSameBytes: what is drawn depends on the rows alone, not on when
// and where it is drawn.
func TestTheSamePaperIsTheSameBytes(t *testing.T) {
	t.Parallel()
	var before map[string][]byte
	for i := range 3 {
		o := onSQLite(t)
		must(t, o.UpdateCompany(t.Context(), teaHouse(), document.LogoChange{Data: picture(t, "png", 300, 100)}, clerk))
		made := o.order(pots())
		papers := o.papers(made, o.note(made, nil))
		o.clock.Advance(time.Duration(i) * time.Hour)
		drawn := map[string][]byte{}
		for name, print := range papers {
			d, err := print()
			must(t, err)
			drawn[name] = d.PDF
			if before != nil && !bytes.Equal(d.PDF, before[name]) {
				t.Errorf("%s: drawn anew it is another one", name)
			}
		}
		before = drawn
	}
}

func TestTwoFirstPrintsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		made := o.order(pots())
		n := o.note(made, nil)
		const people = 6
		found := make([]*document.Document, people)
		var all sync.WaitGroup
		for i := range people {
			all.Go(func() {
				var err error
				if found[i], err = o.Label(t.Context(), n.ID, clerk); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, d := range found {
			if d == nil || d.ID != found[0].ID || !bytes.Equal(d.PDF, found[0].PDF) {
				t.Fatalf("%+v and %+v", d, found[0])
			}
		}
		var rows, entries int64
		must(t, o.db.Read(t.Context()).Model(&document.Document{}).Count(&rows).Error)
		must(t, o.db.Read(t.Context()).Model(&order.ProtocolEntry{}).Where("kind = 'label_printed'").Count(&entries).Error)
		if rows != 1 || entries != 1 {
			t.Errorf("%d documents, %d entries", rows, entries)
		}
	})
}
