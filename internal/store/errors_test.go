package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	type kind struct{ table, columns string }
	const foreign = "foreign key"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run(t, db, "CREATE TABLE owners (code TEXT PRIMARY KEY, tag TEXT NOT NULL UNIQUE)")
		run(t, db, "CREATE TABLE items (owner TEXT NOT NULL REFERENCES owners (code), place BIGINT NOT NULL, serial TEXT NOT NULL, UNIQUE (owner, place))")
		run(t, db, "CREATE UNIQUE INDEX items_serial ON items (serial) WHERE serial <> ''")
		run(t, db, "INSERT INTO owners VALUES ('o(1), x', 't'), ('p', 'u')")
		run(t, db, "INSERT INTO items VALUES ('o(1), x', 1, ''), ('o(1), x', 2, ''), ('o(1), x', 3, 's')")
		for name, tc := range map[string]struct{ query, unique, foreign string }{
			"primary key":          {"INSERT INTO owners VALUES ('p', 'new')", "owners.code", ""},
			"unique column":        {"INSERT INTO owners VALUES ('new', 't')", "owners.tag", ""},
			"several columns":      {"INSERT INTO items VALUES ('o(1), x', 1, '')", "items.owner,place", ""},
			"partial":              {"INSERT INTO items VALUES ('p', 1, 's')", "items.serial", ""},
			"by an update":         {"UPDATE owners SET tag = 't' WHERE code = 'p'", "owners.tag", ""},
			"nothing to point to":  {"INSERT INTO items VALUES ('nobody', 1, '')", "", foreign},
			"still pointed to":     {"DELETE FROM owners WHERE code = 'o(1), x'", "", foreign},
			"another kind of rule": {"INSERT INTO owners VALUES ('q', NULL)", "", ""},
		} {
			_, err := db.Exec(t.Context(), tc.query)
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			err = fmt.Errorf("saving: %w", err)
			for of, columns := range map[kind][]string{
				{"owners", "owners.code"}:      {"code"},
				{"owners", "owners.tag"}:       {"tag"},
				{"items", "items.owner,place"}: {"owner", "place"},
				{"items", "items.serial"}:      {"serial"},
			} {
				if got := store.IsUnique(err, of.table, columns...); got != (of.columns == tc.unique) {
					t.Errorf("%s: IsUnique(%s %q) = %t: %v", name, of.table, columns, got, err)
				}
			}
			if store.IsUnique(err, "items", "place", "owner") || store.IsUnique(err, "items", "owner") {
				t.Errorf("%s: the columns count as another index's", name)
			}
			for _, table := range []string{"owners", "items"} {
				want := tc.unique != "" && tc.unique[:len(table)] == table
				if got := store.IsUnique(err, table); got != want {
					t.Errorf("%s: IsUnique(%s) = %t", name, table, got)
				}
			}
			if got := store.IsForeignKey(err); got != (tc.foreign != "") {
				t.Errorf("%s: IsForeignKey = %t: %v", name, got, err)
			}
		}
	})
}

// PostgreSQL says it in the language of its server.
func TestViolationsInOtherLanguages(t *testing.T) {
	t.Parallel()
	for _, detail := range []string{
		"Key (owner, place)=(o(1), x, 1) already exists.",
		"Schlüssel »(owner, place)=(o(1), x, 1)« existiert bereits.",
		"La clé « (owner, place)=(o(1), x, 1) » existe déjà.",
	} {
		err := fmt.Errorf("saving: %w", &pgconn.PgError{Code: "23505", TableName: "items", Detail: detail})
		if !store.IsUnique(err, "items", "owner", "place") {
			t.Errorf("not understood: %s", detail)
		}
	}
}

func TestOtherErrorsAreNoViolations(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("UNIQUE constraint failed: users.email")} {
		if store.IsUnique(err, "users") || store.IsForeignKey(err) || store.IsNotFound(err) {
			t.Errorf("%v counts as a violation", err)
		}
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		makeThings(t, db)
		var th thing
		if err := db.Read(t.Context()).Take(&th).Error; !store.IsNotFound(err) {
			t.Errorf("IsNotFound(%v) = false", err)
		}
	})
}
