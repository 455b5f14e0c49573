package klarnasandbox

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// settlePayouts makes the payouts of the paydays that have come since it was last called, and
// returns the time up to which it did.
func (s *Sandbox) settlePayouts() time.Time {
	b := &s.payouts
	b.mu.Lock()
	defer b.mu.Unlock()
	now := s.Now()
	for _, m := range s.merchants {
		l := b.ledgers[m.ID]
		last := l.terms.lastPayday(now)
		if !last.After(l.made) {
			continue
		}
		due := s.takeDue(m.ID, &l.terms, func(at time.Time) (time.Time, bool) {
			payday := l.terms.paydayOf(at)
			if !payday.After(l.made) { // the clock was moved while it was made: it waits for the next
				payday = l.terms.nextPayday(l.made)
			}
			return payday, !payday.After(last)
		})
		for payday := l.terms.nextPayday(l.made); !payday.After(last); payday = payday.Add(l.terms.period()) {
			b.pay(m.ID, payday, b.takeExtras(m.ID, payday, due[payday], s.orders.find))
		}
		l.made = last
	}
	return now
}

// PayOut pays a merchant at once, without waiting for a payday, all that was captured, refunded
// or booked for its next payout, and returns the payouts: none if there is nothing. An empty
// merchantID means the first merchant.
func (s *Sandbox) PayOut(merchantID string) ([]Payout, error) {
	merchantID = s.merchantOr(merchantID)
	if err := s.knowsMerchant(merchantID); err != nil {
		return nil, err
	}
	now := s.settlePayouts().UTC().Truncate(time.Second)
	b := &s.payouts
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.ledgers[merchantID]
	due := s.takeDue(merchantID, &l.terms, func(time.Time) (time.Time, bool) { return now, true })
	lines := b.takeExtras(merchantID, l.terms.nextPayday(l.made), due[now], s.orders.find)
	return bare(b.pay(merchantID, now, lines)), nil
}

// dueLines are the transactions of a payday, by currency.
type dueLines map[string]keptLines

// takeDue takes from a merchant's orders what was captured and refunded and is to be paid out,
// by payday; paydayOf says when that is, and whether it is now.
func (s *Sandbox) takeDue(merchant string, terms *Terms, paydayOf func(time.Time) (time.Time, bool)) map[time.Time]dueLines {
	due := map[time.Time]dueLines{}
	take := func(currency string, at time.Time, lines ...Transaction) bool {
		payday, now := paydayOf(at)
		if !now {
			return false
		}
		if due[payday] == nil {
			due[payday] = dueLines{}
		}
		due[payday][currency] = append(due[payday][currency], lines...)
		return true
	}
	for _, o := range s.orders.all() {
		if o.MerchantID == merchant {
			o.takeDue(terms, take)
		}
	}
	return due
}

// takeDue hands over what is not paid out yet, each in the order it was made, until take
// refuses.
func (o *order) takeDue(terms *Terms, take func(currency string, at time.Time, lines ...Transaction) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.paidCaptures < len(o.Captures) {
		k := &o.Captures[o.paidCaptures]
		if !take(o.PurchaseCurrency, k.CapturedAt, o.saleLines(k, terms)...) {
			break
		}
		o.paidCaptures++
	}
	for o.paidRefunds < len(o.Refunds) {
		r := &o.Refunds[o.paidRefunds]
		if !take(o.PurchaseCurrency, r.RefundedAt, o.returnLine(r)) {
			break
		}
		o.paidRefunds++
	}
}

// takeExtras adds to the lines of a merchant's payout what was booked for it.
func (b *payoutBook) takeExtras(merchant string, payday time.Time, due dueLines, find func(string) *order) dueLines {
	if due == nil {
		due = dueLines{}
	}
	b.extras = slices.DeleteFunc(b.extras, func(e Extra) bool {
		if e.MerchantID != merchant || e.Due.After(payday) {
			return false
		}
		due[e.Currency] = append(due[e.Currency], e.line(find(e.OrderID)))
		return true
	})
	return due
}

// pay makes a merchant's payouts of one time, one for each currency, and those of fees that
// come apart.
func (b *payoutBook) pay(merchant string, at time.Time, due dueLines) (made []*payout) {
	l := b.ledgers[merchant]
	for _, currency := range slices.Sorted(maps.Keys(due)) {
		a, all := account{merchant, currency}, due[currency]
		if l.terms.SettlementType == SettlementGross {
			var fees keptLines
			all, fees = all.splitFees()
			if len(fees) > 0 {
				made = append(made, a.payout(at, SettlementGrossFee, fees.totals().settled(), fees)) // an invoice, no debt
			}
		}
		if len(all) == 0 {
			continue
		}
		all = b.holdBack(a, at, all)
		totals := all.totals()
		totals.settle(l.debts[currency], l.terms.ZeroOnDebt)
		l.debts[currency] = totals.ClosingDebtBalance
		made = append(made, a.payout(at, l.terms.SettlementType, totals, all))
	}
	for _, p := range made {
		b.add(p)
	}
	return made
}

// splitFees parts the fees and their tax from the other lines.
func (l keptLines) splitFees() (others, fees keptLines) {
	for _, t := range l {
		if t.Type == TypeFee || t.Type == TypeTax {
			fees = append(fees, t)
		} else {
			others = append(others, t)
		}
	}
	return others, fees
}

// holdBack keeps the rolling reserve from a payout and books its release.
func (b *payoutBook) holdBack(a account, at time.Time, all keptLines) keptLines {
	terms := &b.ledgers[a.merchant].terms
	kept := share(all.totals().Sale, terms.ReservePercentage)
	if kept == 0 {
		return all
	}
	e := Extra{MerchantID: a.merchant, Currency: a.currency, Type: TypeHoldback, DetailedType: "ROLLING_RESERVE",
		Amount: kept, OrderID: all[0].OrderID, At: at}
	all = append(all, e.line(nil))
	e.Type, e.Due = TypeRelease, at.Add(week*time.Duration(terms.ReserveWeeks))
	b.extras = append(b.extras, e)
	return all
}

func (a account) payout(at time.Time, kind string, totals Totals, l lines) *payout {
	return &payout{Payout{Totals: totals, PayoutDate: at, CurrencyCode: a.currency, RegistrationCurrency: registrationCurrency,
		SettlementType: kind, MerchantID: a.merchant}, l}
}

// transaction is what all transactions of the order have in common.
func (o *order) transaction() Transaction {
	t := Transaction{
		OrderID: o.ID, ShortOrderID: o.KlarnaReference, CurrencyCode: o.PurchaseCurrency,
		MerchantReference1: o.MerchantReference1, MerchantReference2: o.MerchantReference2,
		SaleDate: o.CreatedAt.Truncate(time.Second), PurchaseCountry: o.PurchaseCountry,
		PaymentMethodType: strings.ToLower(o.InitialPaymentMethod.Type),
	}
	if o.ShippingAddress != nil {
		t.ShippingCountry = o.ShippingAddress.Country
	}
	return t
}

// saleLines are the sale of a capture and its fees.
func (o *order) saleLines(k *Capture, terms *Terms) []Transaction {
	sale := o.transaction()
	sale.Type, sale.DetailedType, sale.Amount = TypeSale, "PURCHASE", k.CapturedAmount
	sale.CaptureID, sale.CaptureDate, sale.MerchantCaptureReference = k.ID, k.CapturedAt.Truncate(time.Second), k.Reference
	return append([]Transaction{sale}, feeLines(sale, terms)...)
}

// feeLines are the fees of a sale, those that are not 0.
func feeLines(sale Transaction, terms *Terms) (fees []Transaction) {
	for _, f := range []struct {
		detailed string
		amount   int64
	}{
		{"PURCHASE_FEE_PERCENTAGE", share(sale.Amount, terms.FeePercentage)},
		{"PURCHASE_FEE_FIXED", terms.FeeFixed},
	} {
		if f.amount == 0 {
			continue
		}
		fee := sale
		fee.Type, fee.DetailedType, fee.Amount = TypeFee, f.detailed, f.amount
		fee.VATRate, fee.VATAmount = terms.VATRate, vatWithin(f.amount, terms.VATRate)
		if fee.CurrencyCode == registrationCurrency {
			fee.RegistrationTax, fee.RegistrationCurrency = fee.VATAmount, registrationCurrency
		}
		fees = append(fees, fee)
	}
	return fees
}

func (o *order) returnLine(r *Refund) Transaction {
	t := o.transaction()
	t.Type, t.DetailedType, t.Amount = TypeReturn, "PURCHASE_RETURN", r.RefundedAmount
	t.RefundID, t.CaptureDate, t.MerchantRefundReference = r.ID, r.RefundedAt.Truncate(time.Second), r.Reference
	return t
}
