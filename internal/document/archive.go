package document

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Kind is what a document is.
type Kind string

// The kinds.
const (
	KindDeliveryNote Kind = "delivery_note"
	KindInvoice      Kind = "invoice"
	KindLabel        Kind = "label"
	KindReminder     Kind = "reminder"
	KindPickList     Kind = "pick_list" // not kept
)

// Document is a paper as it was first printed. Kind and Number tell it from all others.
type Document struct {
	ID        int64
	Kind      Kind
	Number    string
	OrderID   *int64
	Language  string
	SHA256    string `gorm:"column:sha256"`
	PDF       []byte
	CreatedBy string
	CreatedAt time.Time
}

// FileName is what the document is called on a disk, in its language.
func (d *Document) FileName() string {
	name := language(d.Language).text("document.file." + string(d.Kind))
	if d.Number != "" {
		name += "_" + d.Number
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', strings.ContainsRune("._-", r):
			return r
		}
		return '-'
	}, name) + ".pdf"
}

// archived returns a document as it was first printed. The first print is drawn and
// kept; with it first, if not nil, does what belongs to it. Of two first prints at the
// same moment one is kept, and both return that one.
func (s *Service) archived(ctx context.Context, d Document, draw func() ([]byte, error), first func(tx *gorm.DB) error) (*Document, error) {
	kept, err := findDocument(s.db.Read(ctx), d.Kind, d.Number)
	if err != nil || kept != nil {
		return kept, err
	}
	if d.PDF, err = draw(); err != nil {
		return nil, fmt.Errorf("draw %s %s: %w", d.Kind, d.Number, err)
	}
	sum := sha256.Sum256(d.PDF)
	d.SHA256, d.CreatedAt = hex.EncodeToString(sum[:]), s.clock.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		kept = &Document{}
		*kept = d
		res := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "kind"}, {Name: "number"}}, DoNothing: true}).Create(kept)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			kept, err = findDocument(tx, d.Kind, d.Number)
			return err
		}
		if first == nil {
			return nil
		}
		return first(tx)
	})
	if err != nil {
		return nil, fmt.Errorf("keep %s %s: %w", d.Kind, d.Number, err)
	}
	return kept, nil
}

// findDocument returns a kept document, nil when it was never printed.
func findDocument(tx *gorm.DB, kind Kind, number string) (*Document, error) {
	var found []Document
	if err := tx.Where("kind = ? AND number = ?", kind, number).Limit(1).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("find %s %s: %w", kind, number, err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}
