package fault

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Checker collects what is wrong with an input, so that a person hears of all
// of it at once. Its zero value is ready.
//
//	var f fault.Checker
//	if in.Name == "" {
//		f.Add("name", "error.required")
//	}
//	return f.Err()
type Checker struct{ fields []Field }

// Add records that the field name is wrong, with the key of the message and
// the arguments of its template.
func (c *Checker) Add(name, key string, args ...any) {
	c.fields = append(c.fields, Field{Name: name, Key: key, Args: args})
}

// Line checks a text of one line of at most limit characters; one that is required must
// not be empty.
func (c *Checker) Line(name, value string, limit int, required bool) {
	c.text(name, value, limit, required, unicode.IsControl)
}

// Text is Line for a text of several lines. It refuses what databases do: NUL.
func (c *Checker) Text(name, value string, limit int, required bool) {
	c.text(name, value, limit, required, func(r rune) bool { return r == 0 })
}

func (c *Checker) text(name, value string, limit int, required bool, bad func(rune) bool) {
	switch {
	case value == "" && required:
		c.Add(name, "error.required")
	case utf8.RuneCountInString(value) > limit:
		c.Add(name, "error.too_long", "Max", limit)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, bad):
		c.Add(name, "error.control_characters")
	}
}

// Err returns nil when nothing was added, else an [*Error] with the code
// [Invalid] and the key [InvalidInput].
func (c *Checker) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Key: InvalidInput, Fields: c.fields}
}
