package web

import (
	"context"
	"slices"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

const unknownRows = 50

// listUnknownPayments shows what was paid out for orders that are unknown here.
func (s *Server) listUnknownPayments(r *request) error {
	p := views.UnknownPaymentsPage{
		Page:   s.page(r, i18n.T(r.ctx(), "unknown_here.title"), accounting(r), views.Crumb{Label: i18n.T(r.ctx(), "payout.title"), Href: payoutsPath}),
		Filter: views.UnknownFilterOf(r.QueryParams()),
	}
	filter, problems, err := s.unknownFilter(r.ctx(), &p)
	if err != nil {
		return err
	}
	p.Form = views.FormError(r.ctx(), problems, "unknown_here.filter.")
	filter.Turn = turn(r, unknownRows)
	list, err := s.Settlements.UnknownHere(r.ctx(), filter)
	if err != nil {
		return err
	}
	if p.Sums, p.Partial, err = s.Settlements.UnknownHereSums(r.ctx(), filter); err != nil {
		return err
	}
	p.Lines = list.Lines
	ids := make([]int64, len(p.Lines))
	for i := range p.Lines {
		ids[i] = p.Lines[i].ID
	}
	if p.Proposals, err = s.Settlements.Proposals(r.ctx(), ids...); err != nil {
		return err
	}
	if n := len(p.Lines); n > 0 {
		if list.HasNewer {
			p.Newer = p.ListHref("before", p.Lines[0].CursorOf().String())
		}
		if list.HasOlder {
			p.Older = p.ListHref("after", p.Lines[n-1].CursorOf().String())
		}
	}
	return s.ok(r, views.UnknownPayments(p))
}

// unknownFilter reads the filter of the page, with the choices there are for it. What
// can't be read is not applied; problems says so at its field.
func (s *Server) unknownFilter(ctx context.Context, p *views.UnknownPaymentsPage) (f settlement.LineFilter, problems, err error) {
	if p.Accounts, err = s.Accounts.List(ctx); err != nil {
		return f, nil, err
	}
	if p.Currencies, err = s.Settlements.PayoutCurrencies(ctx); err != nil {
		return f, nil, err
	}
	in := p.Filter
	f.Query, f.Language = in.Query, i18n.Language(ctx)
	var wrong fault.Checker
	if i := slices.IndexFunc(p.Accounts, func(a businessaccount.Account) bool { return a.ShortName == in.Account }); i >= 0 {
		f.AccountID = p.Accounts[i].ID
	} else if in.Account != "" {
		wrong.Add("account", "error.choice", "Value", in.Account)
	}
	if slices.Contains(p.Currencies, in.Currency) {
		f.Currency = in.Currency
	} else if in.Currency != "" {
		wrong.Add("currency", "error.choice", "Value", in.Currency)
	}
	if m := settlement.MatchState(in.Match); slices.Contains(settlement.Open(), m) {
		f.Match = []settlement.MatchState{m}
	} else if in.Match != "" {
		wrong.Add("match", "error.choice", "Value", in.Match)
	}
	return f, wrong.Err(), nil
}

// exportUnknownPayments sends the whole list as a table.
func (s *Server) exportUnknownPayments(r *request) error {
	ctx := r.ctx()
	p := views.UnknownPaymentsPage{Filter: views.UnknownFilterOf(r.QueryParams())}
	filter, problems, err := s.unknownFilter(ctx, &p)
	if err != nil {
		return err
	}
	if problems != nil {
		return problems
	}
	name := i18n.T(ctx, "unknown_here.file") + "-" + views.DayValue(s.Clock.Now()) + ".csv"
	return s.sendCSV(r, name, views.LineColumns(ctx), func(yield func([][]string, error) bool) {
		filter.Limit = csvChunk
		for {
			p, err := s.Settlements.UnknownHere(ctx, filter)
			rows := make([][]string, len(p.Lines))
			for i := range p.Lines {
				rows[i] = views.LineCells(ctx, &p.Lines[i])
			}
			if !yield(rows, err) || err != nil || !p.HasOlder {
				return
			}
			filter.After = p.Lines[len(p.Lines)-1].CursorOf()
		}
	})
}
