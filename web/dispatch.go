package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/views"
)

// dispatchRows is how many rows a list of the dispatch centre has.
const dispatchRows = 50

func (s *Server) showDispatch(r *request) error {
	number := strings.TrimSpace(r.QueryParam("scan"))
	if number == "" {
		return s.dispatchPage(r, http.StatusOK, views.DispatchPage{})
	}
	note, orderID, err := s.Dispatch.Scan(r.ctx(), number)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return s.dispatchPage(r, http.StatusUnprocessableEntity, views.DispatchPage{Scan: number, Problem: message(r, err)})
	case err != nil:
		return err
	case note != "":
		return r.Redirect(http.StatusSeeOther, dispatchNotePath(note, r.QueryParam("carrier")))
	}
	o, err := s.Orders.Find(r.ctx(), orderID)
	if err != nil {
		return err
	}
	return s.dispatchPage(r, http.StatusOK, views.DispatchPage{Scan: number, Offer: o})
}

// dispatchNotePath is the page of a delivery note, with the carrier of the last parcel
// for its form.
func dispatchNotePath(note, lastCarrier string) string {
	u := url.URL{Path: "/dispatch/" + note}
	if lastCarrier != "" {
		u.RawQuery = url.Values{"carrier": {lastCarrier}}.Encode()
	}
	return u.String()
}

func (s *Server) dispatchPage(r *request, status int, p views.DispatchPage) error {
	p.Tab, p.Carrier = r.QueryParam("tab"), r.QueryParam("carrier")
	counts, err := s.Orders.Count(r.ctx(), order.FeedbackByHand)
	if err != nil {
		return err
	}
	p.ToDo = counts[order.FeedbackByHand]
	if err := s.dispatchLists(r, &p); err != nil {
		return err
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "dispatch.title"))
	return s.render(r, status, views.Dispatch(p))
}

// dispatchLists reads what the tab shows; an unknown tab is the first.
func (s *Server) dispatchLists(r *request, p *views.DispatchPage) (err error) {
	switch p.Tab {
	case views.DispatchShipped:
		p.Shipped, err = s.Dispatch.ListShipped(r.ctx(), queryID(r, "before"), dispatchRows)
		return err
	case views.DispatchByHand:
		if p.ByHand, err = s.Dispatch.ListByHand(r.ctx(), false, queryID(r, "after"), dispatchRows); err != nil {
			return err
		}
		p.Done, err = s.Dispatch.ListByHand(r.ctx(), true, queryID(r, "done_after"), dispatchRows)
		return err
	}
	p.Tab = views.DispatchOpen
	if p.Open, err = s.Dispatch.ListOpen(r.ctx(), queryID(r, "after"), dispatchRows); err != nil {
		return err
	}
	p.WithoutNote, err = s.Dispatch.ListWithoutNote(r.ctx(), queryID(r, "orders_after"), dispatchRows)
	return err
}

// queryID is an id in the query, the place in a list; 0 is its start, as is nonsense.
func queryID(r *request, name string) int64 {
	id, err := strconv.ParseInt(r.QueryParam(name), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

func (s *Server) showDispatchNote(r *request) error {
	return s.renderDispatchNote(r, r.Param("note"), http.StatusOK, views.ParcelForm{})
}

// renderDispatchNote shows the page of a delivery note, with the form of its next parcel
// as it was typed, or, for a script that waits for Klarna's answer, the part that shows it.
func (s *Server) renderDispatchNote(r *request, number string, status int, form views.ParcelForm) error {
	found, err := s.Dispatch.FindNote(r.ctx(), number)
	if err != nil {
		return err
	}
	o, err := s.Orders.Find(r.ctx(), found.OrderID)
	if err != nil {
		return err
	}
	p := views.DispatchNotePage{Order: o, Input: form}
	for i := range o.Notes {
		if o.Notes[i].ID == found.ID {
			p.Note = &o.Notes[i]
		}
	}
	if err := s.addTold(r.ctx(), &p); err != nil {
		return err
	}
	r.Response().Header().Add("Vary", "X-Fragment")
	if isFragment(r) {
		return s.ok(r, views.DispatchNoteState(p))
	}
	if p.Input.Carrier == "" && status == http.StatusOK {
		if p.Input.Carrier, err = s.lastCarrier(r, p.Note); err != nil {
			return err
		}
	}
	p.Saved = status == http.StatusOK && r.QueryParam("saved") != "" && p.Note.ShippedAt != nil
	p.Page = s.page(r, i18n.T(r.ctx(), "dispatch.note.title", "Number", number),
		views.Crumb{Label: i18n.T(r.ctx(), "dispatch.title"), Href: "/dispatch"})
	p.URL = &url.URL{Path: dispatchNotePath(number, ""), RawQuery: p.URL.RawQuery} // not …/parcels, which can't be gone back to
	return s.render(r, status, views.DispatchNote(p))
}

// addTold adds what Klarna was told of this note, and what keeps it from being told.
func (s *Server) addTold(ctx context.Context, p *views.DispatchNotePage) error {
	told, err := s.Captures.FindByOrder(ctx, p.Order.ID)
	if err != nil {
		return err
	}
	c, planned := told.Captures[p.Note.ID]
	if planned {
		p.Capture = &c
		switch c.State {
		case capture.Confirmed, capture.DoneByHand, capture.Withdrawn:
			return nil
		}
	}
	whys, err := s.Captures.Why(ctx, p.Order.ID)
	if err != nil {
		return err
	}
	w, ok := whys[p.Order.ID]
	switch {
	case !ok, w.Rule == capture.RuleNotShipped, w.Rule == capture.RuleNoTracking: // the usual way
	case planned && len(told.Captures) > 1 && w.Rule != c.Rule: // it speaks of another note
	default:
		p.Why = &w
	}
	return nil
}

// lastCarrier is what the form begins with: the carrier of the last parcel, of this note
// or of whatever left last.
func (s *Server) lastCarrier(r *request, n *order.DeliveryNote) (string, error) {
	if c := r.QueryParam("carrier"); c != "" && len(c) <= dispatch.MaxCarrier {
		return c, nil
	}
	if i := len(n.Parcels); i > 0 {
		return carrier.NameOf(n.Parcels[i-1].Carrier), nil
	}
	last, err := s.Dispatch.ListShipped(r.ctx(), 0, 1)
	if err != nil || len(last.Items) == 0 || last.Items[0].Carrier == "" {
		return "", err
	}
	return carrier.NameOf(last.Items[0].Carrier), nil
}
