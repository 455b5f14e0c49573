package capture

import (
	"slices"
	"time"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
)

// verdict is what a reading of the order at Klarna means for a capture.
type verdict struct {
	kind    verdictKind
	capture *klarna.Capture // to adopt
	rule    Rule
	due     time.Time
	amount  int64 // for anew: what remains, if that is to be captured instead
	other   int64 // for captured_differently: the other amount
}

type verdictKind int

const (
	adoptOurs   verdictKind = iota // Klarna holds our capture
	adoptShared                    // somebody else captured the whole order
	sendNow                        // go on: the first send, or the same key again
	sendAnew                       // a new generation, by itself
	refuse                         // a person must act
	putOff                         // look again at due
)

// reading is an order as Klarna tells it, with what our other rows hold of it.
type reading struct {
	order *klarna.Order
	// held are the ids of its captures that other rows of ours hold for themselves.
	held []string
}

// judge says what a reading means. It never lets anything be sent that Klarna may
// already hold.
func judge(f *Facts, r reading, why purpose, now time.Time, p Policy) verdict {
	ours, different := match(f, r)
	switch {
	case ours != nil:
		return verdict{kind: adoptOurs, capture: ours}
	case different != nil:
		return verdict{kind: refuse, rule: RuleCapturedDifferently, other: different.CapturedAmount}
	}
	if full := wholeOrderCaptured(f, r); full != nil {
		return verdict{kind: adoptShared, capture: full}
	}
	switch why {
	case beforeSend:
		return judgeFirst(f, r, now, p)
	case afterRefusal:
		return explain(f, r, now, p)
	case afterSuccess: // Klarna said yes, so its own reading may only be late
		return verdict{kind: putOff, rule: RuleWaitingForRetry, due: now.Add(p.backoff(f.Capture.Attempts))}
	case afterConflict:
		return verdict{kind: putOff, rule: RuleWaitingForRetry, due: now.Add(p.backoff(f.Capture.Conflicts))}
	}
	return judgeUnknown(f, now, p)
}

// judgeFirst decides before the first send of a generation.
func judgeFirst(f *Facts, r reading, now time.Time, p Policy) verdict {
	if final := terminal(r.order); final != "" {
		return verdict{kind: refuse, rule: final}
	}
	if r.order.FraudStatus == klarna.FraudPending {
		return fraudPending(f, now, p)
	}
	var confirmed int64
	for _, s := range f.Siblings {
		if s.State == Confirmed && !s.Shared {
			confirmed += s.Amount
		}
	}
	if r.order.CapturedAmount != confirmed {
		return verdict{kind: refuse, rule: RuleCapturedElsewhere}
	}
	return verdict{kind: sendNow}
}

// judgeUnknown decides when an outcome was unknown and Klarna holds nothing of ours.
func judgeUnknown(f *Facts, now time.Time, p Policy) verdict {
	c := &f.Capture
	settled := now
	if c.LastSentAt != nil {
		settled = c.LastSentAt.Add(p.Minutes(10))
	}
	final := c.Conflicts > len(p.Retry) || keyAge(c, now) >= p.KeyLifetime
	switch {
	case final && now.Before(settled): // Klarna may still be at it
		return verdict{kind: putOff, rule: RuleWaitingForRetry, due: settled}
	case c.Conflicts > len(p.Retry):
		return verdict{kind: refuse, rule: RuleRefused}
	case keyAge(c, now) >= p.KeyLifetime:
		return verdict{kind: sendAnew}
	}
	return verdict{kind: sendNow}
}

// explain finds out why Klarna does not allow a capture.
func explain(f *Facts, r reading, now time.Time, p Policy) verdict {
	o := r.order
	if final := terminal(o); final != "" {
		return verdict{kind: refuse, rule: final}
	}
	if o.FraudStatus == klarna.FraudPending {
		return fraudPending(f, now, p)
	}
	remaining, amount := o.RemainingAuthorizedAmount, f.Capture.Amount
	switch {
	case remaining == 0:
		return verdict{kind: refuse, rule: RuleCapturedElsewhere}
	case remaining < amount && f.Note.Whole && amount == f.Note.Amount && amount-remaining <= int64(len(f.Order.Lines)):
		return verdict{kind: sendAnew, amount: remaining} // rounding: at most a cent a line
	case remaining < amount:
		return verdict{kind: refuse, rule: RuleAmountExceeds}
	}
	return verdict{kind: refuse, rule: RuleRefused}
}

// terminal is the rule for an order that can't be captured any more, or "".
func terminal(o *klarna.Order) Rule {
	switch {
	case o.Status == klarna.StatusCancelled:
		return RuleCancelledAtKlarna
	case o.Status == klarna.StatusExpired:
		return RuleOrderExpired
	case o.Status == klarna.StatusClosed:
		return RuleOrderClosed
	case o.FraudStatus == klarna.FraudRejected:
		return RuleFraudRejected
	}
	return ""
}

func fraudPending(f *Facts, now time.Time, p Policy) verdict {
	c := &f.Capture
	if c.Rule == RuleFraudPending && c.FailedSince != nil && now.Sub(*c.FailedSince) >= p.Hours(48) {
		return verdict{kind: refuse, rule: RuleFraudPending}
	}
	return verdict{kind: putOff, rule: RuleFraudPending, due: now.Add(p.Hours(1))}
}

// skew is how far Klarna's clock may be behind ours.
const skew = 10 * time.Minute

// match finds our capture at Klarna: our reference, an amount that we ever sent (or
// would have), not older than our first send, held by no other row. A capture with our
// reference and another amount is different.
func match(f *Facts, r reading) (ours, different *klarna.Capture) {
	since := f.Capture.CreatedAt
	amounts := []int64{}
	for i, g := range f.Generations {
		amounts = append(amounts, g.Amount)
		if i == 0 {
			since = g.CreatedAt
		}
	}
	if len(amounts) == 0 {
		amounts = append(amounts, f.Capture.Amount)
	}
	since = since.Add(-skew)
	for i := range r.order.Captures {
		c := &r.order.Captures[i]
		if c.Reference != f.Note.Number || slices.Contains(r.held, c.CaptureID) {
			continue
		}
		switch {
		case !slices.Contains(amounts, c.CapturedAmount):
			different = c
		case !c.CapturedAt.Before(since):
			return c, nil
		}
	}
	return nil, different
}

// wholeOrderCaptured returns the last capture of an order that was captured in full by
// somebody else: nothing remains, the sum is our total but for rounding, and none of
// its captures is one that we made, or that another order holds.
func wholeOrderCaptured(f *Facts, r reading) *klarna.Capture {
	o := r.order
	off := o.CapturedAmount - f.Order.Total
	if off < 0 {
		off = -off
	}
	if o.RemainingAuthorizedAmount != 0 || len(o.Captures) == 0 || off > int64(len(f.Order.Lines)) {
		return nil
	}
	for _, s := range f.Siblings {
		if s.State == Confirmed && !s.Shared {
			return nil
		}
	}
	for _, c := range o.Captures {
		if slices.Contains(r.held, c.CaptureID) {
			return nil
		}
	}
	return &o.Captures[len(o.Captures)-1]
}

// reportedIn tells which parcels stand in a capture at Klarna.
func reportedIn(c *klarna.Capture, parcels []order.Parcel) map[int64]bool {
	numbers := map[string]bool{}
	for _, s := range c.ShippingInfo {
		numbers[order.TrackingKey(s.TrackingNumber)] = true
	}
	in := map[int64]bool{}
	for _, p := range parcels {
		in[p.ID] = numbers[p.TrackingKey]
	}
	return in
}
