package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/term"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
	"zahlwerk/views"
	"zahlwerk/web"
)

type serveCommand struct {
	Restored bool `help:"The database is a copy that was made without 'zahlwerk backup': read at Klarna before anything is sent from it."`
}

// Run serves until a signal.
func (s serveCommand) Run(ctx context.Context, c *config, con console) error {
	log := c.logger(con)
	slog.SetDefault(log)
	if c.isSQLite() {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
		release, err := store.LockFile(lockFile(c))
		if errors.Is(err, store.ErrLocked) {
			return fmt.Errorf("%w: %s", err, c.Data)
		}
		if err != nil {
			return err
		}
		defer release()
	}
	db, err := openDatabase(ctx, c, true)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, c, log, clock.New(), db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if err := a.restored(ctx, s.Restored); err != nil {
		return errors.Join(err, db.Close())
	}
	environment := ""
	if c.klarna != nil {
		environment = views.EnvironmentSandbox
	}
	h, err := a.handler(environment, nil)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return a.serve(ctx, h, func(address string) {
		log.Info("zahlwerk serves", "address", address, "version", programVersion())
		a.offerSetUp(ctx, con)
	})
}

// offerSetUp prints the link with which the first admin is made in the browser: on a
// terminal only, because logs are kept.
func (a *app) offerSetUp(ctx context.Context, con console) {
	needed, err := a.auth.NeedsSetUp(ctx)
	if err != nil || !needed {
		return
	}
	f, ok := con.out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		a.log.Info("nobody can log in yet: run 'zahlwerk user add EMAIL --role admin'")
		return
	}
	token, err := a.auth.SetupToken(ctx)
	if err != nil || token == "" {
		return
	}
	fmt.Fprintf(con.out, "\nMake the first admin in the browser (this link works once):\n  %s/setup?token=%s\n\n", a.config.PublicURL, token)
}

// shutdownTimeout is how long requests under way may take after a signal.
const shutdownTimeout = 10 * time.Second

// serve runs the workers and the web application until ctx ends, then stops in order:
// no new requests, requests finish, workers finish, database closed.
func (a *app) serve(ctx context.Context, h http.Handler, started func(address string)) error {
	l, err := net.Listen("tcp", a.config.Addr)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), a.db.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers, err := a.startWork(ctx)
	if err != nil {
		return errors.Join(err, l.Close(), a.db.Close())
	}
	stopMetrics, err := a.serveMetrics()
	if err != nil {
		cancel()
		<-workers
		return errors.Join(err, l.Close(), a.db.Close())
	}
	server := web.HTTPServer(h, a.log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	started("http://" + l.Addr().String())
	select {
	case <-ctx.Done():
		a.log.Info("stopping")
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	}
	cancel()
	shutdown, done := context.WithTimeout(context.Background(), shutdownTimeout)
	defer done()
	if e := server.Shutdown(shutdown); e != nil {
		a.log.Warn("requests were cut off", "error", e)
		err = errors.Join(err, server.Close())
	}
	<-workers
	stopMetrics()
	return errors.Join(err, a.db.Close())
}
