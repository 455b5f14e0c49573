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
	"zahlwerk/internal/paymentmethod"
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
		return r.Redirect(http.StatusSeeOther, dispatchPath(note, lastCarrierQuery(r)))
	}
	o, err := s.Orders.Find(r.ctx(), orderID)
	if err != nil {
		return err
	}
	return s.dispatchPage(r, http.StatusOK, views.DispatchPage{Scan: number, Offer: o})
}

// lastCarrierQuery takes the carrier of the last parcel along.
func lastCarrierQuery(r *request) url.Values {
	if c := r.QueryParam("carrier"); c != "" {
		return url.Values{"carrier": {c}}
	}
	return nil
}

func (s *Server) dispatchPage(r *request, status int, p views.DispatchPage) error {
	p.Carrier = r.QueryParam("carrier")
	if p.Tab == "" {
		p.Tab = r.QueryParam("tab")
	}
	if p.Offer != nil {
		p.Split = splitForm(r.ctx(), p.Offer, nil)
	}
	p.Portal = func(i dispatch.Item) string {
		return s.portalURL(&paymentmethod.Method{Environment: paymentmethod.Environment(i.Environment)}, i.KlarnaOrderID)
	}
	counts, err := s.Orders.Count(r.ctx(), order.FeedbackByHand)
	if err != nil {
		return err
	}
	p.ToDo = counts[order.FeedbackByHand]
	if err := s.dispatchLists(r, &p); err != nil {
		return err
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "dispatch.title"))
	if !isRead(r.Request()) { // what was asked for has no page of its own
		p.URL = &url.URL{Path: "/dispatch", RawQuery: url.Values{"tab": {p.Tab}}.Encode()}
	}
	return s.render(r, status, views.Dispatch(p))
}

// dispatchLists reads what the tab shows; an unknown tab is the first.
func (s *Server) dispatchLists(r *request, p *views.DispatchPage) (err error) {
	if p.Carriers, err = s.Carriers.List(r.ctx()); err != nil {
		return err
	}
	switch p.Tab {
	case views.DispatchShipped:
		p.Shipped, err = s.Dispatch.ListShipped(r.ctx(), queryID(r, "before"), dispatchRows)
		return err
	case views.DispatchByHand:
		if p.ByHand, err = s.Dispatch.ListByHand(r.ctx(), queryID(r, "after"), dispatchRows); err != nil {
			return err
		}
		p.Done, err = s.Dispatch.ListDoneByHand(r.ctx(), queryID(r, "done_after"), dispatchRows)
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
	return s.renderDispatchNote(r, r.Param("note"), http.StatusOK, nil)
}

// renderDispatchNote shows the page of a delivery note, or, for a script that waits for
// Klarna's answer, the part that shows it. change puts in what was typed, and what is
// wrong with it.
func (s *Server) renderDispatchNote(r *request, number string, status int, change func(p *views.DispatchNotePage)) error {
	p, err := s.dispatchNotePage(r, number)
	if err != nil {
		return err
	}
	r.Response().Header().Add("Vary", "X-Fragment")
	if isFragment(r) {
		return s.ok(r, views.DispatchNoteState(p))
	}
	if p.Input.LastCarrier, err = s.lastCarrier(r, p.Carriers, p.Note); err != nil {
		return err
	}
	if isRead(r.Request()) {
		p.Saved = r.QueryParam("saved") != "" && p.Note.ShippedAt != nil
		p.Input.Another = r.QueryParam("another")
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "dispatch.note.title", "Number", number),
		views.Crumb{Label: i18n.T(r.ctx(), "dispatch.title"), Href: "/dispatch"})
	p.URL = &url.URL{Path: dispatchPath(number, nil)} // not …/parcels, which can't be gone back to
	if isRead(r.Request()) {
		p.URL.RawQuery = r.Request().URL.RawQuery
	}
	if change != nil {
		change(&p)
	}
	return s.render(r, status, views.DispatchNote(p))
}

func (s *Server) dispatchNotePage(r *request, number string) (p views.DispatchNotePage, err error) {
	found, err := s.Dispatch.FindNote(r.ctx(), number)
	if err != nil {
		return p, err
	}
	o, err := s.Orders.Find(r.ctx(), found.OrderID)
	if err != nil {
		return p, err
	}
	if p.Carriers, err = s.Carriers.List(r.ctx()); err != nil {
		return p, err
	}
	p.Order = o
	for i := range o.Notes {
		if o.Notes[i].ID == found.ID {
			p.Note = &o.Notes[i]
		}
	}
	if p.Note.ShippedAt == nil && p.MayLeave() {
		if p.Outlook, err = s.Captures.Foresee(r.ctx(), o, p.Note); err != nil {
			return p, err
		}
		p.MayAsk = standing{order: o}.read() == ""
		p.Split = splitForm(r.ctx(), o, p.Note)
	}
	if o.IsKlarna() && o.KlarnaOrderID != "" {
		p.PortalURL = s.portalURL(&o.PaymentMethod, o.KlarnaOrderID)
	}
	return p, s.addTold(r.ctx(), &p)
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

// lastCarrier is what to fall back on where a number's form tells no carrier: the carrier
// of the last parcel, of this note or of whatever left last.
func (s *Server) lastCarrier(r *request, carriers carrier.Table, n *order.DeliveryNote) (string, error) {
	if c := r.QueryParam("carrier"); c != "" && len(c) <= dispatch.MaxCarrier {
		return c, nil
	}
	if i := len(n.Parcels); i > 0 {
		return carriers.NameOf(n.Parcels[i-1].Carrier), nil
	}
	last, err := s.Dispatch.ListShipped(r.ctx(), 0, 1)
	if err != nil || len(last.Items) == 0 || last.Items[0].Carrier == "" {
		return "", err
	}
	return carriers.NameOf(last.Items[0].Carrier), nil
}
