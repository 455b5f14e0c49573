package order_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// Orders that come in while somebody pages are neither shown twice nor do they push
// others out; going back shows them.
func TestPaging(t *testing.T) {
	t.Parallel()
	const many, size = 1000, 37
	each(t, func(t *testing.T, s shop) {
		s.fill(t, 1, many, nil)
		next := many + 1
		list := func(f order.Filter) order.Page {
			t.Helper()
			f.Limit = size
			p, err := s.List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}

		var seen []string
		page := list(order.Filter{})
		for first := true; ; first = false {
			if page.HasNewer == first {
				t.Fatalf("HasNewer = %t on page %s", page.HasNewer, page.Orders[0].Number)
			}
			seen = append(seen, numbers(page.Orders)...)
			if !page.HasOlder {
				break
			}
			s.fill(t, next, 2, nil)
			next += 2
			page = list(order.Filter{Before: page.Orders[len(page.Orders)-1].ID})
		}
		checkNumbers(t, "older", seen, many)

		back := numbers(page.Orders)
		for page.HasNewer {
			page = list(order.Filter{After: page.Orders[0].ID})
			if !page.HasOlder {
				t.Fatal("HasOlder = false on the way back")
			}
			back = append(numbers(page.Orders), back...)
		}
		checkNumbers(t, "newer", back, next-1)

		for after, want := range map[int64]bool{page.Orders[0].ID: false, page.Orders[0].ID - size: false, page.Orders[0].ID - size - 1: true} {
			if p := list(order.Filter{After: after}); p.HasNewer != want {
				t.Errorf("HasNewer = %t with %d newer ones", p.HasNewer, page.Orders[0].ID-after)
			}
		}
	})
}

// checkNumbers checks that the orders from n down to 1 are there, in this order.
func checkNumbers(t *testing.T, way string, got []string, n int) {
	t.Helper()
	var want []string
	for ; n > 0; n-- {
		want = append(want, fmt.Sprint(n))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d orders, want %d in their order: %v", way, len(got), len(want), got)
	}
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		s.fill(t, 1, order.MaxPage+2, nil)
		for limit, want := range map[int]int{-1: 50, 0: 50, 1: 1, order.MaxPage: order.MaxPage, order.MaxPage + 1: 50} {
			p, err := s.List(t.Context(), order.Filter{Limit: limit})
			if err != nil || len(p.Orders) != want || !p.HasOlder {
				t.Errorf("limit %d: %d orders, want %d, HasOlder %t (%v)", limit, len(p.Orders), want, p.HasOlder, err)
			}
		}
		if p, err := s.List(t.Context(), order.Filter{Before: 1}); err != nil || len(p.Orders) != 0 || p.HasOlder {
			t.Errorf("before the first: %d orders, HasOlder %t (%v)", len(p.Orders), p.HasOlder, err)
		}
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		day := func(n int) time.Time { return now.AddDate(0, 0, n) }
		s.fill(t, 0, 6, func(i int, o *order.Order) {
			o.PlacedAt, o.Total = day(i), int64(i)*100
			if i%2 == 1 {
				o.Status = order.Shipped
			}
			if i >= 3 {
				o.Feedback = order.FeedbackFailed
			}
			if i == 5 {
				o.PaymentMethodID = s.methods["prepaid"].ID
			}
			if i < 3 {
				expires := day(i).Add(time.Hour)
				o.ExpiresAt = &expires
			}
		})
		amount := func(n int64) *int64 { return &n }
		for name, tc := range map[string]struct {
			filter order.Filter
			want   []string
		}{
			"none":              {order.Filter{}, []string{"5", "4", "3", "2", "1", "0"}},
			"status":            {order.Filter{Status: order.Shipped}, []string{"5", "3", "1"}},
			"another status":    {order.Filter{Status: order.Cancelled}, []string{}},
			"no such status":    {order.Filter{Status: "gone\x00"}, []string{}},
			"feedback":          {order.Filter{Feedback: order.FeedbackFailed}, []string{"5", "4", "3"}},
			"no such feedback":  {order.Filter{Feedback: "\xff"}, []string{}},
			"method":            {order.Filter{PaymentMethodID: s.methods["prepaid"].ID}, []string{"5"}},
			"from, its moment":  {order.Filter{From: day(4)}, []string{"5", "4"}},
			"from, after it":    {order.Filter{From: day(4).Add(time.Microsecond)}, []string{"5"}},
			"until, not with":   {order.Filter{Until: day(2)}, []string{"1", "0"}},
			"elsewhere's clock": {order.Filter{From: day(1).In(time.FixedZone("", 14*3600)), Until: day(2).In(time.FixedZone("", -12*3600))}, []string{"1"}},
			"at least":          {order.Filter{TotalMin: amount(400)}, []string{"5", "4"}},
			"at most nothing":   {order.Filter{TotalMax: amount(0)}, []string{"0"}},
			"expires":           {order.Filter{ExpiresWithin: 1}, []string{"0"}},
			"expires later":     {order.Filter{ExpiresWithin: 3, Status: order.Released}, []string{"2", "0"}},
			"together":          {order.Filter{Status: order.Shipped, Feedback: order.FeedbackFailed, TotalMax: amount(300), From: day(0)}, []string{"3"}},
		} {
			p, err := s.List(t.Context(), tc.filter)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := numbers(p.Orders); !slices.Equal(got, tc.want) {
				t.Errorf("%s: %v, want %v", name, got, tc.want)
			}
			for _, o := range p.Orders {
				if o.PaymentMethod.ID != o.PaymentMethodID {
					t.Errorf("%s: order %s without its payment method", name, o.Number)
				}
			}
		}
	})
}

func TestCount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		s.fill(t, 1, order.CountLimit+5, func(i int, o *order.Order) {
			if i < 3 {
				o.Feedback = order.FeedbackFailed
			}
		})
		got, err := s.Count(t.Context(), order.FeedbackFailed, order.FeedbackWaiting, order.FeedbackByHand)
		want := map[order.Feedback]int{order.FeedbackFailed: 3, order.FeedbackWaiting: order.CountLimit, order.FeedbackByHand: 0}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Count = %v, want %v (%v)", got, want, err)
		}
		if none, err := s.Count(t.Context()); err != nil || len(none) != 0 {
			t.Errorf("Count of nothing = %v (%v)", none, err)
		}
	})
}

func TestProgress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		type note struct {
			quantity        money.Quantity
			left, withdrawn bool
		}
		const two, half = 2 * money.One, money.One / 2
		cases := []struct {
			name  string
			notes []note
			want  order.Progress
		}{
			{"nothing", nil, order.Progress{}},
			{"a part noted", []note{{quantity: half}}, order.Progress{Notes: 1}},
			{"a part left", []note{{quantity: half, left: true}}, order.Progress{Notes: 1, Left: 1}},
			{"all noted", []note{{quantity: two}}, order.Progress{Notes: 1, AllOn: true}},
			{"all noted, a part left", []note{{quantity: half, left: true}, {quantity: two - half}}, order.Progress{Notes: 2, Left: 1, AllOn: true}},
			{"all left", []note{{quantity: half, left: true}, {quantity: two - half, left: true}}, order.Progress{Notes: 2, Left: 2, AllOn: true, AllGone: true}},
			{"all taken back", []note{{quantity: two, left: true, withdrawn: true}}, order.Progress{}},
			{"a part taken back", []note{{quantity: half, left: true}, {quantity: two - half, left: true, withdrawn: true}}, order.Progress{Notes: 1, Left: 1}},
			{"taken back and again", []note{{quantity: two, withdrawn: true}, {quantity: two, left: true}}, order.Progress{Notes: 1, Left: 1, AllOn: true, AllGone: true}},
		}
		var orders []order.Order
		for i, tc := range cases {
			in := plain(fmt.Sprint(i))
			in.Lines[0].Quantity = two
			o := s.create(t, in)
			orders = append(orders, *o)
			for j, n := range tc.notes {
				s.inTx(t, func(tx *gorm.DB) error {
					row := order.DeliveryNote{OrderID: o.ID, Number: fmt.Sprintf("%d-%d", i, j), CreatedAt: now,
						Lines: []order.NoteLine{{OrderLineID: o.Lines[0].ID, Quantity: n.quantity}}}
					if j == 0 { // the fee goes with the first
						row.Lines = append(row.Lines, order.NoteLine{OrderLineID: o.Lines[1].ID, Quantity: money.One})
					}
					if n.left {
						row.ShippedAt = &now
					}
					if n.withdrawn {
						row.WithdrawnAt = &now
					}
					return tx.Create(&row).Error
				})
			}
		}
		progress, err := s.ProgressOf(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		for i, tc := range cases {
			if got := progress[orders[i].ID]; got != tc.want {
				t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
			}
		}
		if none, err := s.ProgressOf(t.Context(), nil); err != nil || len(none) != 0 {
			t.Errorf("of no orders: %v (%v)", none, err)
		}
	})
}

func TestFindBringsNotesAndParcels(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		o := s.create(t, plain("1"))
		s.inTx(t, func(tx *gorm.DB) error {
			for i := range 2 {
				n := order.DeliveryNote{OrderID: o.ID, Number: fmt.Sprint("n", i), CreatedAt: now,
					Lines: []order.NoteLine{{OrderLineID: o.Lines[i].ID, Quantity: money.One, Amount: 7}}}
				for j := range 2 {
					n.Parcels = append(n.Parcels, order.Parcel{OrderID: o.ID, TrackingNumber: fmt.Sprint("p", i, j), TrackingKey: fmt.Sprint("P", i, j),
						Report: order.ReportNone, CreatedAt: now})
				}
				if err := tx.Create(&n).Error; err != nil {
					return err
				}
			}
			return nil
		})
		got, err := s.Find(t.Context(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		var parcels []string
		for _, n := range got.Notes {
			if len(n.Lines) != 1 || n.Lines[0].Amount != 7 {
				t.Errorf("lines of note %s: %+v", n.Number, n.Lines)
			}
			for _, p := range n.Parcels {
				parcels = append(parcels, n.Number+":"+p.TrackingNumber)
			}
		}
		if want := []string{"n0:p0 0", "n0:p0 1", "n1:p1 0", "n1:p1 1"}; !slices.Equal(parcels, want) {
			t.Errorf("parcels %q, want %q", parcels, want)
		}
	})
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	const many = 25
	each(t, func(t *testing.T, s shop) {
		orders := s.fill(t, 1, 2, nil)
		call := int64(17)
		s.inTx(t, func(tx *gorm.DB) error {
			for i := range many {
				for _, o := range orders {
					e := order.ProtocolEntry{OrderID: o.ID, At: now, Kind: fmt.Sprint("kind_", i)}
					if i == many-1 {
						e.Actor, e.Outcome, e.CallID = "anna@example.com", order.Failed, &call
						e.Params = order.Params{"number": "00340", "amount": order.Money{Amount: 5958, Currency: "EUR"}}
					}
					if err := order.AddProtocol(tx, e); err != nil {
						return err
					}
				}
			}
			return nil
		})
		var kinds []string
		for before := int64(0); ; {
			entries, err := s.Protocol(t.Context(), orders[0].ID, before, 10)
			if err != nil {
				t.Fatal(err)
			}
			if before == 0 {
				e := entries[0]
				if e.Actor != "anna@example.com" || e.Outcome != order.Failed || *e.CallID != call || e.Params["number"] != "00340" ||
					!reflect.DeepEqual(e.Params["amount"], map[string]any{"amount": 5958.0, "currency": "EUR"}) {
					t.Errorf("the newest entry is %+v", e)
				}
				if e := entries[1]; e.Actor != order.Zahlwerk || e.Outcome != order.Info || e.CallID != nil || len(e.Params) != 0 || !e.At.Equal(now) {
					t.Errorf("an entry without more is %+v", e)
				}
			}
			for _, e := range entries {
				kinds = append(kinds, e.Kind)
				before = e.ID
			}
			if len(entries) < 10 {
				break
			}
		}
		var want []string
		for i := many - 1; i >= 0; i-- {
			want = append(want, fmt.Sprint("kind_", i))
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("kinds %v, want %v", kinds, want)
		}
	})
}
