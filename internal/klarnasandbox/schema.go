package klarnasandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is the JSON type of a value.
type kind string

const (
	kindObject  kind = "object"
	kindArray   kind = "array"
	kindString  kind = "string"
	kindInteger kind = "integer"
)

// schema is what Klarna's specification says about a value of a request. Fields that it does
// not name are ignored, as Klarna does.
type schema struct {
	kind     kind
	min, max int64          // of the number, of the characters, of the items
	pattern  *regexp.Regexp // found anywhere in the string: the specification does not anchor it
	enum     []string
	items    *schema
	fields   []field
}

type field struct {
	name     string
	required bool
	*schema
}

func text(maxLength int64) *schema { return &schema{kind: kindString, max: maxLength} }

func integer(least, most int64) *schema { return &schema{kind: kindInteger, min: least, max: most} }

func list(least, most int64, items *schema) *schema {
	return &schema{kind: kindArray, min: least, max: most, items: items}
}

func object(fields ...field) *schema { return &schema{kind: kindObject, fields: fields} }

func matching(pattern string) *schema {
	return &schema{kind: kindString, max: math.MaxInt64, pattern: regexp.MustCompile(pattern)}
}

func oneOf(values ...string) *schema {
	return &schema{kind: kindString, max: math.MaxInt64, enum: values}
}

func must(name string, s *schema) field { return field{name, true, s} }
func may(name string, s *schema) field  { return field{name, false, s} }

// violations collects what is wrong with a body. Sizes are answered with 422, everything
// else with 400, as Klarna's published samples do.
type violations struct {
	bad   []string // names of fields with a bad value
	sizes []string // messages about sizes
}

func (v *violations) err() *Error {
	switch {
	case len(v.bad) > 0:
		return badValue(v.bad...)
	case len(v.sizes) > 0:
		return &Error{Status: http.StatusUnprocessableEntity, Code: CodeUnprocessable, Messages: v.sizes}
	}
	return nil
}

// parse reads a body and returns it normalised: known fields only, integers as integers.
func (s *schema) parse(body []byte) ([]byte, *Error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: CodeBadValue, Messages: []string{"The request body is not valid JSON."}}
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, &Error{Status: http.StatusBadRequest, Code: CodeBadValue, Messages: []string{"The request body is not a single JSON value."}}
	}
	if _, ok := value.(map[string]any); !ok {
		return nil, &Error{Status: http.StatusBadRequest, Code: CodeBadValue, Messages: []string{"The request body must be a JSON object."}}
	}
	var v violations
	clean := s.check(value, "", &v)
	if err := v.err(); err != nil {
		return nil, err
	}
	out, err := json.Marshal(clean)
	if err != nil { // it was JSON before
		panic(err)
	}
	return out, nil
}

// check returns the normalised value; what is wrong with it goes to v.
func (s *schema) check(value any, path string, v *violations) any {
	switch s.kind {
	case kindObject:
		if m, ok := value.(map[string]any); ok {
			return s.checkFields(m, path, v)
		}
	case kindArray:
		if a, ok := value.([]any); ok {
			s.checkSize(int64(len(a)), path, v)
			for i, item := range a {
				a[i] = s.items.check(item, fmt.Sprintf("%s[%d]", path, i), v)
			}
			return a
		}
	case kindString:
		if str, ok := value.(string); ok {
			s.checkText(str, path, v)
			return str
		}
	case kindInteger:
		if n, ok := wholeNumber(value); ok && n >= s.min && n <= s.max {
			return n
		}
	}
	v.bad = append(v.bad, path)
	return nil
}

func (s *schema) checkFields(m map[string]any, path string, v *violations) any {
	clean := make(map[string]any, len(m))
	for _, f := range s.fields {
		name := f.name
		if path != "" {
			name = path + "." + f.name
		}
		switch value := m[f.name]; {
		case value != nil:
			clean[f.name] = f.check(value, name, v)
		case f.required:
			v.bad = append(v.bad, name)
		}
	}
	return clean
}

func (s *schema) checkText(str, path string, v *violations) {
	switch {
	case s.enum != nil && !slices.Contains(s.enum, str), s.pattern != nil && !s.pattern.MatchString(str):
		v.bad = append(v.bad, path)
	default:
		s.checkSize(int64(utf8.RuneCountInString(str)), path, v)
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// checkSize words a wrong size as Klarna does: the path with slashes, without the indices.
func (s *schema) checkSize(n int64, path string, v *violations) {
	if n >= s.min && n <= s.max {
		return
	}
	name := strings.ReplaceAll(index.ReplaceAllString(path, ""), ".", "/")
	message := fmt.Sprintf("The size of the %s value must be between %d and %d", name, s.min, s.max)
	if !slices.Contains(v.sizes, message) {
		v.sizes = append(v.sizes, message)
	}
}

// wholeNumber accepts 100 and 100.0, which are the same integer in JSON, but not "100".
func wholeNumber(value any) (int64, bool) {
	n, ok := value.(json.Number)
	if !ok || len(n) > 40 {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// badLines returns the fields of the lines whose arithmetic is wrong: the total is quantity
// times unit price less the discount, to the last minor unit.
func badLines(path string, lines []OrderLine) []string {
	var bad []string
	for i, l := range lines {
		total := new(big.Int).Mul(big.NewInt(l.Quantity), big.NewInt(l.UnitPrice))
		total.Sub(total, big.NewInt(l.TotalDiscountAmount))
		if total.Cmp(big.NewInt(l.TotalAmount)) != 0 {
			bad = append(bad, fmt.Sprintf("%s[%d].total_amount", path, i))
		}
	}
	return bad
}
