package businessaccount

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"zahlwerk/internal/klarna"
	"zahlwerk/internal/secretbox"
)

// Limits of access data.
const (
	MaxAccess     = 10_000 // characters of the whole text
	MaxCredential = 512
	MaxDays       = 365
	// DefaultDays is how far a first import looks back if nobody says; with less, an
	// import every 7 days would leave gaps.
	DefaultDays = 7
)

// Template is what access data are filled in from.
const Template = "API_USER=>" + placeholder + "; API_KEY=>" + placeholder + "; API_DAYS=>7;"

const (
	arrow       = "=>"
	placeholder = "XX"
	dots        = "••••" // a key that is not shown
	hintMark    = "…"    // the rest of a user that is not shown
)

// entryKind is what an entry of access data is about.
type entryKind string

const (
	userEntry entryKind = "user"
	keyEntry  entryKind = "key"
	daysEntry entryKind = "days"
)

// kinds are the names of entries, in capitals.
var kinds = map[string]entryKind{
	"API_USER": userEntry, "USER_NAME": userEntry, "USERNAME": userEntry, "USER": userEntry,
	"API_KEY": keyEntry, "API_PASSWORD": keyEntry, "PASSWORD": keyEntry, "PW": keyEntry, "KEY": keyEntry,
	"API_DAYS": daysEntry, "DAYS": daysEntry, "DAY": daysEntry, "TAGE": daysEntry,
}

// Access is what access data say.
type Access struct {
	User string
	Key  secretbox.Secret
	Days int

	userLine, keyLine int
}

// Problem is what is wrong with access data, and where. It never quotes a value: that may
// be the key.
type Problem struct {
	Line    int    // from 1
	Key     string // of the message
	Args    []any  // of its template, the line included
	Warning bool   // the access data can be used all the same
}

// ReadAccess reads access data as a person typed them: entries "name=>value", each ended
// by a semicolon or by its line. Where a problem is no warning they can't be used.
func ReadAccess(text string) (Access, []Problem) {
	r := reader{first: map[entryKind]int{}}
	if utf8.RuneCountInString(text) > MaxAccess {
		r.fail(1, "business_account.access.error.text_too_long", "Max", MaxAccess)
		return r.access, r.problems
	}
	last := 1
	for line, entry := range entries(text) {
		if trim(entry) != "" {
			last = line
			r.read(line, entry)
		}
	}
	r.finish(last)
	return r.access, r.problems
}

// entries walks through a text; with what ends them, they are the whole of it.
func entries(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for line := 1; text != ""; {
			end := strings.IndexAny(text, ";\r\n")
			if end < 0 {
				yield(line, text)
				return
			}
			if !yield(line, text[:end]) {
				return
			}
			switch {
			case strings.HasPrefix(text[end:], "\r\n"):
				line++
				end++
			case text[end] != ';':
				line++
			}
			text = text[end+1:]
		}
	}
}

// trim takes off what stands around a text that was copied, also what can't be seen.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

// cut parts an entry; kind is "" for a name that is not known.
func cut(entry string) (name, value string, kind entryKind, found bool) {
	name, value, found = strings.Cut(entry, arrow)
	name, value = trim(name), trim(value)
	return name, value, kinds[strings.ToUpper(name)], found
}

// reader reads entry by entry.
type reader struct {
	access   Access
	first    map[entryKind]int // the line in which there was one
	problems []Problem
}

func (r *reader) fail(line int, key string, args ...any) {
	r.problems = append(r.problems, Problem{Line: line, Key: key, Args: append([]any{"Line", line}, args...)})
}

func (r *reader) warn(line int, key string, args ...any) {
	r.fail(line, key, args...)
	r.problems[len(r.problems)-1].Warning = true
}

func (r *reader) read(line int, entry string) {
	name, value, kind, found := cut(entry)
	switch {
	case !found:
		r.fail(line, "business_account.access.error.no_arrow")
	case name == "":
		r.fail(line, "business_account.access.error.no_name")
	case kind == "" && showable.MatchString(name):
		r.warn(line, "business_account.access.warning.unknown", "Name", name)
	case kind == "":
		r.warn(line, "business_account.access.warning.unknown_hidden")
	case r.first[kind] > 0:
		r.fail(line, "business_account.access.error.twice", "Name", strings.ToUpper(name), "First", r.first[kind])
	case kind == daysEntry:
		r.first[kind] = line
		r.readDays(line, value)
	default:
		r.first[kind] = line
		r.readCredential(line, kind, value)
	}
}

// showable are the names that may be quoted: anything else may be a secret in the wrong
// place.
var showable = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,29}$`)

func (r *reader) readDays(line int, value string) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > MaxDays || strings.Trim(value, "0123456789") != "" {
		r.fail(line, "business_account.access.error.days", "Max", MaxDays)
		return
	}
	r.access.Days = n
	if n < DefaultDays {
		r.warn(line, "business_account.access.warning.few_days", "Days", n)
	}
}

func (r *reader) readCredential(line int, kind entryKind, value string) {
	name := map[entryKind]string{userEntry: "API_USER", keyEntry: "API_KEY"}[kind]
	switch {
	case value == "":
		r.fail(line, "business_account.access.error.empty", "Name", name)
		return
	case len(value) > MaxCredential:
		r.fail(line, "business_account.access.error.too_long", "Name", name, "Max", MaxCredential)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(c rune) bool { return !unicode.IsPrint(c) }):
		r.fail(line, "business_account.access.error.invisible", "Name", name)
	case kind == userEntry && strings.Contains(value, ":"): // it would end the user in HTTP Basic
		r.fail(line, "business_account.access.error.colon")
	case kind == userEntry && looksLikeKey(value):
		r.warn(line, "business_account.access.warning.key_as_user")
	case strings.Contains(value, arrow):
		r.warn(line, "business_account.access.warning.arrow", "Name", name)
	case value == placeholder:
		r.warn(line, "business_account.access.warning.placeholder", "Name", name)
	}
	if kind == userEntry {
		r.access.User, r.access.userLine = value, line
	} else {
		r.access.Key, r.access.keyLine = secretbox.NewSecret(value), line
	}
}

func looksLikeKey(value string) bool {
	_, known := klarna.PasswordEnvironment(value)
	return known
}

// finish tells what is missing; last is the last line that says something.
func (r *reader) finish(last int) {
	if r.first[userEntry] == 0 {
		r.fail(last, "business_account.access.error.missing", "Name", "API_USER")
	}
	if r.first[keyEntry] == 0 {
		r.fail(last, "business_account.access.error.missing", "Name", "API_KEY")
	}
	if r.first[daysEntry] == 0 {
		r.access.Days = DefaultDays
		r.warn(last, "business_account.access.warning.no_days", "Days", DefaultDays)
	}
}

// Reading is what access data mean for an account: what was shown masked and came back
// unchanged stands for what is stored.
type Reading struct {
	Access
	KeepsUser bool
	KeepsKey  bool
	Problems  []Problem
}

// Read reads access data for an account; one that is new has no stored ones.
func (a *Account) Read(text string) Reading {
	r := reader{}
	r.access, r.problems = ReadAccess(text)
	out := Reading{}
	if user := r.access.User; strings.Contains(user, hintMark) {
		out.KeepsUser = a.HasAccess() && user == a.UserHint
		if !out.KeepsUser {
			r.fail(r.access.userLine, "business_account.access.error.masked", "Name", "API_USER")
		}
	}
	if key := r.access.Key.Reveal(); strings.Contains(key, dots[:len("•")]) {
		out.KeepsKey = a.HasAccess() && key == dots
		if !out.KeepsKey {
			r.fail(r.access.keyLine, "business_account.access.error.masked", "Name", "API_KEY")
		}
	}
	slices.SortStableFunc(r.problems, func(p, q Problem) int { return p.Line - q.Line })
	out.Access, out.Problems = r.access, r.problems
	return out
}

// Failed tells that the access data can't be used.
func (r Reading) Failed() bool { return len(r.Errors()) > 0 }

// Errors are the problems for which the access data can't be used.
func (r Reading) Errors() []Problem { return r.only(false) }

// Warnings are the problems with which they can.
func (r Reading) Warnings() []Problem { return r.only(true) }

func (r Reading) only(warnings bool) []Problem {
	var some []Problem
	for _, p := range r.Problems {
		if p.Warning == warnings {
			some = append(some, p)
		}
	}
	return some
}

// Hint is what people may see of the user that was read: enough to recognise it.
func (r Reading) Hint() string {
	if r.KeepsUser {
		return r.User
	}
	return hint(r.User)
}

// AccessText writes the access data of an account as people may see them, "" if there are
// none. Read again, they are what is stored.
func (a *Account) AccessText() string {
	if !a.HasAccess() {
		return ""
	}
	return "API_USER=>" + a.UserHint + "; API_KEY=>" + dots + "; API_DAYS=>" + strconv.Itoa(a.Days) + ";"
}

const visibleCharacters = 4

// hint is what people may see of a user.
func hint(user string) string {
	r := []rune(user)
	if len(r) == 0 {
		return ""
	}
	return string(r[:min(visibleCharacters, len(r)/2)]) + hintMark
}

// Redact takes out of access data, as they were typed, whatever may be a secret; lost
// tells that a key was. Lines stay where they are, so that the text can be shown again
// beside its problems; what had to go leaves something behind that is a problem, too.
func Redact(text string) (redacted string, lost bool) {
	redacted = betweenEnds.ReplaceAllStringFunc(text, func(entry string) string {
		name, value, kind, found := cut(entry)
		beginning := entry[:max(strings.Index(entry, arrow), 0)] + arrow
		switch {
		case trim(entry) == "", kind == keyEntry && value == dots:
			return entry
		case found && kind == keyEntry:
			lost = lost || value != ""
			return beginning
		case found && kind != "" && plain.MatchString(value) && !looksLikeKey(value):
			return entry
		case found && (kind != "" || showable.MatchString(name)):
			return beginning
		}
		return "?" // no entry that could be shown, and none that could be saved
	})
	return redacted, lost
}

var (
	betweenEnds = regexp.MustCompile(`[^;\r\n]+`)
	// plain are values in which no second entry can hide.
	plain = regexp.MustCompile(`^[^\s=>]{0,100}$`)
)
