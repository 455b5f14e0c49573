package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// What Answer may return besides an answer.
const (
	AsUsual = ""
	HangUp  = "hang up"
	Silence = "silence" // until the other side gives up
)

// Greeting and EndOfData are the moments without a command that Answer is asked about.
const (
	Greeting  = "greeting"
	EndOfData = "."
)

// Options are how a server behaves; the zero value takes every mail in the clear.
type Options struct {
	TLS      bool // from the first byte
	StartTLS bool // offered, and nothing else is taken before it
	// Username and Password are what it asks for, if they are set.
	Username, Password string
	// Mechanisms are the ways to log in that it offers: "PLAIN LOGIN" if empty.
	Mechanisms string
	// Answer may answer a command in its own way.
	Answer func(command string) string
}

// Message is a mail that the server has taken.
type Message struct {
	From string
	To   []string
	Data string
}

// Server is a mail server.
type Server struct {
	Host string
	Port int
	// Roots is what its certificate is checked against.
	Roots *x509.CertPool

	options     Options
	certificate tls.Certificate

	mu       sync.Mutex
	taken    []Message
	commands []string
}

// New starts a server that ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Mechanisms == "" {
		o.Mechanisms = "PLAIN LOGIN"
	}
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	s := &Server{options: o, certificate: certified.TLS.Certificates[0], Roots: x509.NewCertPool()}
	s.Roots.AddCert(certified.Certificate())

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	s.Host, s.Port = address.IP.String(), address.Port
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		open.Wait()
	})
	return s
}

// Taken are the mails that the server has taken so far.
func (s *Server) Taken() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.taken...)
}

// Commands are all lines that it was sent, without what logs in.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

// talk is the conversation with one client.
type talk struct {
	*Server
	conn    net.Conn
	text    *textproto.Conn
	secured bool
	known   bool // logged in
	mail    Message
}

func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	c := &talk{Server: s, conn: conn, text: textproto.NewConn(conn)}
	if s.options.TLS {
		c.secure()
	}
	if !c.say(Greeting, "220 mail.example.com ready") {
		return
	}
	for {
		line, err := c.text.ReadLine()
		if err != nil || !c.hear(line) {
			return
		}
	}
}

func (c *talk) secure() {
	c.conn = tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{c.certificate}})
	c.text, c.secured = textproto.NewConn(c.conn), true
}

// say answers a command, as usual or as the test wants; false if that was no consent.
func (c *talk) say(command, usual string) bool {
	c.mu.Lock()
	c.commands = append(c.commands, command)
	c.mu.Unlock()
	answer := AsUsual
	if c.options.Answer != nil {
		answer = c.options.Answer(command)
	}
	switch answer {
	case AsUsual:
		answer = usual
	case Silence:
		_, _ = c.conn.Read(make([]byte, 1))
		fallthrough
	case HangUp:
		c.conn.Close()
		return false
	}
	return c.text.PrintfLine("%s", answer) == nil && strings.HasPrefix(answer, usual[:1])
}

// hear does what a line says.
func (c *talk) hear(line string) bool {
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	switch verb {
	case "EHLO":
		return c.say(line, strings.Join(c.extensions(), "\r\n"))
	case "STARTTLS":
		if !c.say(line, "220 go ahead") {
			return false
		}
		c.secure()
		return true
	case "AUTH":
		return c.logIn(line)
	case "QUIT":
		c.say(line, "221 bye")
		return false
	}
	if c.options.StartTLS && !c.secured || c.options.Username != "" && !c.known {
		return c.text.PrintfLine("530 5.7.0 not like this") == nil
	}
	switch verb {
	case "MAIL":
		c.mail = Message{From: between(line)}
		return c.keepTalking(line, "250 ok")
	case "RCPT":
		if c.say(line, "250 ok") {
			c.mail.To = append(c.mail.To, between(line))
		}
		return true
	case "DATA":
		return c.data(line)
	}
	return c.keepTalking(line, "250 ok")
}

// keepTalking is say for commands that may be refused without ending the conversation.
func (c *talk) keepTalking(line, usual string) bool {
	c.say(line, usual)
	return true
}

func (c *talk) data(line string) bool {
	if !c.say(line, "354 go on") {
		return true
	}
	lines, err := c.text.ReadDotLines()
	if err != nil {
		return false
	}
	c.mail.Data = strings.Join(append(lines, ""), "\r\n")
	if !c.say(EndOfData, "250 taken") {
		return true
	}
	c.mu.Lock()
	c.taken = append(c.taken, c.mail)
	c.mu.Unlock()
	return true
}

func (c *talk) extensions() []string {
	lines := []string{"250-mail.example.com", "250-8BITMIME", "250-SMTPUTF8"}
	if c.options.StartTLS && !c.secured {
		lines = append(lines, "250-STARTTLS")
	}
	if c.options.Username != "" {
		lines = append(lines, "250-AUTH "+c.options.Mechanisms)
	}
	return append(lines, "250 SIZE 1000000")
}

func (c *talk) logIn(line string) bool {
	var name, password string
	switch words := strings.Fields(line); {
	case len(words) == 3 && words[1] == "PLAIN":
		parts := strings.Split(plain(words[2]), "\x00")
		if len(parts) == 3 {
			name, password = parts[1], parts[2]
		}
	case len(words) == 2 && words[1] == "LOGIN":
		name, password = c.ask("Username:"), c.ask("Password:")
	}
	c.known = name == c.options.Username && password == c.options.Password
	if !c.known {
		return c.text.PrintfLine("535 5.7.8 %s, your password %s is wrong", name, password) == nil
	}
	return c.say("AUTH", "235 welcome")
}

func (c *talk) ask(what string) string {
	if c.text.PrintfLine("334 %s", base64.StdEncoding.EncodeToString([]byte(what))) != nil {
		return ""
	}
	line, _ := c.text.ReadLine()
	return plain(line)
}

func plain(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return string(b)
}

// between is the address of a command.
func between(line string) string {
	_, after, _ := strings.Cut(line, "<")
	address, _, _ := strings.Cut(after, ">")
	return address
}
