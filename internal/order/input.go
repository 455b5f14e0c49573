package order

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/paymentmethod"
)

// Limits of an order. MaxKlarnaAmount is the maximum of captured_amount in Klarna's
// Order Management API, MaxLines that of order_lines.
const (
	MaxKlarnaAmount = 200_000_000
	MaxAmount       = 1_000_000_000_000
	MaxLines        = 1000
	MaxText         = 255
	MaxTaxRate      = 10_000
	maxQuantity     = 1_000_000 * money.One
)

// Input is an order as a shop or a person enters it. Amounts are in minor units.
type Input struct {
	Number          string      `json:"number"`
	ExternalNumber  string      `json:"external_number"`
	Status          Status      `json:"status"` // draft or released
	PlacedAt        time.Time   `json:"placed_at"`
	PaymentMethod   string      `json:"payment_method"` // the type of the payment method
	KlarnaOrderID   string      `json:"klarna_order_id"`
	Currency        string      `json:"currency"`
	Total           int64       `json:"total"`
	AutoShip        bool        `json:"auto_ship"`
	MarkPaid        *bool       `json:"mark_paid"` // nil: as the payment method says
	Documents       string      `json:"documents"` // "": as the payment method says
	CustomerName    string      `json:"customer_name"`
	CustomerEmail   string      `json:"customer_email"`
	BillingAddress  Address     `json:"billing_address"`
	ShippingAddress *Address    `json:"shipping_address"`
	Lines           []LineInput `json:"lines"`
}

// LineInput is a line of an Input.
type LineInput struct {
	SKU       string         `json:"sku"`
	Name      string         `json:"name"`
	Type      LineType       `json:"type"`
	Quantity  money.Quantity `json:"quantity"`
	UnitPrice int64          `json:"unit_price"`
	TaxRate   int64          `json:"tax_rate"`
	Total     int64          `json:"total"`
}

var (
	numberForm  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

// normalise trims what people and shops leave around their texts.
func (in *Input) normalise() {
	in.Lines = slices.Clone(in.Lines) // the caller's stay as they are
	for _, s := range []*string{&in.Number, &in.ExternalNumber, &in.PaymentMethod, &in.KlarnaOrderID, &in.Currency,
		&in.Documents, &in.CustomerName, &in.CustomerEmail} {
		*s = strings.TrimSpace(*s)
	}
	in.Currency = strings.ToUpper(in.Currency)
	in.KlarnaOrderID = strings.ToLower(in.KlarnaOrderID)
	in.PlacedAt = in.PlacedAt.UTC().Truncate(time.Microsecond)
	if in.Status == "" {
		in.Status = Released
	}
	if in.BillingAddress.Name == "" {
		in.BillingAddress.Name = in.CustomerName
	}
	in.BillingAddress.normalise()
	if in.ShippingAddress != nil {
		there := *in.ShippingAddress
		there.normalise()
		in.ShippingAddress = &there
		if there == (Address{}) || there == in.BillingAddress {
			in.ShippingAddress = nil
		}
	}
	for i := range in.Lines {
		l := &in.Lines[i]
		l.SKU, l.Name = strings.TrimSpace(l.SKU), strings.TrimSpace(l.Name)
		if l.Type == "" {
			l.Type = Physical
		}
	}
}

func (a *Address) normalise() {
	for _, s := range []*string{&a.Name, &a.Company, &a.Street, &a.Street2, &a.PostalCode, &a.City, &a.Country, &a.Phone} {
		*s = strings.TrimSpace(*s)
	}
	a.Country = strings.ToUpper(a.Country)
}

// check adds what is wrong with a normalised input. The rules that need the payment
// method come after it is found: method is nil when the type is unknown.
func (in *Input) check(f *fault.Checker, method *paymentmethod.Method) {
	if in.Number != "" && (!numberForm.MatchString(in.Number) || strings.Trim(in.Number, ".") == "") {
		f.Add("number", "order.error.number_form")
	}
	f.Line("external_number", in.ExternalNumber, MaxText, false)
	if in.Status != Draft && in.Status != Released {
		f.Add("status", "error.choice", "Value", string(in.Status))
	}
	if in.PlacedAt.IsZero() || in.PlacedAt.Year() < 1990 || in.PlacedAt.Year() > 9999 {
		f.Add("placed_at", "error.date")
	}
	switch {
	case in.PaymentMethod == "":
		f.Add("payment_method", "error.required")
	case method == nil:
		f.Add("payment_method", "order.error.payment_method_unknown", "Type", in.PaymentMethod)
	}
	checkKlarnaOrderID(f, in.KlarnaOrderID)
	if in.Documents != "" && !paymentmethod.Documents(in.Documents).Valid() {
		f.Add("documents", "error.choice", "Value", in.Documents)
	}
	f.Line("customer.name", in.CustomerName, MaxText, true)
	if in.CustomerEmail != "" {
		if a, err := mail.ParseAddress(in.CustomerEmail); err != nil || a.Address != in.CustomerEmail {
			f.Add("customer.email", "error.email")
		}
		f.Line("customer.email", in.CustomerEmail, MaxText, false)
	}
	billing := in.BillingAddress
	if billing.Name == in.CustomerName {
		billing.Name = "" // said above
	}
	billing.check(f, "billing_address.")
	if in.ShippingAddress != nil {
		in.ShippingAddress.check(f, "shipping_address.")
	}
	if !money.ValidCurrency(in.Currency) {
		f.Add("currency", "order.error.currency")
	}
	in.checkAmounts(f, method)
}

// checkKlarnaOrderID refuses what Klarna would: its order ids are UUIDs.
func checkKlarnaOrderID(f *fault.Checker, id string) {
	if id == "" {
		return
	}
	if u, err := uuid.Parse(id); err != nil || u.String() != id {
		f.Add("klarna_order_id", "order.error.klarna_order_id")
	}
}

func (in *Input) checkAmounts(f *fault.Checker, method *paymentmethod.Method) {
	limit := int64(MaxAmount)
	if method != nil && method.Module == paymentmethod.ModuleKlarna {
		limit = MaxKlarnaAmount
	}
	if in.Total < 0 || in.Total > limit {
		f.Add("total", "order.error.total_range", "Max", Money{limit, in.Currency})
	}
	switch {
	case len(in.Lines) == 0:
		f.Add("lines", "order.error.no_lines")
	case len(in.Lines) > MaxLines:
		f.Add("lines", "order.error.too_many_lines", "Max", MaxLines)
		return
	}
	var sum int64
	for i, l := range in.Lines {
		l.check(f, fmt.Sprintf("lines.%d.", i))
		if l.Total > MaxAmount || l.Total < -MaxAmount {
			return // its own message says so; the sum could overflow
		}
		sum += l.Total
	}
	if len(in.Lines) > 0 && sum != in.Total {
		f.Add("total", "order.error.sum", "Sum", Money{sum, in.Currency}, "Total", Money{in.Total, in.Currency})
	}
}

func (l LineInput) check(f *fault.Checker, prefix string) {
	f.Line(prefix+"name", l.Name, MaxText, true)
	f.Line(prefix+"sku", l.SKU, MaxText, false)
	known := false
	for _, t := range LineTypes {
		known = known || t == l.Type
	}
	if !known {
		f.Add(prefix+"type", "error.choice", "Value", string(l.Type))
	}
	if l.Quantity <= 0 || l.Quantity > maxQuantity {
		f.Add(prefix+"quantity", "order.error.quantity")
	}
	if l.TaxRate < 0 || l.TaxRate > MaxTaxRate {
		f.Add(prefix+"tax_rate", "order.error.tax_rate")
	}
	if l.UnitPrice > MaxAmount || l.UnitPrice < -MaxAmount {
		f.Add(prefix+"unit_price", "order.error.amount_range")
	}
	switch {
	case l.Total > MaxAmount || l.Total < -MaxAmount:
		f.Add(prefix+"total", "order.error.amount_range")
	case l.Type.IsReduction() && l.Total > 0:
		f.Add(prefix+"total", "order.error.reduction_positive")
	case !l.Type.IsReduction() && l.Total < 0:
		f.Add(prefix+"total", "order.error.negative")
	}
}

func (a Address) check(f *fault.Checker, prefix string) {
	for _, p := range []struct{ name, value string }{
		{"name", a.Name}, {"company", a.Company}, {"street", a.Street}, {"street2", a.Street2},
		{"postal_code", a.PostalCode}, {"city", a.City}, {"phone", a.Phone},
	} {
		f.Line(prefix+p.name, p.value, MaxText, false)
	}
	if a.Country != "" && !countryForm.MatchString(a.Country) {
		f.Add(prefix+"country", "order.error.country")
	}
}

// hash tells whether two inputs say the same: a shop that posts an order again gets
// the order, not a second one.
func (in *Input) hash() (string, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// order makes the rows of a checked input.
func (in *Input) order(m *paymentmethod.Method) (*Order, []Line) {
	o := &Order{
		Number: in.Number, ExternalNumber: in.ExternalNumber, Status: in.Status, PlacedAt: in.PlacedAt,
		PaymentMethodID: m.ID, PaymentMethod: *m, KlarnaOrderID: in.KlarnaOrderID, Currency: in.Currency, Total: in.Total,
		CustomerName: in.CustomerName, CustomerEmail: in.CustomerEmail,
		BillingAddress: in.BillingAddress, ShippingAddress: in.ShippingAddress,
		MarkPaid: m.MarkPaid, BehavesLike: m.BehavesLike, Documents: m.Documents, AutoShip: in.AutoShip, TellKlarna: true, Feedback: FeedbackNone,
	}
	o.Country = o.Delivery().Country
	if in.MarkPaid != nil {
		o.MarkPaid = *in.MarkPaid
	}
	if in.Documents != "" {
		o.Documents = paymentmethod.Documents(in.Documents)
	}
	if m.Module == paymentmethod.ModuleKlarna {
		o.Feedback = FeedbackWaiting
	}
	lines := make([]Line, len(in.Lines))
	for i, l := range in.Lines {
		lines[i] = Line{Position: i + 1, SKU: l.SKU, Name: l.Name, Type: l.Type, Quantity: l.Quantity,
			UnitPrice: l.UnitPrice, TaxRate: l.TaxRate, Total: l.Total}
	}
	Spread(lines)
	return o, lines
}
