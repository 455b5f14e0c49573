package store

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
)

// SQLite's extended result codes (https://www.sqlite.org/rescode.html).
const (
	sqliteConstraintForeignKey = 787
	sqliteConstraintPrimaryKey = 1555
	sqliteConstraintUnique     = 2067
)

// IsNotFound tells that a row was asked for and is not there.
func IsNotFound(err error) bool { return errors.Is(err, gorm.ErrRecordNotFound) }

// IsUnique tells that err is a violation of the unique index over exactly these
// columns of table, in the order of the index. Without columns any of the table's.
func IsUnique(err error, table string, columns ...string) bool {
	violated := uniqueColumns(err)
	if len(violated) == 0 {
		return false
	}
	if len(columns) == 0 {
		return strings.HasPrefix(violated[0], table+".")
	}
	if len(violated) != len(columns) {
		return false
	}
	for i, c := range columns {
		if violated[i] != table+"."+c {
			return false
		}
	}
	return true
}

// IsForeignKey tells that a row that is pointed to is missing, or still pointed to.
func IsForeignKey(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqliteConstraintForeignKey
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23503"
}

// pgKey finds the columns in a detail like "Key (owner, place)=(o, 1) already exists.",
// whose words are in the language of the server.
var pgKey = regexp.MustCompile(`\(([^()]*)\)=\(`)

// uniqueColumns returns "table.column" for each column of the violated index; gorm's
// own translation does not know the errors of this SQLite driver.
func uniqueColumns(err error) []string {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		if lite.Code() != sqliteConstraintUnique && lite.Code() != sqliteConstraintPrimaryKey {
			return nil
		}
		_, list, ok := strings.Cut(lite.Error(), "UNIQUE constraint failed: ")
		if !ok {
			return nil
		}
		list, _, _ = strings.Cut(list, " (")
		return strings.Split(list, ", ")
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "23505" {
		return nil
	}
	m := pgKey.FindStringSubmatch(pg.Detail)
	if m == nil {
		return nil
	}
	columns := strings.Split(m[1], ", ")
	for i, c := range columns {
		columns[i] = pg.TableName + "." + c
	}
	return columns
}
