package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
)

type tokenKey struct{}

// tokenOf is whose request it is.
func tokenOf(ctx context.Context) auth.APIToken {
	t, _ := ctx.Value(tokenKey{}).(auth.APIToken)
	return t
}

// actor is how the machine stands in protocols.
func actor(ctx context.Context) string { return tokenOf(ctx).Label() }

// authorize lets pass who comes with a token that may do p. Nothing of the request is
// read before.
func (s *service) authorize(p auth.Permission) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		token, err := s.identify(ctx)
		if err == nil {
			err = need(token, p)
		}
		if err != nil {
			if c := challenge(err, p); c != "" {
				ctx.SetHeader("WWW-Authenticate", c)
			}
			_ = huma.WriteErr(s.api, ctx, http.StatusInternalServerError, "", err) // the visitor may be gone
			return
		}
		next(huma.WithValue(ctx, tokenKey{}, token))
	}
}

func (s *service) identify(ctx huma.Context) (auth.APIToken, error) {
	scheme, bearer, _ := strings.Cut(ctx.Header("Authorization"), " ")
	bearer = strings.TrimSpace(bearer)
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		return auth.APIToken{}, fault.New(fault.Unauthorized, keyNoToken)
	}
	return s.Auth.Token(ctx.Context(), bearer)
}

// need refuses a token that may not do p.
func need(t auth.APIToken, p auth.Permission) error {
	if t.Scopes.May(p) {
		return nil
	}
	return fault.New(fault.Forbidden, "api.error.insufficient_scope", "Scope", string(scopeOf(p)))
}

// challenge is the WWW-Authenticate of a refusal (RFC 6750, section 3).
func challenge(err error, p auth.Permission) string {
	const realm = `Bearer realm="Zahlwerk"`
	switch fault.CodeOf(err) {
	case fault.Unauthorized:
		if isKey(err, keyNoToken) {
			return realm
		}
		return realm + `, error="invalid_token"`
	case fault.Forbidden:
		return fmt.Sprintf(`%s, error="insufficient_scope", scope="%s"`, realm, scopeOf(p))
	}
	return ""
}

// scopeOf is the narrowest scope that may do p.
func scopeOf(p auth.Permission) auth.Scope {
	for _, s := range auth.AllScopes() {
		if s != auth.ScopeAdmin && (auth.Scopes{s}).May(p) {
			return s
		}
	}
	return auth.ScopeAdmin
}
