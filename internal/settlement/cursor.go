package settlement

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
)

// MaxPage is the most rows that one page of a list holds.
const MaxPage = 500

// Cursor is a place in a list that is in the order of a time and an id. The zero value is
// none.
type Cursor struct {
	at time.Time
	id int64
}

// NewCursor is the place of a row.
func NewCursor(at time.Time, id int64) Cursor { return Cursor{at, id} }

// String writes a place for an address; ParseCursor reads it again.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d", c.at.UnixMicro(), c.id)
}

// ParseCursor reads what String wrote. Nonsense is no place.
func ParseCursor(s string) Cursor {
	at, id, ok := strings.Cut(s, "-")
	micros, err := strconv.ParseInt(at, 10, 64)
	n, err2 := strconv.ParseInt(id, 10, 64)
	t := time.UnixMicro(micros).UTC()
	if !ok || err != nil || err2 != nil || t.Year() < 1 || t.Year() > 9999 {
		return Cursor{}
	}
	return Cursor{t, n}
}

// Turn says which page of a list is wanted: its beginning, or what stands after or before
// a place.
type Turn struct {
	After  Cursor
	Before Cursor
	Limit  int
}

func (t Turn) back() bool { return t.Before != Cursor{} }

func (t Turn) limit() int {
	if t.Limit <= 0 || t.Limit > MaxPage {
		return 50
	}
	return t.Limit
}

// newestFirst restricts a query to the page, and one row more to see whether there is
// another. at and id are the columns of the order.
func (t Turn) newestFirst(tx *gorm.DB, at, id string) *gorm.DB {
	return t.apply(tx, at, id, "<", ">", " DESC", "")
}

// oldestFirst is newestFirst the other way round.
func (t Turn) oldestFirst(tx *gorm.DB, at, id string) *gorm.DB {
	return t.apply(tx, at, id, ">", "<", "", " DESC")
}

func (t Turn) apply(tx *gorm.DB, at, id, after, before, forth, back string) *gorm.DB {
	key := "(" + at + ", " + id + ") "
	tx = tx.Limit(t.limit() + 1)
	if t.back() {
		return tx.Where(key+before+" (?, ?)", t.Before.at, t.Before.id).Order(at + back + ", " + id + back)
	}
	if t.After != (Cursor{}) {
		tx = tx.Where(key+after+" (?, ?)", t.After.at, t.After.id)
	}
	return tx.Order(at + forth + ", " + id + forth)
}

// turned is a page of the rows that such a query found, and whether there are others
// before and after it.
func turned[T any](t Turn, rows []T) (page []T, before, after bool) {
	more := len(rows) > t.limit()
	if more {
		rows = rows[:t.limit()]
	}
	if t.back() {
		slices.Reverse(rows)
		return rows, more, true
	}
	return rows, t.After != Cursor{}, more
}
