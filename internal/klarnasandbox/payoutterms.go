package klarnasandbox

import "time"

// Terms are what Klarna and a merchant have agreed on, and how the payouts are told.
type Terms struct {
	// Daily says that each day is paid out by itself, else it is each week from Wednesday to
	// Tuesday. The payout comes DelayDays after the day or the week is over.
	Daily     bool `json:"daily"`
	DelayDays int  `json:"delay_days"`
	// FeePercentage and FeeFixed are the fees of a sale: hundredths of a percent, and minor
	// units. Both have VATRate (hundredths of a percent) within them.
	FeePercentage int64 `json:"fee_percentage"`
	FeeFixed      int64 `json:"fee_fixed"`
	VATRate       int64 `json:"vat_rate"`
	// SettlementType is NET or GROSS; with GROSS the fees come as a payout GROSS_FEE.
	SettlementType string `json:"merchant_settlement_type"`
	// ReservePercentage of the sales (in hundredths) is held back from each payout and released
	// ReserveWeeks later.
	ReservePercentage int64 `json:"reserve_percentage"`
	ReserveWeeks      int   `json:"reserve_weeks"`

	ZeroOnDebt  bool `json:"zero_on_debt"` // a payout that raises the debt says 0 instead of less
	Signed      bool `json:"signed"`       // what is taken off is told with a minus
	Bare        bool `json:"bare"`         // transactions without payment_reference, payout and refund_id
	OldestFirst bool `json:"oldest_first"` // payouts are listed from the oldest on
}

// defaultTerms are those of a merchant for whom nothing was changed.
func defaultTerms() Terms {
	return Terms{DelayDays: 7, FeePercentage: 299, FeeFixed: 35, VATRate: 1900, SettlementType: SettlementNet, ReserveWeeks: 4}
}

// Terms returns a merchant's terms, those of the first merchant if merchantID is empty.
func (s *Sandbox) Terms(merchantID string) Terms {
	s.payouts.mu.Lock()
	defer s.payouts.mu.Unlock()
	if l := s.payouts.ledgers[s.merchantOr(merchantID)]; l != nil {
		return l.terms
	}
	return Terms{}
}

// SetTerms changes how the payouts to come of a merchant are made, and how all of them are
// told; empty means the first merchant. The error is an *Error with the names of the fields
// that make no sense.
func (s *Sandbox) SetTerms(merchantID string, t Terms) error {
	merchantID = s.merchantOr(merchantID)
	if err := s.knowsMerchant(merchantID); err != nil {
		return err
	}
	if bad := t.badFields(); len(bad) > 0 {
		return badValue(bad...)
	}
	s.settlePayouts() // what is due by now keeps the terms of its time
	s.payouts.mu.Lock()
	defer s.payouts.mu.Unlock()
	s.payouts.ledgers[merchantID].terms = t
	return nil
}

// merchantOr returns the id, or that of the first merchant if it is empty.
func (s *Sandbox) merchantOr(id string) string {
	if id == "" {
		return s.merchants[0].ID
	}
	return id
}

func (t *Terms) badFields() badFields {
	var bad badFields
	percentage := func(n int64) bool { return n >= 0 && n <= 10_000 }
	bad.check("delay_days", t.DelayDays >= 0 && t.DelayDays <= 60)
	bad.check("fee_percentage", percentage(t.FeePercentage))
	bad.check("fee_fixed", t.FeeFixed >= 0 && t.FeeFixed <= maxAmount)
	bad.check("vat_rate", percentage(t.VATRate))
	bad.check("merchant_settlement_type", t.SettlementType == SettlementNet || t.SettlementType == SettlementGross)
	bad.check("reserve_percentage", percentage(t.ReservePercentage))
	bad.check("reserve_weeks", t.ReserveWeeks >= 1 && t.ReserveWeeks <= 52)
	return bad
}

// share returns a part of the amount in hundredths of a percent, rounded half up.
func share(amount, percentage int64) int64 { return (amount*percentage + 5_000) / 10_000 }

// vatWithin returns the VAT that an amount contains, rounded half up.
func vatWithin(amount, rate int64) int64 { return (amount*rate + (10_000+rate)/2) / (10_000 + rate) }

const (
	day  = 24 * time.Hour
	week = 7 * day
	// paydayHour is when Klarna initiates the payouts of a day (UTC). It is not midnight, so
	// that an end_date without a time excludes its day.
	paydayHour = 6 * time.Hour
)

// period is how long what is paid out together was collected.
func (t *Terms) period() time.Duration {
	if t.Daily {
		return day
	}
	return week
}

// periodOf returns the midnight (UTC) that begins the period of a time: of its day, or of the
// Wednesday that is the last before it.
func (t *Terms) periodOf(at time.Time) time.Time {
	at = at.UTC()
	if t.Daily {
		return midnightAfter(at, 0)
	}
	return midnightAfter(at, -(int(at.Weekday())-int(time.Wednesday)+7)%7)
}

// delay is how long after its end a period is paid out.
func (t *Terms) delay() time.Duration { return time.Duration(t.DelayDays)*day + paydayHour }

// paydayOf returns when something of that time is paid out.
func (t *Terms) paydayOf(at time.Time) time.Time { return t.periodOf(at).Add(t.period() + t.delay()) }

// lastPayday returns the last payday that has come by now.
func (t *Terms) lastPayday(now time.Time) time.Time {
	return t.periodOf(now.Add(-t.delay())).Add(t.delay())
}

// nextPayday returns the first payday after a time.
func (t *Terms) nextPayday(after time.Time) time.Time { return t.lastPayday(after).Add(t.period()) }
