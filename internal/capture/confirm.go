package capture

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// confirmation is a capture that Klarna certainly holds.
type confirmation struct {
	captureID string
	at        time.Time
	adopted   *klarna.Capture // found by reading
	shared    bool            // somebody else's, of the whole order
	quiet     bool            // read only for its id: Klarna had said yes to us
}

// confirm writes that Klarna captured, and sees to the parcels: those that stand in the
// capture are reported, all others become due to be appended.
func (t *turn) confirm(ctx context.Context, k confirmation) error {
	c := &t.facts.Capture
	at := k.at.UTC().Truncate(time.Microsecond)
	c.CaptureID, c.CapturedAt, c.Shared = k.captureID, &at, k.shared
	c.Adopted = k.adopted != nil && !k.quiet
	if n := len(t.calls); n > 0 {
		c.learn(t.calls[n-1], nil)
	}
	c.InFlight, c.Unanswered, c.FailedSince = false, false, nil
	e := ending{state: Confirmed}
	switch {
	case k.shared:
		e.rule = RuleAlreadyCaptured
	case k.adopted != nil:
		c.Amount = k.adopted.CapturedAmount // of an earlier generation, perhaps
	}
	e.then = func(tx *gorm.DB) error {
		var parcels []order.Parcel
		if err := parcelsOf(tx, t.facts.Note.ID, &parcels); err != nil {
			return err
		}
		in := map[int64]bool{}
		if k.adopted != nil {
			in = reportedIn(k.adopted, parcels)
		} else {
			for _, id := range t.gen.ParcelIDs {
				in[id] = true
			}
		}
		if err := t.seeToParcels(tx, parcels, in); err != nil {
			return err
		}
		if err := paymentmethod.Succeeded(tx, &t.facts.Method, t.clock.Now()); err != nil {
			return err
		}
		if err := t.slowDown(tx); err != nil {
			return err
		}
		return t.protocol(tx, t.success(k, parcels, in))
	}
	return t.end(ctx, e)
}

// seeToParcels marks those that Klarna has and plans the others.
func (t *turn) seeToParcels(tx *gorm.DB, parcels []order.Parcel, in map[int64]bool) error {
	now := t.clock.Now()
	var reported []int64
	for _, p := range parcels {
		if in[p.ID] {
			reported = append(reported, p.ID)
			continue
		}
		if err := planAppend(tx, &t.facts.Capture, p, now); err != nil {
			return err
		}
		t.bell.RingAfter(tx)
	}
	if len(reported) == 0 {
		return nil
	}
	return tx.Model(&order.Parcel{}).Where("id IN ?", reported).
		Updates(map[string]any{"report": order.ReportReported, "reported_at": now}).Error
}

// success is the entry of a confirmation; it names the parcels that stand in it.
func (t *turn) success(k confirmation, parcels []order.Parcel, in map[int64]bool) order.ProtocolEntry {
	var names []string
	for _, p := range parcels {
		if in[p.ID] {
			names = append(names, p.Carrier+" "+p.TrackingNumber)
		}
	}
	params := order.Params{"capture_id": k.captureID, "parcels": strings.Join(names, ", ")}
	if k.adopted != nil {
		params["captured_at"] = k.at.UTC().Format(time.RFC3339)
		params["captured"] = order.Money{Amount: t.facts.Capture.Seen.Captured, Currency: t.facts.Order.Currency}
	}
	kind := "klarna_ok"
	switch {
	case k.shared:
		kind = "klarna_adopted_shared"
	case k.adopted != nil && !k.quiet:
		kind = "klarna_adopted"
	}
	return order.ProtocolEntry{Kind: kind, Outcome: order.OK, Params: params}
}

// slowDown lets the method wait when Klarna says that nothing is left of its limit.
func (t *turn) slowDown(tx *gorm.DB) error {
	if len(t.calls) == 0 {
		return nil
	}
	last := t.calls[len(t.calls)-1]
	if last.RateLimitRemaining != 0 || last.RetryAfter <= 0 {
		return nil
	}
	now := t.clock.Now()
	return paymentmethod.Wait(tx, t.facts.Method.ID, jitter(now, now.Add(last.RetryAfter)))
}
