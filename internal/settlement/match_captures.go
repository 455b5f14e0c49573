package settlement

import (
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
)

// sale tells lines with which Klarna pays for an order that is known here.
func (l *StatementLine) sale() bool { return l.Type == klarna.TypeSale && l.OrderID != nil }

// findOrders holds the orders that the sales among lines change, as everybody does who
// changes orders or their captures: those that wait for their money, and those with
// captures. It finds the captures that the sales pay out: their CaptureRowID, where they
// have none.
func (m *matcher) findOrders(tx *gorm.DB, lines []*StatementLine, waiting []int64) (err error) {
	if m.waiting, err = hold(tx, waiting); err != nil {
		return err
	}
	var ids []int64
	for _, l := range lines {
		if l.sale() {
			ids = append(ids, *l.OrderID)
		}
	}
	slices.Sort(ids)
	if m.captures, err = payable(tx, slices.Compact(ids)); err != nil {
		return err
	}
	taken := map[int64]bool{} // by others of these lines
	for _, l := range lines {
		if l.sale() && l.CaptureRowID == nil {
			l.CaptureRowID = captureOf(l, m.captures[*l.OrderID], taken)
		}
		if l.CaptureRowID != nil {
			taken[*l.CaptureRowID] = true
		}
	}
	return nil
}

// forUpdate keeps others from changing the rows that a query reads until tx ends.
func forUpdate(tx *gorm.DB) *gorm.DB { return tx.Clauses(clause.Locking{Strength: "UPDATE"}) }

// hold locks orders, in the order of their ids, and reads what their payment depends on.
func hold(tx *gorm.DB, ids []int64) (map[int64]*order.Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []order.Order
	err := forUpdate(tx).
		Select("id", "number", "status", "currency", "total", "behaves_like", "mark_paid", "paid_at", "paid_by").
		Where("id IN ?", evenly(ids)).Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("hold orders: %w", err)
	}
	held := make(map[int64]*order.Order, len(rows))
	for i := range rows {
		held[rows[i].ID] = &rows[i]
	}
	return held, nil
}

// payable reads the captures of orders. What an import had paid out that was undone is
// not paid out, though its lines may not be cleared away yet.
func payable(tx *gorm.DB, orderIDs []int64) (map[int64][]capture.Payable, error) {
	if len(orderIDs) == 0 {
		return nil, nil
	}
	of, err := capture.LockPayable(tx, evenly(orderIDs))
	if err != nil {
		return nil, err
	}
	var paidBy []int64
	for _, captures := range of {
		for _, c := range captures {
			if c.PaidOutLineID != nil {
				paidBy = append(paidBy, *c.PaidOutLineID)
			}
		}
	}
	if len(paidBy) == 0 {
		return of, nil
	}
	var stand []int64
	err = tx.Raw("SELECT l.id FROM statement_lines l JOIN payouts p ON p.id = l.payout_id WHERE l.id IN ?", evenly(paidBy)).Scan(&stand).Error
	if err != nil {
		return nil, fmt.Errorf("read lines of payouts: %w", err)
	}
	for _, captures := range of {
		for i := range captures {
			if c := &captures[i]; c.PaidOutLineID != nil && !slices.Contains(stand, *c.PaidOutLineID) {
				c.PaidOutLineID = nil
			}
		}
	}
	return of, nil
}

// captureOf returns the capture that a sale pays out: the one with Klarna's id; else that of
// the delivery note that Klarna was told; else the only one of the order over this amount,
// if it is not paid out yet. A capture that has another id at Klarna is another one.
func captureOf(l *StatementLine, captures []capture.Payable, taken map[int64]bool) *int64 {
	var named, over []*capture.Payable
	for i := range captures {
		c := &captures[i]
		switch {
		case c.Currency != l.Currency:
			continue
		case l.CaptureID != "" && c.CaptureID == l.CaptureID:
			return &c.ID
		case l.CaptureID != "" && c.CaptureID != "":
			continue
		}
		if l.MerchantCaptureReference != "" && c.NoteNumber == l.MerchantCaptureReference {
			named = append(named, c)
		}
		if c.Amount == l.Amount {
			over = append(over, c)
		}
	}
	switch {
	case len(named) == 1:
		return &named[0].ID
	case len(over) == 1 && over[0].PaidOutLineID == nil && !taken[over[0].ID]:
		return &over[0].ID
	}
	return nil
}

// paidOut returns the captures that these sales pay out, and that nothing has yet, with
// the line of each. Captures that share one of Klarna's are paid out together.
func (m *matcher) paidOut(lines []*StatementLine) map[int64]int64 {
	by := map[int64]int64{}
	for _, l := range lines {
		if !l.sale() || l.CaptureRowID == nil {
			continue
		}
		for _, c := range m.captures[*l.OrderID] {
			shared := c.Shared && c.CaptureID == l.CaptureID && l.CaptureID != ""
			if _, taken := by[c.ID]; c.PaidOutLineID == nil && !taken && (c.ID == *l.CaptureRowID || shared) {
				by[c.ID] = l.ID
			}
		}
	}
	return by
}

// freeCaptures says of the captures that these lines paid out that they are not. Other
// lines that stand may take their place: see MatchAgain.
func freeCaptures(tx *gorm.DB, lineIDs []int64) error {
	var ids []int64
	err := tx.Raw("SELECT DISTINCT order_id FROM captures WHERE paid_out_line_id IN ? ORDER BY order_id", evenly(lineIDs)).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("read captures: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := hold(tx, ids); err != nil {
		return err
	}
	if err := capture.UnsetPaidOut(tx, lineIDs); err != nil {
		return fmt.Errorf("free captures: %w", err)
	}
	return nil
}
