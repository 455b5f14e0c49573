package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

// act does something with the order of the address, and comes back to the page that it
// was asked for on. What is refused is told on the order's page; form, if any, puts it
// at its fields.
func (s *Server) act(r *request, do func(ctx context.Context, id int64) error, done string, form func(p *views.OrderPage, f views.Form)) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	if err := do(r.ctx(), id); err != nil {
		return s.refused(r, err, form)
	}
	return s.done(r, comeBack(r, id), done)
}

// refused shows the page again that something was asked for on, with the reason why it
// can't be done: the order's page, the delivery note's or a list of the dispatch centre.
func (s *Server) refused(r *request, err error, form func(p *views.OrderPage, f views.Form)) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	f := views.FormError(r.ctx(), err, "order.field.")
	switch note, tab, ok := dispatchPlace(r); {
	case note != "":
		return s.renderDispatchNote(r, note, status, func(p *views.DispatchNotePage) { p.Refused = f })
	case ok:
		return s.dispatchPage(r, status, views.DispatchPage{Tab: tab, Refused: f})
	}
	return s.orderPage(r, status, func(p *views.OrderPage) {
		if form != nil {
			form(p, f)
		}
		if form == nil || len(f.Errors) == 0 {
			p.Refused = f
		}
	})
}

// dispatchPlace is where in the dispatch centre a form was: on the page of a delivery
// note, or on a tab; ok is false for one that was elsewhere.
func dispatchPlace(r *request) (note, tab string, ok bool) {
	u, err := url.Parse(localPath(r.FormValue("return_to")))
	if err != nil {
		return "", "", false
	}
	if note, ok = strings.CutPrefix(u.Path, "/dispatch/"); ok {
		return note, "", note != ""
	}
	return "", u.Query().Get("tab"), u.Path == "/dispatch"
}

// comeBack is the page that a form was on, as far as it says so.
func comeBack(r *request, id int64) string {
	if to := r.FormValue("return_to"); to != "" {
		return localPath(to)
	}
	return views.OrderHref(id, listOf(r))
}

func (s *Server) postParcel(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	var in views.ParcelForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	if !r.ticked("again", false) {
		in.Again = ""
	}
	if !r.ticked("another", false) {
		in.Another = ""
	}
	rec, err := s.Dispatch.RecordParcel(r.ctx(), id, dispatch.ParcelInput{
		Carrier: in.Carrier, TrackingNumber: in.TrackingNumber, TrackingURL: in.TrackingURL, DeliveryNote: in.DeliveryNote, Again: in.Again != "",
	}, r.actor())
	if err != nil {
		return s.parcelRefused(r, in, err)
	}
	if err := s.tellOfParcel(r, rec, in); err != nil {
		return err
	}
	to := comeBack(r, id)
	if note, _, _ := dispatchPlace(r); note != "" && r.ticked("another", false) {
		to = dispatchPath(note, url.Values{"saved": {"1"}, "another": {"1"}})
	}
	return r.Redirect(http.StatusSeeOther, to)
}

// parcelRefused shows what was typed again, on the page that it was typed on.
func (s *Server) parcelRefused(r *request, in views.ParcelForm, err error) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	in.Form = views.FormError(r.ctx(), err, "order.field.")
	if strings.HasPrefix(in.ReturnTo, "/dispatch/") && in.DeliveryNote != "" && in.Form.Error("delivery_note") == "" {
		return s.parcelRefusedInTheHall(r, in, status)
	}
	return s.refused(r, err, func(p *views.OrderPage, _ views.Form) { p.Parcel = in })
}

// parcelRefusedInTheHall is parcelRefused on the page of a delivery note: there the wrong
// barcode may have been scanned.
func (s *Server) parcelRefusedInTheHall(r *request, in views.ParcelForm, status int) error {
	note, orderID, err := s.Dispatch.Scan(r.ctx(), strings.TrimSpace(in.TrackingNumber))
	ours := err == nil
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return err
	}
	if ours && note != "" && note != in.DeliveryNote {
		here, err := s.Dispatch.FindNote(r.ctx(), in.DeliveryNote)
		if err != nil {
			return err
		}
		if here.ShippedAt != nil { // this one needs no more numbers: the scan goes on
			return r.Redirect(http.StatusSeeOther, dispatchPath(note, nil))
		}
	}
	return s.renderDispatchNote(r, in.DeliveryNote, status, func(p *views.DispatchNotePage) {
		p.Input = in
		if ours {
			p.Scanned(r.ctx(), note, orderID)
		}
		if in.Carrier == "" && in.Error("carrier") != "" {
			p.Input.Carrier = in.LastCarrier // one press of a key, if it is that again
		}
	})
}

// tellOfParcel says what became of a parcel, and what is odd about it.
func (s *Server) tellOfParcel(r *request, rec dispatch.Recorded, in views.ParcelForm) error {
	var flashes []views.Flash
	number := rec.Parcel.TrackingNumber
	switch {
	case !rec.Created:
		flashes = append(flashes, views.Flash{Kind: views.Info, Text: i18n.T(r.ctx(), "order.done.parcel_known", "Number", number, "Note", rec.Note)})
	case in.ReturnTo == "": // other pages say so themselves
		flashes = append(flashes, views.Flash{Kind: views.OK, Text: i18n.T(r.ctx(), "order.done.parcel", "Number", number, "Note", rec.Note)})
	}
	if rec.UnknownCarrier {
		flashes = append(flashes, views.Flash{Kind: views.Warn, Text: i18n.T(r.ctx(), "order.done.unknown_carrier", "Carrier", rec.Parcel.Carrier)})
	}
	if rec.Elsewhere != "" {
		f := views.Flash{Kind: views.Warn, Text: i18n.T(r.ctx(), "order.done.parcel_elsewhere", "Number", number, "Order", rec.Elsewhere)}
		f.Href = ordersPath + "?" + url.Values{"q": {rec.Elsewhere}}.Encode()
		f.LinkText = i18n.T(r.ctx(), "order.title", "Number", rec.Elsewhere)
		flashes = append(flashes, f)
	}
	for _, f := range flashes {
		if err := s.flash(r, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) removeParcel(r *request) error {
	parcel, err := r.pathID("parcel")
	if err != nil {
		return err
	}
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.RemoveParcel(ctx, id, parcel, r.actor())
	}, "order.done.remove_parcel", nil)
}

func (s *Server) ship(r *request) error {
	in := dispatch.ShipInput{WithoutTracking: r.ticked("without_tracking", false), DeliveryNote: r.FormValue("delivery_note")}
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.Ship(ctx, id, in, r.actor())
	}, "order.done.ship", func(p *views.OrderPage, f views.Form) { p.Ship.Form = f })
}

func (s *Server) undoShip(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.UndoShip(ctx, id, r.FormValue("delivery_note"), r.actor())
	}, "order.done.undo_ship", nil)
}

func (s *Server) doneByHand(r *request) error { return s.byHand(r, true, "order.done.done_by_hand") }

func (s *Server) undoDoneByHand(r *request) error {
	return s.byHand(r, false, "order.done.undo_by_hand")
}

// byHand ticks one delivery note off, or, where the form names none, all of the order.
func (s *Server) byHand(r *request, done bool, key string) error {
	note := r.FormValue("delivery_note")
	return s.act(r, func(ctx context.Context, id int64) error {
		if note != "" {
			return s.Dispatch.NoteDoneByHand(ctx, id, note, done, r.actor())
		}
		return s.Dispatch.DoneByHand(ctx, id, done, r.actor())
	}, key, nil)
}

func (s *Server) release(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error { return s.Dispatch.Release(ctx, id, r.actor()) }, "order.done.release", nil)
}

func (s *Server) resend(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error {
		if _, err := s.Orders.Find(ctx, id); err != nil {
			return err
		}
		return s.Captures.Resend(ctx, id, r.actor())
	}, "order.done.resend", nil)
}

func (s *Server) cancel(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error { return s.Dispatch.Cancel(ctx, id, r.actor()) }, "order.done.cancel", nil)
}

func (s *Server) uncancel(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error { return s.Dispatch.Uncancel(ctx, id, r.actor()) }, "order.done.uncancel", nil)
}

func (s *Server) dontTell(r *request) error {
	var in views.DontTellForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.DontTell(ctx, id, in.Reason, r.actor())
	}, "order.done.dont_tell", func(p *views.OrderPage, f views.Form) {
		in.Form = f
		p.DontTell = in
	})
}

func (s *Server) undoDontTell(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error { return s.Dispatch.UndoDontTell(ctx, id, r.actor()) }, "order.done.tell_again", nil)
}

func (s *Server) readAtKlarna(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error {
		if _, err := s.Orders.Find(ctx, id); err != nil {
			return err
		}
		_, err := s.Captures.Read(ctx, id, r.actor())
		return err
	}, "order.done.read", nil)
}

// amendOrder changes the fields that the form has; others stay.
func (s *Server) amendOrder(r *request) error {
	var in views.AmendForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	var a dispatch.Amendment
	if r.sent("klarna_order_id") {
		a.KlarnaOrderID = &in.KlarnaOrderID
	}
	if r.sent("external_number") {
		a.ExternalNumber = &in.ExternalNumber
	}
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.Amend(ctx, id, a, r.actor())
	}, "order.done.amend", func(p *views.OrderPage, f views.Form) {
		if a.KlarnaOrderID != nil {
			p.Amend.KlarnaOrderID = in.KlarnaOrderID
		}
		if a.ExternalNumber != nil {
			p.Amend.ExternalNumber = in.ExternalNumber
		}
		p.Amend.Form = f
	})
}

func (s *Server) markPaid(r *request) error {
	paid := r.ticked("paid", true)
	done := "order.done.mark_paid"
	if !paid {
		done = "order.done.unmark_paid"
	}
	return s.act(r, func(ctx context.Context, id int64) error { return s.Dispatch.MarkPaid(ctx, id, paid, r.actor()) }, done, nil)
}
