package audit

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
)

// Change is one field that got another value.
type Change struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
	// Secret marks a field whose values are never written down, neither old nor new.
	Secret bool `json:"secret,omitempty"`
}

// Changes is what one entry reports, in the order of the form.
type Changes []Change

// Add reports a field, unless old and new are the same.
func (c *Changes) Add(field, old, new string) {
	if old != new {
		*c = append(*c, Change{Field: field, Old: old, New: new})
	}
}

// Secret reports that a secret field got another value, and nothing about the value.
func (c *Changes) Secret(field string) {
	*c = append(*c, Change{Field: field, Secret: true})
}

// clean returns a copy that may be stored: without the values of secret fields and
// with texts that both databases take.
func (c Changes) clean() Changes {
	out := make(Changes, len(c))
	for i, ch := range c {
		if ch.Secret {
			ch.Old, ch.New = "", ""
		}
		ch.Field, ch.Old, ch.New = text(ch.Field), text(ch.Old), text(ch.New)
		out[i] = ch
	}
	return out
}

// Value stores the changes as JSON.
func (c Changes) Value() (driver.Value, error) {
	if len(c) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal([]Change(c))
	return string(b), err
}

// Scan reads what Value stored.
func (c *Changes) Scan(src any) error {
	switch s := src.(type) {
	case string:
		return json.Unmarshal([]byte(s), c)
	case []byte:
		return json.Unmarshal(s, c)
	}
	return fmt.Errorf("changes of a log entry are stored as %T", src)
}

// text makes s storable on PostgreSQL, too: valid UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
