package order

import (
	"strings"
	"time"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/money"
)

// Values that an order refuses, for texts that can't be read; the text's own problem says
// it better.
const (
	noAmount   = MaxAmount + 1
	noQuantity = money.Quantity(0)
	noRate     = -1
)

var noTime = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)

// parseRate reads a tax rate in percent with at most two decimals, as a file or a person
// writes it, or in hundredths of a percent as the API does: no rate is above a hundred.
func parseRate(s, lang string) (int64, bool) {
	const step = money.One / 100 // a hundredth of a percent
	q, err := money.ParseQuantity(strings.TrimSuffix(strings.TrimSpace(s), "%"), lang)
	switch {
	case err != nil, q < 0, q%step != 0:
		return noRate, false
	case q > 100*money.One && q.IsWhole() && q.Whole() <= MaxTaxRate:
		return q.Whole(), true
	case q > 0 && q < money.One, q > 100*money.One: // 0.19 is no percentage
		return noRate, false
	}
	return int64(q / step), true
}

// dateLayouts are the ways to write a moment that nobody can misread.
var dateLayouts = []string{
	time.RFC3339, "2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05",
	"2.1.2006", "2.1.2006 15:04", "2.1.2006 15:04:05", "2.1.06",
}

// parseDate reads a moment; without a zone it is the merchant's.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range dateLayouts {
		if t, err := time.ParseInLocation(layout, s, Zone); err == nil {
			return t, true
		}
	}
	return noTime, false
}

// parseBool reads a yes or a no in both languages.
func parseBool(s string) (yes, ok bool) {
	switch csvfile.Fold(s) {
	case "1", "ja", "j", "yes", "y", "true", "wahr", "x", "on":
		return true, true
	case "0", "nein", "n", "no", "false", "falsch", "off":
		return false, true
	}
	return false, false
}

// lineTypeWords are the types of lines as people call them.
var lineTypeWords = map[string]LineType{
	"artikel": Physical, "ware": Physical, "warenposition": Physical, "goods": Physical, "item": Physical,
	"download": Digital, "digital": Digital,
	"versand": ShippingFee, "versandkosten": ShippingFee, "porto": ShippingFee, "shipping": ShippingFee, "delivery": ShippingFee,
	"rabatt": Discount, "nachlass": Discount, "gutschein": GiftCard, "geschenkkarte": GiftCard, "guthaben": StoreCredit,
	"zuschlag": Surcharge, "gebuehr": Surcharge, "steuer": SalesTax,
}

// parseLineType reads a type; what is none of them passes, for the order to refuse.
func parseLineType(s string) LineType {
	folded := csvfile.Fold(s)
	for _, t := range LineTypes {
		if csvfile.Fold(string(t)) == folded {
			return t
		}
	}
	if t, ok := lineTypeWords[folded]; ok {
		return t
	}
	return LineType(s)
}

// countryWords are the countries of most parcels as people write them.
var countryWords = map[string]string{
	"deutschland": "DE", "germany": "DE", "oesterreich": "AT", "austria": "AT", "schweiz": "CH", "switzerland": "CH",
	"liechtenstein": "LI", "luxemburg": "LU", "luxembourg": "LU", "niederlande": "NL", "netherlands": "NL",
	"belgien": "BE", "belgium": "BE", "frankreich": "FR", "france": "FR", "italien": "IT", "italy": "IT",
}

func parseCountry(s string) string {
	if code, ok := countryWords[csvfile.Fold(s)]; ok {
		return code
	}
	return s
}
