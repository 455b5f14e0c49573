package settlement

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"zahlwerk/internal/store"
)

// A payout that was here before is read again because lines may be missing. What is here
// and was read again is met; what was not met in the end is surplus. Nothing is deleted.

// equal is a line as its payout knows it.
type equal struct {
	identity string
	ordinal  int
}

// equalsBefore returns how many equals of lines earlier pages of this reading had.
func equalsBefore(tx *gorm.DB, p *RunPayout, position int64, lines []*StatementLine) (map[string]int, error) {
	before := make(map[string]int, len(lines))
	if position == 0 {
		return before, nil
	}
	query := "SELECT l.identity, count(*) AS lines FROM statement_lines l WHERE l.payout_id = ? AND l.identity IN ? GROUP BY l.identity"
	args := []any{*p.PayoutID, evenly(identities(lines))}
	if p.Reread {
		query = strings.Replace(query, "WHERE", "JOIN lines_met m ON m.run_payout_id = ? AND m.line_id = l.id WHERE", 1)
		args = append([]any{p.ID}, args...)
	}
	var rows []struct {
		Identity string
		Lines    int
	}
	if err := tx.Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for equal lines: %w", err)
	}
	for _, row := range rows {
		before[row.Identity] = row.Lines
	}
	return before, nil
}

// linesHere returns the ids of lines that the payout has already.
func linesHere(tx *gorm.DB, payoutID int64, lines []*StatementLine) (map[equal]int64, error) {
	var rows []struct {
		ID       int64
		Identity string
		Ordinal  int
	}
	err := tx.Raw("SELECT id, identity, ordinal FROM statement_lines WHERE payout_id = ? AND identity IN ?",
		payoutID, evenly(identities(lines))).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for lines that are here: %w", err)
	}
	here := make(map[equal]int64, len(rows))
	for _, row := range rows {
		here[equal{row.Identity, row.Ordinal}] = row.ID
	}
	return here, nil
}

func identities(lines []*StatementLine) []string {
	list := make([]string, len(lines))
	for n, l := range lines {
		list[n] = l.Identity
	}
	return list
}

// lineMet is the row of a line that was met again.
type lineMet struct {
	RunPayoutID int64
	LineID      int64
}

// TableName is the table of lines that were met again.
func (lineMet) TableName() string { return "lines_met" }

// meet remembers that this reading had these lines.
func meet(tx *gorm.DB, runPayoutID int64, lines []*StatementLine) error {
	met := make([]lineMet, len(lines))
	for n, l := range lines {
		met[n] = lineMet{runPayoutID, l.ID}
	}
	if err := tx.CreateInBatches(met, store.Batch).Error; err != nil {
		return fmt.Errorf("remember lines that were met: %w", err)
	}
	return nil
}

// compare marks the lines that were not met again as surplus, and takes the mark off
// those that were; a few hundred at a time.
func (i *importer) compare(ctx context.Context) error {
	const met = "EXISTS (SELECT 1 FROM lines_met m WHERE m.run_payout_id = ? AND m.line_id = statement_lines.id)"
	for _, mark := range []struct {
		condition string
		surplus   bool
	}{{"NOT surplus AND NOT " + met, true}, {"surplus AND " + met, false}} {
		for more := true; more; {
			var ids []int64
			err := i.db.Read(ctx).Model(&StatementLine{}).Where("payout_id = ? AND "+mark.condition, *i.payout.PayoutID, i.payout.ID).
				Limit(store.Batch).Pluck("id", &ids).Error
			if err != nil {
				return fmt.Errorf("import %d: compare lines: %w", i.run.ID, err)
			}
			if more = len(ids) > 0; !more {
				continue
			}
			err = i.step(ctx, func(tx *gorm.DB, _ *ImportRun, p *RunPayout) error {
				return markSurplus(tx, *p.PayoutID, ids, mark.surplus)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// markSurplus lets lines count no longer, or again.
func markSurplus(tx *gorm.DB, payoutID int64, ids []int64, surplus bool) error {
	if _, err := holdPayouts(tx, []int64{payoutID}); err != nil {
		return err
	}
	var lines []*StatementLine
	if err := tx.Where("id IN ? AND surplus = ?", ids, !surplus).Find(&lines).Error; err != nil {
		return fmt.Errorf("read surplus lines: %w", err)
	}
	if err := tx.Model(&StatementLine{}).Where("id IN ?", ids).Update("surplus", surplus).Error; err != nil {
		return fmt.Errorf("mark surplus lines: %w", err)
	}
	sign := int64(1)
	if surplus {
		sign = -1
	}
	return addSums(tx, payoutID, lines, sign)
}

// forgetMet ends the comparison, and says how many lines are surplus.
func forgetMet(tx *gorm.DB, p *RunPayout) error {
	var surplus int64
	if err := tx.Model(&StatementLine{}).Where("payout_id = ? AND surplus", *p.PayoutID).Count(&surplus).Error; err != nil {
		return fmt.Errorf("count surplus lines: %w", err)
	}
	if surplus > 0 && p.Problem == nil {
		p.Problem = problem("import_run.problem.surplus", "Count", surplus)
	}
	return tx.Where("run_payout_id = ?", p.ID).Delete(&lineMet{}).Error
}
