package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"zahlwerk/migrations"
)

// Migrate brings the tables to this version. Several instances may call it at once.
func (db *DB) Migrate(ctx context.Context) error {
	p, err := db.provider()
	if err != nil {
		return err
	}
	if !db.postgres {
		release, err := lockFolder(ctx, filepath.Dir(db.path))
		if err != nil {
			return err
		}
		defer release()
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// NeedsMigration tells whether Migrate would change something.
func (db *DB) NeedsMigration(ctx context.Context) (bool, error) {
	p, err := db.provider()
	if err != nil {
		return false, err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("read the database's version: %w", err)
	}
	return pending, nil
}

func (db *DB) provider() (*goose.Provider, error) {
	pool, err := db.pool()
	if err != nil {
		return nil, err
	}
	if !db.postgres {
		return goose.NewProvider(goose.DialectSQLite3, pool, migrations.SQLite())
	}
	return goose.NewProvider(goose.DialectPostgres, pool, migrations.Postgres(), goose.WithSessionLocker(schemaLock{}))
}

// schemaLock lets one program at a time change the tables of a PostgreSQL schema. The
// others wait in the server and go on at once; goose's own locker asks every 5 s.
type schemaLock struct{}

// SessionLock waits for the lock, which the connection then holds.
func (schemaLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(hashtext('migrate'), hashtext(current_schema()))")
	if err != nil {
		return fmt.Errorf("wait for another program that changes the tables: %w", err)
	}
	return nil
}

// SessionUnlock gives the lock back.
func (schemaLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock(hashtext('migrate'), hashtext(current_schema()))")
	if err != nil {
		return fmt.Errorf("let other programs change the tables: %w", err)
	}
	return nil
}
