package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"zahlwerk/internal/money"
)

var (
	errMalformed = errors.New("malformed JSON")
	errDuplicate = errors.New("duplicate name in a JSON object")
)

// format is JSON, read more strictly than the standard library does: bytes that are no
// text and names that stand twice in an object are refused, since readers differ in
// what they make of them, and one of two totals is wrong.
var format = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}

func unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil || !utf8.Valid(data) {
		return errMalformed
	}
	tree, first := v.(*any)
	if !first {
		return nil // the second reading of the same bytes, into their type
	}
	shorten(*tree)
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return uniqueNames(d)
}

// maxItems is the most that any list may hold.
const maxItems = 1000

// shorten leaves of lists that are too long only so much that the validation sees that
// they are: it has words for each item of a list, and would find them all.
func shorten(tree any) {
	switch t := tree.(type) {
	case []any:
		for _, v := range t[:min(len(t), maxItems+1)] {
			shorten(v)
		}
	case map[string]any:
		for name, v := range t {
			if l, ok := v.([]any); ok && len(l) > maxItems {
				t[name] = l[:maxItems+1]
			}
			shorten(v)
		}
	}
}

// uniqueNames reads one value of well-formed JSON.
func uniqueNames(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return errMalformed
	}
	if _, nested := t.(json.Delim); !nested {
		return nil
	}
	names := map[string]bool{}
	for d.More() {
		if t == json.Delim('{') {
			name, _ := d.Token()
			s, _ := name.(string)
			if names[s] {
				return errDuplicate
			}
			names[s] = true
		}
		if err := uniqueNames(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// location is where a field stands that the services name: lines.0.quantity is
// body.lines[0].quantity, and no field the body itself.
func location(body, field string) string {
	switch {
	case field == "":
		return body
	case strings.HasPrefix(field, "query."):
		return field
	}
	var b strings.Builder
	b.WriteString(body)
	for _, part := range strings.Split(field, ".") {
		if _, err := strconv.Atoi(part); err == nil {
			b.WriteString("[" + part + "]")
		} else {
			b.WriteString("." + part)
		}
	}
	return b.String()
}

// Integer is a whole number in any of the ways in which JSON writes it (1, 1.0, 1e3).
// One that can't be held becomes the smallest there is, which every rule refuses at its
// place.
type Integer int64

// UnmarshalJSON reads a number.
func (i *Integer) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		*i = Integer(n)
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		f = math.MinInt64
	}
	*i = Integer(f)
	return nil
}

// Quantity is a number with at most three decimals. One that is no quantity becomes 0,
// which every rule refuses at its place.
type Quantity money.Quantity

// UnmarshalJSON reads a number.
func (q *Quantity) UnmarshalJSON(b []byte) error {
	if err := (*money.Quantity)(q).UnmarshalJSON(b); err != nil {
		*q = 0
	}
	return nil
}

// MarshalJSON writes a number.
func (q Quantity) MarshalJSON() ([]byte, error) { return money.Quantity(q).MarshalJSON() }

// Schema describes it.
func (Quantity) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Description: "More than 0, with at most three decimals."}
}

// Nullable is an object or null.
type Nullable[T any] struct{ Value *T }

// MarshalJSON writes the object, or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.Value) }

// Schema describes it.
func (Nullable[T]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(reflect.TypeFor[T](), true, ""), {Type: "null"}}}
}
