package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail/smtp"

	"zahlwerk/internal/secretbox"
)

// Reason is why a mail was not sent, in one word (message key "mail.reason."+reason).
type Reason string

// The reasons. Up to LogIn they are about the mail server and what we know of it, then
// about the mail, and the last ones about ourselves.
const (
	Unreachable   Reason = "unreachable"    // nobody answers at this host and port
	NotEncrypted  Reason = "not_encrypted"  // the server does not offer STARTTLS
	BadEncryption Reason = "bad_encryption" // its certificate is not valid for the host, or no common TLS
	TurnedAway    Reason = "turned_away"    // it does not want to speak with us, at least not now
	LogIn         Reason = "log_in"         // it does not take username and password
	NoAnswer      Reason = "no_answer"      // it fell silent, or the connection broke

	SenderRefused    Reason = "sender_refused"
	RecipientRefused Reason = "recipient_refused"
	MessageRefused   Reason = "message_refused"

	SwitchedOff    Reason = "switched_off"
	OrderCancelled Reason = "order_cancelled"
	NoParcel       Reason = "no_parcel" // none is left to tell of
)

// Failure is why the mail server did not take a mail.
type Failure struct {
	Reason Reason
	Code   int    // of its answer, 0 if it gave none
	Answer string // its answer, code and words, cut short; it may name addresses
}

// Error is the text for logs: without addresses.
func (f *Failure) Error() string { return fmt.Sprintf("mail not sent: %s %d", f.Reason, f.Code) }

// Temporary tells failures that may be gone at the next attempt. A server says so by its
// code (RFC 5321, 4.2.1), but only of the mail: what goes wrong before it was named is
// about the server or the settings, which somebody mends while the mails wait.
func (f *Failure) Temporary() bool {
	switch f.Reason {
	case SenderRefused, RecipientRefused, MessageRefused:
		return f.Code < 500
	}
	return true
}

// deliver hands a letter over. A copy that is refused does not keep the letter back.
func (s *Service) deliver(ctx context.Context, to Settings, password secretbox.Secret, recipient string, letter []byte) (copyRefused bool, f *Failure) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	fail := func(r Reason, err error) *Failure { return failure(ctx, r, err, password) }

	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(to.Host, strconv.Itoa(to.Port)))
	if err != nil {
		return false, &Failure{Reason: Unreachable}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // ends every read and write
	client, f := s.greet(ctx, conn, to, password)
	if f != nil {
		return false, f
	}
	defer func() { _ = client.Quit() }() // whether the server says goodbye changes nothing
	// SMTPUTF8 narrows who can take a mail on: only where an address needs it.
	client.SkipSMTPUTF8(isASCII(to.SenderAddress + recipient + to.CopyTo))
	if err := client.Mail("<" + to.SenderAddress + ">"); err != nil {
		return false, fail(SenderRefused, err)
	}
	if err := client.Rcpt("<" + recipient + ">"); err != nil {
		return false, fail(RecipientRefused, err)
	}
	if to.CopyTo != "" {
		if err := client.Rcpt("<" + to.CopyTo + ">"); err != nil {
			if f := fail(RecipientRefused, err); f.Code == 0 {
				return false, f
			}
			copyRefused = true
		}
	}
	w, err := client.Data()
	if err != nil {
		return copyRefused, fail(MessageRefused, err)
	}
	if _, err := w.Write(letter); err != nil {
		return copyRefused, fail(MessageRefused, err)
	}
	if err := w.Close(); err != nil { // reads the server's answer
		return copyRefused, fail(MessageRefused, err)
	}
	return copyRefused, nil
}

// greet brings a connection to where mails can be named: encrypted and logged in.
func (s *Service) greet(ctx context.Context, conn net.Conn, to Settings, password secretbox.Secret) (*smtp.Client, *Failure) {
	fail := func(r Reason, err error) (*smtp.Client, *Failure) { return nil, failure(ctx, r, err, password) }
	config := &tls.Config{ServerName: to.Host, RootCAs: s.options.RootCAs, MinVersion: tls.VersionTLS12}
	if to.Encryption == TLS {
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return fail(BadEncryption, err)
		}
		conn = secured
	}
	client, err := smtp.NewClient(conn, to.Host)
	if err != nil {
		return fail(TurnedAway, err)
	}
	if err := client.Hello(to.domain()); err != nil {
		return fail(TurnedAway, err)
	}
	if to.Encryption == StartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, &Failure{Reason: NotEncrypted}
		}
		if err := client.StartTLS(config); err != nil {
			return fail(BadEncryption, err)
		}
	}
	if to.Username == "" {
		return client, nil
	}
	auth := logIn(client, to, password)
	if auth == nil {
		return nil, &Failure{Reason: LogIn}
	}
	if err := client.Auth(auth); err != nil {
		return fail(LogIn, err)
	}
	return client, nil
}

// logIn chooses how to log in: by the best way that the server offers, nil if it offers
// none that we know. In the clear only to this machine itself.
func logIn(client *smtp.Client, to Settings, password secretbox.Secret) smtp.Auth {
	_, list := client.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	inTheClear := to.Encryption == None && isLoopback(to.Host)
	switch {
	case slices.Contains(offered, "SCRAM-SHA-256"):
		return smtp.ScramSHA256Auth(to.Username, password.Reveal())
	case slices.Contains(offered, "PLAIN"):
		return smtp.PlainAuth("", to.Username, password.Reveal(), to.Host, inTheClear)
	case slices.Contains(offered, "LOGIN"):
		return smtp.LoginAuth(to.Username, password.Reveal(), to.Host, inTheClear)
	}
	return nil
}

// maxAnswer is how many characters are kept of what a server says.
const maxAnswer = 300

// failure says why a step failed: r, unless the connection broke or time is over.
func failure(ctx context.Context, r Reason, err error, password secretbox.Secret) *Failure {
	said, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		if ctx.Err() != nil || isBroken(err) {
			r = NoAnswer
		}
		return &Failure{Reason: r}
	}
	words := strings.Join(strings.FieldsFunc(said.Msg, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
	words = strings.ToValidUTF8(words, "\uFFFD")
	if secret := password.Reveal(); secret != "" {
		words = strings.ReplaceAll(words, secret, password.String())
	}
	if runes := []rune(words); len(runes) > maxAnswer {
		words = string(runes[:maxAnswer]) + "…"
	}
	return &Failure{Reason: r, Code: said.Code, Answer: strings.TrimSpace(strconv.Itoa(said.Code) + " " + words)}
}

// isBroken tells errors of the connection from those of who is at its other end.
func isBroken(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
