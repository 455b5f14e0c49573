package dispatch

import (
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// at is a schedule with these hours of one day on.
func at(zone string, day time.Weekday, hours ...int) Schedule {
	s := Schedule{TimeZone: zone}
	for _, h := range hours {
		s.Hours[day][h] = true
	}
	return s
}

func TestSlot(t *testing.T) {
	t.Parallel()
	berlin := func(day time.Weekday, hours ...int) Schedule { return at("Europe/Berlin", day, hours...) }
	for name, tc := range map[string]struct {
		schedule Schedule
		now      string
		name     string
		on       bool
	}{
		"winter":                             {berlin(time.Tuesday, 8), "2026-11-03T07:00:00Z", "2026-11-03T08", true},
		"the hour's last moment":             {berlin(time.Tuesday, 8), "2026-11-03T07:59:59.999999Z", "2026-11-03T08", true},
		"the hour before":                    {berlin(time.Tuesday, 8), "2026-11-03T06:59:59.999999Z", "2026-11-03T07", false},
		"summer":                             {berlin(time.Tuesday, 8), "2026-07-07T06:30:00Z", "2026-07-07T08", true},
		"the other day":                      {berlin(time.Tuesday, 8), "2026-11-04T07:00:00Z", "2026-11-04T08", false},
		"midnight is tomorrow's":             {berlin(time.Sunday, 0), "2026-11-07T23:00:00Z", "2026-11-08T00", true},
		"spring has no 2 o'clock, but 1":     {berlin(time.Sunday, 1, 2), "2026-03-29T00:59:59Z", "2026-03-29T01", true},
		"spring has no 2 o'clock, but 3":     {berlin(time.Sunday, 1, 2), "2026-03-29T01:00:00Z", "2026-03-29T03", false},
		"autumn has 2 o'clock":               {berlin(time.Sunday, 2), "2026-10-25T00:00:00Z", "2026-10-25T02", true},
		"autumn has 2 o'clock a second time": {berlin(time.Sunday, 2), "2026-10-25T01:00:00Z", "2026-10-25T02", true},
		"autumn goes on with 3":              {berlin(time.Sunday, 2), "2026-10-25T02:00:00Z", "2026-10-25T03", false},
		"half hours":                         {at("Asia/Kolkata", time.Tuesday, 8), "2026-11-03T02:30:00Z", "2026-11-03T08", true},
		"UTC":                                {at("UTC", time.Tuesday, 8), "2026-11-03T08:00:00Z", "2026-11-03T08", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339Nano, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			name, on, err := tc.schedule.slot(now)
			if err != nil || name != tc.name || on != tc.on {
				t.Errorf("%s %t, %v, want %s %t", name, on, err, tc.name, tc.on)
			}
		})
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		schedule  Schedule
		now, want string
	}{
		"today":            {at("Europe/Berlin", time.Tuesday, 8, 14), "2026-11-03T07:12:31.5Z", "2026-11-03T13:00:00Z"},
		"in a week":        {at("Europe/Berlin", time.Tuesday, 8), "2026-11-03T07:12:31Z", "2026-11-10T07:00:00Z"},
		"on the hour":      {at("Europe/Berlin", time.Tuesday, 8), "2026-11-03T06:59:59Z", "2026-11-03T07:00:00Z"},
		"skipped":          {at("Europe/Berlin", time.Sunday, 2), "2026-03-29T00:30:00Z", "2026-04-05T00:00:00Z"},
		"twice, the first": {at("Europe/Berlin", time.Sunday, 2), "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z"},
		"twice, the other": {at("Europe/Berlin", time.Sunday, 2), "2026-10-25T00:30:00Z", "2026-11-01T01:00:00Z"},
		"half hours":       {at("Asia/Kolkata", time.Tuesday, 8), "2026-11-03T02:00:00Z", "2026-11-03T02:30:00Z"},
		"never":            {Schedule{TimeZone: "Europe/Berlin"}, "2026-11-03T07:00:00Z", "0001-01-01T00:00:00Z"},
		"nowhere":          {at("Nowhere/Atall", time.Tuesday, 8), "2026-11-03T06:00:00Z", "0001-01-01T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339Nano, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := tc.schedule.Next(now).Format(time.RFC3339Nano); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestHoursText(t *testing.T) {
	t.Parallel()
	for want, hours := range map[string][]int{"": nil, "8": {8}, "8–10, 15": {8, 9, 10, 15}, "0, 22–23": {0, 22, 23}} {
		if got := hoursText(at("UTC", time.Monday, hours...).Hours[time.Monday]); got != want {
			t.Errorf("%v: %q, want %q", hours, got, want)
		}
	}
}

// An hour has one run, whoever comes second and however short the first one's run was.
func TestTakeSlot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, tc := range []struct {
			slot string
			want error
		}{{"2026-11-03T08", nil}, {"2026-11-03T08", errSlotTaken}, {"2026-11-03T09", nil}, {"2026-11-03T09", errSlotTaken}} {
			err := db.InTx(t.Context(), func(tx *gorm.DB) error { return takeSlot(tx, tc.slot) })
			if !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, want %v", tc.slot, err, tc.want)
			}
		}
	})
}
