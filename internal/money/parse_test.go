package money_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
	"zahlwerk/internal/money"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in       string
		currency string
		lang     string
		want     int64
		err      error
	}{
		{"1.234,56", "EUR", "de", 123456, nil},
		{"1234.56", "EUR", "de", 123456, nil},
		{"1,234.56", "EUR", "de", 123456, nil},
		{"1234,56", "EUR", "de", 123456, nil},
		{"64,57 €", "EUR", "de", 6457, nil},
		{"64,57\u00a0€", "EUR", "de", 6457, nil},
		{"€64.57", "EUR", "en", 6457, nil},
		{"EUR 64,57", "EUR", "en", 6457, nil},
		{"64.57eur", "EUR", "de", 6457, nil},
		{"  7 ", "EUR", "de", 700, nil},
		{"7,5", "EUR", "de", 750, nil},
		{",50", "EUR", "de", 50, nil},
		{"0,07", "EUR", "de", 7, nil},
		{"007", "EUR", "de", 700, nil},
		{"1 234 567,89", "EUR", "de", 123456789, nil},
		{"1\u202f234,56", "EUR", "de", 123456, nil},
		{"1'234.50", "CHF", "de", 123450, nil},
		{"1.234", "EUR", "de", 123400, nil},
		{"1,234", "EUR", "en", 123400, nil},
		{"123.456", "EUR", "de", 12345600, nil},
		{"-123.456", "EUR", "de", -12345600, nil},
		{"1.234.567", "EUR", "en", 123456700, nil},
		{"0.120", "EUR", "de", 12, nil},
		{"1.5000", "EUR", "en", 150, nil},
		{"-5", "EUR", "de", -500, nil},
		{"\u22125,00 €", "EUR", "de", -500, nil},
		{"-€5", "EUR", "en", -500, nil},
		{"€-5", "EUR", "en", -500, nil},
		{"SEK 50", "SEK", "en", 5000, nil},
		{"1234", "JPY", "de", 1234, nil},
		{"1.234", "JPY", "de", 1234, nil},
		{"1,5", "KWD", "de", 1500, nil},
		{"1,234", "KWD", "de", 1234, nil},
		{"92233720368547758,07", "EUR", "de", math.MaxInt64, nil},
		{"-92233720368547758,08", "EUR", "de", math.MinInt64, nil},

		{"", "EUR", "de", 0, money.ErrNotANumber},
		{"€", "EUR", "de", 0, money.ErrNotANumber},
		{"-", "EUR", "de", 0, money.ErrNotANumber},
		{".", "EUR", "de", 0, money.ErrNotANumber},
		{"5,", "EUR", "de", 0, money.ErrNotANumber},
		{"1.234,", "EUR", "de", 0, money.ErrNotANumber},
		{"--5", "EUR", "de", 0, money.ErrNotANumber},
		{"5-", "EUR", "de", 0, money.ErrNotANumber},
		{"+5", "EUR", "de", 0, money.ErrNotANumber},
		{"1e3", "EUR", "de", 0, money.ErrNotANumber},
		{"0x10", "EUR", "de", 0, money.ErrNotANumber},
		{"1_000", "EUR", "de", 0, money.ErrNotANumber},
		{"zehn", "EUR", "de", 0, money.ErrNotANumber},
		{"1.23.456", "EUR", "de", 0, money.ErrNotANumber},
		{"1,23,456.00", "EUR", "de", 0, money.ErrNotANumber},
		{"1234.567,00", "EUR", "de", 0, money.ErrNotANumber},
		{"0.123.456", "EUR", "de", 0, money.ErrNotANumber},
		{".123.456", "EUR", "de", 0, money.ErrNotANumber},
		{"١٢", "EUR", "de", 0, money.ErrNotANumber},
		{"1,234", "EUR", "de", 0, money.ErrTooManyDecimals},
		{"1.234", "EUR", "en", 0, money.ErrTooManyDecimals},
		{"0,001", "EUR", "de", 0, money.ErrTooManyDecimals},
		{"1234.567", "EUR", "de", 0, money.ErrTooManyDecimals},
		{"1,5", "JPY", "de", 0, money.ErrTooManyDecimals},
		{"92233720368547758,08", "EUR", "de", 0, money.ErrOutOfRange},
		{"99999999999999999999999", "EUR", "de", 0, money.ErrOutOfRange},
		{"5 $", "EUR", "de", 0, money.ErrOtherCurrency},
		{"USD 5", "EUR", "de", 0, money.ErrOtherCurrency},
		{"5 sek", "EUR", "de", 0, money.ErrOtherCurrency},
	} {
		got, err := money.Parse(tc.in, tc.currency, tc.lang)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("Parse(%q, %s, %s) = %d, %v; want %d, %v", tc.in, tc.currency, tc.lang, got, err, tc.want, tc.err)
		}
	}
}

var (
	anyCurrency = rapid.SampledFrom([]string{"EUR", "USD", "GBP", "CHF", "SEK", "NZD", "JPY", "KWD"})
	anyLanguage = rapid.SampledFrom([]string{"de", "en"})
)

func TestWhatIsFormattedCanBeParsed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor, currency, lang := rapid.Int64().Draw(t, "minor"), anyCurrency.Draw(t, "currency"), anyLanguage.Draw(t, "lang")
		text := money.Format(minor, currency, lang)
		if got, err := money.Parse(text, currency, lang); err != nil || got != minor {
			t.Fatalf("Parse(%q) = %d, %v; want %d", text, got, err, minor)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.234,56 €", "-€1,234.56", "0", ",5", "1'2", "--", "SEK 1", "\xff", "1.000.000"} {
		f.Add(s, "EUR", "de")
	}
	f.Fuzz(func(t *testing.T, s, currency, lang string) {
		minor, err := money.Parse(s, currency, lang)
		if err != nil {
			return
		}
		if !money.ValidCurrency(currency) {
			return // its name may look like a number
		}
		text := money.Format(minor, currency, lang)
		if again, err := money.Parse(text, currency, lang); err != nil || again != minor {
			t.Errorf("%q was read as %d, but %q as %d, %v", s, minor, text, again, err)
		}
	})
}
