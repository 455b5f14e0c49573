package dunning

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
)

// MaxReason is the most characters that the reason of a hold has.
const MaxReason = 500

// Hold keeps an invoice from being reminded of (Mahnsperre): for a reason, through a
// moment, or with nil for good. A hold that there is already is replaced. Errors: Invalid
// at "reason" or "until", NotFound, Conflict when nothing is to be paid.
func (s *Service) Hold(ctx context.Context, invoiceID int64, reason string, until *time.Time, actor string) error {
	reason = strings.TrimSpace(reason)
	now := s.clock.Now()
	var f fault.Checker
	f.Text("reason", reason, MaxReason, true)
	if until != nil && until.Before(now) {
		f.Add("until", "dunning.error.hold_past")
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.act(ctx, invoiceID, func(tx *gorm.DB, i *Item) error {
		if err := i.notOpen(); err != nil {
			return err
		}
		hold := reminderHold{InvoiceID: i.InvoiceID, Reason: reason, Until: until, CreatedAt: now, CreatedBy: actor}
		err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "invoice_id"}}, UpdateAll: true}).Create(&hold).Error
		if err != nil {
			return fmt.Errorf("hold the reminders of invoice %s: %w", i.InvoiceNumber, err)
		}
		kind, params := "reminders_held", order.Params{"reason": reason, "invoice": i.InvoiceNumber}
		if until != nil {
			kind, params["until"] = "reminders_held_until", until.UTC().Format(time.RFC3339)
		}
		return order.AddProtocol(tx, order.ProtocolEntry{OrderID: i.OrderID, At: now, Actor: actor, Kind: kind, Params: params})
	})
}

// Unhold ends a hold. Conflict when there is none.
func (s *Service) Unhold(ctx context.Context, invoiceID int64, actor string) error {
	return s.act(ctx, invoiceID, func(tx *gorm.DB, i *Item) error {
		res := tx.Where("invoice_id = ?", i.InvoiceID).Delete(&reminderHold{})
		switch {
		case res.Error != nil:
			return fmt.Errorf("end the hold of invoice %s: %w", i.InvoiceNumber, res.Error)
		case res.RowsAffected == 0:
			return fault.New(fault.Conflict, "dunning.error.no_hold", "Invoice", i.InvoiceNumber)
		}
		return order.AddProtocol(tx, order.ProtocolEntry{OrderID: i.OrderID, At: s.clock.Now(), Actor: actor, Kind: "reminders_hold_ended",
			Params: order.Params{"invoice": i.InvoiceNumber}})
	})
}

// reminderHold is the row of a hold.
type reminderHold struct {
	InvoiceID int64 `gorm:"primaryKey"`
	Reason    string
	Until     *time.Time
	CreatedAt time.Time
	CreatedBy string
}
