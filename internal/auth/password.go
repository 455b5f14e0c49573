package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"zahlwerk/internal/fault"
)

// The length of a password, in characters.
const (
	MinPassword = 10
	MaxPassword = 200
)

// hashing is what OWASP's Password Storage Cheat Sheet asks of argon2id at least;
// the same on every machine, so that a hash can be checked everywhere at this cost.
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hashers is how many passwords are hashed at the same time: each takes 19 MiB, and a
// flood of log-ins is to wait instead of eating the memory.
const hashers = 2

// hasher hashes and compares passwords, a few at a time.
type hasher struct {
	slots chan struct{}
	decoy string // a hash of no password
}

func newHasher() hasher {
	decoy := make([]byte, hashing.SaltLength+hashing.KeyLength)
	_, _ = rand.Read(decoy)
	enc := base64.RawStdEncoding.EncodeToString
	return hasher{
		slots: make(chan struct{}, hashers),
		decoy: fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", hashing.Memory, hashing.Iterations, hashing.Parallelism,
			enc(decoy[:hashing.SaltLength]), enc(decoy[hashing.SaltLength:])),
	}
}

func (h hasher) hash(ctx context.Context, password string) (hash string, err error) {
	err = h.inSlot(ctx, func() error {
		hash, err = argon2id.CreateHash(norm.NFC.String(password), hashing)
		return err
	})
	return hash, err
}

// matches compares password with hash. An empty hash (there is no such user) costs
// as much time and matches nothing.
func (h hasher) matches(ctx context.Context, password, hash string) (ok bool, err error) {
	if hash == "" {
		hash = h.decoy
	}
	err = h.inSlot(ctx, func() error {
		ok, err = argon2id.ComparePasswordAndHash(norm.NFC.String(password), hash)
		return err
	})
	return ok, err
}

func (h hasher) inSlot(ctx context.Context, f func() error) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	if err := f(); err != nil {
		return fmt.Errorf("hash a password: %w", err)
	}
	return nil
}

// checkPassword says at the field what is wrong with a new password.
func checkPassword(f *fault.Checker, field, password, email string) {
	switch n := utf8.RuneCountInString(norm.NFC.String(password)); {
	case n < MinPassword:
		f.Add(field, "auth.error.password_short", "Min", MinPassword)
	case n > MaxPassword:
		f.Add(field, "auth.error.password_long", "Max", MaxPassword)
	case strings.EqualFold(strings.TrimSpace(password), email):
		f.Add(field, "auth.error.password_is_email")
	}
}
