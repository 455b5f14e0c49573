package klarnasandbox

import (
	"cmp"
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// registrationCurrency is that of the country in which the merchants are registered.
const registrationCurrency = "EUR"

// account is what a payout is made for: payouts are per currency.
type account struct{ merchant, currency string }

// ledger is what the book knows of a merchant.
type ledger struct {
	terms Terms
	made  time.Time        // the payday up to which payouts are made
	debts map[string]int64 // by currency
}

// payoutBook holds all payouts. Nobody who holds an order's lock may ask for the book's.
type payoutBook struct {
	mu      sync.Mutex
	ledgers map[string]*ledger // of all merchants, by their ids
	list    []*payout          // by date, then as they were made
	byName  map[string]*payout
	extras  []Extra // not in a payout yet
}

// open begins the book: what is captured from now on will be paid out.
func (b *payoutBook) open(merchants []Merchant, now time.Time) {
	b.ledgers, b.byName = map[string]*ledger{}, map[string]*payout{}
	for _, m := range merchants {
		terms := defaultTerms()
		b.ledgers[m.ID] = &ledger{terms: terms, made: terms.lastPayday(now), debts: map[string]int64{}}
	}
}

// add puts a payout in its place, under a reference of its own if it has none; false if its
// reference is taken.
func (b *payoutBook) add(p *payout) bool {
	for p.PaymentReference == "" {
		if name := "X" + rand.Text()[:7]; b.byName[name] == nil {
			p.PaymentReference = name
		}
	}
	if b.byName[p.PaymentReference] != nil {
		return false
	}
	b.byName[p.PaymentReference] = p
	i, _ := slices.BinarySearchFunc(b.list, p, func(e, p *payout) int {
		return cmp.Or(e.PayoutDate.Compare(p.PayoutDate), -1) // after its equals
	})
	b.list = slices.Insert(b.list, i, p)
	return true
}

// Payouts returns the payouts of a merchant that have come by now, of all if merchantID is
// empty, oldest first.
func (s *Sandbox) Payouts(merchantID string) []Payout { return bare(s.payoutsOf(merchantID)) }

// bare returns payouts without their transactions.
func bare(payouts []*payout) []Payout {
	out := make([]Payout, 0, len(payouts))
	for _, p := range payouts {
		out = append(out, p.Payout)
	}
	return out
}

// Transactions returns the lines of a payout as they are told; none if there is no such payout.
func (s *Sandbox) Transactions(paymentReference string) []Transaction {
	p := s.payout("", paymentReference)
	if p == nil {
		return []Transaction{}
	}
	terms := s.Terms(p.MerchantID)
	out := make([]Transaction, 0, p.count())
	for i := range p.count() {
		out = append(out, p.line(i, terms))
	}
	return out
}

// payoutsOf returns the merchant's payouts, or everybody's, that have come by now.
func (s *Sandbox) payoutsOf(merchant string) []*payout {
	now := s.settlePayouts()
	s.payouts.mu.Lock()
	defer s.payouts.mu.Unlock()
	var found []*payout
	for _, p := range s.payouts.list {
		if (merchant == "" || p.MerchantID == merchant) && !p.PayoutDate.After(now) {
			found = append(found, p)
		}
	}
	return found
}

// payout returns a payout of the merchant, or anybody's, that has come by now; nil if there is
// none.
func (s *Sandbox) payout(merchant, reference string) *payout {
	now := s.settlePayouts()
	s.payouts.mu.Lock()
	defer s.payouts.mu.Unlock()
	p := s.payouts.byName[reference]
	if p == nil || merchant != "" && p.MerchantID != merchant || p.PayoutDate.After(now) {
		return nil
	}
	return p
}
