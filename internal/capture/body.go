package capture

import (
	"encoding/json"
	"fmt"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// Request builds what Klarna is told about a note. The only note of an order is sent
// with the whole amount and no order lines, so that no cent can differ; a part with its
// lines, as far as Klarna's arithmetic can express them.
func Request(note *order.DeliveryNote, lines []order.Line, parcels []order.Parcel, amount int64) klarna.CaptureRequest {
	r := klarna.CaptureRequest{CapturedAmount: amount, Reference: note.Number, Description: note.Number}
	for _, p := range parcels {
		r.ShippingInfo = append(r.ShippingInfo, shippingInfo(p))
	}
	if !note.Whole && amount == note.Amount {
		r.OrderLines = orderLines(note, lines)
	}
	return r
}

func shippingInfo(p order.Parcel) klarna.ShippingInfo {
	return klarna.ShippingInfo{ShippingCompany: p.Carrier, ShippingMethod: klarna.ShippingMethod(p.ShippingMethod),
		TrackingNumber: p.TrackingNumber, TrackingURI: p.TrackingURL}
}

// orderLines returns the note's lines for Klarna, or none at all if one of them can't be
// said in Klarna's terms: a fractional quantity, an amount above quantity × price.
func orderLines(note *order.DeliveryNote, lines []order.Line) []klarna.OrderLine {
	byID := map[int64]order.Line{}
	for _, l := range lines {
		byID[l.ID] = l
	}
	var out []klarna.OrderLine
	var sum int64
	for _, nl := range note.Lines {
		l := byID[nl.OrderLineID]
		if !nl.Quantity.IsWhole() {
			return nil
		}
		quantity := int64(nl.Quantity / money.One)
		discount := quantity*l.UnitPrice - nl.Amount
		if discount < 0 {
			return nil
		}
		out = append(out, klarna.OrderLine{
			Type: klarna.LineType(l.Type), Reference: l.SKU, Name: l.Name, Quantity: quantity, UnitPrice: l.UnitPrice, TaxRate: l.TaxRate,
			TotalAmount: nl.Amount, TotalDiscountAmount: discount, TotalTaxAmount: tax(nl.Amount, l.TaxRate),
		})
		sum += nl.Amount
	}
	if sum != note.Amount {
		return nil
	}
	return out
}

// tax is the tax contained in an amount, rounded half up; rate in hundredths of a percent.
func tax(amount, rate int64) int64 {
	net := 10_000 + rate
	return (2*amount*rate + net) / (2 * net)
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode for Klarna: %w", err)
	}
	return b, nil
}
