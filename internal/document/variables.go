package document

import (
	"regexp"
	"strconv"
	"time"

	"zahlwerk/internal/order"
)

// Variables lists the placeholders of a payment method's text on documents, by the names
// that merchants bring along. There is no discount for fast payers (Skonto) here: its
// placeholders are empty or nothing.
func Variables() []string {
	return []string{"{BELEGNR}", "{NAME}", "{SOLL}", "{WAEHRUNG}", "{ZAHLUNGBISDATUM}", "{ZAHLUNGSZIELTAGE}",
		"{ZAHLUNGSZIELSKONTO}", "{ZAHLUNGSZIELSKONTOTOTAL}", "{ZAHLUNGSZIELTAGESKONTO}", "{ZAHLUNGSZIELSKONTODATUM}", "{SOLLMITSKONTO}",
		"{SKONTOBETRAG}", "{SKONTOFAEHIG}", "{SKONTOFAEHIGNETTO}", "{STEUERNORMAL}", "{GESAMTNETTONORMAL}", "{STEUERERMAESSIGT}",
		"{GESAMTNETTOERMAESSIGT}"}
}

var variable = regexp.MustCompile(`\{[A-Z]+\}`)

// documentText is the payment method's text for a document with its variables filled in;
// what is not a variable stays as it was typed.
func documentText(l language, o *order.Order, number string, issued, payBy time.Time) string {
	a := AccountOf(o.Lines)
	nothing := l.plain(0, o.Currency)
	values := map[string]string{
		"{BELEGNR}":                 number,
		"{NAME}":                    o.CustomerName,
		"{SOLL}":                    l.plain(o.Total, o.Currency),
		"{WAEHRUNG}":                o.Currency,
		"{ZAHLUNGBISDATUM}":         l.date(payBy),
		"{ZAHLUNGSZIELTAGE}":        strconv.Itoa(DaysBetween(issued, payBy)),
		"{ZAHLUNGSZIELSKONTO}":      "0",
		"{ZAHLUNGSZIELSKONTOTOTAL}": nothing,
		"{ZAHLUNGSZIELTAGESKONTO}":  "0",
		"{ZAHLUNGSZIELSKONTODATUM}": "",
		"{SOLLMITSKONTO}":           l.plain(o.Total, o.Currency),
		"{SKONTOBETRAG}":            nothing,
		"{SKONTOFAEHIG}":            nothing,
		"{SKONTOFAEHIGNETTO}":       nothing,
		"{STEUERNORMAL}":            l.plain(a.standard().Tax, o.Currency),
		"{GESAMTNETTONORMAL}":       l.plain(a.standard().Net, o.Currency),
		"{STEUERERMAESSIGT}":        l.plain(a.reduced().Tax, o.Currency),
		"{GESAMTNETTOERMAESSIGT}":   l.plain(a.reduced().Net, o.Currency),
	}
	return variable.ReplaceAllStringFunc(o.PaymentMethod.DocumentText, func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		return name
	})
}
