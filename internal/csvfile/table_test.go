package csvfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
)

func open(t testing.TB, content string) *csvfile.Table {
	t.Helper()
	table, err := csvfile.Open(strings.NewReader(content), csvfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// written is a table as lines: "line: cell|cell" or "line-end: problem".
func written(t testing.TB, table *csvfile.Table) string {
	t.Helper()
	var b strings.Builder
	for row, err := range table.Rows() {
		if err != nil {
			fmt.Fprintf(&b, "%s\n", keyOf(t, err))
			break
		}
		if p := row.Problem; p != nil {
			fmt.Fprintf(&b, "%d-%d: %s %s %v\n", row.Line, row.End, p.Name, p.Key, p.Args)
			continue
		}
		fmt.Fprintf(&b, "%d: %s\n", row.Line, strings.ReplaceAll(strings.Join(row.Cells, "|"), "\n", "¶"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func keyOf(t testing.TB, err error) string {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("%v is no fault", err)
	}
	return fmt.Sprint(e.Code, " ", e.Key, " ", e.Args)
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	const content = "Straße;Ort\nFuggerstraße 11;Köln – „Süd“\n"
	encode := func(b []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, tc := range map[string]struct {
		content string
		want    csvfile.Encoding
	}{
		"UTF-8":           {content, csvfile.UTF8},
		"UTF-8 with mark": {"\ufeff" + content, csvfile.UTF8},
		"UTF-16 LE":       {encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(content))), csvfile.UTF16LE},
		"UTF-16 BE":       {encode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(content))), csvfile.UTF16BE},
		"Windows-1252":    {encode(charmap.Windows1252.NewEncoder().Bytes([]byte(content))), csvfile.Windows1252},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := open(t, tc.content)
			if table.Encoding != tc.want || table.Header[0] != "Straße" {
				t.Errorf("%s, %q; want %s", table.Encoding, table.Header, tc.want)
			}
			if got := written(t, table); got != "2: Fuggerstraße 11|Köln – „Süd“" {
				t.Errorf("rows: %s", got)
			}
		})
	}
}

func TestDelimiters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content string
		want    rune
		header  int
	}{
		"semicolon":                 {"a;b;c\n1;2;3\n", ';', 3},
		"comma":                     {"a,b,c\n1,2,3\n", ',', 3},
		"tab":                       {"a\tb\tc\n1\t2\t3\n", '\t', 3},
		"bar":                       {"a|b|c\n1|2|3\n", '|', 3},
		"amounts with commas":       {"name;total\nCup;12,50\nPot;1,00\n", ';', 2},
		"comma in a name":           {"Name, Vorname;Ort;PLZ\nMuster, Max;Köln;50667\n", ';', 3},
		"semicolons in quoted text": {"name,text\nA,\"x;y;z\"\nB,\"x;y;z\"\n", ',', 2},
		"header alone":              {"a,b;c;d\n", ';', 3},
		"one column":                {"number\n1\n", ';', 1},
		"named by Excel":            {"sep=,\r\na;b,c\r\n1;2,3\r\n", ',', 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if table := open(t, tc.content); table.Delimiter != tc.want || len(table.Header) != tc.header {
				t.Errorf("%q, header %q; want %q and %d columns", table.Delimiter, table.Header, tc.want, tc.header)
			}
		})
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"plain":                           {"a;b\n1;2\n3;4", "2: 1|2\n3: 3|4"},
		"line breaks in quotes":           {"a;b\n\"x\ny\r\nz\";2\n3;4\n", "2: x¶y¶z|2\n5: 3|4"},
		"line break at the end of quotes": {"a;b\n1;\"x\n\"\n3;4\n", "2: 1|x\n4: 3|4"},
		"quotes in quotes":                {"a;b\n\"2\"\" pipe\";2\n", "2: 2\" pipe|2"},
		"blank lines":                     {"\n\na;b\n\n1;2\n;\n \t;  \n3;4\n", "5: 1|2\n8: 3|4"},
		"old Mac":                         {"a;b\r1;2\r3;4\r", "2: 1|2\n3: 3|4"},
		"below Excel's line":              {"sep=;\na;b\n1;2\n", "3: 1|2"},
		"blanks around":                   {" a ;b\n 1 ;\u00a02\u00a0\n", "2: 1|2"},
		"kept from being a figure":        {"a,b\n\"=\"\"0034\"\"\",2\n", "2: 0034|2"},
		"empty cells beyond":              {"a;b;;\n1;2\n1;2;\n1;2;;;\n", "2: 1|2\n3: 1|2\n4: 1|2"},
		"ragged": {"a;b;c\n1;2\n1;2;3;4\n1;2;3\n",
			"2-2:  csvfile.error.ragged [Columns 2 Want 3]\n3-3:  csvfile.error.ragged [Columns 4 Want 3]\n4: 1|2|3"},
		"a bare quote": {"a;b\n1;2\" pipe\n3;4\n", "2-2: b csvfile.error.quote [Line 2]\n3: 3|4"},
		"a quote too many": {"a;b\n1;\"Pot 24\" wide\"\n3;4\n",
			"2-2: b csvfile.error.quote [Line 2]\n3: 3|4"},
		"a quote that swallows lines": {"a;b\n1;\"x\n3;4\n5;\"6\"\n7;8\n",
			"2-4: b csvfile.error.quote [Line 4]\n5: 7|8"},
		"a quote that never ends": {"a;b\n1;2\n3;\"4\n5;6\n", "2: 1|2\n3-4: b csvfile.error.quote [Line 4]"},
		"a cell that is too long": {"a;b\n1;" + strings.Repeat("ü", 10_001) + "\n3;4\n",
			"2-2: b error.too_long [Max 10000]\n3: 3|4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := open(t, tc.content)
			for range 2 { // it can be read again
				if got := written(t, table); got != tc.want {
					t.Errorf("rows:\n%s\nwant:\n%s", got, tc.want)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat("column;", 1000), ";")
	for i := range 1000 {
		many = strings.Replace(many, "column;", fmt.Sprintf("c%d;", i), 1)
	}
	for name, tc := range map[string]struct{ content, want string }{
		"empty":               {"", "invalid csvfile.error.empty []"},
		"blank":               {"\ufeff\n \n;;\n", "invalid csvfile.error.empty []"},
		"ZIP or a workbook":   {"PK\x03\x04\x14\x00", "invalid csvfile.error.packed []"},
		"gzip":                {"\x1f\x8b\x08\x00", "invalid csvfile.error.packed []"},
		"an old workbook":     {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "invalid csvfile.error.binary []"},
		"PDF":                 {"%PDF-1.7\n", "invalid csvfile.error.binary []"},
		"NUL":                 {"a;b\n1;\x002\n", "invalid csvfile.error.binary []"},
		"UTF-16 without mark": {"a\x00;\x00b\x00\n\x00", "invalid csvfile.error.binary []"},
		"UTF-8 that breaks": {"a;b\nKöln;Süd\nM\xc3;x\n",
			"invalid csvfile.error.encoding [Line 3 Encoding UTF-8]"},
		"UTF-8 with mark that breaks": {"\ufeffa;b\nK\xf6ln;x\n", "invalid csvfile.error.encoding [Line 2 Encoding UTF-8]"},
		"no Windows-1252 either":      {"a;b\nK\xf6ln;x\ny\x81;z\n", "invalid csvfile.error.encoding [Line 3 Encoding Windows-1252]"},
		"UTF-16 that breaks":          {"\xff\xfea\x00;\x00b\x00\n\x00\x00\xd8;\x00", "invalid csvfile.error.encoding [Line 2 Encoding UTF-16 LE]"},
		"half a UTF-16 character":     {"\xff\xfea\x00;\x00b\x00\n\x00c", "invalid csvfile.error.encoding [Line 2 Encoding UTF-16 LE]"},
		"1,000 columns":               {many + "\n", "invalid csvfile.error.too_many_columns [Columns 1000 Max 200]"},
		"the same name twice":         {"Straße;Ort;STRASSE\n", "invalid csvfile.error.column_twice [Column STRASSE Other Straße]"},
		"data for a header":           {"200081;Max Muster\n", "invalid csvfile.error.no_header [Line 1 Cell 200081]"},
		"text for a header":           {"a;" + strings.Repeat("x", 201) + "\n", "invalid csvfile.error.no_header [Line 1 Cell " + strings.Repeat("x", 39) + "…]"},
		"a header in broken quotes":   {"\n\"a;b\n1;2\n", "invalid csvfile.error.header [Line 2]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := csvfile.Open(strings.NewReader(tc.content), csvfile.Options{})
			if err == nil {
				t.Fatal("it was opened")
			}
			if got := keyOf(t, err); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// hole is a file of any size that nobody has to hold.
type hole struct {
	*bytes.Reader
	size int64
	read int64
}

func (h *hole) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return h.size, nil
	}
	return h.Reader.Seek(offset, whence)
}

func (h *hole) Read(b []byte) (int, error) {
	h.read += int64(len(b))
	return h.Reader.Read(b)
}

func TestLargeFileIsRefusedUnread(t *testing.T) {
	t.Parallel()
	h := &hole{Reader: bytes.NewReader([]byte("a;b\n")), size: 200 << 20}
	_, err := csvfile.Open(h, csvfile.Options{})
	if got := keyOf(t, err); got != "too_large csvfile.error.too_large [Limit 32 MiB]" || h.read != 0 {
		t.Errorf("%s, after %d bytes", got, h.read)
	}
}

func TestLimitsOfRows(t *testing.T) {
	t.Parallel()
	table, err := csvfile.Open(strings.NewReader("a\n1\n2\n3\n"), csvfile.Options{MaxRows: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := written(t, table); got != "2: 1\n3: 2\ntoo_large csvfile.error.too_many_rows [Max 2]" {
		t.Errorf("rows: %s", got)
	}
	endless := open(t, "a;b\n1;2\n\n3;\""+strings.Repeat("4;5\n", 1<<19)+"\"\n")
	if got := written(t, endless); got != "2: 1|2\ninvalid csvfile.error.quote_open [Line 3]" {
		t.Errorf("rows: %s", got)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	columns := []csvfile.Column{{Name: "number", Aliases: []string{"Auftragsnummer"}}, {Name: "street", Aliases: []string{"Straße"}}, {Name: "city"}}
	table := open(t, "Auftrags-Nummer;STRASSE;Sendung;\n1;Ring 2;x;\n")
	found, err := table.Find(columns)
	if err != nil {
		t.Fatal(err)
	}
	if !found.Has("number") || !found.Has("street") || found.Has("city") || fmt.Sprint(found.Unknown) != "[Sendung]" {
		t.Errorf("%+v", found)
	}
	for row, err := range table.Rows() {
		if err != nil || found.Value(row, "street") != "Ring 2" || found.Value(row, "city") != "" {
			t.Errorf("%+v, %v", row, err)
		}
	}
	if found.Heading("street") != "STRASSE" || found.Heading("city") != "city" {
		t.Error("headings")
	}
	if table.Index("sendung") != 2 || table.Index("") != -1 || table.Index("nothing") != -1 {
		t.Error("places of headings")
	}
	_, err = open(t, "number;Auftragsnummer\n").Find(columns)
	if got := keyOf(t, err); got != "invalid csvfile.error.same_columns [Column Auftragsnummer Other number Name number]" {
		t.Error(got)
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	a, b, c := open(t, "Straße;Ort\n"), open(t, "\ufeffSTRASSE,ort\n1,2\n"), open(t, "Ort;Straße\n")
	if a.Signature() != b.Signature() || a.Signature() == c.Signature() {
		t.Error(a.Signature(), b.Signature(), c.Signature())
	}
}

func FuzzOpen(f *testing.F) {
	for _, s := range []string{"a;b\n1;2\n", "\xff\xfea\x00\n\x00", "sep=,\na,b\n", "a;b\n\"1;2\n", "a\r1\r", "\ufeffa\n\"=\"\"1\"\"\"", "a;b\nK\xf6ln;\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		table, err := csvfile.Open(bytes.NewReader(content), csvfile.Options{MaxRows: 100, MaxField: 100})
		if err != nil {
			keyOf(t, err)
			return
		}
		if _, err := table.Find([]csvfile.Column{{Name: "a"}}); err != nil {
			keyOf(t, err)
		}
		lines := bytes.Count(content, []byte("\n")) + bytes.Count(content, []byte("\r")) + 2
		last := 0
		for row, err := range table.Rows() {
			if err != nil {
				keyOf(t, err)
				break
			}
			if row.Line <= last || row.End < row.Line || row.End > lines {
				t.Fatalf("row at lines %d to %d after %d of %d", row.Line, row.End, last, lines)
			}
			if row.Problem == nil && len(row.Cells) != len(table.Header) {
				t.Fatalf("%d cells, %d columns", len(row.Cells), len(table.Header))
			}
			last = row.End
		}
	})
}
