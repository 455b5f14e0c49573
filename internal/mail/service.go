package mail

import (
	"crypto/x509"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Options are the knobs of New; the zero value is what the program uses.
type Options struct {
	// Timeout is how long a conversation with the mail server may take; 0 means 30 s.
	Timeout time.Duration
	// RootCAs are the certificate authorities that are trusted; nil means the system's.
	RootCAs *x509.CertPool
}

// Service keeps the settings and the mails, and sends them.
type Service struct {
	db      *store.DB
	clock   *clock.Clock
	box     *secretbox.Box
	trail   *audit.Trail
	options Options

	compose func(tx *gorm.DB, m *Mail) (Content, error)
	outcome func(tx *gorm.DB, m *Mail) error
}

// New returns the service. Handle says what the mails are about.
func New(db *store.DB, clk *clock.Clock, box *secretbox.Box, trail *audit.Trail, o Options) *Service {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	return &Service{db: db, clock: clk, box: box, trail: trail, options: o}
}

// Handle registers who knows what the mails are about, before the work begins. compose
// says what a mail tells, in the transaction in which its sending begins; it locks what
// that depends on. outcome writes down what became of a mail, in the transaction that
// makes it so: sent, failed, withdrawn, or pending until DueAt.
func (s *Service) Handle(compose func(tx *gorm.DB, m *Mail) (Content, error), outcome func(tx *gorm.DB, m *Mail) error) {
	s.compose, s.outcome = compose, outcome
}

// Queue is the mails that are due.
func (s *Service) Queue() *work.Queue {
	return &work.Queue{Name: "mail", Table: "mails", Workers: 2, Do: s.work}
}
