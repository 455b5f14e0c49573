package capture

import (
	"context"
	"fmt"
	"time"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// Why is the first rule that keeps an order from being captured (message key
// "rule."+rule), with the facts that its text names.
type Why struct {
	Rule   Rule
	Params order.Params
}

// whyFacts is what Why looks at of one order.
type whyFacts struct {
	order    order.Order
	captures []Capture
	hasNote  bool
	appended []ParcelAppend
}

// Why answers "why was this not captured" for orders, by order id; orders of which
// nothing is missing are not in it. It asks a handful of queries, however many orders.
func (p *Pusher) Why(ctx context.Context, ids ...int64) (map[int64]Why, error) {
	answers := map[int64]Why{}
	if len(ids) == 0 {
		return answers, nil
	}
	db := p.db.Read(ctx)
	var orders []order.Order
	if err := db.Preload("PaymentMethod").Where("id IN ?", ids).Find(&orders).Error; err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	var captures []Capture
	if err := db.Where("order_id IN ?", ids).Order("id").Find(&captures).Error; err != nil {
		return nil, fmt.Errorf("read captures: %w", err)
	}
	var noted []int64
	if err := db.Model(&order.DeliveryNote{}).Where("order_id IN ? AND withdrawn_at IS NULL", ids).Distinct().Pluck("order_id", &noted).Error; err != nil {
		return nil, fmt.Errorf("read delivery notes: %w", err)
	}
	var appended []ParcelAppend
	err := db.Where("order_id IN ? AND state IN ?", ids, []order.Report{order.ReportRefused, order.ReportUnknown}).Order("id").Find(&appended).Error
	if err != nil {
		return nil, fmt.Errorf("read parcels: %w", err)
	}
	facts := map[int64]*whyFacts{}
	for _, o := range orders {
		facts[o.ID] = &whyFacts{order: o}
	}
	for _, c := range captures {
		facts[c.OrderID].captures = append(facts[c.OrderID].captures, c)
	}
	for _, id := range noted {
		facts[id].hasNote = true
	}
	for _, a := range appended {
		facts[a.OrderID].appended = append(facts[a.OrderID].appended, a)
	}
	for id, f := range facts {
		if w, ok := f.why(); ok {
			answers[id] = w
		}
	}
	return answers, nil
}

func (f *whyFacts) why() (Why, bool) {
	if worst := f.worst(); worst != nil {
		return f.whyCapture(worst)
	}
	rule := f.beforeLeaving()
	return Why{Rule: rule, Params: f.params(nil)}, true
}

// worst is the capture that the order's feedback speaks of, nil if none counts.
func (f *whyFacts) worst() *Capture {
	var worst *Capture
	rank := func(c *Capture) int {
		for i, fb := range precedence {
			if noteFeedback(c) == fb {
				return i
			}
		}
		return len(precedence)
	}
	for i := range f.captures {
		c := &f.captures[i]
		if !left(c) {
			continue
		}
		if worst == nil || rank(c) < rank(worst) || !counts(worst) && counts(c) {
			worst = c
		}
	}
	return worst
}

// beforeLeaving is the first rule in the way of an order of which nothing has left.
func (f *whyFacts) beforeLeaving() Rule {
	o, m := &f.order, &f.order.PaymentMethod
	switch {
	case m.Module != paymentmethod.ModuleKlarna:
		return RuleNotKlarna
	case m.Connection == paymentmethod.Manual:
		return RuleManualConnection
	case m.Connection == paymentmethod.Plugin:
		return RulePluginConnection
	case !o.TellKlarna:
		return RuleDontTell
	}
	if r := methodRule(m); r != "" {
		return r
	}
	switch {
	case o.KlarnaOrderID == "":
		return RuleNoKlarnaOrderID
	case !klarna.ValidOrderID(o.KlarnaOrderID):
		return RuleInvalidKlarnaOrder
	case o.Status == order.Cancelled:
		return RuleCancelled
	case f.hasNote:
		return RuleNoTracking
	}
	return RuleNotShipped
}

func methodRule(m *paymentmethod.Method) Rule {
	switch {
	case !m.Active:
		return RuleMethodInactive
	case !m.HasCredentials():
		return RuleNoCredentials
	case m.PausedAt != nil:
		return RuleMethodPaused
	}
	return ""
}

func (f *whyFacts) whyCapture(c *Capture) (Why, bool) {
	rule := c.Rule
	switch c.State {
	case Confirmed, DoneByHand:
		switch {
		case len(f.appended) > 0:
			return Why{Rule: RuleParcelNotReported, Params: order.Params{"messages": joined(f.appended[0].ErrorMessages)}}, true
		case f.order.Feedback == order.FeedbackPartlyConfirmed: // the rest has not left
			return Why{Rule: RuleNotShipped, Params: f.params(nil)}, true
		case c.State == DoneByHand:
			return Why{}, false
		}
	case Pending, Sending, Unknown:
		if r := methodRule(&f.order.PaymentMethod); r != "" {
			rule = r
		} else if rule == RuleMethodPaused || rule == RuleNoCredentials || rule == RuleMethodInactive {
			rule = ""
		}
		if rule == RuleRefused { // PAYMENT_METHOD_FAILED: Klarna asks to try again later
			rule = RuleWaitingForRetry
		}
	}
	if rule == "" { // on its way at this moment
		return Why{}, false
	}
	return Why{Rule: rule, Params: f.params(c)}, true
}

func (f *whyFacts) params(c *Capture) order.Params {
	o, m := &f.order, &f.order.PaymentMethod
	p := order.Params{"method": m.Name, "klarna_order_id": o.KlarnaOrderID, "reason": o.DontTellReason}
	if m.PausedAt != nil {
		p["paused_at"] = m.PausedAt.Format(time.RFC3339)
		p["pause_reason"] = string(m.PauseReason)
	}
	if c == nil {
		return p
	}
	money := func(n int64) order.Money { return order.Money{Amount: n, Currency: o.Currency} }
	p["amount"], p["captured"], p["remaining"] = money(c.Amount), money(c.Seen.Captured), money(c.Seen.Remaining)
	p["difference"], p["other"] = money(c.Amount-c.Seen.Remaining), money(c.Seen.Other)
	p["code"], p["messages"], p["status"] = c.ErrorCode, joined(c.ErrorMessages), c.Status
	if c.DueAt != nil {
		p["next_try"] = c.DueAt.Format(time.RFC3339)
	}
	if c.Seen.ExpiresAt != nil {
		p["expires_at"] = c.Seen.ExpiresAt.Format(time.RFC3339)
	}
	return p
}
