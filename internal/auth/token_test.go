package auth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		expires := h.clock.Now().Add(90 * 24 * time.Hour)
		bearer, made, err := h.CreateToken(h.ctx(), "Erika", auth.NewToken{
			Name: " Shop ", Scopes: []auth.Scope{auth.ScopeOrdersWrite, auth.ScopeOrdersRead, auth.ScopeOrdersWrite}, ExpiresAt: &expires,
		})
		h.must(err)
		if !strings.HasPrefix(bearer, "zw_") || len(bearer) != 46 || !strings.HasPrefix(bearer, made.Hint) || len(made.Hint) != 9 {
			t.Errorf("hint %q does not fit the token", made.Hint)
		}
		used, err := h.Token(h.ctx(), bearer)
		h.must(err)
		if used.Name != "Shop" || used.Label() != "API: Shop" || used.CreatedBy != "Erika" || !used.ExpiresAt.Equal(expires) ||
			!slices.Equal(used.Scopes, []auth.Scope{auth.ScopeOrdersRead, auth.ScopeOrdersWrite}) {
			t.Errorf("token = %+v", used)
		}
		if n := h.count("SELECT COUNT(*) FROM api_tokens WHERE token_hash LIKE ? OR hint LIKE ?", "%"+bearer[12:]+"%", "%"+bearer[12:]+"%"); n != 0 {
			t.Error("the token is kept as it is")
		}
		for _, wrong := range []string{"", "zw_", made.Hint, bearer + "x", strings.ToLower(bearer) + "!", "\xff\x00"} {
			_, err := h.Token(h.ctx(), wrong)
			h.wantFault(err, fault.Unauthorized, "auth.error.token_unknown")
		}
		h.clock.Advance(90*24*time.Hour - time.Microsecond)
		_, err = h.Token(h.ctx(), bearer)
		h.must(err)
		h.clock.Advance(time.Microsecond)
		_, err = h.Token(h.ctx(), bearer)
		h.wantFault(err, fault.Unauthorized, "auth.error.token_expired")
	})
}

func TestCreateTokenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		now := h.clock.Now()
		some := []auth.Scope{auth.ScopeAdmin}
		for name, tc := range map[string]struct {
			in   auth.NewToken
			want []string
		}{
			"nothing given": {auth.NewToken{}, []string{"name auth.error.token_name", "scopes auth.error.scopes_missing"}},
			"long name":     {auth.NewToken{Name: strings.Repeat("x", 101), Scopes: some}, []string{"name auth.error.token_name"}},
			"lines":         {auth.NewToken{Name: "a\nb", Scopes: some}, []string{"name auth.error.token_name"}},
			"scope":         {auth.NewToken{Name: "a", Scopes: []auth.Scope{"orders:read", "orders:*"}}, []string{"scopes auth.error.scope_unknown"}},
			"two in one":    {auth.NewToken{Name: "a", Scopes: []auth.Scope{"orders:read orders:write"}}, []string{"scopes auth.error.scope_unknown"}},
			"over already":  {auth.NewToken{Name: "a", Scopes: some, ExpiresAt: &now}, []string{"expires_at auth.error.expiry_past"}},
		} {
			bearer, _, err := h.CreateToken(h.ctx(), "Erika", tc.in)
			h.wantFault(err, fault.Invalid, tc.want...)
			if bearer != "" {
				t.Errorf("%s: there is a token", name)
			}
		}
	})
}

func TestRevokeToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		kept, _, err := h.CreateToken(h.ctx(), "Erika", auth.NewToken{Name: "a", Scopes: []auth.Scope{auth.ScopeAdmin}})
		h.must(err)
		bearer, made, err := h.CreateToken(h.ctx(), "Erika", auth.NewToken{Name: "a", Scopes: []auth.Scope{auth.ScopeAdmin}})
		h.must(err)
		for range 2 { // clicked twice
			h.must(h.RevokeToken(h.ctx(), "Max", made.ID))
		}
		_, err = h.Token(h.ctx(), bearer)
		h.wantFault(err, fault.Unauthorized, "auth.error.token_revoked")
		_, err = h.Token(h.ctx(), kept)
		h.must(err)
		h.wantFault(h.RevokeToken(h.ctx(), "Max", 4711), fault.NotFound, "auth.error.token_not_found")
		tokens, err := h.ListTokens(h.ctx())
		if err != nil || len(tokens) != 2 || tokens[0].RevokedAt == nil || tokens[1].RevokedAt != nil {
			t.Errorf("tokens = %+v, %v", tokens, err)
		}
		if got := h.actions(); strings.Count(got, "token.created a (zw_") != 2 || strings.Count(got, "Max: token.revoked a ("+made.Hint) != 1 {
			t.Errorf("log:\n%s", got)
		}
		if strings.Contains(h.actions(), bearer) {
			t.Error("the token stands in the log")
		}
	})
}

func TestLastUseIsWrittenNowAndThen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		bearer, _, err := h.CreateToken(h.ctx(), "Erika", auth.NewToken{Name: "a", Scopes: []auth.Scope{auth.ScopeAdmin}})
		h.must(err)
		var want time.Time
		for i, d := range []time.Duration{time.Hour, time.Minute - time.Microsecond, time.Microsecond} {
			h.clock.Advance(d)
			if i != 1 {
				want = h.clock.Now()
			}
			used, err := h.Token(h.ctx(), bearer)
			h.must(err)
			tokens, err := h.ListTokens(h.ctx())
			h.must(err)
			if !used.LastUsedAt.Equal(want) || !tokens[0].LastUsedAt.Equal(want) {
				t.Errorf("step %d: used %v, stored %v, want %v", i, used.LastUsedAt, tokens[0].LastUsedAt, want)
			}
		}
	})
}
