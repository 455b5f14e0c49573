package web

import (
	"net/url"
	"slices"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

const payoutLineRows = 50 // of a payout's page

// findPayouts returns the payouts of the reference in the address: one, or several of
// different accounts where the address does not say of which.
func (s *Server) findPayouts(r *request) ([]settlement.Payout, error) {
	reference, err := url.PathUnescape(r.Param("reference"))
	if err != nil {
		return nil, fault.New(fault.NotFound, "payout.error.not_found")
	}
	payouts, err := s.Settlements.FindPayouts(r.ctx(), reference)
	if err != nil {
		return nil, err
	}
	if account := queryID(r, "account"); account != 0 {
		payouts = slices.DeleteFunc(payouts, func(p settlement.Payout) bool { return p.AccountID != account })
		if len(payouts) == 0 {
			return nil, fault.New(fault.NotFound, "payout.error.not_found")
		}
	}
	return payouts, nil
}

// showPayout shows a payout to the cent; where several accounts have one of its
// reference, it asks which is meant.
func (s *Server) showPayout(r *request) error {
	payouts, err := s.findPayouts(r)
	if err != nil {
		return err
	}
	accounts, err := s.Accounts.List(r.ctx())
	if err != nil {
		return err
	}
	title := i18n.T(r.ctx(), "payout.title_of", "Reference", payouts[0].PaymentReference)
	page := s.page(r, title, accounting(r), views.Crumb{Label: i18n.T(r.ctx(), "payout.title"), Href: payoutsPath})
	if len(payouts) > 1 {
		return s.ok(r, views.PayoutChoice(views.PayoutChoicePage{
			Page: page, Reference: payouts[0].PaymentReference, Payouts: payouts, Accounts: accounts,
		}))
	}
	p := views.PayoutPage{Page: page, Payout: payouts[0]}
	for _, a := range accounts {
		if a.ID == p.Payout.AccountID {
			p.Account = a
		}
	}
	if p.Sums, err = s.Settlements.LinesOfPayout(r.ctx(), p.Payout.ID); err != nil {
		return err
	}
	p.Equation = p.Payout.Equation(p.Sums)
	filter := payoutLineFilter(r, &p.Payout, p.Sums)
	p.Type = string(filter.Type)
	if len(filter.Match) > 0 {
		p.Match = string(filter.Match[0])
	}
	filter.Turn = turn(r, payoutLineRows)
	list, err := s.Settlements.Lines(r.ctx(), filter)
	if err != nil {
		return err
	}
	p.Lines = list.Lines
	if n := len(p.Lines); n > 0 {
		if list.HasNewer {
			p.Newer = p.TurnHref("before", p.Lines[0].CursorOf().String())
		}
		if list.HasOlder {
			p.Older = p.TurnHref("after", p.Lines[n-1].CursorOf().String())
		}
	}
	return s.ok(r, views.PayoutShow(p))
}

// payoutLineFilter is which lines of a payout are asked for. What it has no lines of
// restricts nothing.
func payoutLineFilter(r *request, p *settlement.Payout, sums []settlement.Sum) settlement.LineFilter {
	f := settlement.LineFilter{PayoutID: p.ID}
	for _, s := range sums {
		if string(s.Type) == r.QueryParam("type") {
			f.Type = s.Type
		}
	}
	if m := settlement.MatchState(r.QueryParam("match")); slices.Contains(settlement.MatchStates(), m) {
		f.Match = []settlement.MatchState{m}
	}
	return f
}

// exportPayoutLines sends the lines of a payout as a table.
func (s *Server) exportPayoutLines(r *request) error {
	payouts, err := s.findPayouts(r)
	if err != nil {
		return err
	}
	if len(payouts) > 1 {
		return fault.New(fault.Conflict, "payout.error.several")
	}
	ctx := r.ctx()
	sums, err := s.Settlements.LinesOfPayout(ctx, payouts[0].ID)
	if err != nil {
		return err
	}
	lines := s.Settlements.EachLine(ctx, payoutLineFilter(r, &payouts[0], sums))
	return s.sendCSV(r, payouts[0].PaymentReference+".csv", views.LineColumns(ctx), func(yield func([][]string, error) bool) {
		for some, err := range lines {
			rows := make([][]string, len(some))
			for i := range some {
				rows[i] = views.LineCells(ctx, &some[i])
			}
			if !yield(rows, err) {
				return
			}
		}
	})
}
