package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
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

// refused shows the order again with the reason why something can't be done.
func (s *Server) refused(r *request, err error, form func(p *views.OrderPage, f views.Form)) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	f := views.FormError(r.ctx(), err, "order.field.")
	return s.orderPage(r, status, func(p *views.OrderPage) {
		if form != nil {
			form(p, f)
		}
		if form == nil || len(f.Errors) == 0 {
			p.Refused = f
		}
	})
}

// comeBack is the page that a form was on, as far as it says so.
func comeBack(r *request, id int64) string {
	if to := r.FormValue("return_to"); to != "" {
		return localPath(to)
	}
	return orderPath(id)
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
	rec, err := s.Dispatch.RecordParcel(r.ctx(), id, dispatch.ParcelInput{
		Carrier: in.Carrier, TrackingNumber: in.TrackingNumber, TrackingURL: in.TrackingURL, DeliveryNote: in.DeliveryNote, Again: in.Again != "",
	}, r.actor())
	if err != nil {
		return s.parcelRefused(r, in, err)
	}
	if err := s.tellOfParcel(r, rec, in); err != nil {
		return err
	}
	return r.Redirect(http.StatusSeeOther, comeBack(r, id))
}

// parcelRefused shows what was typed again, on the page that it was typed on.
func (s *Server) parcelRefused(r *request, in views.ParcelForm, err error) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	in.Form = views.FormError(r.ctx(), err, "order.field.")
	if strings.HasPrefix(in.ReturnTo, "/dispatch/") && in.DeliveryNote != "" && in.Form.Error("delivery_note") == "" {
		return s.renderDispatchNote(r, in.DeliveryNote, status, in)
	}
	return s.refused(r, err, func(p *views.OrderPage, _ views.Form) { p.Parcel = in })
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

func (s *Server) postDeliveryNote(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	o, err := s.Orders.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	form, parts, rows, err := s.readSplit(r, o)
	var note *order.DeliveryNote
	if err == nil {
		note, err = s.Dispatch.CreateNote(r.ctx(), id, parts, r.actor())
		err = inRows(err, rows)
	}
	if err != nil {
		return s.refused(r, err, func(p *views.OrderPage, f views.Form) {
			form.Form = f
			p.Split = form.Named()
		})
	}
	err = s.flash(r, views.Flash{
		Kind: views.OK, Text: i18n.T(r.ctx(), "order.done.note", "Note", note.Number),
		Href: "/dispatch/" + url.PathEscape(note.Number), LinkText: i18n.T(r.ctx(), "order.to_dispatch"),
	})
	if err != nil {
		return err
	}
	return r.Redirect(http.StatusSeeOther, comeBack(r, id))
}

// splitForm is what a part delivery can be made of, with all of it filled in.
func splitForm(ctx context.Context, o *order.Order) views.SplitForm {
	var f views.SplitForm
	open := openLines(o)
	for i, l := range o.Lines {
		if q := open[l.ID]; q > 0 {
			f.Lines = append(f.Lines, views.OpenLine{Position: i + 1, Name: l.Name, Open: q, Ordered: l.Quantity, Value: q.Format(i18n.Language(ctx))})
		}
	}
	return f
}

func openLines(o *order.Order) map[int64]money.Quantity { return order.Open(o.Lines, o.Notes) }

// readSplit reads the quantities of a part delivery; rows are their fields' places in
// the form. Without any such field everything that is open is meant.
func (s *Server) readSplit(r *request, o *order.Order) (f views.SplitForm, parts []dispatch.LineQuantity, rows []int, err error) {
	f = splitForm(r.ctx(), o)
	var problems fault.Checker
	asked := false
	for i := range f.Lines {
		l := &f.Lines[i]
		name := fmt.Sprintf("lines.%d.quantity", i)
		if !r.sent(name) {
			continue
		}
		asked = true
		l.Value = r.FormValue(name)
		if strings.TrimSpace(l.Value) == "" {
			continue
		}
		q, err := money.ParseQuantity(l.Value, i18n.Language(r.ctx()))
		switch {
		case err != nil:
			problems.Add(name, "order.error.quantity")
		case q != 0:
			parts, rows = append(parts, dispatch.LineQuantity{Line: l.Position, Quantity: q}), append(rows, i)
		}
	}
	if err := problems.Err(); err != nil {
		return f, nil, nil, err
	}
	if asked && len(parts) == 0 {
		problems.Add("lines.0.quantity", "order.error.no_quantity")
	}
	return f, parts, rows, problems.Err()
}

// inRows names the fields of an error by their rows in the form, where some are empty.
func inRows(err error, rows []int) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	moved := *e
	moved.Fields = nil
	for _, f := range e.Fields {
		var i int
		var field string
		if n, _ := fmt.Sscanf(f.Name, "lines.%d.%s", &i, &field); n == 2 && i < len(rows) {
			f.Name = fmt.Sprintf("lines.%d.%s", rows[i], field)
		}
		moved.Fields = append(moved.Fields, f)
	}
	return &moved
}

func (s *Server) ship(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.Ship(ctx, id, dispatch.ShipInput{WithoutTracking: r.ticked("without_tracking", false)}, r.actor())
	}, "order.done.ship", func(p *views.OrderPage, f views.Form) { p.Ship.Form = f })
}

func (s *Server) doneByHand(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.DoneByHand(ctx, id, true, r.actor())
	}, "order.done.done_by_hand", nil)
}

func (s *Server) undoDoneByHand(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error {
		return s.Dispatch.DoneByHand(ctx, id, false, r.actor())
	}, "order.done.undo_by_hand", nil)
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
