package money

import (
	"fmt"
	"strconv"
	"strings"
)

// Quantity is how many of something, in thousandths: 1500 is one and a half.
// In JSON it is a number with at most three decimals.
type Quantity int64

// One is the quantity 1.
const One Quantity = 1000

// ParseQuantity reads a quantity as a person may type it: "1", "1,5", "1.5",
// "1.000". Where both readings are possible the language decides.
func ParseQuantity(s, lang string) (Quantity, error) {
	n, err := parseDecimal(withoutSpaces(s), 3, lang)
	if err != nil {
		return 0, fmt.Errorf("reading a quantity: %w", err)
	}
	return Quantity(n), nil
}

// Format writes the quantity without needless zeros: "1.234,5" in German,
// "1,234.5" in English.
func (q Quantity) Format(lang string) string {
	sep := separatorsOf(lang)
	minus, whole, decimals := q.parts()
	s := minus + group(whole, sep.group)
	if decimals != "" {
		s += string(sep.decimal) + decimals
	}
	return s
}

// String writes the quantity with a point and without thousands: "1234.5".
func (q Quantity) String() string {
	minus, whole, decimals := q.parts()
	if decimals != "" {
		decimals = "." + decimals
	}
	return minus + whole + decimals
}

func (q Quantity) parts() (minus, whole, decimals string) {
	magnitude := uint64(q)
	if q < 0 {
		minus, magnitude = "-", -magnitude
	}
	whole = strconv.FormatUint(magnitude/1000, 10)
	decimals = strings.TrimRight(fmt.Sprintf("%03d", magnitude%1000), "0")
	return minus, whole, decimals
}

// IsWhole reports whether there is nothing behind the point.
func (q Quantity) IsWhole() bool { return q%One == 0 }

// Whole returns the quantity as an integer, what is behind the point cut off.
func (q Quantity) Whole() int64 { return int64(q / One) }

// MarshalJSON writes a number.
func (q Quantity) MarshalJSON() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalJSON reads a number with at most three decimals that matter. It
// takes no exponent and no string; null leaves the quantity as it is.
func (q *Quantity) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		return nil
	}
	number, minus := strings.CutPrefix(s, "-")
	whole, decimals, _ := strings.Cut(number, ".")
	n, err := parseDigits(minus, whole, decimals, 3)
	if err != nil {
		return fmt.Errorf("reading the quantity %.40q: %w", s, err)
	}
	*q = Quantity(n)
	return nil
}
