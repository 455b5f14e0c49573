package settlement

import (
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store"
)

// newLine makes of a transaction the line that it is in its payout.
func newLine(p *Payout, runID int64, t *klarna.Transaction) *StatementLine {
	return &StatementLine{
		AccountID: p.AccountID, PayoutID: p.ID, RunID: runID, PaymentReference: p.PaymentReference, PayoutDate: p.PayoutDate,
		Identity: fingerprintOf(p.AccountID, p.PaymentReference, t).identity(),
		Type:     t.Type, DetailedType: t.DetailedType, RawAmount: t.Amount, Amount: signedAmount(t.Type, t.Amount, p.Signed),
		Currency: t.CurrencyCode, SaleDate: dateOf(t.SaleDate), CaptureDate: dateOf(t.CaptureDate),
		KlarnaOrderID: t.OrderID, CaptureID: t.CaptureID, RefundID: t.RefundID, ShortOrderID: t.ShortOrderID,
		MerchantReference1: t.MerchantReference1, MerchantReference2: t.MerchantReference2,
		MerchantCaptureReference: t.MerchantCaptureReference, MerchantRefundReference: t.MerchantRefundReference,
		ReversalReference: t.ReversalReference,
		VATRate:           t.VATRate, VATAmount: t.VATAmount, TaxInRegistration: t.TaxInCurrencyOfRegistration,
		PurchaseCountry: t.PurchaseCountry, ShippingCountry: t.ShippingCountry, KlarnaPaymentMethod: t.InitialPaymentMethodType,
		Installments: t.InitialInstallments, KlarnaComment: t.KlarnaComment,
	}
}

func dateOf(m klarna.Moment) *time.Time {
	if m.IsZero() {
		return nil
	}
	return &m.Time
}

// insertSizes are how many lines one statement carries. They are few, so that the database
// plans few statements and can keep the plans; with more lines at once it gains no more.
var insertSizes = []int{100, 10, 1}

// insertLines stores lines, which get their ids.
func insertLines(tx *gorm.DB, lines []*StatementLine) error {
	for _, size := range insertSizes {
		for len(lines) >= size {
			if err := store.Bulk(tx).Create(lines[:size]).Error; err != nil {
				return err
			}
			lines = lines[size:]
		}
	}
	return nil
}
