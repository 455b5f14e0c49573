package money

import (
	"strconv"
	"strings"
)

// Format writes an amount in minor units as people write it: "1.234,56 €" when
// lang is German ("de", "de-AT", …), else "€1,234.56". A currency without a
// sign of its own is written with its code: "1.234,56 SEK", "SEK 1,234.56".
// The spaces are ordinary ones, so that the text can be searched and compared.
func Format(minor int64, currency, lang string) string {
	minus, magnitude := "", uint64(minor)
	if minor < 0 {
		minus, magnitude = "-", -magnitude
	}
	n := Digits(currency)
	s := strconv.FormatUint(magnitude, 10)
	if missing := n + 1 - len(s); missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	sep := separatorsOf(lang)
	number := group(s[:len(s)-n], sep.group)
	if n > 0 {
		number += string(sep.decimal) + s[len(s)-n:]
	}

	symbol, hasSymbol := symbols[currency]
	switch {
	case isGerman(lang) && hasSymbol:
		return minus + number + " " + symbol
	case isGerman(lang):
		return minus + number + " " + currency
	case hasSymbol:
		return minus + symbol + number
	}
	return minus + currency + " " + number
}

// separators are what a language puts into numbers.
type separators struct{ group, decimal byte }

func separatorsOf(lang string) separators {
	if isGerman(lang) {
		return separators{group: '.', decimal: ','}
	}
	return separators{group: ',', decimal: '.'}
}

func isGerman(lang string) bool {
	base, _, _ := strings.Cut(lang, "-")
	return strings.EqualFold(base, "de")
}

// group puts sep between the thousands of a run of digits.
func group(s string, sep byte) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(sep)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
