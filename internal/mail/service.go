package mail

import (
	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Service keeps mails and sends them.
type Service struct {
	db    *store.DB
	clock *clock.Clock
	box   *secretbox.Box
	trail *audit.Trail
	bell  *work.Bell
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, box *secretbox.Box, trail *audit.Trail, bell *work.Bell) *Service {
	return &Service{db: db, clock: clk, box: box, trail: trail, bell: bell}
}
