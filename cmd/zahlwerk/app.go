package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/auth"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
	"zahlwerk/web"
	"zahlwerk/web/api"
)

// app is the program, wired.
type app struct {
	config      *config
	log         *slog.Logger
	clock       *clock.Clock
	db          *store.DB
	box         *secretbox.Box
	trail       *audit.Trail
	auth        *auth.Service
	methods     *paymentmethod.Service
	orders      *order.Service
	captures    *capture.Pusher
	dispatch    *dispatch.Service
	carriers    *carrier.Service
	documents   *document.Service
	dunning     *dunning.Service
	mails       *mail.Service
	batches     *batch.Service
	accounts    *businessaccount.Service
	settlements *settlement.Service
	queues      []*work.Queue
	ticks       []work.Tick
	bell        *work.Bell
	runner      *work.Runner
}

// Settings that belong to the database as a whole.
const (
	settingFingerprint = "key_fingerprint" // of the key file that its secrets were sealed with
	settingCopy        = "backup_copy"     // set in copies made by backup
)

// openDatabase opens the database and brings it to this version. Whoever does not hold
// the lock of a SQLite data folder refuses when a migration would be needed while
// somebody else does.
func openDatabase(ctx context.Context, c *config, locked bool) (*store.DB, error) {
	if c.isSQLite() {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	db, err := store.Open(c.dsn(), store.Options{})
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, c, db, locked); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func migrate(ctx context.Context, c *config, db *store.DB, locked bool) error {
	if c.isSQLite() && !locked {
		needed, err := db.NeedsMigration(ctx)
		if err != nil || !needed {
			return err
		}
		release, err := store.LockFile(lockFile(c))
		if errors.Is(err, store.ErrLocked) {
			return errors.New("the database is of another version, and zahlwerk is running on it: stop it first")
		}
		if err != nil {
			return err
		}
		defer release()
	}
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	if c.isSQLite() {
		return os.Chmod(c.databaseFile(), 0o600)
	}
	return nil
}

func lockFile(c *config) string { return filepath.Join(c.Data, "zahlwerk.lock") }

// openBox opens the key file, or makes it for a database that has no secrets yet. A key
// file that is not the database's is refused by name: with it every stored credential
// would be lost.
func openBox(ctx context.Context, c *config, db *store.DB) (*secretbox.Box, error) {
	known, err := store.Setting(db.Read(ctx), settingFingerprint)
	if err != nil {
		return nil, fmt.Errorf("read the fingerprint of the key file: %w", err)
	}
	box, err := secretbox.Open(c.SecretKeyFile)
	if errors.Is(err, fs.ErrNotExist) && known == "" {
		box, err = secretbox.Create(c.SecretKeyFile)
		if errors.Is(err, fs.ErrExist) { // another command made it in between
			box, err = secretbox.Open(c.SecretKeyFile)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", c.SecretKeyFile, err)
	}
	if known != "" && known != box.Fingerprint() {
		return nil, fmt.Errorf("key file %s is not the one that this database was sealed with (fingerprint %s, expected %s)",
			c.SecretKeyFile, box.Fingerprint(), known)
	}
	if known == "" {
		err = db.InTx(ctx, func(tx *gorm.DB) error { return store.SetSetting(tx, settingFingerprint, box.Fingerprint()) })
	}
	return box, err
}

// newApp wires the services on an open database.
func newApp(ctx context.Context, c *config, log *slog.Logger, clk *clock.Clock, db *store.DB) (*app, error) {
	box, err := openBox(ctx, c, db)
	if err != nil {
		return nil, err
	}
	a := &app{config: c, log: log, clock: clk, db: db, box: box, trail: audit.New(db)}
	bell := work.NewBell()
	client := klarna.New(klarna.Options{BaseURL: c.klarna, UserAgent: "Zahlwerk/" + programVersion(), Now: clk.Now})
	// Log-ins go by the machine's clock: whoever moves the demo's stays logged in.
	a.auth = auth.New(db, clock.New(), a.trail)
	a.methods = paymentmethod.New(db, clk, box, a.trail, client, bell, paymentmethod.ProbePolicy{Every: c.policy.Minutes(15)})
	a.orders = order.New(db, clk)
	a.captures = capture.NewPusher(db, clk, bell, client, a.methods, c.policy, c.Workers)
	a.methods.Depend(a.captures)
	a.carriers = carrier.New(db, clk, a.trail)
	a.documents = document.New(db, clk, a.trail)
	a.dunning = dunning.New(db, clk, a.trail, a.documents)
	a.mails = mail.New(db, clk, box, a.trail, mail.Options{})
	a.batches = batch.New(db, clk, bell)
	a.accounts = businessaccount.New(db, clk, box, a.trail, client)
	a.settlements = settlement.New(db, clk, bell, a.trail, a.accounts)
	a.dispatch = dispatch.New(db, clk, dispatch.Deps{Captures: a.captures, Carriers: a.carriers, Documents: a.documents,
		Mails: a.mails, Batches: a.batches, Trail: a.trail})
	a.batches.Handle(batch.Autoship, a.dispatch.Autoship)
	a.batches.Handle(batch.ImportOrders, a.orders.Import)
	a.batches.Handle(batch.ImportTracking, a.dispatch.RecordTracking)
	for _, k := range dispatch.BulkKinds {
		a.batches.Handle(k, a.dispatch.Bulk)
	}
	a.ticks = []work.Tick{{Name: "sessions", Every: time.Hour, Do: a.auth.Sweep}, {Name: "batches", Every: time.Hour, Do: a.batches.Sweep},
		{Name: "tracking_files", Every: time.Hour, Do: a.dispatch.SweepTrackingFiles}, {Name: "autoship", Every: time.Minute, Do: a.dispatch.AutoshipTick},
		{Name: "imports", Every: time.Hour, Do: a.settlements.Tick}, a.settlements.MatchTick()}
	a.queues = append(a.captures.Queues(), a.methods.Probes(), a.batches.Queue(), a.mails.Queue(), a.settlements.Queue(), work.Ticks(db, clk, a.ticks...))
	a.bell = bell
	a.runner = a.freshRunner()
	return a, nil
}

// freshRunner returns a Runner for all queues; one runs once.
func (a *app) freshRunner() *work.Runner {
	return work.NewRunner(a.db, a.clock, a.bell, a.log, a.queues...)
}

// restored makes a restored copy of the database safe before anything is sent from it.
func (a *app) restored(ctx context.Context, asked bool) error {
	return a.db.InTx(ctx, func(tx *gorm.DB) error {
		marker, err := store.Setting(tx, settingCopy)
		if err != nil || marker == "" && !asked {
			return err
		}
		a.log.Warn("this database is a restored copy: what it does not know to be confirmed is read at Klarna before it is sent")
		if err := capture.Restored(tx); err != nil {
			return err
		}
		for _, numbers := range []string{dispatch.NoteNumbers, document.InvoiceNumbers, dunning.ReminderNumbers} {
			if err := store.SkipNumbers(tx, numbers, numbersAhead); err != nil {
				return err
			}
		}
		return store.SetSetting(tx, settingCopy, "")
	})
}

// numbersAhead is how many numbers of each range a restored copy leaves out: those that
// may have been given out since the copy was made. A gap can be explained, a number that
// stands on two papers can't.
const numbersAhead = 1000

// startWork takes up what a dead process left and runs the background until ctx ends.
// The returned channel is closed when it has stopped.
func (a *app) startWork(ctx context.Context) (<-chan struct{}, error) {
	if !a.db.Postgres() {
		if err := work.TakeOver(ctx, a.db, a.queues...); err != nil {
			return nil, err
		}
	}
	if err := work.PlantTicks(ctx, a.db, a.clock.Now(), a.ticks...); err != nil {
		return nil, err
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		a.runner.Run(ctx)
	}()
	return stopped, nil
}

// handler is the web application. environment is that of views, sandbox its pages in
// the demo.
func (a *app) handler(environment string, sandbox http.Handler) (http.Handler, error) {
	keys, err := sessionKeys(a.box)
	if err != nil {
		return nil, err
	}
	return web.New(web.Deps{
		DB: a.db, Clock: a.clock, Log: a.log, Auth: a.auth, Trail: a.trail, Methods: a.methods, Orders: a.orders,
		Dispatch: a.dispatch, Captures: a.captures, Carriers: a.carriers, Documents: a.documents, Dunning: a.dunning,
		Mails: a.mails, Batches: a.batches, Accounts: a.accounts, Settlements: a.settlements,
		Bookkeeping: bookkeeping.New(a.db, a.clock, a.trail, a.accounts), Work: work.NewOverview(a.db, a.clock, a.queues...),
		API: api.New(api.Deps{Log: a.log, Auth: a.auth, Methods: a.methods, Orders: a.orders,
			Dispatch: a.dispatch, Captures: a.captures, Carriers: a.carriers, Accounts: a.accounts, Settlements: a.settlements}),
		Sandbox: sandbox, Ready: a.ready,
	}, web.Config{
		PublicURL: a.config.public, SessionKeys: keys, TrustedProxies: a.config.proxies, Version: programVersion(),
		Environment: environment, KlarnaURL: a.config.KlarnaURL, Policy: a.config.policy, Examples: programVersion() == "dev",
	}), nil
}

// ready says whether work is being done.
func (a *app) ready() error {
	select {
	case <-a.runner.Ready():
		return nil
	default:
		return errors.New("the workers have not started")
	}
}

// sessionKeys are the keys of the cookies, derived from the key file.
func sessionKeys(box *secretbox.Box) ([][]byte, error) {
	sign, err := box.Derive("session cookie signature", 64)
	if err != nil {
		return nil, err
	}
	encrypt, err := box.Derive("session cookie encryption", 32)
	return [][]byte{sign, encrypt}, err
}
