package web

import (
	"fmt"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/views"
)

// overviewRows is how many orders the overview names of each concern.
const overviewRows = 5

// showOverview shows what needs a person, the most pressing first.
func (s *Server) showOverview(r *request) error {
	page := views.OverviewPage{Page: s.page(r, i18n.T(r.ctx(), "overview.title"))}
	for _, add := range []func(*request, *views.OverviewPage) error{
		s.addPaused, s.addFailed, s.addPayouts, s.addImports, s.addParcels, s.addExpiring, s.addByHand, s.addNotPaidOut, s.addReminders,
		s.addCharts,
	} {
		if err := add(r, &page); err != nil {
			return err
		}
	}
	return s.ok(r, views.Overview(page))
}

func (s *Server) addPaused(r *request, p *views.OverviewPage) error {
	paused, err := s.Methods.Paused(r.ctx())
	if err != nil || len(paused) == 0 {
		return err
	}
	task := views.Task{Kind: views.Fail, ID: "paused", Count: len(paused)}
	maySee := r.user.May(auth.ReadSettings)
	if maySee {
		task.Href = "/administration/settings/payment-methods"
	}
	for _, m := range paused {
		row := views.TaskRow{Label: m.Name, Text: i18n.T(r.ctx(), "overview.pause_reason."+string(m.PauseReason)), At: *m.PausedAt}
		if maySee {
			row.Href = fmt.Sprintf("/administration/settings/payment-methods/%d", m.ID)
		}
		task.Rows = append(task.Rows, row)
	}
	p.Tasks = append(p.Tasks, task)
	return nil
}

func (s *Server) addFailed(r *request, p *views.OverviewPage) error {
	task, orders, err := s.concern(r, order.ConcernFailed, views.Fail, "/orders?feedback=failed")
	if err != nil || task.Count == 0 {
		return err
	}
	if task.Unknown, err = s.Captures.CountUnknown(r.ctx()); err != nil {
		return err
	}
	ids := make([]int64, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	why, err := s.Captures.Why(r.ctx(), ids...)
	if err != nil {
		return err
	}
	for i, o := range orders {
		if w, ok := why[o.ID]; ok {
			task.Rows[i].Text = views.WhyText(r.ctx(), w)
		}
	}
	p.Tasks = append(p.Tasks, task)
	return nil
}

func (s *Server) addParcels(r *request, p *views.OverviewPage) error {
	task, _, err := s.concern(r, order.ConcernParcel, views.Warn, "")
	return addTask(p, task, err)
}

func (s *Server) addExpiring(r *request, p *views.OverviewPage) error {
	task, orders, err := s.concern(r, order.ConcernExpiring, views.Warn, "/orders?expires_within=7")
	for i, o := range orders {
		task.Rows[i].At = *o.ExpiresAt
	}
	return addTask(p, task, err)
}

func (s *Server) addByHand(r *request, p *views.OverviewPage) error {
	href := "/orders?feedback=by_hand"
	if r.user.May(auth.ActOrders) {
		href = "/dispatch?tab=" + views.DispatchByHand
	}
	task, _, err := s.concern(r, order.ConcernByHand, views.Warn, href)
	return addTask(p, task, err)
}

// addReminders tells of invoices for which a reminder is due.
func (s *Server) addReminders(r *request, p *views.OverviewPage) error {
	if !r.user.May(auth.ReadAccounting) {
		return nil
	}
	due, err := s.Dunning.CountDue(r.ctx())
	if err != nil || due == 0 {
		return err
	}
	task := views.Task{Kind: views.Warn, ID: "reminders", Count: due, Href: "/accounting/dunning?show=" + string(dunning.ToRemind)}
	page, err := s.Dunning.List(r.ctx(), dunning.Filter{Show: dunning.ToRemind, Limit: overviewRows})
	for _, i := range page.Items {
		task.Rows = append(task.Rows, views.TaskRow{Href: fmt.Sprintf("/accounting/dunning/%d", i.InvoiceID), Label: i.InvoiceNumber,
			Who: i.CustomerName, Amount: i.Amount, Currency: i.Currency})
	}
	return addTask(p, task, err)
}

func addTask(p *views.OverviewPage, t views.Task, err error) error {
	if err == nil && t.Count > 0 {
		p.Tasks = append(p.Tasks, t)
	}
	return err
}

// concern is the task of the orders that wait for a reason, a row for each of the first.
func (s *Server) concern(r *request, c order.Concern, kind views.Kind, href string) (views.Task, []order.Order, error) {
	orders, count, err := s.Orders.ListConcern(r.ctx(), c, overviewRows)
	task := views.Task{Kind: kind, ID: string(c), Count: count, Href: href}
	for _, o := range orders {
		task.Rows = append(task.Rows, views.TaskRow{
			Href: fmt.Sprintf("/orders/%d", o.ID), Label: o.Number, Who: o.CustomerName, Amount: o.Total, Currency: o.Currency,
		})
	}
	return task, orders, err
}
