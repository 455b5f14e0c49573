package work

import (
	"gorm.io/gorm"

	"zahlwerk/internal/store"
)

// Bell wakes the workers of this process. Services hold it and ring it when they
// make rows due; a Runner listens. It works without a listener.
type Bell struct{ rung chan struct{} }

// NewBell returns a bell.
func NewBell() *Bell { return &Bell{rung: make(chan struct{}, 1)} }

// Ring says that a row may be due now.
func (b *Bell) Ring() {
	select {
	case b.rung <- struct{}{}:
	default: // it has not been heard yet: once is enough
	}
}

// RingAfter rings when the transaction of tx is committed.
func (b *Bell) RingAfter(tx *gorm.DB) { store.AfterCommit(tx, b.Ring) }
