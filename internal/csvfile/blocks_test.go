package csvfile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/csvfile"
)

// blocks is a file of several tables as lines: "header line/line: cell|cell" or a problem.
func blocks(t testing.TB, content string) string {
	t.Helper()
	file, err := csvfile.OpenBlocks(strings.NewReader(content), csvfile.Options{MaxRows: 5}, func(cells []string) bool {
		return slices.Contains(cells, "a") || slices.Contains(cells, "x")
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for row, err := range file.Rows() {
		if err != nil {
			fmt.Fprintln(&b, keyOf(t, err))
			break
		}
		header := 0
		if row.Block != nil {
			header = row.Block.Line
		}
		if p := row.Problem; p != nil {
			fmt.Fprintf(&b, "%d/%d: %s %s %v\n", header, row.Line, p.Name, p.Key, p.Args)
			continue
		}
		fmt.Fprintf(&b, "%d/%d: %s\n", header, row.Line, strings.Join(row.Cells, "|"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"two":                    {"a;b\n1;2\n\nx;y;z\n3;4;5\n6;7;8\n", "1/2: 1|2\n4/5: 3|4|5\n4/6: 6|7|8"},
		"the same again":         {"a;b\n1;2\nx;y\n3;4\nb;a\n5;6\n", "1/2: 1|2\n3/4: 3|4\n5/6: 5|6"},
		"the second is narrower": {"a;b;c\n1;2;3\nx;y;\n4;5;\n", "1/2: 1|2|3\n3/4: 4|5"},
		"each has its own shape": {"a;b\n1\nx;y;z\n1;2\n", "1/2:  csvfile.error.ragged [Columns 1 Want 2]\n3/4:  csvfile.error.ragged [Columns 2 Want 3]"},
		"rows above":             {"b;c\n1;2\na;b\n3;4\n", "0/1: b|c\n0/2: 1|2\n3/4: 3|4"},
		"a broken row":           {"a;b\n1;2\" \nx;y\n3;4\n", "1/2: b csvfile.error.quote [Line 2]\n3/4: 3|4"},
		"a column twice":         {"a;b\n1;2\nx;X\n3;4\n", "1/2: 1|2\ninvalid csvfile.error.column_twice [Column X Other x]"},
		"too many rows":          {"a;b\n1;2\n1;2\nx;y\n1;2\n1;2\n1;2\n1;2\n", "1/2: 1|2\n1/3: 1|2\n4/5: 1|2\n4/6: 1|2\n4/7: 1|2\ntoo_large csvfile.error.too_many_rows [Max 5]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := blocks(t, tc.content); got != tc.want {
				t.Errorf("rows:\n%s\nwant:\n%s", got, tc.want)
			}
		})
	}
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]csvfile.Decimal{
		"": csvfile.Silent, "12": csvfile.Silent, "1.234": csvfile.Silent, "1,234": csvfile.Silent, "-1.234": csvfile.Silent,
		"1,5": csvfile.Comma, "1.5": csvfile.Point, "1.234,56": csvfile.Comma, "1,234.56": csvfile.Point,
		"1.234.567": csvfile.Comma, "1,234,567": csvfile.Point, "0.123": csvfile.Point, "1234.567": csvfile.Point, "€ 1,50": csvfile.Comma,
	} {
		if got := csvfile.DecimalOf(number); got != want {
			t.Errorf("%q says %q, want %q", number, got, want)
		}
	}
	if d := csvfile.Comma.And(csvfile.Point); d != csvfile.Mixed || d.Clear("1.234") || !d.Clear("1.5") {
		t.Errorf("a file that writes numbers in two ways is %q", d)
	}
	if d := csvfile.Silent.And(csvfile.Comma).And(csvfile.Silent); d != csvfile.Comma || !d.Clear("1.234") || d.Lang() != "de" {
		t.Errorf("a file with commas is %q", d)
	}
}
