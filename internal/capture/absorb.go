package capture

import (
	"time"

	"zahlwerk/internal/klarna"
)

// reaction is what an answer asks of the conversation, beside what it did to the
// attempt.
type reaction int

const (
	reactDone      reaction = iota // Klarna did it
	reactRefused                   // definite: no
	reactNotAllow                  // no, and a reading tells why
	reactPutOff                    // no, try again later with a new key
	reactAgain                     // the same key again at due
	reactReadNow                   // the second conflict: read before the same key goes again
	reactPause                     // the method is to be paused; the same key again after that
	reactWaitAll                   // too fast: the method waits until; the same key again after that
	reactForbidden                 // 403 without a reason: pause if others meet it too
)

// absorb takes an answer, or the lack of one, to a sent request into the attempt. For
// reactAgain due says when; for reactWaitAll until which time the method waits.
func (a *Attempt) absorb(call klarna.Call, err error, now time.Time, p Policy) (r reaction, due time.Time) {
	a.InFlight = false
	a.learn(call, err)
	answer := klarna.Classify(err)
	if answer != klarna.BareForbidden {
		a.FailedSince = nil
	}
	switch answer {
	case klarna.OK:
		return reactDone, now
	case klarna.CaptureNotAllowed:
		return reactNotAllow, now
	case klarna.PaymentMethodFailed:
		return reactPutOff, now
	case klarna.Unauthorized:
		return reactPause, now
	case klarna.BareForbidden:
		return reactForbidden, a.bareForbidden(now, p)
	case klarna.TooFast:
		return reactWaitAll, now.Add(max(call.RetryAfter, time.Second))
	case klarna.Conflict:
		a.Conflicts++
		switch {
		case a.Conflicts == 2:
			return reactReadNow, now
		case a.Conflicts > len(p.Retry):
			return reactAgain, now.Add(p.Minutes(10))
		}
		return reactAgain, now.Add(p.backoff(a.Conflicts))
	case klarna.Unknown:
		a.Unanswered = true
		a.Attempts++
		return reactAgain, now.Add(p.backoff(a.Attempts))
	}
	return reactRefused, now
}

// bareForbidden is when a request that met a 403 without a reason is tried again: after
// five minutes, then hourly.
func (a *Attempt) bareForbidden(now time.Time, p Policy) time.Time {
	if a.FailedSince == nil {
		a.FailedSince = &now
		return now.Add(p.Minutes(5))
	}
	return now.Add(p.Hours(1))
}

// learn keeps what the last answer said, for people.
func (a *Attempt) learn(call klarna.Call, err error) {
	a.Status, a.CorrelationID = call.Status, call.CorrelationID
	a.ErrorCode, a.ErrorMessages = call.ErrorCode, call.ErrorMessages
	if err != nil && a.ErrorCode == "" && len(a.ErrorMessages) == 0 && call.TransportError != "" {
		a.ErrorMessages = []string{call.TransportError}
	}
}

// begin makes the attempt one of a new generation.
func (a *Attempt) begin(key string, now time.Time) {
	a.Generation++
	a.IdempotencyKey = key
	a.Attempts, a.Conflicts, a.Unanswered = 0, 0, false
	a.FirstSentAt = &now
}

// forget makes the next send one of a new generation.
func (a *Attempt) forget() { a.IdempotencyKey = "" }

// resume notices that we were cut off with a request under way: nobody knows what
// became of it.
func (a *Attempt) resume() {
	if a.InFlight {
		a.InFlight, a.Unanswered = false, true
	}
}

// stopped tells that a call was cut off by our own stop, which is nobody's answer.
func stopped(ctxErr, err error) bool { return err != nil && ctxErr != nil }
