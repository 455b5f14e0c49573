package mail

import (
	"regexp"
	"slices"
	"strings"
)

// Template is the text of a mail with variables in braces.
type Template struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// The variables, by the names that merchants bring along.
const (
	Name    = "NAME"
	Order   = "AUFTRAG"
	Note    = "LIEFERSCHEIN"
	Numbers = "TRACKING"           // tracking numbers, with commas between them
	Carrier = "VERSANDUNTERNEHMEN" // carriers, with commas between them
	Links   = "LINK"               // tracking pages, one a line
	Company = "FIRMA"
)

// Variables lists all variables.
func Variables() []string { return []string{Name, Order, Note, Numbers, Carrier, Links, Company} }

// Values are what the variables stand for in one mail.
type Values map[string]string

// variable is whatever stands in braces: a misspelt one is named, not sent.
var variable = regexp.MustCompile(`\{[^{}\n]{1,60}\}`)

func nameOf(v string) string { return v[1 : len(v)-1] }

// unknownVariables are what stands in braces and is none of ours, each once.
func unknownVariables(text string) []string {
	var unknown []string
	for _, v := range variable.FindAllString(text, -1) {
		if !slices.Contains(Variables(), nameOf(v)) && !slices.Contains(unknown, v) {
			unknown = append(unknown, v)
		}
	}
	return unknown
}

// render fills a template. A line of the text with a variable that has no value is left
// out: a carrier without a tracking page leaves no "Follow it here:" behind.
func (t Template) render(v Values) (subject, text string) {
	var lines []string
	for line := range strings.SplitSeq(t.Text, "\n") {
		lacks := slices.ContainsFunc(variable.FindAllString(line, -1), func(found string) bool { return v[nameOf(found)] == "" })
		if !lacks {
			lines = append(lines, v.fill(line))
		}
	}
	// A subject is one line, whatever its values are.
	return strings.Join(strings.Fields(v.fill(t.Subject)), " "), strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
}

// fill puts the values in; what they contain is not looked at again.
func (v Values) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string { return v[nameOf(found)] })
}
