package document

import (
	"time"
	_ "time/tzdata" // the zone below must be known on every machine
)

// zone is where the merchant writes: dates are those of the calendar on that wall.
var zone = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zones are built in
	}
	return z
}

// EndOfDay is the last moment of a day some days after t, by the calendar of the place
// where the merchant writes: until then whoever has to pay by that day is in time.
func EndOfDay(t time.Time, later int) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d+later+1, 0, 0, 0, 0, zone).Add(-time.Microsecond).UTC()
}

// DaysBetween counts the calendar's days from one date to another.
func DaysBetween(from, to time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}
