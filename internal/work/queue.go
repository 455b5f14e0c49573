package work

import "context"

// Queue describes a table whose rows are work.
type Queue struct {
	// Name is for logs, metrics and Wake.
	Name string
	// Table has the columns id, due_at, lease_until and lease_token.
	Table string
	// Eligible is an SQL condition on the table, there called t, that a due row must
	// meet to be claimed; "" means none. Each ? stands for the present time.
	Eligible string
	// Lock is an SQL expression over the table's columns, unqualified, that names
	// what only one worker may hold at a time; "" means none. A row whose expression
	// is '' needs no lock.
	Lock string
	// Workers is how many rows are worked on at once; 0 means 1.
	Workers int
	// Do works on a row. An error is logged; the row is then tried again after a
	// minute unless Do had finished its claim.
	Do func(ctx context.Context, c *Claim) error
}

func (q *Queue) workers() int { return max(q.Workers, 1) }
