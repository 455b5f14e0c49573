package settlement

import (
	"zahlwerk/internal/audit"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Service imports payouts and says what is known of them.
type Service struct {
	db       *store.DB
	clock    *clock.Clock
	bell     *work.Bell
	trail    *audit.Trail
	accounts *businessaccount.Service
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, bell *work.Bell, trail *audit.Trail, accounts *businessaccount.Service) *Service {
	return &Service{db: db, clock: clk, bell: bell, trail: trail, accounts: accounts}
}
