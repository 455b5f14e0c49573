// Package storetest gives tests a migrated database of their own, on SQLite and on
// PostgreSQL. It is for tests only.
package storetest
