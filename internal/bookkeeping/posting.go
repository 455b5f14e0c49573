package bookkeeping

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
)

// Way is how many postings a payout becomes.
type Way string

// The ways.
const (
	PerLine   Way = "line"   // one a line
	PerType   Way = "type"   // one a type of line
	PerPayout Way = "payout" // one, to the bank's transit account; the rest is posted elsewhere
)

// Ways lists all ways.
func Ways() []Way { return []Way{PerLine, PerType, PerPayout} }

// Kind is what a posting is about: a type of Klarna's in small letters, the name of a
// reason, or one of those below.
type Kind string

// Kinds that neither a type nor a reason has.
const (
	kindUnknown     Kind = "unknown"
	kindUnexplained Kind = "unexplained"
	kindPayout      Kind = "payout" // the payout itself, on its way to the bank
	kindTotal       Kind = "total"  // all lines and differences of a payout together
)

// posting is an amount on the clearing account, with the account against it.
type posting struct {
	Payout *settlement.Payout
	Day    time.Time // of the payout
	Kind   Kind
	Type   klarna.TransactionType // "" for what is no line
	Role   Role                   // of the account against it
	Amount int64                  // debit (Soll) of the clearing account; negative: credit (Haben)
	Line   *line                  // nil for what is not one line
}

// line is what a posting knows of the statement line that it is made of.
type line struct {
	ID            int64
	Type          klarna.TransactionType
	DetailedType  string
	Amount        int64
	KlarnaOrderID string
	Reference     string // the order's number, or what the merchant told Klarna
	Invoice       string
	VATRate       *int64 `gorm:"column:vat_rate"`
	VATAmount     *int64 `gorm:"column:vat_amount"`
}

var roles = map[klarna.TransactionType]Role{
	klarna.TypeSale: Sales, klarna.TypeReturn: Returns, klarna.TypeReversal: Reversals,
	klarna.TypeReversalMerchantProtection: Reversals, klarna.TypeFee: Fees, klarna.TypeFeeRefund: FeeRefunds,
	klarna.TypeTax: Taxes, klarna.TypeCommission: Commissions, klarna.TypeCharge: Charges, klarna.TypeCredit: Credits,
	klarna.TypeHoldback: Holdbacks, klarna.TypeRelease: Releases, klarna.TypeCorrection: Corrections,
}

// roleOf is the account of a type.
func roleOf(t klarna.TransactionType) Role {
	if r, ok := roles[t]; ok {
		return r
	}
	return Unknown
}

func kindOf(t klarna.TransactionType) Kind {
	if _, ok := roles[t]; ok {
		return Kind(strings.ToLower(string(t)))
	}
	return kindUnknown
}

// roleOfReason is the account of a named difference.
func roleOfReason(r settlement.ReasonName) Role {
	if r == settlement.ReasonUnknownType {
		return Unknown
	}
	return Differences
}

// taxed tells whether the tax key of fees belongs to postings against an account.
func (r Role) taxed() bool { return r == Fees || r == FeeRefunds || r == Corrections }

// dayOf is the day of a moment where the merchant works.
func dayOf(t time.Time) time.Time {
	y, m, d := t.In(order.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, order.Zone)
}

// ofLine is the posting of a line.
func ofLine(p *settlement.Payout, l *line) posting {
	return posting{Payout: p, Day: dayOf(p.PayoutDate), Kind: kindOf(l.Type), Type: l.Type, Role: roleOf(l.Type), Amount: l.Amount, Line: l}
}

// ofTypes are the postings of the lines of a payout by type, from its sums.
func ofTypes(p *settlement.Payout, sums []settlement.Sum) []posting {
	amounts := map[klarna.TransactionType]int64{}
	for _, s := range sums {
		amounts[s.Type] += s.Amount
	}
	var out []posting
	for t, amount := range amounts {
		out = append(out, posting{Payout: p, Day: dayOf(p.PayoutDate), Kind: kindOf(t), Type: t, Role: roleOf(t), Amount: amount})
	}
	slices.SortFunc(out, func(a, b posting) int { return byType(a.Type, b.Type) })
	return out
}

// byType orders types as Klarna's list does; what is not on it comes last.
func byType(a, b klarna.TransactionType) int {
	known := klarna.TransactionTypes()
	rank := func(t klarna.TransactionType) int {
		if i := slices.Index(known, t); i >= 0 {
			return i
		}
		return len(known)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// differences are the postings of what the lines lack of a payout, when they come to
// lines: by name, and what is left without one.
func differences(p *settlement.Payout, sums []settlement.Sum, lines int64) []posting {
	at := posting{Payout: p, Day: dayOf(p.PayoutDate)}
	rest := p.Totals.Settlement - lines
	var out []posting
	for _, r := range p.Reasons {
		at.Kind, at.Role, at.Amount = Kind(r.Name), roleOfReason(r.Name), r.Amount
		rest -= r.Amount
		if r.Name == settlement.ReasonFeesInvoiced && p.SettlementType == klarna.SettledGross {
			out = append(out, takenBack(at, sums)...)
		} else {
			out = append(out, at)
		}
	}
	at.Kind, at.Role, at.Amount = kindUnexplained, Differences, rest
	return append(out, at)
}

// feeTypes are what an invoice for fees is made of.
var feeTypes = []klarna.TransactionType{klarna.TypeFee, klarna.TypeTax, klarna.TypeFeeRefund, klarna.TypeCorrection}

// takenBack are the postings of fees that are invoiced apart: on the accounts on which the
// lines have posted them, so that they count with their invoice alone.
func takenBack(all posting, sums []settlement.Sum) []posting {
	var out []posting
	rest := all.Amount
	for _, t := range feeTypes {
		back := all
		back.Role, back.Amount = roleOf(t), 0
		for _, s := range sums {
			if s.Type == t && rest != 0 {
				back.Amount -= s.Amount
			}
		}
		rest -= back.Amount
		out = append(out, back)
	}
	all.Role, all.Amount = Fees, rest
	return append(out, all)
}

// total is all that a payout is made of, in one posting.
func total(p *settlement.Payout) posting {
	return posting{Payout: p, Day: dayOf(p.PayoutDate), Kind: kindTotal, Amount: p.Totals.Settlement}
}

// transfer is the payout itself, which leaves the clearing account.
func transfer(p *settlement.Payout) posting {
	return posting{Payout: p, Day: dayOf(p.PayoutDate), Kind: kindPayout, Role: Transit, Amount: -p.Totals.Settlement}
}

// nonzero leaves out the postings of nothing.
func nonzero(postings []posting) []posting {
	return slices.DeleteFunc(postings, func(p posting) bool { return p.Amount == 0 })
}

// reference is the document that a posting is settled by: the invoice, else the order,
// else the payout.
func (p *posting) reference() string {
	if p.Line != nil {
		return cmp.Or(p.Line.Invoice, p.Line.Reference, p.Payout.PaymentReference)
	}
	return p.Payout.PaymentReference
}

// order is the number of the order that a posting is about, "" for none.
func (p *posting) order() string {
	if p.Line == nil {
		return ""
	}
	return p.Line.Reference
}
