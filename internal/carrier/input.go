package carrier

import (
	"errors"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"zahlwerk/internal/fault"
)

// Limits of a carrier. A name or a code may be sent to Klarna, which takes 100.
const (
	MaxKey         = 64
	MaxName        = 100
	MaxCode        = 100
	MaxTrackingURL = 500
	MaxPatterns    = 20
	MaxPattern     = 200
	MaxPosition    = 99_999
)

// Input is a carrier as an admin enters it.
type Input struct {
	Key            string
	Name           string
	Code           string
	ShippingMethod Method
	TrackingURL    string
	Patterns       string
	Position       int
	Active         bool
}

// step is left between two positions for rows that come between them.
const step = 10

// Defaults returns what the form of a new carrier begins with: the end of the table.
func Defaults(t Table) Input {
	in := Input{ShippingMethod: Home, Position: step, Active: true}
	for _, c := range t {
		in.Position = min(max(in.Position, c.Position+step), MaxPosition)
	}
	return in
}

// InputOf returns the settings of a carrier as its form shows them.
func InputOf(c *Carrier) Input {
	return Input{Key: c.Key, Name: c.Name, Code: c.Code, ShippingMethod: c.ShippingMethod, TrackingURL: c.TrackingURL,
		Patterns: c.Patterns, Position: c.Position, Active: c.Active}
}

// Carrier returns the carrier that saving the input would make, to be tried out.
func (in Input) Carrier() Carrier {
	in.normalise()
	var c Carrier
	in.apply(&c)
	return c
}

func (in *Input) apply(c *Carrier) {
	c.Key, c.Name, c.Code, c.ShippingMethod = in.Key, in.Name, in.Code, in.ShippingMethod
	c.TrackingURL, c.Patterns, c.Position, c.Active = in.TrackingURL, in.Patterns, in.Position, in.Active
}

// normalise trims all texts and drops empty lines of the patterns.
func (in *Input) normalise() {
	in.Key = strings.TrimSpace(in.Key)
	in.Name = strings.TrimSpace(in.Name)
	in.Code = strings.TrimSpace(in.Code)
	in.TrackingURL = strings.TrimSpace(in.TrackingURL)
	var lines []string
	for line := range strings.Lines(in.Patterns) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	in.Patterns = strings.Join(lines, "\n")
}

var keyForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (in *Input) check(f *fault.Checker) {
	switch {
	case in.Key == "":
		f.Add("key", "error.required")
	case len(in.Key) > MaxKey:
		f.Add("key", "error.too_long", "Max", MaxKey)
	case !keyForm.MatchString(in.Key):
		f.Add("key", "carrier.error.key_form")
	}
	f.Line("name", in.Name, MaxName, true)
	f.Line("code", in.Code, MaxCode, true)
	if in.ShippingMethod != "" && !slices.Contains(Methods(), in.ShippingMethod) {
		f.Add("shipping_method", "error.choice", "Value", string(in.ShippingMethod))
	}
	switch {
	case in.TrackingURL == "":
	case len(in.TrackingURL) > MaxTrackingURL:
		f.Add("tracking_url", "error.too_long", "Max", MaxTrackingURL)
	case !strings.Contains(in.TrackingURL, Placeholder):
		f.Add("tracking_url", "carrier.error.placeholder", "Placeholder", Placeholder)
	case !isWebAddress(in.TrackingURL):
		f.Add("tracking_url", "carrier.error.tracking_url")
	}
	in.checkPatterns(f)
	if in.Position < 0 || in.Position > MaxPosition {
		f.Add("position", "carrier.error.position", "Max", MaxPosition)
	}
}

// isWebAddress tells that the address leads to one host of the web, whatever the number.
func isWebAddress(address string) bool {
	var hosts []string
	for _, number := range []string{"0", "1"} {
		u, err := url.Parse(strings.ReplaceAll(address, Placeholder, number))
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
			return false
		}
		hosts = append(hosts, u.Host)
	}
	return hosts[0] == hosts[1] && !strings.ContainsFunc(address, unicode.IsSpace)
}

// CheckPatterns tells whether the patterns can be tried.
func (in Input) CheckPatterns() error {
	in.normalise()
	var f fault.Checker
	in.checkPatterns(&f)
	return f.Err()
}

// checkPatterns reports the first line that is wrong.
func (in *Input) checkPatterns(f *fault.Checker) {
	n := 0
	for line := range strings.Lines(in.Patterns) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if n > MaxPatterns {
			f.Add("patterns", "carrier.error.too_many_patterns", "Max", MaxPatterns)
			return
		}
		if len(line) > MaxPattern {
			f.Add("patterns", "carrier.error.pattern_too_long", "Line", n, "Max", MaxPattern)
			return
		}
		expression, _, _ := strings.Cut(line, " ")
		_, err := regexp.Compile(expression) // alone: parsePattern would take "a)|(b"
		if bad, ok := errors.AsType[*syntax.Error](err); ok {
			f.Add("patterns", "carrier.error.pattern", "Line", n, "Problem", bad.Code.String(), "Part", bad.Expr)
			return
		}
		if _, err := parsePattern(line); err != nil {
			f.Add("patterns", "carrier.error.pattern_check", "Line", n, "Checks", strings.Join(Checks(), ", "))
			return
		}
	}
}
