package document

import (
	"context"
	"strings"
	"time"
	"unicode"

	xlanguage "golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// language is what a paper is written in.
type language string

func (l language) text(key string, args ...any) string {
	return i18n.T(i18n.WithLanguage(context.Background(), string(l)), key, args...)
}

func (l language) date(t time.Time) string {
	layout := "2 January 2006"
	if l == i18n.German {
		layout = "02.01.2006"
	}
	return t.In(order.Zone).Format(layout)
}

// money writes an amount; it does not break between number and sign.
func (l language) money(minor int64, currency string) string {
	return strings.ReplaceAll(money.Format(minor, currency, string(l)), " ", "\u00a0")
}

// plain writes an amount without its currency.
func (l language) plain(minor int64, currency string) string {
	return strings.TrimFunc(money.Format(minor, currency, string(l)), func(r rune) bool { return r != '-' && !unicode.IsDigit(r) })
}

func (l language) quantity(q money.Quantity) string { return q.Format(string(l)) }

// percent writes a rate in hundredths of a percent.
func (l language) percent(rate int64) string {
	return (money.Quantity(rate) * money.One / 100).Format(string(l)) + "\u00a0%"
}

// country is a country's name as it stands below an address that another country's post
// reads: in capitals.
func (l language) country(code string) string {
	region, err := xlanguage.ParseRegion(code)
	if err != nil {
		return code
	}
	names := display.Regions(xlanguage.Make(string(l)))
	if name := names.Name(region); name != "" {
		return strings.ToUpper(name)
	}
	return code
}

// address is an address in lines; the country stands on it only abroad.
func (l language) address(a order.Address, home string) []string {
	lines := []string{a.Company, a.Name, a.Street, a.Street2, strings.TrimSpace(a.PostalCode + " " + a.City)}
	if a.Country != "" && a.Country != home {
		lines = append(lines, l.country(a.Country))
	}
	return filled(lines...)
}

// filled leaves empty texts out.
func filled(texts ...string) []string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}
