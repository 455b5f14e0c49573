package api

import (
	"context"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/views"
)

// OrderInput is an order as a shop posts it.
type OrderInput struct {
	Number          string         `json:"number" pattern:"^[A-Za-z0-9._-]{1,64}$" doc:"Unique."`
	ExternalNumber  string         `json:"external_number" required:"false" doc:"The shop's own number, at most 255 characters."`
	Status          string         `json:"status" required:"false" enum:"draft,released" doc:"released if missing."`
	PlacedAt        string         `json:"placed_at" required:"false" format:"date-time" doc:"Now if missing."`
	PaymentMethod   string         `json:"payment_method" doc:"The type of a payment method."`
	KlarnaOrderID   string         `json:"klarna_order_id" required:"false" doc:"The order's UUID at Klarna; no two orders have the same."`
	Currency        string         `json:"currency" doc:"ISO 4217, three letters."`
	Total           Integer        `json:"total" doc:"In minor units; the sum of the totals of the lines."`
	AutoShip        bool           `json:"auto_ship" required:"false"`
	MarkPaid        *bool          `json:"mark_paid,omitempty" doc:"Paid in advance; as the payment method says if missing. Takes the scope accounting:write, too."`
	Documents       string         `json:"documents" required:"false" enum:"delivery_note,delivery_note_and_invoice,invoice" doc:"What autoship makes; as the payment method says if missing."`
	Customer        Customer       `json:"customer"`
	BillingAddress  order.Address  `json:"billing_address,omitempty"`
	ShippingAddress *order.Address `json:"shipping_address,omitempty" doc:"The billing address if missing."`
	Lines           []Line         `json:"lines" maxItems:"1000"`
}

// Customer is who ordered.
type Customer struct {
	Name  string `json:"name" doc:"At most 255 characters."`
	Email string `json:"email" required:"false"`
}

// Line is a line of an order. Lines are counted from 1.
type Line struct {
	SKU       string   `json:"sku" required:"false"`
	Name      string   `json:"name" doc:"At most 255 characters."`
	Type      string   `json:"type" required:"false" enum:"physical,digital,shipping_fee,discount,gift_card,store_credit,surcharge,sales_tax" doc:"Klarna's types; physical if missing."`
	Quantity  Quantity `json:"quantity"`
	UnitPrice Integer  `json:"unit_price" required:"false" doc:"In minor units, with tax."`
	TaxRate   Integer  `json:"tax_rate" required:"false" doc:"In hundredths of a percent: 1900 is 19 %."`
	Total     Integer  `json:"total" doc:"In minor units, with tax. Discounts, gift cards and store credit are negative."`
}

// input is the order as the services take it.
func (in *OrderInput) input() order.Input {
	placed, _ := time.Parse(time.RFC3339, in.PlacedAt) // validated; the zero time is now
	out := order.Input{
		Number: in.Number, ExternalNumber: in.ExternalNumber, Status: order.Status(in.Status), PlacedAt: placed,
		PaymentMethod: in.PaymentMethod, KlarnaOrderID: in.KlarnaOrderID, Currency: in.Currency, Total: int64(in.Total),
		AutoShip: in.AutoShip, MarkPaid: in.MarkPaid, Documents: in.Documents,
		CustomerName: in.Customer.Name, CustomerEmail: in.Customer.Email,
		BillingAddress: in.BillingAddress, ShippingAddress: in.ShippingAddress,
		Lines: make([]order.LineInput, len(in.Lines)),
	}
	for i, l := range in.Lines {
		out.Lines[i] = order.LineInput{SKU: l.SKU, Name: l.Name, Type: order.LineType(l.Type), Quantity: money.Quantity(l.Quantity),
			UnitPrice: int64(l.UnitPrice), TaxRate: int64(l.TaxRate), Total: int64(l.Total)}
	}
	return out
}

// Summary is an order as a list shows it.
type Summary struct {
	Number          string         `json:"number"`
	ExternalNumber  string         `json:"external_number"`
	Status          order.Status   `json:"status" enum:"draft,released,shipped,completed,cancelled"`
	PlacedAt        time.Time      `json:"placed_at"`
	PaymentMethod   string         `json:"payment_method" doc:"The type of the payment method."`
	KlarnaOrderID   string         `json:"klarna_order_id"`
	Currency        string         `json:"currency"`
	Total           int64          `json:"total" doc:"In minor units."`
	AutoShip        bool           `json:"auto_ship"`
	MarkPaid        bool           `json:"mark_paid"`
	Documents       string         `json:"documents"`
	TellKlarna      bool           `json:"tell_klarna"`
	Customer        Customer       `json:"customer"`
	BillingAddress  order.Address  `json:"billing_address"`
	ShippingAddress *order.Address `json:"shipping_address,omitempty"`
	Feedback        order.Feedback `json:"feedback" enum:"none,waiting,queued,confirmed,partly_confirmed,failed,by_hand,done_by_hand,skipped" doc:"What is known of the conversation with Klarna."`
	Why             Nullable[Why]  `json:"why" doc:"What keeps the order from being captured, null if nothing does."`
	CreatedAt       time.Time      `json:"created_at"`
	UpdatedAt       time.Time      `json:"updated_at"`
}

// Why is the first rule that keeps an order from being captured.
type Why struct {
	Rule capture.Rule `json:"rule"`
	Text string       `json:"text" doc:"In the language of Accept-Language."`
}

// Order is an order in full.
type Order struct {
	Summary
	Lines         []Line         `json:"lines"`
	DeliveryNotes []DeliveryNote `json:"delivery_notes"`
}

// DeliveryNote is what leaves together.
type DeliveryNote struct {
	Number    string            `json:"number"`
	Amount    int64             `json:"amount" doc:"In minor units."`
	Lines     []NoteLine        `json:"lines"`
	Parcels   []Parcel          `json:"parcels"`
	ShippedAt *time.Time        `json:"shipped_at" doc:"null: it has not left."`
	Capture   Nullable[Capture] `json:"capture" doc:"null: nothing is planned."`
}

// NoteLine is the part of an order's line that leaves with a delivery note.
type NoteLine struct {
	Line     Integer  `json:"line" doc:"The order's line, counted from 1."`
	Quantity Quantity `json:"quantity"`
}

// Parcel is a box on its way.
type Parcel struct {
	Carrier        string       `json:"carrier" doc:"Klarna's code, or what was entered."`
	TrackingNumber string       `json:"tracking_number"`
	TrackingURL    string       `json:"tracking_url"`
	Report         order.Report `json:"report" enum:"none,in_capture,pending,sending,reported,refused,unknown" doc:"What Klarna knows of it."`
	ReportedAt     *time.Time   `json:"reported_at"`
}

// Capture is a delivery note told to Klarna.
type Capture struct {
	State          capture.State `json:"state" enum:"pending,sending,confirmed,refused,unknown,by_hand,done_by_hand,skipped,withdrawn"`
	Amount         int64         `json:"amount" doc:"In minor units."`
	CaptureID      string        `json:"capture_id" doc:"Klarna's; empty before it is confirmed."`
	IdempotencyKey string        `json:"idempotency_key" doc:"Under which it was, or is being, sent; empty before."`
	Generation     int           `json:"generation" doc:"Counts the keys."`
	Attempts       int           `json:"attempts" doc:"Of this generation that settled nothing."`
	Adopted        bool          `json:"adopted" doc:"Found at Klarna, not answered to us."`
	ErrorCode      string        `json:"error_code" doc:"Klarna's."`
	ErrorMessages  []string      `json:"error_messages" doc:"Klarna's."`
	CorrelationID  string        `json:"correlation_id" doc:"Klarna's, of the last answer."`
	NextTryAt      *time.Time    `json:"next_try_at"`
}

func summaryOf(ctx context.Context, o *order.Order, why map[int64]capture.Why) Summary {
	s := Summary{
		Number: o.Number, ExternalNumber: o.ExternalNumber, Status: o.Status, PlacedAt: o.PlacedAt,
		PaymentMethod: o.PaymentMethod.Type, KlarnaOrderID: o.KlarnaOrderID, Currency: o.Currency, Total: o.Total,
		AutoShip: o.AutoShip, MarkPaid: o.MarkPaid, Documents: string(o.Documents), TellKlarna: o.TellKlarna,
		Customer:       Customer{Name: o.CustomerName, Email: o.CustomerEmail},
		BillingAddress: o.BillingAddress, ShippingAddress: o.ShippingAddress,
		Feedback: o.Feedback, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
	if w, ok := why[o.ID]; ok {
		s.Why.Value = &Why{Rule: w.Rule, Text: views.WhyText(ctx, w)}
	}
	return s
}

func orderOf(ctx context.Context, o *order.Order, why map[int64]capture.Why, told capture.Told) Order {
	out := Order{Summary: summaryOf(ctx, o, why), Lines: make([]Line, len(o.Lines)), DeliveryNotes: []DeliveryNote{}}
	for i, l := range o.Lines {
		out.Lines[i] = Line{SKU: l.SKU, Name: l.Name, Type: string(l.Type), Quantity: Quantity(l.Quantity),
			UnitPrice: Integer(l.UnitPrice), TaxRate: Integer(l.TaxRate), Total: Integer(l.Total)}
	}
	for i := range o.Notes {
		if n := &o.Notes[i]; n.WithdrawnAt == nil {
			out.DeliveryNotes = append(out.DeliveryNotes, noteOf(o, n, told))
		}
	}
	return out
}

func noteOf(o *order.Order, n *order.DeliveryNote, told capture.Told) DeliveryNote {
	position := map[int64]int{}
	for _, l := range o.Lines {
		position[l.ID] = l.Position
	}
	out := DeliveryNote{Number: n.Number, Amount: n.Amount, ShippedAt: n.ShippedAt,
		Lines: make([]NoteLine, len(n.Lines)), Parcels: make([]Parcel, len(n.Parcels))}
	for i, l := range n.Lines {
		out.Lines[i] = NoteLine{Line: Integer(position[l.OrderLineID]), Quantity: Quantity(l.Quantity)}
	}
	for i := range n.Parcels {
		out.Parcels[i] = parcelOf(&n.Parcels[i])
	}
	if c, ok := told.Captures[n.ID]; ok {
		out.Capture.Value = captureOf(&c)
	}
	return out
}

func parcelOf(p *order.Parcel) Parcel {
	return Parcel{Carrier: p.Carrier, TrackingNumber: p.TrackingNumber, TrackingURL: p.TrackingURL, Report: p.Report, ReportedAt: p.ReportedAt}
}

func captureOf(c *capture.Capture) *Capture {
	out := &Capture{
		State: c.State, Amount: c.Amount, CaptureID: c.CaptureID, IdempotencyKey: c.IdempotencyKey, Generation: c.Generation,
		Attempts: c.Attempts + c.Conflicts, Adopted: c.Adopted, ErrorCode: c.ErrorCode, ErrorMessages: c.ErrorMessages,
		CorrelationID: c.CorrelationID, NextTryAt: c.DueAt,
	}
	if out.ErrorMessages == nil {
		out.ErrorMessages = []string{}
	}
	return out
}
