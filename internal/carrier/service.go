package carrier

import (
	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/store"
)

// Service keeps the table of carriers.
type Service struct {
	db    *store.DB
	clock *clock.Clock
	trail *audit.Trail
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, trail *audit.Trail) *Service {
	return &Service{db: db, clock: clk, trail: trail}
}
