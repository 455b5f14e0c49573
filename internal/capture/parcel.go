package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/work"
)

// ParcelAppend is a parcel that is told to Klarna after its delivery note was captured:
// appended to that capture, once, by the same rules of keys, waits and readings.
type ParcelAppend struct {
	ID            int64
	ParcelID      int64
	CaptureRowID  int64
	OrderID       int64
	KlarnaOrderID string
	State         order.Report // pending, sending, reported, refused or unknown
	Rule          Rule
	Body          []byte
	Attempt
	CreatedAt time.Time
}

// planAppend makes the row that appends a parcel to a confirmed capture, due now.
func planAppend(tx *gorm.DB, c *Capture, p order.Parcel, now time.Time) error {
	if p.Report == order.ReportReported {
		return nil
	}
	a := ParcelAppend{ParcelID: p.ID, CaptureRowID: c.ID, OrderID: c.OrderID, KlarnaOrderID: c.KlarnaOrderID,
		State: order.ReportPending, CreatedAt: now}
	a.UpdatedAt, a.DueAt = now, &now
	if err := tx.Create(&a).Error; err != nil {
		return fmt.Errorf("plan to append parcel %d: %w", p.ID, err)
	}
	return setReport(tx, p.ID, order.ReportPending, nil)
}

func setReport(tx *gorm.DB, parcelID int64, r order.Report, at *time.Time) error {
	return tx.Model(&order.Parcel{}).Where("id = ?", parcelID).Updates(map[string]any{"report": r, "reported_at": at}).Error
}

// appendTurn is one worker's turn with one appended parcel.
type appendTurn struct {
	*Pusher
	claim   *work.Claim
	row     ParcelAppend
	parcel  order.Parcel
	capture Capture
	method  paymentmethod.Method
	calls   []klarna.Call
}

func (p *Pusher) appendParcel(ctx context.Context, c *work.Claim) error {
	t := &appendTurn{Pusher: p, claim: c}
	next, err := t.begin(ctx)
	for err == nil && next != nil {
		next, err = next(ctx)
	}
	if err != nil && len(t.calls) > 0 {
		return errors.Join(err, p.db.InTx(context.WithoutCancel(ctx), func(tx *gorm.DB) error {
			_, err := t.keepCalls(tx)
			return err
		}))
	}
	return err
}

func (t *appendTurn) begin(ctx context.Context) (next step, err error) {
	err = t.db.InTx(ctx, func(tx *gorm.DB) error {
		next = nil
		if err := t.load(tx); err != nil {
			return err
		}
		if !ready(&t.method, t.clock.Now()) { // since the row was claimed
			return t.claim.Finish(tx, t.row.DueAt)
		}
		t.row.resume()
		switch decideAppend(&t.row, &t.method, t.clock.Now(), t.policy) {
		case actRead:
			next = t.read(false)
			return t.claim.Renew(tx)
		case actSend:
			next = t.send
			return t.prepare(tx)
		}
		return t.claim.Finish(tx, nil) // a method that is not ready: saving it makes its rows due
	})
	return next, err
}

// load reads the row and what it needs, and keeps others from changing its order until
// tx ends.
func (t *appendTurn) load(tx *gorm.DB) error {
	t.row, t.parcel, t.capture, t.method = ParcelAppend{}, order.Parcel{}, Capture{}, paymentmethod.Method{}
	if err := tx.Take(&t.row, t.claim.ID).Error; err != nil {
		return fmt.Errorf("read parcel append %d: %w", t.claim.ID, err)
	}
	if _, err := order.Lock(tx, t.row.OrderID); err != nil {
		return fmt.Errorf("read the order of parcel append %d: %w", t.claim.ID, err)
	}
	for _, s := range []struct {
		into any
		id   *int64
	}{{&t.row, &t.claim.ID}, {&t.parcel, &t.row.ParcelID}, {&t.capture, &t.row.CaptureRowID}, {&t.method, &t.capture.PaymentMethodID}} {
		if err := tx.Where("id = ?", *s.id).Take(s.into).Error; err != nil {
			return fmt.Errorf("read what parcel append %d needs: %w", t.claim.ID, err)
		}
	}
	return nil
}

// decideAppend says what is to be done with an appended parcel that is due.
func decideAppend(a *ParcelAppend, m *paymentmethod.Method, now time.Time, p Policy) action {
	if !m.Active || !m.HasCredentials() {
		return actStop
	}
	switch a.State {
	case order.ReportPending:
		if a.ReadFirst || a.old(now, p) || a.IdempotencyKey == "" && a.Generation > 0 {
			return actRead
		}
		return actSend
	case order.ReportSending:
		if a.ReadFirst || a.old(now, p) || a.Attempts >= len(p.Retry) || a.Conflicts > len(p.Retry) {
			return actRead
		}
		return actSend
	case order.ReportUnknown:
		return actRead
	}
	return actStop
}

// old tells that Klarna may soon forget the key under way.
func (a *ParcelAppend) old(now time.Time, p Policy) bool {
	return a.IdempotencyKey != "" && a.FirstSentAt != nil && now.Sub(*a.FirstSentAt) >= p.KeyLifetime
}

// prepare stores key and bytes before the request leaves.
func (t *appendTurn) prepare(tx *gorm.DB) error {
	a, now := &t.row, t.clock.Now()
	was := a.State
	if a.IdempotencyKey == "" {
		body, err := encode(klarna.ShippingInfoRequest{ShippingInfo: []klarna.ShippingInfo{shippingInfo(t.parcel)}})
		if err != nil {
			return err
		}
		a.begin(uuid.NewString(), now)
		a.Body = body
	}
	a.State, a.InFlight, a.ReadFirst, a.LastSentAt = order.ReportSending, true, false, &now
	if err := t.write(tx, was); err != nil {
		return err
	}
	if err := setReport(tx, a.ParcelID, order.ReportSending, nil); err != nil {
		return err
	}
	return t.claim.Renew(tx)
}

var appendColumns = []string{"state", "rule", "body", "generation", "idempotency_key", "attempts", "conflicts", "in_flight", "unanswered",
	"read_first", "first_sent_at", "last_sent_at", "failed_since", "failures", "status", "error_code", "error_messages",
	"correlation_id", "updated_at"}

func (t *appendTurn) write(tx *gorm.DB, was order.Report) error {
	t.row.UpdatedAt = t.clock.Now()
	res := t.claim.Mine(tx).Where("state = ?", was).Select(appendColumns).Updates(&t.row)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != 1 {
		return work.ErrLost
	}
	return nil
}

func (t *appendTurn) api() (*klarna.OrderManagement, error) {
	target, err := t.methods.Target(&t.method)
	if err != nil {
		return nil, err
	}
	return t.client.OrderManagement(target), nil
}

func (t *appendTurn) send(ctx context.Context) (step, error) {
	om, err := t.api()
	if err != nil {
		return nil, err
	}
	a := &t.row
	var call klarna.Call
	if e := t.call(ctx, t.claim, func() {
		call, err = om.AppendShippingInfo(ctx, a.KlarnaOrderID, t.capture.CaptureID, a.IdempotencyKey, a.Body)
	}); e != nil {
		return nil, e
	}
	t.calls = append(t.calls, call)
	if stopped(ctx.Err(), err) {
		return nil, ctx.Err()
	}
	r, due := a.absorb(call, err, t.clock.Now(), t.policy)
	switch r {
	case reactDone:
		return nil, t.reported(ctx)
	case reactReadNow:
		return t.read(true), nil
	case reactRefused, reactNotAllow, reactPutOff:
		return nil, t.refused(ctx)
	}
	return nil, t.again(ctx, r, due, call)
}

// read looks whether the capture at Klarna has the number already.
func (t *appendTurn) read(afterConflict bool) step {
	return func(ctx context.Context) (step, error) {
		if len(t.calls) > 0 {
			if err := t.claim.RenewNow(ctx); err != nil {
				return nil, err
			}
		}
		om, err := t.api()
		if err != nil {
			return nil, err
		}
		var kc *klarna.Capture
		var call klarna.Call
		if e := t.call(ctx, t.claim, func() {
			kc, call, err = om.FindCapture(ctx, t.row.KlarnaOrderID, t.capture.CaptureID)
		}); e != nil {
			return nil, e
		}
		t.calls = append(t.calls, call)
		if stopped(ctx.Err(), err) {
			return nil, ctx.Err()
		}
		switch {
		case err != nil:
			return nil, t.unread(ctx, call, err)
		case reportedIn(kc, []order.Parcel{t.parcel})[t.parcel.ID]:
			return nil, t.reported(ctx)
		case afterConflict:
			return nil, t.later(ctx, order.ReportSending, RuleWaitingForRetry, t.clock.Now().Add(t.policy.backoff(t.row.Conflicts)))
		}
		return t.absent(ctx)
	}
}

// absent goes on when Klarna does not have the number.
func (t *appendTurn) absent(ctx context.Context) (step, error) {
	a, now := &t.row, t.clock.Now()
	settled := now
	if a.LastSentAt != nil {
		settled = a.LastSentAt.Add(t.policy.Minutes(10))
	}
	conflicts := a.IdempotencyKey != "" && a.Conflicts > len(t.policy.Retry)
	switch {
	case a.State != order.ReportPending && (a.old(now, t.policy) || conflicts) && now.Before(settled): // Klarna may still be at it
		return nil, t.later(ctx, order.ReportSending, RuleWaitingForRetry, settled)
	case conflicts:
		return nil, t.refused(ctx)
	case a.old(now, t.policy):
		a.forget()
	}
	before := t.row
	err := t.db.InTx(ctx, func(tx *gorm.DB) error {
		if _, err := order.Lock(tx, before.OrderID); err != nil {
			return err
		}
		t.row = before // the transaction may be run again
		return t.prepare(tx)
	})
	return t.send, err
}

func (t *appendTurn) unread(ctx context.Context, call klarna.Call, err error) error {
	a, now := &t.row, t.clock.Now()
	a.learn(call, err)
	switch klarna.Classify(err) {
	case klarna.Unauthorized:
		return t.again(ctx, reactPause, now, call)
	case klarna.TooFast:
		return t.again(ctx, reactWaitAll, now.Add(max(call.RetryAfter, time.Second)), call)
	case klarna.BareForbidden:
		return t.again(ctx, reactForbidden, a.bareForbidden(now, t.policy), call)
	case klarna.Final, klarna.CaptureNotAllowed, klarna.PaymentMethodFailed:
		return t.refused(ctx)
	}
	if a.State == order.ReportPending { // nothing was sent under a key that still counts
		a.Attempts++
		return t.later(ctx, order.ReportPending, RuleWaitingForRetry, now.Add(t.policy.backoff(a.Attempts)))
	}
	return t.later(ctx, order.ReportUnknown, RuleUnknownOutcome, now.Add(t.policy.Hours(1)))
}

func (t *appendTurn) again(ctx context.Context, r reaction, due time.Time, call klarna.Call) error {
	a, now := &t.row, t.clock.Now()
	s := a.State
	if s == order.ReportSending && !a.Unanswered && a.Conflicts == 0 {
		s = order.ReportPending
	}
	switch r {
	case reactPause, reactForbidden:
		reason := paymentmethod.PauseUnauthorized
		if r == reactForbidden {
			reason = paymentmethod.PauseForbidden
			others, err := t.forbiddenElsewhere(ctx, t.method.ID, a.OrderID)
			if err != nil {
				return err
			}
			if !others && !t.forbiddenLong(&a.Attempt) {
				return t.later(ctx, s, RuleWaitingForRetry, due)
			}
		}
		return t.end(ctx, s, RuleMethodPaused, &now, "", func(tx *gorm.DB) error {
			_, err := t.pauseMethod(tx, &t.method, reason)
			return err
		})
	case reactWaitAll:
		return t.end(ctx, s, RuleWaitingForRetry, &now, "", func(tx *gorm.DB) error {
			return paymentmethod.Wait(tx, t.method.ID, jitter(now, due))
		})
	}
	return t.later(ctx, order.ReportSending, RuleWaitingForRetry, due)
}

func (t *appendTurn) later(ctx context.Context, s order.Report, r Rule, due time.Time) error {
	kind := ""
	if t.row.State != s || t.row.Attempts+t.row.Conflicts <= len(t.policy.Retry) {
		kind = "klarna_parcel_waiting"
	}
	return t.end(ctx, s, r, &due, kind, nil)
}

func (t *appendTurn) reported(ctx context.Context) error {
	return t.end(ctx, order.ReportReported, "", nil, "klarna_parcel_ok", func(tx *gorm.DB) error {
		return paymentmethod.Succeeded(tx, &t.method, t.clock.Now())
	})
}

func (t *appendTurn) refused(ctx context.Context) error {
	return t.end(ctx, order.ReportRefused, RuleParcelNotReported, nil, "klarna_parcel_failed", nil)
}

// end writes how the turn ended, with its calls, in one transaction. kind is that of the
// protocol entry, "" for none.
func (t *appendTurn) end(ctx context.Context, s order.Report, r Rule, due *time.Time, kind string, then func(tx *gorm.DB) error) error {
	return t.db.InTx(ctx, func(tx *gorm.DB) error {
		saved := t.row
		defer func() { t.row = saved }() // the transaction may be run again
		if _, err := order.Lock(tx, t.row.OrderID); err != nil {
			return err
		}
		call, err := t.keepCalls(tx)
		if err != nil {
			return err
		}
		was := t.row.State
		t.row.State, t.row.Rule = s, r
		if err := t.write(tx, was); err != nil {
			return err
		}
		now := t.clock.Now()
		var at *time.Time
		if s == order.ReportReported {
			at = &now
		}
		if err := setReport(tx, t.parcel.ID, s, at); err != nil {
			return err
		}
		if then != nil {
			if err := then(tx); err != nil {
				return err
			}
		}
		if kind != "" {
			if err := order.AddProtocol(tx, t.entry(kind, call, due)); err != nil {
				return err
			}
		}
		return t.claim.Finish(tx, due)
	})
}

func (t *appendTurn) entry(kind string, call *int64, due *time.Time) order.ProtocolEntry {
	a := &t.row
	p := order.Params{"carrier": t.parcel.Carrier, "number": t.parcel.TrackingNumber, "capture_id": t.capture.CaptureID,
		"attempts": a.Attempts + a.Conflicts}
	if a.Status != 0 {
		p["status"] = a.Status
	}
	for name, value := range map[string]string{"code": a.ErrorCode, "messages": joined(a.ErrorMessages), "correlation_id": a.CorrelationID} {
		if value != "" {
			p[name] = value
		}
	}
	if due != nil {
		p["next_try"] = due.Format(time.RFC3339)
	}
	outcome := map[string]order.Outcome{"klarna_parcel_ok": order.OK, "klarna_parcel_failed": order.Failed}[kind]
	return order.ProtocolEntry{OrderID: a.OrderID, At: t.clock.Now(), Kind: kind, Outcome: outcome, Params: p, CallID: call}
}

func (t *appendTurn) keepCalls(tx *gorm.DB) (last *int64, err error) {
	for _, call := range t.calls {
		id, err := paymentmethod.KeepCall(tx, t.capture.PaymentMethodID, call, func(row *paymentmethod.Call) {
			row.OrderID, row.CaptureRowID, row.ParcelID = &t.row.OrderID, &t.row.CaptureRowID, &t.row.ParcelID
		})
		if err != nil {
			return nil, err
		}
		last = &id
	}
	return last, nil
}

// ForgetParcel drops the plan to append a parcel that is taken back. Conflict when it is
// on its way to Klarna, or may be there: Klarna can't delete a number.
func (p *Pusher) ForgetParcel(tx *gorm.DB, parcelID int64) error {
	const untold = "(state = ? OR state = ? AND NOT unanswered)"
	dropped := tx.Where("parcel_id = ? AND "+untold, parcelID, order.ReportPending, order.ReportRefused).Delete(&ParcelAppend{})
	if dropped.Error != nil || dropped.RowsAffected == 1 {
		return dropped.Error
	}
	var told int64
	if err := tx.Model(&ParcelAppend{}).Where("parcel_id = ?", parcelID).Count(&told).Error; err != nil {
		return err
	}
	if told > 0 {
		return fault.New(fault.Conflict, "dispatch.error.parcel_told")
	}
	var c []Capture
	err := tx.Where("delivery_note_id = (SELECT delivery_note_id FROM parcels WHERE id = ?) AND state IN ?", parcelID,
		[]State{Sending, Unknown}).Limit(1).Find(&c).Error
	if err != nil || len(c) == 0 {
		return err
	}
	return fault.New(fault.Conflict, "capture.error.withdraw_"+string(c[0].State))
}
