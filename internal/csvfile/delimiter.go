package csvfile

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// delimiters are what parts columns, in the order in which they are believed.
var delimiters = []rune{';', ',', '\t', '|'}

const (
	sampleBytes   = 64 << 10
	sampleRecords = 30
)

// findDelimiter takes the one that Excel's first line names ("sep=;"), or the one by
// which the first records have the most in common.
func (t *Table) findDelimiter() error {
	in, err := t.text.lines()
	if err != nil {
		return err
	}
	b, err := io.ReadAll(io.LimitReader(in, sampleBytes))
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	sample := string(b)
	first, _, _ := strings.Cut(sample, "\n")
	if name, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(first, "\r")), "sep="); ok {
		for _, d := range delimiters {
			if name == string(d) {
				t.Delimiter, t.named = d, true
				return nil
			}
		}
	}
	t.Delimiter = guess(sample, len(b) == sampleBytes)
	return nil
}

// guess returns the delimiter by which most of the first records have as many columns as
// the header, and of several the one that makes most columns. A file with one column has
// none, and any will do.
func guess(sample string, cut bool) rune {
	best, bestAlike, bestColumns := delimiters[0], -1, 1
	for _, d := range delimiters {
		columns, alike := try(sample, d, cut)
		if columns > 1 && (alike > bestAlike || alike == bestAlike && columns > bestColumns) {
			best, bestAlike, bestColumns = d, alike, columns
		}
	}
	return best
}

// try returns how many columns the first record has by a delimiter, and how many of those
// that follow have as many. The last of a sample that was cut does not count.
func try(sample string, delimiter rune, cut bool) (columns, alike int) {
	r := csv.NewReader(strings.NewReader(sample))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = delimiter, -1, true, true
	for range sampleRecords {
		record, err := r.Read()
		if err != nil || cut && columns > 0 && r.InputOffset() == int64(len(sample)) {
			break
		}
		if columns == 0 {
			columns = len(record)
		} else if len(record) == columns {
			alike++
		}
	}
	return columns, alike
}
