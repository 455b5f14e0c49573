package store_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if needs, err := db.NeedsMigration(t.Context()); needs || err != nil {
			t.Errorf("NeedsMigration = %t, %v", needs, err)
		}
	})
}

// Several programs start on the same empty database.
func TestMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := address(t)
			var programs []*store.DB
			for range 4 {
				db, err := store.Open(dsn, store.Options{Connections: 2})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				if needs, err := db.NeedsMigration(t.Context()); !needs || err != nil {
					t.Fatalf("NeedsMigration = %t, %v on an empty database", needs, err)
				}
				programs = append(programs, db)
			}
			var wg sync.WaitGroup
			for _, db := range programs {
				wg.Go(func() {
					if err := db.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			storetest.Open(t, dsn, store.Options{})
		})
	}
}

func TestMigrateDownAndUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		before := describe(t, db)
		if err := db.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := describe(t, db); len(left) != 0 {
			t.Errorf("left after all steps down: %v", slices.Sorted(maps.Keys(left)))
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		compare(t, "before", before, "after", describe(t, db))
	})
}

func TestBothDatabasesHaveTheSameTables(t *testing.T) {
	t.Parallel()
	lite, pg := describe(t, storetest.SQLite(t)), describe(t, storetest.Postgres(t))
	if len(lite) < 10 {
		t.Fatalf("only %d things found: does describe still see the tables?", len(lite))
	}
	compare(t, "sqlite", lite, "postgres", pg)
}

func compare(t *testing.T, nameA string, a map[string]string, nameB string, b map[string]string) {
	t.Helper()
	for what, v := range a {
		if w, ok := b[what]; !ok {
			t.Errorf("%s is missing in %s", what, nameB)
		} else if v != w {
			t.Errorf("%s is %q in %s and %q in %s", what, v, nameA, w, nameB)
		}
	}
	for what := range b {
		if _, ok := a[what]; !ok {
			t.Errorf("%s is missing in %s", what, nameA)
		}
	}
}

// describe returns columns with type and null, and indexes with their columns, in the
// same words for both databases.
func describe(t *testing.T, db *store.DB) map[string]string {
	t.Helper()
	columns, indexes := sqliteColumns, sqliteIndexes
	if db.Postgres() {
		columns, indexes = postgresColumns, postgresIndexes
	}
	all := map[string]string{}
	var cols []struct {
		Table, Name, Type string
		Required          bool
	}
	if err := db.Read(t.Context()).Raw(columns).Scan(&cols).Error; err != nil {
		t.Fatal(err)
	}
	for _, c := range cols {
		all["column "+c.Table+"."+c.Name] = fmt.Sprintf("%s required=%t", sameType(c.Type), c.Required)
	}
	var idx []struct {
		Table, Name, Columns string
		Uniq, Part           bool
	}
	if err := db.Read(t.Context()).Raw(indexes).Scan(&idx).Error; err != nil {
		t.Fatal(err)
	}
	for _, i := range idx {
		if i.Uniq && i.Columns == "id" { // every table has that one; not every database lists it
			continue
		}
		what := "index " + i.Name
		if i.Uniq { // those of constraints have names of the database's own
			what = "unique " + i.Table + "(" + i.Columns + ")"
		}
		all[what] = fmt.Sprintf("%s(%s) unique=%t partial=%t", i.Table, i.Columns, i.Uniq, i.Part)
	}
	return all
}

func sameType(name string) string {
	name = strings.ToLower(name)
	if same, ok := map[string]string{
		"integer": "bigint", "datetime": "timestamp with time zone", "blob": "bytea",
	}[name]; ok {
		return same
	}
	return name
}

const (
	sqliteColumns = `SELECT t.name AS "table", c.name, c.type, c."notnull" OR c.pk > 0 AS required
		FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'goose_%'`
	postgresColumns = `SELECT table_name AS "table", column_name AS name, data_type AS type, is_nullable = 'NO' AS required
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose_%'`
	// The primary key "id" of SQLite is the row itself and has no index.
	sqliteIndexes = `SELECT t.name AS "table", i.name, i."unique" AS uniq, i.partial AS part,
			(SELECT group_concat(c.name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) c) AS columns
		FROM sqlite_master t JOIN pragma_index_list(t.name) i
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'goose_%'`
	postgresIndexes = `SELECT r.relname AS "table", n.relname AS name, x.indisunique AS uniq, x.indpred IS NOT NULL AS part,
			(SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = x.indexrelid) AS columns
		FROM pg_index x JOIN pg_class r ON r.oid = x.indrelid JOIN pg_class n ON n.oid = x.indexrelid
		WHERE r.relnamespace = current_schema()::regnamespace AND r.relname NOT LIKE 'goose_%'
			AND NOT (x.indisprimary AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = x.indexrelid AND a.attnum = 1) = 'id')`
)
