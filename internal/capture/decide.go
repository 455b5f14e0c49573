package capture

import (
	"bytes"
	"fmt"
	"time"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Facts is everything that decides about a capture, read in one transaction.
type Facts struct {
	Capture     Capture
	Order       order.Order // with its lines
	Note        order.DeliveryNote
	Parcels     []order.Parcel // of the note
	Method      paymentmethod.Method
	Siblings    []Capture    // the order's other captures
	Generations []Generation // of this capture, oldest first
}

// generation returns the one under way, nil if the next send makes a new one.
func (f *Facts) generation() *Generation {
	if f.Capture.IdempotencyKey == "" || len(f.Generations) == 0 {
		return nil
	}
	return &f.Generations[len(f.Generations)-1]
}

// action is what is to be done next.
type action int

const (
	actStop action = iota // write the new state; nothing is sent
	actRead               // read the order at Klarna, then judge
	actSend               // send the generation under way, or a new one
)

// purpose is why the order is read at Klarna.
type purpose int

const (
	beforeSend    purpose = iota // the first send of a part or of a later generation
	afterUnknown                 // an outcome is unknown, for too long to send blindly
	afterConflict                // 409, again
	afterRefusal                 // CAPTURE_NOT_ALLOWED: why?
	afterSuccess                 // captured, but the answer had no id
)

// decision is what decide found.
type decision struct {
	action  action
	purpose purpose
	// for actStop: the new state, its rule and when to look again (nil: not by itself).
	state State
	rule  Rule
	due   *time.Time
	// problems of the request with Klarna's limits, for a refusal.
	problems []klarna.Problem
}

// messages says what is wrong with the request.
func (d decision) messages() (all []string) {
	for _, p := range d.problems {
		all = append(all, fmt.Sprintf("%s: %s %d", p.Field, p.Rule, p.Limit))
	}
	return all
}

func stop(s State, r Rule) decision { return decision{action: actStop, state: s, rule: r} }

func wait(s State, r Rule, due time.Time) decision {
	return decision{action: actStop, state: s, rule: r, due: &due}
}

// decide says what is to be done with a capture that is due.
func decide(f *Facts, now time.Time, p Policy) decision {
	c := &f.Capture
	switch c.State {
	case Pending:
		if d, blocked := block(f, now, p); blocked {
			return d
		}
		if c.ReadFirst || f.generation() == nil && mustReadFirst(f) {
			return decision{action: actRead, purpose: beforeSend}
		}
		return decision{action: actSend}
	case Sending:
		if d, blocked := unfit(f); blocked {
			return d
		}
		switch {
		case c.ReadFirst, c.Conflicts > len(p.Retry), c.Attempts >= len(p.Retry), keyAge(c, now) >= p.KeyLifetime:
			return decision{action: actRead, purpose: afterUnknown}
		}
		return decision{action: actSend}
	case Unknown:
		if d, blocked := unfit(f); blocked {
			return d
		}
		return decision{action: actRead, purpose: afterUnknown}
	}
	return stop(c.State, c.Rule)
}

// block is the first rule that keeps a pending capture from being sent.
func block(f *Facts, now time.Time, p Policy) (decision, bool) {
	c, o, m := &f.Capture, &f.Order, &f.Method
	switch {
	case o.Status == order.Cancelled: // before whoever would be asked to tell Klarna by hand
		return stop(Withdrawn, RuleCancelled), true
	case m.Connection == paymentmethod.Manual:
		return stop(ByHand, RuleManualConnection), true
	case m.Connection == paymentmethod.Plugin:
		return stop(Skipped, RulePluginConnection), true
	case !o.TellKlarna:
		return stop(Withdrawn, RuleDontTell), true
	}
	if d, blocked := unfit(f); blocked {
		return d, true
	}
	switch {
	case o.KlarnaOrderID == "":
		return stop(Refused, RuleNoKlarnaOrderID), true
	case !klarna.ValidOrderID(o.KlarnaOrderID):
		return stop(Refused, RuleInvalidKlarnaOrder), true
	case c.Amount == 0:
		return stop(Skipped, RuleNothingToCapture), true
	}
	if problems := Request(&f.Note, f.Order.Lines, f.Parcels, c.Amount).Validate(); len(problems) > 0 {
		d := stop(Refused, RuleRefused)
		d.problems = problems
		return d, true
	}
	if !f.Note.Whole {
		for _, s := range f.Siblings {
			if s.State.Open() {
				return wait(Pending, RuleWaitingForRetry, now.Add(p.Minutes(10))), true
			}
		}
	}
	return decision{}, false
}

// unfit says that the method can't talk to Klarna until an admin mends it; saving the
// method makes its captures due again.
func unfit(f *Facts) (decision, bool) {
	switch {
	case !f.Method.Active:
		return stop(f.Capture.State, RuleMethodInactive), true
	case !f.Method.HasCredentials():
		return stop(f.Capture.State, RuleNoCredentials), true
	}
	return decision{}, false
}

// mustReadFirst tells that a new generation may not be sent blindly. The authorisation
// forbids a second capture of a whole order, so its first generation needs no reading.
func mustReadFirst(f *Facts) bool {
	return f.Capture.Generation > 0 || !f.Note.Whole
}

func keyAge(c *Capture, now time.Time) time.Duration {
	if c.FirstSentAt == nil {
		return 0
	}
	return now.Sub(*c.FirstSentAt)
}

// saysStill tells that a generation of which Klarna holds nothing still says what is to
// be said, to whom, under a key that Klarna remembers: while Klarna put us off a parcel
// may have been added or taken away, the credentials mended, or a day gone by.
func (g *Generation) saysStill(f *Facts, body []byte, now time.Time, p Policy) bool {
	m := &f.Method
	return bytes.Equal(g.Body, body) && g.KlarnaOrderID == f.Capture.KlarnaOrderID && g.Region == m.Region &&
		g.Environment == m.Environment && bytes.Equal(g.Username, m.Username) && keyAge(&f.Capture, now) < p.KeyLifetime
}

// ready tells that nothing is to be sent for the method at this moment: it is paused, or
// Klarna asked to wait.
func ready(m *paymentmethod.Method, now time.Time) bool {
	return m.PausedAt == nil && (m.WaitUntil == nil || !m.WaitUntil.After(now))
}
