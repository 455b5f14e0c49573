package klarnasandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The error codes of Klarna's order management.
const (
	CodeBadValue            = "BAD_VALUE"
	CodeInvalidOrderID      = "INVALID_ORDER_ID"
	CodeNotAllowed          = "NOT_ALLOWED"
	CodeCaptureNotAllowed   = "CAPTURE_NOT_ALLOWED"
	CodeCancelNotAllowed    = "CANCEL_NOT_ALLOWED"
	CodeRefundNotAllowed    = "REFUND_NOT_ALLOWED"
	CodePaymentMethodFailed = "PAYMENT_METHOD_FAILED"
	CodeNoSuchOrder         = "NO_SUCH_ORDER"
	CodeNoSuchCapture       = "NO_SUCH_CAPTURE"
	CodeNotFound            = "NOT_FOUND"
	CodeConflict            = "CONFLICT"
	CodeTooLarge            = "REQUEST_TOO_LARGE"
	CodeUnprocessable       = "UNPROCESSABLE_ENTITY"
	CodeInvalidAddress      = "INVALID_ADDRESS"
	CodeTooManyRequests     = "TOO_MANY_REQUESTS"
	CodeInternalError       = "INTERNAL_SERVER_ERROR"
	CodeUnexpected          = "UNEXPECTED_ERROR"
	CodeUnavailable         = "TEMPORARILY_UNAVAILABLE"
)

// Error is a refusal as Klarna words it: an HTTP status, a code and messages.
type Error struct {
	Status   int
	Code     string
	Messages []string
}

// Error returns the code and the messages in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, strings.Join(e.Messages, " "))
}

// errorBody is the JSON of a refusal.
type errorBody struct {
	ErrorCode     string   `json:"error_code"`
	ErrorMessages []string `json:"error_messages"`
	CorrelationID string   `json:"correlation_id"`
}

func (e *Error) answer(correlationID string) answer {
	messages := e.Messages
	if messages == nil {
		messages = []string{}
	}
	body, err := json.Marshal(errorBody{e.Code, messages, correlationID})
	if err != nil { // strings always encode
		panic(err)
	}
	a := jsonAnswer(e.Status, body)
	a.code = e.Code
	return a
}

func forbidden(code, message string) *Error {
	return &Error{Status: http.StatusForbidden, Code: code, Messages: []string{message}}
}

func notFound(code, format string, args ...any) *Error {
	return &Error{Status: http.StatusNotFound, Code: code, Messages: []string{fmt.Sprintf(format, args...)}}
}

// badFields collects the names of the fields that make no sense.
type badFields []string

func (b *badFields) check(field string, ok bool) {
	if !ok {
		*b = append(*b, field)
	}
}

func badValue(fields ...string) *Error {
	e := &Error{Status: http.StatusBadRequest, Code: CodeBadValue}
	for _, f := range fields {
		e.Messages = append(e.Messages, "Bad value: "+f)
	}
	return e
}
