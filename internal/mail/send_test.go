package mail_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/mail/mailtest"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// parse reads a mail as a mail program does.
func parse(t *testing.T, m mailtest.Message) *netmail.Message {
	t.Helper()
	parsed, err := netmail.ReadMessage(strings.NewReader(m.Data))
	must(t, err)
	return parsed
}

func read(t *testing.T, m mailtest.Message) (subject, text string) {
	t.Helper()
	parsed := parse(t, m)
	subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	must(t, err)
	if c := parsed.Header.Get("Content-Type") + " " + parsed.Header.Get("Content-Transfer-Encoding"); c != "text/plain; charset=UTF-8 quoted-printable" {
		t.Errorf("body: %s", c)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
	must(t, err)
	return subject, strings.ReplaceAll(string(body), "\r\n", "\n")
}

func TestMailWithTheLink(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := mailtest.New(t, mailtest.Options{})
		p := newPost(t, db, mail.Options{})
		in := good(s)
		in.SenderName, in.ReplyTo, in.CopyTo = "Müller & Söhne", "frage@shop.example", "archiv@shop.example"
		p.save(in)
		for _, lang := range []string{"de", "en"} {
			p.planTo("max@example.com", lang, lang)
			p.pass(mail.Delay)
		}
		p.heard("sent", "sent")
		taken := s.Taken()
		for i, want := range [][2]string{
			{"Ihr Auftrag 100042 ist unterwegs", "Sendung verfolgen: https://www.example.com/de\n"},
			{"Your order 100042 is on its way", "Follow your shipment: https://www.example.com/en\n"},
		} {
			m := taken[i]
			subject, text := read(t, m)
			if subject != want[0] || !strings.Contains(text, want[1]) || !strings.HasSuffix(text, "Müller & Söhne\n") {
				t.Errorf("%s\n%s", subject, text)
			}
			if m.From != "versand@shop.example" || !slices.Equal(m.To, []string{"max@example.com", "archiv@shop.example"}) {
				t.Errorf("from %s to %s", m.From, m.To)
			}
			h := parse(t, m).Header
			from, err := h.AddressList("From")
			if err != nil || *from[0] != (netmail.Address{Name: "Müller & Söhne", Address: "versand@shop.example"}) {
				t.Errorf("from %v, %v", from, err)
			}
			if to, err := h.AddressList("To"); err != nil || *to[0] != (netmail.Address{Name: "Max Muster", Address: "max@example.com"}) {
				t.Errorf("to %v, %v", to, err)
			}
			if h.Get("Reply-To") != "<frage@shop.example>" || h.Get("Auto-Submitted") != "auto-generated" || h.Get("Bcc") != "" ||
				!strings.HasSuffix(h.Get("Message-ID"), "@shop.example>") {
				t.Errorf("%v", h)
			}
			if at, err := h.Date(); err != nil || !at.Equal(noon.Add(time.Duration(i+1)*mail.Delay)) {
				t.Errorf("date %v, %v", at, err)
			}
		}
		if m := p.all()[0]; m.State != mail.Sent || m.Attempts != 1 || m.SentAt == nil || !m.SentAt.Equal(noon.Add(mail.Delay)) || m.DueAt != nil {
			t.Errorf("%+v", m)
		}
		if sent := strings.Join(s.Commands(), "\n"); strings.Contains(sent, "SMTPUTF8") {
			t.Errorf("asked for what no address needs: %s", sent)
		}
	})
}

func TestOffByDefault(t *testing.T) {
	t.Parallel()
	p := onSQLite(t, mail.Options{})
	p.plan("A")
	if len(p.all()) != 0 {
		t.Errorf("%+v", p.all())
	}
	s := mailtest.New(t, mailtest.Options{})
	p.save(good(s))
	for _, nobody := range []string{"", "max", "Max <max@example.com>", "max@example.com\r\nRCPT TO:<x@example.com>", "max@exa mple.com"} {
		p.planTo(nobody, "de", nobody)
	}
	if len(p.all()) != 0 {
		t.Errorf("%+v", p.all())
	}
	p.plan("A")
	off := good(s)
	off.Enabled = false
	p.save(off)
	p.pass(mail.Delay)
	p.heard("withdrawn switched_off")
	if len(s.Commands()) != 0 {
		t.Errorf("%q", s.Commands())
	}
}

func TestParcelsGoTogether(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := mailtest.New(t, mailtest.Options{})
		p := newPost(t, db, mail.Options{})
		p.save(good(s))
		p.plan("A")
		p.pass(mail.Delay - time.Second)
		p.plan("A", "B") // and it waits on
		p.pass(mail.Delay - time.Second)
		p.heard()
		p.pass(time.Second)
		p.heard("sent")
		p.plan("A", "B", "C") // A and B were told
		p.pass(mail.Delay)
		p.heard("sent")
		var told []string
		for _, m := range s.Taken() {
			_, text := read(t, m)
			_, link, _ := strings.Cut(text, "https://www.example.com/")
			link, _, _ = strings.Cut(link, "\n")
			told = append(told, link)
		}
		if !slices.Equal(told, []string{"A+B", "C"}) {
			t.Errorf("%q", told)
		}
	})
}

func TestWithdrawnAndPlannedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := mailtest.New(t, mailtest.Options{})
		p := newPost(t, db, mail.Options{})
		p.save(good(s))
		tells := p.content
		p.content = func([]string) mail.Content { return mail.Content{Withdrawn: mail.OrderCancelled} }
		p.plan("A")
		p.pass(mail.Delay)
		p.heard("withdrawn order_cancelled")
		if len(s.Commands()) != 0 {
			t.Errorf("%q", s.Commands())
		}
		p.content = tells
		p.pass(time.Hour)
		p.heard()
		must(t, db.InTx(t.Context(), func(tx *gorm.DB) error { return p.PlanAgain(tx, 1) }))
		p.pass(mail.Delay)
		p.heard("sent")

		// A number that was withdrawn may be recorded again.
		p.content = func([]string) mail.Content { return mail.Content{Withdrawn: mail.NoParcel} }
		p.plan("B")
		p.pass(mail.Delay)
		p.content = tells
		p.plan("B")
		p.pass(mail.Delay)
		p.heard("withdrawn no_parcel", "sent")
		if n := len(s.Taken()); n != 2 {
			t.Errorf("%d mails", n)
		}
	})
}

// How the server may answer, what becomes of the mail, and when it is tried again.
func TestAnswers(t *testing.T) {
	t.Parallel()
	at := func(command, answer string) func(string) string {
		return func(c string) string {
			if strings.HasPrefix(c, command) {
				return answer
			}
			return mailtest.AsUsual
		}
	}
	for _, c := range []struct {
		name   string
		answer func(string) string
		want   string
		said   string
	}{
		{"mailbox is full", at("RCPT", "452 4.2.2 mailbox full"), "pending recipient_refused +1m0s", "452 4.2.2 mailbox full"},
		{"greylisted", at("RCPT", "451 4.7.1 try again later"), "pending recipient_refused +1m0s", "451 4.7.1 try again later"},
		{"no such user", at("RCPT", "550-5.1.1 No such user\r\n550 5.1.1 <max@example.com>"), "failed recipient_refused", "550 5.1.1 No such user 5.1.1 <max@example.com>"},
		{"wrong sender", at("MAIL", "553 5.7.1 not yours"), "failed sender_refused", "553 5.7.1 not yours"},
		{"spam", at(mailtest.EndOfData, "554 5.7.1 looks like spam"), "failed message_refused", "554 5.7.1 looks like spam"},
		{"no data", at("DATA", "451 no"), "pending message_refused +1m0s", "451 no"},
		{"busy", at(mailtest.Greeting, "421 too many connections"), "pending turned_away +1m0s", "421 too many connections"},
		{"not for us", at(mailtest.Greeting, "554 no"), "pending turned_away +1m0s", "554 no"},
		{"no mail server", at(mailtest.Greeting, "HTTP/1.1 400 Bad Request"), "pending turned_away +1m0s", ""},
		{"cut before the mail", at("MAIL", mailtest.HangUp), "pending no_answer +1m0s", ""},
		{"cut after the mail", at(mailtest.EndOfData, mailtest.HangUp), "pending no_answer +1m0s", ""},
		{"cut at the end", at("QUIT", mailtest.HangUp), "sent", ""},
		{"refuses the goodbye", at("QUIT", "500 what?"), "sent", ""},
		{"very long", at("RCPT", "550 "+strings.Repeat("ä\t", 400)), "failed recipient_refused", "550 " + strings.TrimSpace(strings.Repeat("ä ", 150)) + " …"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := onSQLite(t, mail.Options{})
			p.save(good(mailtest.New(t, mailtest.Options{Answer: c.answer})))
			p.plan("A")
			p.pass(mail.Delay)
			p.heard(c.want)
			if m := p.all()[0]; m.Answer != c.said || m.Attempts != 1 {
				t.Errorf("%+v, want %q", m, c.said)
			}
		})
	}
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{mailtest.Greeting, "EHLO", "RCPT", "DATA", mailtest.EndOfData} {
		p := onSQLite(t, mail.Options{Timeout: 50 * time.Millisecond})
		p.save(good(mailtest.New(t, mailtest.Options{Answer: func(c string) string {
			if strings.HasPrefix(c, moment) {
				return mailtest.Silence
			}
			return mailtest.AsUsual
		}})))
		p.plan("A")
		p.pass(mail.Delay)
		p.heard("pending no_answer +1m0s")
	}
}

func TestTriedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var refusals atomic.Int64
		refusals.Store(2)
		s := mailtest.New(t, mailtest.Options{Answer: func(c string) string {
			if strings.HasPrefix(c, "RCPT") && refusals.Add(-1) >= 0 {
				return "451 later"
			}
			return mailtest.AsUsual
		}})
		p := newPost(t, db, mail.Options{})
		p.save(good(s))
		p.plan("A")
		p.pass(mail.Delay)
		p.pass(time.Minute)
		p.heard("pending recipient_refused +1m0s", "pending recipient_refused +10m0s")
		p.plan("B") // goes with it, when its time has come
		p.pass(mail.Delay)
		p.heard()
		p.pass(10*time.Minute - mail.Delay)
		p.heard("sent")
		if m := p.all(); len(m) != 1 || m[0].Attempts != 3 || m[0].Reason != "" || m[0].Answer != "" {
			t.Errorf("%+v", m)
		}

		refusals.Store(5)
		p.plan("C")
		p.pass(mail.Delay)
		for _, wait := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour} {
			p.pass(wait)
		}
		p.heard("pending recipient_refused +1m0s", "pending recipient_refused +10m0s", "pending recipient_refused +1h0m0s",
			"pending recipient_refused +6h0m0s", "failed recipient_refused")
		p.plan("C") // after it has failed, recording the number again is a new chance
		p.pass(mail.Delay)
		p.heard("sent")
	})
}

func TestEncryptionAndLogIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		server     mailtest.Options
		encryption mail.Encryption
		change     func(in *mail.Input)
		distrust   bool
		want       string
		said       string
	}{
		{name: "STARTTLS", server: mailtest.Options{StartTLS: true, Username: "versand", Password: password}, encryption: mail.StartTLS, want: "sent"},
		{name: "TLS", server: mailtest.Options{TLS: true, Username: "versand", Password: password}, encryption: mail.TLS, want: "sent"},
		{name: "LOGIN", server: mailtest.Options{TLS: true, Username: "versand", Password: password, Mechanisms: "XOAUTH2 login"}, encryption: mail.TLS, want: "sent"},
		{name: "in the clear on this machine", server: mailtest.Options{Username: "versand", Password: password}, encryption: mail.None, want: "sent"},
		{name: "without log-in", server: mailtest.Options{StartTLS: true}, encryption: mail.StartTLS,
			change: func(in *mail.Input) { in.Username, in.Password = "", "" }, want: "sent"},
		{name: "no way to log in", server: mailtest.Options{TLS: true, Username: "versand", Password: password, Mechanisms: "XOAUTH2"},
			encryption: mail.TLS, want: "pending log_in +1m0s"},
		{name: "wrong password", server: mailtest.Options{StartTLS: true, Username: "versand", Password: "x"}, encryption: mail.StartTLS,
			want: "pending log_in +1m0s", said: "535 5.7.8 versand, your password •••• is wrong"},
		{name: "no STARTTLS", server: mailtest.Options{Username: "versand", Password: password}, encryption: mail.StartTLS, want: "pending not_encrypted +1m0s"},
		{name: "TLS against STARTTLS", server: mailtest.Options{StartTLS: true}, encryption: mail.TLS, want: "pending bad_encryption +1m0s"},
		{name: "nobody's certificate, STARTTLS", server: mailtest.Options{StartTLS: true}, encryption: mail.StartTLS, distrust: true, want: "pending bad_encryption +1m0s"},
		{name: "nobody's certificate, TLS", server: mailtest.Options{TLS: true}, encryption: mail.TLS, distrust: true, want: "pending bad_encryption +1m0s"},
		{name: "another's certificate", server: mailtest.Options{TLS: true}, encryption: mail.TLS,
			change: func(in *mail.Input) { in.Host = "localhost" }, want: "pending bad_encryption +1m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.New(t, c.server)
			roots := s.Roots
			if c.distrust {
				roots = x509.NewCertPool()
			}
			p := onSQLite(t, mail.Options{RootCAs: roots})
			in := good(s)
			in.Encryption, in.Username, in.Password = c.encryption, "versand", password
			if c.change != nil {
				c.change(&in)
			}
			p.save(in)
			p.plan("A")
			p.pass(mail.Delay)
			p.heard(c.want)
			if m := p.all()[0]; m.Answer != c.said {
				t.Errorf("%q, want %q", m.Answer, c.said)
			}
			if sent := strings.Join(s.Commands(), "\n"); c.want != "sent" && strings.Contains(sent, "MAIL") {
				t.Errorf("spoke of the mail before all was well: %s", sent)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	p := onSQLite(t, mail.Options{})
	in := good(&mailtest.Server{Host: "127.0.0.1", Port: 1})
	p.save(in)
	p.plan("A")
	p.pass(mail.Delay)
	p.heard("pending unreachable +1m0s")
}

func TestRefusedCopyDoesNotKeepTheMailBack(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{Answer: func(c string) string {
		if strings.HasPrefix(c, "RCPT TO:<archiv@") {
			return "550 no such user"
		}
		return mailtest.AsUsual
	}})
	p := onSQLite(t, mail.Options{})
	in := good(s)
	in.CopyTo = "archiv@shop.example"
	p.save(in)
	p.plan("A")
	p.pass(mail.Delay)
	p.heard("sent")
	if taken := s.Taken(); len(taken) != 1 || !slices.Equal(taken[0].To, []string{"max@example.com"}) || !p.mails[0].CopyRefused {
		t.Errorf("%+v, %+v", taken, p.mails)
	}
	if r, err := p.Test(t.Context(), "erika@example.com"); err != nil || r.Failure != nil || !r.CopyRefused {
		t.Errorf("%+v, %v", r, err)
	}
}

// Nothing that stands in a name or a number becomes a header or a command.
func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{})
	p := onSQLite(t, mail.Options{})
	p.save(good(s))
	const evil = "Max\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<evil@example.com>\r\n"
	p.content = func([]string) mail.Content {
		return mail.Content{Name: evil, Values: mail.Values{mail.Name: evil, mail.Order: evil, mail.Note: evil, mail.Carrier: evil, mail.Numbers: evil, mail.Links: evil}}
	}
	p.plan("A")
	p.pass(mail.Delay)
	p.heard("sent")
	taken := s.Taken()
	if len(taken) != 1 || taken[0].From != "versand@shop.example" || !slices.Equal(taken[0].To, []string{"max@example.com"}) {
		t.Fatalf("%+v", taken)
	}
	h := parse(t, taken[0]).Header
	if h.Get("Bcc") != "" || len(h["To"]) != 1 || len(h["Subject"]) != 1 {
		t.Errorf("%v", h)
	}
}

func TestLettersThatAreNotASCII(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{})
	p := onSQLite(t, mail.Options{})
	p.save(good(s))
	p.planTo("müller@example.com", "de", "A")
	p.pass(mail.Delay)
	p.heard("sent")
	if sent := strings.Join(s.Commands(), "\n"); !strings.Contains(sent, "SMTPUTF8") || s.Taken()[0].To[0] != "müller@example.com" {
		t.Error(sent)
	}
}

// A mail whose sending was cut off by the end of the program goes again, with the same
// Message-ID, but not for ever.
func TestCutOff(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var end atomic.Pointer[context.CancelFunc]
		s := mailtest.New(t, mailtest.Options{Answer: func(c string) string {
			if cut := end.Load(); cut != nil && c == "DATA" {
				(*cut)()
				return mailtest.Silence
			}
			return mailtest.AsUsual
		}})
		p := newPost(t, db, mail.Options{})
		p.save(good(s))
		p.plan("A")
		p.clock.Advance(mail.Delay)
		for range 3 {
			c, err := work.Take(t.Context(), db, p.clock, p.Queue(), 1)
			must(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			end.Store(&cancel)
			if err := p.Queue().Do(ctx, c); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			cancel()
			must(t, work.TakeOver(t.Context(), db, p.Queue()))
		}
		p.heard()
		if m := p.all()[0]; m.State != mail.Sending || m.DueAt == nil || m.Attempts != 3 {
			t.Errorf("%+v", m)
		}
		p.plan("B") // what is being sent is full: another mail
		end.Store(nil)
		p.pass(0)
		p.heard("sent")
		p.pass(mail.Delay)
		p.heard("sent")
		_, err := db.Exec(t.Context(), "UPDATE mails SET state = 'sending', attempts = 5, due_at = created_at WHERE id = 1")
		must(t, err)
		p.pass(0)
		p.heard("failed no_answer")
		if len(s.Taken()) != 2 || p.all()[0].MessageID == p.all()[1].MessageID {
			t.Errorf("%+v", s.Taken())
		}
	})
}

func TestTestMail(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{TLS: true, Username: "versand", Password: password})
	p := onSQLite(t, mail.Options{RootCAs: s.Roots})
	_, err := p.Test(t.Context(), "erika@example.com")
	refused(t, err, fault.Conflict, "mail.error.not_ready")
	in := good(s)
	in.Enabled, in.Encryption, in.Username, in.Password = false, mail.TLS, "versand", password
	p.save(in)
	_, err = p.Test(t.Context(), "erika")
	refused(t, err, fault.Invalid, "to error.email")
	if r, err := p.Test(i18n.WithLanguage(t.Context(), i18n.German), " erika@example.com "); err != nil || r.Failure != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	subject, text := read(t, s.Taken()[0])
	if subject != "Test: Ihr Auftrag 100042 ist unterwegs" || !strings.Contains(text, "Guten Tag Max Muster,\n\neine Sendung aus Ihrem Auftrag 100042") {
		t.Errorf("%s\n%s", subject, text)
	}
	in.Password = "falsch"
	p.save(in)
	r, err := p.Test(t.Context(), "erika@example.com")
	if err != nil || r.Failure == nil || r.Failure.Reason != mail.LogIn || r.Failure.Answer != "535 5.7.8 versand, your password •••• is wrong" ||
		strings.Contains(r.Failure.Error(), "versand") {
		t.Errorf("%+v, %v", r, err)
	}
}
