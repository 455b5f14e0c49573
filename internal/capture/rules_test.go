package capture

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

var (
	noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	p23  = DefaultPolicy
)

func ago(d time.Duration) *time.Time { t := noon.Add(-d); return &t }

const someOrder = "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10"

// fine are the facts of a whole order over 64.57 € that may be sent.
func fine() *Facts {
	return &Facts{
		Capture: Capture{ID: 1, State: Pending, Amount: 6457, KlarnaOrderID: someOrder, CreatedAt: noon},
		Order: order.Order{Status: order.Shipped, KlarnaOrderID: someOrder, TellKlarna: true, Total: 6457, Currency: "EUR",
			Lines: []order.Line{{ID: 1, Name: "Teekanne", Type: order.Physical, Quantity: money.One, UnitPrice: 5958, Amount: 5958, Total: 5958}, {ID: 2, Name: "Versand", Type: order.ShippingFee, Quantity: money.One, UnitPrice: 499, Amount: 499, Total: 499}}},
		Note: order.DeliveryNote{Number: "300001", Amount: 6457, Whole: true, Lines: []order.NoteLine{{OrderLineID: 1, Quantity: money.One, Amount: 5958}, {OrderLineID: 2, Quantity: money.One, Amount: 499}}},
		Method: paymentmethod.Method{Module: paymentmethod.ModuleKlarna, Connection: paymentmethod.API, Active: true,
			Username: []byte("u"), Password: []byte("p"), Region: klarna.Europe, Environment: klarna.Playground},
	}
}

// sentOnce are facts whose first request has left.
func sentOnce(f *Facts, since time.Duration) {
	f.Capture.State, f.Capture.Generation, f.Capture.IdempotencyKey = Sending, 1, "key"
	f.Capture.FirstSentAt, f.Capture.LastSentAt = ago(since), ago(since)
	f.Generations = []Generation{{Generation: 1, IdempotencyKey: "key", KlarnaOrderID: someOrder, Amount: f.Capture.Amount, CreatedAt: *ago(since)}}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		set  func(f *Facts)
		want decision
	}{
		{"whole", func(*Facts) {}, decision{action: actSend}},
		{"part", func(f *Facts) { f.Note.Whole = false }, decision{action: actRead, purpose: beforeSend}},
		{"second generation", func(f *Facts) { f.Capture.Generation = 1 }, decision{action: actRead, purpose: beforeSend}},
		{"put off under the same key", func(f *Facts) { sentOnce(f, time.Minute); f.Capture.State = Pending }, decision{action: actSend}},
		{"restored", func(f *Facts) { f.Capture.ReadFirst = true }, decision{action: actRead, purpose: beforeSend}},
		{"manual", func(f *Facts) { f.Method.Connection = paymentmethod.Manual }, stop(ByHand, RuleManualConnection)},
		{"plugin", func(f *Facts) { f.Method.Connection = paymentmethod.Plugin }, stop(Skipped, RulePluginConnection)},
		{"don't tell", func(f *Facts) { f.Order.TellKlarna = false }, stop(Withdrawn, RuleDontTell)},
		{"inactive", func(f *Facts) { f.Method.Active = false }, stop(Pending, RuleMethodInactive)},
		{"no password", func(f *Facts) { f.Method.Password = nil }, stop(Pending, RuleNoCredentials)},
		{"no id", func(f *Facts) { f.Order.KlarnaOrderID = "" }, stop(Refused, RuleNoKlarnaOrderID)},
		{"bad id", func(f *Facts) { f.Order.KlarnaOrderID = "K4MADNY" }, stop(Refused, RuleInvalidKlarnaOrder)},
		{"cancelled", func(f *Facts) { f.Order.Status = order.Cancelled }, stop(Withdrawn, RuleCancelled)},
		{"nothing", func(f *Facts) { f.Capture.Amount = 0 }, stop(Skipped, RuleNothingToCapture)},
		{"a part beside an open one", func(f *Facts) { f.Note.Whole = false; f.Siblings = []Capture{{State: Unknown}} },
			wait(Pending, RuleWaitingForRetry, noon.Add(10*time.Minute))},
		{"a part beside a refused one", func(f *Facts) { f.Note.Whole = false; f.Siblings = []Capture{{State: Refused}} },
			decision{action: actRead, purpose: beforeSend}},
		{"sending", func(f *Facts) { sentOnce(f, time.Minute) }, decision{action: actSend}},
		{"sending, inactive", func(f *Facts) { sentOnce(f, time.Minute); f.Method.Active = false }, stop(Sending, RuleMethodInactive)},
		{"sending, restored", func(f *Facts) { sentOnce(f, time.Minute); f.Capture.ReadFirst = true }, decision{action: actRead, purpose: afterUnknown}},
		{"after the third wait", func(f *Facts) { sentOnce(f, 6*time.Hour); f.Capture.Attempts = 3 }, decision{action: actRead, purpose: afterUnknown}},
		{"after the fourth conflict", func(f *Facts) { sentOnce(f, 6*time.Hour); f.Capture.Conflicts = 4 }, decision{action: actRead, purpose: afterUnknown}},
		{"key of 22:59", func(f *Facts) { sentOnce(f, 23*time.Hour-time.Minute) }, decision{action: actSend}},
		{"key of 23:00", func(f *Facts) { sentOnce(f, 23*time.Hour) }, decision{action: actRead, purpose: afterUnknown}},
		{"unknown", func(f *Facts) { sentOnce(f, 6*time.Hour); f.Capture.State = Unknown }, decision{action: actRead, purpose: afterUnknown}},
		{"done", func(f *Facts) { f.Capture.State, f.Capture.Rule = Confirmed, RuleAlreadyCaptured }, stop(Confirmed, RuleAlreadyCaptured)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := fine()
			c.set(f)
			got := decide(f, noon, p23)
			if got.action != c.want.action || got.purpose != c.want.purpose || got.state != c.want.state || got.rule != c.want.rule || !sameTime(got.due, c.want.due) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	t.Run("beyond Klarna's limits", func(t *testing.T) {
		t.Parallel()
		f := fine()
		f.Capture.Amount = klarna.MaxAmount + 1
		if d := decide(f, noon, p23); d.state != Refused || d.rule != RuleRefused || !slices.Equal(d.messages(), []string{"captured_amount: max_value 200000000"}) {
			t.Errorf("%+v", d)
		}
	})
}

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

func TestSaysStill(t *testing.T) {
	t.Parallel()
	body := []byte(`{}`)
	for name, change := range map[string]func(f *Facts, g *Generation){
		"nothing":     func(*Facts, *Generation) {},
		"body":        func(_ *Facts, g *Generation) { g.Body = []byte(`{"a":1}`) },
		"order":       func(f *Facts, _ *Generation) { f.Capture.KlarnaOrderID = "other" },
		"region":      func(f *Facts, _ *Generation) { f.Method.Region = klarna.Oceania },
		"environment": func(f *Facts, _ *Generation) { f.Method.Environment = klarna.Live },
		"username":    func(f *Facts, _ *Generation) { f.Method.Username = []byte("other") },
		"age":         func(f *Facts, _ *Generation) { f.Capture.FirstSentAt = ago(23 * time.Hour) },
	} {
		f := fine()
		sentOnce(f, time.Hour)
		g := Generation{Body: body, KlarnaOrderID: someOrder, Region: klarna.Europe, Environment: klarna.Playground, Username: []byte("u")}
		change(f, &g)
		if got := g.saysStill(f, body, noon, p23); got != (name == "nothing") {
			t.Errorf("%s changed: %t", name, got)
		}
	}
}

// read is an order at Klarna.
func read(status klarna.OrderStatus, total, captured int64, captures ...klarna.Capture) *klarna.Order {
	return &klarna.Order{OrderID: someOrder, Status: status, FraudStatus: klarna.FraudAccepted, OrderAmount: total, CapturedAmount: captured,
		RemainingAuthorizedAmount: total - captured, Captures: captures}
}

func captured(id, reference string, amount int64, at time.Time) klarna.Capture {
	return klarna.Capture{CaptureID: id, Reference: reference, CapturedAmount: amount, CapturedAt: at}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	ours := captured("c1", "300001", 6457, noon)
	foreign := captured("c9", "portal", 6457, noon)
	part := func(f *Facts) { f.Note.Whole, f.Note.Amount, f.Capture.Amount = false, 2000, 2000 }
	type given struct {
		name string
		set  func(f *Facts)
		why  purpose
		r    reading
		want verdict
	}
	in := func(d time.Duration) time.Time { return noon.Add(d) }
	cases := []given{
		{"ours", nil, afterUnknown, reading{order: read(klarna.StatusCaptured, 6457, 6457, ours)}, verdict{kind: adoptOurs, capture: &ours}},
		{"our number and amount, long ago", nil, afterUnknown, reading{order: read(klarna.StatusCaptured, 6457, 6457, captured("c1", "300001", 6457, noon.Add(-skew-time.Hour)))},
			verdict{kind: adoptShared, capture: &klarna.Capture{CaptureID: "c1"}}},
		{"ours, of an earlier generation", func(f *Facts) {
			sentOnce(f, time.Hour)
			f.Capture.Amount = 6456
			f.Generations = append(f.Generations, Generation{Amount: 6456, CreatedAt: noon})
		}, beforeSend, reading{order: read(klarna.StatusCaptured, 6457, 6457, ours)}, verdict{kind: adoptOurs, capture: &ours}},
		{"ours, but another row holds it", nil, afterUnknown, reading{order: read(klarna.StatusCaptured, 6457, 6457, ours), held: []string{"c1"}}, verdict{kind: sendNow}},
		{"our number, another amount", nil, beforeSend, reading{order: read(klarna.StatusPartCaptured, 6457, 100, captured("c1", "300001", 100, noon))},
			verdict{kind: refuse, rule: RuleCapturedDifferently, other: 100}},
		{"all captured by another", nil, afterRefusal, reading{order: read(klarna.StatusCaptured, 6457, 6457, foreign)}, verdict{kind: adoptShared, capture: &foreign}},
		{"all captured, a cent a line less", nil, afterRefusal, reading{order: read(klarna.StatusCaptured, 6455, 6455, foreign)}, verdict{kind: adoptShared, capture: &foreign}},
		{"all captured, more than a cent a line less", nil, afterRefusal, reading{order: read(klarna.StatusCaptured, 6454, 6454, foreign)}, verdict{kind: refuse, rule: RuleCapturedElsewhere}},
		{"all captured, and one is ours", func(f *Facts) { part(f); f.Siblings = []Capture{{State: Confirmed, Amount: 4457}} }, beforeSend,
			reading{order: read(klarna.StatusCaptured, 6457, 6457, foreign)}, verdict{kind: refuse, rule: RuleCapturedElsewhere}},
		{"all captured, and a sibling shares that", func(f *Facts) {
			part(f)
			f.Siblings = []Capture{{State: Confirmed, Shared: true, Adopted: true, Amount: 4457}}
		}, beforeSend,
			reading{order: read(klarna.StatusCaptured, 6457, 6457, foreign)}, verdict{kind: adoptShared, capture: &foreign}},
		{"all captured for another order of ours", nil, afterRefusal, reading{order: read(klarna.StatusCaptured, 6457, 6457, foreign), held: []string{"c9"}}, verdict{kind: refuse, rule: RuleCapturedElsewhere}},
		{"a part, nothing captured", part, beforeSend, reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: sendNow}},
		{"a part after ours", func(f *Facts) {
			part(f)
			f.Siblings = []Capture{{State: Confirmed, Amount: 3000}, {State: Withdrawn, Amount: 50}}
		}, beforeSend,
			reading{order: read(klarna.StatusPartCaptured, 6457, 3000)}, verdict{kind: sendNow}},
		{"a part after ours and another's", func(f *Facts) { part(f); f.Siblings = []Capture{{State: Confirmed, Amount: 3000}} }, beforeSend,
			reading{order: read(klarna.StatusPartCaptured, 6457, 3001)}, verdict{kind: refuse, rule: RuleCapturedElsewhere}},
		{"cancelled", nil, afterRefusal, reading{order: read(klarna.StatusCancelled, 6457, 0)}, verdict{kind: refuse, rule: RuleCancelledAtKlarna}},
		{"expired", part, beforeSend, reading{order: read(klarna.StatusExpired, 6457, 0)}, verdict{kind: refuse, rule: RuleOrderExpired}},
		{"closed", nil, afterRefusal, reading{order: read(klarna.StatusClosed, 6457, 0)}, verdict{kind: refuse, rule: RuleOrderClosed}},
		{"remaining less", nil, afterRefusal, reading{order: read(klarna.StatusPartCaptured, 6457, 100)}, verdict{kind: refuse, rule: RuleAmountExceeds}},
		{"remaining two cents less", nil, afterRefusal, reading{order: read(klarna.StatusAuthorized, 6455, 0)}, verdict{kind: sendAnew, amount: 6455}},
		{"remaining three cents less", nil, afterRefusal, reading{order: read(klarna.StatusAuthorized, 6454, 0)}, verdict{kind: refuse, rule: RuleAmountExceeds}},
		{"remaining less again", func(f *Facts) { f.Capture.Amount = 6456 }, afterRefusal, reading{order: read(klarna.StatusAuthorized, 6455, 0)}, verdict{kind: refuse, rule: RuleAmountExceeds}},
		{"a part, remaining a cent less", part, afterRefusal, reading{order: read(klarna.StatusAuthorized, 1999, 0)}, verdict{kind: refuse, rule: RuleAmountExceeds}},
		{"no reason at all", nil, afterRefusal, reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: refuse, rule: RuleRefused}},
		{"unknown, key is young", func(f *Facts) { sentOnce(f, 6*time.Hour) }, afterUnknown, reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: sendNow}},
		{"unknown, key is old", func(f *Facts) { sentOnce(f, 23*time.Hour) }, afterUnknown, reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: sendAnew}},
		{"unknown, key is old, sent just now", func(f *Facts) { sentOnce(f, 23*time.Hour); f.Capture.LastSentAt = ago(4 * time.Minute) }, afterUnknown,
			reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: putOff, rule: RuleWaitingForRetry, due: in(6 * time.Minute)}},
		{"four conflicts", func(f *Facts) { sentOnce(f, 6*time.Hour); f.Capture.Conflicts = 4 }, afterUnknown,
			reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: refuse, rule: RuleRefused}},
		{"four conflicts, just now", func(f *Facts) { sentOnce(f, time.Minute); f.Capture.Conflicts = 4 }, afterUnknown,
			reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: putOff, rule: RuleWaitingForRetry, due: in(9 * time.Minute)}},
		{"second conflict", func(f *Facts) { sentOnce(f, 5*time.Second); f.Capture.Conflicts = 2 }, afterConflict,
			reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: putOff, rule: RuleWaitingForRetry, due: in(5 * time.Minute)}},
		{"success that is not to be seen", func(f *Facts) { sentOnce(f, 0); f.Capture.Attempts = 1 }, afterSuccess,
			reading{order: read(klarna.StatusAuthorized, 6457, 0)}, verdict{kind: putOff, rule: RuleWaitingForRetry, due: in(5 * time.Second)}},
	}
	for _, f := range []struct {
		name   string
		status klarna.FraudStatus
		since  *time.Time
		want   verdict
	}{
		{"fraud is checked", klarna.FraudPending, nil, verdict{kind: putOff, rule: RuleFraudPending, due: in(time.Hour)}},
		{"fraud is checked for 47 h", klarna.FraudPending, ago(47 * time.Hour), verdict{kind: putOff, rule: RuleFraudPending, due: in(time.Hour)}},
		{"fraud is checked for 48 h", klarna.FraudPending, ago(48 * time.Hour), verdict{kind: refuse, rule: RuleFraudPending}},
		{"fraud", klarna.FraudRejected, nil, verdict{kind: refuse, rule: RuleFraudRejected}},
	} {
		for _, why := range []purpose{beforeSend, afterRefusal} {
			o := read(klarna.StatusAuthorized, 6457, 0)
			o.FraudStatus = f.status
			cases = append(cases, given{f.name, func(facts *Facts) {
				if f.since != nil {
					facts.Capture.Rule, facts.Capture.FailedSince = RuleFraudPending, f.since
				}
			}, why, reading{order: o}, f.want})
		}
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := fine()
			if c.set != nil {
				c.set(f)
			}
			got := judge(f, c.r, c.why, noon, p23)
			if got.kind != c.want.kind || got.rule != c.want.rule || got.amount != c.want.amount || got.other != c.want.other || !got.due.Equal(c.want.due) ||
				(got.capture == nil) != (c.want.capture == nil) || got.capture != nil && got.capture.CaptureID != c.want.capture.CaptureID {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAbsorb(t *testing.T) {
	t.Parallel()
	status := func(status int, code string) error {
		return &klarna.Error{Status: status, Code: code, JSON: code != ""}
	}
	lost := &klarna.NoAnswer{Reason: klarna.Cut, Err: io.EOF}
	for _, c := range []struct {
		name string
		was  Attempt
		err  error
		call klarna.Call
		want reaction
		in   time.Duration
		then Attempt // Attempts, Conflicts, Unanswered
	}{
		{"201", Attempt{}, nil, klarna.Call{}, reactDone, 0, Attempt{}},
		{"400", Attempt{}, status(400, "BAD_VALUE"), klarna.Call{}, reactRefused, 0, Attempt{}},
		{"404", Attempt{}, status(404, "NO_SUCH_ORDER"), klarna.Call{}, reactRefused, 0, Attempt{}},
		{"413", Attempt{}, status(413, "REQUEST_TOO_LARGE"), klarna.Call{}, reactRefused, 0, Attempt{}},
		{"422", Attempt{}, status(422, "UNPROCESSABLE_ENTITY"), klarna.Call{}, reactRefused, 0, Attempt{}},
		{"302", Attempt{}, status(302, ""), klarna.Call{}, reactRefused, 0, Attempt{}},
		{"not sent", Attempt{}, klarna.ErrNotSent, klarna.Call{}, reactRefused, 0, Attempt{}},
		{"403 other", Attempt{}, status(403, "NOT_ALLOWED"), klarna.Call{}, reactRefused, 0, Attempt{}},
		{"403 capture", Attempt{Unanswered: true}, status(403, "CAPTURE_NOT_ALLOWED"), klarna.Call{}, reactNotAllow, 0, Attempt{Unanswered: true}},
		{"403 later", Attempt{}, status(403, "PAYMENT_METHOD_FAILED"), klarna.Call{}, reactPutOff, 0, Attempt{}},
		{"403 bare", Attempt{}, status(403, ""), klarna.Call{}, reactForbidden, 5 * time.Minute, Attempt{}},
		{"403 bare, again", Attempt{FailedSince: ago(time.Hour)}, status(403, ""), klarna.Call{}, reactForbidden, time.Hour, Attempt{}},
		{"401", Attempt{Unanswered: true, Attempts: 1}, status(401, ""), klarna.Call{}, reactPause, 0, Attempt{Unanswered: true, Attempts: 1}},
		{"429", Attempt{}, status(429, "TOO_MANY_REQUESTS"), klarna.Call{RetryAfter: 7 * time.Second}, reactWaitAll, 7 * time.Second, Attempt{}},
		{"429, nobody knows how long", Attempt{}, status(429, ""), klarna.Call{}, reactWaitAll, time.Second, Attempt{}},
		{"409", Attempt{}, status(409, "CONFLICT"), klarna.Call{}, reactAgain, 5 * time.Second, Attempt{Conflicts: 1}},
		{"409, second", Attempt{Conflicts: 1}, status(409, "CONFLICT"), klarna.Call{}, reactReadNow, 0, Attempt{Conflicts: 2}},
		{"409, third", Attempt{Conflicts: 2}, status(409, "CONFLICT"), klarna.Call{}, reactAgain, 5 * time.Hour, Attempt{Conflicts: 3}},
		{"409, fourth", Attempt{Conflicts: 3}, status(409, "CONFLICT"), klarna.Call{}, reactAgain, 10 * time.Minute, Attempt{Conflicts: 4}},
		{"500", Attempt{}, status(500, "UNEXPECTED_ERROR"), klarna.Call{}, reactAgain, 5 * time.Second, Attempt{Attempts: 1, Unanswered: true}},
		{"503, second", Attempt{Attempts: 1}, status(503, ""), klarna.Call{}, reactAgain, 5 * time.Minute, Attempt{Attempts: 2, Unanswered: true}},
		{"504, third", Attempt{Attempts: 2}, status(504, ""), klarna.Call{}, reactAgain, 5 * time.Hour, Attempt{Attempts: 3, Unanswered: true}},
		{"lost, fourth", Attempt{Attempts: 3}, lost, klarna.Call{}, reactAgain, time.Hour, Attempt{Attempts: 4, Unanswered: true}},
		{"408", Attempt{}, status(408, ""), klarna.Call{}, reactAgain, 5 * time.Second, Attempt{Attempts: 1, Unanswered: true}},
		{"whatever", Attempt{}, errors.New("?"), klarna.Call{}, reactAgain, 5 * time.Second, Attempt{Attempts: 1, Unanswered: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := c.was
			a.InFlight = true
			r, due := a.absorb(c.call, c.err, noon, p23)
			if r != c.want || due.Sub(noon) != c.in || a.Attempts != c.then.Attempts || a.Conflicts != c.then.Conflicts || a.Unanswered != c.then.Unanswered || a.InFlight {
				t.Errorf("%d in %v, %+v; want %d in %v, %+v", r, due.Sub(noon), a, c.want, c.in, c.then)
			}
			if bare := c.want == reactForbidden; (a.FailedSince != nil) != bare {
				t.Errorf("failed since %v", a.FailedSince)
			}
		})
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	a := Attempt{InFlight: true, Attempts: 1}
	a.resume()
	if a.InFlight || !a.Unanswered || a.Attempts != 1 {
		t.Errorf("cut off: %+v", a)
	}
	a = Attempt{}
	a.resume()
	if a.Unanswered {
		t.Error("nothing was cut off")
	}
}

func TestFeedback(t *testing.T) {
	t.Parallel()
	row := func(s State, r ...Rule) Capture {
		c := Capture{State: s}
		if len(r) > 0 {
			c.Rule = r[0]
		}
		return c
	}
	nothing, back := row(Skipped, RuleNothingToCapture), row(Withdrawn, RuleNotShipped)
	for _, c := range []struct {
		want     order.Feedback
		open     bool
		captures []Capture
	}{
		{order.FeedbackWaiting, true, nil},
		{order.FeedbackWaiting, true, []Capture{back}},
		{order.FeedbackQueued, false, []Capture{row(Pending)}},
		{order.FeedbackQueued, false, []Capture{row(Sending)}},
		{order.FeedbackConfirmed, false, []Capture{row(Confirmed)}},
		{order.FeedbackFailed, false, []Capture{row(Refused)}},
		{order.FeedbackFailed, false, []Capture{row(Unknown)}},
		{order.FeedbackByHand, false, []Capture{row(ByHand)}},
		{order.FeedbackDoneByHand, false, []Capture{row(DoneByHand)}},
		{order.FeedbackSkipped, false, []Capture{row(Skipped, RulePluginConnection)}},
		{order.FeedbackSkipped, false, []Capture{nothing}},
		{order.FeedbackNone, false, []Capture{row(Withdrawn, RuleDontTell)}},
		{order.FeedbackPartlyConfirmed, true, []Capture{row(Confirmed)}},
		{order.FeedbackPartlyConfirmed, true, []Capture{row(Confirmed), back}},
		{order.FeedbackPartlyConfirmed, false, []Capture{row(Confirmed), row(Skipped, RulePluginConnection)}},
		{order.FeedbackConfirmed, false, []Capture{row(Confirmed), row(DoneByHand)}},
		{order.FeedbackConfirmed, false, []Capture{row(Confirmed), nothing}},
		{order.FeedbackQueued, true, []Capture{row(Confirmed), row(Pending)}},
		{order.FeedbackByHand, false, []Capture{row(Pending), row(ByHand)}},
		{order.FeedbackFailed, false, []Capture{row(ByHand), row(Unknown), row(Confirmed)}},
		{order.FeedbackDoneByHand, false, []Capture{row(DoneByHand), row(Skipped, RulePluginConnection)}},
		{order.FeedbackDoneByHand, true, []Capture{row(DoneByHand), row(Withdrawn, RuleDontTell)}},
	} {
		if got := Feedback(true, false, c.open, c.captures); got != c.want {
			t.Errorf("open %t, %+v: %s, want %s", c.open, c.captures, got, c.want)
		}
	}
	if got := Feedback(false, false, true, nil); got != order.FeedbackNone {
		t.Errorf("not Klarna's: %s", got)
	}
	if got := Feedback(true, true, true, nil); got != order.FeedbackNone {
		t.Errorf("cancelled: %s", got)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	short := Policy{Retry: [3]time.Duration{time.Millisecond, time.Second, time.Minute}, KeyLifetime: 23 * time.Second}
	for _, c := range []struct{ got, want time.Duration }{
		{p23.Hours(48), 48 * time.Hour}, {p23.Minutes(10), 10 * time.Minute}, {p23.backoff(1), 5 * time.Second}, {p23.backoff(4), time.Hour},
		{short.Hours(1), time.Second}, {short.Minutes(60), time.Second}, {short.backoff(2), time.Second}, {short.backoff(9), time.Second},
	} {
		if c.got != c.want {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	for _, bad := range []Policy{{}, {Retry: p23.Retry}, {Retry: p23.Retry, KeyLifetime: 25 * time.Hour}, {KeyLifetime: time.Hour}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := p23.Validate(); err != nil {
		t.Error(err)
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	parcels := []order.Parcel{{Carrier: "dhl-germany", ShippingMethod: "DHLPackstation", TrackingNumber: "0034", TrackingURL: "https://example.org/0034"},
		{Carrier: "own", TrackingNumber: "2"}}
	part := func(f *Facts) { f.Note.Whole = false }
	for _, c := range []struct {
		name    string
		set     func(f *Facts)
		parcels []order.Parcel
		want    string
	}{
		{"whole", func(*Facts) {}, parcels, `{"captured_amount":6457,"description":"300001","reference":"300001","shipping_info":[` +
			`{"shipping_company":"dhl-germany","shipping_method":"DHLPackstation","tracking_number":"0034","tracking_uri":"https://example.org/0034"},` +
			`{"shipping_company":"own","tracking_number":"2"}]}`},
		{"no parcel", func(*Facts) {}, nil, `{"captured_amount":6457,"description":"300001","reference":"300001"}`},
		{"part", func(f *Facts) { part(f); f.Order.Lines[0].TaxRate = 1900 }, nil,
			`{"captured_amount":6457,"description":"300001","reference":"300001","order_lines":[` +
				`{"type":"physical","name":"Teekanne","quantity":1,"unit_price":5958,"tax_rate":1900,"total_amount":5958,"total_tax_amount":951},` +
				`{"type":"shipping_fee","name":"Versand","quantity":1,"unit_price":499,"total_amount":499}]}`},
		{"a discount", func(f *Facts) { part(f); f.Note.Lines[0].Amount, f.Note.Amount, f.Capture.Amount = 5900, 6399, 6399 }, nil,
			`{"captured_amount":6399,"description":"300001","reference":"300001","order_lines":[` +
				`{"type":"physical","name":"Teekanne","quantity":1,"unit_price":5958,"total_amount":5900,"total_discount_amount":58},` +
				`{"type":"shipping_fee","name":"Versand","quantity":1,"unit_price":499,"total_amount":499}]}`},
		{"more than its price", func(f *Facts) { part(f); f.Note.Lines[0].Amount, f.Note.Amount, f.Capture.Amount = 5959, 6458, 6458 }, nil,
			`{"captured_amount":6458,"description":"300001","reference":"300001"}`},
		{"half a one", func(f *Facts) { part(f); f.Note.Lines[0].Quantity = money.One / 2 }, nil, `{"captured_amount":6457,"description":"300001","reference":"300001"}`},
		{"lines that are not the sum", func(f *Facts) { part(f); f.Note.Amount, f.Capture.Amount = 6456, 6456 }, nil, `{"captured_amount":6456,"description":"300001","reference":"300001"}`},
		{"rounded", func(f *Facts) { part(f); f.Capture.Amount = 6456 }, nil, `{"captured_amount":6456,"description":"300001","reference":"300001"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := fine()
			c.set(f)
			got, err := json.Marshal(Request(&f.Note, f.Order.Lines, c.parcels, f.Capture.Amount))
			if err != nil || string(got) != c.want {
				t.Errorf("%s\nwant %s (%v)", got, c.want, err)
			}
		})
	}
}

// Each rule has a situation in which it is the answer to "why not".
func TestWhy(t *testing.T) {
	t.Parallel()
	now := noon
	none := func(f *whyFacts) { f.captures = nil }
	row := func(s State, r Rule) func(f *whyFacts) {
		return func(f *whyFacts) { f.captures = []Capture{{State: s, Rule: r}} }
	}
	both := func(all ...func(f *whyFacts)) func(f *whyFacts) {
		return func(f *whyFacts) {
			for _, one := range all {
				one(f)
			}
		}
	}
	cases := []struct {
		want Rule
		set  func(f *whyFacts)
	}{
		{"", row(Confirmed, "")}, {"", row(DoneByHand, RuleManualConnection)}, {"", row(Pending, "")}, {"", row(Sending, "")},
		{RuleNotKlarna, both(none, func(f *whyFacts) { f.order.PaymentMethod.Module = paymentmethod.ModuleNone })},
		{RuleManualConnection, both(none, func(f *whyFacts) { f.order.PaymentMethod.Connection = paymentmethod.Manual })},
		{RuleManualConnection, row(ByHand, RuleManualConnection)},
		{RulePluginConnection, both(none, func(f *whyFacts) { f.order.PaymentMethod.Connection = paymentmethod.Plugin })},
		{RulePluginConnection, row(Skipped, RulePluginConnection)},
		{RuleDontTell, both(none, func(f *whyFacts) { f.order.TellKlarna = false })},
		{RuleDontTell, row(Withdrawn, RuleDontTell)},
		{RuleMethodInactive, both(none, func(f *whyFacts) { f.order.PaymentMethod.Active = false })},
		{RuleMethodInactive, both(row(Pending, ""), func(f *whyFacts) { f.order.PaymentMethod.Active = false })},
		{RuleNoCredentials, both(row(Sending, ""), func(f *whyFacts) { f.order.PaymentMethod.Password = nil })},
		{RuleMethodPaused, both(row(Sending, RuleWaitingForRetry), func(f *whyFacts) { f.order.PaymentMethod.PausedAt = &now })},
		{"", row(Pending, RuleMethodPaused)}, // it was
		{RuleNoKlarnaOrderID, both(none, func(f *whyFacts) { f.order.KlarnaOrderID = "" })},
		{RuleInvalidKlarnaOrder, both(none, func(f *whyFacts) { f.order.KlarnaOrderID = "K4MADNY" })},
		{RuleCancelled, both(none, func(f *whyFacts) { f.order.Status = order.Cancelled })},
		{RuleNotShipped, none},
		{RuleNotShipped, both(row(Confirmed, ""), func(f *whyFacts) { f.order.Feedback = order.FeedbackPartlyConfirmed })},
		{RuleNoTracking, both(none, func(f *whyFacts) { f.hasNote = true })},
		{RuleNoTracking, both(row(Withdrawn, RuleNotShipped), func(f *whyFacts) { f.hasNote = true })},
		{RuleNothingToCapture, row(Skipped, RuleNothingToCapture)},
		{RuleAlreadyCaptured, row(Confirmed, RuleAlreadyCaptured)},
		{RuleWaitingForRetry, row(Pending, RuleRefused)}, // PAYMENT_METHOD_FAILED
		{RuleParcelNotReported, both(row(Confirmed, ""), func(f *whyFacts) { f.appended = []ParcelAppend{{}} })},
		{RuleRefused, func(f *whyFacts) {
			f.captures = []Capture{{State: Confirmed}, {State: Refused, Rule: RuleRefused}, {State: Pending, Rule: RuleWaitingForRetry}}
		}},
	}
	for _, r := range []Rule{RuleCapturedElsewhere, RuleCapturedDifferently, RuleAmountExceeds, RuleOrderExpired, RuleOrderClosed, RuleCancelledAtKlarna,
		RuleNoSuchOrder, RuleFraudRejected, RuleFraudPending, RuleNoKlarnaOrderID, RuleInvalidKlarnaOrder} {
		cases = append(cases, struct {
			want Rule
			set  func(f *whyFacts)
		}{r, row(Refused, r)})
	}
	cases = append(cases, []struct {
		want Rule
		set  func(f *whyFacts)
	}{{RuleUnknownOutcome, row(Unknown, RuleUnknownOutcome)}, {RuleFraudPending, row(Pending, RuleFraudPending)}, {RuleCancelled, row(Withdrawn, RuleCancelled)}}...)
	met := map[Rule]bool{}
	for _, c := range cases {
		f := &whyFacts{order: fine().Order}
		f.order.PaymentMethod = fine().Method
		c.set(f)
		got, ok := f.why()
		if got.Rule != c.want || ok != (c.want != "") {
			t.Errorf("%q, want %q of %+v", got.Rule, c.want, f.captures)
		}
		met[c.want] = true
	}
	for _, r := range []Rule{RuleNotKlarna, RuleManualConnection, RulePluginConnection, RuleDontTell, RuleMethodInactive, RuleNoCredentials, RuleMethodPaused,
		RuleNoKlarnaOrderID, RuleInvalidKlarnaOrder, RuleCancelled, RuleNotShipped, RuleNoTracking, RuleNothingToCapture, RuleAlreadyCaptured, RuleCapturedElsewhere,
		RuleCapturedDifferently, RuleAmountExceeds, RuleOrderExpired, RuleOrderClosed, RuleCancelledAtKlarna, RuleNoSuchOrder, RuleFraudPending, RuleFraudRejected,
		RuleRefused, RuleUnknownOutcome, RuleWaitingForRetry, RuleParcelNotReported} {
		if !met[r] {
			t.Errorf("no situation has the rule %s", r)
		}
	}
}
