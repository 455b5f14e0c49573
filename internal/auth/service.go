package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
)

// System is the actor of what the program does by itself.
const System = "Zahlwerk"

// Service is the people, their log-ins and the API tokens.
type Service struct {
	db     *store.DB
	clock  *clock.Clock
	trail  *audit.Trail
	hasher hasher
}

// New returns the service on db; what changes is written to trail.
func New(db *store.DB, clk *clock.Clock, trail *audit.Trail) *Service {
	return &Service{db: db, clock: clk, trail: trail, hasher: newHasher()}
}

// newToken returns 32 random bytes as text for a cookie, a link or a header.
func newToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// hashToken is what is kept of a token.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// plain reports whether s is one line of at most limit characters.
func plain(s string, limit int) bool {
	return utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError // what bytes that are no UTF-8 read as
	})
}
