package settlement

import (
	"time"

	"zahlwerk/internal/klarna"
)

// RunState is how far an import is.
type RunState string

// The states of an import. One that is queued, running or stopped holds its account: there
// is one such run an account.
const (
	Preview RunState = "preview" // a file was read, and nobody has said that it is to be imported
	Queued  RunState = "queued"
	Running RunState = "running"
	Stopped RunState = "stopped" // by a person, who may continue it
	Done    RunState = "done"
	Failed  RunState = "failed" // some of it was not to be had; what was, is here
	Undone  RunState = "undone"
)

// Active tells that the run holds its account.
func (s RunState) Active() bool { return s == Queued || s == Running || s == Stopped }

// Phase is what a run is busy with.
type Phase string

// The phases.
const (
	Listing  Phase = "listing"  // which payouts there are
	Reading  Phase = "reading"  // their lines
	Clearing Phase = "clearing" // lines of an import that was undone go
)

// ImportRun is a live import, or the import of a file (Live-Import). Its row is what is
// to be done, the truth about it and the record.
type ImportRun struct {
	ID            int64
	AccountID     int64
	Source        Source
	State         RunState
	Phase         Phase
	Forced        bool   // before its time, by an admin
	Actor         string // "" = by itself
	FileName      string
	WindowStart   *time.Time   // payouts from this day on
	WindowEnd     *time.Time   // to this moment; the 7 days count from here
	NextPage      *klarna.Page `gorm:"serializer:json;not null"`
	Listed        int64        // how often the list was read from its beginning
	ListTotal     *int64       // what Klarna said in this reading
	ListNew       int64        // what this reading found first
	Payouts       int64        // found so far
	PayoutsDone   int64        // of them new, known or failed
	PayoutsNew    int64
	PayoutsKnown  int64
	PayoutsFailed int64
	LinesRead     int64
	LinesNew      int64
	LinesKnown    int64
	LinesMatched  int64    // of the new ones: matched, or not about an order
	LinesProposed int64    // of the new ones
	Problem       *Problem `gorm:"serializer:json;not null"`
	Failures      int64    // calls in a row that brought nothing
	PutOff        *Problem `gorm:"serializer:json"` // what the last of these calls met
	CreatedAt     time.Time
	StartedAt     *time.Time
	FinishedAt    *time.Time
	UndoneAt      *time.Time
	UndoneBy      string
	UndoneAfter   int64 // the newest import then: later ones bring it again
	DueAt         *time.Time
}

// LinesUnmatched is how many of the new lines somebody has to look at.
func (r *ImportRun) LinesUnmatched() int64 { return r.LinesNew - r.LinesMatched }

// Problem is what went wrong, for people: a message key with its facts.
type Problem struct {
	Key  string         `json:"key"`
	Args map[string]any `json:"args,omitempty"`
}

// RunPayoutState is how far an import is with a payout.
type RunPayoutState string

// The states of a payout in an import.
const (
	PayoutListed  RunPayoutState = "listed" // its lines are being read
	PayoutStaged  RunPayoutState = "staged" // they are all here and go into their table
	PayoutNew     RunPayoutState = "new"    // it is in the books
	PayoutKnown   RunPayoutState = "known"  // it was there before
	PayoutProblem RunPayoutState = "failed" // it could not be read; see Problem
)

// RunPayout is a payout that an import has found, and how far it is with it.
type RunPayout struct {
	ID               int64
	RunID            int64
	PaymentReference string
	State            RunPayoutState
	Payout           klarna.Payout                    `gorm:"serializer:json;not null"`
	NextPage         *klarna.Page                     `gorm:"serializer:json;not null"`
	Reading          int64                            // how often its lines were read from their beginning
	Total            *int64                           // what Klarna said in this reading
	Lines            int64                            // of this reading
	Digest           string                           // of the lines of this reading, in whatever order
	DigestBefore     string                           // of the reading before
	Sums             map[klarna.TransactionType]int64 `gorm:"serializer:json;not null"` // raw, of this reading
	PayoutID         *int64
	Reread           bool // it was here before: its lines are compared
	LinesNew         int64
	LinesKnown       int64
	Problem          *Problem `gorm:"serializer:json;not null"`
}
