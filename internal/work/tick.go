package work

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
)

// Tick is housekeeping that comes round regularly; of several instances one does it.
type Tick struct {
	Name  string
	Every time.Duration
	Do    func(ctx context.Context) error
}

// Ticks returns the queue of these ticks. PlantTicks makes their rows.
func Ticks(db *store.DB, clk *clock.Clock, ticks ...Tick) *Queue {
	byName := map[string]Tick{}
	for _, t := range ticks {
		byName[t.Name] = t
	}
	return &Queue{
		Name: "ticks", Table: "ticks",
		Do: func(ctx context.Context, c *Claim) error {
			var name string
			if err := db.Read(ctx).Raw("SELECT name FROM ticks WHERE id = ?", c.ID).Scan(&name).Error; err != nil {
				return err
			}
			t, ok := byName[name]
			if !ok { // of another version of the program
				return c.FinishNow(ctx, nil)
			}
			if err := t.Do(ctx); err != nil {
				return fmt.Errorf("tick %s: %w", name, err)
			}
			next := clk.Now().Add(t.Every)
			return c.FinishNow(ctx, &next)
		},
	}
}

// PlantTicks makes the rows of ticks that have none, or none that is due any more.
func PlantTicks(ctx context.Context, db *store.DB, now time.Time, ticks ...Tick) error {
	return db.InTx(ctx, func(tx *gorm.DB) error {
		for _, t := range ticks {
			err := tx.Exec(`INSERT INTO ticks (name, due_at) VALUES (?, ?)
				ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at WHERE ticks.due_at IS NULL`, t.Name, now).Error
			if err != nil {
				return fmt.Errorf("plant tick %s: %w", t.Name, err)
			}
		}
		return nil
	})
}
