package settlement

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/money"
)

// fileFormats is how a file writes what can be written in several ways.
type fileFormats struct {
	decimal csvfile.Decimal
	slashes slashes
	layout  string // of the date before
}

// slashes is what the first part of dates such as 03/11/2026 is.
type slashes byte

const (
	slashesSilent slashes = iota
	dayFirst
	monthFirst
	slashesMixed
)

// and joins what two dates say.
func (s slashes) and(other slashes) slashes {
	switch {
	case s == slashesSilent, s == other:
		return other
	case other == slashesSilent:
		return s
	}
	return slashesMixed
}

// slashesOf is what a date says about it: no month has a number above 12.
func slashesOf(date string) slashes {
	first, rest, found := strings.Cut(date, "/")
	second, _, more := strings.Cut(rest, "/")
	switch {
	case !found || !more || len(first) > 2 || len(second) > 2:
		return slashesSilent
	case isAbove12(first):
		return dayFirst
	case isAbove12(second):
		return monthFirst
	}
	return slashesSilent
}

func isAbove12(s string) bool { return len(s) == 2 && s > "12" && s <= "31" }

// What dates are made of. A moment without a zone is in UTC, as all of Klarna's are.
var (
	dayLayouts = map[slashes][]string{
		slashesSilent: {"2006-01-02", "2.1.2006", "2006/01/02", "20060102"},
		dayFirst:      {"2/1/2006"},
		monthFirst:    {"1/2/2006"},
	}
	hourLayouts = []string{"T15:04:05Z07:00", "", " 15:04:05", " 15:04", "T15:04:05", "T15:04", "T15:04:05Z0700", " 15:04:05Z07:00", " 15:04:05 Z0700", " 15:04:05 Z07:00"}
)

// The years in which a payout can have been.
const (
	minFileYear = 2000
	maxFileYear = 2199
)

// date reads a moment that can be read in one way only.
func (f *fileFormats) date(s string) (klarna.Moment, *fault.Field) {
	s = strings.TrimSuffix(s, " UTC")
	if t, err := time.Parse(f.layout, s); f.layout != "" && err == nil {
		return moment(t)
	}
	days := dayLayouts[slashesSilent]
	if strings.Count(s, "/") == 2 && strings.Index(s, "/") <= 2 {
		if f.slashes != dayFirst && f.slashes != monthFirst {
			return klarna.Moment{}, &fault.Field{Key: "settlement_file.error.date_ambiguous", Args: []any{"Value", clipped(s)}}
		}
		days = dayLayouts[f.slashes]
	}
	for _, day := range days {
		for _, hour := range hourLayouts {
			if t, err := time.Parse(day+hour, s); err == nil {
				f.layout = day + hour
				return moment(t)
			}
		}
	}
	return klarna.Moment{}, &fault.Field{Key: "settlement_file.error.date", Args: []any{"Value", clipped(s)}}
}

func moment(t time.Time) (klarna.Moment, *fault.Field) {
	t = t.UTC().Truncate(time.Microsecond)
	if t.IsZero() { // how some programs write that there is none
		return klarna.Moment{}, nil
	}
	if t.Year() < minFileYear || t.Year() > maxFileYear {
		return klarna.Moment{}, &fault.Field{Key: "settlement_file.error.date", Args: []any{"Value", t.Format(time.DateOnly)}}
	}
	return klarna.Moment{Time: t}, nil
}

// amount reads an amount in minor units.
func (f *fileFormats) amount(s, currency string) (int64, *fault.Field) {
	if !f.decimal.Clear(s) {
		return 0, &fault.Field{Key: "settlement_file.error.ambiguous", Args: []any{"Value", clipped(s)}}
	}
	number := s
	if before, minus := strings.CutSuffix(s, "-"); minus && !strings.HasPrefix(s, "-") { // as ledgers write it
		number = "-" + before
	}
	amount, err := money.Parse(number, currency, f.decimal.Lang())
	key := ""
	switch {
	case err == nil && amount >= -maxFileAmount && amount <= maxFileAmount:
		return amount, nil
	case err == nil, errors.Is(err, money.ErrOutOfRange):
		key = "settlement_file.error.amount_range"
	case errors.Is(err, money.ErrOtherCurrency):
		key = "settlement_file.error.other_currency"
	case errors.Is(err, money.ErrTooManyDecimals):
		key = "settlement_file.error.decimals"
	default:
		key = "settlement_file.error.amount"
	}
	return 0, &fault.Field{Key: key, Args: []any{"Value", clipped(s), "Currency", currency}}
}

// rate reads a tax rate into hundredths of a per cent: 19, 19.00 or 19 %, 1900 as the API
// has it, or 0.19. No rate is above a hundred per cent, and none between zero and one.
func (f *fileFormats) rate(s string) (int64, *fault.Field) {
	const one = int64(money.One)
	number := strings.TrimSpace(strings.TrimSuffix(s, "%"))
	q, err := money.ParseQuantity(number, f.decimal.Lang())
	rate := int64(q)
	switch {
	case !f.decimal.Clear(number) && rate != 0, err != nil, rate < 0, rate > 10_000*one:
	case rate > 100*one:
		if rate%one == 0 {
			return rate / one, nil
		}
	case rate < one:
		return rate * 100 * 100 / one, nil
	case rate%(one/100) == 0:
		return rate * 100 / one, nil
	}
	return 0, &fault.Field{Key: "settlement_file.error.rate", Args: []any{"Value", clipped(s)}}
}

// plain is a text as the API would have it: in one line or several, without characters
// that can't be seen.
func plain(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// clipped shortens a text for a message.
func clipped(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
