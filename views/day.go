package views

import (
	"context"
	"time"

	"zahlwerk/internal/order"
)

// dayLayout is how a browser sends a day.
const dayLayout = "2006-01-02"

// ParseDay returns the beginning of a day of an input of type date, where the merchant
// works.
func ParseDay(s string) (time.Time, error) { return time.ParseInLocation(dayLayout, s, order.Zone) }

// DayValue is the day of t for an input of type date.
func DayValue(t time.Time) string { return t.In(order.Zone).Format(dayLayout) }

// dayText is the day of such an input as people write it.
func dayText(ctx context.Context, value string) string {
	t, err := ParseDay(value)
	if err != nil {
		return value
	}
	return FormatDate(ctx, t)
}
