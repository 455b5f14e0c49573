package views

import (
	"context"
	"net/url"
	"strconv"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
)

// PayoutFilter is what a list of payouts is restricted to, as it stands in the address.
type PayoutFilter struct {
	Query    string // words of the bank's line
	Account  string // its short name
	Currency string
	From     string // a day, included
	Until    string // a day, included
	State    string
}

func (f *PayoutFilter) parameters() parameters {
	return parameters{
		"q": &f.Query, "account": &f.Account, "currency": &f.Currency, "from": &f.From, "until": &f.Until, "state": &f.State,
	}
}

// PayoutFilterOf reads the filter of an address. Other parameters do not count.
func PayoutFilterOf(query url.Values) (f PayoutFilter) {
	f.parameters().read(query)
	return f
}

// query is the filter for an address, with one part of it changed.
func (f PayoutFilter) query(name, value string) url.Values {
	return f.parameters().with(name, value)
}

// Active reports whether the list is restricted at all.
func (f PayoutFilter) Active() bool { return f != PayoutFilter{} }

// folded reports whether nothing but the fields that are always seen is filled in.
func (f PayoutFilter) folded() bool {
	return f == PayoutFilter{Query: f.Query, State: f.State}
}

// chips are the filters that are applied.
func (p PayoutsPage) chips(ctx context.Context) []Chip {
	var chips []Chip
	add := func(name, value, text string) {
		if value != "" && p.Form.Error(name) == "" {
			chips = append(chips, Chip{Label: i18n.T(ctx, "payout.filter."+name), Value: text, RemoveHref: p.ListHref(name, "")})
		}
	}
	f := p.Filter
	add("q", f.Query, f.Query)
	if f.State != "" && p.Form.Error("state") == "" {
		add("state", f.State, PayoutStateText(ctx, settlement.PayoutState(f.State)))
	}
	add("account", f.Account, accountName(p.Accounts, f.Account))
	add("currency", f.Currency, f.Currency)
	add("from", f.From, dayText(ctx, f.From))
	add("until", f.Until, dayText(ctx, f.Until))
	return chips
}

func accountName(accounts []businessaccount.Account, shortName string) string {
	for _, a := range accounts {
		if a.ShortName == shortName {
			return a.Name
		}
	}
	return shortName
}

func accountChoices(accounts []businessaccount.Account) []Choice {
	var choices []Choice
	for _, a := range accounts {
		choices = append(choices, Choice{Value: a.ShortName, Label: a.Name})
	}
	return choices
}

func textChoices(texts []string) []Choice {
	var choices []Choice
	for _, t := range texts {
		choices = append(choices, Choice{Value: t, Label: t})
	}
	return choices
}

// PayoutStateText is the word for how a payout stands.
func PayoutStateText(ctx context.Context, s settlement.PayoutState) string {
	return i18n.T(ctx, "payout.state."+string(s))
}

var payoutKinds = map[settlement.PayoutState]Kind{settlement.Explained: OK, settlement.Unexplained: Fail, settlement.Incomplete: Warn}

func payoutStateChoices(ctx context.Context) []Choice {
	var choices []Choice
	for _, s := range settlement.PayoutStates() {
		choices = append(choices, Choice{Value: string(s), Label: PayoutStateText(ctx, s)})
	}
	return choices
}

const (
	payoutsPath  = "/accounting/payouts"
	notPaidPath  = "/accounting/not-paid-out"
	unknownsPath = "/accounting/unknown-payments"
)

// PayoutPath is the page of a payout. An account is named where others may have a payout
// of the same reference: 0 leaves the choice to the reader.
func PayoutPath(reference string, accountID int64) string {
	u := url.URL{Path: payoutsPath + "/" + reference, RawPath: payoutsPath + "/" + url.PathEscape(reference)}
	if accountID != 0 {
		u.RawQuery = url.Values{"account": {strconv.FormatInt(accountID, 10)}}.Encode()
	}
	return u.String()
}

// payoutTabs lead to the three lists about what Klarna pays out.
func payoutTabs(ctx context.Context, current string) []Tab {
	tab := func(path, key string) Tab {
		return Tab{Label: i18n.T(ctx, key), Href: path, Current: path == current}
	}
	return []Tab{tab(payoutsPath, "payout.title"), tab(notPaidPath, "not_paid_out.title"), tab(unknownsPath, "unknown_here.title")}
}
