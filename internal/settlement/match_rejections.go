package settlement

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// rejection is a person's no to an order that was proposed for a line, or that the line
// was matched with. It knows the line by what it is: an import that was undone may bring
// it again, with another id.
type rejection struct {
	AccountID  int64
	Identity   string
	Ordinal    int
	OrderID    int64
	RejectedBy string
	RejectedAt time.Time
}

// TableName is the table of rejections.
func (rejection) TableName() string { return "match_rejections" }

// rejections returns the orders that people said no to for these lines.
func rejections(tx *gorm.DB, lines []*StatementLine) (map[sameLine][]int64, error) {
	identities := map[int64][]string{}
	for _, l := range lines {
		identities[l.AccountID] = append(identities[l.AccountID], l.Identity)
	}
	no := map[sameLine][]int64{}
	for account, of := range identities {
		var rows []rejection
		err := tx.Where("account_id = ? AND identity IN ?", account, evenly(of)).Find(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("read rejected matches: %w", err)
		}
		for _, r := range rows {
			key := sameLine{r.AccountID, r.Identity, r.Ordinal}
			no[key] = append(no[key], r.OrderID)
		}
	}
	return no, nil
}

func reject(tx *gorm.DB, l *StatementLine, orderID int64, now time.Time, actor string) error {
	r := rejection{l.AccountID, l.Identity, l.Ordinal, orderID, actor, now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r).Error; err != nil {
		return fmt.Errorf("reject a match: %w", err)
	}
	return nil
}

// accept forgets a no.
func accept(tx *gorm.DB, l *StatementLine, orderID int64) error {
	return tx.Where("account_id = ? AND identity = ? AND ordinal = ? AND order_id = ?", l.AccountID, l.Identity, l.Ordinal, orderID).
		Delete(&rejection{}).Error
}
