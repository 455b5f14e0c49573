package auth

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// tokenPrefix lets people and secret scanners recognise a token of this program.
const tokenPrefix = "zw_"

// usedEvery is how exact "last used" is.
const usedEvery = time.Minute

// APIToken is a machine that may come in. The token itself is shown once, when it is
// made; kept are its hash and its first characters.
type APIToken struct {
	ID         int64
	Name       string
	Hint       string // the first characters of the token
	Scopes     Scopes
	CreatedBy  string
	CreatedAt  time.Time
	ExpiresAt  *time.Time // nil: never
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

// Label is how the machine is called in protocols and logs.
func (t APIToken) Label() string { return "API: " + t.Name }

// Expired reports whether the token's time is over.
func (t APIToken) Expired(now time.Time) bool { return t.ExpiresAt != nil && !now.Before(*t.ExpiresAt) }

// Scopes is what a token may do.
type Scopes []Scope

// String is the scopes with blanks between them.
func (s Scopes) String() string {
	words := make([]string, len(s))
	for i, sc := range s {
		words[i] = string(sc)
	}
	return strings.Join(words, " ")
}

// Value stores the scopes as text.
func (s Scopes) Value() (driver.Value, error) { return s.String(), nil }

// Scan reads what Value stored.
func (s *Scopes) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("scopes are stored as %T", src)
	}
	*s = nil
	for _, word := range strings.Fields(text) {
		*s = append(*s, Scope(word))
	}
	return nil
}

// NewToken is what it takes to make an API token.
type NewToken struct {
	Name      string
	Scopes    []Scope
	ExpiresAt *time.Time // nil: never
}

func (in *NewToken) check(now time.Time) error {
	in.Name = strings.TrimSpace(in.Name)
	var f fault.Checker
	if in.Name == "" || !plain(in.Name, maxName) {
		f.Add("name", "auth.error.token_name", "Max", maxName)
	}
	if len(in.Scopes) == 0 {
		f.Add("scopes", "auth.error.scopes_missing")
	}
	for _, sc := range in.Scopes {
		if !sc.Known() {
			f.Add("scopes", "auth.error.scope_unknown", "Scope", string(sc), "Scopes", Scopes(AllScopes()).String())
		}
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		f.Add("expires_at", "auth.error.expiry_past")
	}
	return f.Err()
}

// CreateToken makes an API token and returns it for the only time.
func (s *Service) CreateToken(ctx context.Context, actor string, in NewToken) (bearer string, t APIToken, err error) {
	now := s.clock.Now()
	if err := in.check(now); err != nil {
		return "", APIToken{}, err
	}
	scopes := slices.Clone(in.Scopes)
	slices.Sort(scopes)
	bearer = tokenPrefix + newToken()
	row := struct {
		APIToken
		TokenHash string
	}{APIToken{
		Name: in.Name, Hint: bearer[:len(tokenPrefix)+6], Scopes: slices.Compact(scopes),
		CreatedBy: actor, CreatedAt: now, ExpiresAt: in.ExpiresAt,
	}, hashToken(bearer)}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		row.ID = 0
		if err := tx.Table("api_tokens").Create(&row).Error; err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		var changes audit.Changes
		changes.Add("scopes", "", row.Scopes.String())
		if row.ExpiresAt != nil {
			changes.Add("expires_at", "", row.ExpiresAt.UTC().Format(time.RFC3339))
		}
		return s.trail.Append(tx, now, actor, "token.created", row.Name+" ("+row.Hint+"…)", changes)
	})
	if err != nil {
		return "", APIToken{}, err
	}
	return bearer, row.APIToken, nil
}

// Token returns whose token this is; fault.Unauthorized when it is nobody's, or its
// time is over, or it was revoked.
func (s *Service) Token(ctx context.Context, bearer string) (APIToken, error) {
	var t APIToken
	err := s.db.Read(ctx).Where("token_hash = ?", hashToken(bearer)).Take(&t).Error
	if store.IsNotFound(err) {
		return APIToken{}, fault.New(fault.Unauthorized, "auth.error.token_unknown")
	}
	if err != nil {
		return APIToken{}, fmt.Errorf("find a token: %w", err)
	}
	now := s.clock.Now()
	if t.RevokedAt != nil {
		return APIToken{}, fault.New(fault.Unauthorized, "auth.error.token_revoked")
	}
	if t.Expired(now) {
		return APIToken{}, fault.New(fault.Unauthorized, "auth.error.token_expired")
	}
	if before := now.Add(-usedEvery); t.LastUsedAt == nil || !t.LastUsedAt.After(before) {
		_, err := s.db.Exec(ctx, "UPDATE api_tokens SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at <= ?)",
			now, t.ID, before)
		if err != nil {
			return APIToken{}, fmt.Errorf("note that token %d is in use: %w", t.ID, err)
		}
		t.LastUsedAt = &now
	}
	return t, nil
}

// ListTokens returns all tokens, also those that are over, newest first.
func (s *Service) ListTokens(ctx context.Context) ([]APIToken, error) {
	tokens, err := gorm.G[APIToken](s.db.Read(ctx)).Order("id DESC").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return tokens, nil
}

// RevokeToken ends a token for good. Revoking it again changes nothing.
func (s *Service) RevokeToken(ctx context.Context, actor string, id int64) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		var t APIToken
		err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&t).Error
		if store.IsNotFound(err) {
			return fault.New(fault.NotFound, "auth.error.token_not_found")
		}
		if err != nil {
			return fmt.Errorf("find token %d: %w", id, err)
		}
		if t.RevokedAt != nil {
			return nil
		}
		now := s.clock.Now()
		if err := tx.Model(&t).Update("revoked_at", now).Error; err != nil {
			return fmt.Errorf("revoke token %d: %w", id, err)
		}
		return s.trail.Append(tx, now, actor, "token.revoked", t.Name+" ("+t.Hint+"…)", audit.Changes{})
	})
}
