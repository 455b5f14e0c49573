package order_test

import (
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/order"
)

func TestConcerns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
		orders := s.fill(t, 1, 11, func(i int, o *order.Order) {
			o.Total = int64(100 * (i + 1))
			switch i {
			case 0, 1, 2:
				o.Feedback = order.FeedbackFailed
			case 3:
				o.Feedback = order.FeedbackByHand
			case 4:
				o.Feedback = order.FeedbackConfirmed
			case 5:
				o.ExpiresAt = in(order.ExpiringWithin)
			case 6:
				o.ExpiresAt = in(time.Second)
			case 7:
				o.ExpiresAt = in(order.ExpiringWithin + time.Second) // in good time
			case 8:
				o.ExpiresAt = in(0) // over
			case 9:
				o.ExpiresAt, o.Feedback = in(time.Hour), order.FeedbackConfirmed
			case 10:
				o.ExpiresAt, o.Status = in(time.Hour), order.Cancelled
			}
		})
		note := order.DeliveryNote{OrderID: orders[4].ID, Number: "300001", CreatedAt: now}
		s.inTx(t, func(tx *gorm.DB) error { return tx.Create(&note).Error })
		parcels := []order.Parcel{
			{OrderID: orders[4].ID, DeliveryNoteID: note.ID, TrackingNumber: "1", TrackingKey: "1", Report: order.ReportReported, CreatedAt: now},
			{OrderID: orders[4].ID, DeliveryNoteID: note.ID, TrackingNumber: "2", TrackingKey: "2", Report: order.ReportRefused, CreatedAt: now},
			{OrderID: orders[4].ID, DeliveryNoteID: note.ID, TrackingNumber: "3", TrackingKey: "3", Report: order.ReportUnknown, CreatedAt: now},
		}
		s.inTx(t, func(tx *gorm.DB) error { return tx.Create(&parcels).Error })

		for concern, want := range map[order.Concern]struct {
			numbers []string // most money first, two at most
			count   int
		}{
			order.ConcernFailed:   {[]string{"3", "2"}, 3},
			order.ConcernByHand:   {[]string{"4"}, 1},
			order.ConcernParcel:   {[]string{"5"}, 1}, // once, however many parcels
			order.ConcernExpiring: {[]string{"7", "6"}, 2},
		} {
			found, count, err := s.ListConcern(t.Context(), concern, 2)
			if err != nil {
				t.Fatal(err)
			}
			var numbers []string
			for _, o := range found {
				numbers = append(numbers, o.Number)
			}
			if !slices.Equal(numbers, want.numbers) || count != want.count {
				t.Errorf("%s: orders %v of %d, want %v of %d", concern, numbers, count, want.numbers, want.count)
			}
		}
	})
}
