package csvfile

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"zahlwerk/internal/fault"
)

// Column is a column that somebody looks for, by its name or by others that it goes by.
type Column struct {
	Name    string
	Aliases []string
}

// Columns says where the columns are that were looked for.
type Columns struct {
	Unknown []string // names in the header that nobody looked for
	index   map[string]int
	header  []string
}

// Find looks for columns in the header, however their names are written. Two that would
// be the same one are refused.
func (t *Table) Find(columns []Column) (*Columns, error) {
	names := map[string]string{}
	for _, c := range columns {
		for _, alias := range append(c.Aliases, c.Name) {
			names[Fold(alias)] = c.Name
		}
	}
	found := &Columns{index: map[string]int{}, header: t.Header}
	for i, heading := range t.Header {
		name, known := names[Fold(heading)]
		other, twice := found.index[name]
		switch {
		case heading == "":
		case !known:
			found.Unknown = append(found.Unknown, heading)
		case twice:
			return nil, fault.New(fault.Invalid, "csvfile.error.same_columns", "Column", heading, "Other", t.Header[other], "Name", name)
		default:
			found.index[name] = i
		}
	}
	return found, nil
}

// Has reports whether the file has the column.
func (c *Columns) Has(name string) bool {
	_, ok := c.index[name]
	return ok
}

// Value returns the cell of a row in a column, "" when there is none.
func (c *Columns) Value(row Row, name string) string {
	if i, ok := c.index[name]; ok && i < len(row.Cells) {
		return row.Cells[i]
	}
	return ""
}

// Heading is what the file calls a column.
func (c *Columns) Heading(name string) string {
	if i, ok := c.index[name]; ok {
		return c.header[i]
	}
	return name
}

// Index returns the place of the column that the header names so, -1 when there is none.
func (t *Table) Index(heading string) int {
	if heading == "" {
		return -1
	}
	folded := Fold(heading)
	return slices.IndexFunc(t.Header, func(h string) bool { return Fold(h) == folded })
}

// Signature is the same for all files with the same header.
func (t *Table) Signature() string {
	h := sha256.New()
	for _, name := range t.Header {
		h.Write([]byte(Fold(name) + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "ø", "oe", "æ", "ae", "œ", "oe")

// Fold is a name as names of columns are compared: in lower case, without blanks and
// punctuation, umlauts as two letters and other accents left out.
func Fold(name string) string {
	name = umlauts.Replace(norm.NFC.String(strings.ToLower(name)))
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, norm.NFD.String(name))
}
