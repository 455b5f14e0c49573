package paymentmethod

import (
	"slices"
	"time"

	"zahlwerk/internal/klarna"
)

// Module is what a method is handled by.
type Module string

// The modules.
const (
	ModuleKlarna Module = "klarna"
	ModuleNone   Module = "none"
)

// Modules lists all modules.
func Modules() []Module { return []Module{ModuleKlarna, ModuleNone} }

// Connection is who tells Klarna that a parcel has left.
type Connection string

// The connections.
const (
	API    Connection = "api"    // Zahlwerk
	Manual Connection = "manual" // staff, in Klarna's portal
	Plugin Connection = "plugin" // the shop
)

// Connections lists all connections.
func Connections() []Connection { return []Connection{API, Manual, Plugin} }

// Documents is what autoship makes for an order.
type Documents string

// The documents.
const (
	DeliveryNoteOnly       Documents = "delivery_note"
	DeliveryNoteAndInvoice Documents = "delivery_note_and_invoice"
	InvoiceOnly            Documents = "invoice"
)

// AllDocuments lists all documents.
func AllDocuments() []Documents {
	return []Documents{DeliveryNoteOnly, DeliveryNoteAndInvoice, InvoiceOnly}
}

// Valid tells a value of the list.
func (d Documents) Valid() bool { return slices.Contains(AllDocuments(), d) }

// Behaviour is how a method's orders are treated before and after they leave.
type Behaviour string

// The behaviours.
const (
	Invoice     Behaviour = "invoice"      // paid for after delivery
	Prepayment  Behaviour = "prepayment"   // leaves when the money is there
	DirectDebit Behaviour = "direct_debit" // collected
)

// Behaviours lists all behaviours.
func Behaviours() []Behaviour { return []Behaviour{Invoice, Prepayment, DirectDebit} }

// Region and Environment are Klarna's; the names are here for those who know payment
// methods but not Klarna.
type (
	Region      = klarna.Region
	Environment = klarna.Environment
)

// Method is a payment method.
type Method struct {
	ID                 int64
	Name               string
	Type               string // unique; what orders name it by
	Module             Module
	Connection         Connection
	Active             bool
	MarkPaid           bool // new orders are marked as paid in advance
	Documents          Documents
	BehavesLike        Behaviour
	DocumentText       string
	Region             klarna.Region
	Environment        klarna.Environment
	Username           []byte // sealed
	Password           []byte // sealed
	UsernameHint       string // its beginning, for people to recognise
	CredentialsVersion int64  // counts every change of them
	HoldSeconds        int    // how long a capture waits before it is sent
	PausedAt           *time.Time
	PauseReason        PauseReason
	WaitUntil          *time.Time // Klarna asked to send nothing before
	LastSuccessAt      *time.Time
	CreatedAt          time.Time
	UpdatedAt          time.Time  `gorm:"autoUpdateTime:false"` // by our clock, not the machine's
	DueAt              *time.Time // the next harmless read while paused
}

// TableName is the table of methods.
func (Method) TableName() string { return "payment_methods" }

// PauseReason is why nothing is sent for a method.
type PauseReason string

// The pause reasons.
const (
	PauseUnauthorized PauseReason = "unauthorized" // Klarna refuses the credentials
	PauseForbidden    PauseReason = "forbidden"    // Klarna refuses without a reason, order after order
)

// HasCredentials tells that username and password are there.
func (m *Method) HasCredentials() bool { return len(m.Username) > 0 && len(m.Password) > 0 }

// Missing names the fields without which Zahlwerk can't tell Klarna anything for this
// method. There are none where it does not have to.
func (m *Method) Missing() []string {
	var fields []string
	if !m.Connected() {
		return nil
	}
	if len(m.Username) == 0 {
		fields = append(fields, "username")
	}
	if len(m.Password) == 0 {
		fields = append(fields, "password")
	}
	return fields
}

// PortalURL is the page of an order in Klarna's merchant portal.
func (m *Method) PortalURL(klarnaOrderID string) string {
	return klarna.PortalOrderURL(m.Environment, "", klarnaOrderID)
}

// AwaitsOthersCapture tells that orders wait for money which comes only if somebody else,
// the shop, captures at Klarna: we do when they have left.
func (m *Method) AwaitsOthersCapture() bool {
	return m.Module == ModuleKlarna && m.BehavesLike == Prepayment && !m.MarkPaid && m.Connection != Plugin
}

// Connected tells that Zahlwerk tells Klarna for this method.
func (m *Method) Connected() bool { return m.Module == ModuleKlarna && m.Connection == API }
