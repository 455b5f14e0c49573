package secretbox

import (
	"fmt"
	"io"
	"log/slog"
)

const dots = "••••"

// Secret is a text that can't be printed, logged or encoded by accident. The
// zero value is the empty secret. Secrets are compared by [Secret.Reveal].
type Secret struct {
	// A pointer, since fmt prints the unexported fields of a struct around a
	// Secret without asking its methods: that shows an address, not the text.
	value *string
}

// NewSecret returns a secret that holds s.
func NewSecret(s string) Secret { return Secret{value: &s} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsEmpty reports whether there is no text.
func (s Secret) IsEmpty() bool { return s.Reveal() == "" }

// String returns dots.
func (s Secret) String() string { return dots }

// GoString returns dots.
func (s Secret) GoString() string { return dots }

// Format writes dots, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots) }

// LogValue returns dots.
func (s Secret) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalText returns dots.
func (s Secret) MarshalText() ([]byte, error) { return []byte(dots), nil }

// MarshalJSON returns dots.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + dots + `"`), nil }
