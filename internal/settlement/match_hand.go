package settlement

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// Match ties a line to an order by hand, with all that follows from it. Errors: NotFound
// for the line, Invalid at "order" where there is no such order, Conflict when the line
// has an order already.
func (s *Service) Match(ctx context.Context, lineID int64, orderNumber, actor string) error {
	return s.act(ctx, lineID, actor, func(h *hand) error {
		if h.line.OrderID != nil {
			return fault.New(fault.Conflict, "matching.error.matched")
		}
		o, err := findOrder(h.tx, strings.TrimSpace(orderNumber))
		if err != nil {
			return err
		}
		h.line.MatchState, h.line.MatchRule, h.line.OrderID = ByHand, RuleByHand, &o.ID
		h.line.MatchedBy, h.line.MatchedAt = actor, &h.now
		if err := accept(h.tx, h.line, o.ID); err != nil {
			return err
		}
		return h.store("statement_line_matched", o.ID)
	})
}

// findOrder finds an order by its number.
func findOrder(tx *gorm.DB, number string) (*order.Order, error) {
	var f fault.Checker
	var o order.Order
	if number == "" {
		f.Add("order", "error.required")
		return nil, f.Err()
	}
	if store.Storable(number) {
		if err := tx.Select("id").Where("number = ?", number).Limit(1).Find(&o).Error; err != nil {
			return nil, fmt.Errorf("find order %s: %w", number, err)
		}
	}
	if o.ID == 0 {
		f.Add("order", "matching.error.no_such_order", "Number", number)
	}
	return &o, f.Err()
}

// Unmatch takes a match back, with all that followed from it, and remembers that this
// order was the wrong one. Errors: NotFound for the line, Conflict when it has no order,
// or when an order that is paid before it leaves was paid by it and has left.
func (s *Service) Unmatch(ctx context.Context, lineID int64, actor string) error {
	return s.act(ctx, lineID, actor, func(h *hand) error {
		if h.line.OrderID == nil {
			return fault.New(fault.Conflict, "matching.error.not_matched")
		}
		wrong := *h.line.OrderID
		if _, err := hold(h.tx, []int64{wrong}); err != nil {
			return err
		}
		if err := reject(h.tx, h.line, wrong, h.now, actor); err != nil {
			return err
		}
		was := *h.line
		h.line.MatchRule, h.line.OrderID, h.line.CaptureRowID = "", nil, nil
		h.line.BookedPayment, h.line.ReleasedOrder, h.line.MatchedBy, h.line.MatchedAt = false, false, "", nil
		if err := h.decideAnew(); err != nil {
			return err
		}
		if err := h.store("statement_line_unmatched", wrong); err != nil {
			return err
		}
		if err := freeCaptures(h.tx, []int64{h.line.ID}); err != nil {
			return err
		}
		if !was.BookedPayment {
			return nil
		}
		return unbook(h.tx, []StatementLine{was}, h.now, actor)
	})
}

// Reject says that a line is not about an order that was proposed for it. Errors:
// NotFound for the line, Conflict when the order is not proposed for it.
func (s *Service) Reject(ctx context.Context, lineID, orderID int64, actor string) error {
	return s.act(ctx, lineID, actor, func(h *hand) error {
		var n int64
		err := h.tx.Model(&proposal{}).Where("line_id = ? AND order_id = ?", lineID, orderID).Count(&n).Error
		if err != nil {
			return fmt.Errorf("read proposals: %w", err)
		}
		if n == 0 || h.line.MatchState != Proposed {
			return fault.New(fault.Conflict, "matching.error.not_proposed")
		}
		if err := reject(h.tx, h.line, orderID, h.now, actor); err != nil {
			return err
		}
		if err := h.decideAnew(); err != nil {
			return err
		}
		return h.store("statement_line_rejected", orderID)
	})
}

// hand is what a person does with a line, in a transaction that holds its payout.
type hand struct {
	*matcher
	tx   *gorm.DB
	line *StatementLine
	from MatchState
}

func (s *Service) act(ctx context.Context, lineID int64, actor string, do func(h *hand) error) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		h := &hand{matcher: newMatcher(s.clock.Now(), actor), tx: tx}
		var payouts []int64
		err := tx.Model(&StatementLine{}).Where("id = ?", lineID).Limit(1).Pluck("payout_id", &payouts).Error
		if err != nil {
			return fmt.Errorf("find statement line %d: %w", lineID, err)
		}
		standing, err := holdPayouts(tx, payouts)
		if err != nil {
			return err
		}
		if len(standing) == 0 {
			return fault.New(fault.NotFound, "incoming.error.line_not_found")
		}
		h.line = &StatementLine{}
		if err := tx.Take(h.line, lineID).Error; err != nil {
			return fmt.Errorf("read statement line %d: %w", lineID, err)
		}
		h.from = h.line.MatchState
		return do(h)
	})
}

// decideAnew lets the rules look at the line again. They only propose: somebody has said
// no for it.
func (h *hand) decideAnew() error {
	k, err := learn(h.tx, []*StatementLine{h.line})
	if err != nil {
		return fmt.Errorf("match a statement line: %w", err)
	}
	var hits []hit
	h.line.MatchState, _, hits = k.decide(h.line)
	h.proposals = map[*StatementLine][]hit{h.line: hits}
	return nil
}

// store keeps what became of the line and what follows from it, and tells the order.
func (h *hand) store(kind string, orderID int64) error {
	l := h.line
	var of []int64
	if l.OrderID != nil {
		of = append(of, *l.OrderID)
	}
	if err := h.findOrders(h.tx, []*StatementLine{l}, of); err != nil {
		return err
	}
	if err := storeMatches(h.tx, []move{{l, h.from}}); err != nil {
		return err
	}
	if err := h.matchEffects(h.tx, []*StatementLine{l}); err != nil {
		return err
	}
	return order.AddProtocol(h.tx, order.ProtocolEntry{OrderID: orderID, At: h.now, Actor: h.actor, Kind: kind, Params: order.Params{
		"type": string(l.Type), "payment_reference": l.PaymentReference, "amount": order.Money{Amount: l.Amount, Currency: l.Currency}}})
}

// storeMatches stores what lines are matched with now. Their proposals are others now.
func storeMatches(tx *gorm.DB, moves []move) error {
	ids := make([]int64, len(moves))
	for i, m := range moves {
		ids[i] = m.line.ID
		err := tx.Model(&StatementLine{}).Where("id = ?", m.line.ID).
			Select("match_state", "match_rule", "order_id", "capture_row_id", "booked_payment", "released_order", "matched_by", "matched_at").
			Updates(m.line).Error
		if err != nil {
			return fmt.Errorf("store the match of statement line %d: %w", m.line.ID, err)
		}
	}
	if err := tx.Where("line_id IN ?", evenly(ids)).Delete(&proposal{}).Error; err != nil {
		return fmt.Errorf("clear proposals away: %w", err)
	}
	return moveSums(tx, moves)
}
