package audit

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// chain is the name of the settings' chain in audit_heads.
const chain = "settings"

// maxPage is how many entries List gives at most.
const maxPage = 500

// Trail is the log of the settings.
type Trail struct{ db *store.DB }

// New returns the log kept in db.
func New(db *store.DB) *Trail { return &Trail{db: db} }

// Entry is what one person (or the program) did at one moment.
type Entry struct {
	ID      int64
	At      time.Time
	Actor   string
	Action  string // a key such as "user.created"; its text is audit.action.<Action>
	Subject string // what it was done to, by the name people know
	Changes Changes
	Hash    string
}

// TableName is the table of the entries.
func (Entry) TableName() string { return "audit_entries" }

// Append adds an entry within the transaction that makes the change. Whoever adds
// next waits until that transaction ends: an entry can only follow one that stays.
func (t *Trail) Append(tx *gorm.DB, at time.Time, actor, action, subject string, changes Changes) error {
	e := link{At: at, Actor: text(actor), Action: text(action), Subject: text(subject)}
	err := e.add(tx, changes.clean())
	if err != nil {
		return fmt.Errorf("log %s: %w", action, err)
	}
	return nil
}

func (e *link) add(tx *gorm.DB, changes Changes) error {
	stored, err := changes.Value()
	if err != nil {
		return err
	}
	e.Changes = stored.(string)
	head := tx.Table("audit_heads").Where("chain = ?", chain)
	err = head.Session(&gorm.Session{}).Clauses(clause.Locking{Strength: "UPDATE"}).
		Select("hash").Row().Scan(&e.PrevHash)
	if err != nil {
		return fmt.Errorf("read the end of the chain: %w", err)
	}
	e.Hash = e.sum()
	if err := tx.Create(e).Error; err != nil {
		return err
	}
	return head.Session(&gorm.Session{}).Update("hash", e.Hash).Error
}

// List returns up to limit entries, newest first, and the cursor of the next page,
// "" at the end. An empty cursor is the start.
func (t *Trail) List(ctx context.Context, cursor string, limit int) (entries []Entry, next string, err error) {
	limit = min(max(limit, 1), maxPage)
	q := t.db.Read(ctx).Order("id DESC").Limit(limit + 1)
	if cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return nil, "", fault.Wrap(err, fault.Invalid, "audit.error.cursor")
		}
		q = q.Where("id < ?", before)
	}
	if err := q.Find(&entries).Error; err != nil {
		return nil, "", fmt.Errorf("list the log: %w", err)
	}
	if len(entries) > limit {
		entries = entries[:limit]
		next = strconv.FormatInt(entries[limit-1].ID, 10)
	}
	return entries, next, nil
}
