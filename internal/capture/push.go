package capture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Pusher tells Klarna: captures, and parcels that come after them.
type Pusher struct {
	db      *store.DB
	clock   *clock.Clock
	bell    *work.Bell
	client  *klarna.Client
	methods *paymentmethod.Service
	policy  Policy
	workers int
	places  chan struct{} // one for each request in flight
}

// NewPusher returns a Pusher; its Queues are given to a work.Runner. workers is how many
// requests are in flight at Klarna at once.
func NewPusher(db *store.DB, clk *clock.Clock, bell *work.Bell, client *klarna.Client, methods *paymentmethod.Service, p Policy, workers int) *Pusher {
	return &Pusher{db: db, clock: clk, bell: bell, client: client, methods: methods, policy: p, workers: workers, places: make(chan struct{}, workers)}
}

// call makes a request to Klarna when there is a place among those in flight. There are
// twice as many turns as places: while some wait for Klarna, others prepare or write
// down. A lease that grew old in the wait is made full again before anything is sent.
func (p *Pusher) call(ctx context.Context, c *work.Claim, request func()) error {
	since := time.Now()
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.places }()
	if time.Since(since) > work.Lease/3 {
		if err := c.RenewNow(ctx); err != nil {
			return err
		}
	}
	request()
	return nil
}

// methodReady keeps rows of a paused or waiting method due, but unclaimed.
const methodReady = `EXISTS (SELECT 1 FROM payment_methods m WHERE m.id = %s
	AND m.paused_at IS NULL AND (m.wait_until IS NULL OR m.wait_until <= ?))`

// methodLeft lets captures go that another is to make from now on: that needs no Klarna.
const methodLeft = `t.state = 'pending' AND EXISTS (SELECT 1 FROM payment_methods m WHERE m.id = t.payment_method_id AND m.connection <> 'api')`

// conversation lets at most one conversation at a time go on per order at Klarna.
const conversation = `CASE klarna_order_id WHEN '' THEN '' ELSE 'klarna:' || klarna_order_id END`

// Queues returns the rows that are work here.
func (p *Pusher) Queues() []*work.Queue {
	return []*work.Queue{
		p.captures(),
		{Name: "parcel", Table: "parcel_appends", Workers: 2 * p.workers, Do: p.appendParcel, Lock: conversation,
			Eligible: fmt.Sprintf(methodReady, "(SELECT c.payment_method_id FROM captures c WHERE c.id = t.capture_row_id)")},
	}
}

func (p *Pusher) captures() *work.Queue {
	return &work.Queue{Name: "capture", Table: "captures", Workers: 2 * p.workers, Do: p.push, Lock: conversation,
		Eligible: fmt.Sprintf(methodReady, "t.payment_method_id") + " OR " + methodLeft}
}

// turn is one worker's turn with one capture.
type turn struct {
	*Pusher
	claim *work.Claim
	facts *Facts
	gen   *Generation
	seen  *klarna.Order // what was read in this turn
	calls []klarna.Call // made in this turn, kept with its end
	// lastCall is the id under which the last of them was kept.
	lastCall *int64
	counted  int // failed tries before what this turn sent
}

// step is what comes next in a turn; nil ends it.
type step func(ctx context.Context) (step, error)

func (p *Pusher) push(ctx context.Context, c *work.Claim) error {
	t := &turn{Pusher: p, claim: c}
	next, err := t.begin(ctx)
	for err == nil && next != nil {
		next, err = next(ctx)
	}
	if err != nil && len(t.calls) > 0 {
		// Somebody else was first, or we are stopping. What I learnt is kept as a record,
		// nothing more.
		return errors.Join(err, p.db.InTx(context.WithoutCancel(ctx), t.keepCalls))
	}
	return err
}

// begin decides what to do and, before anything is sent, stores what will be sent.
func (t *turn) begin(ctx context.Context) (next step, err error) {
	err = t.db.InTx(ctx, func(tx *gorm.DB) error {
		next = nil
		if t.facts, err = load(tx, t.claim.ID); err != nil {
			return err
		}
		c := &t.facts.Capture
		left := c.State == Pending && !t.facts.Method.Connected()
		if !ready(&t.facts.Method, t.clock.Now()) && !left { // since the row was claimed
			return t.claim.Finish(tx, c.DueAt)
		}
		c.resume()
		d := decide(t.facts, t.clock.Now(), t.policy)
		switch d.action {
		case actRead:
			next = t.read(d.purpose)
			return t.claim.Renew(tx)
		case actSend:
			next, err = t.prepare(tx)
			return err
		}
		return t.stop(tx, d)
	})
	return next, err
}

// prepare makes the row sending: key, target, bytes and parcels are stored in this
// transaction, and the request leaves only after its commit.
func (t *turn) prepare(tx *gorm.DB) (step, error) {
	f, c, now := t.facts, &t.facts.Capture, t.clock.Now()
	was := c.State
	t.gen = f.generation()
	if was == Pending {
		body, err := encode(Request(&f.Note, f.Order.Lines, f.Parcels, c.Amount))
		if err != nil {
			return nil, err
		}
		if t.gen != nil && !t.gen.saysStill(f, body, now, t.policy) {
			// Something changed while Klarna put us off: that needs another key, and that a
			// reading first.
			c.forget()
			return t.read(beforeSend), t.claim.Renew(tx)
		}
		if t.gen == nil {
			if t.gen, err = t.newGeneration(tx, body, now); err != nil {
				return nil, err
			}
		}
	}
	c.State = Sending // the rule stays: it is why the last send did not settle it
	c.InFlight, c.ReadFirst, c.LastSentAt = true, false, &now
	t.counted = c.Attempts + c.Conflicts
	if err := t.write(tx, was); err != nil {
		return nil, err
	}
	if was == Unknown { // it is on its way again
		if err := RefreshFeedback(tx, c.OrderID); err != nil {
			return nil, err
		}
	}
	if len(t.gen.ParcelIDs) > 0 {
		err := tx.Model(&order.Parcel{}).Where("id IN ? AND report <> ?", t.gen.ParcelIDs, order.ReportInCapture).
			Update("report", order.ReportInCapture).Error
		if err != nil {
			return nil, err
		}
	}
	return t.send, t.claim.Renew(tx)
}

func (t *turn) newGeneration(tx *gorm.DB, body []byte, now time.Time) (*Generation, error) {
	f, c := t.facts, &t.facts.Capture
	c.begin(uuid.NewString(), now)
	g := &Generation{
		CaptureRowID: c.ID, Generation: c.Generation, IdempotencyKey: c.IdempotencyKey, KlarnaOrderID: c.KlarnaOrderID,
		Region: f.Method.Region, Environment: f.Method.Environment, Username: f.Method.Username,
		Amount: c.Amount, Body: body, ParcelIDs: []int64{}, CreatedAt: now,
	}
	for _, p := range f.Parcels {
		g.ParcelIDs = append(g.ParcelIDs, p.ID)
	}
	if err := tx.Create(g).Error; err != nil {
		return nil, fmt.Errorf("store what capture %d sends: %w", c.ID, err)
	}
	f.Generations = append(f.Generations, *g)
	return g, nil
}

// api is Klarna as the generation under way names it, with the present password.
func (t *turn) api() (*klarna.OrderManagement, error) {
	m := t.facts.Method
	if g := t.facts.generation(); g != nil {
		m.Region, m.Environment, m.Username = g.Region, g.Environment, g.Username
	}
	target, err := t.methods.Target(&m)
	if err != nil {
		return nil, err
	}
	return t.client.OrderManagement(target), nil
}

func (t *turn) send(ctx context.Context) (step, error) {
	om, err := t.api()
	if err != nil {
		return nil, err
	}
	var captureID string
	var call klarna.Call
	if e := t.call(ctx, t.claim, func() {
		captureID, call, err = om.Capture(ctx, t.gen.KlarnaOrderID, t.gen.IdempotencyKey, t.gen.Body)
	}); e != nil {
		return nil, e
	}
	t.calls = append(t.calls, call)
	if stopped(ctx.Err(), err) {
		return nil, ctx.Err() // cut off by our own stop: the same key goes out again at the next start
	}
	c, now := &t.facts.Capture, t.clock.Now()
	r, due := c.absorb(call, err, now, t.policy)
	switch r {
	case reactDone:
		if captureID == "" {
			c.Unanswered = true
			c.Attempts++
			return t.read(afterSuccess), nil
		}
		return nil, t.confirm(ctx, confirmation{captureID: captureID, at: now})
	case reactNotAllow:
		return t.read(afterRefusal), nil
	case reactReadNow:
		return t.read(afterConflict), nil
	case reactRefused:
		return nil, t.refuse(ctx, ruleOf(call))
	case reactPutOff:
		return nil, t.paymentMethodFailed(ctx)
	}
	return nil, t.again(ctx, r, due, call)
}

// ruleOf names a definite refusal.
func ruleOf(call klarna.Call) Rule {
	if call.Status == 404 {
		return RuleNoSuchOrder
	}
	return RuleRefused
}

// read reads the order at Klarna and judges.
func (t *turn) read(why purpose) step {
	return func(ctx context.Context) (step, error) {
		if len(t.calls) > 0 { // the lease was made full before the first call of the turn
			if err := t.claim.RenewNow(ctx); err != nil {
				return nil, err
			}
		}
		om, err := t.api()
		if err != nil {
			return nil, err
		}
		var ko *klarna.Order
		var call klarna.Call
		if e := t.call(ctx, t.claim, func() { ko, call, err = om.Order(ctx, t.target()) }); e != nil {
			return nil, e
		}
		t.calls = append(t.calls, call)
		if stopped(ctx.Err(), err) {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, t.unread(ctx, why, call, err)
		}
		return t.conclude(ctx, why, ko)
	}
}

// target is the order at Klarna that this turn talks about.
func (t *turn) target() string {
	if g := t.facts.generation(); g != nil {
		return g.KlarnaOrderID
	}
	return t.facts.Capture.KlarnaOrderID
}

// reading takes down what was read, and adds what our other rows hold of it.
func (t *turn) reading(ctx context.Context, ko *klarna.Order) (r reading, err error) {
	c, now := &t.facts.Capture, t.clock.Now()
	t.seen = ko
	c.FraudStatus = string(ko.FraudStatus)
	c.Seen = Seen{At: &now, Status: string(ko.Status), Remaining: ko.RemainingAuthorizedAmount, Captured: ko.CapturedAmount}
	if !ko.ExpiresAt.IsZero() {
		c.Seen.ExpiresAt = &ko.ExpiresAt
	}
	r.order = ko
	ids := make([]string, len(ko.Captures))
	for i, kc := range ko.Captures {
		ids[i] = kc.CaptureID
	}
	r.held, err = heldElsewhere(t.db.Read(ctx), c, ids)
	return r, err
}

// conclude carries out what a reading means.
func (t *turn) conclude(ctx context.Context, why purpose, ko *klarna.Order) (next step, err error) {
	r, err := t.reading(ctx, ko)
	if err != nil {
		return nil, err
	}
	c := &t.facts.Capture
	v := judge(t.facts, r, why, t.clock.Now(), t.policy)
	switch v.kind {
	case adoptOurs, adoptShared:
		return nil, t.confirm(ctx, confirmation{captureID: v.capture.CaptureID, at: v.capture.CapturedAt, adopted: v.capture,
			shared: v.kind == adoptShared, quiet: why == afterSuccess})
	case refuse:
		c.Seen.Other = v.other
		return nil, t.refuse(ctx, v.rule)
	case putOff:
		if v.rule == RuleFraudPending {
			return nil, t.fraudPending(ctx, v.due)
		}
		return nil, t.wait(ctx, Sending, v.rule, v.due)
	case sendAnew:
		return nil, t.anew(ctx, v.amount)
	}
	before := t.facts.Capture
	err = t.db.InTx(ctx, func(tx *gorm.DB) error {
		next, err = t.sendAfterReading(tx, before, why)
		return err
	})
	return next, err
}

// sendAfterReading sends after a reading allowed it. What was decided before the
// reading is only still true if nobody changed the row meanwhile.
func (t *turn) sendAfterReading(tx *gorm.DB, before Capture, why purpose) (step, error) {
	f, err := load(tx, before.ID)
	if err != nil {
		return nil, err
	}
	now := f.Capture
	if now.State != before.State || now.Generation != before.Generation || now.Amount != before.Amount || now.KlarnaOrderID != before.KlarnaOrderID {
		return nil, work.ErrLost
	}
	if d, blocked := block(f, t.clock.Now(), t.policy); before.State == Pending && blocked {
		t.facts = f
		return nil, t.stop(tx, d)
	}
	f.Capture = before
	t.facts = f
	if why == beforeSend {
		f.Capture.forget()
	}
	return t.prepare(tx)
}

// jitter spreads those who were told to wait over a fifth of the wait.
func jitter(now, until time.Time) time.Time {
	wait := until.Sub(now)
	return until.Add(time.Duration(rand.Int64N(int64(wait/5) + 1)))
}
