package mail

import (
	"bytes"
	"context"
	"maps"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
)

// complete adds what the settings know.
func (s Settings) complete(v Values) Values {
	all := Values{Company: s.SenderName}
	maps.Copy(all, v)
	return all
}

// letter is a mail as it is handed over. The copy is not named in it.
func (s Settings) letter(to mail.Address, subject, text, id string, date time.Time) ([]byte, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&mail.Address{Name: s.SenderName, Address: s.SenderAddress})
	m.ToMailAddress(&to)
	if s.ReplyTo != "" {
		m.ReplyToMailAddress(&mail.Address{Address: s.ReplyTo})
	}
	m.Subject(subject)
	m.SetDateWithValue(date)
	m.SetMessageIDWithValue(id + "@" + s.domain())
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies to it
	m.SetBodyString(gomail.TypeTextPlain, text)
	var b bytes.Buffer
	_, err := m.WriteTo(&b)
	return b.Bytes(), err
}

// domain is the sender's, as far as it can stand in a greeting.
func (s Settings) domain() string {
	domain := s.SenderAddress[strings.LastIndexByte(s.SenderAddress, '@')+1:]
	if !isHost(domain) {
		return "localhost"
	}
	return domain
}

// Sample is a mail about an order that there is not.
type Sample struct{ Language, From, To, Subject, Text string }

// Preview returns what customers would read with these settings, in each language.
// Errors: Invalid with the fields of the texts.
func Preview(s Settings) ([]Sample, error) {
	in := Input{Settings: s}
	in.normalise()
	var f fault.Checker
	in.checkTemplates(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	var samples []Sample
	for _, lang := range []string{i18n.German, i18n.English} {
		samples = append(samples, in.sample(lang))
	}
	return samples, nil
}

func (s Settings) sample(lang string) Sample {
	const name, number = "Max Muster", "00340434161094000000"
	ctx := i18n.WithLanguage(context.Background(), lang)
	if s.SenderName == "" {
		s.SenderName = i18n.T(ctx, "mail.sample.company")
	}
	sender := s.SenderName
	if s.SenderAddress != "" {
		sender += " <" + s.SenderAddress + ">"
	}
	sample := Sample{Language: lang, From: sender, To: name + " <max@example.com>"}
	sample.Subject, sample.Text = s.Template(lang).render(s.complete(Values{Name: name, Order: "100042", Note: "300017",
		Carrier: "DHL", Numbers: number, Links: "https://www.example.com/tracking?number=" + number}))
	return sample
}

// TestResult is what the mail server said to a test mail.
type TestResult struct {
	Failure     *Failure // nil: it has taken the mail
	CopyRefused bool     // but not the copy
}

// Test sends a sample in the reader's language to an address, with the settings as they
// are saved, switched on or not. Errors: Invalid at "to", Conflict before a mail server
// and a sender are saved.
func (s *Service) Test(ctx context.Context, to string) (TestResult, error) {
	to = strings.TrimSpace(to)
	var f fault.Checker
	address(&f, "to", to, true)
	if err := f.Err(); err != nil {
		return TestResult{}, err
	}
	k, err := load(s.db.Read(ctx))
	if err != nil {
		return TestResult{}, err
	}
	if !k.ready() {
		return TestResult{}, fault.New(fault.Conflict, "mail.error.not_ready")
	}
	password, err := s.password(k)
	if err != nil {
		return TestResult{}, err
	}
	sample := k.sample(i18n.Language(ctx))
	letter, err := k.letter(mail.Address{Address: to}, i18n.T(ctx, "mail.test.subject", "Subject", sample.Subject), sample.Text,
		uuid.NewString(), s.clock.Now())
	if err != nil {
		return TestResult{}, err
	}
	copyRefused, failure := s.deliver(ctx, k.Settings, password, to, letter)
	return TestResult{Failure: failure, CopyRefused: copyRefused}, nil
}
