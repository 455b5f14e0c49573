package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"zahlwerk/internal/store"
)

// PostgresEnv names the variable with the address of a PostgreSQL server on which
// tests may make schemas; `make test` sets it.
const PostgresEnv = "TEST_POSTGRES_URL"

// SQLite returns a migrated SQLite database with one connection.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), store.Options{SingleConnection: true})
}

// Open opens and migrates the database at dsn and closes it at the test's end.
func Open(t testing.TB, dsn string, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

var schemas atomic.Int64

// Postgres returns a migrated PostgreSQL database, a schema of its own that is
// dropped at the test's end. Without a server the test is skipped, in CI it fails.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, PostgresURL(t), store.Options{Connections: 4})
}

// PostgresURL returns the address of an empty schema for this test alone.
func PostgresURL(t testing.TB) string {
	t.Helper()
	address := os.Getenv(PostgresEnv)
	if address == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not set: no PostgreSQL to test on", PostgresEnv)
		}
		t.Skipf("%s is not set (make test starts a PostgreSQL of its own)", PostgresEnv)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("t%d_%d_%d", os.Getpid(), schemas.Add(1), time.Now().UnixNano())
	admin(t, address, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { admin(t, address, "DROP SCHEMA "+schema+" CASCADE") })
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func admin(t testing.TB, address, statement string) {
	t.Helper()
	g, err := gorm.Open(postgres.Open(address))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := g.DB()
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := g.Exec(statement).Error; err != nil {
		t.Fatal(err)
	}
}

// Each runs the same test on both databases.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Postgres(t))
	})
}
