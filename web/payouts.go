package web

import (
	"context"
	"slices"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/views"
)

const (
	payoutsPath = "/accounting/payouts"
	payoutRows  = 50 // of the list
	payoutWeeks = 8  // of the chart
)

// listPayouts shows the payouts.
func (s *Server) listPayouts(r *request) error {
	p := views.PayoutsPage{Page: s.page(r, i18n.T(r.ctx(), "payout.title"), accounting(r)), Filter: views.PayoutFilterOf(r.QueryParams())}
	var err error
	if p.Accounts, err = s.Accounts.List(r.ctx()); err != nil {
		return err
	}
	if p.Currencies, err = s.Settlements.PayoutCurrencies(r.ctx()); err != nil {
		return err
	}
	filter, problems := payoutFilter(r.ctx(), p.Filter, p.Accounts, p.Currencies)
	p.Form = views.FormError(r.ctx(), problems, "payout.filter.")
	filter.Turn = turn(r, payoutRows)
	list, err := s.Settlements.Payouts(r.ctx(), filter)
	if err != nil {
		return err
	}
	if p.Sums, err = s.Settlements.PayoutSums(r.ctx(), filter); err != nil {
		return err
	}
	if p.Weeks, err = s.payoutCharts(r.ctx()); err != nil {
		return err
	}
	p.Payouts = list.Payouts
	if n := len(p.Payouts); n > 0 {
		place := func(o settlement.Payout) string { return settlement.NewCursor(o.PayoutDate, o.ID).String() }
		if list.HasNewer {
			p.Newer = p.ListHref("before", place(p.Payouts[0]))
		}
		if list.HasOlder {
			p.Older = p.ListHref("after", place(p.Payouts[n-1]))
		}
	}
	return s.ok(r, views.Payouts(p))
}

// turn is the page of a list that is asked for.
func turn(r *request, rows int) settlement.Turn {
	return settlement.Turn{
		After: settlement.ParseCursor(r.QueryParam("after")), Before: settlement.ParseCursor(r.QueryParam("before")), Limit: rows,
	}
}

// payoutFilter reads a filter. What can't be read is not applied; problems says so at its
// field.
func payoutFilter(ctx context.Context, in views.PayoutFilter, accounts []businessaccount.Account, currencies []string) (f settlement.PayoutFilter, problems error) {
	var wrong fault.Checker
	if i := slices.IndexFunc(accounts, func(a businessaccount.Account) bool { return a.ShortName == in.Account }); i >= 0 {
		f.AccountID = accounts[i].ID
	} else if in.Account != "" {
		wrong.Add("account", "error.choice", "Value", in.Account)
	}
	if slices.Contains(currencies, in.Currency) {
		f.Currency = in.Currency
	} else if in.Currency != "" {
		wrong.Add("currency", "error.choice", "Value", in.Currency)
	}
	if state := settlement.PayoutState(in.State); slices.Contains(settlement.PayoutStates(), state) {
		f.State = state
	} else if in.State != "" {
		wrong.Add("state", "error.choice", "Value", in.State)
	}
	f.From = filterDay(&wrong, "from", in.From, 0)
	f.Until = filterDay(&wrong, "until", in.Until, 1)
	if store.Storable(in.Query) {
		f.Bank = settlement.ReadBankLine(in.Query, currencies, i18n.Language(ctx))
	}
	return f, wrong.Err()
}

// payoutCharts are the payouts of the last weeks, a chart for each currency.
func (s *Server) payoutCharts(ctx context.Context) ([]views.Chart, error) {
	weeks, err := s.Settlements.PayoutWeeks(ctx, payoutWeeks)
	return views.PayoutCharts(ctx, weeks), err
}
