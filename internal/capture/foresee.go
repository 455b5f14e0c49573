package capture

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// RuleNotPaid says that money which has to come first has not: the only rule that is
// asked before something leaves, and never afterwards.
const RuleNotPaid Rule = "not_paid"

// Prospect is how likely it is that Klarna pays for a delivery note that has not left.
type Prospect string

// The prospects.
const (
	ProspectGood    Prospect = "good"     // nothing known is in the way
	ProspectNone    Prospect = "none"     // Zahlwerk asks Klarna for nothing
	ProspectLater   Prospect = "later"    // once somebody has mended something, by itself
	ProspectAtStake Prospect = "at_stake" // who ships now may not get the money
)

// Outlook is whether a delivery note can be captured as it stands, as far as that is
// known here.
type Outlook struct {
	Prospect Prospect
	Rule     Rule // "": nothing is in the way
	Params   order.Params
	ReadAt   *time.Time // when the order was last read at Klarna; nil: never
}

// Reading is an order as it was last read at Klarna.
type Reading struct {
	OrderID       int64 `gorm:"primaryKey;autoIncrement:false"`
	KlarnaOrderID string
	At            time.Time
	Status        klarna.OrderStatus
	FraudStatus   klarna.FraudStatus
	Captured      int64
	Remaining     int64
	ExpiresAt     *time.Time
}

// TableName is the table of readings.
func (Reading) TableName() string { return "klarna_readings" }

// keepReading keeps what a person's reading brought, for those who ship the order later.
func keepReading(tx *gorm.DB, o *order.Order, ko *klarna.Order, now time.Time) error {
	r := Reading{OrderID: o.ID, KlarnaOrderID: o.KlarnaOrderID, At: now, Status: ko.Status, FraudStatus: ko.FraudStatus,
		Captured: ko.CapturedAmount, Remaining: ko.RemainingAuthorizedAmount}
	if !ko.ExpiresAt.IsZero() {
		at := ko.ExpiresAt.UTC().Truncate(time.Microsecond)
		r.ExpiresAt = &at
	}
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&r).Error
}

// Foresee tells whether a note that has not left can be captured as it stands, by what
// is known here: Klarna is not asked. The order comes with its lines and its payment
// method.
func (p *Pusher) Foresee(ctx context.Context, o *order.Order, n *order.DeliveryNote) (Outlook, error) {
	var readings []Reading
	err := p.db.Read(ctx).Where("order_id = ? AND klarna_order_id = ?", o.ID, o.KlarnaOrderID).Limit(1).Find(&readings).Error
	if err != nil {
		return Outlook{}, fmt.Errorf("read what Klarna said of order %s: %w", o.Number, err)
	}
	captures, err := ofOrder(p.db.Read(ctx), o.ID)
	if err != nil {
		return Outlook{}, err
	}
	f := foresight{order: o, note: n, now: p.clock.Now()}
	for _, c := range captures {
		if s := c.Seen; s.At != nil && c.KlarnaOrderID == o.KlarnaOrderID {
			readings = append(readings, Reading{At: *s.At, Status: klarna.OrderStatus(s.Status), FraudStatus: klarna.FraudStatus(c.FraudStatus),
				Captured: s.Captured, Remaining: s.Remaining, ExpiresAt: s.ExpiresAt})
		}
		if c.DeliveryNoteID != n.ID {
			f.others = append(f.others, c)
		}
	}
	for i := range readings {
		if r := &readings[i]; f.last == nil || r.At.After(f.last.At) {
			f.last = r
		}
	}
	return f.outlook(), nil
}

// foresight is what Foresee looks at.
type foresight struct {
	order  *order.Order
	note   *order.DeliveryNote
	others []Capture // of the order's other notes
	last   *Reading  // nil: never read
	now    time.Time
}

func (f foresight) outlook() Outlook {
	prospect, rule := f.judge()
	o, m := f.order, &f.order.PaymentMethod
	money := func(n int64) order.Money { return order.Money{Amount: n, Currency: o.Currency} }
	out := Outlook{Prospect: prospect, Rule: rule, Params: order.Params{
		"method": m.Name, "klarna_order_id": o.KlarnaOrderID, "reason": o.DontTellReason, "amount": money(f.note.Amount)}}
	if expires := f.expires(); expires != nil {
		out.Params["expires_at"] = expires.Format(time.RFC3339)
	}
	if f.last == nil {
		return out
	}
	captured, remaining := f.held()
	out.ReadAt = &f.last.At
	out.Params["captured"], out.Params["remaining"], out.Params["difference"] = money(captured), money(remaining), money(f.note.Amount-remaining)
	return out
}

// judge finds the first rule in the way: what puts the money at stake comes before what
// only delays it.
func (f foresight) judge() (Prospect, Rule) {
	o, m := f.order, &f.order.PaymentMethod
	switch {
	case o.Status == order.Cancelled:
		return ProspectAtStake, RuleCancelled
	case !o.Paid():
		return ProspectAtStake, RuleNotPaid
	case m.Module != paymentmethod.ModuleKlarna:
		return ProspectNone, RuleNotKlarna
	case m.Connection == paymentmethod.Manual:
		return ProspectNone, RuleManualConnection
	case m.Connection == paymentmethod.Plugin:
		return ProspectNone, RulePluginConnection
	case !o.TellKlarna:
		return ProspectNone, RuleDontTell
	case o.KlarnaOrderID == "":
		return ProspectAtStake, RuleNoKlarnaOrderID
	case !klarna.ValidOrderID(o.KlarnaOrderID):
		return ProspectAtStake, RuleInvalidKlarnaOrder
	case f.note.Amount == 0:
		return ProspectNone, RuleNothingToCapture
	}
	if p, r := f.judgeReading(); r != "" {
		return p, r
	}
	if r := methodRule(m); r != "" {
		return ProspectLater, r
	}
	return ProspectGood, ""
}

// judgeReading judges by what was last read at Klarna, as the push will.
func (f foresight) judgeReading() (Prospect, Rule) {
	if f.last == nil {
		if expires := f.expires(); expires != nil && !expires.After(f.now) {
			return ProspectAtStake, RuleOrderExpired
		}
		return ProspectGood, ""
	}
	captured, remaining := f.held()
	rounding, amount := int64(len(f.order.Lines)), f.note.Amount
	if remaining == 0 && captured >= f.order.Total-rounding && len(f.told()) == 0 {
		return ProspectGood, RuleAlreadyCaptured // the push takes it over
	}
	if r := terminal(&klarna.Order{Status: f.last.Status, FraudStatus: f.last.FraudStatus}); r != "" {
		return ProspectAtStake, r
	}
	if expires := f.expires(); expires != nil && !expires.After(f.now) {
		return ProspectAtStake, RuleOrderExpired
	}
	if !f.note.Whole {
		rounding = 0
	}
	switch {
	case f.last.FraudStatus == klarna.FraudPending:
		return ProspectAtStake, RuleFraudPending
	case remaining <= 0, !f.note.Whole && captured != f.ours():
		return ProspectAtStake, RuleCapturedElsewhere
	case amount-remaining > rounding:
		return ProspectAtStake, RuleAmountExceeds
	}
	return ProspectGood, ""
}

// expires is the end of the authorisation as it was last told.
func (f foresight) expires() *time.Time {
	if f.last != nil && f.last.ExpiresAt != nil {
		return f.last.ExpiresAt
	}
	return f.order.ExpiresAt
}

// told are the other notes that take, or took, their part of the authorisation.
func (f foresight) told() (all []Capture) {
	for _, c := range f.others {
		switch c.State {
		case Confirmed, Pending, Sending, Unknown:
			if !c.Shared {
				all = append(all, c)
			}
		}
	}
	return all
}

// ours is what our other notes take of the authorisation.
func (f foresight) ours() (sum int64) {
	for _, c := range f.told() {
		sum += c.Amount
	}
	return sum
}

// held is what Klarna holds and what is left, with what our notes took, or will have
// taken, since the order was read.
func (f foresight) held() (captured, remaining int64) {
	captured, remaining = f.last.Captured, f.last.Remaining
	for _, c := range f.told() {
		if c.State != Confirmed || c.CapturedAt != nil && !c.CapturedAt.Before(f.last.At) {
			captured += c.Amount
			remaining -= c.Amount
		}
	}
	return captured, remaining
}
