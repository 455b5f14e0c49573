package fault

import (
	"errors"
	"strings"
)

// Code says what kind of error it is. The comments name the HTTP status that
// the web answers with.
type Code string

// The codes.
const (
	Invalid      Code = "invalid"      // 422: the input breaks a rule
	Conflict     Code = "conflict"     // 409: the state does not allow it
	NotFound     Code = "not_found"    // 404
	Forbidden    Code = "forbidden"    // 403: the person may not do it
	Unauthorized Code = "unauthorized" // 401: nobody is logged in
	TooMany      Code = "too_many"     // 429
	TooLarge     Code = "too_large"    // 413
	Internal     Code = "internal"     // 500: our own accident
)

// InvalidInput is the message key of the error that [Checker.Err] returns.
const InvalidInput = "error.invalid_input"

// Error is an error that a person may be told about.
type Error struct {
	Code   Code
	Key    string  // key of the message in i18n
	Args   []any   // alternating name, value pairs for the message's template
	Fields []Field // what is wrong with which input, in the order found
	Err    error   // the internal cause, for the log; never shown to people
}

// Field is what is wrong with one field of a form or of a JSON body.
type Field struct {
	Name string // as the form or the JSON calls it, e.g. "lines.2.quantity"
	Key  string
	Args []any
}

// New returns an error without an internal cause. args are alternating name,
// value pairs for the message's template.
func New(code Code, key string, args ...any) *Error {
	return &Error{Code: code, Key: key, Args: args}
}

// Wrap returns an error that keeps err as its cause for the log.
func Wrap(err error, code Code, key string, args ...any) *Error {
	return &Error{Code: code, Key: key, Args: args, Err: err}
}

// Error is the text for the log: code, key, fields and cause. The arguments
// are left out, since they may hold what people typed.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code) + ": " + e.Key)
	for _, f := range e.Fields {
		b.WriteString(" [" + f.Name + " " + f.Key + "]")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the internal cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first [*Error] in err's chain, [Internal] for
// every other error (a cancelled context too: whoever cancelled it does not
// ask) and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
