package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// thing is a row of a table that only these tests have.
type thing struct {
	ID   int64
	Name string
	At   time.Time
	Till *time.Time
}

func makeThings(t *testing.T, db *store.DB) {
	t.Helper()
	run(t, db, "CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT NOT NULL, at "+timeType(db)+", till "+timeType(db)+")")
}

func timeType(db *store.DB) string {
	if db.Postgres() {
		return "TIMESTAMPTZ"
	}
	return "DATETIME"
}

func run(t *testing.T, db *store.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func names(t *testing.T, db *store.DB) []string {
	t.Helper()
	var names []string
	if err := db.Read(t.Context()).Table("things").Order("id").Pluck("name", &names).Error; err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOpenRefusesUnknownAddresses(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"", "data/zahlwerk.db", "mysql://localhost/x"} {
		if db, err := store.Open(dsn, store.Options{}); err == nil {
			db.Close()
			t.Errorf("Open(%q) took it", dsn)
		}
	}
}

func TestOpenKeepsPasswordsToItself(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"unreadable":  "postgres://clerk:geheim%zz@localhost/zahlwerk",
		"bad port":    "postgres://clerk:geheim@localhost:port/zahlwerk",
		"bad option":  "postgres://clerk:geheim@localhost/zahlwerk?sslmode=perhaps",
		"unreachable": "postgres://clerk:geheim@127.0.0.1:1/zahlwerk?connect_timeout=1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(dsn, store.Options{})
			if err == nil {
				err = db.Ping(t.Context())
				db.Close()
			}
			if err == nil || strings.Contains(err.Error(), "geheim") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestSQLitePathsWithOddCharacters(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "Büro 100% #1? & mehr.db")
	db := storetest.Open(t, "sqlite:"+path, store.Options{})
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "Büro 100% #1[?] & mehr.db")); len(found) != 1 {
		t.Error("the file has another name")
	}
}

// A time keeps its moment to the microsecond, in whatever zone and by whichever way it
// comes in, compares by moment, and comes out in UTC.
func TestTimes(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	in := time.Date(2026, 11, 3, 9, 15, 0, 123456789, berlin)
	want := time.Date(2026, 11, 3, 8, 15, 0, 123456000, time.UTC)
	ways := map[string]func(tx *gorm.DB) error{
		"struct": func(tx *gorm.DB) error { return tx.Create(&thing{ID: 1, At: in, Till: &in}).Error },
		"batch":  func(tx *gorm.DB) error { return tx.CreateInBatches([]thing{{ID: 1, At: in, Till: &in}}, 10).Error },
		"map": func(tx *gorm.DB) error {
			return tx.Table("things").Create(map[string]any{"id": 1, "name": "", "at": in, "till": &in}).Error
		},
		"generic": func(tx *gorm.DB) error {
			return gorm.G[thing](tx).Create(t.Context(), &thing{ID: 1, At: in, Till: &in})
		},
		"statement": func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO things (id, name, at, till) VALUES (?, ?, ?, ?)", 1, "", in, &in).Error
		},
		"named": func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO things (id, name, at, till) VALUES (1, '', @at, @at)", map[string]any{"at": in}).Error
		},
		"update": func(tx *gorm.DB) error {
			if err := tx.Create(&thing{ID: 1}).Error; err != nil {
				return err
			}
			if err := tx.Model(&thing{ID: 1}).Update("at", in).Error; err != nil {
				return err
			}
			return tx.Model(&thing{ID: 1}).Updates(map[string]any{"till": gorm.Expr("?", &in)}).Error
		},
	}
	for name, write := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				makeThings(t, db)
				if err := db.InTx(t.Context(), write); err != nil {
					t.Fatal(err)
				}
				checkTime(t, db, want)
			})
		})
	}
}

func checkTime(t *testing.T, db *store.DB, want time.Time) {
	t.Helper()
	var got thing
	if err := db.Read(t.Context()).Take(&got).Error; err != nil {
		t.Fatal(err)
	}
	if got.At != want || got.Till == nil || *got.Till != want {
		t.Errorf("read %v and %v, want %v", got.At, got.Till, want)
	}
	for moment, less := range map[time.Time]bool{
		want.In(time.FixedZone("", -5*3600)):                       false,
		want.In(time.FixedZone("", 9*3600)).Add(time.Microsecond):  true,
		want.In(time.FixedZone("", 9*3600)).Add(-time.Microsecond): false,
	} {
		var n int64
		if err := db.Read(t.Context()).Model(&thing{}).Where("at < ?", moment).Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		if (n == 1) != less {
			t.Errorf("%v < %v is %t", got.At, moment, n == 1)
		}
	}
}

func TestTimesSortByMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		start := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
		steps := []time.Duration{0, time.Microsecond, 10 * time.Microsecond, 100 * time.Millisecond, 999999 * time.Microsecond, time.Second, 24 * time.Hour}
		for i, d := range steps {
			zone := time.FixedZone("", (i%5-2)*3600)
			if err := db.InTx(t.Context(), func(tx *gorm.DB) error {
				return tx.Create(&thing{ID: int64(len(steps) - i), At: start.Add(d).In(zone)}).Error
			}); err != nil {
				t.Fatal(err)
			}
		}
		var got []time.Time
		if err := db.Read(t.Context()).Table("things").Order("at").Pluck("at", &got).Error; err != nil {
			t.Fatal(err)
		}
		for i, d := range steps {
			if got[i] != start.Add(d) {
				t.Errorf("place %d is %v, want %v", i, got[i], start.Add(d))
			}
		}
	})
}

func TestInTxIsAllOrNothing(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	add := func(tx *gorm.DB, id int64, name string) error {
		return tx.Create(&thing{ID: id, Name: name}).Error
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		var woken []string
		if err := db.InTx(t.Context(), func(tx *gorm.DB) error {
			store.AfterCommit(tx, func() { woken = append(woken, names(t, db)...) })
			return add(tx, 1, "kept")
		}); err != nil {
			t.Fatal(err)
		}
		err := db.InTx(t.Context(), func(tx *gorm.DB) error {
			store.AfterCommit(tx, func() { t.Error("AfterCommit ran after an error") })
			return errors.Join(add(tx, 2, "lost"), boom)
		})
		if !errors.Is(err, boom) {
			t.Errorf("InTx returned %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = db.InTx(t.Context(), func(tx *gorm.DB) error {
				store.AfterCommit(tx, func() { t.Error("AfterCommit ran after a panic") })
				_ = add(tx, 3, "lost")
				panic(boom)
			})
		}()
		if got := names(t, db); !slices.Equal(got, []string{"kept"}) {
			t.Errorf("rows = %q", got)
		}
		if !slices.Equal(woken, []string{"kept"}) {
			t.Errorf("after the commit the hook saw %q", woken)
		}
	})
}

// A part of a transaction may be given up on its own; what it registered for the
// commit runs with the whole.
func TestNestedTransaction(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		ran := 0
		err := db.InTx(t.Context(), func(tx *gorm.DB) error {
			if err := tx.Create(&thing{ID: 1, Name: "outer"}).Error; err != nil {
				return err
			}
			err := tx.Transaction(func(tx *gorm.DB) error {
				store.AfterCommit(tx, func() { ran++ })
				return errors.Join(tx.Create(&thing{ID: 2, Name: "inner"}).Error, boom)
			})
			if !errors.Is(err, boom) {
				t.Errorf("the inner transaction returned %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, db); !slices.Equal(got, []string{"outer"}) || ran != 1 {
			t.Errorf("rows = %q, hooks = %d", got, ran)
		}
	})
}

func TestAfterCommitOutsideATransactionPanics(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	store.AfterCommit(db.Read(t.Context()), func() {})
}

func TestLostSerialisationRunsAgain(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	makeThings(t, db)
	for _, tc := range []struct {
		code         string
		losses       int
		turns, hooks int
	}{
		{"40001", 1, 2, 1}, {"40P01", 2, 3, 1}, {"40001", 3, 3, 0}, {"23514", 1, 1, 0},
	} {
		turns, hooks := 0, 0
		err := db.InTx(t.Context(), func(tx *gorm.DB) error {
			turns++
			store.AfterCommit(tx, func() { hooks++ })
			if turns <= tc.losses {
				return tx.Exec("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '" + tc.code + "'; END $$").Error
			}
			return nil
		})
		if turns != tc.turns || hooks != tc.hooks || (err == nil) != (tc.hooks == 1) {
			t.Errorf("%s lost %d times: %d turns, %d hooks, error %v", tc.code, tc.losses, turns, hooks, err)
		}
	}
}

func TestReadingPoolCannotWrite(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), store.Options{})
	err := db.Read(t.Context()).Exec("INSERT INTO settings (key, value) VALUES ('a', 'b')").Error
	if err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("error = %v", err)
	}
	// Readers see the last commit while somebody writes.
	err = db.InTx(t.Context(), func(tx *gorm.DB) error {
		if err := store.SetSetting(tx, "a", "b"); err != nil {
			return err
		}
		value, err := store.Setting(db.Read(t.Context()), "a")
		if value != "" {
			t.Errorf("a reader sees %q before the commit", value)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// With one connection, as in tests, reading past one's own transaction ends with the
// deadline instead of passing.
func TestReadingPastTheTransactionShows(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	err := db.InTx(t.Context(), func(*gorm.DB) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		return db.Ping(ctx)
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want the deadline's", err)
	}
}

// A statement that waits for the connection of a transaction must not keep the
// transaction from running the same statement.
func TestWaitingStatementDoesNotBlockTheTransaction(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := address(t)
			storetest.Open(t, dsn, store.Options{})
			db, err := store.Open(dsn, store.Options{Connections: 1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			const statement = "UPDATE settings SET value = 'x' WHERE key = ?"
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			outside := make(chan error, 1)
			err = db.InTx(ctx, func(tx *gorm.DB) error {
				before := db.Waited()
				go func() {
					_, err := db.Exec(ctx, statement, "a")
					outside <- err
				}()
				for db.Waited() == before && ctx.Err() == nil {
					runtime.Gosched()
				}
				return tx.Exec(statement, "b").Error
			})
			if err := errors.Join(err, <-outside); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, value := range []string{"", "eins", "zwei", ""} {
			var got string
			if err := db.InTx(t.Context(), func(tx *gorm.DB) (err error) {
				if err := store.SetSetting(tx, "k", value); err != nil {
					return err
				}
				got, err = store.Setting(tx, "k")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if got != value {
				t.Errorf("Setting = %q, want %q", got, value)
			}
		}
	})
}
