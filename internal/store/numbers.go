package store

import (
	"fmt"
	"strconv"

	"gorm.io/gorm"
)

// NextNumber takes the next number of a range within tx: without gaps, because a
// rolled back transaction gives it back, and without doubles, because the range's row
// is locked until the commit. A new range begins at first.
func NextNumber(tx *gorm.DB, name string, first int64) (string, error) {
	var next int64
	err := tx.Raw(`INSERT INTO numbers (name, next) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET next = numbers.next + 1 RETURNING next`, name, first+1).Scan(&next).Error
	if err != nil {
		return "", fmt.Errorf("take the next number of %s: %w", name, err)
	}
	return strconv.FormatInt(next-1, 10), nil
}

// SkipNumbers moves a range ahead by n, for a restored backup that may not know the
// last numbers that were given out.
func SkipNumbers(tx *gorm.DB, name string, n int64) error {
	return tx.Exec("UPDATE numbers SET next = next + ? WHERE name = ?", n, name).Error
}
