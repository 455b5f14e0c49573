package store

import (
	"database/sql"
	"errors"

	"gorm.io/gorm"
)

// Setting returns the value of a setting, "" when it was never set.
func Setting(tx *gorm.DB, key string) (string, error) {
	var value string
	err := tx.Raw("SELECT value FROM settings WHERE key = ?", key).Row().Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// SetSetting stores a setting; "" removes it.
func SetSetting(tx *gorm.DB, key, value string) error {
	if value == "" {
		return tx.Exec("DELETE FROM settings WHERE key = ?", key).Error
	}
	return tx.Exec(`INSERT INTO settings (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value).Error
}
