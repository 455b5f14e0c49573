package audit_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))

func appendEntry(t *testing.T, db *store.DB, at time.Time, actor, action, subject string, changes ...audit.Change) {
	t.Helper()
	err := db.InTx(t.Context(), func(tx *gorm.DB) error {
		return audit.New(db).Append(tx, at, actor, action, subject, changes)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func subjects(entries []audit.Entry) (s []string) {
	for _, e := range entries {
		s = append(s, e.Subject)
	}
	return s
}

// verify fails unless the chain has n good entries and no break.
func verify(t *testing.T, db *store.DB, n int64) {
	t.Helper()
	intact, broken, err := audit.New(db).Verify(t.Context())
	if intact != n || broken != nil || err != nil {
		t.Errorf("Verify = %d, %+v, %v; want %d good entries", intact, broken, err, n)
	}
}

func TestEntryComesBackAsWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		verify(t, db, 0)
		appendEntry(t, db, noon, "Erika <Muster>", "user.updated", "max@example.com",
			audit.Change{Field: "role", Old: "viewer", New: `"admin"`},
			audit.Change{Field: "password", Old: "alt-geheim", New: "neu-geheim", Secret: true})
		entries, next, err := audit.New(db).List(t.Context(), "", 1)
		if err != nil || len(entries) != 1 || next != "" {
			t.Fatalf("List = %d entries, %q, %v", len(entries), next, err)
		}
		want := audit.Entry{
			ID: 1, At: time.Date(2026, 11, 3, 11, 0, 0, 123456000, time.UTC),
			Actor: "Erika <Muster>", Action: "user.updated", Subject: "max@example.com",
			Changes: audit.Changes{{Field: "role", Old: "viewer", New: `"admin"`}, {Field: "password", Secret: true}},
			// The same on both databases; another value would break every existing chain.
			Hash: "09ed1712d70ffeb39ce75adbffab44a6784c6ed93098d556f9137bbb6bd01ab9",
		}
		if !reflect.DeepEqual(entries[0], want) {
			t.Errorf("entry = %+v\nwant    %+v", entries[0], want)
		}
		verify(t, db, 1)
	})
}

func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		appendEntry(t, db, noon, "a", "b", "c", audit.Change{Field: "password", Old: "alt-geheim", New: "neu-geheim", Secret: true})
		var stored string
		if err := db.Read(t.Context()).Raw("SELECT changes FROM audit_entries").Scan(&stored).Error; err != nil {
			t.Fatal(err)
		}
		if strings.Contains(stored, "geheim") || !strings.Contains(stored, "password") {
			t.Errorf("stored: %s", stored)
		}
	})
}

func TestTextsThatADatabaseRefuses(t *testing.T) {
	t.Parallel()
	const odd = "a\x00b\xffc"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		appendEntry(t, db, noon, odd, odd, odd, audit.Change{Field: odd, Old: odd, New: odd})
		entries, _, err := audit.New(db).List(t.Context(), "", 10)
		if err != nil || len(entries) != 1 || entries[0].Changes[0].New != "a\uFFFDb\uFFFDc" {
			t.Errorf("List = %+v, %v", entries, err)
		}
		verify(t, db, 1)
	})
}

func TestChanges(t *testing.T) {
	t.Parallel()
	var c audit.Changes
	c.Add("same", "x", "x")
	c.Add("name", "", "Klarna")
	c.Secret("password")
	want := audit.Changes{{Field: "name", New: "Klarna"}, {Field: "password", Secret: true}}
	if !slices.Equal(c, want) {
		t.Errorf("changes = %+v", c)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i := range 5 {
			appendEntry(t, db, noon, "a", "b", fmt.Sprint(i+1))
		}
		trail := audit.New(db)
		var pages [][]string
		for cursor, first := "", true; first || cursor != ""; first = false {
			entries, next, err := trail.List(t.Context(), cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, subjects(entries))
			cursor = next
			// What is added while somebody leafs moves nothing.
			appendEntry(t, db, noon, "a", "b", "later")
		}
		if want := [][]string{{"5", "4"}, {"3", "2"}, {"1"}}; !reflect.DeepEqual(pages, want) {
			t.Errorf("pages = %v, want %v", pages, want)
		}
		_, _, err := trail.List(t.Context(), "x'; --", 2)
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("a bad cursor gave %v", err)
		}
	})
}

func TestRolledBackEntryIsNoPartOfTheChain(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		appendEntry(t, db, noon, "a", "b", "kept")
		err := db.InTx(t.Context(), func(tx *gorm.DB) error {
			return errors.Join(audit.New(db).Append(tx, noon, "a", "b", "lost", nil), boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		appendEntry(t, db, noon, "a", "b", "kept too")
		verify(t, db, 2)
	})
}

func TestManyAddAtTheSameTime(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 5
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		trail := audit.New(db)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					err := db.InTx(t.Context(), func(tx *gorm.DB) error {
						return errors.Join(trail.Append(tx, noon, "a", "b", "1", nil), trail.Append(tx, noon, "a", "b", "2", nil))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		verify(t, db, writers*each*2)
	})
}

func TestVerifyNamesTheFirstBrokenEntry(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tamper string
		intact int64
		want   audit.Break
	}{
		"time":                  {"UPDATE audit_entries SET at = '2026-11-03 11:00:00.123457+00:00' WHERE id = 2", 1, audit.Break{ID: 2, Reason: audit.Altered}},
		"actor":                 {"UPDATE audit_entries SET actor = 'x' WHERE id >= 2", 1, audit.Break{ID: 2, Reason: audit.Altered}},
		"action":                {"UPDATE audit_entries SET action = 'x' WHERE id = 4", 3, audit.Break{ID: 4, Reason: audit.Altered}},
		"subject":               {"UPDATE audit_entries SET subject = 'x' WHERE id = 1", 0, audit.Break{ID: 1, Reason: audit.Altered}},
		"changes":               {"UPDATE audit_entries SET changes = '[]' WHERE id = 3", 2, audit.Break{ID: 3, Reason: audit.Altered}},
		"text moved":            {"UPDATE audit_entries SET actor = actor || action, action = '' WHERE id = 3", 2, audit.Break{ID: 3, Reason: audit.Altered}},
		"hash":                  {"UPDATE audit_entries SET hash = prev_hash WHERE id = 3", 2, audit.Break{ID: 3, Reason: audit.Altered}},
		"first removed":         {"DELETE FROM audit_entries WHERE id = 1", 0, audit.Break{ID: 2, Reason: audit.Unlinked}},
		"one removed":           {"DELETE FROM audit_entries WHERE id = 3", 2, audit.Break{ID: 4, Reason: audit.Unlinked}},
		"last removed":          {"DELETE FROM audit_entries WHERE id = 4", 3, audit.Break{ID: 3, Reason: audit.Cut}},
		"all removed":           {"DELETE FROM audit_entries", 0, audit.Break{ID: 0, Reason: audit.Cut}},
		"end of chain removed":  {"DELETE FROM audit_heads", 0, audit.Break{ID: 0, Reason: audit.Cut}},
		"copied to the end":     {"INSERT INTO audit_entries (id, at, actor, action, subject, changes, prev_hash, hash) SELECT 9, at, actor, action, subject, changes, prev_hash, hash FROM audit_entries WHERE id = 4", 4, audit.Break{ID: 9, Reason: audit.Unlinked}},
		"slipped in as zero":    {"INSERT INTO audit_entries (id, at, actor, action, subject, changes, prev_hash, hash) SELECT 0, at, actor, action, subject, changes, prev_hash, hash FROM audit_entries WHERE id = 3", 0, audit.Break{ID: 0, Reason: audit.Unlinked}},
		"put before the others": {"UPDATE audit_entries SET id = -1 WHERE id = 4", 0, audit.Break{ID: -1, Reason: audit.Unlinked}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				for i := range 4 {
					appendEntry(t, db, noon, "Erika", "user.updated", fmt.Sprint(i), audit.Change{Field: "role", New: "admin"})
				}
				verify(t, db, 4)
				if _, err := db.Exec(t.Context(), tc.tamper); err != nil {
					t.Fatal(err)
				}
				intact, broken, err := audit.New(db).Verify(t.Context())
				if err != nil || broken == nil || intact != tc.intact || *broken != tc.want {
					t.Errorf("Verify = %d, %+v, %v; want %d, %+v", intact, broken, err, tc.intact, tc.want)
				}
			})
		})
	}
}
