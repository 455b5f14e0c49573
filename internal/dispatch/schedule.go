package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a zone that was chosen must be known on every machine

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// The settings of the schedule.
const (
	settingSchedule = "autoship_schedule"
	settingSlot     = "autoship_slot" // the hour that had its run
)

// Schedule says when autoship runs by itself: once in each hour that is switched on, as
// a clock in TimeZone shows it. An hour that such a clock shows twice has one run.
type Schedule struct {
	TimeZone string      `json:"time_zone"`
	Hours    [7][24]bool `json:"hours"` // by time.Weekday and hour
}

// Schedule returns the schedule; one that was never set has no hours.
func (s *Service) Schedule(ctx context.Context) (Schedule, error) {
	return readSchedule(s.db.Read(ctx))
}

func readSchedule(tx *gorm.DB) (Schedule, error) {
	schedule := Schedule{TimeZone: order.Zone.String()}
	value, err := store.Setting(tx, settingSchedule)
	if err == nil && value != "" {
		err = json.Unmarshal([]byte(value), &schedule)
	}
	if err != nil {
		return schedule, fmt.Errorf("read the autoship schedule: %w", err)
	}
	return schedule, nil
}

// SetSchedule changes the schedule. Errors: Invalid at "time_zone".
func (s *Service) SetSchedule(ctx context.Context, schedule Schedule, actor string) error {
	var f fault.Checker
	schedule.TimeZone = strings.TrimSpace(schedule.TimeZone)
	if schedule.TimeZone == "" {
		f.Add("time_zone", "error.required")
	} else if _, err := schedule.location(); err != nil {
		f.Add("time_zone", "autoship.error.time_zone", "Zone", schedule.TimeZone)
	}
	if err := f.Err(); err != nil {
		return err
	}
	value, err := json.Marshal(schedule)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		before, err := readSchedule(tx)
		if err != nil {
			return err
		}
		if err := store.SetSetting(tx, settingSchedule, string(value)); err != nil {
			return fmt.Errorf("keep the autoship schedule: %w", err)
		}
		if changes := before.changes(schedule); len(changes) > 0 {
			return s.Trail.Append(tx, s.clock.Now(), actor, "autoship.schedule_changed", "", changes)
		}
		return nil
	})
}

func (s Schedule) location() (*time.Location, error) {
	if s.TimeZone == "" || s.TimeZone == "Local" { // what the machine says is nobody's choice
		return nil, errors.New("no time zone")
	}
	return time.LoadLocation(s.TimeZone)
}

// changes are the differences for the log, day by day, Monday first.
func (s Schedule) changes(after Schedule) (changes audit.Changes) {
	changes.Add("time_zone", s.TimeZone, after.TimeZone)
	for i := range 7 {
		day := time.Weekday((i + 1) % 7)
		changes.Add("autoship_"+strings.ToLower(day.String()), hoursText(s.Hours[day]), hoursText(after.Hours[day]))
	}
	return changes
}

// hoursText names the hours that are on, in runs: "8–10, 15".
func hoursText(on [24]bool) string {
	var runs []string
	for h := 0; h < 24; h++ {
		if !on[h] {
			continue
		}
		first := h
		for h < 23 && on[h+1] {
			h++
		}
		run := strconv.Itoa(first)
		if h > first {
			run += "–" + strconv.Itoa(h)
		}
		runs = append(runs, run)
	}
	return strings.Join(runs, ", ")
}

// slot is the hour of now, as the clock of the schedule names it, and whether it is on.
func (s Schedule) slot(now time.Time) (name string, on bool, err error) {
	zone, err := s.location()
	if err != nil {
		return "", false, fmt.Errorf("the time zone %q of the autoship schedule: %w", s.TimeZone, err)
	}
	local := now.In(zone)
	return local.Format("2006-01-02T15"), s.Hours[local.Weekday()][local.Hour()], nil
}

// Next returns the beginning of the next hour that is on, after the one of now; the zero
// time when there is none within eight days.
func (s Schedule) Next(now time.Time) time.Time {
	zone, err := s.location()
	if err != nil {
		return time.Time{}
	}
	local := now.In(zone)
	present := local.Format("2006-01-02T15")
	t := local.Add(-time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second).Truncate(time.Second)
	for range 8 * 24 {
		t = t.Add(time.Hour)
		if s.Hours[t.Weekday()][t.Hour()] && t.Format("2006-01-02T15") != present {
			return t.UTC()
		}
	}
	return time.Time{}
}

// errSlotTaken says that the hour had its run in the meantime.
var errSlotTaken = errors.New("the hour has had its run")

// takeSlot notes that an hour has its run, or fails with errSlotTaken: of two instances
// one gets it.
func takeSlot(tx *gorm.DB, slot string) error {
	res := tx.Exec(`INSERT INTO settings (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value`, settingSlot, slot)
	if res.Error != nil {
		return fmt.Errorf("take the hour %s of autoship: %w", slot, res.Error)
	}
	if res.RowsAffected == 0 {
		return errSlotTaken
	}
	return nil
}

// AutoshipTick starts the run of the present hour if the schedule has one and it was not
// started yet. While another run has not ended it waits for the next tick; an hour that
// ends meanwhile, or while the program is off, has no run.
func (s *Service) AutoshipTick(ctx context.Context) error {
	slot, due, err := s.dueSlot(ctx)
	if err != nil || !due {
		return err
	}
	other, err := s.AutoshipRun(ctx)
	if err != nil || other != nil {
		return err
	}
	b, err := s.PrepareAutoship(ctx, nil, order.Zahlwerk)
	take := func(tx *gorm.DB) error { return takeSlot(tx, slot) }
	switch {
	case fault.CodeOf(err) == fault.Conflict: // nothing can go: that was this hour's run
		err = s.db.InTx(ctx, take)
	case err != nil:
		return err
	default:
		if err = s.Batches.Start(ctx, b.ID, order.Zahlwerk, take); err != nil {
			s.discard(ctx, b.ID)
		}
	}
	if errors.Is(err, errSlotTaken) || fault.CodeOf(err) == fault.Conflict { // somebody else was faster
		return nil
	}
	return err
}

// dueSlot is the present hour, and whether it is on and has had no run.
func (s *Service) dueSlot(ctx context.Context) (slot string, due bool, err error) {
	schedule, err := s.Schedule(ctx)
	if err != nil {
		return "", false, err
	}
	slot, on, err := schedule.slot(s.clock.Now())
	if err != nil || !on {
		return "", false, err
	}
	last, err := store.Setting(s.db.Read(ctx), settingSlot)
	if err != nil {
		return "", false, fmt.Errorf("read the last run of autoship: %w", err)
	}
	return slot, last != slot, nil
}
