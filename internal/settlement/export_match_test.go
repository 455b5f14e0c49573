package settlement

import "gorm.io/gorm"

// Enter stores new lines of a payout as an import does with a page.
func (s *Service) Enter(tx *gorm.DB, r *ImportRun, p *Payout, lines []*StatementLine) error {
	if _, err := holdPayouts(tx, []int64{p.ID}); err != nil {
		return err
	}
	return (&importer{Service: s}).enterLines(tx, r, p, lines)
}
