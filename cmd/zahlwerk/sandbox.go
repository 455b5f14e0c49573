package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/web"
)

type sandboxCommand struct {
	Username  string        `default:"${sandbox_username}" help:"Username of the merchant account."`
	Password  string        `default:"${sandbox_password}" help:"Its password."`
	RateLimit int           `default:"50" help:"Requests a second before 429, as on Klarna's playground; 0 for any number."`
	Latency   time.Duration `default:"0s" help:"How long every answer takes."`
}

// Run serves the sandbox alone until a signal.
func (s sandboxCommand) Run(ctx context.Context, c *config, con console) error {
	log := c.logger(con)
	sandbox := klarnasandbox.New(klarnasandbox.Options{
		Clock:     clock.New(),
		Merchants: []klarnasandbox.Merchant{{ID: klarnasandbox.DemoMerchantID, Username: s.Username, Password: s.Password}},
		RateLimit: s.RateLimit, Latency: s.Latency, Log: log,
	})
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := web.HTTPServer(sandbox, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	fmt.Fprintf(con.out, "Klarna sandbox at http://%s\n  API    http://%[1]s/ordermanagement/v1 and /settlements/v1 (username %s)\n  page   http://%[1]s/sandbox/\n",
		l.Addr(), s.Username)
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	sandbox.Close() // ends connections that a fault holds open
	shutdown, done := context.WithTimeout(context.Background(), shutdownTimeout)
	defer done()
	return errors.Join(err, server.Shutdown(shutdown))
}
