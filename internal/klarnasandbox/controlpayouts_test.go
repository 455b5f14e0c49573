package klarnasandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	. "zahlwerk/internal/klarnasandbox"
)

func TestControlPayouts(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	o := b.order(NewOrder{AutoCapture: true})
	step := func(method, path, body string, status int, say string) {
		t.Helper()
		r := b.control(method, "/sandbox/api/payouts"+path, body)
		if r.status != status || !strings.Contains(strings.Join(strings.Fields(r.body), ""), say) {
			t.Fatalf("%s %s: %d %s, want %d %s", method, path, r.status, r.body, status, say)
		}
	}
	step("GET", "", "", 200, `"payouts":[],"total":0`)
	step("POST", "/extras", `{"type":"HOLDBACK","amount":300,"order_id":"`+o.ID+`"}`, 201, `"due":"2026-03-04T06:00:00Z"`)
	step("POST", "/extras", `{"type":"HOLDBACK"}`, 400, "amount")
	step("POST", "/extras", `{"kind":"HOLDBACK"}`, 400, "unknownfield")
	step("GET", "/extras", "", 200, `"amount":300`)
	step("GET", "/terms", "", 200, `"fee_percentage":299`)
	step("GET", "/terms?merchant_id=K9", "", 404, "K9")
	step("PUT", "/terms?merchant_id=K000000", `{"fee_fixed":50}`, 200, `"fee_fixed":50`)
	step("PUT", "/terms", `{"fee_fixed":-1}`, 400, "fee_fixed")
	step("PUT", "/terms?merchant_id=K9", `{}`, 404, "K9")
	step("POST", "/now", `{}`, 201, `"holdback_amount":300`)
	step("POST", "/now", `{}`, 201, `"payouts":[],"total":0`)
	step("POST", "/now", `{"merchant_id":"K9"}`, 404, "K9")
	step("GET", "/extras", "", 200, `"extras":[]`)
	step("POST", "/odd", `{"oddity":"no_minor_units"}`, 201, `"currency_code":"JPY"`)
	step("POST", "/odd", `{"oddity":"usual"}`, 400, "oddity")
	step("POST", "", `{"payment_reference":"MINE","transactions":[{"type":"SALE","amount":4294967296}]}`, 201, `"settlement_amount":4294967296`)
	step("POST", "", `{"payment_reference":"MINE"}`, 409, CodeConflict)
	step("POST", "/generate", `{"payouts":3,"transactions":100,"seed":9}`, 201, `"total":3`)
	step("POST", "/generate", `{"payouts":3,"transactions":100,"seed":9}`, 409, CodeConflict)
	step("POST", "/generate", `{"payouts":0}`, 400, "payouts")
	step("GET", "?offset=5&limit=1", "", 200, `"total":6`)
	step("GET", "?merchant_id=K9", "", 200, `"total":0`)
	if r := b.control("POST", "/sandbox/api/faults", `{"preset":"no_total","operation":"getTransactions","payment_reference":"MINE","page":3}`); r.status != 201 ||
		!strings.Contains(r.body, `"page": 3`) || !strings.Contains(r.body, `"payment_reference": "MINE"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	for field, body := range map[string]string{
		"page": `{"preset":"unavailable","operation":"getPayout","page":1}`, "operation": `{"preset":"no_total","operation":"getPayout"}`,
		"payment_reference": `{"preset":"no_total","payment_reference":"a b"}`,
	} {
		if r := b.control("POST", "/sandbox/api/faults", body); r.status != 400 || !strings.Contains(r.body, field) {
			t.Errorf("%s: %d %s", field, r.status, r.body)
		}
	}
}

func TestPayoutForms(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{Merchants: []Merchant{DemoMerchant(), {ID: "K2", Username: "k2", Password: "x"}}})
	const path = "/sandbox/payouts"
	done := func(r reply, what string) {
		t.Helper()
		if r.status != 303 || r.header.Get("Location") != path+"?done="+what {
			t.Fatalf("%d to %q, want 303 with %s: %s", r.status, r.header.Get("Location"), what, r.body)
		}
	}
	refused := func(r reply, fields ...string) {
		t.Helper()
		for _, f := range fields {
			if r.status != 422 || !strings.Contains(r.body, `id="`+f+`-error"`) || !strings.Contains(r.body, `role="alert"`) {
				t.Errorf("%s: %d %s", f, r.status, r.body)
			}
		}
	}
	extra := url.Values{"extra": {"tax"}, "extra_amount": {"12,50"}, "currency_code": {"chf"}, "weeks": {"0"}, "klarna_comment": {"<b>"}, "once": {"a"}}
	for range 2 { // sent twice
		done(b.post(path+"/extra", extra), "extra")
	}
	if e := b.Extras(); len(e) != 1 || e[0].Amount != 1250 || e[0].Type != TypeTax || e[0].Currency != "CHF" || e[0].Comment != "<b>" {
		t.Errorf("extras %+v", e)
	}
	for field, bad := range map[string]string{"extra": "x", "extra_amount": "-", "currency_code": "€", "order_id": "x", "weeks": "soon", "klarna_comment": strings.Repeat("x", 300), "merchant_id": "K9"} {
		form := url.Values{"extra": {"tax"}, "extra_amount": {"1"}, "weeks": {"0"}, field: {bad}}
		if field == "merchant_id" {
			field = "extra"
		}
		refused(b.post(path+"/extra", form), field)
	}

	terms := url.Values{"merchant_id": {"K2"}, "daily": {"true"}, "delay_days": {"2"}, "fee_percentage": {"1,5"}, "fee_fixed": {"0,10"}, "vat_rate": {"20"},
		"settlement_type": {"GROSS"}, "reserve_percentage": {"10"}, "reserve_weeks": {"3"}, "signed": {"on"}}
	done(b.post(path+"/terms", terms), "terms")
	if got, want := b.Terms("K2"), (Terms{Daily: true, DelayDays: 2, FeePercentage: 150, FeeFixed: 10, VATRate: 2000, SettlementType: SettlementGross,
		ReservePercentage: 1000, ReserveWeeks: 3, Signed: true}); got != want {
		t.Errorf("terms %+v, want %+v", got, want)
	}
	if b.Terms("").Daily {
		t.Error("the other merchant has these terms, too")
	}
	if r := b.control("GET", path+"?merchant_id=K2", ""); r.status != 200 || !strings.Contains(r.body, `name="fee_percentage" size="12" required value="1.50"`) {
		t.Errorf("%d, or other terms are shown", r.status)
	}
	for field, bad := range map[string]string{"delay_days": "x", "fee_percentage": "200", "fee_fixed": "-1", "vat_rate": "x", "settlement_type": "x", "reserve_percentage": "101", "reserve_weeks": "0"} {
		form := url.Values{}
		for name, values := range terms {
			form[name] = values
		}
		form.Set(field, bad)
		refused(b.post(path+"/terms", form), field)
	}

	done(b.post(path+"/now", url.Values{"once": {"b"}}), "paidout")
	if all := b.Payouts(""); len(all) != 1 || all[0].Totals.Settlement != -1250 {
		t.Errorf("payouts %+v", all)
	}
	done(b.post(path+"/odd", url.Values{"oddity": {"zero"}, "merchant_id": {"K2"}}), "paidout")
	refused(b.post(path+"/odd", url.Values{"oddity": {"x"}}), "oddity")
	if r := b.post(path+"/now", url.Values{"merchant_id": {"K9"}}); r.status != 422 {
		t.Errorf("a merchant that there is not: %d", r.status)
	}

	volume := url.Values{"payouts": {"60"}, "transactions": {"100"}, "seed": {"4"}, "volume_currency": {"EUR"}, "once": {"c"}}
	done(b.post(path+"/generate", volume), "generated")
	volume.Set("once", "d")
	refused(b.post(path+"/generate", volume), "seed")
	refused(b.post(path+"/generate", url.Values{"payouts": {"0"}, "transactions": {"x"}, "seed": {"-1"}, "volume_currency": {"EUR"}}), "transactions", "seed")
	refused(b.post(path+"/generate", url.Values{"payouts": {"0"}, "transactions": {"-1"}, "seed": {"1"}, "volume_currency": {"E"}}), "payouts", "transactions", "volume_currency")
	if n := len(b.Payouts("")); n != 62 {
		t.Errorf("%d payouts", n)
	}
	for _, lang := range []string{"de", "en"} {
		r := b.control("GET", path+"?offset=50", "", "Accept-Language", lang)
		if r.status != 200 || !strings.Contains(r.body, `rel="prev"`) || strings.Contains(r.body, `rel="next"`) || strings.Contains(r.body, "<b>") {
			t.Errorf("the second page of payouts: %d", r.status)
		}
	}

	done2 := b.post("/sandbox/faults", url.Values{"preset": {"short_page"}, "operation": {"getPayouts"}, "payment_reference": {" X1 "}, "page": {"2"}, "times": {"1"}})
	if f := b.Faults(); done2.status != 303 || len(f) != 1 || f[0].Page != 2 || f[0].Reference != "X1" || f[0].Kind != FaultShortPage {
		t.Errorf("%d, set are %+v", done2.status, f)
	}
	refused(b.post("/sandbox/faults", url.Values{"preset": {"short_page"}, "payment_reference": {"a b"}, "page": {"x"}}), "page")
	refused(b.post("/sandbox/faults", url.Values{"preset": {"short_page"}, "payment_reference": {"a b"}, "page": {"1"}}), "payment_reference")
	if page := b.control("GET", "/sandbox/faults", "", "Accept-Language", "de").body; !strings.Contains(page, "Seite 2") || !strings.Contains(page, "<code>X1</code>") {
		t.Error("the fault's page and payout are not told")
	}
}

// TestClockMakesPayouts: the page's "+7 days" lets the next payout come.
func TestClockMakesPayouts(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.order(NewOrder{AutoCapture: true})
	for i, want := range []int{0, 1} {
		if r := b.post("/sandbox/clock", url.Values{"advance": {"7d"}}); r.status != 303 {
			t.Fatalf("%d", r.status)
		}
		b.Advance(time.Minute)
		if page := b.control("GET", "/sandbox/payouts", "", "Accept-Language", "en").body; strings.Contains(page, "<caption>1 to 1 of 1") != (want == 1) {
			t.Errorf("after %d weeks there are not %d payouts", i+1, want)
		}
	}
}
