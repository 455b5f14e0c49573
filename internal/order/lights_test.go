package order_test

import (
	"testing"

	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

func TestLights(t *testing.T) {
	t.Parallel()
	const green, yellow, red, off = order.LightGreen, order.LightYellow, order.LightRed, order.LightOff
	waiting := order.Order{Status: order.Released, Feedback: order.FeedbackWaiting, BehavesLike: paymentmethod.Invoice}
	with := func(change func(o *order.Order)) order.Order {
		o := waiting
		change(&o)
		return o
	}
	feedback := func(f order.Feedback) order.Order { return with(func(o *order.Order) { o.Feedback = f }) }
	prepaid := func(change func(o *order.Order)) order.Order {
		return with(func(o *order.Order) { o.BehavesLike = paymentmethod.Prepayment; change(o) })
	}
	for name, tc := range map[string]struct {
		order    order.Order
		progress order.Progress
		want     order.Lights
	}{
		"new":            {waiting, order.Progress{}, order.Lights{green, off, off, off}},
		"a part noted":   {waiting, order.Progress{Notes: 1}, order.Lights{green, yellow, off, off}},
		"all noted":      {waiting, order.Progress{Notes: 1, AllOn: true}, order.Lights{green, green, off, off}},
		"a part left":    {waiting, order.Progress{Notes: 2, Left: 1, AllOn: true}, order.Lights{green, green, yellow, off}},
		"all left":       {waiting, order.Progress{Notes: 2, Left: 2, AllOn: true, AllGone: true}, order.Lights{green, green, green, off}},
		"marked shipped": {with(func(o *order.Order) { o.Status = order.Shipped }), order.Progress{}, order.Lights{green, off, green, off}},
		"completed":      {with(func(o *order.Order) { o.Status = order.Completed }), order.Progress{}, order.Lights{green, off, green, off}},
		"a draft":        {with(func(o *order.Order) { o.Status = order.Draft }), order.Progress{}, order.Lights{green, off, off, off}},
		"cancelled": {with(func(o *order.Order) { o.Status, o.Feedback = order.Cancelled, order.FeedbackFailed }),
			order.Progress{Notes: 1, Left: 1, AllOn: true, AllGone: true}, order.Lights{off, off, off, off}},

		"prepayment that has not come": {prepaid(func(*order.Order) {}), order.Progress{}, order.Lights{red, off, off, off}},
		"prepayment that came":         {prepaid(func(o *order.Order) { o.PaidAt = &now }), order.Progress{}, order.Lights{green, off, off, off}},
		"marked as paid":               {prepaid(func(o *order.Order) { o.MarkPaid = true }), order.Progress{}, order.Lights{green, off, off, off}},
		"direct debit": {with(func(o *order.Order) { o.BehavesLike = paymentmethod.DirectDebit }),
			order.Progress{}, order.Lights{green, off, off, off}},

		"none":             {feedback(order.FeedbackNone), order.Progress{}, order.Lights{green, off, off, off}},
		"queued":           {feedback(order.FeedbackQueued), order.Progress{}, order.Lights{green, off, off, yellow}},
		"partly confirmed": {feedback(order.FeedbackPartlyConfirmed), order.Progress{}, order.Lights{green, off, off, yellow}},
		"by hand":          {feedback(order.FeedbackByHand), order.Progress{}, order.Lights{green, off, off, yellow}},
		"confirmed":        {feedback(order.FeedbackConfirmed), order.Progress{}, order.Lights{green, off, off, green}},
		"done by hand":     {feedback(order.FeedbackDoneByHand), order.Progress{}, order.Lights{green, off, off, green}},
		"skipped":          {feedback(order.FeedbackSkipped), order.Progress{}, order.Lights{green, off, off, green}},
		"failed":           {feedback(order.FeedbackFailed), order.Progress{}, order.Lights{green, off, off, red}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := order.LightsOf(&tc.order, tc.progress); got != tc.want {
				t.Errorf("lights %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestEveryFeedbackIsListed(t *testing.T) {
	t.Parallel()
	seen := map[order.Feedback]bool{}
	for _, f := range order.Feedbacks {
		if seen[f] {
			t.Errorf("%s is listed twice", f)
		}
		seen[f] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d feedbacks", len(seen))
	}
}
