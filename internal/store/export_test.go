package store

import "context"

// Down takes all tables away again.
func (db *DB) Down(ctx context.Context) error {
	p, err := db.provider()
	if err != nil {
		return err
	}
	_, err = p.DownTo(ctx, 0)
	return err
}

// Waited is how often somebody had to wait for a connection to write with.
func (db *DB) Waited() int64 {
	pool, err := db.pool()
	if err != nil {
		panic(err)
	}
	return pool.Stats().WaitCount
}
