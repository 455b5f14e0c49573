package dunning

import (
	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/document"
	"zahlwerk/internal/store"
)

// Service finds open items and reminds of them.
type Service struct {
	db        *store.DB
	clock     *clock.Clock
	trail     *audit.Trail
	documents *document.Service
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, trail *audit.Trail, documents *document.Service) *Service {
	return &Service{db: db, clock: clk, trail: trail, documents: documents}
}
