// Package store is the database: one place that opens SQLite or PostgreSQL, brings
// the tables to this version, and gives the two ways in — Read for pages, InTx for
// everything that changes something.
//
// SQLite has one connection for writes, each transaction taking the write lock at
// its start, and a pool of connections that can only read: a clerk's save then waits
// for at most one other writer instead of failing with "database is locked".
// PostgreSQL has one pool for both. Times go in and come out in UTC.
//
// Who must act when a transaction has become true (wake a worker, say) registers it
// with AfterCommit; it never runs for a transaction that was rolled back.
package store
