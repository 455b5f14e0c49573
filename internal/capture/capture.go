package capture

import (
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
)

// State is where a capture stands.
type State string

// The states. Pending means: Klarna certainly holds nothing of this row.
const (
	Pending    State = "pending"
	Sending    State = "sending"
	Confirmed  State = "confirmed"
	Refused    State = "refused"
	Unknown    State = "unknown"
	ByHand     State = "by_hand"
	DoneByHand State = "done_by_hand"
	Skipped    State = "skipped"
	Withdrawn  State = "withdrawn"
)

// States lists all states.
var States = []State{Pending, Sending, Confirmed, Refused, Unknown, ByHand, DoneByHand, Skipped, Withdrawn}

// Rule names why something is not captured, or not yet.
type Rule string

// The rules; their order in a decision is that of Decision's checks.
const (
	RuleNotKlarna           Rule = "not_klarna"
	RuleManualConnection    Rule = "manual_connection"
	RulePluginConnection    Rule = "plugin_connection"
	RuleDontTell            Rule = "dont_tell"
	RuleMethodInactive      Rule = "method_inactive"
	RuleNoCredentials       Rule = "no_credentials"
	RuleMethodPaused        Rule = "method_paused"
	RuleNoKlarnaOrderID     Rule = "no_klarna_order_id"
	RuleInvalidKlarnaOrder  Rule = "invalid_klarna_order_id"
	RuleCancelled           Rule = "cancelled"
	RuleNotShipped          Rule = "not_shipped"
	RuleNoTracking          Rule = "no_tracking"
	RuleNothingToCapture    Rule = "nothing_to_capture"
	RuleAlreadyCaptured     Rule = "already_captured"
	RuleCapturedElsewhere   Rule = "captured_elsewhere"
	RuleCapturedDifferently Rule = "captured_differently"
	RuleAmountExceeds       Rule = "amount_exceeds_authorisation"
	RuleOrderExpired        Rule = "order_expired"
	RuleOrderClosed         Rule = "order_closed"
	RuleCancelledAtKlarna   Rule = "order_cancelled_at_klarna"
	RuleNoSuchOrder         Rule = "no_such_order_at_klarna"
	RuleFraudPending        Rule = "fraud_pending"
	RuleFraudRejected       Rule = "fraud_rejected"
	RuleRefused             Rule = "refused"
	RuleUnknownOutcome      Rule = "unknown_outcome"
	RuleWaitingForRetry     Rule = "waiting_for_retry"
	RuleParcelNotReported   Rule = "parcel_not_reported"
)

// Attempt is what a row keeps of its tries to tell Klarna something. A generation is
// one key with its bytes; a new generation is a new try in Klarna's eyes.
type Attempt struct {
	Generation     int
	IdempotencyKey string // of the generation under way; "" = the next send makes a new one
	Attempts       int    // of this generation that ended without an answer
	Conflicts      int    // of this generation that ended with 409
	InFlight       bool   // a request is on its way, or was when we were cut off
	Unanswered     bool   // one request of this generation has no definite answer
	ReadFirst      bool   // read at Klarna before the next send
	FirstSentAt    *time.Time
	LastSentAt     *time.Time
	FailedSince    *time.Time // since when Klarna puts us off for the same reason
	Failures       int        // how often it has
	Status         int        // of the last answer
	ErrorCode      string
	ErrorMessages  []string `gorm:"serializer:json"`
	CorrelationID  string
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
	DueAt          *time.Time
}

// Capture is one delivery note told to Klarna.
type Capture struct {
	ID              int64
	DeliveryNoteID  int64
	OrderID         int64
	PaymentMethodID int64
	KlarnaOrderID   string
	State           State
	Rule            Rule
	Amount          int64  // minor units: what is, or will be, captured
	Actor           string // who set it going
	Attempt
	CaptureID   string // Klarna's
	CapturedAt  *time.Time
	Adopted     bool // found at Klarna, not answered to us
	Shared      bool // adopted from somebody else's capture of the whole order
	FraudStatus string
	Seen        Seen `gorm:"serializer:json"`
	CreatedAt   time.Time
	// PaidOutLineID is the line of a payout with which Klarna paid it.
	PaidOutLineID *int64
}

// Seen is what was last read of the order at Klarna, for the explanation.
type Seen struct {
	At        *time.Time `json:"at,omitempty"`
	Status    string     `json:"status,omitempty"`
	Remaining int64      `json:"remaining"`
	Captured  int64      `json:"captured"`
	Other     int64      `json:"other,omitempty"` // the amount of a capture that differs from ours
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// Generation is what one generation of a capture sends, stored before the first send.
type Generation struct {
	ID             int64
	CaptureRowID   int64
	Generation     int
	IdempotencyKey string
	KlarnaOrderID  string
	Region         klarna.Region
	Environment    klarna.Environment
	Username       []byte // sealed
	Amount         int64
	Body           []byte
	ParcelIDs      []int64 `gorm:"serializer:json"`
	CreatedAt      time.Time
}

// TableName is the table of generations.
func (Generation) TableName() string { return "capture_generations" }

// Open tells that the outcome at Klarna is not known yet.
func (s State) Open() bool { return s == Sending || s == Unknown }

// changing are the columns that a conversation changes.
var changing = []string{"state", "rule", "amount", "actor", "klarna_order_id", "generation", "idempotency_key", "attempts", "conflicts",
	"in_flight", "unanswered", "read_first", "first_sent_at", "last_sent_at", "failed_since", "failures", "status",
	"error_code", "error_messages", "correlation_id", "updated_at", "capture_id", "captured_at", "adopted", "shared",
	"fraud_status", "seen"}

// change writes c if its state is still was; ok tells whether it was.
func change(tx *gorm.DB, c *Capture, was State) (ok bool, err error) {
	res := tx.Model(&Capture{}).Where("id = ? AND state = ?", c.ID, was).Select(append([]string{"due_at"}, changing...)).Updates(c)
	return res.RowsAffected == 1, res.Error
}
