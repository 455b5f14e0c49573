package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"zahlwerk/internal/auth"
)

type tokenCommand struct {
	Add tokenAddCommand `cmd:"" help:"Make a token for the JSON API. The token is the last line of standard output."`
}

type tokenAddCommand struct {
	Name    string   `arg:"" help:"What uses the token."`
	Scope   []string `required:"" sep:"none" enum:"orders:read,orders:write,accounting:read,accounting:write,admin" help:"One of ${enum}; may be given several times."`
	Expires string   `help:"When it ends, such as 90d or 12h; never if empty."`
}

// Run makes a token.
func (t tokenAddCommand) Run(ctx context.Context, c *config, con console) error {
	expires, err := lifetime(t.Expires)
	if err != nil {
		return err
	}
	return withApp(ctx, c, con, func(a *app) error {
		in := auth.NewToken{Name: t.Name}
		for _, s := range t.Scope {
			in.Scopes = append(in.Scopes, auth.Scope(s))
		}
		if expires > 0 {
			at := a.clock.Now().Add(expires)
			in.ExpiresAt = &at
		}
		token, _, err := a.auth.CreateToken(ctx, auth.System, in)
		if err != nil {
			return err
		}
		fmt.Fprintln(con.err, "This token is shown once:")
		_, err = fmt.Fprintln(con.out, token)
		return err
	})
}

// lifetime reads a duration that may be given in days.
func lifetime(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n > 0 && n < 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, &wrongUse{fmt.Sprintf("--expires: %q is no time such as 90d or 12h", s)}
}
