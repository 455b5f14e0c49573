package capture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Payable is what tells which of an order's captures Klarna has paid out.
type Payable struct {
	ID            int64
	OrderID       int64
	CaptureID     string // Klarna's
	Shared        bool   // CaptureID is one of the whole order, which others have, too
	Amount        int64
	Currency      string
	NoteNumber    string // of its delivery note, which Klarna was told as a reference
	PaidOutLineID *int64
}

// LockPayable returns the captures of orders that Klarna may pay out, by order: all but
// those that were withdrawn. It keeps others from changing these orders, and so their
// captures, until tx ends.
func LockPayable(tx *gorm.DB, orderIDs []int64) (map[int64][]Payable, error) {
	rows, err := tx.Table("captures c").Joins("JOIN orders o ON o.id = c.order_id").Joins("JOIN delivery_notes n ON n.id = c.delivery_note_id").
		Clauses(clause.Locking{Strength: "UPDATE", Table: clause.Table{Name: "o"}}).
		Select("c.id, c.order_id, c.capture_id, c.shared, c.amount, o.currency, n.number, c.paid_out_line_id").
		Where("c.order_id IN ? AND c.state <> ?", orderIDs, Withdrawn).Order("c.order_id, c.id").Rows()
	if err != nil {
		return nil, fmt.Errorf("read captures: %w", err)
	}
	defer rows.Close()
	of := make(map[int64][]Payable, len(orderIDs))
	for rows.Next() {
		var c Payable
		if err := rows.Scan(&c.ID, &c.OrderID, &c.CaptureID, &c.Shared, &c.Amount, &c.Currency, &c.NoteNumber, &c.PaidOutLineID); err != nil {
			return nil, fmt.Errorf("read captures: %w", err)
		}
		of[c.OrderID] = append(of[c.OrderID], c)
	}
	return of, rows.Err()
}

// SetPaidOut keeps with which statement line each of these captures was paid out, in a
// transaction that holds their orders.
func SetPaidOut(tx *gorm.DB, lineOf map[int64]int64) error {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(lineOf)), setAtOnce) {
		pairs := make([]any, 0, 2*setAtOnce)
		for i := range setAtOnce { // the last one again and again: one statement for every number
			id := some[min(i, len(some)-1)]
			pairs = append(pairs, id, lineOf[id])
		}
		if err := tx.Exec(setPaidOut, pairs...).Error; err != nil {
			return err
		}
	}
	return nil
}

// setAtOnce is how many captures one statement changes.
const setAtOnce = 50

// Both databases call the columns of VALUES so. PostgreSQL asks for the types once.
var setPaidOut = "UPDATE captures SET paid_out_line_id = v.column2 FROM (VALUES (CAST(? AS BIGINT), CAST(? AS BIGINT))" +
	strings.Repeat(", (?, ?)", setAtOnce-1) + ") AS v WHERE captures.id = v.column1"

// UnsetPaidOut says of the captures that were paid out with these lines that they were
// not, in a transaction that holds their orders.
func UnsetPaidOut(tx *gorm.DB, lineIDs []int64) error {
	return tx.Exec("UPDATE captures SET paid_out_line_id = NULL WHERE paid_out_line_id IN ?", lineIDs).Error
}
