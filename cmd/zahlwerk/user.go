package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
)

type userCommand struct {
	Add userAddCommand `cmd:"" help:"Add somebody who may log in."`
}

type userAddCommand struct {
	Email         string `arg:"" help:"E-mail address, with which they log in."`
	Role          string `required:"" enum:"admin,shipping,accounting,viewer" help:"admin, shipping, accounting or viewer."`
	Name          string `help:"How they are called in protocols."`
	PasswordStdin bool   `help:"Read the password from standard input."`
}

// Run adds a user.
func (u userAddCommand) Run(ctx context.Context, c *config, con console) error {
	password, err := u.password(con)
	if err != nil {
		return err
	}
	return withApp(ctx, c, con, func(a *app) error {
		_, err := a.auth.CreateUser(ctx, auth.System, auth.NewUser{Email: u.Email, Name: u.Name, Role: auth.Role(u.Role), Password: password})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(con.err, "%s may log in as %s.\n", u.Email, u.Role)
		return err
	})
}

// password asks on a terminal, twice and without showing it; otherwise it is the first
// line of standard input.
func (u userAddCommand) password(con console) (string, error) {
	if f, ok := con.in.(*os.File); ok && !u.PasswordStdin && term.IsTerminal(int(f.Fd())) {
		first, err := ask(f, con.err, "Password: ")
		if err != nil {
			return "", err
		}
		second, err := ask(f, con.err, "Again: ")
		if err != nil {
			return "", err
		}
		if first != second {
			return "", errors.New("the two passwords differ")
		}
		return first, nil
	}
	line, err := bufio.NewReader(io.LimitReader(con.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func ask(f *os.File, out io.Writer, prompt string) (string, error) {
	fmt.Fprint(out, prompt)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(out)
	return string(b), err
}

// withApp runs do on the database beside a serve that may be running, and turns faults
// into sentences.
func withApp(ctx context.Context, c *config, con console, do func(a *app) error) error {
	db, err := openDatabase(ctx, c, false)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, c, c.logger(con), clock.New(), db)
	if err == nil {
		err = sentence(ctx, do(a))
	}
	return errors.Join(err, db.Close())
}

// sentence is what a person is told of an error.
func sentence(ctx context.Context, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code == fault.Internal {
		return err
	}
	parts := []string{i18n.T(ctx, e.Key, e.Args...)}
	for _, f := range e.Fields {
		parts = append(parts, f.Name+": "+i18n.T(ctx, f.Key, f.Args...))
	}
	return errors.New(strings.Join(parts, "\n  "))
}
