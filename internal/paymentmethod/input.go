package paymentmethod

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
)

// Limits of the settings.
const (
	MaxName           = 255
	MaxType           = 64
	MaxDocumentText   = 2000
	MaxCredential     = 512
	MaxHoldSeconds    = 86_400
	hintMark          = "…"
	visibleCharacters = 4
)

// Input is a payment method as an admin enters it. An empty Password keeps the one
// that is there; so does a Username that is empty or is the hint that the form showed.
type Input struct {
	Name         string
	Type         string
	Module       Module
	Connection   Connection
	Active       bool
	MarkPaid     bool
	Documents    Documents
	BehavesLike  Behaviour
	DocumentText string
	Region       klarna.Region
	Environment  klarna.Environment
	Username     string
	Password     string
	HoldSeconds  int
}

// Defaults returns what the form of a new method of this module begins with.
func Defaults(m Module) Input {
	in := Input{Module: m, Active: true, BehavesLike: Invoice, Documents: DeliveryNoteAndInvoice,
		Connection: API, Region: klarna.Europe, Environment: klarna.Live}
	if m == ModuleKlarna {
		in.Name, in.Type, in.MarkPaid, in.Documents = "Klarna", "klarna", true, DeliveryNoteOnly
	}
	return in
}

// InputOf returns the settings of a method as its form shows them: the username as its
// hint, the password empty.
func InputOf(m *Method) Input {
	return Input{
		Name: m.Name, Type: m.Type, Module: m.Module, Connection: m.Connection, Active: m.Active, MarkPaid: m.MarkPaid,
		Documents: m.Documents, BehavesLike: m.BehavesLike, DocumentText: m.DocumentText, Region: m.Region,
		Environment: m.Environment, Username: m.UsernameHint, HoldSeconds: m.HoldSeconds,
	}
}

var typeForm = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// normalise trims around texts. Credentials are trimmed at their ends only, where a
// copied line leaves blanks and line ends; inside, every character counts.
func (in *Input) normalise() {
	in.Name = strings.TrimSpace(in.Name)
	in.Type = strings.TrimSpace(in.Type)
	in.DocumentText = strings.TrimSpace(strings.ReplaceAll(in.DocumentText, "\r\n", "\n"))
	in.Username = strings.TrimSpace(in.Username)
	in.Password = strings.TrimSpace(in.Password)
	if in.Module == ModuleNone {
		in.Connection = Manual
	}
}

func (in *Input) check(f *fault.Checker) {
	f.Line("name", in.Name, MaxName, true)
	switch {
	case in.Type == "":
		f.Add("type", "error.required")
	case !typeForm.MatchString(in.Type):
		f.Add("type", "payment_method.error.type_form")
	}
	choice(f, "module", in.Module, Modules())
	choice(f, "connection", in.Connection, Connections())
	choice(f, "documents", in.Documents, AllDocuments())
	choice(f, "behaves_like", in.BehavesLike, Behaviours())
	choice(f, "region", in.Region, klarna.Regions())
	choice(f, "environment", in.Environment, klarna.Environments())
	if utf8.RuneCountInString(in.DocumentText) > MaxDocumentText {
		f.Add("document_text", "error.too_long", "Max", MaxDocumentText)
	}
	credential(f, "username", in.Username)
	credential(f, "password", in.Password)
	if strings.Contains(in.Username, ":") { // it would end the username in HTTP Basic
		f.Add("username", "payment_method.error.username_colon")
	}
	if in.HoldSeconds < 0 || in.HoldSeconds > MaxHoldSeconds {
		f.Add("hold_seconds", "payment_method.error.hold_seconds", "Max", MaxHoldSeconds)
	}
}

func credential(f *fault.Checker, name, value string) {
	switch {
	case len(value) > MaxCredential:
		f.Add(name, "error.too_long", "Max", MaxCredential)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		f.Add(name, "payment_method.error.credential_line_break")
	}
}

func choice[T ~string](f *fault.Checker, name string, value T, allowed []T) {
	if slices.Contains(allowed, value) {
		return
	}
	if value == "" {
		f.Add(name, "error.required")
		return
	}
	f.Add(name, "error.choice", "Value", string(value))
}

// hint is what people may see of a username: enough to recognise it.
func hint(username string) string {
	r := []rune(username)
	if len(r) == 0 {
		return ""
	}
	return string(r[:min(visibleCharacters, len(r)/2)]) + hintMark
}
