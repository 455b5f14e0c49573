package klarna_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"zahlwerk/internal/klarna"
)

func TestCaptureRequestJSON(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]klarna.CaptureRequest{
		`{"captured_amount":0}`: {},
		`{"captured_amount":6457,"description":"d","reference":"LS-1","order_lines":[` +
			`{"type":"physical","reference":"A-1","name":"Tasse","quantity":2,"quantity_unit":"Stk.","unit_price":1000,"tax_rate":1900,` +
			`"total_amount":1900,"total_discount_amount":100,"total_tax_amount":303},` +
			`{"name":"x","quantity":0,"unit_price":0,"total_amount":0}],` +
			`"shipping_info":[{"shipping_company":"dhl","shipping_method":"Home","tracking_number":"00340434161094000000",` +
			`"tracking_uri":"https://t.example/?n=1"}]}`: fullRequest(),
	} {
		b, err := json.Marshal(r)
		if err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
	}
}

func fullRequest() klarna.CaptureRequest {
	return klarna.CaptureRequest{
		CapturedAmount: 6457, Description: "d", Reference: "LS-1",
		OrderLines: []klarna.OrderLine{
			{
				Type: klarna.Physical, Reference: "A-1", Name: "Tasse", Quantity: 2, QuantityUnit: "Stk.", UnitPrice: 1000,
				TaxRate: 1900, TotalAmount: 1900, TotalDiscountAmount: 100, TotalTaxAmount: 303,
			},
			{Name: "x"},
		},
		ShippingInfo: []klarna.ShippingInfo{{
			ShippingCompany: "dhl", ShippingMethod: klarna.Home, TrackingNumber: "00340434161094000000",
			TrackingURI: "https://t.example/?n=1",
		}},
	}
}

func TestValidateCapture(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*klarna.CaptureRequest)
		want   []klarna.Problem
	}{
		"good":            {func(*klarna.CaptureRequest) {}, nil},
		"nothing":         {func(r *klarna.CaptureRequest) { *r = klarna.CaptureRequest{} }, nil},
		"the most":        {func(r *klarna.CaptureRequest) { r.CapturedAmount = 200_000_000 }, nil},
		"too much":        {func(r *klarna.CaptureRequest) { r.CapturedAmount = 200_000_001 }, one("captured_amount", klarna.MaxValue, 200_000_000)},
		"below zero":      {func(r *klarna.CaptureRequest) { r.CapturedAmount = -1 }, one("captured_amount", klarna.MinValue, 0)},
		"long":            {func(r *klarna.CaptureRequest) { r.Description = strings.Repeat("ü", 255) }, nil},
		"too long":        {func(r *klarna.CaptureRequest) { r.Description = strings.Repeat("ü", 256) }, one("description", klarna.MaxLength, 255)},
		"counts double":   {func(r *klarna.CaptureRequest) { r.Description = strings.Repeat("🎁", 128) }, one("description", klarna.MaxLength, 255)},
		"reference":       {func(r *klarna.CaptureRequest) { r.Reference = strings.Repeat("x", 256) }, one("reference", klarna.MaxLength, 255)},
		"line type":       {func(r *klarna.CaptureRequest) { r.OrderLines[0].Type = "wet" }, one("order_lines.0.type", klarna.OneOf, 0)},
		"line reference":  {func(r *klarna.CaptureRequest) { r.OrderLines[1].Reference = strings.Repeat("x", 256) }, one("order_lines.1.reference", klarna.MaxLength, 255)},
		"no line name":    {func(r *klarna.CaptureRequest) { r.OrderLines[1].Name = "" }, one("order_lines.1.name", klarna.Required, 0)},
		"line name":       {func(r *klarna.CaptureRequest) { r.OrderLines[1].Name = strings.Repeat("x", 256) }, one("order_lines.1.name", klarna.MaxLength, 255)},
		"quantity":        {func(r *klarna.CaptureRequest) { r.OrderLines[0].Quantity = -1 }, one("order_lines.0.quantity", klarna.MinValue, 0)},
		"quantity unit":   {func(r *klarna.CaptureRequest) { r.OrderLines[0].QuantityUnit = "Stückchen.." }, one("order_lines.0.quantity_unit", klarna.MaxLength, 10)},
		"unit price":      {func(r *klarna.CaptureRequest) { r.OrderLines[0].UnitPrice = 200_000_001 }, one("order_lines.0.unit_price", klarna.MaxValue, 200_000_000)},
		"tax rate":        {func(r *klarna.CaptureRequest) { r.OrderLines[0].TaxRate = -1 }, one("order_lines.0.tax_rate", klarna.MinValue, 0)},
		"line total":      {func(r *klarna.CaptureRequest) { r.OrderLines[0].TotalAmount = 200_000_001 }, one("order_lines.0.total_amount", klarna.MaxValue, 200_000_000)},
		"a discount line": {func(r *klarna.CaptureRequest) { r.OrderLines[0].TotalAmount = -500 }, nil},
		"line discount":   {func(r *klarna.CaptureRequest) { r.OrderLines[0].TotalDiscountAmount = -1 }, one("order_lines.0.total_discount_amount", klarna.MinValue, 0)},
		"line tax":        {func(r *klarna.CaptureRequest) { r.OrderLines[0].TotalTaxAmount = 200_000_001 }, one("order_lines.0.total_tax_amount", klarna.MaxValue, 200_000_000)},
		"many lines":      {func(r *klarna.CaptureRequest) { r.OrderLines = lines(1000) }, nil},
		"too many lines":  {func(r *klarna.CaptureRequest) { r.OrderLines = lines(1001) }, one("order_lines", klarna.MaxItems, 1000)},
		"many parcels":    {func(r *klarna.CaptureRequest) { r.ShippingInfo = make([]klarna.ShippingInfo, 500) }, nil},
		"too many parcels": {func(r *klarna.CaptureRequest) { r.ShippingInfo = make([]klarna.ShippingInfo, 501) },
			one("shipping_info", klarna.MaxItems, 500)},
		"carrier":         {func(r *klarna.CaptureRequest) { r.ShippingInfo[0].ShippingCompany = strings.Repeat("x", 101) }, one("shipping_info.0.shipping_company", klarna.MaxLength, 100)},
		"shipping method": {func(r *klarna.CaptureRequest) { r.ShippingInfo[0].ShippingMethod = "home" }, one("shipping_info.0.shipping_method", klarna.OneOf, 0)},
		"tracking number": {func(r *klarna.CaptureRequest) { r.ShippingInfo[0].TrackingNumber = strings.Repeat("x", 101) }, one("shipping_info.0.tracking_number", klarna.MaxLength, 100)},
		"tracking uri":    {func(r *klarna.CaptureRequest) { r.ShippingInfo[0].TrackingURI = strings.Repeat("x", 1025) }, one("shipping_info.0.tracking_uri", klarna.MaxLength, 1024)},
		"returns": {func(r *klarna.CaptureRequest) {
			r.ShippingInfo[0].ReturnShippingCompany = strings.Repeat("x", 101)
			r.ShippingInfo[0].ReturnTrackingNumber = strings.Repeat("x", 101)
			r.ShippingInfo[0].ReturnTrackingURI = strings.Repeat("x", 1025)
		}, []klarna.Problem{
			{Field: "shipping_info.0.return_shipping_company", Rule: klarna.MaxLength, Limit: 100},
			{Field: "shipping_info.0.return_tracking_number", Rule: klarna.MaxLength, Limit: 100},
			{Field: "shipping_info.0.return_tracking_uri", Rule: klarna.MaxLength, Limit: 1024},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := fullRequest()
			tc.change(&r)
			if got := r.Validate(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

func TestValidateShippingInfo(t *testing.T) {
	t.Parallel()
	if got := (klarna.ShippingInfoRequest{ShippingInfo: fullRequest().ShippingInfo}).Validate(); got != nil {
		t.Errorf("a good one: %v", got)
	}
	if got, want := (klarna.ShippingInfoRequest{}).Validate(), one("shipping_info", klarna.Required, 0); !reflect.DeepEqual(got, want) {
		t.Errorf("none: %v, want %v", got, want)
	}
	r := klarna.ShippingInfoRequest{ShippingInfo: []klarna.ShippingInfo{{}, {TrackingNumber: strings.Repeat("x", 101)}}}
	if got, want := r.Validate(), one("shipping_info.1.tracking_number", klarna.MaxLength, 100); !reflect.DeepEqual(got, want) {
		t.Errorf("a long number: %v, want %v", got, want)
	}
}

func one(field string, rule klarna.Rule, limit int64) []klarna.Problem {
	return []klarna.Problem{{Field: field, Rule: rule, Limit: limit}}
}

func lines(n int) []klarna.OrderLine {
	out := make([]klarna.OrderLine, n)
	for i := range out {
		out[i].Name = "x"
	}
	return out
}
