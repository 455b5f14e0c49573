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

// postDeliveryNote makes a delivery note for a part of an order, or for all that is open.
// Asked for a preview it only says what would be captured for which part.
func (s *Server) postDeliveryNote(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	o, err := s.Orders.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	form, parts, rows, err := readSplit(r, o, nil)
	if isPreview(r) {
		form.Form = views.FormError(r.ctx(), err, "order.field.")
		if isFragment(r) {
			return s.ok(r, views.SplitAmounts(form))
		}
		return s.orderPage(r, http.StatusOK, func(p *views.OrderPage) { p.Split = form.Named() })
	}
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
		Href: dispatchPath(note.Number, nil), LinkText: i18n.T(r.ctx(), "order.to_dispatch"),
	})
	if err != nil {
		return err
	}
	return r.Redirect(http.StatusSeeOther, comeBack(r, id))
}

// changeDispatchNote makes another delivery note in the place of one that has not left.
func (s *Server) changeDispatchNote(r *request) error {
	number := r.Param("note")
	found, err := s.Dispatch.FindNote(r.ctx(), number)
	if err != nil {
		return err
	}
	o, err := s.Orders.Find(r.ctx(), found.OrderID)
	if err != nil {
		return err
	}
	form, parts, rows, err := readSplit(r, o, found)
	if isPreview(r) {
		form.Form = views.FormError(r.ctx(), err, "order.field.")
		if isFragment(r) {
			return s.ok(r, views.SplitAmounts(form))
		}
		return s.renderDispatchNote(r, number, http.StatusOK, func(p *views.DispatchNotePage) { p.Split = form.Named() })
	}
	var note *order.DeliveryNote
	if err == nil {
		note, err = s.Dispatch.ReplaceNote(r.ctx(), o.ID, number, parts, r.actor())
		err = inRows(err, rows)
	}
	if err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		form.Form = views.FormError(r.ctx(), err, "order.field.")
		return s.renderDispatchNote(r, number, status, func(p *views.DispatchNotePage) {
			if p.Split = form.Named(); len(form.Form.Errors) == 0 {
				p.Refused = form.Form
			}
		})
	}
	return s.done(r, dispatchPath(note.Number, nil), "dispatch.done.replaced", "Old", number, "New", note.Number)
}

func (s *Server) withdrawDispatchNote(r *request) error {
	number := r.Param("note")
	found, err := s.Dispatch.FindNote(r.ctx(), number)
	if err != nil {
		return err
	}
	if err := s.Dispatch.WithdrawNote(r.ctx(), found.OrderID, number, r.actor()); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.renderDispatchNote(r, number, status, func(p *views.DispatchNotePage) { p.Refused = views.FormError(r.ctx(), err, "order.field.") })
	}
	return s.done(r, "/dispatch", "dispatch.done.withdrawn", "Note", number)
}

// isPreview tells that a form asks what would become of it.
func isPreview(r *request) bool { return r.FormValue("preview") != "" }

// dispatchPath is the page of a delivery note.
func dispatchPath(note string, query url.Values) string {
	u := url.URL{Path: "/dispatch/" + note, RawQuery: query.Encode()}
	return u.String()
}

// splitForm is what a part delivery can be made of: with all of it filled in or, instead
// of a note that has not left, with what is in that.
func splitForm(ctx context.Context, o *order.Order, instead *order.DeliveryNote) views.SplitForm {
	f := views.SplitForm{Currency: o.Currency}
	for _, n := range o.Notes {
		if n.WithdrawnAt == nil && (instead == nil || n.ID != instead.ID) {
			f.Notes = append(f.Notes, n)
		}
	}
	chosen := order.Open(o.Lines, f.Notes)
	open := chosen
	if instead != nil {
		chosen, _ = order.Delivered([]order.DeliveryNote{*instead})
	}
	for i, l := range o.Lines {
		q := open[l.ID]
		if q <= 0 {
			continue
		}
		line := views.OpenLine{Position: i + 1, Name: l.Name, Open: q, Ordered: l.Quantity}
		if c := chosen[l.ID]; c > 0 {
			line.Value = c.Format(i18n.Language(ctx))
		}
		f.Lines = append(f.Lines, line)
	}
	f.Plan(o, chosen)
	return f
}

func openLines(o *order.Order) map[int64]money.Quantity { return order.Open(o.Lines, o.Notes) }

// readSplit reads the quantities of a part delivery; rows are their fields' places in
// the form. Without any such field everything that is open is meant.
func readSplit(r *request, o *order.Order, instead *order.DeliveryNote) (f views.SplitForm, parts []dispatch.LineQuantity, rows []int, err error) {
	f = splitForm(r.ctx(), o, instead)
	var problems fault.Checker
	asked, chosen := false, map[int64]money.Quantity{}
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
		case err != nil || q < 0:
			problems.Add(name, "order.error.quantity")
		case q > l.Open:
			problems.Add(name, "dispatch.error.more_than_open", "Open", l.Open.Format(i18n.Language(r.ctx())))
		case q != 0:
			chosen[o.Lines[l.Position-1].ID] = q
			parts, rows = append(parts, dispatch.LineQuantity{Line: l.Position, Quantity: q}), append(rows, i)
		}
	}
	if asked && len(parts) == 0 && problems.Err() == nil {
		problems.Add("lines.0.quantity", "order.error.no_quantity")
	}
	if !asked {
		return f, nil, nil, nil
	}
	f.Asked = true
	if err := problems.Err(); err != nil {
		f.Planned = nil
		return f, nil, nil, err
	}
	f.Plan(o, chosen)
	return f, parts, rows, nil
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
