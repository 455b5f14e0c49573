package mail

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// Delay is how long a mail waits for further parcels of its delivery note, each time
// anew.
const Delay = time.Minute

// State is how far a mail has come.
type State string

// The states.
const (
	Pending   State = "pending" // goes when it is due
	Sending   State = "sending" // with the mail server, or cut off there: it goes again
	Sent      State = "sent"    // the mail server has taken it
	Failed    State = "failed"
	Withdrawn State = "withdrawn" // there was nothing to tell any more
)

// Mail tells a customer of parcels of one delivery note.
type Mail struct {
	ID             int64
	OrderID        int64
	DeliveryNoteID int64
	Recipient      string
	Language       string
	MessageID      string // its own part of the Message-ID, the same at each attempt
	State          State
	Attempts       int
	Reason         Reason // why it was not sent, "" if nothing stood in the way
	Answer         string // what the mail server said to that
	CreatedAt      time.Time
	SentAt         *time.Time
	DueAt          *time.Time

	// CopyRefused says, of a mail that was just sent, that the copy was not taken.
	CopyRefused bool `gorm:"-"`
}

// Content is what a mail tells.
type Content struct {
	Name   string // of the recipient
	Values Values
	// Withdrawn is the reason why there is nothing to tell, "" if there is.
	Withdrawn Reason
}

// Plan is what a customer is to be told.
type Plan struct {
	OrderID        int64
	DeliveryNoteID int64
	Recipient      string
	Language       string
	TrackingKey    string // of the parcel
}

// Plan makes a parcel the subject of a mail: of the one of its delivery note that waits,
// else of a new one. Each number is told once. Without settings that are switched on, or
// without a good address, nothing is planned. It belongs into the transaction that
// records the parcel and holds its order.
func (s *Service) Plan(tx *gorm.DB, p Plan) error {
	k, err := load(tx)
	if err != nil || !k.Enabled || !isAddress(p.Recipient) {
		return err
	}
	told, err := s.told(tx, p)
	if err != nil || told {
		return err
	}
	id, err := s.waiting(tx, p)
	if err != nil {
		return fmt.Errorf("plan a mail for order %d: %w", p.OrderID, err)
	}
	return tx.Exec(`INSERT INTO mail_trackings (delivery_note_id, tracking_key, mail_id) VALUES (?, ?, ?)
		ON CONFLICT (delivery_note_id, tracking_key) DO UPDATE SET mail_id = excluded.mail_id`,
		p.DeliveryNoteID, p.TrackingKey, id).Error
}

// told tells that a mail with this number was sent or is on its way.
func (s *Service) told(tx *gorm.DB, p Plan) (bool, error) {
	var n int
	err := tx.Raw(`SELECT count(*) FROM mail_trackings t JOIN mails m ON m.id = t.mail_id
		WHERE t.delivery_note_id = ? AND t.tracking_key = ? AND m.state IN (?, ?, ?)`,
		p.DeliveryNoteID, p.TrackingKey, Pending, Sending, Sent).Scan(&n).Error
	return n > 0, err
}

// waiting returns the delivery note's mail that waits, or makes one. One that has not
// been tried yet waits on, for the next parcel.
func (s *Service) waiting(tx *gorm.DB, p Plan) (int64, error) {
	now := s.clock.Now()
	due := now.Add(Delay)
	var there []Mail
	err := tx.Where("delivery_note_id = ? AND state = ?", p.DeliveryNoteID, Pending).Order("id DESC").Limit(1).Find(&there).Error
	if err != nil {
		return 0, err
	}
	if len(there) == 1 {
		return there[0].ID, tx.Model(&Mail{}).Where("id = ? AND attempts = 0", there[0].ID).Update("due_at", due).Error
	}
	m := Mail{OrderID: p.OrderID, DeliveryNoteID: p.DeliveryNoteID, Recipient: p.Recipient, Language: p.Language,
		MessageID: uuid.NewString(), State: Pending, CreatedAt: now, DueAt: &due}
	err = tx.Create(&m).Error
	return m.ID, err
}

// PlanAgain lets the mails go that were withdrawn because their order was cancelled,
// when it is not any more.
func (s *Service) PlanAgain(tx *gorm.DB, orderID int64) error {
	k, err := load(tx)
	if err != nil || !k.Enabled {
		return err
	}
	return tx.Model(&Mail{}).Where("order_id = ? AND state = ? AND reason = ?", orderID, Withdrawn, OrderCancelled).
		Updates(map[string]any{"state": Pending, "reason": "", "due_at": s.clock.Now().Add(Delay)}).Error
}

// TrackingKeys are the numbers that a mail is to tell of its delivery note.
func TrackingKeys(tx *gorm.DB, mailID int64) ([]string, error) {
	var keys []string
	err := tx.Raw("SELECT tracking_key FROM mail_trackings WHERE mail_id = ?", mailID).Scan(&keys).Error
	return keys, err
}
