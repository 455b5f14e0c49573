package capture

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zahlwerk/internal/order"
)

// Day is how many captures there were on a day, where the merchant works.
type Day struct {
	Day    time.Time // its beginning
	Done   int       // captured that day
	Failed int       // refused, or with an unknown outcome, since that day
}

// Days returns the last n days, today at the end.
func (p *Pusher) Days(ctx context.Context, n int) ([]Day, error) {
	now := p.clock.Now().In(order.Zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, order.Zone)
	days := make([]Day, n)
	var counts []string
	var args []any
	for i := range days {
		days[i].Day = today.AddDate(0, 0, i+1-n)
		counts = append(counts, fmt.Sprintf("SELECT %d AS day, count(*) AS captures FROM captures WHERE captured_at >= ? AND captured_at < ?", i))
		args = append(args, days[i].Day.UTC(), days[i].Day.AddDate(0, 0, 1).UTC())
	}
	var done []struct{ Day, Captures int }
	if err := p.db.Read(ctx).Raw(strings.Join(counts, " UNION ALL "), args...).Scan(&done).Error; err != nil {
		return nil, fmt.Errorf("count the captures of the last days: %w", err)
	}
	for _, d := range done {
		days[d.Day].Done = d.Captures
	}
	var failed []time.Time
	err := p.db.Read(ctx).Model(&Capture{}).Where("state IN ? AND updated_at >= ?", []State{Refused, Unknown}, days[0].Day.UTC()).
		Pluck("updated_at", &failed).Error
	if err != nil {
		return nil, fmt.Errorf("count the captures that failed in the last days: %w", err)
	}
	for _, at := range failed {
		for i := n - 1; i >= 0; i-- {
			if !at.Before(days[i].Day) {
				days[i].Failed++
				break
			}
		}
	}
	return days, nil
}
