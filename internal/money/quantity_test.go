package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
	"zahlwerk/internal/money"
)

func TestQuantityText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		q           money.Quantity
		de, en, str string
		whole       bool
	}{
		{0, "0", "0", "0", true},
		{1000, "1", "1", "1", true},
		{1500, "1,5", "1.5", "1.5", false},
		{1, "0,001", "0.001", "0.001", false},
		{-1, "-0,001", "-0.001", "-0.001", false},
		{1234567, "1.234,567", "1,234.567", "1234.567", false},
		{1000000, "1.000", "1,000", "1000", true},
		{math.MinInt64, "-9.223.372.036.854.775,808", "-9,223,372,036,854,775.808", "-9223372036854775.808", false},
	} {
		if de, en := tc.q.Format("de"), tc.q.Format("en"); de != tc.de || en != tc.en {
			t.Errorf("%d.Format = %q, %q; want %q, %q", int64(tc.q), de, en, tc.de, tc.en)
		}
		if tc.q.String() != tc.str || tc.q.IsWhole() != tc.whole {
			t.Errorf("%d = %q, whole %t; want %q, %t", int64(tc.q), tc.q.String(), tc.q.IsWhole(), tc.str, tc.whole)
		}
	}
	if got := money.Quantity(2999).Whole(); got != 2 {
		t.Errorf("Whole() = %d, want 2", got)
	}
}

func TestParseQuantity(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, lang string
		want     money.Quantity
		err      error
	}{
		{"1", "de", 1000, nil},
		{"1,5", "de", 1500, nil},
		{"1.5", "de", 1500, nil},
		{"1.000", "de", 1000 * 1000, nil},
		{"1.000", "en", 1000, nil},
		{"1,000", "de", 1000, nil},
		{" 2 000,125 ", "de", 2000125, nil},
		{"1,2345", "de", 0, money.ErrTooManyDecimals},
		{"", "de", 0, money.ErrNotANumber},
		{"1 Stück", "de", 0, money.ErrNotANumber},
		{"9223372036854775808", "de", 0, money.ErrOutOfRange},
	} {
		if got, err := money.ParseQuantity(tc.in, tc.lang); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("ParseQuantity(%q, %s) = %d, %v; want %d, %v", tc.in, tc.lang, got, err, tc.want, tc.err)
		}
	}
}

func TestQuantityJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want money.Quantity
		ok   bool
	}{
		{`1`, 1000, true}, {`2`, 2000, true}, {`1.5`, 1500, true}, {`0.001`, 1, true}, {`-0.5`, -500, true},
		{`1.5000`, 1500, true}, {`0`, 0, true}, {`null`, 0, true},
		{`1.0005`, 0, false}, {`1e3`, 0, false}, {`"1"`, 0, false}, {`true`, 0, false}, {`[1]`, 0, false},
		{`9223372036854775.808`, 0, false}, {`-`, 0, false},
	} {
		var got money.Quantity
		err := json.Unmarshal([]byte(tc.in), &got)
		if got != tc.want || (err == nil) != tc.ok {
			t.Errorf("Unmarshal(%s) = %d, %v; want %d, ok %t", tc.in, got, err, tc.want, tc.ok)
		}
	}
}

func TestQuantityRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q, lang := money.Quantity(rapid.Int64().Draw(t, "q")), anyLanguage.Draw(t, "lang")
		if got, err := money.ParseQuantity(q.Format(lang), lang); err != nil || got != q {
			t.Fatalf("%d became %q became %d, %v", int64(q), q.Format(lang), int64(got), err)
		}
		b, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		var got money.Quantity
		if err := json.Unmarshal(b, &got); err != nil || got != q {
			t.Fatalf("%d became %s became %d, %v", int64(q), b, int64(got), err)
		}
	})
}

func FuzzQuantityJSON(f *testing.F) {
	for _, s := range []string{"1", "1.5", "-0", "00", "1.", ".1", "1e9", `"1"`, "null", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var q, again money.Quantity
		if q.UnmarshalJSON([]byte(s)) != nil {
			return
		}
		b, err := json.Marshal(q)
		if err != nil {
			t.Fatalf("%q was read as %d, which can't be written: %v", s, int64(q), err)
		}
		if err := json.Unmarshal(b, &again); err != nil || again != q {
			t.Errorf("%q became %s became %d, %v", s, b, int64(again), err)
		}
	})
}
