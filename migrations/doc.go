// Package migrations holds the tables of the program as SQL, one file a step, for
// SQLite and for PostgreSQL. The two folders go step by step together: a number in
// one has its twin in the other, and both give the same tables.
package migrations
