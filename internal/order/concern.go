package order

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Concern is why an order waits for a person.
type Concern string

// The concerns.
const (
	ConcernFailed   Concern = "failed"   // Klarna was told and did not confirm
	ConcernParcel   Concern = "parcel"   // Klarna does not know of a parcel
	ConcernExpiring Concern = "expiring" // the authorisation ends soon, and nothing is captured
	ConcernByHand   Concern = "by_hand"  // to be marked in Klarna's portal
)

// ExpiringWithin is when the end of an authorisation becomes a concern.
const ExpiringWithin = 7 * 24 * time.Hour

func (c Concern) apply(tx *gorm.DB, now time.Time) *gorm.DB {
	switch c {
	case ConcernParcel:
		return tx.Where("orders.id IN (SELECT order_id FROM parcels WHERE report IN ?)", []Report{ReportRefused, ReportUnknown})
	case ConcernExpiring:
		return expiring(tx, now, ExpiringWithin)
	case ConcernByHand:
		return tx.Where("orders.feedback = ?", FeedbackByHand)
	}
	return tx.Where("orders.feedback = ?", FeedbackFailed)
}

// expiring restricts a query to orders whose authorisation ends soon, and of which
// nothing is captured.
func expiring(tx *gorm.DB, now time.Time, within time.Duration) *gorm.DB {
	return tx.Where("orders.feedback IN ? AND orders.status <> ? AND orders.expires_at > ? AND orders.expires_at <= ?",
		[]Feedback{FeedbackWaiting, FeedbackQueued, FeedbackFailed, FeedbackByHand}, Cancelled, now, now.Add(within))
}

// ListConcern returns how many orders wait for this reason, counted to CountLimit, and
// up to limit of them, most money first.
func (s *Service) ListConcern(ctx context.Context, c Concern, limit int) (orders []Order, count int, err error) {
	now := s.clock.Now()
	found := c.apply(s.db.Read(ctx).Model(&Order{}), now).Select("orders.id").Limit(CountLimit)
	if err := s.db.Read(ctx).Raw("SELECT count(*) FROM (?) found", found).Scan(&count).Error; err != nil {
		return nil, 0, fmt.Errorf("count orders that wait for a person: %w", err)
	}
	if count == 0 {
		return nil, 0, nil
	}
	err = c.apply(s.db.Read(ctx), now).Order("orders.total DESC, orders.id").Limit(limit).Find(&orders).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list orders that wait for a person: %w", err)
	}
	return orders, count, nil
}
