package klarna

import (
	"slices"
	"strconv"
	"unicode/utf16"
)

// CaptureRequest is the body of [OrderManagement.Capture]. Amounts are in minor
// units.
type CaptureRequest struct {
	CapturedAmount int64          `json:"captured_amount"`
	Description    string         `json:"description,omitempty"` // the customer reads it
	Reference      string         `json:"reference,omitempty"`   // comes back in the settlements
	OrderLines     []OrderLine    `json:"order_lines,omitempty"`
	ShippingInfo   []ShippingInfo `json:"shipping_info,omitempty"`
}

// ShippingInfoRequest is the body of [OrderManagement.AppendShippingInfo].
type ShippingInfoRequest struct {
	ShippingInfo []ShippingInfo `json:"shipping_info"`
}

// OrderLine is a line of an order or of a capture. Amounts include tax and are
// in minor units; TaxRate is in hundredths of a percent (1900 is 19 %).
// TotalAmount is Quantity × UnitPrice − TotalDiscountAmount.
type OrderLine struct {
	Type                LineType `json:"type,omitempty"`
	Reference           string   `json:"reference,omitempty"`
	Name                string   `json:"name"`
	Quantity            int64    `json:"quantity"`
	QuantityUnit        string   `json:"quantity_unit,omitempty"`
	UnitPrice           int64    `json:"unit_price"`
	TaxRate             int64    `json:"tax_rate,omitempty"`
	TotalAmount         int64    `json:"total_amount"`
	TotalDiscountAmount int64    `json:"total_discount_amount,omitempty"`
	TotalTaxAmount      int64    `json:"total_tax_amount,omitempty"`
}

// LineType is what an order line stands for.
type LineType string

// Klarna's types of lines.
const (
	Physical    LineType = "physical"
	Digital     LineType = "digital"
	ShippingFee LineType = "shipping_fee"
	Discount    LineType = "discount"
	GiftCard    LineType = "gift_card"
	StoreCredit LineType = "store_credit"
	Surcharge   LineType = "surcharge"
	SalesTax    LineType = "sales_tax"
	ReturnFee   LineType = "return_fee"
)

var lineTypes = []LineType{
	Physical, Digital, ShippingFee, Discount, GiftCard, StoreCredit, Surcharge, SalesTax, ReturnFee,
}

// ShippingInfo is one parcel. ShippingCompany is Klarna's code of the carrier.
type ShippingInfo struct {
	ShippingCompany       string         `json:"shipping_company,omitempty"`
	ShippingMethod        ShippingMethod `json:"shipping_method,omitempty"`
	TrackingNumber        string         `json:"tracking_number,omitempty"`
	TrackingURI           string         `json:"tracking_uri,omitempty"`
	ReturnShippingCompany string         `json:"return_shipping_company,omitempty"`
	ReturnTrackingNumber  string         `json:"return_tracking_number,omitempty"`
	ReturnTrackingURI     string         `json:"return_tracking_uri,omitempty"`
}

// ShippingMethod is how a parcel reaches the customer.
type ShippingMethod string

// Klarna's shipping methods.
const (
	Home            ShippingMethod = "Home"
	PickUpStore     ShippingMethod = "PickUpStore"
	BoxRegistered   ShippingMethod = "BoxReg"
	BoxUnregistered ShippingMethod = "BoxUnreg"
	PickUpPoint     ShippingMethod = "PickUpPoint"
	Own             ShippingMethod = "Own"
	Postal          ShippingMethod = "Postal"
	DHLPackstation  ShippingMethod = "DHLPackstation"
	DigitalDelivery ShippingMethod = "Digital"
	Undefined       ShippingMethod = "Undefined"
	PickUpWarehouse ShippingMethod = "PickUpWarehouse"
	ClickCollect    ShippingMethod = "ClickCollect"
	PalletDelivery  ShippingMethod = "PalletDelivery"
)

var shippingMethods = []ShippingMethod{
	Home, PickUpStore, BoxRegistered, BoxUnregistered, PickUpPoint, Own, Postal, DHLPackstation,
	DigitalDelivery, Undefined, PickUpWarehouse, ClickCollect, PalletDelivery,
}

// Klarna's limits.
const (
	MaxAmount        = 200_000_000 // minor units, of a capture and of a line
	MaxText          = 255         // description, reference, name
	MaxQuantityUnit  = 10
	MaxOrderLines    = 1000
	MaxShippingInfos = 500
	MaxCarrier       = 100
	MaxTracking      = 100
	MaxTrackingURI   = 1024
)

// Problem is a value that Klarna would not take.
type Problem struct {
	Field string // in the body, e.g. "shipping_info.2.tracking_number"; counted from 0
	Rule  Rule
	Limit int64 // of MinValue, MaxValue, MaxLength, MaxItems
}

// Rule is what a value breaks.
type Rule string

// The rules.
const (
	Required  Rule = "required"
	MinValue  Rule = "min_value"
	MaxValue  Rule = "max_value"
	MaxLength Rule = "max_length" // characters
	MaxItems  Rule = "max_items"
	OneOf     Rule = "one_of"
)

// Validate returns everything that breaks Klarna's limits, in the order of the
// body.
func (r CaptureRequest) Validate() []Problem {
	var p problems
	p.amount("captured_amount", r.CapturedAmount, 0, MaxAmount)
	p.text("description", r.Description, MaxText)
	p.text("reference", r.Reference, MaxText)
	p.items("order_lines", len(r.OrderLines), MaxOrderLines)
	for i, line := range r.OrderLines {
		line.validate(&p, "order_lines."+strconv.Itoa(i)+".")
	}
	p.shippingInfo(r.ShippingInfo)
	return p
}

// Validate returns everything that breaks Klarna's limits, in the order of the
// body.
func (r ShippingInfoRequest) Validate() []Problem {
	var p problems
	if len(r.ShippingInfo) == 0 {
		p.add("shipping_info", Required, 0)
	}
	p.shippingInfo(r.ShippingInfo)
	return p
}

func (l OrderLine) validate(p *problems, prefix string) {
	if l.Type != "" && !slices.Contains(lineTypes, l.Type) {
		p.add(prefix+"type", OneOf, 0)
	}
	p.text(prefix+"reference", l.Reference, MaxText)
	if l.Name == "" {
		p.add(prefix+"name", Required, 0)
	}
	p.text(prefix+"name", l.Name, MaxText)
	p.atLeast(prefix+"quantity", l.Quantity, 0)
	p.text(prefix+"quantity_unit", l.QuantityUnit, MaxQuantityUnit)
	p.atMost(prefix+"unit_price", l.UnitPrice, MaxAmount)
	p.atLeast(prefix+"tax_rate", l.TaxRate, 0)
	p.atMost(prefix+"total_amount", l.TotalAmount, MaxAmount)
	p.amount(prefix+"total_discount_amount", l.TotalDiscountAmount, 0, MaxAmount)
	p.atMost(prefix+"total_tax_amount", l.TotalTaxAmount, MaxAmount)
}

type problems []Problem

func (p *problems) add(field string, rule Rule, limit int64) {
	*p = append(*p, Problem{Field: field, Rule: rule, Limit: limit})
}

func (p *problems) atLeast(field string, v, limit int64) {
	if v < limit {
		p.add(field, MinValue, limit)
	}
}

func (p *problems) atMost(field string, v, limit int64) {
	if v > limit {
		p.add(field, MaxValue, limit)
	}
}

func (p *problems) amount(field string, v, least, most int64) {
	p.atLeast(field, v, least)
	p.atMost(field, v, most)
}

func (p *problems) items(field string, n, limit int) {
	if n > limit {
		p.add(field, MaxItems, int64(limit))
	}
}

// text counts as Klarna's servers may, in UTF-16: some letters count twice, so
// that what passes here passes there however it is counted.
func (p *problems) text(field, s string, limit int) {
	if len(s) > limit && len(utf16.Encode([]rune(s))) > limit {
		p.add(field, MaxLength, int64(limit))
	}
}

func (p *problems) shippingInfo(infos []ShippingInfo) {
	p.items("shipping_info", len(infos), MaxShippingInfos)
	for i, info := range infos {
		prefix := "shipping_info." + strconv.Itoa(i) + "."
		p.text(prefix+"shipping_company", info.ShippingCompany, MaxCarrier)
		if info.ShippingMethod != "" && !slices.Contains(shippingMethods, info.ShippingMethod) {
			p.add(prefix+"shipping_method", OneOf, 0)
		}
		p.text(prefix+"tracking_number", info.TrackingNumber, MaxTracking)
		p.text(prefix+"tracking_uri", info.TrackingURI, MaxTrackingURI)
		p.text(prefix+"return_shipping_company", info.ReturnShippingCompany, MaxCarrier)
		p.text(prefix+"return_tracking_number", info.ReturnTrackingNumber, MaxTracking)
		p.text(prefix+"return_tracking_uri", info.ReturnTrackingURI, MaxTrackingURI)
	}
}
