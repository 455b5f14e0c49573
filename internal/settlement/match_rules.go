package settlement

import (
	"slices"
	"strings"

	"zahlwerk/internal/klarna"
)

// candidate is an order that a line may be about.
type candidate struct {
	orderID  int64
	currency string
	waits    bool // for its money, before it leaves
}

// lookup is a way in which lines name an order: a rule, the name that a line gives, and
// where names of that kind are found.
type lookup struct {
	rule MatchRule
	name func(*StatementLine) string
	in   register
}

// register is where an order may be found by a name.
type register int

// The registers.
const (
	klarnaOrderIDs  register = iota
	orderNumbers             // and external numbers
	noteNumbers              // of delivery notes
	shortReferences          // Klarna's short ones
	registers                // how many there are
)

// steps are the rules in the order in which they are tried. What stands in one step says
// the same in two fields: if these disagree, a person has to choose.
var steps = [][]lookup{
	{{RuleKlarnaOrderID, func(l *StatementLine) string { return strings.ToLower(l.KlarnaOrderID) }, klarnaOrderIDs}},
	{{RuleReference1, func(l *StatementLine) string { return l.MerchantReference1 }, orderNumbers},
		{RuleReference2, func(l *StatementLine) string { return l.MerchantReference2 }, orderNumbers}},
	{{RuleCaptureReference, func(l *StatementLine) string { return l.MerchantCaptureReference }, noteNumbers}},
	{{RuleShortOrderID, func(l *StatementLine) string { return l.ShortOrderID }, shortReferences}},
}

// sameLine is a line as it is known by whenever it is imported.
type sameLine struct {
	accountID int64
	identity  string
	ordinal   int
}

func (l *StatementLine) same() sameLine { return sameLine{l.AccountID, l.Identity, l.Ordinal} }

// knowledge is what is known here of the names that some lines give.
type knowledge struct {
	orders   [registers]map[string][]candidate
	rejected map[sameLine][]int64 // orders that people said no to
}

// hit is an order that a rule has found.
type hit struct {
	candidate
	rule MatchRule
}

// hits are the orders that the first rule that finds any finds for a line.
func (k *knowledge) hits(l *StatementLine) []hit {
	no := k.rejected[l.same()]
	for _, step := range steps {
		var found []hit
		for _, by := range step {
			name := by.name(l)
			if name == "" {
				continue
			}
			for _, c := range k.orders[by.in][name] {
				known := slices.ContainsFunc(found, func(h hit) bool { return h.orderID == c.orderID })
				if !known && !slices.Contains(no, c.orderID) {
					found = append(found, hit{c, by.rule})
				}
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// decide says what a line is about. Proposals are the orders among which a person has to
// choose: there are several, its currency is another one, or somebody has already said no
// to what the rules found for this line, so that they are not to be trusted with it.
func (k *knowledge) decide(l *StatementLine) (state MatchState, match hit, proposals []hit) {
	found := k.hits(l)
	switch {
	case len(found) == 1 && found[0].currency == l.Currency && len(k.rejected[l.same()]) == 0:
		return Matched, found[0], nil
	case len(found) > 0:
		return Proposed, hit{}, found
	case aboutNoOrder(l):
		return NoOrder, hit{}, nil
	}
	return Unmatched, hit{}, nil
}

// aboutNoOrder tells lines that name no order and are of a type that need not.
func aboutNoOrder(l *StatementLine) bool {
	for _, step := range steps {
		for _, by := range step {
			if by.name(l) != "" {
				return false
			}
		}
	}
	switch l.Type {
	case klarna.TypeSale, klarna.TypeReturn, klarna.TypeReversal, klarna.TypeReversalMerchantProtection:
		return false
	}
	return true
}
