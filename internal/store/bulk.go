package store

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Bulk lets tx insert many rows with one statement faster. SQLite keeps a copy of what
// such a statement touches, to take it back by itself if one of its rows breaks a rule;
// here the error has to end the transaction, which takes back all of it.
func Bulk(tx *gorm.DB) *gorm.DB {
	if _, ok := tx.Dialector.(sqliteDialector); ok {
		return tx.Clauses(clause.Insert{Modifier: "OR FAIL"})
	}
	return tx
}
