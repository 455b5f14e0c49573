package settlement

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
)

// waits are how long an import rests after calls in a row that brought nothing. After the
// last one it gives up what it asked for: short, since other payouts wait behind one that
// can't be read, and what is missing then comes with the next import.
var waits = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}

// Klarna says itself how long to wait after too many requests; how often it may say so in
// a row, and what counts where it does not say how long.
const (
	maxTooMany  = 60
	tooManyWait = time.Second
)

// outcome is what a call that brought nothing means.
type outcome struct {
	wait    time.Duration // again after it, if > 0
	refused bool          // the whole import ends: nothing else would be answered either
	problem *Problem
}

// judge tells what a failed call means, after as many before it. The error is returned
// that is an accident of our own.
func judge(err error, failures int64) (outcome, error) {
	if refusal, ok := errors.AsType[*klarna.Error](err); ok {
		return judgeAnswer(refusal, failures), nil
	}
	no, ok := errors.AsType[*klarna.NoAnswer](err)
	switch {
	case ok && no.Reason == klarna.Stopped:
		return outcome{}, err
	case ok:
		return again(failures, problem("import_run.problem.no_answer."+string(no.Reason))), nil
	case errors.Is(err, klarna.ErrNotSent):
		return outcome{problem: problem("import_run.problem.not_sent")}, nil
	}
	return outcome{}, err
}

func judgeAnswer(e *klarna.Error, failures int64) outcome {
	switch {
	case e.Status == http.StatusUnauthorized:
		return outcome{refused: true, problem: problem("import_run.problem.unauthorized")}
	case e.Status == http.StatusForbidden:
		return outcome{refused: true, problem: problem("import_run.problem.forbidden")}
	case e.Status == http.StatusTooManyRequests:
		o := outcome{problem: problem("import_run.problem.too_many_requests")}
		if failures < maxTooMany {
			o.wait = max(e.RetryAfter, tooManyWait)
		}
		return o
	case e.Status >= 500:
		return again(failures, problem("import_run.problem.unavailable", "Status", e.Status))
	case e.Status == http.StatusNotFound:
		return outcome{problem: problem("import_run.problem.not_found")}
	}
	return outcome{problem: problem("import_run.problem.refused", "Status", e.Status, "Code", e.Code)}
}

func again(failures int64, p *Problem) outcome {
	o := outcome{problem: p}
	if failures < int64(len(waits)) {
		o.wait = waits[failures]
	}
	return o
}

// problem makes a Problem; args are alternating names and values.
func problem(key string, args ...any) *Problem {
	p := &Problem{Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if p.Args == nil {
			p.Args = map[string]any{}
		}
		p.Args[fmt.Sprint(args[i])] = args[i+1]
	}
	return p
}

// toldBy returns what an error tells a person, nil if it is an accident.
func toldBy(err error) *Problem {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Code != fault.Internal {
		return problem(e.Key, e.Args...)
	}
	return nil
}
