package capture

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/work"
)

// ending is how a turn ends: the capture's new state, what the protocol says of it, and
// when the row is due again (nil: not by itself).
type ending struct {
	state State
	rule  Rule
	due   *time.Time
	entry *order.ProtocolEntry
	then  func(tx *gorm.DB) error // what else becomes true with it
}

// end writes an ending in one transaction, with the calls that led to it. It is written
// only while the row is still ours and in the state we left it in.
func (t *turn) end(ctx context.Context, e ending) error {
	return t.db.InTx(ctx, func(tx *gorm.DB) error {
		// The order first, as everywhere: who holds it decides alone.
		o, err := order.Lock(tx, t.facts.Order.ID)
		if err != nil {
			return err
		}
		o.PaymentMethod = t.facts.Method
		return t.endIn(tx, o, e)
	})
}

// endIn is end in the caller's transaction, which holds the order.
func (t *turn) endIn(tx *gorm.DB, o *order.Order, e ending) error {
	c := t.facts.Capture // a copy: the transaction may be run again
	was := c.State
	if e.rule == RuleFraudPending && (c.Rule != e.rule || c.FailedSince == nil) {
		now := t.clock.Now()
		c.FailedSince = &now
	}
	c.State, c.Rule = e.state, e.rule
	// The calls first: they share the method, which whoever changes it locks before its
	// captures.
	if err := t.keepCalls(tx); err != nil {
		return err
	}
	if err := t.writeRow(tx, &c, was); err != nil {
		return err
	}
	if e.state == Pending { // Klarna holds nothing, so its parcels may come and go
		if err := setReports(tx, t.facts.Note.ID, order.ReportPending); err != nil {
			return err
		}
	}
	if err := t.keepReading(tx); err != nil {
		return err
	}
	if e.then != nil {
		if err := e.then(tx); err != nil {
			return err
		}
	}
	if e.entry != nil {
		if err := t.protocol(tx, *e.entry); err != nil {
			return err
		}
	}
	if e.state != Pending && !e.state.Open() && !t.facts.Note.Whole {
		if err := releaseSiblings(tx, &c, t.clock.Now()); err != nil {
			return err
		}
	}
	if err := refreshFeedback(tx, o); err != nil {
		return err
	}
	return t.claim.Finish(tx, e.due)
}

// write stores the row as the turn has it by now.
func (t *turn) write(tx *gorm.DB, was State) error { return t.writeRow(tx, &t.facts.Capture, was) }

func (t *turn) writeRow(tx *gorm.DB, c *Capture, was State) error {
	c.UpdatedAt = t.clock.Now()
	res := t.claim.Mine(tx).Where("state = ? AND klarna_order_id = ?", was, c.KlarnaOrderID).Select(changing).Updates(c)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != 1 {
		return work.ErrLost
	}
	return nil
}

// keepReading keeps what a reading told about the order itself.
func (t *turn) keepReading(tx *gorm.DB) error {
	if t.seen == nil {
		return nil
	}
	return order.KeepReading(tx, t.facts.Order.ID, t.seen.KlarnaReference, t.seen.ExpiresAt)
}

// releaseSiblings lets parts go on that waited for this one's outcome.
func releaseSiblings(tx *gorm.DB, c *Capture, now time.Time) error {
	return tx.Model(&Capture{}).Where("order_id = ? AND id <> ? AND state = ? AND rule = ? AND due_at > ?",
		c.OrderID, c.ID, Pending, RuleWaitingForRetry, now).Update("due_at", now).Error
}

func (t *turn) keepCalls(tx *gorm.DB) error {
	c := &t.facts.Capture
	for _, call := range t.calls {
		id, err := paymentmethod.KeepCall(tx, c.PaymentMethodID, call, func(row *paymentmethod.Call) {
			row.OrderID, row.CaptureRowID = &c.OrderID, &c.ID
		})
		if err != nil {
			return err
		}
		t.lastCall = &id
	}
	return nil
}

// protocol adds an entry with what every entry about a capture tells: the note, and of
// the last answer status, code, messages and correlation id.
func (t *turn) protocol(tx *gorm.DB, e order.ProtocolEntry) error {
	c := &t.facts.Capture
	e.OrderID, e.At, e.Actor, e.CallID = c.OrderID, t.clock.Now(), c.Actor, t.lastCall
	if e.Params == nil {
		e.Params = order.Params{}
	}
	e.Params["note"] = t.facts.Note.Number
	e.Params["amount"] = order.Money{Amount: c.Amount, Currency: t.facts.Order.Currency}
	if c.Status != 0 {
		e.Params["status"] = c.Status
	}
	for name, value := range map[string]string{"code": c.ErrorCode, "messages": joined(c.ErrorMessages),
		"correlation_id": c.CorrelationID, "fraud_status": c.FraudStatus} {
		if value != "" {
			e.Params[name] = value
		}
	}
	if len(t.calls) > 0 {
		e.Params["attempts"] = t.attempts()
	}
	return order.AddProtocol(tx, e)
}

// attempts is how often the generation under way was sent. Klarna's definite answers are
// counted nowhere else: after them nothing is sent again, or nothing was lost.
func (t *turn) attempts() int {
	c := &t.facts.Capture
	n := c.Attempts + c.Conflicts
	if n == t.counted && slices.ContainsFunc(t.calls, func(call klarna.Call) bool { return call.Method == http.MethodPost }) {
		n++
	}
	return n
}

// stop ends a turn in which nothing was sent.
func (t *turn) stop(tx *gorm.DB, d decision) error {
	c := &t.facts.Capture
	e := ending{state: d.state, rule: d.rule, due: d.due}
	if d.state == Refused {
		c.learn(klarna.Call{ErrorMessages: d.messages()}, nil)
		e.entry = t.failure(d.rule)
		e.then = t.parcelsBecome(order.ReportNone)
	} else if d.state != c.State || d.rule != c.Rule {
		e.entry = notSent(d.state, d.rule)
		if d.state != Pending && d.state != Sending {
			e.then = t.parcelsBecome(order.ReportNone)
		}
	}
	return t.endIn(tx, &t.facts.Order, e)
}

// notSent is the one entry that says why nothing is sent, or not yet.
func notSent(s State, r Rule) *order.ProtocolEntry {
	return &order.ProtocolEntry{Kind: "klarna_not_sent", Params: order.Params{"state": string(s), "rule": string(r)}}
}

// failure is the entry of a definite no.
func (t *turn) failure(r Rule) *order.ProtocolEntry {
	c := &t.facts.Capture
	p := order.Params{"rule": string(r)}
	currency := t.facts.Order.Currency
	if c.Seen.At != nil {
		p["remaining"] = order.Money{Amount: c.Seen.Remaining, Currency: currency}
		p["captured"] = order.Money{Amount: c.Seen.Captured, Currency: currency}
		p["difference"] = order.Money{Amount: c.Amount - c.Seen.Remaining, Currency: currency}
		p["other"] = order.Money{Amount: c.Seen.Other, Currency: currency}
		if c.Seen.ExpiresAt != nil {
			p["expires_at"] = c.Seen.ExpiresAt.Format(time.RFC3339)
		}
	}
	return &order.ProtocolEntry{Kind: "klarna_failed", Outcome: order.Failed, Params: p}
}

func (t *turn) refuse(ctx context.Context, r Rule) error {
	return t.end(ctx, ending{state: Refused, rule: r, entry: t.failure(r), then: t.parcelsBecome(order.ReportNone)})
}

// parcelsBecome changes what the note's parcels show, unless Klarna has them.
func (t *turn) parcelsBecome(r order.Report) func(tx *gorm.DB) error {
	return func(tx *gorm.DB) error { return setReports(tx, t.facts.Note.ID, r) }
}

func setReports(tx *gorm.DB, noteID int64, r order.Report) error {
	return tx.Model(&order.Parcel{}).Where("delivery_note_id = ? AND report IN ?", noteID,
		[]order.Report{order.ReportNone, order.ReportPending, order.ReportInCapture}).Update("report", r).Error
}

// wait puts a capture off.
func (t *turn) wait(ctx context.Context, s State, r Rule, due time.Time) error {
	c := &t.facts.Capture
	var entry *order.ProtocolEntry
	// The first waits are told one by one; those that come round hourly once.
	hourly := c.Attempts+c.Conflicts > len(t.policy.Retry) || c.FailedSince != nil && c.FailedSince.Before(t.clock.Now())
	if c.Rule != r || !hourly {
		entry = &order.ProtocolEntry{Kind: "klarna_waiting", Params: order.Params{"rule": string(r), "next_try": due.Format(time.RFC3339)}}
	}
	if c.State == Pending && s == Sending {
		s = Pending
	}
	return t.end(ctx, ending{state: s, rule: r, due: &due, entry: entry})
}

func (t *turn) fraudPending(ctx context.Context, due time.Time) error {
	c := &t.facts.Capture
	c.forget()
	if c.Rule != RuleFraudPending { // one entry: the hourly readings say nothing new
		return t.end(ctx, ending{state: Pending, rule: RuleFraudPending, due: &due,
			entry: &order.ProtocolEntry{Kind: "klarna_waiting", Params: order.Params{"rule": string(RuleFraudPending), "next_try": due.Format(time.RFC3339)}}})
	}
	return t.end(ctx, ending{state: Pending, rule: RuleFraudPending, due: &due})
}

// paymentMethodFailed tries again after 1, 6 and 24 hours, each with a new key.
func (t *turn) paymentMethodFailed(ctx context.Context) error {
	c := &t.facts.Capture
	waits := []int{1, 6, 24}
	if c.Failures >= len(waits) {
		return t.refuse(ctx, RuleRefused)
	}
	due := t.clock.Now().Add(t.policy.Hours(waits[c.Failures]))
	c.Failures++
	c.forget()
	return t.wait(ctx, Pending, RuleRefused, due)
}

// anew begins a new generation by itself: the old key is too old to be sent again and
// Klarna holds nothing, or a cent of rounding is given up.
func (t *turn) anew(ctx context.Context, amount int64) error {
	c, now := &t.facts.Capture, t.clock.Now()
	c.forget()
	entry := &order.ProtocolEntry{Kind: "klarna_anew"}
	if amount != 0 {
		entry = &order.ProtocolEntry{Kind: "klarna_rounding", Params: order.Params{
			"total": order.Money{Amount: c.Amount, Currency: t.facts.Order.Currency}}}
		c.Amount = amount
	}
	return t.end(ctx, ending{state: Pending, rule: RuleWaitingForRetry, due: &now, entry: entry})
}

// again keeps the key for another send: after a lost answer, a conflict, 401, 429 or a
// 403 that gave no reason. As long as no request of this generation went unanswered
// Klarna certainly holds nothing, and the row is pending.
func (t *turn) again(ctx context.Context, r reaction, due time.Time, call klarna.Call) error {
	c, now, m := &t.facts.Capture, t.clock.Now(), &t.facts.Method
	s := Pending
	if c.Unanswered || c.Conflicts > 0 {
		s = Sending
	}
	switch r {
	case reactPause:
		return t.pause(ctx, s, paymentmethod.PauseUnauthorized)
	case reactForbidden:
		return t.forbidden(ctx, s, due)
	case reactWaitAll:
		return t.end(ctx, ending{state: s, rule: RuleWaitingForRetry, due: &now, then: func(tx *gorm.DB) error {
			return paymentmethod.Wait(tx, m.ID, jitter(now, due))
		}})
	}
	c.State = Sending // as it was stored before the send
	return t.wait(ctx, Sending, RuleWaitingForRetry, due)
}

// pause stops the method. The row stays due: it goes at once when the pause is lifted.
func (t *turn) pause(ctx context.Context, s State, reason paymentmethod.PauseReason) error {
	now, m := t.clock.Now(), &t.facts.Method
	return t.end(ctx, ending{state: s, rule: RuleMethodPaused, due: &now, then: func(tx *gorm.DB) error {
		stands, err := t.pauseMethod(tx, m, reason)
		if err != nil || !stands { // the credentials were mended meanwhile: it goes again at once
			return err
		}
		return t.protocol(tx, order.ProtocolEntry{Kind: "klarna_paused", Outcome: order.Failed,
			Params: order.Params{"reason": string(reason), "method": m.Name}})
	}})
}

// forbidden ends a turn that met a 403 without a reason.
func (t *turn) forbidden(ctx context.Context, s State, due time.Time) error {
	c := &t.facts.Capture
	others, err := t.forbiddenElsewhere(ctx, c.PaymentMethodID, c.OrderID)
	if err != nil {
		return err
	}
	if others || t.forbiddenLong(&c.Attempt) {
		return t.pause(ctx, s, paymentmethod.PauseForbidden)
	}
	return t.wait(ctx, s, RuleWaitingForRetry, due)
}

// unread ends a turn whose reading brought nothing.
func (t *turn) unread(ctx context.Context, why purpose, call klarna.Call, err error) error {
	c, now := &t.facts.Capture, t.clock.Now()
	answer := klarna.Classify(err)
	if why == beforeSend || why == afterUnknown { // otherwise the answer to the request says more
		c.learn(call, err)
	}
	switch answer {
	case klarna.Unauthorized:
		return t.pause(ctx, c.State, paymentmethod.PauseUnauthorized)
	case klarna.TooFast:
		until := now.Add(max(call.RetryAfter, time.Second))
		return t.end(ctx, ending{state: c.State, rule: RuleWaitingForRetry, due: &now, then: func(tx *gorm.DB) error {
			return paymentmethod.Wait(tx, t.facts.Method.ID, jitter(now, until))
		}})
	case klarna.BareForbidden:
		if c.Rule == RuleFraudPending { // that began at another time
			c.FailedSince = nil
		}
		return t.forbidden(ctx, c.State, c.bareForbidden(now, t.policy))
	}
	var definite *klarna.Error
	if errors.As(err, &definite) && definite.Status == 404 && why != afterSuccess {
		return t.refuse(ctx, RuleNoSuchOrder)
	}
	switch why {
	case beforeSend:
		if answer == klarna.Final {
			return t.refuse(ctx, RuleRefused)
		}
		c.Attempts++
		rule := RuleWaitingForRetry
		if c.Rule == RuleFraudPending { // and is, for all we know
			rule = c.Rule
		}
		return t.wait(ctx, Pending, rule, now.Add(t.policy.backoff(c.Attempts)))
	case afterRefusal:
		// Klarna said no, and the reason can't be read now. The same key brings the same
		// no, and then the reading is tried again.
		c.Attempts++
		return t.wait(ctx, Sending, RuleWaitingForRetry, now.Add(t.policy.backoff(c.Attempts)))
	case afterConflict, afterSuccess:
		return t.wait(ctx, Sending, RuleWaitingForRetry, now.Add(t.policy.backoff(max(c.Conflicts, c.Attempts, 1))))
	}
	return t.unknown(ctx, now.Add(t.policy.Hours(1)))
}

// unknown says openly that nobody can tell whether Klarna captured, and goes on asking.
func (t *turn) unknown(ctx context.Context, due time.Time) error {
	e := ending{state: Unknown, rule: RuleUnknownOutcome, due: &due}
	if t.facts.Capture.State != Unknown {
		e.entry = t.failure(RuleUnknownOutcome)
		e.entry.Params["next_try"] = due.Format(time.RFC3339)
	}
	return t.end(ctx, e)
}

func joined(messages []string) string { return strings.Join(messages, " ") }
