package dunning

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// ReminderNumbers is the number range of reminders.
const (
	ReminderNumbers     = "reminders"
	firstReminderNumber = 500001
)

// Reminder is one reminder of an invoice (Zahlungserinnerung, Mahnung). Fee is what it
// adds to the amount, in minor units of Currency.
type Reminder struct {
	ID        int64
	InvoiceID int64
	Level     int
	Number    string
	Name      Name `gorm:"serializer:json;not null"` // as its level was called
	Fee       int64
	Currency  string
	CreatedAt time.Time
	PayBy     time.Time // the last moment that is in time
	CreatedBy string
}

// Remind makes the reminder of an invoice that is due. Its paper is made when somebody
// first asks for it (Papers). Errors: NotFound; Conflict with the reason why none is due.
func (s *Service) Remind(ctx context.Context, invoiceID int64, actor string) (*Reminder, error) {
	var made *Reminder
	err := s.act(ctx, invoiceID, func(tx *gorm.DB, i *Item) error {
		set, err := settings(tx)
		if err != nil {
			return err
		}
		now := s.clock.Now()
		level, err := set.Next(i, now)
		if err != nil {
			return err
		}
		l := set.Levels[level-1]
		made = &Reminder{InvoiceID: i.InvoiceID, Level: level, Name: l.Name, Fee: l.fee(i.Currency), Currency: i.Currency,
			CreatedAt: now, PayBy: document.EndOfDay(now, l.PayDays), CreatedBy: actor}
		if made.Number, err = store.NextNumber(tx, ReminderNumbers, firstReminderNumber); err != nil {
			return err
		}
		if err := tx.Create(made).Error; err != nil {
			return fmt.Errorf("create reminder %d of invoice %s: %w", level, i.InvoiceNumber, err)
		}
		if err := order.AddTerms(tx, i.OrderID, made.Number); err != nil {
			return err
		}
		return order.AddProtocol(tx, order.ProtocolEntry{OrderID: i.OrderID, At: now, Actor: actor, Kind: "reminder_created",
			Params: order.Params{"level": made.Name, "number": made.Number, "invoice": i.InvoiceNumber}})
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// act runs do on an invoice whose order nobody else can change meanwhile.
func (s *Service) act(ctx context.Context, invoiceID int64, do func(tx *gorm.DB, i *Item) error) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		i, err := find(tx, invoiceID)
		if err != nil {
			return err
		}
		if _, err := order.Lock(tx, i.OrderID); err != nil {
			return fmt.Errorf("hold order %s: %w", i.OrderNumber, err)
		}
		if i, err = find(tx, invoiceID); err != nil { // as it is now that it is held
			return err
		}
		return do(tx, i)
	})
}

// ListReminders returns the reminders of an invoice, the first level first.
func (s *Service) ListReminders(ctx context.Context, invoiceID int64) ([]Reminder, error) {
	var all []Reminder
	if err := s.db.Read(ctx).Where("invoice_id = ?", invoiceID).Order("level").Find(&all).Error; err != nil {
		return nil, fmt.Errorf("list the reminders of invoice %d: %w", invoiceID, err)
	}
	return all, nil
}

// FindReminders returns these reminders in the order of their numbers.
func (s *Service) FindReminders(ctx context.Context, ids []int64) ([]Reminder, error) {
	var found []Reminder
	if len(ids) == 0 {
		return nil, nil
	}
	if err := s.db.Read(ctx).Where("id IN ?", ids).Order("id").Find(&found).Error; err != nil {
		return nil, fmt.Errorf("find reminders: %w", err)
	}
	return found, nil
}

// Papers returns these reminders on paper, in the order of their numbers; the actor is
// who first asks for one. NotFound when one of them is not there.
func (s *Service) Papers(ctx context.Context, ids []int64, actor string) ([]*document.Document, error) {
	reminders, err := s.FindReminders(ctx, ids)
	if err != nil {
		return nil, err
	}
	if len(reminders) == 0 || len(reminders) < len(ids) {
		return nil, fault.New(fault.NotFound, "dunning.error.reminder_not_found")
	}
	papers := make([]*document.Document, len(reminders))
	for i := range reminders {
		if papers[i], err = s.paper(ctx, &reminders[i], actor); err != nil {
			return nil, err
		}
	}
	return papers, nil
}

func (s *Service) paper(ctx context.Context, r *Reminder, actor string) (*document.Document, error) {
	in, err := s.paperInput(ctx, r)
	if err != nil {
		return nil, err
	}
	return s.documents.Reminder(ctx, in, actor)
}

// paperInput is what stands on the paper of a reminder.
func (s *Service) paperInput(ctx context.Context, r *Reminder) (document.ReminderInput, error) {
	in := document.ReminderInput{Number: r.Number, Level: r.Level, Name: r.Name, Fee: r.Fee, PayBy: r.PayBy, At: r.CreatedAt}
	db := s.db.Read(ctx)
	if err := db.Take(&in.Invoice, r.InvoiceID).Error; err != nil {
		return in, fmt.Errorf("find the invoice of reminder %s: %w", r.Number, err)
	}
	err := db.Model(&Reminder{}).Where("invoice_id = ? AND level < ?", r.InvoiceID, r.Level).
		Select("CAST(coalesce(sum(fee), 0) AS BIGINT)").Scan(&in.EarlierFees).Error
	if err != nil {
		return in, fmt.Errorf("add up the fees before reminder %s: %w", r.Number, err)
	}
	return in, nil
}
