package money_test

import (
	"math"
	"testing"
	"time"

	"golang.org/x/text/currency"
	"zahlwerk/internal/money"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		minor    int64
		currency string
		lang     string
		want     string
	}{
		{123456, "EUR", "de", "1.234,56 €"},
		{123456, "EUR", "en", "€1,234.56"},
		{123456, "EUR", "de-AT", "1.234,56 €"},
		{123456, "EUR", "", "€1,234.56"},
		{0, "EUR", "de", "0,00 €"},
		{7, "EUR", "de", "0,07 €"},
		{-7, "EUR", "de", "-0,07 €"},
		{-7, "EUR", "en", "-€0.07"},
		{99999, "EUR", "de", "999,99 €"},
		{100000, "EUR", "de", "1.000,00 €"},
		{123456789, "EUR", "en", "€1,234,567.89"},
		{1234, "JPY", "en", "¥1,234"},
		{1234, "JPY", "de", "1.234 ¥"},
		{1234567, "KWD", "de", "1.234,567 KWD"},
		{1234567, "KWD", "en", "KWD 1,234.567"},
		{-5000, "SEK", "en", "-SEK 50.00"},
		{5000, "CHF", "de", "50,00 CHF"},
		{math.MinInt64, "EUR", "de", "-92.233.720.368.547.758,08 €"},
		{math.MaxInt64, "EUR", "en", "€92,233,720,368,547,758.07"},
	} {
		if got := money.Format(tc.minor, tc.currency, tc.lang); got != tc.want {
			t.Errorf("Format(%d, %s, %q) = %q, want %q", tc.minor, tc.currency, tc.lang, got, tc.want)
		}
	}
}

func TestCurrencies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code   string
		valid  bool
		digits int
	}{
		{"EUR", true, 2}, {"CHF", true, 2}, {"HUF", true, 2}, {"JPY", true, 0}, {"ISK", true, 0},
		{"KWD", true, 3}, {"eur", false, 2}, {"DEM", false, 2}, {"XXX", false, 2}, {"", false, 2},
		{"€", false, 2}, {"EUR ", false, 2},
	} {
		if got := money.ValidCurrency(tc.code); got != tc.valid {
			t.Errorf("ValidCurrency(%q) = %t", tc.code, got)
		}
		if got := money.Digits(tc.code); got != tc.digits {
			t.Errorf("Digits(%q) = %d, want %d", tc.code, got, tc.digits)
		}
	}
}

// The list of currencies is typed by hand: a code that CLDR's list of legal
// tender has must not be missing.
func TestNoCurrencyIsMissing(t *testing.T) {
	t.Parallel()
	replaced := map[string]bool{"CUC": true, "HRK": true, "MRO": true, "SLL": true, "VEF": true} // since that list was made
	for it := currency.Query(currency.Date(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))); it.Next(); {
		if code := it.Unit().String(); !money.ValidCurrency(code) && !replaced[code] {
			t.Errorf("%s (%s) is missing", code, it.Region())
		}
	}
}
