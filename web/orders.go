package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/views"
)

const (
	ordersPath       = "/orders"
	orderRows        = 50  // of the list
	minidetailRows   = 20  // of the protocol in the minidetail
	protocolRows     = 100 // of the protocol on an order's page
	amountsOfFilters = "EUR"
)

func orderPath(id int64) string { return ordersPath + "/" + strconv.FormatInt(id, 10) }

func (s *Server) listOrders(r *request) error {
	return s.ordersPage(r, http.StatusOK, views.OrderFilterOf(r.QueryParams()), nil)
}

// ordersPage shows the list of orders. change puts in what was typed, and what is wrong
// with it.
func (s *Server) ordersPage(r *request, status int, in views.OrderFilter, change func(p *views.OrdersPage)) error {
	methods, err := s.Methods.List(r.ctx())
	if err != nil {
		return err
	}
	filter, problems := orderFilter(r.ctx(), in, methods)
	filter.Before, filter.After, filter.Limit = queryID(r, "cursor"), queryID(r, "after"), orderRows
	list, err := s.Orders.List(r.ctx(), filter)
	if err != nil {
		return err
	}
	progress, err := s.Orders.ProgressOf(r.ctx(), list.Orders)
	if err != nil {
		return err
	}
	p := views.OrdersPage{
		Filter: in, Form: views.FormError(r.ctx(), problems, "orders.filter."), Methods: methods, MayAct: r.user.May(auth.ActOrders),
	}
	if p.Counts, err = s.Orders.Count(r.ctx(), views.CountedFeedbacks()...); err != nil {
		return err
	}
	if p.Views, err = s.Orders.ListViews(r.ctx(), r.user.ID); err != nil {
		return err
	}
	if p.MayAct && (list.HasNewer || list.HasOlder) {
		if p.Found, err = s.Orders.CountAll(r.ctx(), filter); err != nil {
			return err
		}
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "orders.title"))
	if status != http.StatusOK {
		p.URL = &url.URL{Path: ordersPath, RawQuery: in.Encode()} // also after a POST below it
	}
	for _, o := range list.Orders {
		p.Rows = append(p.Rows, views.OrderRow{Order: o, Progress: progress[o.ID]})
	}
	if n := len(list.Orders); n > 0 {
		if list.HasNewer {
			p.Newer = p.ListHref("after", strconv.FormatInt(list.Orders[0].ID, 10))
		}
		if list.HasOlder {
			p.Older = p.ListHref("cursor", strconv.FormatInt(list.Orders[n-1].ID, 10))
		}
	}
	if change != nil {
		change(&p)
	}
	return s.render(r, status, views.Orders(p))
}

// filterOf reads a filter; it is an error where a part of it can't be read.
func (s *Server) filterOf(ctx context.Context, in views.OrderFilter) (order.Filter, error) {
	methods, err := s.Methods.List(ctx)
	if err != nil {
		return order.Filter{}, err
	}
	return orderFilter(ctx, in, methods)
}

// orderFilter reads a filter. What can't be read is not applied; problems says so at
// its field.
func orderFilter(ctx context.Context, in views.OrderFilter, methods []paymentmethod.Method) (order.Filter, error) {
	var problems fault.Checker
	f := order.Filter{Query: in.Query}
	if s := order.Status(in.Status); slices.Contains(order.Statuses, s) {
		f.Status = s
	} else if in.Status != "" {
		problems.Add("status", "error.choice", "Value", in.Status)
	}
	if fb := order.Feedback(in.Feedback); slices.Contains(order.Feedbacks, fb) {
		f.Feedback = fb
	} else if in.Feedback != "" {
		problems.Add("feedback", "error.choice", "Value", in.Feedback)
	}
	if i := slices.IndexFunc(methods, func(m paymentmethod.Method) bool { return m.Type == in.PaymentMethod }); i >= 0 {
		f.PaymentMethodID = methods[i].ID
	} else if in.PaymentMethod != "" {
		problems.Add("payment_method", "error.choice", "Value", in.PaymentMethod)
	}
	f.From = filterDay(&problems, "from", in.From, 0)
	f.Until = filterDay(&problems, "until", in.Until, 1)
	f.TotalMin = filterAmount(ctx, &problems, "min", in.Min)
	f.TotalMax = filterAmount(ctx, &problems, "max", in.Max)
	f.ExpiresWithin = filterDays(&problems, "expires_within", in.ExpiresWithin)
	return f, problems.Err()
}

// filterDay is the beginning of a day, or of the one some days after it.
func filterDay(problems *fault.Checker, name, value string, later int) time.Time {
	if value == "" {
		return time.Time{}
	}
	day, err := views.ParseDay(value)
	if err != nil {
		problems.Add(name, "error.date")
		return time.Time{}
	}
	return day.AddDate(0, 0, later)
}

func filterAmount(ctx context.Context, problems *fault.Checker, name, value string) *int64 {
	if value == "" {
		return nil
	}
	amount, err := money.Parse(value, amountsOfFilters, i18n.Language(ctx))
	if err != nil {
		problems.Add(name, "order.error.amount")
		return nil
	}
	return &amount
}

// maxDays is how far ahead a filter looks; authorisations do not live that long.
const maxDays = 366

func filterDays(problems *fault.Checker, name, value string) int {
	if value == "" {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxDays {
		problems.Add(name, "error.choice", "Value", value)
		return 0
	}
	return n
}

// listOf is the list that somebody came to an order from: as the address says or, for a
// form on its page, that page's.
func listOf(r *request) string {
	query := r.QueryParams()
	if r.Request().Method == http.MethodPost {
		if page, err := url.Parse(r.Request().Referer()); err == nil {
			query = page.Query()
		}
	}
	return views.ParseOrderFilter(query.Get("list")).Encode()
}

func (s *Server) showOrder(r *request) error {
	return s.orderPage(r, http.StatusOK, nil)
}

// orderPage shows the order of the address. change puts in what was typed, and what is
// wrong with it.
func (s *Server) orderPage(r *request, status int, change func(p *views.OrderPage)) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	before := queryID(r, "before")
	d, err := s.orderDetail(r, id, before, protocolRows)
	if err != nil {
		return err
	}
	p := views.OrderPage{
		Detail: d, Split: splitForm(r.ctx(), d.Order, nil),
		Amend: views.AmendForm{KlarnaOrderID: d.Order.KlarnaOrderID, ExternalNumber: d.Order.ExternalNumber},
	}
	if before != 0 {
		p.Detail.Busy = false // what is new does not belong on a page of old entries
	}
	r.Response().Header().Add("Vary", "X-Fragment")
	p.URL = &url.URL{Path: orderPath(id)}
	if isFragment(r) {
		return s.ok(r, views.OrderParts(p))
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "order.title", "Number", d.Order.Number), ordersCrumb(r))
	if isRead(r.Request()) {
		p.URL = r.Request().URL
	} else if p.URL, err = url.Parse(views.OrderHref(id, d.List)); err != nil { // also after a POST below it
		return err
	}
	if change != nil {
		change(&p)
	}
	return s.render(r, status, views.OrderShow(p))
}

func ordersCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "nav.orders"), Href: views.OrdersHref(listOf(r))}
}

func (s *Server) showMinidetail(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	d, err := s.orderDetail(r, id, 0, minidetailRows)
	if err != nil {
		return err
	}
	d.Actions.RemoveParcel = nil // nothing is done in the minidetail
	if d.Older != "" {
		d.Older = orderPath(id)
	}
	r.Response().Header().Add("Vary", "X-Fragment")
	if isFragment(r) {
		return s.ok(r, views.Minidetail(d))
	}
	page := s.page(r, i18n.T(r.ctx(), "order.title", "Number", d.Order.Number), ordersCrumb(r))
	return s.ok(r, views.MinidetailShow(views.MinidetailPage{Page: page, Detail: d}))
}

// orderDetail reads what is shown of an order, with the newest entries of its protocol
// before one of them (0: the newest of all).
func (s *Server) orderDetail(r *request, id, before int64, entries int) (d views.OrderDetail, err error) {
	ctx := r.ctx()
	if d.Order, err = s.Orders.Find(ctx, id); err != nil {
		return d, err
	}
	if d.Told, err = s.Captures.FindByOrder(ctx, id); err != nil {
		return d, err
	}
	if d.PaidOut, err = s.Settlements.OfOrder(ctx, id); err != nil {
		return d, err
	}
	d.Books = r.user.May(auth.ReadAccounting)
	why, err := s.Captures.Why(ctx, id)
	if err != nil {
		return d, err
	}
	if w, ok := why[id]; ok {
		d.Why = &w
	}
	if d.Protocol, err = s.Orders.Protocol(ctx, id, before, entries+1); err != nil {
		return d, err
	}
	if len(d.Protocol) > entries {
		d.Protocol = d.Protocol[:entries]
		d.Older = fmt.Sprintf("%s?before=%d", orderPath(id), d.Protocol[entries-1].ID)
	}
	var calls []int64
	for _, e := range d.Protocol {
		if e.CallID != nil {
			calls = append(calls, *e.CallID)
		}
	}
	if d.Calls, err = s.Methods.FindCalls(ctx, calls...); err != nil {
		return d, err
	}
	if d.Order.IsKlarna() && d.Order.KlarnaOrderID != "" {
		d.PortalURL = s.portalURL(&d.Order.PaymentMethod, d.Order.KlarnaOrderID)
	}
	d.List = listOf(r)
	filter, _ := s.filterOf(ctx, views.ParseOrderFilter(d.List)) // what can't be read restricts nothing, as in the list
	if d.Around, err = s.Orders.NeighboursOf(ctx, filter, id); err != nil {
		return d, err
	}
	d.Busy = answerExpected(d.Order, d.Told, s.Clock.Now())
	if d.Invoice, err = s.Documents.InvoiceOf(ctx, id); err != nil {
		return d, err
	}
	company, err := s.Documents.Company(ctx)
	if err != nil {
		return d, err
	}
	d.MissingCompany = company.Missing()
	d.Actions = orderActions(ctx, r.user, d.Order, d.Told)
	d.Carriers, err = s.Carriers.List(ctx)
	return d, err
}

// portalURL is where a person looks at an order at Klarna: in the demo in the sandbox,
// which plays the portal, too.
func (s *Server) portalURL(m *paymentmethod.Method, klarnaOrderID string) string {
	if s.Sandbox != nil && s.config.Environment == views.EnvironmentDemo {
		return "/sandbox/orders/" + url.PathEscape(klarnaOrderID)
	}
	return m.PortalURL(klarnaOrderID)
}

// soon is how far ahead a page waits for Klarna's answer by looking every moment.
const soon = 2 * time.Minute

// answerExpected tells that Klarna is being told something of the order, or will be
// soon.
func answerExpected(o *order.Order, told capture.Told, now time.Time) bool {
	if m := o.PaymentMethod; m.PausedAt != nil || m.WaitUntil != nil && m.WaitUntil.After(now.Add(soon)) {
		return false
	}
	isSoon := func(a capture.Attempt) bool { return a.DueAt != nil && a.DueAt.Before(now.Add(soon)) }
	for _, c := range told.Captures {
		switch c.State {
		case capture.Pending, capture.Sending, capture.Unknown:
			if isSoon(c.Attempt) {
				return true
			}
		}
	}
	for _, p := range told.Parcels {
		if isSoon(p.Attempt) {
			return true
		}
	}
	return false
}
