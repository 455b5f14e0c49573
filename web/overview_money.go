package web

import (
	"cmp"
	"slices"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

// chartDays is how many days the chart of captures shows.
const chartDays = 14

// addPayouts tells of payouts that are not explained to the cent, or incomplete.
func (s *Server) addPayouts(r *request, p *views.OverviewPage) error {
	if !r.user.May(auth.ReadAccounting) {
		return nil
	}
	for _, t := range []struct {
		state settlement.PayoutState
		kind  views.Kind
	}{{settlement.Unexplained, views.Fail}, {settlement.Incomplete, views.Warn}} {
		payouts, n, err := s.Settlements.PayoutsToExplain(r.ctx(), t.state, overviewRows)
		if err != nil {
			return err
		}
		task := views.Task{Kind: t.kind, ID: "payouts_" + string(t.state), Count: int(n), Href: payoutsPath + "?state=" + string(t.state)}
		for _, o := range payouts {
			row := views.TaskRow{Href: views.PayoutPath(o.PaymentReference, o.AccountID), Label: o.PaymentReference,
				Text: i18n.T(r.ctx(), "overview.payout_day", "Day", views.FormatDate(r.ctx(), o.PayoutDate)), Amount: o.Unexplained, Currency: o.Currency}
			if t.state == settlement.Incomplete {
				row.Amount = o.Totals.Settlement
			}
			task.Rows = append(task.Rows, row)
		}
		if err := addTask(p, task, nil); err != nil {
			return err
		}
	}
	return nil
}

// addImports tells of accounts whose last import failed, and of those that are due and
// that nobody but a person fetches for.
func (s *Server) addImports(r *request, p *views.OverviewPage) error {
	if !r.user.May(auth.ReadAccounting) {
		return nil
	}
	accounts, err := s.Accounts.List(r.ctx())
	if err != nil {
		return err
	}
	accounts = slices.DeleteFunc(accounts, func(a businessaccount.Account) bool { return !a.Live() })
	next, err := s.nextImports(r, accounts)
	if err != nil {
		return err
	}
	failed := views.Task{Kind: views.Fail, ID: "imports_failed"}
	due := views.Task{Kind: views.Warn, ID: "imports_due"}
	for _, a := range accounts {
		n := next[a.ID]
		row := views.TaskRow{Href: incomingAccountPath(a.ID), Label: a.Name}
		switch {
		case n.Active != nil:
		case n.Newest != nil && n.Newest.State == settlement.Failed:
			row.Href = importRunPath(n.Newest.ID)
			if n.Newest.Problem != nil {
				row.Text = views.ProblemText(r.ctx(), n.Newest.Problem)
			}
			if n.Newest.FinishedAt != nil {
				row.At = *n.Newest.FinishedAt
			}
			failed.Rows = append(failed.Rows, row)
		case n.Allowed(s.Clock.Now()) && !a.FetchAutomatically:
			row.Text, row.At = i18n.T(r.ctx(), "overview.never_imported"), n.At
			if n.Last != nil {
				row.Text = i18n.T(r.ctx(), "overview.imported_until", "Day", views.FormatDate(r.ctx(), *n.Last.WindowEnd))
			}
			due.Rows = append(due.Rows, row)
		}
	}
	for _, task := range []views.Task{failed, due} {
		task.Count = len(task.Rows)
		if err := addTask(p, task, nil); err != nil {
			return err
		}
	}
	return nil
}

// addNotPaidOut tells of what should be in a payout by now and is in none: of no use as
// long as no payout is known here at all.
func (s *Server) addNotPaidOut(r *request, p *views.OverviewPage) error {
	if !r.user.May(auth.ReadAccounting) {
		return nil
	}
	known, err := s.Settlements.PayoutCurrencies(r.ctx())
	if err != nil || len(known) == 0 {
		return err
	}
	sums, err := s.Settlements.NotPaidOutSums(r.ctx(), settlement.OwedFilter{Known: settlement.KnownNoPayout})
	if err != nil {
		return err
	}
	task := views.Task{Kind: views.Warn, ID: "not_paid_out", Href: "/accounting/not-paid-out?known=" + string(settlement.KnownNoPayout)}
	slices.SortFunc(sums, func(a, b settlement.OwedSum) int { return cmp.Compare(b.Amount, a.Amount) })
	for _, sum := range sums {
		task.Count += int(sum.Captures)
		task.Rows = append(task.Rows, views.TaskRow{
			Href:  "/accounting/not-paid-out?age=" + string(sum.Age) + "&currency=" + sum.Currency + "&known=" + string(settlement.KnownNoPayout),
			Label: i18n.T(r.ctx(), "not_paid_out.age."+string(sum.Age)), Who: i18n.T(r.ctx(), "overview.captures", "Count", int(sum.Captures)),
			Amount: sum.Amount, Currency: sum.Currency,
		})
	}
	return addTask(p, task, nil)
}

// addCharts adds the charts: captures for everybody, payouts for who may see them.
func (s *Server) addCharts(r *request, p *views.OverviewPage) error {
	days, err := s.Captures.Days(r.ctx(), chartDays)
	if err != nil {
		return err
	}
	p.Charts = append(p.Charts, views.CaptureChart(r.ctx(), days))
	if !r.user.May(auth.ReadAccounting) {
		return nil
	}
	weeks, err := s.payoutCharts(r.ctx())
	p.Charts = append(p.Charts, weeks...)
	return err
}
