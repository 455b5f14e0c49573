package bookkeeping

import (
	"cmp"
	"context"
	"slices"
	"time"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/settlement"
)

// Selection is what is to be exported, and how.
type Selection struct {
	AccountID int64
	Payout    string    // a payment reference; "" for those of a period
	From      time.Time // the beginning of its first day where the merchant works
	Until     time.Time // the beginning of its last day
	Format    Format
	Way       Way
}

// LedgerCurrency is the currency of the books. DATEV wants a rate for any other one, and
// Zahlwerk knows no rates.
const LedgerCurrency = "EUR"

// maxNamed is how many payouts a warning names.
const maxNamed = 20

// Check is what is known of an export before it is made.
type Check struct {
	Selection   Selection
	Account     businessaccount.Account
	Settings    Settings
	Sums        []Sum    // a currency each
	Missing     []Role   // accounts that its postings need and that are not set
	Numbers     []string // other settings that are not set, by their fields
	Incomplete  Payouts  // not all their lines are here
	Unexplained Payouts  // some of their difference has no name
	Foreign     []string // currencies that need a rate
	Impossible  []string // currencies whose amounts the format can't hold
	Unmatched   int64    // lines that should have an order, but have none
	Fees        []FeeSum
	newest      map[string]time.Time // date of the newest payout, by currency
	years       map[string][2]int    // fiscal years of the first and the last one
}

// Sum is what an export holds in one currency.
type Sum struct {
	Currency   string
	Payouts    int
	Lines      int64
	Postings   int64
	Settlement int64
	Difference int64
}

// Payouts counts payouts and names the first of them.
type Payouts struct {
	Count int
	Named []string
}

func (p *Payouts) add(reference string) {
	p.Count++
	if len(p.Named) < maxNamed {
		p.Named = append(p.Named, reference)
	}
}

// Ready tells that nothing keeps the export from being made; warnings don't.
func (c *Check) Ready() bool {
	return c.Postings() > 0 && len(c.Missing) == 0 && len(c.Numbers) == 0 && len(c.Impossible) == 0
}

// Postings is how many postings there are in all files.
func (c *Check) Postings() (n int64) {
	for _, s := range c.Sums {
		n += s.Postings
	}
	return n
}

// Check looks at an export without making it. Errors: NotFound for the account, Invalid at
// "payout", "from", "until", "format" and "way".
func (s *Service) Check(ctx context.Context, sel Selection) (*Check, error) {
	account, err := s.accounts.Find(ctx, sel.AccountID)
	if err != nil {
		return nil, err
	}
	if err := sel.check(); err != nil {
		return nil, err
	}
	c := &Check{Selection: sel, Account: *account, newest: map[string]time.Time{}, years: map[string][2]int{}}
	if c.Settings, err = s.Settings(ctx); err != nil {
		return nil, err
	}
	needed, sums, fees := map[Role]bool{}, map[string]*Sum{}, feesOf{}
	err = s.payouts(ctx, &sel, "", func(p *settlement.Payout, lines []settlement.Sum) error {
		c.see(p, lines, sums, needed)
		fees.add(p, lines)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, sum := range sums {
		c.Sums = append(c.Sums, *sum)
	}
	slices.SortFunc(c.Sums, func(a, b Sum) int { return cmp.Compare(a.Currency, b.Currency) })
	c.Fees = fees.sorted(c.Settings.VATRate)
	c.conclude(needed)
	if sel.Payout != "" && len(c.Sums) == 0 {
		return nil, invalid("payout", "bookkeeping.error.payout")
	}
	return c, nil
}

func (sel *Selection) check() error {
	var f fault.Checker
	if sel.Payout == "" {
		for name, day := range map[string]time.Time{"from": sel.From, "until": sel.Until} {
			if day.IsZero() {
				f.Add(name, "error.required")
			}
		}
		if !sel.From.IsZero() && !sel.Until.IsZero() && sel.Until.Before(sel.From) {
			f.Add("until", "bookkeeping.error.period")
		}
	}
	if _, ok := formats[sel.Format]; !ok {
		f.Add("format", "error.choice", "Value", string(sel.Format))
	}
	if !slices.Contains(Ways(), sel.Way) {
		f.Add("way", "error.choice", "Value", string(sel.Way))
	}
	return f.Err()
}

func invalid(field, key string) error {
	var f fault.Checker
	f.Add(field, key)
	return f.Err()
}

// see counts a payout.
func (c *Check) see(p *settlement.Payout, lines []settlement.Sum, sums map[string]*Sum, needed map[Role]bool) {
	sum := sums[p.Currency]
	if sum == nil {
		sum = &Sum{Currency: p.Currency}
		sums[p.Currency] = sum
	}
	postings, ofLines := c.Selection.outline(p, lines)
	sum.Payouts++
	sum.Lines += p.Lines
	sum.Settlement += p.Totals.Settlement
	sum.Difference += p.Difference
	sum.Postings += int64(len(postings)) + ofLines
	for _, l := range lines {
		if !l.MatchState.Settled() {
			c.Unmatched += l.Lines
		}
		if ofLines > 0 && counts(&l) {
			needed[roleOf(l.Type)] = true
			c.fit(l.Amount, p.Currency)
		}
	}
	for _, post := range postings {
		needed[post.Role] = true
		c.fit(post.Amount, p.Currency)
	}
	if !p.Complete {
		c.Incomplete.add(p.PaymentReference)
	} else if p.Unexplained != 0 {
		c.Unexplained.add(p.PaymentReference)
	}
	c.newest[p.Currency] = p.PayoutDate
	year := c.Settings.year(dayOf(p.PayoutDate))
	if first, ok := c.years[p.Currency]; ok {
		c.years[p.Currency] = [2]int{first[0], year}
	} else {
		c.years[p.Currency] = [2]int{year, year}
	}
}

// fit notes a currency with an amount that the format can't hold.
func (c *Check) fit(amount int64, currency string) {
	if !c.Selection.format().holds(amount, currency) && !slices.Contains(c.Impossible, currency) {
		c.Impossible = append(c.Impossible, currency)
	}
}

// counts tells that lines make postings. Those of types that are not known add nothing to
// a payout: nobody can tell what they do, and what they do is a difference.
func counts(s *settlement.Sum) bool { return settlement.Direction(s.Type) != 0 }

// outline are the postings of a payout, but those of its lines, of which there are as many
// as it returns beside them.
func (sel *Selection) outline(p *settlement.Payout, lines []settlement.Sum) (postings []posting, ofLines int64) {
	var amount int64
	for _, l := range lines {
		amount += l.Amount
	}
	switch sel.Way {
	case PerPayout:
		if sel.format().statement {
			postings = append(postings, total(p))
		}
		return nonzero(append(postings, transfer(p))), 0
	case PerType:
		postings = ofTypes(p, lines)
	case PerLine:
		for _, l := range lines {
			if counts(&l) {
				ofLines += l.Lines
			}
		}
	}
	postings = append(postings, differences(p, lines, amount)...)
	return nonzero(append(postings, transfer(p))), ofLines
}

// conclude says what is missing once all payouts were seen.
func (c *Check) conclude(needed map[Role]bool) {
	slices.Sort(c.Impossible)
	if f := c.Selection.format(); !f.accounts {
		return
	}
	if len(needed) > 0 {
		needed[Clearing] = true
	}
	c.Missing = c.Settings.missing(needed)
	if c.Selection.Format != DATEV || len(c.Sums) == 0 {
		return
	}
	if c.Settings.Consultant == 0 {
		c.Numbers = append(c.Numbers, "consultant")
	}
	if c.Settings.Client == 0 {
		c.Numbers = append(c.Numbers, "client")
	}
	for _, s := range c.Sums {
		if s.Currency != LedgerCurrency {
			c.Foreign = append(c.Foreign, s.Currency)
		}
	}
}

// year is the fiscal year of a day, by the calendar year in which it begins.
func (set *Settings) year(day time.Time) int {
	if int(day.Month()) < set.YearStart {
		return day.Year() - 1
	}
	return day.Year()
}

// yearBegin is the first day of a fiscal year.
func (set *Settings) yearBegin(year int, in *time.Location) time.Time {
	return time.Date(year, time.Month(set.YearStart), 1, 0, 0, 0, 0, in)
}

// decimals are the digits of a currency's minor unit.
func decimals(currency string) int { return money.Digits(currency) }
