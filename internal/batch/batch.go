package batch

import (
	"errors"
	"time"

	"zahlwerk/internal/fault"
)

// Kind is what a batch does.
type Kind string

// The kinds.
const (
	Autoship       Kind = "autoship"
	ImportOrders   Kind = "import_orders"
	ImportTracking Kind = "import_tracking"
	Release        Kind = "release"
	Ship           Kind = "ship"
	Resend         Kind = "resend"
)

// State is how far a batch has come.
type State string

// The states: filling, preview, running, done; a running one may be stopped and
// continued.
const (
	Filling State = "filling" // its items are being written; one left so is swept
	Preview State = "preview" // waits for somebody to start it
	Running State = "running" // due, or being worked on
	Stopped State = "stopped"
	Done    State = "done"
)

// Batch is many things to do, and how far it is. Done, Unchanged and Refused count
// items; what is missing to Total waits.
type Batch struct {
	ID         int64
	Kind       Kind
	State      State
	Title      string            // what a person calls it: the name of the file
	Params     map[string]string `gorm:"serializer:json;not null"`
	Total      int64
	Done       int64
	Unchanged  int64
	Refused    int64
	Actor      string
	CreatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
	Failures   int        // how often the next item has ended in an accident of our own
	DueAt      *time.Time // of a running one: when its next turn is
}

// Handled is how many items have had their turn.
func (b Batch) Handled() int64 { return b.Done + b.Unchanged + b.Refused }

// ItemState is what became of an item.
type ItemState string

// The states of items.
const (
	Waiting     ItemState = "waiting"
	ItemDone    ItemState = "done"
	Unchanged   ItemState = "unchanged" // there was nothing to do
	ItemRefused ItemState = "refused"
)

// Item is one thing of a batch. In a preview its Messages say what would happen, later
// what happened.
type Item struct {
	ID       int64
	BatchID  int64
	Position int64  // the line in the file, or the place in the selection
	Label    string // what it is about, as people call it: the number of an order
	OrderID  *int64
	Input    string // what the Handler needs, its own business
	State    ItemState
	Messages []Message `gorm:"serializer:json"`
}

// TableName is the table of items.
func (Item) TableName() string { return "batch_items" }

// Message is a text in the reader's language: a key with its facts. Field is the column
// or field that it is about, "" for the whole; Line the line of a file, 0 for no file.
type Message struct {
	Field string         `json:"field,omitempty"`
	Line  int            `json:"line,omitempty"`
	Key   string         `json:"key"`
	Args  map[string]any `json:"args,omitempty"` // strings, numbers, and amounts as order.Money
}

// Say makes a message; args are alternating names and values.
func Say(key string, args ...any) Message { return Message{Key: key, Args: argsOf(args)} }

// MessagesOf returns what an error tells a person, and whether it tells anything: an
// error that is no fault.Error, or one of our own accidents, does not.
func MessagesOf(err error) ([]Message, bool) {
	var e *fault.Error
	if !errors.As(err, &e) || e.Code == fault.Internal {
		return nil, false
	}
	if len(e.Fields) == 0 {
		return []Message{Say(e.Key, e.Args...)}, true
	}
	messages := make([]Message, len(e.Fields))
	for i, f := range e.Fields {
		messages[i] = Message{Field: f.Name, Key: f.Key, Args: argsOf(f.Args)}
	}
	return messages, true
}

// At is a message about a line of a file, and a column of it ("" for the whole line).
func At(line int, column, key string, args ...any) Message {
	return Message{Line: line, Field: column, Key: key, Args: argsOf(args)}
}

func argsOf(args []any) map[string]any {
	if len(args) < 2 {
		return nil
	}
	m := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		if name, ok := args[i].(string); ok {
			m[name] = args[i+1]
		}
	}
	return m
}
