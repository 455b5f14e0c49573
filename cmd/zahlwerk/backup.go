package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gorm.io/gorm"

	"zahlwerk/internal/store"
)

type backupCommand struct {
	File string `arg:"" help:"The copy to make; it must not exist."`
}

// Run makes a consistent copy, marked as one: the first start on it reads at Klarna
// before it sends what the copy does not know to be confirmed.
func (b backupCommand) Run(ctx context.Context, c *config, con console) error {
	if !c.isSQLite() {
		return &wrongUse{"backup copies SQLite databases; use pg_dump for PostgreSQL"}
	}
	if _, err := os.Lstat(b.File); err == nil {
		return fmt.Errorf("%s is there already", b.File)
	}
	if _, err := os.Stat(c.databaseFile()); err != nil {
		return fmt.Errorf("no database to copy: %w", err)
	}
	db, err := openDatabase(ctx, c, false)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, "VACUUM INTO ?", b.File)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := os.Chmod(b.File, 0o600); err != nil {
		return err
	}
	if err := mark(ctx, b.File); err != nil {
		return errors.Join(fmt.Errorf("mark the copy: %w", err), os.Remove(b.File))
	}
	_, err = fmt.Fprintf(con.err, "The copy is %s. The key file %s is not in it: keep it apart, without it the stored credentials can't be read.\n",
		b.File, c.SecretKeyFile)
	return err
}

func mark(ctx context.Context, file string) error {
	db, err := store.Open("sqlite:"+file, store.Options{SingleConnection: true})
	if err != nil {
		return err
	}
	err = db.InTx(ctx, func(tx *gorm.DB) error { return store.SetSetting(tx, settingCopy, "yes") })
	if err == nil { // one file, without the log beside it
		_, err = db.Exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return errors.Join(err, db.Close())
}
