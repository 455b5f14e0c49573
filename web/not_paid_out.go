package web

import (
	"context"
	"slices"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

const owedRows = 50

// listNotPaidOut shows what was captured but not paid out.
func (s *Server) listNotPaidOut(r *request) error {
	p := views.NotPaidOutPage{
		Page:   s.page(r, i18n.T(r.ctx(), "not_paid_out.title"), accounting(r), views.Crumb{Label: i18n.T(r.ctx(), "payout.title"), Href: payoutsPath}),
		Filter: views.OwedFilterOf(r.QueryParams()), Now: s.Clock.Now(),
	}
	var err error
	if p.Methods, err = s.Methods.List(r.ctx()); err != nil {
		return err
	}
	if p.Currencies, err = s.owedCurrencies(r.ctx()); err != nil {
		return err
	}
	filter, problems := owedFilter(p.Filter, p.Methods, p.Currencies)
	p.Form = views.FormError(r.ctx(), problems, "not_paid_out.filter.")
	filter.Turn = turn(r, owedRows)
	list, err := s.Settlements.NotPaidOut(r.ctx(), filter)
	if err != nil {
		return err
	}
	if p.Sums, err = s.Settlements.NotPaidOutSums(r.ctx(), filter); err != nil {
		return err
	}
	p.Captures = list.Captures
	if n := len(p.Captures); n > 0 {
		place := func(o settlement.Owed) string { return settlement.NewCursor(o.OwedSince, o.ID).String() }
		if list.HasOlder {
			p.Older = p.ListHref("before", place(p.Captures[0]))
		}
		if list.HasNewer {
			p.Newer = p.ListHref("after", place(p.Captures[n-1]))
		}
	}
	return s.ok(r, views.NotPaidOut(p))
}

func (s *Server) owedCurrencies(ctx context.Context) ([]string, error) {
	sums, err := s.Settlements.NotPaidOutSums(ctx, settlement.OwedFilter{})
	var currencies []string
	for _, t := range views.OwedTotals(sums) {
		currencies = append(currencies, t.Currency)
	}
	slices.Sort(currencies)
	return currencies, err
}

// owedFilter reads a filter. What can't be read is not applied; problems says so at its
// field.
func owedFilter(in views.OwedFilter, methods []paymentmethod.Method, currencies []string) (f settlement.OwedFilter, problems error) {
	var wrong fault.Checker
	if a := settlement.Age(in.Age); slices.Contains(settlement.Ages(), a) {
		f.Age = a
	} else if in.Age != "" {
		wrong.Add("age", "error.choice", "Value", in.Age)
	}
	if k := settlement.Known(in.Known); slices.Contains(settlement.Knowns(), k) {
		f.Known = k
	} else if in.Known != "" {
		wrong.Add("known", "error.choice", "Value", in.Known)
	}
	if i := slices.IndexFunc(methods, func(m paymentmethod.Method) bool { return m.Type == in.PaymentMethod }); i >= 0 {
		f.PaymentMethodID = methods[i].ID
	} else if in.PaymentMethod != "" {
		wrong.Add("payment_method", "error.choice", "Value", in.PaymentMethod)
	}
	if slices.Contains(currencies, in.Currency) {
		f.Currency = in.Currency
	} else if in.Currency != "" {
		wrong.Add("currency", "error.choice", "Value", in.Currency)
	}
	return f, wrong.Err()
}

// exportNotPaidOut sends the whole list as a table.
func (s *Server) exportNotPaidOut(r *request) error {
	ctx, now := r.ctx(), s.Clock.Now()
	methods, err := s.Methods.List(ctx)
	if err != nil {
		return err
	}
	currencies, err := s.owedCurrencies(ctx)
	if err != nil {
		return err
	}
	filter, err := owedFilter(views.OwedFilterOf(r.QueryParams()), methods, currencies)
	if err != nil {
		return err
	}
	filter.Limit = csvChunk
	name := i18n.T(ctx, "not_paid_out.file") + "-" + views.DayValue(now) + ".csv"
	return s.sendCSV(r, name, views.OwedColumns(ctx), func(yield func([][]string, error) bool) {
		for {
			p, err := s.Settlements.NotPaidOut(ctx, filter)
			rows := make([][]string, len(p.Captures))
			for i := range p.Captures {
				rows[i] = views.OwedCells(ctx, &p.Captures[i], methods, now)
			}
			if !yield(rows, err) || err != nil || !p.HasNewer {
				return
			}
			last := p.Captures[len(p.Captures)-1]
			filter.After = settlement.NewCursor(last.OwedSince, last.ID)
		}
	})
}
