package paymentmethod

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
)

// Call is one call of Klarna's API as it is kept: masked, for every method, whatever
// it was about.
type Call struct {
	ID              int64
	PaymentMethodID int64
	OrderID         *int64
	CaptureRowID    *int64
	ParcelID        *int64
	At              time.Time
	Method          string
	Path            string
	Status          int   // 0: no answer
	DurationUs      int64 // microseconds
	CorrelationID   string
	ErrorCode       string
	ErrorMessages   []string `gorm:"serializer:json"`
	TransportError  string
	IdempotencyKey  string
	Request         string
	Response        string
}

// TableName is the table of calls.
func (Call) TableName() string { return "klarna_calls" }

// KeepCall stores a call; about says what it was about and may be nil.
func KeepCall(tx *gorm.DB, methodID int64, c klarna.Call, about func(*Call)) (id int64, err error) {
	row := Call{
		PaymentMethodID: methodID, At: c.At, Method: c.Method, Path: c.Path, Status: c.Status, DurationUs: c.Duration.Microseconds(),
		CorrelationID: c.CorrelationID, ErrorCode: c.ErrorCode, ErrorMessages: c.ErrorMessages, TransportError: c.TransportError,
		IdempotencyKey: c.IdempotencyKey, Request: c.Request, Response: c.Response,
	}
	if about != nil {
		about(&row)
	}
	if err := tx.Create(&row).Error; err != nil {
		return 0, fmt.Errorf("keep the call %s %s: %w", c.Method, c.Path, err)
	}
	return row.ID, nil
}

// FindCalls returns kept calls by id; ids that there are not are not in it.
func (s *Service) FindCalls(ctx context.Context, ids ...int64) (map[int64]Call, error) {
	calls := map[int64]Call{}
	if len(ids) == 0 {
		return calls, nil
	}
	var rows []Call
	if err := s.db.Read(ctx).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read kept calls: %w", err)
	}
	for _, c := range rows {
		calls[c.ID] = c
	}
	return calls, nil
}
