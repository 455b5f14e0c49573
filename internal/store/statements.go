package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// SQLite parses and plans each statement anew: on the writing connection that is a
// fifth of all its work. This driver keeps the plans of a connection's statements, as
// pgx does for PostgreSQL; gorm's own cache can't be used there, see openGorm.

const cachingDriverName = "sqlite-caching"

func init() { sql.Register(cachingDriverName, cachingDriver{}) }

// maxStatements is how many plans a connection keeps; those that come later are not
// kept. The program has fewer statements, but for lists of many lengths.
const maxStatements = 500

type cachingDriver struct{}

// Open opens a connection.
func (cachingDriver) Open(dsn string) (driver.Conn, error) {
	c, err := (&sqlite.Driver{}).Open(dsn)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks what its cache needs"), c.Close())
	}
	return &cachingConn{sqliteConn: conn, statements: map[string]*statement{}}, nil
}

// sqliteConn is everything that database/sql asks of the driver's connections.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type cachingConn struct {
	sqliteConn
	statements map[string]*statement
}

// statement is a kept plan; while its rows are being read it can't run again.
type statement struct {
	sqliteStatement
	reading bool
}

type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statement returns the kept plan of a query, nil if it has to run without.
func (c *cachingConn) statement(ctx context.Context, query string) (*statement, error) {
	if s, ok := c.statements[query]; ok {
		if s.reading {
			return nil, nil
		}
		return s, nil
	}
	if len(c.statements) >= maxStatements {
		return nil, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(sqliteStatement)
	if !ok {
		return nil, prepared.Close()
	}
	kept := &statement{sqliteStatement: s}
	c.statements[query] = kept
	return kept, nil
}

// ExecContext runs a statement that gives no rows.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext runs a statement that gives rows.
func (c *cachingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	r, ok := rows.(sqliteRows)
	if !ok {
		return rows, nil
	}
	s.reading = true
	return &cachedRows{sqliteRows: r, of: s}, nil
}

// Close frees the plans and closes the connection.
func (c *cachingConn) Close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

type sqliteRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

type cachedRows struct {
	sqliteRows
	of *statement
}

// Close lets the plan run again.
func (r *cachedRows) Close() error {
	r.of.reading = false
	return r.sqliteRows.Close()
}
