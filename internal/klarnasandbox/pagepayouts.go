package klarnasandbox

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// extraKind is an extra that the page offers.
type extraKind struct{ Name, Type, DetailedType string }

var extraKinds = []extraKind{
	{"holdback", TypeHoldback, "ROLLING_RESERVE"},
	{"release", TypeRelease, "ROLLING_RESERVE"},
	{"reversal", TypeReversal, "REVERSAL"},
	{"protection", TypeMerchantProtection, "FRAUD_POLICY_CREDIT_NET"},
	{"correction", TypeCorrection, "CREDITED_CORRECTION"},
	{"charge", TypeCharge, "PAYMENT_REMINDER"},
	{"credit", TypeCredit, "CORRECTION_DISPUTE"},
	{"commission", TypeCommission, "COMMISSION"},
	{"tax", TypeTax, ""},
	{"late_return", TypeFee, "LATE_RETURN_FEE"},
	{"dispute", TypeFee, "DISPUTE_FEE"},
	{"fee_refund", TypeFeeRefund, "PURCHASE_FEE_PERCENTAGE_REFUND"},
	{"unknown_detail", TypeFee, "NEVER_HEARD_OF"},
	{"unknown", "NEVER_HEARD_OF", "NEVER_HEARD_OF"},
}

type payoutsContent struct {
	Payouts      []Payout
	Total        int
	From, To     int
	Newer, Older string
	Extras       []Extra
	Kinds        []extraKind
	Oddities     []Oddity
	Merchants    []Merchant
	Merchant     string // whose terms are shown
	Form         url.Values
}

func (s *Sandbox) pagePayouts(w http.ResponseWriter, r *http.Request) {
	merchant := s.merchantOr(r.URL.Query().Get("merchant_id"))
	if s.knowsMerchant(merchant) != nil {
		s.notFoundPage(w, r)
		return
	}
	s.renderPayouts(w, r, http.StatusOK, s.payoutsForm(merchant), nil)
}

// payoutsForm is what the forms of the page say before anybody changes them.
func (s *Sandbox) payoutsForm(merchant string) url.Values {
	t := s.Terms(merchant)
	form := url.Values{
		"merchant_id": {merchant}, "daily": {strconv.FormatBool(t.Daily)}, "delay_days": {strconv.Itoa(t.DelayDays)},
		"currency_code": {registrationCurrency}, "volume_currency": {registrationCurrency}, "weeks": {"0"},
		"payouts": {"10"}, "transactions": {"1000"}, "seed": {"1"},
		"fee_percentage": {plainAmount(t.FeePercentage, "")}, "fee_fixed": {plainAmount(t.FeeFixed, "")},
		"vat_rate": {plainAmount(t.VATRate, "")}, "settlement_type": {t.SettlementType},
		"reserve_percentage": {plainAmount(t.ReservePercentage, "")}, "reserve_weeks": {strconv.Itoa(t.ReserveWeeks)},
	}
	for name, on := range map[string]bool{"zero_on_debt": t.ZeroOnDebt, "signed": t.Signed, "bare": t.Bare, "oldest_first": t.OldestFirst} {
		if on {
			form.Set(name, "on")
		}
	}
	return form
}

func (s *Sandbox) renderPayouts(w http.ResponseWriter, r *http.Request, status int, form url.Values, bad map[string]bool) {
	p := s.newPage(w, r, "payouts")
	p.Errors, p.Self = bad, "/sandbox/payouts"
	all := s.Payouts("")
	slices.Reverse(all)
	offset, _ := paging(r, pageSize)
	from := min(offset, len(all))
	to := min(from+pageSize, len(all))
	c := payoutsContent{Payouts: all[from:to], Total: len(all), From: from + 1, To: to, Extras: s.Extras(), Kinds: extraKinds,
		Oddities: Oddities, Merchants: uniqueMerchants(s.Merchants()), Merchant: form.Get("merchant_id"), Form: form}
	if from > 0 {
		c.Newer = "/sandbox/payouts?offset=" + strconv.Itoa(max(from-pageSize, 0))
	}
	if to < len(all) {
		c.Older = "/sandbox/payouts?offset=" + strconv.Itoa(to)
	}
	p.Content = c
	render(w, status, p)
}

// formReader reads numbers from a form and notes the fields that are none.
type formReader struct {
	url.Values
	bad map[string]bool
}

// amount reads a number with up to two decimals, in hundredths; empty is 0.
func (f formReader) amount(field string) int64 {
	text := strings.TrimSpace(f.Get(field))
	if text == "" {
		return 0
	}
	n, ok := parseAmount(text)
	if !ok {
		f.bad[field] = true
	}
	return n
}

func (f formReader) number(field string) int {
	n, err := strconv.Atoi(strings.TrimSpace(f.Get(field)))
	if err != nil {
		f.bad[field] = true
	}
	return n
}

// refused notes the fields of a refusal, under the names they have in the form; what is not
// about a field of its own is about the one that has the name "" there.
func (f formReader) refused(err error, inForm map[string]string) {
	var e *Error
	if !errors.As(err, &e) {
		return
	}
	if e.Code != CodeBadValue {
		f.bad[cmp.Or(inForm[""], "merchant_id")] = true
		return
	}
	for _, m := range e.Messages {
		name := strings.TrimPrefix(m, "Bad value: ")
		f.bad[cmp.Or(inForm[name], name)] = true
	}
}

// postPayoutForm reads one of the page's forms and lets act do what it says, once.
func (s *Sandbox) postPayoutForm(w http.ResponseWriter, r *http.Request, done string, act func(formReader)) {
	posted, ok := readForm(w, r)
	if !ok {
		return
	}
	f := formReader{posted, map[string]bool{}}
	act(f)
	if len(f.bad) > 0 {
		shown := s.payoutsForm(posted.Get("merchant_id")) // of the other forms
		for name, values := range posted {
			shown[name] = values
		}
		s.renderPayouts(w, r, http.StatusUnprocessableEntity, shown, f.bad)
		return
	}
	http.Redirect(w, r, "/sandbox/payouts?done="+done, http.StatusSeeOther)
}

func (s *Sandbox) postPayOut(w http.ResponseWriter, r *http.Request) {
	s.postPayoutForm(w, r, "paidout", func(f formReader) {
		if s.forms.first(f.Get("once")) {
			_, err := s.PayOut(f.Get("merchant_id"))
			f.refused(err, nil)
		}
	})
}

func (s *Sandbox) postOdd(w http.ResponseWriter, r *http.Request) {
	s.postPayoutForm(w, r, "paidout", func(f formReader) {
		if s.forms.first(f.Get("once")) {
			_, err := s.CreateOddPayout(f.Get("merchant_id"), Oddity(f.Get("oddity")))
			f.refused(err, nil)
		}
	})
}

func (s *Sandbox) postExtra(w http.ResponseWriter, r *http.Request) {
	s.postPayoutForm(w, r, "extra", func(f formReader) {
		i := slices.IndexFunc(extraKinds, func(k extraKind) bool { return k.Name == f.Get("extra") })
		if i < 0 {
			f.bad["extra"] = true
			return
		}
		e := Extra{MerchantID: f.Get("merchant_id"), Currency: strings.TrimSpace(f.Get("currency_code")),
			Type: extraKinds[i].Type, DetailedType: extraKinds[i].DetailedType, Amount: f.amount("extra_amount"),
			OrderID: f.Get("order_id"), Comment: strings.TrimSpace(f.Get("klarna_comment")), Weeks: f.number("weeks")}
		if len(f.bad) == 0 && s.forms.first(f.Get("once")) {
			_, err := s.AddExtra(e)
			f.refused(err, map[string]string{"amount": "extra_amount", "": "extra"})
		}
	})
}

func (s *Sandbox) postTerms(w http.ResponseWriter, r *http.Request) {
	s.postPayoutForm(w, r, "terms", func(f formReader) {
		on := func(field string) bool { return f.Get(field) != "" }
		t := Terms{Daily: f.Get("daily") == "true", DelayDays: f.number("delay_days"), FeePercentage: f.amount("fee_percentage"), FeeFixed: f.amount("fee_fixed"), VATRate: f.amount("vat_rate"),
			SettlementType: f.Get("settlement_type"), ReservePercentage: f.amount("reserve_percentage"),
			ReserveWeeks: f.number("reserve_weeks"), ZeroOnDebt: on("zero_on_debt"), Signed: on("signed"), Bare: on("bare"),
			OldestFirst: on("oldest_first")}
		if len(f.bad) == 0 {
			f.refused(s.SetTerms(f.Get("merchant_id"), t), map[string]string{"merchant_settlement_type": "settlement_type"})
		}
	})
}

func (s *Sandbox) postVolume(w http.ResponseWriter, r *http.Request) {
	s.postPayoutForm(w, r, "generated", func(f formReader) {
		seed, err := strconv.ParseUint(strings.TrimSpace(f.Get("seed")), 10, 64)
		if err != nil {
			f.bad["seed"] = true
		}
		v := Volume{MerchantID: f.Get("merchant_id"), Payouts: f.number("payouts"), Transactions: f.number("transactions"),
			Seed: seed, Currency: strings.TrimSpace(f.Get("volume_currency"))}
		if len(f.bad) == 0 && s.forms.first(f.Get("once")) {
			_, err := s.GeneratePayouts(v)
			f.refused(err, map[string]string{"currency_code": "volume_currency", "": "seed"})
		}
	})
}
