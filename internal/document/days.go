package document

import (
	"time"

	"zahlwerk/internal/order"
)

// EndOfDay is the last moment of a day some days after t, by the calendar of the place
// where the merchant works: until then whoever has to pay by that day is in time.
func EndOfDay(t time.Time, later int) time.Time {
	y, m, d := t.In(order.Zone).Date()
	return time.Date(y, m, d+later+1, 0, 0, 0, 0, order.Zone).Add(-time.Microsecond).UTC()
}

// DaysBetween counts the calendar's days from one date to another.
func DaysBetween(from, to time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(order.Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}
