package klarna

import (
	"errors"
	"net/http"
)

// Answer is what an answer of Klarna's means for the one who asked.
type Answer string

// The answers.
const (
	OK Answer = "ok"
	// NotSent: a mistake of ours, found before anything was sent.
	NotSent Answer = "not_sent"
	// CaptureNotAllowed: 403, and the order itself tells why.
	CaptureNotAllowed Answer = "capture_not_allowed"
	// PaymentMethodFailed: 403, to be tried again after some time.
	PaymentMethodFailed Answer = "payment_method_failed"
	// Final: trying the same again leads to the same.
	Final Answer = "final"
	// Unauthorized: 401, about the credentials and not about the order.
	Unauthorized Answer = "unauthorized"
	// BareForbidden: 403 without Klarna's error_code, so no verdict on the order.
	BareForbidden Answer = "bare_forbidden"
	// Conflict: 409, the order is busy or has changed.
	Conflict Answer = "conflict"
	// TooFast: 429.
	TooFast Answer = "too_fast"
	// Unknown: nobody can say whether it happened. 5xx, time-outs, cut connections.
	Unknown Answer = "unknown_outcome"
)

// Klarna's error codes that mean something to us. The list of all:
// https://docs.klarna.com/resources/developer-tools/error-handling/error-codes-and-messages-for-order-management
const (
	CodeCaptureNotAllowed   = "CAPTURE_NOT_ALLOWED"
	CodePaymentMethodFailed = "PAYMENT_METHOD_FAILED"
	CodeNoSuchOrder         = "NO_SUCH_ORDER"
	CodeNoSuchCapture       = "NO_SUCH_CAPTURE"
)

// Classify returns what err means. An error it does not know is Unknown: that
// is the one that leads to no wrong step.
func Classify(err error) Answer {
	if err == nil {
		return OK
	}
	if errors.Is(err, ErrNotSent) {
		return NotSent
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Unknown
	}
	switch {
	case e.Status == http.StatusUnauthorized:
		return Unauthorized
	case e.Status == http.StatusForbidden && !e.JSON:
		return BareForbidden
	case e.Status == http.StatusForbidden && e.Code == CodeCaptureNotAllowed:
		return CaptureNotAllowed
	case e.Status == http.StatusForbidden && e.Code == CodePaymentMethodFailed:
		return PaymentMethodFailed
	case e.Status == http.StatusConflict:
		return Conflict
	case e.Status == http.StatusTooManyRequests:
		return TooFast
	case e.Status == http.StatusRequestTimeout: // a gateway's way of saying time-out
		return Unknown
	case 300 <= e.Status && e.Status < 500:
		return Final
	}
	return Unknown
}
