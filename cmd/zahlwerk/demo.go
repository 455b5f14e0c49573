package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/store"
	"zahlwerk/views"
	"zahlwerk/web"
)

type demoCommand struct {
	Orders int `default:"200" help:"How many sample orders to make."`
}

// The people of the demo; all have the same password.
const demoPassword = "zahlwerk-demo"

var demoUsers = []auth.NewUser{
	{Email: "admin@example.com", Name: "Ada Admin", Role: auth.Admin},
	{Email: "shipping@example.com", Name: "Vera Versand", Role: auth.Shipping},
	{Email: "accounting@example.com", Name: "Bodo Buchhaltung", Role: auth.Accounting},
	{Email: "viewer@example.com", Name: "Gesa Gast", Role: auth.Viewer},
}

// Run serves the demo until a signal and leaves nothing behind.
func (d demoCommand) Run(ctx context.Context, c *config, con console) (err error) {
	if d.Orders < 0 || d.Orders > 1_000_000 {
		return &wrongUse{"--orders must be from 0 to 1,000,000"}
	}
	log := c.logger(con)
	slog.SetDefault(log)
	// The address first: whoever has it in use hears of it before anything is made.
	if l, err := net.Listen("tcp", c.Addr); err != nil {
		return fmt.Errorf("listen: %w (set ZAHLWERK_ADDR to another address)", err)
	} else if err := l.Close(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "zahlwerk-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c.Data, c.DatabaseURL, c.SecretKeyFile = dir, "", dir+"/secret.key"

	clk := clock.New()
	clk.Advance(-sampleDays * 24 * time.Hour) // the sample's past is the sandbox's, too
	sandbox := klarnasandbox.New(klarnasandbox.Options{Clock: clk, Merchants: []klarnasandbox.Merchant{klarnasandbox.DemoMerchant()}, Log: slog.New(slog.DiscardHandler)})
	defer sandbox.Close()
	stop, err := d.serveKlarna(c, sandbox, log)
	if err != nil {
		return err
	}
	defer stop()

	release, err := store.LockFile(lockFile(c))
	if err != nil {
		return err
	}
	defer release()
	db, err := openDatabase(ctx, c, true)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, c, log, clk, db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if err := d.fill(ctx, a, sandbox); err != nil {
		return errors.Join(err, db.Close())
	}
	h, err := a.handler(views.EnvironmentDemo, sandbox)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return a.serve(ctx, h, func(address string) { welcome(con, address) })
}

// serveKlarna makes the sandbox the only Klarna there is, on an address of its own.
func (d demoCommand) serveKlarna(c *config, sandbox http.Handler, log *slog.Logger) (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c.KlarnaURL = "http://" + l.Addr().String()
	if c.klarna, err = url.Parse(c.KlarnaURL); err != nil {
		return nil, err
	}
	server := web.HTTPServer(sandbox, log)
	go func() {
		if err := server.Serve(l); err != http.ErrServerClosed {
			log.Error("serve the sandbox", "error", err)
		}
	}()
	return func() { server.Close() }, nil
}

func (d demoCommand) fill(ctx context.Context, a *app, sandbox *klarnasandbox.Sandbox) error {
	for _, u := range demoUsers {
		u.Password = demoPassword
		if _, err := a.auth.CreateUser(ctx, auth.System, u); err != nil {
			return fmt.Errorf("make the demo's people: %w", err)
		}
	}
	s, err := newSample(a, sandbox, d.Orders)
	if err != nil {
		return err
	}
	if err := s.play(ctx); err != nil {
		return fmt.Errorf("make the sample data: %w", err)
	}
	return nil
}

func welcome(con console, address string) {
	fmt.Fprintf(con.out, `
Zahlwerk demo

  address    %s
  log-in     %s
  password   %s
  others     %s, %s, %s (same password)
  sandbox    %s/sandbox/  what Klarna knows, faults to set, a clock to move

Nothing is kept. Ctrl-C ends it.
`, address, demoUsers[0].Email, demoPassword, demoUsers[1].Email, demoUsers[2].Email, demoUsers[3].Email, address)
}
