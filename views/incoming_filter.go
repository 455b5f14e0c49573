package views

import (
	"context"
	"net/url"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
)

// LineListFilter is what a list of statement lines is restricted to, as it stands in the
// address.
type LineListFilter struct {
	Query    string
	Type     string
	Match    string // a match state, or MatchOpen
	Currency string
	From     string // a day, included
	Until    string // a day, included
	Amount   string // as people write it
}

// MatchOpen stands for all match states that somebody has to look at.
const MatchOpen = "open"

func (f *LineListFilter) parameters() parameters {
	return parameters{
		"q": &f.Query, "type": &f.Type, "match": &f.Match, "currency": &f.Currency, "from": &f.From, "until": &f.Until, "amount": &f.Amount,
	}
}

// LineListFilterOf reads the filter of an address. Other parameters do not count.
func LineListFilterOf(query url.Values) (f LineListFilter) {
	f.parameters().read(query)
	return f
}

// query is the filter for an address, with one part of it changed.
func (f LineListFilter) query(name, value string) url.Values {
	return f.parameters().with(name, value)
}

// Active reports whether the list is restricted at all.
func (f LineListFilter) Active() bool { return f != LineListFilter{} }

// folded reports whether nothing but the fields that are always seen is filled in.
func (f LineListFilter) folded() bool {
	return f == LineListFilter{Query: f.Query, Match: f.Match}
}

// chips are the filters that are applied.
func (p IncomingLinesPage) chips(ctx context.Context) []Chip {
	var chips []Chip
	add := func(name, value, text string) {
		if value != "" && p.Form.Error(name) == "" {
			chips = append(chips, Chip{Label: i18n.T(ctx, "incoming.filter."+name), Value: text, RemoveHref: p.ListHref(name, "")})
		}
	}
	f := p.Filter
	add("q", f.Query, f.Query)
	if p.Form.Error("match") == "" && f.Match != "" {
		add("match", f.Match, matchText(ctx, f.Match))
	}
	add("type", f.Type, LineTypeText(ctx, f.Type))
	add("currency", f.Currency, f.Currency)
	add("from", f.From, dayText(ctx, f.From))
	add("until", f.Until, dayText(ctx, f.Until))
	add("amount", f.Amount, f.Amount)
	return chips
}

func matchText(ctx context.Context, match string) string {
	if match == MatchOpen {
		return i18n.T(ctx, "incoming.open")
	}
	return MatchStateText(ctx, settlement.MatchState(match))
}

func matchChoices(ctx context.Context) []Choice {
	choices := []Choice{{Value: MatchOpen, Label: matchText(ctx, MatchOpen)}}
	for _, m := range settlement.MatchStates() {
		choices = append(choices, Choice{Value: string(m), Label: MatchStateText(ctx, m)})
	}
	return choices
}

// typeChoices are the types that Klarna describes, and the one that is shown.
func typeChoices(ctx context.Context, shown string) []Choice {
	var choices []Choice
	known := false
	for _, t := range settlement.TransactionTypes() {
		choices = append(choices, Choice{Value: string(t), Label: LineTypeText(ctx, string(t))})
		known = known || string(t) == shown
	}
	if !known && shown != "" {
		choices = append(choices, Choice{Value: shown, Label: shown})
	}
	return choices
}

// DetailedTypeText is the word for what a statement line is about more exactly: Klarna's
// own where it is not known.
func DetailedTypeText(ctx context.Context, detailed string) string {
	if key := "line.detailed." + detailed; i18n.Has(i18n.Language(ctx), key) {
		return i18n.T(ctx, key)
	}
	return detailed
}

// MatchRuleText says by what a line was tied to an order.
func MatchRuleText(ctx context.Context, rule settlement.MatchRule) string {
	return i18n.T(ctx, "line.rule."+string(rule))
}
