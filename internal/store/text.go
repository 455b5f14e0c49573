package store

import (
	"strings"
	"unicode/utf8"
)

// Storable tells texts that both databases can hold; asked for others, PostgreSQL ends
// with an error instead of finding nothing.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
