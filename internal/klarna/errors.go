package klarna

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// ErrNotSent is in the chain of every error that was found before anything was
// sent: Klarna knows nothing of it.
var ErrNotSent = errors.New("nothing was sent to Klarna")

// Error is an answer of Klarna's that is not a success, a redirect included.
type Error struct {
	Status        int
	Code          string // Klarna's error_code, "" if there was none
	Messages      []string
	CorrelationID string
	// JSON reports whether the body was a JSON object with an error_code. A 403
	// without one may come from a wrong path or from somebody in between.
	JSON       bool
	RetryAfter time.Duration
}

// Error is the text for the log.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "klarna answered %d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if len(e.Messages) > 0 {
		b.WriteString(": " + strings.Join(e.Messages, "; "))
	}
	if e.CorrelationID != "" {
		b.WriteString(" (correlation id " + e.CorrelationID + ")")
	}
	return b.String()
}

// Reason says why there is no answer.
type Reason string

// The reasons.
const (
	TimedOut  Reason = "timed_out"  // Klarna took too long
	Cut       Reason = "cut"        // no connection, or it was lost
	Stopped   Reason = "stopped"    // we gave up ourselves: the caller's context ended
	TooLarge  Reason = "too_large"  // a success, but too long to read
	NotKlarna Reason = "not_klarna" // a success, but nothing that Klarna says
)

// NoAnswer means that the outcome is unknown: Klarna may have done what was
// asked, or may never have heard of it.
type NoAnswer struct {
	Reason Reason
	Err    error
}

// Error is the text for the log.
func (e *NoAnswer) Error() string {
	return fmt.Sprintf("no answer from klarna (%s): %v", e.Reason, e.Err)
}

// Unwrap returns the cause.
func (e *NoAnswer) Unwrap() error { return e.Err }

// noAnswer tells the reasons apart. ctx is the caller's, without our time-out.
func noAnswer(ctx context.Context, err error) *NoAnswer {
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case ctx.Err() != nil:
		return &NoAnswer{Stopped, err}
	case errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		return &NoAnswer{TimedOut, err}
	}
	return &NoAnswer{Cut, err}
}

// checkResponse returns nil for a success of which at least the headers came.
func checkResponse(r response, call Call) error {
	switch {
	case 200 <= r.status && r.status < 300:
		return nil
	case r.lost != nil:
		return r.lost
	}
	return &Error{
		Status: r.status, Code: call.ErrorCode, Messages: call.ErrorMessages, JSON: call.ErrorCode != "",
		CorrelationID: call.CorrelationID, RetryAfter: call.RetryAfter,
	}
}

// What is kept of an error body at most.
const (
	maxCode     = 100
	maxMessage  = 2000
	maxMessages = 20
)

type errorBody struct {
	code          string
	messages      []string
	correlationID string
}

// parseErrorBody reads whatever it can recognise of an error body. Nothing
// about it can be relied on: it may be empty, HTML, cut, or have other types.
func parseErrorBody(body []byte) (out errorBody) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return out
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return out
	}
	out.code = clip(scalar(fields["error_code"]), maxCode)
	out.correlationID = clip(scalar(fields["correlation_id"]), maxCode)
	messages, isList := fields["error_messages"].([]any)
	if !isList {
		// Others of Klarna's APIs, and the gateways before them, say it like this.
		messages = []any{fields["error_messages"], fields["error_message"]}
	}
	for _, m := range messages[:min(len(messages), maxMessages)] {
		if text := clip(maskText(scalar(m)), maxMessage); text != "" {
			out.messages = append(out.messages, text)
		}
	}
	return out
}

// scalar returns a JSON string or number as text.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return clean(v)
	case json.Number:
		return v.String()
	}
	return ""
}
