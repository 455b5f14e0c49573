package api

import (
	"context"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/settlement"
)

// Payout is what Klarna paid at once, and how it is explained.
type Payout struct {
	Account          string                    `json:"account" doc:"The short name of the business account."`
	PaymentReference string                    `json:"payment_reference" doc:"Also on the bank's statement."`
	PayoutDate       time.Time                 `json:"payout_date"`
	Currency         string                    `json:"currency"`
	SettlementType   settlement.SettlementType `json:"settlement_type" doc:"NET, GROSS or GROSS_FEE; Klarna may add others."`
	SettlementAmount int64                     `json:"settlement_amount" doc:"What Klarna paid; negative or 0 is possible."`
	LinesAmount      int64                     `json:"lines_amount" doc:"The sum of the statement lines."`
	Difference       int64                     `json:"difference" doc:"settlement_amount less lines_amount."`
	Unexplained      int64                     `json:"unexplained" doc:"The part of the difference that has no reason."`
	Reasons          []Reason                  `json:"reasons"`
	Totals           Totals                    `json:"totals" doc:"As Klarna sent them."`
	Lines            int64                     `json:"lines"`
	Matched          int64                     `json:"matched" doc:"How many of the lines are matched with an order."`
	Complete         bool                      `json:"complete" doc:"All its lines are here."`
	Source           settlement.Source         `json:"source" enum:"api,file"`
}

// Reason is a named part of a difference.
type Reason struct {
	Name   settlement.ReasonName `json:"name" enum:"opening_debt,closing_debt,repay,tax_refund,fees_invoiced_separately,unknown_type,lines_missing,totals_inconsistent"`
	Amount int64                 `json:"amount"`
}

// Totals are Klarna's sums of a payout.
type Totals struct {
	Sale               int64 `json:"sale_amount"`
	Return             int64 `json:"return_amount"`
	Reversal           int64 `json:"reversal_amount"`
	Fee                int64 `json:"fee_amount"`
	FeeRefund          int64 `json:"fee_refund_amount"`
	FeeCorrection      int64 `json:"fee_correction_amount"`
	Tax                int64 `json:"tax_amount"`
	TaxRefund          int64 `json:"tax_refund_amount"`
	Commission         int64 `json:"commission_amount"`
	CommissionReversal int64 `json:"commission_reversal_amount"`
	Charge             int64 `json:"charge_amount"`
	Credit             int64 `json:"credit_amount"`
	Holdback           int64 `json:"holdback_amount"`
	Release            int64 `json:"release_amount"`
	Repay              int64 `json:"repay_amount"`
	Deposit            int64 `json:"deposit_amount"`
	OpeningDebt        int64 `json:"opening_debt_balance_amount"`
	ClosingDebt        int64 `json:"closing_debt_balance_amount"`
	Settlement         int64 `json:"settlement_amount"`
}

// StatementLine is one transaction of a payout.
type StatementLine struct {
	PaymentReference   string                     `json:"payment_reference"`
	Type               settlement.TransactionType `json:"type" doc:"SALE, RETURN, FEE …; Klarna may add others."`
	DetailedType       string                     `json:"detailed_type"`
	Amount             int64                      `json:"amount" doc:"Signed: what it adds to the payout."`
	Currency           string                     `json:"currency"`
	CaptureDate        *time.Time                 `json:"capture_date"`
	SaleDate           *time.Time                 `json:"sale_date"`
	OrderID            string                     `json:"order_id" doc:"Klarna's."`
	CaptureID          string                     `json:"capture_id" doc:"Klarna's."`
	RefundID           string                     `json:"refund_id" doc:"Klarna's."`
	MerchantReference1 string                     `json:"merchant_reference1"`
	MerchantReference2 string                     `json:"merchant_reference2"`
	ShortOrderID       string                     `json:"short_order_id"`
	Match              Match                      `json:"match"`
}

// Match says which order a line is about.
type Match struct {
	State settlement.MatchState `json:"state" enum:"matched,by_hand,proposed,unmatched,no_order"`
	Rule  settlement.MatchRule  `json:"rule" doc:"What the match goes by; empty where there is none."`
	Order string                `json:"order" doc:"The number of the order, empty where there is none."`
}

// AccountQuery names a business account.
type AccountQuery struct {
	Account string `query:"account" doc:"The short name of a business account."`
}

type payoutsInput struct {
	CursorPath
	AccountQuery
	Currency string                 `query:"currency"`
	State    settlement.PayoutState `query:"state" enum:"explained,unexplained,incomplete"`
}

// CursorPath says which part of a list in the order of time is wanted.
type CursorPath struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before; empty for the first."`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

func (p CursorPath) turn() (settlement.Turn, error) {
	after := settlement.ParseCursor(p.Cursor)
	if p.Cursor != "" && after == (settlement.Cursor{}) {
		return settlement.Turn{}, wrong("query.cursor", "api.error.cursor")
	}
	return settlement.Turn{After: after, Limit: p.Limit}, nil
}

type payoutsAnswer struct{ Body List[Payout] }

func (s *service) listPayouts(ctx context.Context, in *payoutsInput) (*payoutsAnswer, error) {
	turn, err := in.turn()
	if err != nil {
		return nil, err
	}
	account, err := s.accountID(ctx, in.Account)
	if err != nil {
		return nil, err
	}
	page, err := s.Settlements.Payouts(ctx, settlement.PayoutFilter{Turn: turn, AccountID: account, Currency: in.Currency, State: in.State})
	if err != nil {
		return nil, err
	}
	answer := &payoutsAnswer{}
	if answer.Body.Items, err = s.payoutsOf(ctx, page.Payouts); err != nil {
		return nil, err
	}
	if page.HasOlder {
		last := page.Payouts[len(page.Payouts)-1]
		answer.Body.NextCursor = settlement.NewCursor(last.PayoutDate, last.ID).String()
	}
	return answer, nil
}

type payoutInput struct {
	Reference string `path:"payment_reference" maxLength:"255"`
	AccountQuery
}

type payoutAnswer struct{ Body Payout }

func (s *service) showPayout(ctx context.Context, in *payoutInput) (*payoutAnswer, error) {
	p, err := s.payout(ctx, in.Reference, in.Account)
	if err != nil {
		return nil, err
	}
	items, err := s.payoutsOf(ctx, []settlement.Payout{*p})
	if err != nil {
		return nil, err
	}
	return &payoutAnswer{Body: items[0]}, nil
}

// payout finds the payout of a reference. Where several accounts have it, one has to be
// named.
func (s *service) payout(ctx context.Context, reference, account string) (*settlement.Payout, error) {
	accountID, err := s.accountID(ctx, account)
	if err != nil {
		return nil, err
	}
	found, err := s.Settlements.FindPayouts(ctx, reference)
	if err != nil {
		return nil, err
	}
	if accountID == 0 && len(found) > 1 {
		return nil, wrong("query.account", "api.error.payout_of_several_accounts")
	}
	for i := range found {
		if accountID == 0 || found[i].AccountID == accountID {
			return &found[i], nil
		}
	}
	return nil, fault.New(fault.NotFound, "payout.error.not_found")
}

// accountID finds the account of a short name; 0 for none asked for.
func (s *service) accountID(ctx context.Context, shortName string) (int64, error) {
	if shortName == "" {
		return 0, nil
	}
	a, err := s.Accounts.FindByShortName(ctx, shortName)
	if fault.CodeOf(err) == fault.NotFound {
		return 0, wrong("query.account", "business_account.error.not_found")
	}
	if err != nil {
		return 0, err
	}
	return a.ID, nil
}

func (s *service) payoutsOf(ctx context.Context, payouts []settlement.Payout) ([]Payout, error) {
	accounts, err := s.Accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[int64]string, len(accounts))
	for _, a := range accounts {
		names[a.ID] = a.ShortName
	}
	items := make([]Payout, len(payouts))
	for i, p := range payouts {
		items[i] = Payout{
			Account: names[p.AccountID], PaymentReference: p.PaymentReference, PayoutDate: p.PayoutDate, Currency: p.Currency,
			SettlementType: p.SettlementType, SettlementAmount: p.Totals.Settlement, LinesAmount: p.LinesAmount,
			Difference: p.Difference, Unexplained: p.Unexplained, Reasons: make([]Reason, len(p.Reasons)), Totals: Totals(p.Totals),
			Lines: p.Lines, Matched: p.Matched, Complete: p.Complete, Source: p.Source,
		}
		for n, r := range p.Reasons {
			items[i].Reasons[n] = Reason{r.Name, r.Amount}
		}
	}
	return items, nil
}

type linesInput struct {
	CursorPath
	AccountQuery
	Payout string                     `query:"payout" doc:"A payment reference."`
	Type   settlement.TransactionType `query:"type"`
	Match  settlement.MatchState      `query:"match" enum:"matched,by_hand,proposed,unmatched,no_order"`
}

type linesAnswer struct{ Body List[StatementLine] }

func (s *service) listLines(ctx context.Context, in *linesInput) (*linesAnswer, error) {
	turn, err := in.turn()
	if err != nil {
		return nil, err
	}
	f := settlement.LineFilter{Turn: turn, Type: in.Type}
	if in.Match != "" {
		f.Match = []settlement.MatchState{in.Match}
	}
	if in.Payout == "" {
		f.AccountID, err = s.accountID(ctx, in.Account)
	} else {
		var p *settlement.Payout
		p, err = s.payout(ctx, in.Payout, in.Account)
		switch {
		case err == nil:
			f.PayoutID = p.ID
		case fault.CodeOf(err) == fault.NotFound:
			err = wrong("query.payout", "payout.error.not_found")
		}
	}
	if err != nil {
		return nil, err
	}
	page, err := s.Settlements.Lines(ctx, f)
	if err != nil {
		return nil, err
	}
	answer := &linesAnswer{Body: List[StatementLine]{Items: make([]StatementLine, len(page.Lines))}}
	for i := range page.Lines {
		answer.Body.Items[i] = lineOf(&page.Lines[i])
	}
	if page.HasOlder {
		answer.Body.NextCursor = page.Lines[len(page.Lines)-1].CursorOf().String()
	}
	return answer, nil
}

func lineOf(l *settlement.Line) StatementLine {
	return StatementLine{
		PaymentReference: l.PaymentReference, Type: l.Type, DetailedType: l.DetailedType, Amount: l.Amount, Currency: l.Currency,
		CaptureDate: l.CaptureDate, SaleDate: l.SaleDate, OrderID: l.KlarnaOrderID, CaptureID: l.CaptureID, RefundID: l.RefundID,
		MerchantReference1: l.MerchantReference1, MerchantReference2: l.MerchantReference2, ShortOrderID: l.ShortOrderID,
		Match: Match{State: l.MatchState, Rule: l.MatchRule, Order: l.OrderNumber},
	}
}
