package settlement

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
)

// FileComparison is what a file says about a payout that is here already, and what is
// here.
type FileComparison struct {
	Source     Source            `json:"source"`
	Settlement int64             `json:"settlement"`
	Lines      int64             `json:"lines"`
	Sums       []FileSum         `json:"sums,omitempty"` // of the types that differ
	OnlyFile   int64             `json:"only_file"`      // lines
	OnlyHere   int64             `json:"only_here"`
	FileLines  []int             `json:"file_lines,omitempty"` // where the first of them stand in the file
	HereLines  []FileComparedRow `json:"here_lines,omitempty"` // the first of them
}

// FileSum is what the lines of a type come to, in the file and here.
type FileSum struct {
	Type       klarna.TransactionType `json:"type"`
	FileLines  int64                  `json:"file_lines"`
	FileAmount int64                  `json:"file_amount"` // signed
	HereLines  int64                  `json:"here_lines"`
	HereAmount int64                  `json:"here_amount"`
}

// FileComparedRow is a line that is here and not in the file.
type FileComparedRow struct {
	Type          klarna.TransactionType `json:"type"`
	Amount        int64                  `json:"amount"`
	CaptureDate   *time.Time             `json:"capture_date,omitempty"`
	KlarnaOrderID string                 `json:"klarna_order_id,omitempty"`
}

// maxCompared is how many lines are named on either side.
const maxCompared = 20

// lineKey is what two lines are compared by, and where the one in the file stands.
type lineKey struct {
	hash uint64
	line int32
}

// fileComparer compares lines by what the file has of them: a merchant may have left out
// columns, or the time of a date.
type fileComparer struct {
	seed  maphash.Seed
	has   map[string]bool // columns
	hours bool            // dates have a time
}

func newFileComparer(f *statementFile) *fileComparer {
	return &fileComparer{seed: maphash.MakeSeed(), has: f.has, hours: strings.Contains(f.layout, "15")}
}

// key is the same for the same line. Its sign counts, not who wrote it.
func (c *fileComparer) key(l *StatementLine) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	text := func(column, s string) {
		if column == "" || c.has[column] {
			_, _ = h.WriteString(s)
		}
		_ = h.WriteByte(0)
	}
	amount := l.Amount
	if Direction(l.Type) == 0 { // which nobody knows the sign of
		amount = l.RawAmount
	}
	text("", string(l.Type))
	text("", fmt.Sprint(amount))
	text(colDetailedType, l.DetailedType)
	text(colOrderID, l.KlarnaOrderID)
	text(colCaptureID, l.CaptureID)
	text(colRefundID, l.RefundID)
	if d := l.CaptureDate; d != nil && c.has[colCaptureDate] {
		layout := time.DateOnly
		if c.hours {
			layout = time.RFC3339
		}
		text("", d.UTC().Format(layout))
	}
	return h.Sum64()
}

// compare says how the lines of a file, by their keys, differ from those of a payout.
func (s *Service) compare(ctx context.Context, c *fileComparer, p *filePayout, here *Payout, file []lineKey) (*FileComparison, error) {
	out := &FileComparison{Source: here.Source, Settlement: here.Totals.Settlement, Lines: here.Lines}
	var err error
	if out.Sums, err = s.compareSums(ctx, p, here.ID); err != nil {
		return nil, err
	}
	rest := map[uint64]int{}
	slices.SortFunc(file, func(a, b lineKey) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.line, b.line)) })
	keys, err := s.keysOf(ctx, c, here)
	if err != nil {
		return nil, err
	}
	for len(file) > 0 || len(keys) > 0 {
		switch {
		case len(keys) == 0 || len(file) > 0 && file[0].hash < keys[0]:
			if out.OnlyFile++; len(out.FileLines) < maxCompared {
				out.FileLines = append(out.FileLines, int(file[0].line))
			}
			file = file[1:]
		case len(file) == 0 || keys[0] < file[0].hash:
			if out.OnlyHere++; len(rest) < maxCompared {
				rest[keys[0]]++
			}
			keys = keys[1:]
		default:
			file, keys = file[1:], keys[1:]
		}
	}
	slices.Sort(out.FileLines)
	out.HereLines, err = s.linesWith(ctx, c, here.ID, rest)
	return out, err
}

// equal tells that the file says the same.
func (c *FileComparison) equal(settlement int64) bool {
	return c.Settlement == settlement && len(c.Sums) == 0 && c.OnlyFile == 0 && c.OnlyHere == 0
}

func (s *Service) compareSums(ctx context.Context, p *filePayout, payoutID int64) ([]FileSum, error) {
	var rows []Sum
	err := s.db.Read(ctx).Where("payout_id = ?", payoutID).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("compare payout %d with a file: %w", payoutID, err)
	}
	by := map[klarna.TransactionType]FileSum{}
	for _, r := range rows {
		sum := by[r.Type]
		sum.HereLines += r.Lines
		sum.HereAmount += r.Amount
		by[r.Type] = sum
	}
	for kind, s := range p.sums {
		sum := by[kind]
		sum.FileLines, sum.FileAmount = s.lines, signedAmount(kind, s.amount, false)
		by[kind] = sum
	}
	var sums []FileSum
	for kind, sum := range by {
		if sum.Type = kind; sum.FileLines != sum.HereLines || sum.FileAmount != sum.HereAmount {
			sums = append(sums, sum)
		}
	}
	slices.SortFunc(sums, func(a, b FileSum) int { return cmp.Compare(a.Type, b.Type) })
	return sums, nil
}

// keysOf returns the keys of a payout's lines, sorted.
func (s *Service) keysOf(ctx context.Context, c *fileComparer, payout *Payout) ([]uint64, error) {
	keys := make([]uint64, 0, payout.Lines)
	err := s.eachLine(ctx, payout.ID, func(l *StatementLine) bool {
		keys = append(keys, c.key(l))
		return true
	})
	slices.Sort(keys)
	return keys, err
}

// linesWith returns the first lines of a payout with these keys.
func (s *Service) linesWith(ctx context.Context, c *fileComparer, payoutID int64, keys map[uint64]int) (lines []FileComparedRow, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = s.eachLine(ctx, payoutID, func(l *StatementLine) bool {
		if key := c.key(l); keys[key] > 0 {
			keys[key]--
			lines = append(lines, FileComparedRow{l.Type, l.Amount, l.CaptureDate, l.KlarnaOrderID})
		}
		return len(lines) < maxCompared
	})
	return lines, err
}

// eachLine walks over the lines of a payout, a page at a time, until it is told to stop.
func (s *Service) eachLine(ctx context.Context, payoutID int64, do func(*StatementLine) bool) error {
	var last StatementLine
	last.Ordinal = -1
	for {
		var lines []StatementLine
		err := s.db.Read(ctx).Select("identity", "ordinal", "type", "detailed_type", "klarna_order_id", "capture_id", "refund_id", "amount",
			"raw_amount", "capture_date").
			Where("payout_id = ? AND (identity, ordinal) > (?, ?)", payoutID, last.Identity, last.Ordinal).
			Order("identity, ordinal").Limit(store.Batch).Find(&lines).Error
		if err != nil {
			return fmt.Errorf("compare payout %d with a file: %w", payoutID, err)
		}
		for i := range lines {
			if !do(&lines[i]) {
				return nil
			}
		}
		if len(lines) < store.Batch {
			return nil
		}
		last = lines[len(lines)-1]
	}
}
