package dispatch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestCreateNote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		o := s.place("klarna")
		for _, c := range []struct {
			parts []dispatch.LineQuantity
			want  []string
		}{
			{[]dispatch.LineQuantity{{Line: 0, Quantity: money.One}}, []string{"lines.0.line dispatch.error.no_such_line"}},
			{[]dispatch.LineQuantity{cups(1), {Line: 4, Quantity: money.One}}, []string{"lines.1.line dispatch.error.no_such_line"}},
			{[]dispatch.LineQuantity{{Line: 3, Quantity: money.One}}, []string{"lines.0.line dispatch.error.no_such_line"}}, // a fee
			{[]dispatch.LineQuantity{cups(0)}, []string{"lines.0.quantity order.error.quantity"}},
			{[]dispatch.LineQuantity{cups(-1)}, []string{"lines.0.quantity order.error.quantity"}},
			{[]dispatch.LineQuantity{cups(4), plates(3)}, []string{"lines.0.quantity dispatch.error.more_than_open", "lines.1.quantity dispatch.error.more_than_open"}},
			{[]dispatch.LineQuantity{cups(2), cups(2)}, []string{"lines.1.quantity dispatch.error.more_than_open"}},
		} {
			_, err := s.dispatch.CreateNote(t.Context(), o.ID, c.parts, "clerk")
			s.refused(err, fault.Invalid, c.want...)
		}
		a, b, c := s.note(o, cups(1), plates(1)), s.note(o, cups(2)), s.note(o)
		if a.Amount != 2450 || b.Amount != 2000 || c.Amount != 1000 || a.Whole || b.Whole || c.Whole {
			t.Errorf("%+v, %+v, %+v", a, b, c)
		}
		_, err := s.dispatch.CreateNote(t.Context(), o.ID, nil, "clerk")
		s.refused(err, fault.Conflict, "dispatch.error.nothing_open")
		if f := s.now(o).Feedback; f != order.FeedbackWaiting {
			t.Errorf("it shows %s", f)
		}
		s.record(o, on(a.Number, "1"))
		if now := s.now(o); now.Status != order.Released || now.Feedback != order.FeedbackQueued {
			t.Errorf("after a part: %s, shows %s", now.Status, now.Feedback)
		}
		s.record(o, on(b.Number, "2"))
		s.record(o, on(c.Number, "3"))
		var sum int64
		for _, k := range s.captures(o) {
			sum += k.Amount
		}
		if now := s.now(o); now.Status != order.Shipped || sum != 5450 {
			t.Errorf("all left: %s, captures over %d", now.Status, sum)
		}
	})
}

func TestShip(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	for _, method := range []string{"klarna", "manual", "invoice"} {
		o := s.place(method)
		s.refused(s.dispatch.Ship(t.Context(), o.ID, dispatch.ShipInput{}, "clerk"), fault.Invalid, "without_tracking dispatch.error.no_tracking")
		s.refused(s.dispatch.Ship(t.Context(), o.ID, dispatch.ShipInput{Parcels: []dispatch.ParcelInput{parcel("1"), {}}}, "clerk"), fault.Invalid,
			"parcels.1.tracking_number error.required")
		if len(s.now(o).Notes) != 0 {
			t.Error("refused, and yet something left")
		}
		s.must(s.dispatch.Ship(t.Context(), o.ID, dispatch.ShipInput{WithoutTracking: true}, "clerk"))
		now, captures := s.now(o), s.captures(o)
		want := map[string]order.Feedback{"klarna": order.FeedbackQueued, "manual": order.FeedbackByHand, "invoice": order.FeedbackNone}[method]
		status := order.Shipped
		if method == "invoice" {
			status = order.Completed // nobody else is to be told
		}
		if now.Status != status || !now.Notes[0].WithoutTracking || now.Feedback != want || (len(captures) == 1) != (method != "invoice") {
			t.Errorf("%s: %+v, %+v", method, now, captures)
		}
		for _, again := range []dispatch.ShipInput{{}, {WithoutTracking: true}} {
			s.refused(s.dispatch.Ship(t.Context(), o.ID, again, "clerk"), fault.Conflict, "dispatch.error.all_left")
		}
	}
	o := s.place("klarna")
	s.must(s.dispatch.Ship(t.Context(), o.ID, dispatch.ShipInput{Parcels: []dispatch.ParcelInput{parcel("1"), parcel("2")}}, "clerk"))
	if now := s.now(o); len(now.Notes) != 1 || len(now.Notes[0].Parcels) != 2 || now.Notes[0].WithoutTracking || len(s.captures(o)) != 1 {
		t.Errorf("two parcels: %+v", now.Notes)
	}
	parts := s.place("klarna")
	n := s.note(parts, cups(1))
	s.record(parts, on(n.Number, "P"))
	s.must(s.dispatch.Ship(t.Context(), parts.ID, dispatch.ShipInput{WithoutTracking: true}, "clerk"))
	if now := s.now(parts); len(now.Notes) != 2 || now.Notes[0].WithoutTracking || !now.Notes[1].WithoutTracking || now.Status != order.Shipped {
		t.Errorf("the rest: %+v", now.Notes)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("klarna", func(in *order.Input) { in.Status = order.Draft })
	s.must(s.dispatch.Release(t.Context(), o.ID, "clerk"))
	if now := s.now(o); now.Status != order.Released {
		t.Errorf("it is %s", now.Status)
	}
	s.refused(s.dispatch.Release(t.Context(), o.ID, "clerk"), fault.Conflict, "dispatch.error.not_draft")
}

func TestCancelAndUndo(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	for _, method := range []string{"klarna", "invoice"} {
		o := s.place(method)
		s.must(s.dispatch.Cancel(t.Context(), o.ID, "clerk"))
		kind := map[string]string{"klarna": "order_cancelled_klarna_not_told", "invoice": "order_cancelled"}[method]
		if now := s.now(o); now.Status != order.Cancelled || now.Feedback != order.FeedbackNone || !slices.Contains(s.kinds(o), kind) {
			t.Errorf("%+v, %v", now, s.kinds(o))
		}
		s.refused(s.dispatch.Cancel(t.Context(), o.ID, "clerk"), fault.Conflict, "dispatch.error.cancelled")
		s.must(s.dispatch.Uncancel(t.Context(), o.ID, "clerk"))
		want := map[string]order.Feedback{"klarna": order.FeedbackWaiting, "invoice": order.FeedbackNone}[method]
		if now := s.now(o); now.Status != order.Released || now.Feedback != want || now.CancelledAt != nil {
			t.Errorf("undone: %+v", now)
		}
		s.refused(s.dispatch.Uncancel(t.Context(), o.ID, "clerk"), fault.Conflict, "dispatch.error.not_cancelled")
	}
	byHand := s.place("manual")
	s.record(byHand, parcel("2"))
	s.clock.Advance(time.Hour)
	s.must(s.dispatch.Cancel(t.Context(), byHand.ID, "clerk"))
	s.must(s.dispatch.Uncancel(t.Context(), byHand.ID, "clerk"))
	if now := s.now(byHand); now.Status != order.Shipped || now.Feedback != order.FeedbackByHand || !now.ShippedAt.Equal(begin) {
		t.Errorf("undone, it left as %s at %v, shows %s", now.Status, now.ShippedAt, now.Feedback)
	}
	left := s.place("invoice")
	s.record(left, parcel("1"))
	s.refused(s.dispatch.Cancel(t.Context(), left.ID, "clerk"), fault.Conflict, "dispatch.error.all_left")
}

// A draft that was cancelled is a draft again, and still has to be released.
func TestUncancelADraft(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		o := s.place("klarna", func(in *order.Input) { in.Status = order.Draft })
		for _, want := range []order.Status{order.Draft, order.Released} {
			s.must(s.dispatch.Cancel(t.Context(), o.ID, "clerk"))
			s.must(s.dispatch.Uncancel(t.Context(), o.ID, "clerk"))
			if now := s.now(o); now.Status != want {
				t.Errorf("it is %s, want %s", now.Status, want)
			}
			if want == order.Draft {
				s.must(s.dispatch.Release(t.Context(), o.ID, "clerk"))
			}
		}
	})
}

// Nobody is asked to tell Klarna by hand of an order that is cancelled.
func TestTellAgainWhenCancelled(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	for _, method := range []string{"klarna", "manual"} {
		o := s.place(method)
		s.record(o, parcel("1"))
		s.must(s.dispatch.DontTell(t.Context(), o.ID, "cash", "clerk"))
		s.must(s.dispatch.Cancel(t.Context(), o.ID, "clerk"))
		s.must(s.dispatch.UndoDontTell(t.Context(), o.ID, "clerk"))
		if c, now := s.captures(o)[0], s.now(o); c.State != capture.Withdrawn || c.Rule != capture.RuleCancelled || now.Feedback != order.FeedbackNone {
			t.Errorf("%s: %s %s, shows %s", method, c.State, c.Rule, now.Feedback)
		}
		s.must(s.dispatch.Uncancel(t.Context(), o.ID, "clerk"))
		want := map[string]capture.State{"klarna": capture.Pending, "manual": capture.ByHand}[method]
		if c := s.captures(o)[0]; c.State != want {
			t.Errorf("%s, undone: %s, want %s", method, c.State, want)
		}
	}
}

// Another behaviour of the method is for new orders: who had to pay first still has to.
func TestOrdersKeepTheirBehaviour(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ids := map[bool]*order.Order{}
		in := paymentmethod.Defaults(paymentmethod.ModuleNone)
		in.Type, in.Name, in.BehavesLike, in.MarkPaid = "advance", "advance", paymentmethod.Prepayment, false
		m, err := s.methods.Create(t.Context(), in, "admin")
		s.must(err)
		ids[false] = s.place("advance", wanted)
		in = paymentmethod.InputOf(m)
		in.BehavesLike = paymentmethod.Invoice
		_, err = s.methods.Update(t.Context(), m.ID, in, "admin")
		s.must(err)
		ids[true] = s.place("advance", wanted)
		for paid, o := range ids {
			if now := s.now(o); now.Paid() != paid {
				t.Errorf("order %s: %t, want %t", o.Number, now.Paid(), paid)
			}
		}
		ready, blocked, err := s.dispatch.CountCandidates(t.Context())
		if err != nil || ready != 1 || blocked != 1 {
			t.Errorf("%d ready, %d blocked (%v)", ready, blocked, err)
		}
	})
}

// With an invoice an order can't become one whose invoice comes from elsewhere.
func TestInvoicedKeepsItsInvoice(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("invoice")
	only := string(paymentmethod.DeliveryNoteOnly)
	_, _, err := s.dispatch.Documents.MakeInvoice(t.Context(), o.ID, "clerk")
	s.must(err)
	s.refused(s.dispatch.Amend(t.Context(), o.ID, dispatch.Amendment{Documents: &only}, "clerk"), fault.Conflict, "dispatch.error.invoiced")
	other := s.place("invoice")
	s.must(s.dispatch.Amend(t.Context(), other.ID, dispatch.Amendment{Documents: &only}, "clerk"))
}

// "Don't tell" and a removed parcel do not undo each other.
func TestDontTellThenRemove(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("klarna")
	s.refused(s.dispatch.DontTell(t.Context(), o.ID, " ", "clerk"), fault.Invalid, "reason error.required")
	s.refused(s.dispatch.DontTell(t.Context(), o.ID, strings.Repeat("x", 501), "clerk"), fault.Invalid, "reason error.too_long")
	for _, reason := range []string{"a\x00b", "a\xffb"} {
		s.refused(s.dispatch.DontTell(t.Context(), o.ID, reason, "clerk"), fault.Invalid, "reason error.control_characters")
	}
	s.refused(s.dispatch.DontTell(t.Context(), s.place("invoice").ID, "cash", "clerk"), fault.Conflict, "dispatch.error.not_klarna")
	r := s.record(o, parcel("1"))
	s.must(s.dispatch.DontTell(t.Context(), o.ID, "cash", "clerk"))
	s.must(s.dispatch.RemoveParcel(t.Context(), o.ID, r.Parcel.ID, "clerk"))
	s.must(s.dispatch.UndoDontTell(t.Context(), o.ID, "clerk"))
	if c, now := s.captures(o)[0], s.now(o); c.State != capture.Withdrawn || now.Feedback != order.FeedbackWaiting || now.Status != order.Released {
		t.Errorf("nothing has left, and yet %s, %s, shows %s", c.State, now.Status, now.Feedback)
	}
	s.record(o, parcel("2"))
	if c := s.captures(o); len(c) != 1 || c[0].State != capture.Pending || s.now(o).Feedback != order.FeedbackQueued {
		t.Errorf("%+v", c)
	}
	s.refused(s.dispatch.RemoveParcel(t.Context(), o.ID, r.Parcel.ID, "clerk"), fault.NotFound, "dispatch.error.no_such_parcel")
}

func TestDoneByHand(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("manual")
	s.refused(s.dispatch.DoneByHand(t.Context(), o.ID, true, "clerk"), fault.Conflict, "capture.error.not_by_hand")
	s.record(o, parcel("1"))
	s.must(s.dispatch.DoneByHand(t.Context(), o.ID, true, "clerk"))
	done, err := s.dispatch.ListDoneByHand(t.Context(), 0, 10)
	s.must(err)
	if f := s.now(o).Feedback; f != order.FeedbackDoneByHand || len(done.Items) != 1 {
		t.Errorf("it shows %s, listed %+v", f, done)
	}
	s.must(s.dispatch.DoneByHand(t.Context(), o.ID, false, "clerk"))
	if f := s.now(o).Feedback; f != order.FeedbackByHand {
		t.Errorf("taken back, it shows %s", f)
	}
}

func TestAmend(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		a, b := s.place("klarna"), s.place("klarna")
		amend := func(x dispatch.Amendment) error { return s.dispatch.Amend(t.Context(), a.ID, x, "clerk") }
		text := func(s string) *string { return &s }
		s.refused(amend(dispatch.Amendment{KlarnaOrderID: &b.KlarnaOrderID}), fault.Conflict, "klarna_order_id order.error.klarna_order_id_taken")
		f := amend(dispatch.Amendment{KlarnaOrderID: text("K4MADNY")})
		if fault.CodeOf(f) != fault.Invalid {
			t.Errorf("%v", f)
		}
		s.refused(amend(dispatch.Amendment{Documents: text("nothing")}), fault.Invalid, "documents error.choice")
		yes := true
		s.must(amend(dispatch.Amendment{ExternalNumber: text(" SHOP-1 "), AutoShip: &yes, Documents: text("invoice"), KlarnaOrderID: text(strings.ToUpper(a.KlarnaOrderID))}))
		if now := s.now(a); now.ExternalNumber != "SHOP-1" || !now.AutoShip || now.Documents != "invoice" || now.KlarnaOrderID != a.KlarnaOrderID {
			t.Errorf("%+v", now)
		}
		s.record(a, parcel("1"))
		for state, want := range map[capture.State]string{capture.Sending: "capture.error.target_sending", capture.Unknown: "capture.error.target_unknown", capture.Confirmed: "capture.error.target_confirmed"} {
			s.reach(a, state)
			s.refused(amend(dispatch.Amendment{KlarnaOrderID: text("")}), fault.Conflict, want)
		}
	})
}

func TestLists(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		a, b, c := s.place("klarna"), s.place("klarna"), s.place("manual")
		s.note(a, cups(1))
		s.note(a)
		s.record(c, parcel("1"))
		open, err := s.dispatch.ListOpen(t.Context(), 0, 1)
		s.must(err)
		rest, err := s.dispatch.ListOpen(t.Context(), open.Next, 1)
		s.must(err)
		without, err := s.dispatch.ListWithoutNote(t.Context(), 0, 10)
		s.must(err)
		shipped, err := s.dispatch.ListShipped(t.Context(), 0, 10)
		s.must(err)
		byHand, err := s.dispatch.ListByHand(t.Context(), 0, 10)
		s.must(err)
		if len(open.Items) != 1 || open.Items[0].NoteNumber != "300001" || len(rest.Items) != 1 || rest.Next != 0 || len(without.Items) != 1 || without.Items[0].OrderID != b.ID ||
			len(shipped.Items) != 1 || shipped.Items[0].TrackingNumber != "1" || len(byHand.Items) != 1 || byHand.Items[0].CaptureState != capture.ByHand {
			t.Errorf("%+v %+v %+v %+v %+v", open, rest, without, shipped, byHand)
		}
		if note, id, err := s.dispatch.Scan(t.Context(), "300002"); note != "300002" || id != a.ID || err != nil {
			t.Errorf("%s %d %v", note, id, err)
		}
		if note, id, err := s.dispatch.Scan(t.Context(), a.Number); note != "300001" || id != a.ID || err != nil {
			t.Errorf("%s %d %v", note, id, err)
		}
		if note, id, err := s.dispatch.Scan(t.Context(), b.Number); note != "" || id != b.ID || err != nil {
			t.Errorf("%s %d %v", note, id, err)
		}
		for _, none := range []string{"?", "\x00", "\xff"} {
			_, _, err = s.dispatch.Scan(t.Context(), none)
			s.refused(err, fault.NotFound, "dispatch.error.scan_unknown")
			_, err = s.dispatch.FindNote(t.Context(), none)
			s.refused(err, fault.NotFound, "dispatch.error.no_such_note")
		}
	})
}

// A program that keeps an order from Klarna gives no reason; the protocol names it.
func TestDontTellByAmendment(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	o := s.place("klarna")
	s.must(s.dispatch.Amend(t.Context(), o.ID, dispatch.Amendment{TellKlarna: new(false)}, "API: shop"))
	if now := s.now(o); now.TellKlarna || now.DontTellReason != "API: shop" {
		t.Errorf("tells %t, because %q", now.TellKlarna, now.DontTellReason)
	}
	s.must(s.dispatch.Amend(t.Context(), o.ID, dispatch.Amendment{TellKlarna: new(true)}, "API: shop"))
	if now := s.now(o); !now.TellKlarna || now.DontTellReason != "" {
		t.Errorf("tells %t, because %q", now.TellKlarna, now.DontTellReason)
	}
}
