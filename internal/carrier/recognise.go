package carrier

import (
	"errors"
	"regexp"
	"strings"
)

// Recognise returns the active carriers whose numbers have the form of this one, most
// likely first: those whose check digit holds before those that only look like it, and
// both in the order of the table. Several carriers share forms; one of one digit holds
// by chance in a tenth of all numbers. So only a single candidate is certain.
//
// A row's Patterns has a regular expression per line that the whole number must match,
// in capitals and without anything but letters and digits. Behind it, after a blank, may
// stand the name of the check digit that must hold, see [Checks]:
//
//	00340\d{15} gs1
//	JJD(00|1)\d{11,22}
func (t Table) Recognise(number string) Table {
	number = normal(number)
	if number == "" {
		return nil
	}
	var proven, alike Table
	for _, c := range t {
		if !c.Active {
			continue
		}
		switch c.recognises(number) {
		case holds:
			proven = append(proven, c)
		case looksAlike:
			alike = append(alike, c)
		}
	}
	return append(proven, alike...)
}

// Names are the names of the carriers, for a sentence.
func (t Table) Names() string {
	names := make([]string, len(t))
	for i, c := range t {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// normal is a number as patterns see it. Scanners and people add blanks, dashes and
// brackets.
func normal(number string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return -1
	}, number)
}

// likeness is how much a number is like a carrier's.
type likeness int

const (
	differs likeness = iota
	looksAlike
	holds
)

func (c Carrier) recognises(number string) likeness {
	best := differs
	for line := range strings.Lines(c.Patterns) {
		p, err := parsePattern(line)
		switch {
		case err != nil || !p.form.MatchString(number): // errors: edited past this program
		case p.check == nil:
			best = max(best, looksAlike)
		case p.check(number):
			best = max(best, holds)
		}
	}
	return best
}

// pattern is a line of Patterns.
type pattern struct {
	form  *regexp.Regexp
	check func(number string) bool // nil: the form has no check digit
}

var (
	errPatternForm  = errors.New("not a regular expression and the name of a check digit")
	errPatternCheck = errors.New("no such check digit")
)

func parsePattern(line string) (pattern, error) {
	words := strings.Fields(line)
	if len(words) == 0 || len(words) > 2 {
		return pattern{}, errPatternForm
	}
	form, err := regexp.Compile("(?i)^(?:" + words[0] + ")$")
	if err != nil {
		return pattern{}, err
	}
	p := pattern{form: form}
	if len(words) == 2 {
		if p.check = checks[words[1]]; p.check == nil {
			return pattern{}, errPatternCheck
		}
	}
	return p, nil
}
