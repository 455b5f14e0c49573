package views

import (
	"context"
	"strings"
	"time"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// layouts are how a language writes dates and times. A line may break between
// the two, but not within a date.
type layouts struct{ date, second, exact string }

var layoutsOf = map[string]layouts{
	i18n.German: {
		date: "02.01.2006", second: "02.01.2006 15:04:05",
		exact: "02.01.2006 15:04:05.000 MST",
	},
	i18n.English: {
		date: "2\u00a0Jan\u00a02006", second: "2\u00a0Jan\u00a02006, 15:04:05",
		exact: "2\u00a0Jan\u00a02006, 15:04:05.000 MST",
	},
}

func formatTime(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.In(order.Zone).Format(layout)
}

// FormatDate returns the day of t; "" for the zero time.
func FormatDate(ctx context.Context, t time.Time) string {
	return formatTime(t, layoutsOf[i18n.Language(ctx)].date)
}

// FormatTime returns t to the minute; "" for the zero time.
func FormatTime(ctx context.Context, t time.Time) string {
	return order.Moment{Time: t}.Localize(i18n.Language(ctx))
}

// FormatSeconds returns t to the second; "" for the zero time.
func FormatSeconds(ctx context.Context, t time.Time) string {
	return formatTime(t, layoutsOf[i18n.Language(ctx)].second)
}

// FormatExact returns t to the millisecond with its zone; "" for the zero time.
func FormatExact(ctx context.Context, t time.Time) string {
	return formatTime(t, layoutsOf[i18n.Language(ctx)].exact)
}

// FormatMoney returns an amount in minor units. Its blanks do not break.
func FormatMoney(ctx context.Context, minor int64, currency string) string {
	return strings.ReplaceAll(money.Format(minor, currency, i18n.Language(ctx)), " ", "\u00a0")
}

// FormatNumber returns a count with the language's grouping.
func FormatNumber(ctx context.Context, n int) string {
	return (money.Quantity(n) * money.One).Format(i18n.Language(ctx))
}

// FormatBool returns the word for yes or no.
func FormatBool(ctx context.Context, b bool) string {
	if b {
		return i18n.T(ctx, "bool.yes")
	}
	return i18n.T(ctx, "bool.no")
}
