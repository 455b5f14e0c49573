package klarna_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"zahlwerk/internal/klarna"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	answer := func(status int, code string) error {
		return &klarna.Error{Status: status, Code: code, JSON: code != ""}
	}
	for _, tc := range []struct {
		err  error
		want klarna.Answer
	}{
		{nil, klarna.OK},
		{answer(403, "CAPTURE_NOT_ALLOWED"), klarna.CaptureNotAllowed},
		{answer(403, "PAYMENT_METHOD_FAILED"), klarna.PaymentMethodFailed},
		{answer(403, "NOT_ALLOWED"), klarna.Final},
		{answer(403, ""), klarna.BareForbidden},
		{answer(400, "BAD_VALUE"), klarna.Final},
		{answer(400, ""), klarna.Final},
		{answer(400, "CAPTURE_NOT_ALLOWED"), klarna.Final},
		{answer(404, "NO_SUCH_ORDER"), klarna.Final},
		{answer(404, ""), klarna.Final},
		{answer(405, ""), klarna.Final},
		{answer(413, "REQUEST_TOO_LARGE"), klarna.Final},
		{answer(422, "UNPROCESSABLE_ENTITY"), klarna.Final},
		{answer(301, ""), klarna.Final},
		{answer(302, ""), klarna.Final},
		{answer(304, ""), klarna.Final},
		{answer(401, ""), klarna.Unauthorized},
		{answer(401, "UNAUTHORIZED"), klarna.Unauthorized},
		{answer(409, "CONFLICT"), klarna.Conflict},
		{answer(409, ""), klarna.Conflict},
		{answer(429, "TOO_MANY_REQUESTS"), klarna.TooFast},
		{answer(429, ""), klarna.TooFast},
		{answer(408, ""), klarna.Unknown},
		{answer(500, "INTERNAL_SERVER_ERROR"), klarna.Unknown},
		{answer(500, "CAPTURE_NOT_ALLOWED"), klarna.Unknown},
		{answer(502, ""), klarna.Unknown},
		{answer(503, "TEMPORARILY_UNAVAILABLE"), klarna.Unknown},
		{answer(504, ""), klarna.Unknown},
		{answer(599, ""), klarna.Unknown},
		{answer(999, ""), klarna.Unknown},
		{answer(0, ""), klarna.Unknown},
		{&klarna.NoAnswer{Reason: klarna.TimedOut, Err: context.DeadlineExceeded}, klarna.Unknown},
		{&klarna.NoAnswer{Reason: klarna.NotKlarna, Err: io.EOF}, klarna.Unknown},
		{klarna.ErrNotSent, klarna.NotSent},
		{fmt.Errorf("x: %w", klarna.ErrNotSent), klarna.NotSent},
		{fmt.Errorf("x: %w", answer(409, "")), klarna.Conflict},
		{errors.New("whatever"), klarna.Unknown},
		{context.Canceled, klarna.Unknown},
	} {
		if got := klarna.Classify(tc.err); got != tc.want {
			t.Errorf("%v is %s, want %s", tc.err, got, tc.want)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"klarna answered 502": &klarna.Error{Status: 502},
		"klarna answered 403 CAPTURE_NOT_ALLOWED: a; b (correlation id c)": &klarna.Error{
			Status: 403, Code: "CAPTURE_NOT_ALLOWED", Messages: []string{"a", "b"}, CorrelationID: "c"},
		"no answer from klarna (cut): EOF": &klarna.NoAnswer{Reason: klarna.Cut, Err: io.EOF},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if !errors.Is(&klarna.NoAnswer{Err: io.EOF}, io.EOF) {
		t.Error("the cause is lost")
	}
}
