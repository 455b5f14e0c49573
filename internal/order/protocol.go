package order

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/money"
)

// Outcome says at a glance what a protocol entry means.
type Outcome string

// The outcomes.
const (
	Info   Outcome = "info"
	OK     Outcome = "ok"
	Failed Outcome = "failed"
)

// ProtocolEntry says what happened to an order. Entries are only added, in the
// transaction that made the thing happen, and rendered in the reader's language from
// Kind (message key "protocol."+Kind) and Params.
type ProtocolEntry struct {
	ID      int64
	OrderID int64
	At      time.Time
	Actor   string
	Kind    string
	Outcome Outcome
	Params  Params `gorm:"serializer:json;not null"`
	CallID  *int64 // the call of Klarna's API behind it
}

// Params are the facts of a protocol entry by name: strings, and amounts with their
// currency as Money.
type Params map[string]any

// Money is an amount in the facts of a protocol entry.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Localize writes the amount as people write it in a language.
func (m Money) Localize(lang string) string { return money.Format(m.Amount, m.Currency, lang) }

// Zahlwerk is the editor of what no person did.
const Zahlwerk = "Zahlwerk"

// AddProtocol adds an entry; an empty actor is Zahlwerk, an empty outcome Info.
func AddProtocol(tx *gorm.DB, e ProtocolEntry) error {
	if e.Actor == "" {
		e.Actor = Zahlwerk
	}
	if e.Params == nil {
		e.Params = Params{}
	}
	if e.Outcome == "" {
		e.Outcome = Info
	}
	if err := tx.Create(&e).Error; err != nil {
		return fmt.Errorf("add %s to the protocol of order %d: %w", e.Kind, e.OrderID, err)
	}
	return nil
}
