package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestReplaceNote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		o := s.place("klarna")
		whole := s.note(o)
		part, err := s.dispatch.ReplaceNote(t.Context(), o.ID, whole.Number, []dispatch.LineQuantity{cups(1)}, "clerk")
		s.must(err)
		if part.Number == whole.Number || part.Amount != 1450 || part.Whole || s.now(o).Notes[0].WithdrawnAt == nil {
			t.Errorf("%+v after %+v", part, whole)
		}
		if got := s.kinds(o); !slices.Equal(got[len(got)-3:], []string{"note_created", "note_withdrawn", "note_created"}) {
			t.Error(got)
		}
		rest := s.note(o)
		if rest.Amount != 4000 || rest.Whole {
			t.Errorf("the rest: %+v", rest)
		}
		// Back to everything in one note.
		s.must(s.dispatch.WithdrawNote(t.Context(), o.ID, rest.Number, "clerk"))
		again, err := s.dispatch.ReplaceNote(t.Context(), o.ID, part.Number, []dispatch.LineQuantity{cups(3), plates(2)}, "clerk")
		s.must(err)
		if again.Amount != o.Total || !again.Whole {
			t.Errorf("%+v", again)
		}
		s.record(o, on(again.Number, "1"))
		if c := s.captures(o); len(c) != 1 || c[0].Amount != o.Total {
			t.Errorf("%+v", c)
		}
	})
}

func TestReplaceNoteRefuses(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("klarna")
	left, open := s.note(o, cups(1)), s.note(o, cups(1))
	s.record(o, on(left.Number, "1"))
	replace := func(note string, parts ...dispatch.LineQuantity) error {
		_, err := s.dispatch.ReplaceNote(t.Context(), o.ID, note, parts, "clerk")
		return err
	}
	s.refused(replace(left.Number, cups(1)), fault.Conflict, "dispatch.error.note_left")
	s.refused(s.dispatch.WithdrawNote(t.Context(), o.ID, left.Number, "clerk"), fault.Conflict, "dispatch.error.note_left")
	s.refused(replace("999999", cups(1)), fault.NotFound, "dispatch.error.no_such_note")
	s.refused(replace(open.Number, cups(3)), fault.Invalid, "lines.0.quantity dispatch.error.more_than_open")
	s.refused(replace(open.Number), fault.Invalid, "lines.0.quantity order.error.no_quantity")
	if now := s.now(o); len(now.Notes) != 2 || now.Notes[1].WithdrawnAt != nil {
		t.Errorf("half done: %+v", now.Notes)
	}
	// Once its only parcel was taken back, a note may be changed again.
	s.must(s.dispatch.RemoveParcel(t.Context(), o.ID, s.now(o).Notes[0].Parcels[0].ID, "clerk"))
	s.must(replace(left.Number, cups(2)))
	s.must(s.dispatch.Cancel(t.Context(), o.ID, "clerk"))
	s.refused(replace(open.Number, cups(1)), fault.Conflict, "dispatch.error.cancelled")
}

// However notes are made, taken back and made anew: together they are the order's total,
// and none is negative.
func TestReplacedNotesAddUp(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 3))
		o := s.place("klarna", func(in *order.Input) {
			in.Total = 0
			for i := range in.Lines[:2] {
				l := &in.Lines[i]
				l.UnitPrice = random.Int64N(2000)
				l.Total = l.UnitPrice * int64(l.Quantity/money.One)
			}
			discount := -random.Int64N(in.Lines[0].Total + in.Lines[1].Total + 1)
			in.Lines = append(in.Lines, order.LineInput{Name: "Rabatt", Type: order.Discount, Quantity: money.One, UnitPrice: discount, Total: discount})
			for _, l := range in.Lines {
				in.Total += l.Total
			}
		})
		for range 12 {
			s.reshuffle(o, random)
		}
		if _, err := s.dispatch.CreateNote(t.Context(), o.ID, nil, "clerk"); err != nil && fault.CodeOf(err) != fault.Conflict {
			t.Fatal(err)
		}
		var sum int64
		for _, n := range s.now(o).Notes {
			if n.WithdrawnAt != nil {
				continue
			}
			if sum += n.Amount; n.Amount < 0 {
				t.Errorf("seed %d: note %s over %d", seed, n.Number, n.Amount)
			}
		}
		if sum != o.Total {
			t.Errorf("seed %d: the notes are %d, the order %d", seed, sum, o.Total)
		}
	}
}

// reshuffle makes, replaces or takes back a note, whatever can be done.
func (s *shop) reshuffle(o *order.Order, random *rand.Rand) {
	s.Helper()
	parts := []dispatch.LineQuantity{cups(1 + random.IntN(2)), plates(1)}[random.IntN(2):]
	notes := s.now(o).Notes
	var err error
	if len(notes) == 0 || random.IntN(2) == 0 {
		_, err = s.dispatch.CreateNote(s.Context(), o.ID, parts, "clerk")
	} else {
		number := notes[random.IntN(len(notes))].Number
		if random.IntN(4) == 0 {
			err = s.dispatch.WithdrawNote(s.Context(), o.ID, number, "clerk")
		} else {
			_, err = s.dispatch.ReplaceNote(s.Context(), o.ID, number, parts, "clerk")
		}
	}
	if err != nil && fault.CodeOf(err) == fault.Internal {
		s.Fatal(err)
	}
}

func TestShipOneNoteWithoutTracking(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("klarna")
	first, second := s.note(o, cups(1)), s.note(o, cups(1))
	ship := dispatch.ShipInput{WithoutTracking: true, DeliveryNote: second.Number}
	s.must(s.dispatch.Ship(t.Context(), o.ID, ship, "clerk"))
	now := s.now(o)
	if now.Notes[0].ShippedAt != nil || now.Notes[1].ShippedAt == nil || !now.Notes[1].WithoutTracking || len(now.Notes) != 2 || len(s.captures(o)) != 1 {
		t.Errorf("%+v", now.Notes)
	}
	s.refused(s.dispatch.Ship(t.Context(), o.ID, ship, "clerk"), fault.Conflict, "dispatch.error.note_left")
	ship.DeliveryNote = "999999"
	s.refused(s.dispatch.Ship(t.Context(), o.ID, ship, "clerk"), fault.NotFound, "dispatch.error.no_such_note")
	if s.now(o).Notes[0].ID != first.ID {
		t.Error("the order of the notes changed")
	}
}

func TestUndoShip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, method := range []string{"klarna", "manual", "invoice"} {
			o := s.place(method)
			n := s.note(o)
			undo := func() error { return s.dispatch.UndoShip(t.Context(), o.ID, n.Number, "clerk") }
			s.refused(undo(), fault.Conflict, "dispatch.error.not_without_tracking")
			ship := dispatch.ShipInput{WithoutTracking: true, DeliveryNote: n.Number}
			s.must(s.dispatch.Ship(t.Context(), o.ID, ship, "clerk"))
			s.must(undo())
			if now := s.now(o); now.Status != order.Released || now.Notes[0].ShippedAt != nil || now.Notes[0].WithoutTracking {
				t.Errorf("%s: %+v", method, now)
			}
			for _, c := range s.captures(o) {
				if c.State != capture.Withdrawn || c.DueAt != nil {
					t.Errorf("%s: %+v", method, c)
				}
			}
			s.must(s.dispatch.Ship(t.Context(), o.ID, ship, "clerk")) // and again
			s.record(o, on(n.Number, "1"))
			s.refused(undo(), fault.Conflict, "dispatch.error.not_without_tracking")
		}
		o := s.place("klarna")
		n := s.note(o)
		s.must(s.dispatch.Ship(t.Context(), o.ID, dispatch.ShipInput{WithoutTracking: true}, "clerk"))
		s.reach(o, capture.Confirmed)
		s.refused(s.dispatch.UndoShip(t.Context(), o.ID, n.Number, "clerk"), fault.Conflict, "capture.error.withdraw_confirmed")
	})
}

func TestDoneByHandOfOneNote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		o := s.place("manual")
		var notes []string
		for i := range 3 {
			n := s.note(o, cups(1))
			s.record(o, on(n.Number, fmt.Sprint("T", i)))
			notes = append(notes, n.Number)
		}
		for _, i := range []int{1, 0, 2} {
			s.clock.Advance(time.Minute)
			s.must(s.dispatch.NoteDoneByHand(t.Context(), o.ID, notes[i], true, "clerk"))
		}
		list := func(after int64, limit int) (numbers []string, next int64) {
			items, err := s.dispatch.ListDoneByHand(t.Context(), after, limit)
			s.must(err)
			for _, i := range items.Items {
				numbers = append(numbers, i.NoteNumber)
			}
			return numbers, items.Next
		}
		first, next := list(0, 2)
		rest, end := list(next, 2)
		if !slices.Equal(append(first, rest...), []string{notes[2], notes[0], notes[1]}) || end != 0 {
			t.Errorf("%v %v", first, rest)
		}
		s.must(s.dispatch.NoteDoneByHand(t.Context(), o.ID, notes[0], false, "clerk"))
		states := map[capture.State]int{}
		for _, c := range s.captures(o) {
			states[c.State]++
		}
		if states[capture.ByHand] != 1 || states[capture.DoneByHand] != 2 {
			t.Errorf("%v", states)
		}
		open, err := s.dispatch.ListByHand(t.Context(), 0, 10)
		if err != nil || len(open.Items) != 1 || open.Items[0].NoteNumber != notes[0] {
			t.Errorf("%+v %v", open, err)
		}
		s.refused(s.dispatch.NoteDoneByHand(t.Context(), o.ID, notes[0], false, "clerk"), fault.Conflict, "capture.error.not_by_hand")
		s.refused(s.dispatch.NoteDoneByHand(t.Context(), o.ID, "999", true, "clerk"), fault.NotFound, "dispatch.error.no_such_note")
	})
}
