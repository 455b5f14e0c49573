package views

import (
	"context"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
)

// lineHeads are the keys of the heads of the columns of LineCells.
var lineHeads = []string{
	"payout.column.reference", "payout.column.date", "line.column.type", "line.csv.detailed_type", "line.column.amount", "line.csv.currency",
	"line.csv.vat_amount", "line.csv.captured", "line.csv.sold", "line.column.order", "line.column.match", "line.csv.klarna_order_id",
	"line.csv.short_order_id", "line.csv.capture_id", "line.csv.refund_id", "line.csv.reference1", "line.csv.reference2",
	"line.csv.capture_reference", "line.csv.refund_reference", "line.csv.comment",
}

// LineColumns are the heads of a table of statement lines for spreadsheets.
func LineColumns(ctx context.Context) []string {
	heads := make([]string, len(lineHeads))
	for i, key := range lineHeads {
		heads[i] = i18n.T(ctx, key)
	}
	return heads
}

// LineCells is a statement line as a row of such a table.
func LineCells(ctx context.Context, l *settlement.Line) []string {
	vat := ""
	if l.VATAmount != nil {
		vat = plainAmount(ctx, *l.VATAmount, l.Currency)
	}
	return []string{
		l.PaymentReference, DayValue(l.PayoutDate), LineTypeText(ctx, string(l.Type)), DetailedTypeText(ctx, l.DetailedType), plainAmount(ctx, l.Amount, l.Currency), l.Currency,
		vat, minuteValue(l.CaptureDate), minuteValue(l.SaleDate), l.OrderNumber, MatchStateText(ctx, l.MatchState), l.KlarnaOrderID,
		l.ShortOrderID, l.CaptureID, l.RefundID, l.MerchantReference1, l.MerchantReference2,
		l.MerchantCaptureReference, l.MerchantRefundReference, l.KlarnaComment,
	}
}
