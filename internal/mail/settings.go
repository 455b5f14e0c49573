package mail

import (
	"context"
	"net/mail"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
)

// Limits of the settings.
const (
	MaxLine = 255
	MaxText = 10_000
)

// Encryption is how the conversation with the mail server is protected.
type Encryption string

// The encryptions.
const (
	StartTLS Encryption = "starttls" // begins in the clear and must be encrypted before anything is said
	TLS      Encryption = "tls"      // from the first byte
	None     Encryption = "none"     // only to this machine itself
)

// Encryptions lists all encryptions.
func Encryptions() []Encryption { return []Encryption{StartTLS, TLS, None} }

// Settings are how mails are sent, and what they say.
type Settings struct {
	Enabled       bool       `json:"enabled"`
	Host          string     `json:"host"`
	Port          int        `json:"port"`
	Encryption    Encryption `json:"encryption"`
	Username      string     `json:"username"` // "": without log-in
	SenderName    string     `json:"sender_name"`
	SenderAddress string     `json:"sender_address"`
	ReplyTo       string     `json:"reply_to"`
	CopyTo        string     `json:"copy_to"` // gets a blind copy of each mail
	German        Template   `json:"german"`
	English       Template   `json:"english"`
	HasPassword   bool       `json:"-"` // the password itself is never shown
}

// Input is the settings as an admin enters them. An empty Password keeps the one that is
// there.
type Input struct {
	Settings
	Password string
}

// Defaults returns the settings of a merchant who has entered none: off, with texts that
// can stay as they are.
func Defaults() Settings {
	s := Settings{Port: 587, Encryption: StartTLS}
	for lang, t := range map[string]*Template{i18n.German: &s.German, i18n.English: &s.English} {
		ctx := i18n.WithLanguage(context.Background(), lang)
		*t = Template{Subject: i18n.T(ctx, "mail.default.subject"), Text: strings.TrimSpace(i18n.T(ctx, "mail.default.text"))}
	}
	return s
}

// Template returns the texts in a language.
func (s Settings) Template(lang string) Template {
	if lang == i18n.German {
		return s.German
	}
	return s.English
}

// ready tells that a mail can be sent.
func (s Settings) ready() bool { return s.Host != "" && s.SenderAddress != "" }

func (in *Input) normalise() {
	for _, s := range []*string{&in.Host, &in.Username, &in.Password, &in.SenderName, &in.SenderAddress, &in.ReplyTo, &in.CopyTo,
		&in.German.Subject, &in.English.Subject} {
		*s = strings.TrimSpace(*s)
	}
	for _, s := range []*string{&in.German.Text, &in.English.Text} {
		*s = strings.TrimSpace(strings.ReplaceAll(*s, "\r\n", "\n"))
	}
}

// check adds what is wrong with normalised settings that are to follow old. What a mail
// can't be sent without is required once mails are to be sent.
func (in *Input) check(f *fault.Checker, old Settings) {
	switch {
	case in.Host == "" && in.Enabled:
		f.Add("host", "error.required")
	case in.Host != "" && !isHost(in.Host):
		f.Add("host", "mail.error.host")
	}
	if in.Port < 1 || in.Port > 65535 {
		f.Add("port", "mail.error.port")
	}
	switch in.Encryption {
	case StartTLS, TLS:
	case None:
		if in.Host != "" && !isLoopback(in.Host) {
			f.Add("encryption", "mail.error.unencrypted")
		}
	default:
		f.Add("encryption", "error.choice", "Value", string(in.Encryption))
	}
	f.Line("username", in.Username, MaxLine, false)
	f.Line("password", in.Password, MaxLine, in.Username != "" && !old.HasPassword)
	if in.Password == "" && old.HasPassword && in.Username != "" && (in.Host != old.Host || in.Username != old.Username) {
		f.Add("password", "mail.error.password_again") // the old one is not for another server's ears
	}
	f.Line("sender_name", in.SenderName, MaxLine, in.Enabled)
	address(f, "sender_address", in.SenderAddress, in.Enabled)
	address(f, "reply_to", in.ReplyTo, false)
	address(f, "copy_to", in.CopyTo, false)
	in.checkTemplates(f)
}

func (s Settings) checkTemplates(f *fault.Checker) {
	s.German.check(f, i18n.German)
	s.English.check(f, i18n.English)
}

func (t Template) check(f *fault.Checker, lang string) {
	f.Line("subject_"+lang, t.Subject, MaxLine, true)
	variables(f, "subject_"+lang, t.Subject)
	f.Text("text_"+lang, t.Text, MaxText, true)
	variables(f, "text_"+lang, t.Text)
}

func variables(f *fault.Checker, name, text string) {
	if unknown := unknownVariables(text); len(unknown) > 0 {
		f.Add(name, "mail.error.variables", "Variables", strings.Join(unknown, ", "))
	}
}

func address(f *fault.Checker, name, value string, required bool) {
	switch {
	case value == "" && required:
		f.Add(name, "error.required")
	case value != "" && !isAddress(value):
		f.Add(name, "error.email")
	}
}

// isAddress tells an address that can stand in SMTP and in a header as it is.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= MaxLine && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.?$`)

func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return len(s) <= MaxLine && hostForm.MatchString(s)
}

// isLoopback tells names of this machine itself, where nobody listens in between.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
