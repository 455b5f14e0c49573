package order

import (
	"strings"
	"time"
	"unicode"

	"zahlwerk/internal/money"
)

// DeliveryNote is what leaves together, with its own number and amount.
type DeliveryNote struct {
	ID              int64
	OrderID         int64
	Number          string
	Amount          int64 // minor units of the order's currency
	Whole           bool  // the only note of its order, with all of it
	WithoutTracking bool  // it left without a tracking number, and somebody said so
	CreatedBy       string
	CreatedAt       time.Time
	ShippedAt       *time.Time
	WithdrawnAt     *time.Time // taken back: its quantities are open again

	Lines   []NoteLine
	Parcels []Parcel
}

// NoteLine is the part of an order line that leaves with a note.
type NoteLine struct {
	ID             int64
	DeliveryNoteID int64
	OrderLineID    int64
	Quantity       money.Quantity
	Amount         int64
}

// TableName is the table of note lines.
func (NoteLine) TableName() string { return "delivery_note_lines" }

// Report is what Klarna knows of a parcel.
type Report string

// The reports.
const (
	ReportNone      Report = "none"       // nobody tells Klarna
	ReportInCapture Report = "in_capture" // stands in a capture that is under way
	ReportPending   Report = "pending"    // will be told
	ReportSending   Report = "sending"    // is being told
	ReportReported  Report = "reported"   // Klarna has it
	ReportRefused   Report = "refused"    // Klarna does not take it
	ReportUnknown   Report = "unknown"    // no answer tells
)

// Parcel is a box on its way.
type Parcel struct {
	ID             int64
	OrderID        int64
	DeliveryNoteID int64
	Carrier        string // Klarna's carrier code, or what was entered
	ShippingMethod string // Klarna's, or "" where the carrier says nothing
	TrackingNumber string
	TrackingKey    string // the number as it is compared
	TrackingURL    string
	LabelPrintedAt *time.Time
	Report         Report
	ReportedAt     *time.Time
	CreatedBy      string
	CreatedAt      time.Time
}

// TrackingKey is a tracking number as it is compared: in capitals, without blanks, dots,
// dashes and slashes, which people and carriers write as they like.
func TrackingKey(number string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune(".-/_", r) {
			return -1
		}
		return r
	}, number))
}
