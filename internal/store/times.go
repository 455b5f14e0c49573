package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Every value of every statement passes BindVarTo. There times become what PostgreSQL
// keeps: SQLite would keep nanoseconds, and a row read on one database would not be
// found again on the other.

type sqliteDialector struct{ *sqlite.Dialector }

// BindVarTo adds the value v, a time in UTC and microseconds.
func (d sqliteDialector) BindVarTo(w clause.Writer, stmt *gorm.Statement, v any) {
	cutLastTime(stmt)
	d.Dialector.BindVarTo(w, stmt, v)
}

type postgresDialector struct{ *postgres.Dialector }

// BindVarTo adds the value v, a time in UTC and microseconds.
func (d postgresDialector) BindVarTo(w clause.Writer, stmt *gorm.Statement, v any) {
	cutLastTime(stmt)
	d.Dialector.BindVarTo(w, stmt, v)
}

// cutLastTime changes the value that gorm has just put at the end of stmt.Vars.
func cutLastTime(stmt *gorm.Statement) {
	last := len(stmt.Vars) - 1
	if last < 0 {
		return
	}
	switch t := stmt.Vars[last].(type) {
	case time.Time:
		stmt.Vars[last] = cut(t)
	case *time.Time:
		if t != nil {
			stmt.Vars[last] = cut(*t)
		}
	}
}

func cut(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// scanUTC makes a PostgreSQL connection give times in UTC instead of the machine's zone.
func scanUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}
