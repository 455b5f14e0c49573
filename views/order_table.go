package views

import (
	"context"
	"strings"
	"time"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
)

// orderHeads are the keys of the heads of the columns of OrderCells.
var orderHeads = []string{
	"orders.number", "order.field.external_number", "orders.date", "orders.customer", "order.field.customer.email", "orders.country",
	"orders.payment_method", "orders.csv.status", "orders.csv.total", "orders.csv.currency", "orders.feedback", "order.field.klarna_order_id",
	"orders.csv.delivery_notes", "orders.csv.tracking_numbers", "orders.csv.paid", "orders.csv.shipped_at",
}

// OrderColumns are the heads of a table of orders for spreadsheets.
func OrderColumns(ctx context.Context) []string {
	heads := make([]string, len(orderHeads))
	for i, key := range orderHeads {
		heads[i] = i18n.T(ctx, key)
	}
	return heads
}

// OrderCells is an order, with its payment method, notes and parcels, as a row of such a
// table. Days and times are written so that every spreadsheet takes them for what they
// are, amounts without grouping for the same reason.
func OrderCells(ctx context.Context, o *order.Order) []string {
	var notes, tracking []string
	for _, n := range o.Notes {
		notes = append(notes, n.Number)
		for _, p := range n.Parcels {
			tracking = append(tracking, p.TrackingNumber)
		}
	}
	list := func(texts []string) string { return strings.Join(texts, ", ") }
	return []string{
		o.Number, o.ExternalNumber, DayValue(o.PlacedAt), o.CustomerName, o.CustomerEmail, o.Country,
		o.PaymentMethod.Name, StatusText(ctx, o.Status), plainAmount(ctx, o.Total, o.Currency), o.Currency, FeedbackText(ctx, o.Feedback), o.KlarnaOrderID,
		list(notes), list(tracking), FormatBool(ctx, o.Paid()), minuteValue(o.ShippedAt),
	}
}

// plainAmount is an amount with the decimal sign of the reader's language and nothing
// else.
func plainAmount(ctx context.Context, minor int64, currency string) string {
	grouping := ","
	if i18n.Language(ctx) == i18n.German {
		grouping = "."
	}
	return strings.ReplaceAll(AmountValue(ctx, minor, currency), grouping, "")
}

// minuteValue is a moment, to the minute, where the merchant works; "" for none.
func minuteValue(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.In(order.Zone).Format(dayLayout + " 15:04")
}
