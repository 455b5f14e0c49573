package order_test

import (
	"fmt"
	"slices"
	"testing"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
)

// All orders of a filter, however many, while others come in and some leave the filter.
func TestWalk(t *testing.T) {
	t.Parallel()
	const many = 2*order.MaxPage + 17
	each(t, func(t *testing.T, s shop) {
		s.fill(t, 1, many, func(i int, o *order.Order) {
			if i%2 == 1 {
				o.Status = order.Draft
			}
		})
		filter := order.Filter{Status: order.Released, Before: 3, After: 5, Limit: 1} // where in the list somebody was does not count
		var want []string
		for n := many; n > 0; n -= 2 {
			want = append(want, fmt.Sprint(n))
		}
		var walked, chunks []string
		for orders, err := range s.Each(t.Context(), filter) {
			if err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, fmt.Sprint(len(orders)))
			walked = append(walked, numbers(orders)...)
			s.fill(t, many+len(walked), 2, nil)
		}
		if !slices.Equal(walked, want) || len(chunks) != 2 {
			t.Errorf("Each gave %d orders in parts of %v, want %d", len(walked), chunks, len(want))
		}
		s.inTx(t, func(tx *gorm.DB) error { return tx.Exec("DELETE FROM orders WHERE id > ?", many).Error })

		var ids []string
		for id, err := range s.IDs(t.Context(), filter) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, fmt.Sprint(id))
		}
		if !slices.Equal(ids, want) { // an order has its number as its id here
			t.Errorf("IDs gave %d ids, want %d", len(ids), len(want))
		}
		for range s.IDs(t.Context(), filter) { // whoever has seen enough goes
			break
		}
		for range s.IDs(t.Context(), order.Filter{Query: "\x00"}) {
			t.Error("no such orders, but one was found")
		}
		for range s.Each(t.Context(), order.Filter{Query: "\xff"}) {
			t.Error("no such orders, but some were found")
		}
	})
}

func TestEachHasWhatLeft(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		o := s.fill(t, 1, 1, nil)[0]
		for i, number := range []string{"300001", "300002"} {
			n := order.DeliveryNote{OrderID: o.ID, Number: number, CreatedAt: now,
				Parcels: []order.Parcel{{OrderID: o.ID, TrackingNumber: "T" + number, TrackingKey: number, Report: order.ReportNone, CreatedAt: now}}}
			if i == 1 {
				n.WithdrawnAt = &o.CreatedAt
			}
			s.inTx(t, func(tx *gorm.DB) error { return tx.Create(&n).Error })
		}
		for orders, err := range s.Each(t.Context(), order.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			o := orders[0]
			if o.PaymentMethod.Type != "klarna" || len(o.Notes) != 1 || o.Notes[0].Number != "300001" || len(o.Notes[0].Parcels) != 1 {
				t.Errorf("%+v", o)
			}
		}
	})
}

func TestNeighbours(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		s.fill(t, 1, 9, func(i int, o *order.Order) {
			if i%3 == 0 { // 1, 4, 7
				o.Feedback = order.FeedbackFailed
			}
		})
		failed := order.Filter{Feedback: order.FeedbackFailed}
		for name, tc := range map[string]struct {
			filter       order.Filter
			id           int64
			newer, older string
		}{
			"of all":                {order.Filter{}, 4, "5", "3"},
			"the newest":            {order.Filter{}, 9, "", "8"},
			"the oldest":            {order.Filter{}, 1, "2", ""},
			"of a filter":           {failed, 4, "7", "1"},
			"the last of a filter":  {failed, 1, "4", ""},
			"not in it any more":    {failed, 5, "7", "4"},
			"in the midst of pages": {order.Filter{Feedback: order.FeedbackFailed, Before: 2, After: 8, Limit: 1}, 4, "7", "1"},
			"of nothing":            {order.Filter{Status: order.Cancelled}, 4, "", ""},
			"of what can't be":      {order.Filter{Query: "\x00"}, 4, "", ""},
		} {
			n, err := s.NeighboursOf(t.Context(), tc.filter, tc.id)
			if err != nil {
				t.Fatal(err)
			}
			number := func(o *order.Order) string {
				if o == nil {
					return ""
				}
				return o.Number
			}
			if newer, older := number(n.Newer), number(n.Older); newer != tc.newer || older != tc.older {
				t.Errorf("%s: %q and %q, want %q and %q", name, newer, older, tc.newer, tc.older)
			}
		}
	})
}

func TestCountAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		s.fill(t, 1, order.CountLimit+5, func(i int, o *order.Order) {
			if i < 3 {
				o.Feedback = order.FeedbackFailed
			}
		})
		for want, filter := range map[int]order.Filter{
			3: {Feedback: order.FeedbackFailed, Before: 2, Limit: 1}, order.CountLimit: {}, 0: {Query: "\x00"},
		} {
			if got, err := s.CountAll(t.Context(), filter); err != nil || got != want {
				t.Errorf("CountAll(%+v) = %d, want %d (%v)", filter, got, want, err)
			}
		}
	})
}
