package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Batch is how many rows one INSERT carries.
const Batch = 500

// Options are the knobs of Open; the zero value is what serve uses.
type Options struct {
	// SingleConnection gives SQLite one connection for reads and writes. Tests use
	// it: code that reads past its own transaction then hangs instead of passing.
	SingleConnection bool
	// Connections is the size of the pool (PostgreSQL) or of the reading pool
	// (SQLite). 0 means 8.
	Connections int
}

// DB is an open database.
type DB struct {
	write    *gorm.DB
	read     *gorm.DB
	postgres bool
	path     string // of the SQLite file
}

// Open opens "sqlite:PATH" or "postgres://…". It changes no table; see Migrate.
func Open(dsn string, o Options) (*DB, error) {
	if o.Connections == 0 {
		o.Connections = 8
	}
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		return openSQLite(strings.TrimPrefix(dsn, "sqlite:"), o)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		return openPostgres(dsn, o)
	}
	return nil, errors.New("the database address must begin with sqlite: or postgres://")
}

func openSQLite(path string, o Options) (*DB, error) {
	write, err := openGorm(sqliteDialect(path, false), 1, false)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db := &DB{write: write, read: write, path: path}
	if o.SingleConnection {
		return db, nil
	}
	db.read, err = openGorm(sqliteDialect(path, true), o.Connections, true)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s for reading: %w", path, err), db.Close())
	}
	return db, nil
}

func sqliteDialect(path string, readOnly bool) gorm.Dialector {
	return sqliteDialector{&sqlite.Dialector{DriverName: cachingDriverName, DSN: sqliteDSN(path, readOnly)}}
}

// sqliteDSN puts every pragma into the address, so that each new connection of the
// pool has it. synchronous=FULL because this is money: NORMAL may lose the last
// commits when the power fails.
func sqliteDSN(path string, readOnly bool) string {
	q := url.Values{
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
		"_pragma":      {"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(ON)", "synchronous(FULL)"},
	}
	if readOnly {
		q.Set("_txlock", "deferred")
		q.Add("_pragma", "query_only(ON)")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func openPostgres(dsn string, o Options) (*DB, error) {
	g, err := openGorm(postgresDialector{&postgres.Dialector{Config: &postgres.Config{
		DSN: dsn, OptionOpenDB: []stdlib.OptionOpenDB{stdlib.OptionAfterConnect(scanUTC)},
	}}}, o.Connections, false)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", redact(err))
	}
	return &DB{write: g, read: g, postgres: true}, nil
}

// redact keeps the password of a PostgreSQL address out of an error: pgx puts the
// address that it could not read or reach into the text.
func redact(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return errors.New("the address of the PostgreSQL database can't be read")
	}
	return err
}

// openGorm opens one pool. prepare keeps prepared statements, which makes SQLite's
// point reads much faster (pgx does the same by itself, one connection at a time). It
// is for a pool without transactions only: gorm's cache is locked while a statement
// that is new waits for a connection, and the transaction that holds the connection
// would wait for the cache.
func openGorm(d gorm.Dialector, connections int, prepare bool) (*gorm.DB, error) {
	g, err := gorm.Open(d, &gorm.Config{
		PrepareStmt:            prepare,
		SkipDefaultTransaction: true,
		Logger:                 logger.NewSlogLogger(slog.Default(), logger.Config{LogLevel: logger.Silent, ParameterizedQueries: true}),
	})
	if err != nil {
		return nil, err
	}
	pool, err := g.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return g, nil
}

// Close closes all connections.
func (db *DB) Close() error {
	pools := []*gorm.DB{db.write}
	if db.read != db.write {
		pools = append(pools, db.read)
	}
	var errs []error
	for _, g := range pools {
		pool, err := g.DB()
		if err == nil {
			err = pool.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Postgres tells the dialect, for the two other places that may ask: work's claim
// and migrations.
func (db *DB) Postgres() bool { return db.postgres }

// Read gives a handle for queries outside a transaction. On SQLite it can't write.
func (db *DB) Read(ctx context.Context) *gorm.DB { return db.read.WithContext(ctx) }

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.Read(ctx).Raw("SELECT 1").Scan(&one).Error
}

type commitHooks struct{ fns []func() }

type commitHooksKey struct{}

// InTx runs fn in one transaction: all of it becomes true, or nothing. On SQLite
// writers take turns; on PostgreSQL a deadlock or a failed serialisation runs fn
// again, at most three times, so fn must not keep what it learnt in a lost turn.
// No network call belongs inside.
func (db *DB) InTx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	for turn := 1; ; turn++ {
		hooks := &commitHooks{}
		err := db.write.WithContext(context.WithValue(ctx, commitHooksKey{}, hooks)).Transaction(fn)
		if err == nil {
			for _, f := range hooks.fns {
				f()
			}
			return nil
		}
		var pg *pgconn.PgError
		if turn == 3 || !errors.As(err, &pg) || pg.Code != "40P01" && pg.Code != "40001" {
			return err
		}
	}
}

// AfterCommit registers f to run once the transaction of tx is committed.
// Outside InTx it panics: there would be nothing to wait for.
func AfterCommit(tx *gorm.DB, f func()) {
	hooks := tx.Statement.Context.Value(commitHooksKey{}).(*commitHooks)
	hooks.fns = append(hooks.fns, f)
}

// Exec runs one statement outside a transaction of several and returns how many
// rows it changed.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res := db.write.WithContext(ctx).Exec(query, args...)
	return res.RowsAffected, res.Error
}

func (db *DB) pool() (*sql.DB, error) { return db.write.DB() }
