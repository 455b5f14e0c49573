package capture

import (
	"context"
	"fmt"

	"zahlwerk/internal/order"
)

// CountUnknown returns how many orders have a capture of which nobody knows whether
// Klarna made it, counted to order.CountLimit.
func (p *Pusher) CountUnknown(ctx context.Context) (n int, err error) {
	err = p.db.Read(ctx).Raw("SELECT count(*) FROM (SELECT DISTINCT order_id FROM captures WHERE state = ? LIMIT ?) found", Unknown, order.CountLimit).
		Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count unknown outcomes: %w", err)
	}
	return n, nil
}
