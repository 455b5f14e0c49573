package settlement

import "zahlwerk/internal/klarna"

// telltale are the types whose lines tell whether a file writes signs: they take from a
// payout, and each has a total.
var telltale = []klarna.TransactionType{klarna.TypeReturn, klarna.TypeFee, klarna.TypeHoldback, klarna.TypeCharge, klarna.TypeTax}

// conclude brings a payout into the form of the API, where neither totals nor lines have
// signs: a merchant may have chosen them for the file. Totals that the merchant left out
// of it are what the lines come to.
func (p *filePayout) conclude() {
	if !p.ok() {
		return
	}
	if p.totalsSigned() {
		for _, t := range fileTotals {
			if t.minus {
				*t.field(&p.payout.Totals) *= -1
			}
		}
	}
	p.signed = p.linesSigned()
	if p.signed {
		for kind, s := range p.sums {
			if Direction(kind) < 0 {
				s.amount = -s.amount
				p.sums[kind] = s
			}
		}
	}
	p.fillTotals()
	if p.lines == 0 && p.expectsLines() {
		p.add(FileProblem{Line: p.line, Problem: Problem{Key: "settlement_file.error.no_lines"}})
	}
}

// totalsSigned tells that what a payout is less for stands in the file with a minus.
func (p *filePayout) totalsSigned() bool {
	negative := false
	for _, t := range telltale {
		switch total := p.total(t); {
		case total > 0:
			return false
		case total < 0:
			negative = true
		}
	}
	return negative && p.balance() != p.payout.Totals.Settlement
}

// linesSigned tells that the lines have their signs. Where Klarna's total of a type is
// what its lines come to, they have not; a total that is not there can't say.
func (p *filePayout) linesSigned() (signed bool) {
	for _, kind := range telltale {
		sum, total := p.sums[kind].amount, p.total(kind)
		switch {
		case sum == 0:
		case p.given[typeTotals[kind]] && sum == total, sum > 0:
			return false
		default:
			signed = true
		}
	}
	return signed
}

// balance is the settlement as the totals have it.
func (p *filePayout) balance() (balance int64) {
	for _, t := range fileTotals {
		amount := *t.field(&p.payout.Totals)
		switch {
		case t.minus:
			balance -= amount
		case t.column != "total_deposit_amount" && t.column != "opening_debt_balance" && t.column != "closing_debt_balance":
			balance += amount
		}
	}
	return balance
}

func (p *filePayout) total(kind klarna.TransactionType) int64 {
	if field := totalField(kind); field != nil {
		return *field(&p.payout.Totals)
	}
	return 0
}

func totalField(kind klarna.TransactionType) func(*klarna.Totals) *int64 {
	for _, t := range fileTotals {
		if t.column == typeTotals[kind] {
			return t.field
		}
	}
	return nil
}

func (p *filePayout) fillTotals() {
	for kind, s := range p.sums {
		amount := s.amount
		if kind == klarna.TypeReversalMerchantProtection {
			kind, amount = klarna.TypeReversal, -amount
		}
		if field := totalField(kind); field != nil && !p.given[typeTotals[kind]] {
			*field(&p.payout.Totals) += amount
		}
	}
}

// expectsLines tells that there must be lines: Klarna has totals of them.
func (p *filePayout) expectsLines() bool {
	if p.payout.Totals.Settlement != 0 {
		return true
	}
	for kind := range typeTotals {
		if p.total(kind) != 0 {
			return true
		}
	}
	return false
}
