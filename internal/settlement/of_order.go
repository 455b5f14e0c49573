package settlement

import (
	"context"
	"fmt"

	"zahlwerk/internal/capture"
)

// OfOrder returns the lines that are matched with an order, in the order in which the
// money came.
func (s *Service) OfOrder(ctx context.Context, orderID int64) ([]StatementLine, error) {
	of, err := s.OfOrders(ctx, orderID)
	return of[orderID], err
}

// OfOrders is OfOrder for many, by their ids, in one query.
func (s *Service) OfOrders(ctx context.Context, orderIDs ...int64) (map[int64][]StatementLine, error) {
	of := map[int64][]StatementLine{}
	if len(orderIDs) == 0 {
		return of, nil
	}
	var lines []StatementLine
	err := s.db.Read(ctx).Raw("SELECT l.* FROM "+standing+" WHERE l.order_id IN ? ORDER BY l.payout_date, l.id", orderIDs).Scan(&lines).Error
	if err != nil {
		return nil, fmt.Errorf("read the statement lines of orders: %w", err)
	}
	for _, l := range lines {
		of[*l.OrderID] = append(of[*l.OrderID], l)
	}
	return of, nil
}

// PaidOutWith returns the line with which a capture was paid out, of those of its order;
// nil when it was not.
func PaidOutWith(lines []StatementLine, c *capture.Capture) *StatementLine {
	for i := range lines {
		if c.PaidOutLineID != nil && lines[i].ID == *c.PaidOutLineID {
			return &lines[i]
		}
	}
	return nil
}

// Proposal is an order that a line may be about.
type Proposal struct {
	LineID        int64
	Rule          MatchRule
	OrderID       int64
	OrderNumber   string
	CustomerName  string
	Currency      string
	Total         int64
	KlarnaOrderID string
}

// Proposals returns the orders that are proposed for lines, by the lines' ids.
func (s *Service) Proposals(ctx context.Context, lineIDs ...int64) (map[int64][]Proposal, error) {
	of := map[int64][]Proposal{}
	if len(lineIDs) == 0 {
		return of, nil
	}
	var rows []Proposal
	err := s.db.Read(ctx).Table("match_proposals m").Joins("JOIN orders o ON o.id = m.order_id").
		Select("m.line_id, m.rule, m.order_id, o.number AS order_number, o.customer_name, o.currency, o.total, o.klarna_order_id").
		Where("m.line_id IN ?", lineIDs).Order("m.line_id, o.number").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read proposals: %w", err)
	}
	for _, p := range rows {
		of[p.LineID] = append(of[p.LineID], p)
	}
	return of, nil
}

// Open are the match states of lines that somebody has to look at.
func Open() []MatchState { return []MatchState{Proposed, Unmatched} }

// UnknownHere returns one page of what Klarna paid out, or kept, for orders that are not
// known here: of the lines that f finds those that are open. Proposals are to be had for
// them by their ids.
func (s *Service) UnknownHere(ctx context.Context, f LineFilter) (LinePage, error) {
	return s.Lines(ctx, f.open())
}

// UnknownHereSums adds up what UnknownHere finds, all pages of it, by currency.
func (s *Service) UnknownHereSums(ctx context.Context, f LineFilter) (sums []LineSum, partial bool, err error) {
	return s.LineSums(ctx, f.open())
}

// open restricts a filter to open lines.
func (f LineFilter) open() LineFilter {
	for _, m := range f.Match {
		if m.Settled() {
			f.Match = nil
		}
	}
	if len(f.Match) == 0 {
		f.Match = Open()
	}
	return f
}
