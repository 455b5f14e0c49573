package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What can be wrong with a typed amount or quantity, for errors.Is.
var (
	ErrNotANumber      = errors.New("not a number")
	ErrTooManyDecimals = errors.New("too many decimals")
	ErrOutOfRange      = errors.New("out of range")
	ErrOtherCurrency   = errors.New("another currency")
)

// Parse reads an amount as a person may type it and returns it in minor units:
// "1.234,56", "1234.56", "64,57 €", "EUR 64.57", "1 234,56", "-5". Where both
// readings are possible ("1.234") the language decides; a lone separator that
// can't part thousands parts decimals. Nothing is ever rounded.
func Parse(s, currency, lang string) (int64, error) {
	number, err := cutCurrency(s, currency)
	if err != nil {
		return 0, fmt.Errorf("reading an amount in %s: %w", currency, err)
	}
	n, err := parseDecimal(number, Digits(currency), lang)
	if err != nil {
		return 0, fmt.Errorf("reading an amount in %s: %w", currency, err)
	}
	return n, nil
}

// cutCurrency takes the sign or code of the currency off either end. The minus
// may stand on either side of it: "-€5", "€-5", "EUR -5".
func cutCurrency(s, currency string) (string, error) {
	s = strings.ToUpper(withoutSpaces(s))
	rest, minus := strings.CutPrefix(s, "-")
	for _, name := range []string{currency, symbols[currency]} {
		if name == "" {
			continue
		}
		if r, ok := strings.CutPrefix(rest, name); ok {
			rest = r
			break
		}
		if r, ok := strings.CutSuffix(rest, name); ok {
			rest = r
			break
		}
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return r == '$' || r == '£' || r == '€' || r == '¥' }) ||
		ValidCurrency(firstLetters(rest)) {
		return "", ErrOtherCurrency
	}
	if minus {
		rest = "-" + rest
	}
	return rest, nil
}

// firstLetters returns the first run of capitals in s.
func firstLetters(s string) string {
	isNoCapital := func(r rune) bool { return r < 'A' || r > 'Z' }
	s = strings.TrimLeftFunc(s, isNoCapital)
	if i := strings.IndexFunc(s, isNoCapital); i >= 0 {
		s = s[:i]
	}
	return s
}

// withoutSpaces removes every kind of space (also the narrow and the
// unbreakable ones that spreadsheets put between thousands) and makes the
// typographic minus a plain one.
func withoutSpaces(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\u00a0', '\u2009', '\u202f':
			return -1
		case '\u2212':
			return '-'
		}
		return r
	}, s)
}

// parseDecimal reads a number with at most n decimals and returns it times 10ⁿ.
func parseDecimal(s string, n int, lang string) (int64, error) {
	s, minus := strings.CutPrefix(s, "-")
	whole, decimals, err := split(s, lang)
	if err != nil {
		return 0, err
	}
	return parseDigits(minus, whole, decimals, n)
}

// parseDigits joins what stands before and behind the decimal separator into
// the number times 10ⁿ.
func parseDigits(minus bool, whole, decimals string, n int) (int64, error) {
	if s := whole + decimals; s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, ErrNotANumber
	}
	decimals = strings.TrimRight(decimals, "0")
	if len(decimals) > n {
		return 0, ErrTooManyDecimals
	}
	decimals += strings.Repeat("0", n-len(decimals))

	sign := ""
	if minus {
		sign = "-"
	}
	v, err := strconv.ParseInt(sign+whole+decimals, 10, 64)
	if err != nil {
		return 0, ErrOutOfRange // digits only, so it can be nothing else
	}
	return v, nil
}

// split parts a number at its decimal separator and takes out the separators
// of the thousands.
func split(s, lang string) (whole, decimals string, err error) {
	s = strings.ReplaceAll(s, "'", "") // Switzerland's thousands
	sep := separatorsOf(lang)
	last := strings.LastIndexAny(s, ".,")
	if last < 0 {
		if s == "" {
			return "", "", ErrNotANumber
		}
		return s, "", nil
	}
	whole, decimals = s[:last], s[last+1:]
	mark, other := s[last:last+1], "."
	if mark == "." {
		other = ","
	}
	switch {
	case decimals == "":
		err = ErrNotANumber
	case strings.Contains(whole, other) && !strings.Contains(whole, mark):
		// Both kinds: the last one parts the decimals.
		whole, err = ungroup(whole, other)
	case strings.Contains(whole, mark),
		mark[0] == sep.group && isGroup(decimals) && startsGroups(whole):
		whole, err = ungroup(s, mark)
		decimals = ""
	}
	return whole, decimals, err
}

// ungroup takes out the separators of thousands, which must stand where they
// belong.
func ungroup(s, mark string) (string, error) {
	groups := strings.Split(s, mark)
	if !startsGroups(groups[0]) {
		return "", ErrNotANumber
	}
	for _, g := range groups[1:] {
		if !isGroup(g) {
			return "", ErrNotANumber
		}
	}
	return strings.Join(groups, ""), nil
}

// startsGroups reports whether s can stand before the first separator of
// thousands.
func startsGroups(s string) bool {
	return s != "" && len(s) <= 3 && s[0] != '0'
}

func isGroup(s string) bool {
	return len(s) == 3 && strings.Trim(s, "0123456789") == ""
}
