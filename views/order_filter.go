package views

import (
	"context"
	"net/url"
	"strconv"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

// OrderFilter is what a list of orders is restricted to, as it stands in the address.
type OrderFilter struct {
	Query         string
	Status        string
	PaymentMethod string // its type
	Feedback      string
	From          string // a day, included
	Until         string // a day, included
	Min           string // an amount as people write it
	Max           string
	ExpiresWithin string // days
}

func (f *OrderFilter) parameters() parameters {
	return parameters{
		"q": &f.Query, "status": &f.Status, "payment_method": &f.PaymentMethod, "feedback": &f.Feedback,
		"from": &f.From, "until": &f.Until, "min": &f.Min, "max": &f.Max, "expires_within": &f.ExpiresWithin,
	}
}

// OrderFilterOf reads the filter of an address. Other parameters do not count.
func OrderFilterOf(query url.Values) (f OrderFilter) {
	f.parameters().read(query)
	return f
}

// ParseOrderFilter reads what Encode wrote.
func ParseOrderFilter(encoded string) OrderFilter {
	query, _ := url.ParseQuery(encoded) // what can be read of it counts
	return OrderFilterOf(query)
}

// Encode is the filter for an address: the same for the same filter, "" for none.
func (f OrderFilter) Encode() string {
	return f.parameters().with("", "").Encode()
}

// Active reports whether the list is restricted at all.
func (f OrderFilter) Active() bool { return f != OrderFilter{} }

// folded reports whether nothing but the fields that are always seen is filled in.
func (f OrderFilter) folded() bool {
	return f == OrderFilter{Query: f.Query, Feedback: f.Feedback}
}

// OrdersHref is the list of orders of a filter, as Encode wrote it.
func OrdersHref(list string) string { return (&url.URL{Path: ordersPath, RawQuery: list}).String() }

// listParameter carries the list that somebody came from to an order's pages.
const listParameter = "list"

// OrderHref is the page of an order of such a list, "" for the list of all.
func OrderHref(id int64, list string) string { return withList(orderPath(id), list) }

func withList(path, list string) string {
	u := url.URL{Path: path}
	if list != "" {
		u.RawQuery = url.Values{listParameter: {list}}.Encode()
	}
	return u.String()
}

// expiries are the choices of ExpiresWithin, in days.
var expiries = []int{1, 3, 7, 14, 28}

func expiresText(ctx context.Context, days string) string {
	n, err := strconv.Atoi(days)
	if err != nil {
		return days
	}
	return i18n.T(ctx, "orders.filter.expires_value", "Count", n)
}

func expiryChoices(ctx context.Context) []Choice {
	var choices []Choice
	for _, n := range expiries {
		days := strconv.Itoa(n)
		choices = append(choices, Choice{Value: days, Label: expiresText(ctx, days)})
	}
	return choices
}

// chips are the filters that are applied.
func (p OrdersPage) chips(ctx context.Context) []Chip {
	var chips []Chip
	add := func(name, text string) {
		if text != "" && p.Form.Error(name) == "" {
			chips = append(chips, Chip{Label: i18n.T(ctx, "orders.filter."+name), Value: text, RemoveHref: p.ListHref(name, "")})
		}
	}
	choice := func(name, value string, text func() string) {
		if value != "" && p.Form.Error(name) == "" {
			add(name, text())
		}
	}
	f := p.Filter
	add("q", f.Query)
	choice("status", f.Status, func() string { return StatusText(ctx, order.Status(f.Status)) })
	choice("feedback", f.Feedback, func() string { return FeedbackText(ctx, order.Feedback(f.Feedback)) })
	choice("payment_method", f.PaymentMethod, func() string { return methodName(p.Methods, f.PaymentMethod) })
	choice("from", f.From, func() string { return dayText(ctx, f.From) })
	choice("until", f.Until, func() string { return dayText(ctx, f.Until) })
	add("min", f.Min)
	add("max", f.Max)
	choice("expires_within", f.ExpiresWithin, func() string { return expiresText(ctx, f.ExpiresWithin) })
	return chips
}

func methodName(methods []paymentmethod.Method, typ string) string {
	for _, m := range methods {
		if m.Type == typ {
			return m.Name
		}
	}
	return typ
}

func statusChoices(ctx context.Context) []Choice {
	var choices []Choice
	for _, s := range order.Statuses {
		choices = append(choices, Choice{Value: string(s), Label: StatusText(ctx, s)})
	}
	return choices
}

func feedbackChoices(ctx context.Context) []Choice {
	var choices []Choice
	for _, f := range order.Feedbacks {
		choices = append(choices, Choice{Value: string(f), Label: FeedbackText(ctx, f)})
	}
	return choices
}

func methodChoices(methods []paymentmethod.Method) []Choice {
	var choices []Choice
	for _, m := range methods {
		choices = append(choices, Choice{Value: m.Type, Label: m.Name})
	}
	return choices
}
