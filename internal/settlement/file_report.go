package settlement

import (
	"context"
	"fmt"
	"time"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// FileReport is what was found in a settlement report when it was read.
type FileReport struct {
	Encoding  csvfile.Encoding `json:"encoding"`
	Delimiter rune             `json:"delimiter"`
	Unknown   []string         `json:"unknown,omitempty"` // columns that mean nothing here
	Rows      int64            `json:"rows"`              // transactions
	Payouts   []FilePayout     `json:"payouts"`
	More      int              `json:"more,omitempty"` // payouts that are not listed
}

// FilePayout is a payout of a file and what would become of it: PayoutStaged, PayoutKnown
// or PayoutProblem.
type FilePayout struct {
	Line        int             `json:"line"` // of the file
	Reference   string          `json:"reference"`
	Date        time.Time       `json:"date"`     // zero where the summary can't be read;
	Currency    string          `json:"currency"` // then nothing is known of the amounts
	Settlement  int64           `json:"settlement"`
	Lines       int64           `json:"lines"`
	LinesAmount int64           `json:"lines_amount"`
	Reasons     []Reason        `json:"reasons,omitempty"` // why they differ
	Unexplained int64           `json:"unexplained,omitempty"`
	State       RunPayoutState  `json:"state"`
	Problems    []FileProblem   `json:"problems,omitempty"` // the first of them
	More        int             `json:"more,omitempty"`     // problems that are not listed
	Here        *FileComparison `json:"here,omitempty"`     // of a known one
}

// Difference is what the settlement is more than the lines.
func (p *FilePayout) Difference() int64 { return p.Settlement - p.LinesAmount }

// Same tells that a known payout is here as the file has it.
func (p *FilePayout) Same() bool { return p.Here != nil && p.Here.equal(p.Settlement) }

// maxReported is how many payouts a report lists.
const maxReported = 500

type settlementFile struct {
	RunID  int64       `gorm:"primaryKey;autoIncrement:false"`
	Report *FileReport `gorm:"serializer:json"`
}

// FileReport returns what was found in the file of an import; NotFound when it came from
// no file.
func (s *Service) FileReport(ctx context.Context, runID int64) (*FileReport, error) {
	var f settlementFile
	err := s.db.Read(ctx).Where("run_id = ?", runID).Take(&f).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "settlement_file.error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find the file of import %d: %w", runID, err)
	}
	return f.Report, nil
}
