package clock_test

import (
	"testing"
	"time"

	"zahlwerk/internal/clock"
)

func TestFixedClockMovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 3, 8, 15, 0, 123456789, time.FixedZone("CET", 3600))
	c := clock.NewFixed(start)
	want := time.Date(2026, 11, 3, 7, 15, 0, 123456000, time.UTC)
	if got := c.Now(); !got.Equal(want) || got.Location() != time.UTC {
		t.Fatalf("Now() = %v, want %v", got, want)
	}
	c.Advance(23 * time.Hour)
	if got := c.Now(); !got.Equal(want.Add(23 * time.Hour)) {
		t.Errorf("after 23 h: %v", got)
	}
}

func TestRunningClockKeepsItsOffset(t *testing.T) {
	t.Parallel()
	c := clock.New()
	c.Advance(-48 * time.Hour)
	if got := time.Until(c.Now()); got > -47*time.Hour || got < -49*time.Hour {
		t.Errorf("clock is %v from the machine's, want about -48h", got)
	}
	if c.Now().Nanosecond()%1000 != 0 {
		t.Error("more than microseconds")
	}
}
