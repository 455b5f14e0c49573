package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

const (
	incomingPath = "/accounting/incoming-payments"
	incomingRows = 50 // of the list of lines
	runRows      = 20 // of the list of imports
)

func incomingAccountPath(id int64) string { return fmt.Sprintf("%s/%d", incomingPath, id) }

func incomingCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "incoming.title"), Href: incomingPath}
}

// listIncomingPayments lets choose an account; where there is but one, nobody is asked.
func (s *Server) listIncomingPayments(r *request) error {
	accounts, err := s.Accounts.List(r.ctx())
	if err != nil {
		return err
	}
	if len(accounts) == 1 {
		return r.Redirect(http.StatusSeeOther, incomingAccountPath(accounts[0].ID))
	}
	p := views.IncomingPaymentsPage{
		Page: s.page(r, i18n.T(r.ctx(), "incoming.title"), accounting(r)), Now: s.Clock.Now(), MayWrite: r.user.May(auth.Administer),
	}
	next, err := s.nextImports(r, accounts)
	if err != nil {
		return err
	}
	open, err := s.Settlements.OpenLines(r.ctx())
	if err != nil {
		return err
	}
	for _, a := range accounts {
		p.Accounts = append(p.Accounts, views.IncomingAccount{BusinessAccountRow: views.BusinessAccountRow{Account: a, Next: next[a.ID]}, Open: open[a.ID]})
	}
	return s.ok(r, views.IncomingPayments(p))
}

// incomingAccount is an account with what is known of its imports and lines.
func (s *Server) incomingAccount(ctx context.Context, id int64) (a views.IncomingAccount, err error) {
	found, err := s.Accounts.Find(ctx, id)
	if err != nil {
		return a, err
	}
	a.Account = *found
	if a.Next, err = s.Settlements.NextImport(ctx, id); err != nil {
		return a, err
	}
	open, err := s.Settlements.OpenLines(ctx)
	a.Open = open[id]
	return a, err
}

// showIncomingPayments shows the lines of an account or, in its other tab, its imports.
func (s *Server) showIncomingPayments(r *request) error {
	id, err := r.pathID("account")
	if err != nil {
		return err
	}
	if r.QueryParam("tab") == views.IncomingImport {
		return s.importsPage(r, id, http.StatusOK, views.Form{})
	}
	p := views.IncomingLinesPage{Filter: views.LineListFilterOf(r.QueryParams())}
	if p.Account, err = s.incomingAccount(r.ctx(), id); err != nil {
		return err
	}
	filter, problems := lineFilter(r.ctx(), p.Filter)
	p.Form = views.FormError(r.ctx(), problems, "incoming.filter.")
	filter.AccountID, filter.Turn = id, turn(r, incomingRows)
	list, err := s.Settlements.Lines(r.ctx(), filter)
	if err != nil {
		return err
	}
	if p.Sums, p.Partial, err = s.Settlements.LineSums(r.ctx(), filter); err != nil {
		return err
	}
	p.Lines = list.Lines
	if n := len(p.Lines); n > 0 {
		p.Any = true
		if list.HasNewer {
			p.Newer = p.ListHref("before", p.Lines[0].CursorOf().String())
		}
		if list.HasOlder {
			p.Older = p.ListHref("after", p.Lines[n-1].CursorOf().String())
		}
	} else if p.Any, err = s.hasLines(r.ctx(), id); err != nil {
		return err
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "incoming.title_of", "Account", p.Account.Name), accounting(r), incomingCrumb(r))
	return s.ok(r, views.IncomingLines(p))
}

func (s *Server) hasLines(ctx context.Context, account int64) (bool, error) {
	some, err := s.Settlements.Lines(ctx, settlement.LineFilter{AccountID: account, Turn: settlement.Turn{Limit: 1}})
	return len(some.Lines) > 0, err
}

// lineFilter reads a filter. What can't be read is not applied; problems says so at its
// field.
func lineFilter(ctx context.Context, in views.LineListFilter) (f settlement.LineFilter, problems error) {
	var wrong fault.Checker
	f = settlement.LineFilter{Query: in.Query, Type: settlement.TransactionType(in.Type), Language: i18n.Language(ctx)}
	switch m := settlement.MatchState(in.Match); {
	case in.Match == views.MatchOpen:
		f.Match = settlement.Open()
	case slices.Contains(settlement.MatchStates(), m):
		f.Match = []settlement.MatchState{m}
	case in.Match != "":
		wrong.Add("match", "error.choice", "Value", in.Match)
	}
	currency := amountsOfFilters
	if c := strings.ToUpper(strings.TrimSpace(in.Currency)); money.ValidCurrency(c) {
		f.Currency, currency = c, c
	} else if c != "" {
		wrong.Add("currency", "error.choice", "Value", in.Currency)
	}
	f.From = filterDay(&wrong, "from", in.From, 0)
	f.Until = filterDay(&wrong, "until", in.Until, 1)
	if in.Amount != "" {
		amount, err := money.Parse(in.Amount, currency, i18n.Language(ctx))
		if err != nil {
			wrong.Add("amount", "order.error.amount")
		} else {
			f.Amount = &amount
		}
	}
	return f, wrong.Err()
}

// exportStatementLines sends the lines that the list shows, all pages of it, as a table.
// Unlike the list it refuses a filter that can't be read: a file can't say so.
func (s *Server) exportStatementLines(r *request) error {
	id, err := r.pathID("account")
	if err != nil {
		return err
	}
	a, err := s.Accounts.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	ctx := r.ctx()
	filter, err := lineFilter(ctx, views.LineListFilterOf(r.QueryParams()))
	if err != nil {
		return err
	}
	filter.AccountID = id
	return s.sendCSV(r, a.ShortName+".csv", views.LineColumns(ctx), func(yield func([][]string, error) bool) {
		for some, err := range s.Settlements.EachLine(ctx, filter) {
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

// showStatementLine shows a line, or unfolds it in a list.
func (s *Server) showStatementLine(r *request) error {
	return s.statementLinePage(r, http.StatusOK, views.LineForm{ReturnTo: r.QueryParam("return_to")}, nil)
}

// statementLinePage shows the line of the address; refused is why something could not be
// done with it.
func (s *Server) statementLinePage(r *request, status int, in views.LineForm, refused error) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	l, err := s.Settlements.FindLine(r.ctx(), id)
	if err != nil {
		return err
	}
	proposals, err := s.Settlements.Proposals(r.ctx(), id)
	if err != nil {
		return err
	}
	a, err := s.Accounts.Find(r.ctx(), l.AccountID)
	if err != nil {
		return err
	}
	d := views.LineDetail{Line: *l, Proposals: proposals[id], Account: a.Name, Unfolded: isFragment(r), Input: in}
	if in.ReturnTo != "" {
		d.ReturnTo = localPath(in.ReturnTo)
	}
	if refused != nil {
		d.Form = views.FormError(r.ctx(), refused, "incoming.field.")
	}
	r.Response().Header().Add("Vary", "X-Fragment")
	if isFragment(r) {
		return s.ok(r, views.StatementLine(d))
	}
	p := views.LinePage{Detail: d, Page: s.page(r, i18n.T(r.ctx(), "incoming.line"), accounting(r), incomingCrumb(r),
		views.Crumb{Label: a.Name, Href: incomingAccountPath(a.ID)})}
	if !isRead(r.Request()) {
		p.URL = &url.URL{Path: views.StatementLineHref(id, "")}
	}
	return s.render(r, status, views.StatementLineShow(p))
}

// actOnLine does something with the line of the address; what is refused is told on its
// page.
func (s *Server) actOnLine(r *request, do func(id int64, in views.LineForm) error, done string) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	var in views.LineForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	if err := do(id, in); err != nil {
		status, ok := formStatus(err)
		if !ok {
			return err
		}
		return s.statementLinePage(r, status, in, err)
	}
	to := views.StatementLineHref(id, "")
	if in.ReturnTo != "" {
		to = localPath(in.ReturnTo)
	}
	return s.done(r, to, done)
}

func (s *Server) matchLine(r *request) error {
	return s.actOnLine(r, func(id int64, in views.LineForm) error { return s.Settlements.Match(r.ctx(), id, in.Order, r.actor()) }, "incoming.done.match")
}

func (s *Server) unmatchLine(r *request) error {
	return s.actOnLine(r, func(id int64, _ views.LineForm) error { return s.Settlements.Unmatch(r.ctx(), id, r.actor()) }, "incoming.done.unmatch")
}

func (s *Server) rejectLine(r *request) error {
	return s.actOnLine(r, func(id int64, in views.LineForm) error {
		return s.Settlements.Reject(r.ctx(), id, in.OrderID, r.actor())
	}, "incoming.done.reject")
}
