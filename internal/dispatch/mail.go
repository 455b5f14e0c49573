package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/carrier"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/order"
)

// planMail lets the customer hear of a parcel.
func (j *job) planMail(p *order.Parcel) error {
	if j.Mails == nil {
		return nil
	}
	return j.Mails.Plan(j.tx, mail.Plan{
		OrderID: j.order.ID, DeliveryNoteID: p.DeliveryNoteID, TrackingKey: p.TrackingKey,
		Recipient: j.order.CustomerEmail, Language: j.order.Language(),
	})
}

// planMailsAgain lets the customer hear of what a cancellation withdrew.
func (j *job) planMailsAgain() error {
	if j.Mails == nil {
		return nil
	}
	return j.Mails.PlanAgain(j.tx, j.order.ID)
}

// composeMail says what a mail tells, by what is true now: the order is held, so that
// neither a cancellation nor a further parcel comes in between.
func (s *Service) composeMail(tx *gorm.DB, m *mail.Mail) (mail.Content, error) {
	o, err := order.Lock(tx, m.OrderID)
	if err != nil {
		return mail.Content{}, fmt.Errorf("read order %d: %w", m.OrderID, err)
	}
	if o.Status == order.Cancelled {
		return mail.Content{Withdrawn: mail.OrderCancelled}, nil
	}
	note, err := mailedNote(tx, m)
	if err != nil {
		return mail.Content{}, err
	}
	if note.ShippedAt == nil || note.WithdrawnAt != nil || len(note.Parcels) == 0 {
		return mail.Content{Withdrawn: mail.NoParcel}, nil
	}
	carriers, err := carrier.Read(tx)
	if err != nil {
		return mail.Content{}, err
	}
	var names, numbers, links []string
	for _, p := range note.Parcels {
		if name := carriers.NameOf(p.Carrier); !slices.Contains(names, name) {
			names = append(names, name)
		}
		numbers = append(numbers, p.TrackingNumber)
		if p.TrackingURL != "" {
			links = append(links, p.TrackingURL)
		}
	}
	return mail.Content{Name: o.CustomerName, Values: mail.Values{
		mail.Name: o.CustomerName, mail.Order: o.Number, mail.Note: note.Number, mail.Carrier: strings.Join(names, ", "),
		mail.Numbers: strings.Join(numbers, ", "), mail.Links: strings.Join(links, "\n"),
	}}, nil
}

// mailedNote reads a mail's delivery note, with those of its parcels that the mail is to
// tell of and that are still there.
func mailedNote(tx *gorm.DB, m *mail.Mail) (*order.DeliveryNote, error) {
	keys, err := mail.TrackingKeys(tx, m.ID)
	if err != nil {
		return nil, fmt.Errorf("read the numbers of mail %d: %w", m.ID, err)
	}
	var note order.DeliveryNote
	err = tx.Preload("Parcels", func(tx *gorm.DB) *gorm.DB { return tx.Where("tracking_key IN ?", keys).Order("id") }).
		Take(&note, m.DeliveryNoteID).Error
	if err != nil {
		return nil, fmt.Errorf("read the delivery note of mail %d: %w", m.ID, err)
	}
	return &note, nil
}

// mailOutcome tells in the protocol what became of a mail.
func (s *Service) mailOutcome(tx *gorm.DB, m *mail.Mail) error {
	e := order.ProtocolEntry{OrderID: m.OrderID, At: s.clock.Now(), Params: order.Params{}}
	note, err := mailedNote(tx, m)
	if err != nil {
		return err
	}
	e.Params["note"] = note.Number
	switch m.State {
	case mail.Sent:
		e.Kind = "mail_sent"
		e.Outcome = order.OK
		if m.CopyRefused {
			e.Kind = "mail_sent_without_copy"
		}
		numbers := make([]string, len(note.Parcels))
		for i, p := range note.Parcels {
			numbers[i] = p.TrackingNumber
		}
		e.Params["number"] = strings.Join(numbers, ", ")
		return order.AddProtocol(tx, e)
	case mail.Pending:
		e.Kind = "mail_waiting"
		e.Params["next_try"] = m.DueAt.Format(time.RFC3339)
	case mail.Failed:
		e.Kind = "mail_failed"
		e.Outcome = order.Failed
	default:
		e.Kind = "mail_withdrawn"
	}
	e.Params["reason"], e.Params["answer"] = string(m.Reason), m.Answer
	return order.AddProtocol(tx, e)
}
