package dispatch

import (
	"context"
	"fmt"

	"zahlwerk/internal/batch"
)

// PaperPart is how many orders of a run have their papers in one file.
const PaperPart = 500

// Papers counts the papers of a run.
type Papers struct {
	Notes    int
	Invoices int
}

// Paper is an order for which a run made something, with its delivery note; an order for
// which only an invoice was made has none.
type Paper struct {
	OrderID int64
	NoteID  int64
}

// What was taken back or cancelled since is not printed: nobody is to pack it.
const runPapers = `FROM (SELECT order_id, position FROM batch_items WHERE batch_id = ? AND state = ? ORDER BY position LIMIT ? OFFSET ?) i
	JOIN orders o ON o.id = i.order_id AND o.status <> 'cancelled'
	LEFT JOIN delivery_notes n ON n.order_id = o.id AND n.withdrawn_at IS NULL`

// CountPapers returns how many papers of a run there are to print.
func (s *Service) CountPapers(ctx context.Context, runID int64) (Papers, error) {
	var p Papers
	err := s.db.Read(ctx).Raw(`SELECT count(DISTINCT n.id) AS notes, count(DISTINCT v.id) AS invoices `+runPapers+`
		LEFT JOIN invoices v ON v.order_id = o.id`, runID, batch.ItemDone, batch.MaxItems, 0).Scan(&p).Error
	if err != nil {
		return p, fmt.Errorf("count the papers of run %d: %w", runID, err)
	}
	return p, nil
}

// ListPapers returns for which orders and delivery notes there are papers of a run, in
// its order. Part counts from 1; each has PaperPart orders.
func (s *Service) ListPapers(ctx context.Context, runID int64, part int) ([]Paper, error) {
	var papers []Paper
	err := s.db.Read(ctx).Raw(`SELECT o.id AS order_id, coalesce(n.id, 0) AS note_id `+runPapers+` ORDER BY i.position, n.id`,
		runID, batch.ItemDone, PaperPart, (part-1)*PaperPart).Scan(&papers).Error
	if err != nil {
		return nil, fmt.Errorf("list the papers of run %d: %w", runID, err)
	}
	return papers, nil
}
