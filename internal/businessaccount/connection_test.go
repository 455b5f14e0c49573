package businessaccount_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/store/storetest"
)

func TestCheckConnection(t *testing.T) {
	t.Parallel()
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, tt := range map[string]struct {
		change  func(*businessaccount.Input)
		answer  http.HandlerFunc
		verdict businessaccount.Verdict
		hints   []string
	}{
		"good":              {verdict: businessaccount.VerdictOK},
		"inactive":          {change: func(in *businessaccount.Input) { in.Active = false }, verdict: businessaccount.VerdictOK},
		"no payout yet":     {answer: answer(200, `{"payouts":[],"pagination":{"count":0}}`), verdict: businessaccount.VerdictOK},
		"no access":         {change: func(in *businessaccount.Input) { in.Type, in.Access = "custom", "" }, verdict: businessaccount.VerdictMissing},
		"wrong key":         {change: func(in *businessaccount.Input) { in.Access = access("x", "falsch", 7) }, verdict: businessaccount.VerdictUnauthorized, hints: []string{"retype"}},
		"live key":          {change: func(in *businessaccount.Input) { in.Access = access("x", "klarna_live_beispiel", 7) }, verdict: businessaccount.VerdictUnauthorized, hints: []string{"environment", "retype"}},
		"older live user":   {change: func(in *businessaccount.Input) { in.Access = access("K123456_abc", "x", 7) }, verdict: businessaccount.VerdictUnauthorized, hints: []string{"environment", "retype"}},
		"American user":     {change: func(in *businessaccount.Input) { in.Access = access("PN123456_abc", "x", 7) }, verdict: businessaccount.VerdictUnauthorized, hints: []string{"region", "retype"}},
		"forbidden":         {answer: answer(403, ""), verdict: businessaccount.VerdictForbidden},
		"forbidden by name": {answer: answer(403, `{"error_code":"PERMISSION_DENIED"}`), verdict: businessaccount.VerdictForbidden},
		"too many requests": {answer: answer(429, ""), verdict: businessaccount.VerdictTooMany},
		"bad gateway":       {answer: answer(502, "<html>Bad gateway</html>"), verdict: businessaccount.VerdictNoAnswer},
		"a log-in page":     {answer: answer(200, "<!doctype html><title>Log in</title>"), verdict: businessaccount.VerdictNoAnswer},
		"an empty object":   {answer: answer(200, "{}"), verdict: businessaccount.VerdictNoAnswer},
		"cut":               {answer: cut, verdict: businessaccount.VerdictNoAnswer},
		"not there":         {answer: answer(404, `{"error_code":"NOT_FOUND"}`), verdict: businessaccount.VerdictUnexpected},
		"bad request":       {answer: answer(400, `{"error_code":"INVALID"}`), verdict: businessaccount.VerdictUnexpected},
		"a redirect":        {answer: answer(302, ""), verdict: businessaccount.VerdictUnexpected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			in := klarnaInput()
			if tt.change != nil {
				tt.change(&in)
			}
			if tt.answer != nil {
				d.answers(tt.answer)
			}
			a := d.create(in)
			c := d.check(a)
			if c.Verdict != tt.verdict || !slices.Equal(c.Hints, tt.hints) {
				t.Errorf("%s %v, want %s %v", c.Verdict, c.Hints, tt.verdict, tt.hints)
			}
			if text := fmt.Sprintf("%+v", c); strings.Contains(text, key) {
				t.Errorf("the key is in %s", text)
			}
			if asked := d.asked.Load(); (asked == nil) != (tt.verdict == businessaccount.VerdictMissing) {
				t.Errorf("asked %v", asked)
			} else if asked != nil && (asked.Method != "GET" || asked.URL.Path != "/settlements/v1/payouts" || asked.URL.Query().Get("size") != "1") {
				t.Errorf("asked for %s %s", asked.Method, asked.URL)
			}
			if after := d.find(a.ID); !after.UpdatedAt.Equal(a.UpdatedAt) || len(d.logged()) != 1 {
				t.Error("the question changed something")
			}
		})
	}
}

func TestCheckTellsAPayout(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	a := d.create(klarnaInput())
	c := d.check(a)
	if c.Payout == nil || c.Payout.PaymentReference != "XISA93DJ" || c.Payouts == nil || *c.Payouts != 12 || c.Call.Status != 200 {
		t.Errorf("%+v", c)
	}
	d.answers(answer(200, `{"payouts":[],"pagination":{"count":0}}`))
	if c := d.check(a); c.Payout != nil || c.Payouts != nil {
		t.Errorf("%+v", c)
	}
}

func TestTheKeyFileIsNeeded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	a := d.create(klarnaInput())
	other := businessaccount.New(d.db, d.clock, newBox(t), d.trail, d.client)
	if _, err := other.Check(t.Context(), a.ID); fault.CodeOf(err) != fault.Internal {
		t.Errorf("check: %v", err)
	}
	if _, err := other.Doubts(a, businessaccount.InputOf(a)); err == nil {
		t.Error("doubts without the key file")
	}
	if _, err := other.Update(t.Context(), a.ID, businessaccount.InputOf(a), admin); fault.CodeOf(err) != fault.Internal {
		t.Errorf("kept what can't be read: %v", err)
	}
	// Access data that belong to another row do not open either.
	moved := *a
	moved.ID++
	if _, err := d.Settlements(&moved); err == nil {
		t.Error("opened in another place")
	}
	in := businessaccount.InputOf(a)
	in.Access = access(user, key, 7)
	after, err := other.Update(t.Context(), a.ID, in, admin)
	must(t, err)
	if _, err := other.Settlements(after); err != nil {
		t.Errorf("typed anew: %v", err)
	}
}

func TestDoubts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		user, key   string
		region      klarna.Region
		environment klarna.Environment
		want        []string
	}{
		"nothing known":       {"7a1c", "geheim", klarna.Europe, klarna.Live, nil},
		"live":                {"7a1c", "klarna_live_a", klarna.Europe, klarna.Live, nil},
		"live in playground":  {"7a1c", "klarna_live_a", klarna.Europe, klarna.Playground, []string{"environment"}},
		"American in Europe":  {"N123456_a", "geheim", klarna.Europe, klarna.Live, []string{"region"}},
		"European in Oceania": {"K123456_a", "klarna_test_a", klarna.Oceania, klarna.Live, []string{"environment", "region"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			in := klarnaInput()
			in.Access, in.Region, in.Environment = access(tt.user, tt.key, 7), tt.region, tt.environment
			typed, err := d.Doubts(&businessaccount.Account{}, in)
			must(t, err)
			a := d.create(in)
			stored, err := d.Doubts(a, businessaccount.InputOf(a))
			must(t, err)
			if !slices.Equal(stored, tt.want) || !slices.Equal(typed, tt.want) {
				t.Errorf("%v, while typing %v; want %v", stored, typed, tt.want)
			}
		})
	}
	d := newDesk(t, storetest.SQLite(t))
	if got, err := d.Doubts(&businessaccount.Account{}, businessaccount.Defaults()); got != nil || err != nil {
		t.Errorf("no access data: %v, %v", got, err)
	}
}
