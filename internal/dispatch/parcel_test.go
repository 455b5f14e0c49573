package dispatch_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestRecordParcel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		o := s.place("klarna")
		r := s.record(o, parcel(" 0034 0434-1610.94 "))
		now := s.now(o)
		if !r.Created || r.Note != "300001" || r.UnknownCarrier || r.Elsewhere != "" || r.Parcel.TrackingNumber != "0034 0434-1610.94" || r.Parcel.TrackingKey != "00340434161094" {
			t.Errorf("%+v", r)
		}
		if now.Status != order.Shipped || now.Feedback != order.FeedbackQueued || len(now.Notes) != 1 || !now.Notes[0].Whole || now.Notes[0].Amount != 5450 || now.Notes[0].ShippedAt == nil {
			t.Errorf("%+v", now)
		}
		c := s.captures(o)
		if len(c) != 1 || c[0].State != capture.Pending || c[0].Amount != 5450 || c[0].DueAt == nil || !c[0].DueAt.Equal(begin) || c[0].Actor != "clerk" {
			t.Errorf("%+v", c)
		}
		before := fmt.Sprint(s.kinds(o))
		for _, again := range []string{"0034 0434-1610.94", "00340434161094", "0034043416 1094", "0034/0434/161094"} {
			if r := s.record(o, parcel(again)); r.Created || r.Note != "300001" || r.Parcel.ID == 0 {
				t.Errorf("%s again: %+v", again, r)
			}
			if r := s.record(o, on("300001", again)); r.Created {
				t.Errorf("%s again on its note: %+v", again, r)
			}
		}
		if after := fmt.Sprint(s.kinds(o)); after != before || len(s.captures(o)) != 1 {
			t.Errorf("the same number again did something: %s, before %s", after, before)
		}
	})
}

// Which note a parcel belongs to that names none.
func TestNoteOfAParcel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, c := range []struct {
			name   string
			before func(o *order.Order)
			method string
			want   int // the number of the order's note, from 0
			notes  int // that it has then
		}{
			{"nothing has left", func(*order.Order) {}, "klarna", 0, 1},
			{"one note is open", func(o *order.Order) { s.note(o, cups(1)) }, "klarna", 0, 1},
			{"one note is pending, lines are open", func(o *order.Order) { n := s.note(o, cups(1)); s.record(o, on(n.Number, "1")) }, "klarna", 0, 1},
			{"one note is sending, lines are open", func(o *order.Order) {
				n := s.note(o, cups(1))
				s.record(o, on(n.Number, "1"))
				s.reach(o, capture.Sending)
			}, "klarna", 1, 2},
			{"one note is confirmed, lines are open", func(o *order.Order) {
				n := s.note(o, cups(1))
				s.record(o, on(n.Number, "1"))
				s.reach(o, capture.Confirmed)
			}, "klarna", 1, 2},
			{"all is confirmed", func(o *order.Order) { s.record(o, parcel("1")); s.reach(o, capture.Confirmed) }, "klarna", 0, 1},
			{"two notes, both confirmed", func(o *order.Order) {
				a, b := s.note(o, cups(1)), s.note(o)
				s.record(o, on(a.Number, "1"))
				s.record(o, on(b.Number, "2"))
				s.reach(o, capture.Confirmed)
			}, "klarna", 1, 2},
			{"one confirmed, one open", func(o *order.Order) {
				a := s.note(o, cups(1))
				s.record(o, on(a.Number, "1"))
				s.reach(o, capture.Confirmed)
				s.note(o, cups(1))
			}, "klarna", 1, 2},
			{"by hand", func(o *order.Order) { s.record(o, parcel("1")) }, "manual", 0, 1},
			{"of another method", func(o *order.Order) { s.record(o, parcel("1")) }, "invoice", 0, 1},
		} {
			o := s.place(c.method)
			c.before(o)
			r := s.record(o, parcel("new"+o.Number))
			if notes := s.now(o).Notes; len(notes) != c.notes || notes[c.want].Number != r.Note {
				t.Errorf("%s: on %s, the order has %d notes", c.name, r.Note, len(notes))
			}
		}
		o := s.place("klarna")
		a, b := s.note(o, cups(1)), s.note(o, cups(2))
		_, err := s.dispatch.RecordParcel(t.Context(), o.ID, parcel("1"), "clerk")
		s.refused(err, fault.Invalid, "delivery_note dispatch.error.several_notes")
		s.record(o, on(a.Number, "1"))
		_, err = s.dispatch.RecordParcel(t.Context(), o.ID, parcel("2"), "clerk")
		s.refused(err, fault.Invalid, "delivery_note dispatch.error.several_notes")
		if r := s.record(o, parcel("1")); r.Created || r.Note != a.Number { // known anywhere: nothing else happens
			t.Errorf("%+v", r)
		}
		_, err = s.dispatch.RecordParcel(t.Context(), o.ID, on("999", "2"), "clerk")
		s.refused(err, fault.Invalid, "delivery_note dispatch.error.no_such_note")
		_, err = s.dispatch.RecordParcel(t.Context(), o.ID, on(b.Number, "1"), "clerk")
		s.refused(err, fault.Invalid, "tracking_number dispatch.error.on_other_note")
		again := on(b.Number, "1")
		again.Again = true
		if r := s.record(o, again); !r.Created || r.Note != b.Number {
			t.Errorf("%+v", r)
		}
	})
}

func TestBadParcels(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o, other := s.place("klarna"), s.place("klarna")
	s.note(o, cups(1))
	in := func(change func(in *dispatch.ParcelInput)) dispatch.ParcelInput {
		p := parcel("1")
		change(&p)
		return p
	}
	for _, c := range []struct {
		in   dispatch.ParcelInput
		want string
	}{
		{parcel(""), "tracking_number error.required"},
		{parcel(" \n "), "tracking_number error.required"},
		{parcel(strings.Repeat("1", 101)), "tracking_number error.too_long"},
		{parcel("<script>alert(1)</script>"), "tracking_number dispatch.error.tracking_form"},
		{parcel("1\x00"), "tracking_number dispatch.error.tracking_form"},
		{parcel("-./"), "tracking_number dispatch.error.tracking_form"},
		{parcel("300001"), "tracking_number dispatch.error.own_number"},
		{parcel(other.Number), "tracking_number dispatch.error.own_number"},
		{in(func(p *dispatch.ParcelInput) { p.Carrier = "" }), "carrier dispatch.error.carrier_not_recognised"},
		{in(func(p *dispatch.ParcelInput) { p.Carrier = strings.Repeat("ä", 101) }), "carrier error.too_long"},
		{in(func(p *dispatch.ParcelInput) { p.Carrier = "a\nb" }), "carrier error.control_characters"},
		{in(func(p *dispatch.ParcelInput) { p.TrackingURL = "javascript:alert(1)" }), "tracking_url dispatch.error.tracking_url"},
		{in(func(p *dispatch.ParcelInput) { p.TrackingURL = "https://x/" + strings.Repeat("a", 1024) }), "tracking_url error.too_long"},
	} {
		_, err := s.dispatch.RecordParcel(t.Context(), o.ID, c.in, "clerk")
		s.refused(err, fault.Invalid, c.want)
	}
	if now := s.now(o); len(now.Notes[0].Parcels) != 0 || now.Notes[0].ShippedAt != nil {
		t.Errorf("something was recorded: %+v", now.Notes)
	}
	draft := s.place("klarna", func(in *order.Input) { in.Status = order.Draft })
	_, err := s.dispatch.RecordParcel(t.Context(), draft.ID, parcel("1"), "clerk")
	s.refused(err, fault.Conflict, "dispatch.error.draft")
	_, err = s.dispatch.RecordParcel(t.Context(), 4711, parcel("1"), "clerk")
	s.refused(err, fault.NotFound, "order.error.not_found")
	s.must(s.dispatch.Cancel(t.Context(), other.ID, "clerk"))
	_, err = s.dispatch.RecordParcel(t.Context(), other.ID, parcel("1"), "clerk")
	s.refused(err, fault.Conflict, "dispatch.error.cancelled")
}

// What passes with a hint.
func TestHints(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	a, b := s.place("klarna"), s.place("klarna")
	s.record(a, parcel("1234-5678"))
	unknown := parcel("12345678")
	unknown.Carrier = "Rohrpost"
	r := s.record(b, unknown)
	if !r.Created || r.Elsewhere != a.Number || !r.UnknownCarrier || r.Parcel.Carrier != "Rohrpost" {
		t.Errorf("%+v", r)
	}
}

// Many record the same parcel at the same moment: one parcel, one note, one capture.
func TestRecordAtTheSameMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		o := s.place("klarna")
		var wg sync.WaitGroup
		created := make([]bool, 8)
		for i := range created {
			wg.Go(func() {
				r, err := s.dispatch.RecordParcel(t.Context(), o.ID, parcel("0034-0434"), "clerk")
				if err != nil {
					t.Error(err)
				}
				created[i] = r.Created
			})
		}
		wg.Wait()
		n := 0
		for _, c := range created {
			if c {
				n++
			}
		}
		if now := s.now(o); n != 1 || len(now.Notes) != 1 || len(now.Notes[0].Parcels) != 1 || len(s.captures(o)) != 1 {
			t.Errorf("created %d times: %+v", n, now.Notes)
		}
	})
}

// Delivery notes have no gaps and no doubles, whoever makes them.
func TestNoteNumbers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var orders []*order.Order
		for range 12 {
			orders = append(orders, s.place("klarna"))
		}
		draft := s.place("klarna", func(in *order.Input) { in.Status = order.Draft })
		var wg sync.WaitGroup
		for i, o := range orders {
			wg.Go(func() {
				if _, err := s.dispatch.RecordParcel(t.Context(), o.ID, parcel(fmt.Sprint("T", i)), "clerk"); err != nil {
					t.Error(err)
				}
				if _, err := s.dispatch.RecordParcel(t.Context(), draft.ID, parcel("1"), "clerk"); err == nil {
					t.Error("a draft left")
				}
			})
		}
		wg.Wait()
		var numbers []string
		s.must(db.Read(t.Context()).Model(&order.DeliveryNote{}).Order("number").Pluck("number", &numbers).Error)
		for i, n := range numbers {
			if want := fmt.Sprint(300001 + i); n != want || len(numbers) != 12 {
				t.Fatalf("%v", numbers)
			}
		}
	})
}
