package csvfile

import "strings"

// Decimal is how a file writes fractions, as far as its numbers tell.
type Decimal byte

// What a number says about it. Of "1.234" nothing can be told.
const (
	Silent Decimal = 0
	Comma  Decimal = ','
	Point  Decimal = '.'
	Mixed  Decimal = '?' // one number says this, another that
)

// And joins what two numbers say.
func (d Decimal) And(other Decimal) Decimal {
	switch {
	case d == Silent, d == other:
		return other
	case other == Silent:
		return d
	}
	return Mixed
}

// Lang is a language that writes numbers like the file.
func (d Decimal) Lang() string {
	if d == Comma {
		return "de"
	}
	return "en"
}

// Clear reports whether a number can be read in one way only.
func (d Decimal) Clear(number string) bool {
	if d == Comma || d == Point {
		return true
	}
	return DecimalOf(number) != Silent || !strings.ContainsAny(number, ".,")
}

// DecimalOf is what a number says about the way in which fractions are written.
func DecimalOf(number string) Decimal {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' || r == ',' {
			return r
		}
		return -1
	}, number)
	last := strings.LastIndexAny(digits, ".,")
	if last < 0 {
		return Silent
	}
	mark, other := Point, Comma
	if digits[last] == ',' {
		mark, other = Comma, Point
	}
	whole := digits[:last]
	switch {
	case strings.ContainsRune(whole, rune(mark)): // several: they part thousands
		return other
	case strings.ContainsRune(whole, rune(other)):
		return mark
	case len(digits)-last-1 == 3 && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0':
		return Silent
	}
	return mark
}
