package settlement

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// A matcher ties lines to orders and captures, some hundred at a time with as many
// queries as one would take. The importer uses it in the transaction that inserts them:
// matchPage before, matchEffects after.
type matcher struct {
	now   time.Time
	actor string // who is answerable for it; "" = Zahlwerk

	proposals map[*StatementLine][]hit
	captures  map[int64][]capture.Payable // by order, of the sales among the lines
	waiting   map[int64]*order.Order      // of these sales, those that wait for their money
}

func newMatcher(now time.Time, actor string) *matcher { return &matcher{now: now, actor: actor} }

// matchPage decides what these lines are about: their MatchState, MatchRule, OrderID and
// CaptureRowID. It holds the orders that sales change.
func (m *matcher) matchPage(tx *gorm.DB, lines []*StatementLine) error {
	k, err := learn(tx, lines)
	if err != nil {
		return fmt.Errorf("match statement lines: %w", err)
	}
	m.proposals = map[*StatementLine][]hit{}
	var waiting []int64
	for _, l := range lines {
		state, match, proposals := k.decide(l)
		l.MatchState, l.MatchRule, l.OrderID, l.CaptureRowID, l.MatchedAt = state, match.rule, nil, nil, nil
		l.MatchedBy, l.BookedPayment, l.ReleasedOrder = "", false, false
		if state == Matched {
			l.OrderID, l.MatchedAt = &match.orderID, &m.now
		}
		if match.waits && l.sale() {
			waiting = append(waiting, match.orderID)
		}
		if len(proposals) > 0 {
			m.proposals[l] = proposals
		}
	}
	return m.findOrders(tx, lines, waiting)
}

// matchEffects makes true what follows from the lines' matches: they are stored, have
// their ids, and are of those that matchPage has seen.
func (m *matcher) matchEffects(tx *gorm.DB, lines []*StatementLine) error {
	if err := m.keepProposals(tx, lines); err != nil {
		return fmt.Errorf("propose orders for statement lines: %w", err)
	}
	if err := capture.SetPaidOut(tx, m.paidOut(lines)); err != nil {
		return fmt.Errorf("mark captures as paid out: %w", err)
	}
	return m.bookPayments(tx, lines)
}

// proposal is the row of a proposal.
type proposal struct {
	LineID  int64
	OrderID int64
	Rule    MatchRule
}

// TableName is the table of proposals.
func (proposal) TableName() string { return "match_proposals" }

func (m *matcher) keepProposals(tx *gorm.DB, lines []*StatementLine) error {
	var rows []proposal
	for _, l := range lines {
		for _, h := range m.proposals[l] {
			rows = append(rows, proposal{l.ID, h.orderID, h.rule})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, store.Batch).Error
}

// learn reads what is known here of the names that these lines give. A register is only
// asked for lines that those before did not know.
func learn(tx *gorm.DB, lines []*StatementLine) (*knowledge, error) {
	k := &knowledge{}
	var err error
	if k.rejected, err = rejections(tx, lines); err != nil {
		return nil, err
	}
	for _, step := range steps {
		names := map[string]bool{}
		for _, l := range lines {
			if len(k.hits(l)) > 0 {
				continue
			}
			for _, by := range step {
				if name := by.name(l); name != "" {
					names[name] = true
				}
			}
		}
		in := step[0].in
		k.orders[in] = map[string][]candidate{}
		for some := range slices.Chunk(slices.Collect(maps.Keys(names)), store.Batch) {
			if err := in.read(tx, some, k.orders[in]); err != nil {
				return nil, err
			}
		}
	}
	return k, nil
}

// The conditions on the columns are those of their partial indexes.
var registerQueries = [registers]string{
	klarnaOrderIDs: "SELECT o.klarna_order_id AS name, " + ofCandidate + " FROM orders o WHERE o.klarna_order_id <> '' AND o.klarna_order_id IN @names",
	orderNumbers: "SELECT o.number AS name, " + ofCandidate + " FROM orders o WHERE o.number IN @names UNION " +
		"SELECT o.external_number, " + ofCandidate + " FROM orders o WHERE o.external_number <> '' AND o.external_number IN @names",
	noteNumbers: "SELECT n.number AS name, " + ofCandidate + " FROM delivery_notes n JOIN orders o ON o.id = n.order_id WHERE n.number IN @names",
	shortReferences: "SELECT o.klarna_reference AS name, " + ofCandidate +
		" FROM orders o WHERE o.klarna_reference <> '' AND o.klarna_reference IN @names",
}

const ofCandidate = "o.id, o.currency, o.behaves_like = 'prepayment' AND NOT o.mark_paid AND o.paid_at IS NULL"

func (r register) read(tx *gorm.DB, names []string, into map[string][]candidate) error {
	rows, err := tx.Raw(registerQueries[r]+" ORDER BY 2", map[string]any{"names": evenly(names)}).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var c candidate
		if err := rows.Scan(&name, &c.orderID, &c.currency, &c.waits); err != nil {
			return err
		}
		into[name] = append(into[name], c)
	}
	return rows.Err()
}

// evenly makes a list one of few lengths by repeating its last element: a statement with
// as many places is planned once and kept.
func evenly[T any](list []T) []T {
	for size := 8; len(list) > 0; size *= 8 {
		if len(list) <= size {
			return append(slices.Clip(list), slices.Repeat(list[len(list)-1:], size-len(list))...)
		}
	}
	return list
}
