package dispatch_test

import (
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// hours is a schedule for a day of begin's week.
func hours(day time.Weekday, on ...int) dispatch.Schedule {
	s := dispatch.Schedule{TimeZone: "Europe/Berlin"}
	for _, h := range on {
		s.Hours[day][h] = true
	}
	return s
}

// tick lets the clock show a time and the schedule look at it, and finishes what it
// started.
func (s *shop) tick(at time.Time) {
	s.Helper()
	s.clock.Advance(at.Sub(s.clock.Now()))
	s.must(s.dispatch.AutoshipTick(s.Context()))
}

func (s *shop) runs() []batch.Batch {
	s.Helper()
	all, err := s.batches.List(s.Context(), 0, 100, batch.Autoship)
	s.must(err)
	return all
}

func TestSetSchedule(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		none, err := s.dispatch.Schedule(t.Context())
		s.must(err)
		if none != hours(time.Tuesday) {
			t.Errorf("never set: %+v", none)
		}
		want := hours(time.Tuesday, 8, 9, 14)
		s.must(s.dispatch.SetSchedule(t.Context(), want, "erika"))
		s.must(s.dispatch.SetSchedule(t.Context(), want, "erika")) // nothing changes, nothing is logged
		if got, err := s.dispatch.Schedule(t.Context()); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
		for zone, key := range map[string]string{"": "error.required", "Local": "autoship.error.time_zone", "Europe/Augsburg": "autoship.error.time_zone", "../etc/passwd": "autoship.error.time_zone"} {
			wrong := want
			wrong.TimeZone = zone
			s.refused(s.dispatch.SetSchedule(t.Context(), wrong, "erika"), fault.Invalid, "time_zone "+key)
		}
		log, _, err := audit.New(db).List(t.Context(), "", 10)
		s.must(err)
		var entries []audit.Entry
		for _, e := range log {
			if e.Action == "autoship.schedule_changed" {
				entries = append(entries, e)
			}
		}
		if len(entries) != 1 || entries[0].Actor != "erika" || len(entries[0].Changes) != 1 ||
			entries[0].Changes[0] != (audit.Change{Field: "autoship_tuesday", New: "8–9, 14"}) {
			t.Errorf("%+v", entries)
		}
	})
}

// begin is a Tuesday, 10 o'clock in Berlin.
func TestAutoshipTick(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		first := s.place("klarna", wanted)
		s.tick(begin)
		if len(s.runs()) != 0 {
			t.Error("a run without a schedule")
		}
		s.must(s.dispatch.SetSchedule(t.Context(), hours(time.Tuesday, 11, 12, 13), "erika"))
		s.tick(begin.Add(59 * time.Minute))
		if len(s.runs()) != 0 {
			t.Error("a run in an hour that is off")
		}
		s.tick(begin.Add(90 * time.Minute)) // the program was off before: still the same hour
		runs := s.runs()
		if len(runs) != 1 || runs[0].Actor != order.Zahlwerk || runs[0].State != batch.Running {
			t.Fatalf("at 11:30: %+v", runs)
		}
		s.finish(runs[0].ID)
		if len(s.now(first).Notes) != 1 {
			t.Error("the order did not go")
		}
		s.place("klarna", wanted)
		s.tick(begin.Add(91 * time.Minute))
		if len(s.runs()) != 1 {
			t.Error("the hour has two runs")
		}

		// Somebody else's run comes first; the hour's own is made once that has ended.
		other := s.place("klarna", wanted)
		by, err := s.dispatch.RunAutoship(t.Context(), []int64{other.ID}, "clerk")
		s.must(err)
		s.tick(begin.Add(2 * time.Hour))
		if len(s.runs()) != 2 {
			t.Error("two runs at a time")
		}
		s.finish(by.ID)
		s.tick(begin.Add(2*time.Hour + time.Minute))
		if runs := s.runs(); len(runs) != 3 || runs[0].Total != 1 {
			t.Errorf("after the other one: %+v", runs)
		} else {
			s.finish(runs[0].ID)
		}

		// An hour in which nothing can go has had its run, too.
		s.tick(begin.Add(3 * time.Hour))
		s.place("klarna", wanted)
		s.tick(begin.Add(3*time.Hour + time.Minute))
		if len(s.runs()) != 3 {
			t.Error("the order of 13:01 went with the run of 13:00")
		}
		s.tick(begin.Add(7 * 24 * time.Hour).Add(time.Hour)) // what was missed meanwhile is not made up for
		if runs := s.runs(); len(runs) != 4 || runs[0].Total != 1 {
			t.Errorf("a week later: %+v", runs)
		}
	})
}

// The clock shows 2 o'clock twice: there is one run.
func TestAutoshipTickInAutumn(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	s.must(s.dispatch.SetSchedule(t.Context(), hours(time.Sunday, 2), "erika"))
	night := time.Date(2027, 10, 31, 0, 0, 0, 0, time.UTC)
	for i := range 4 {
		s.place("klarna", wanted)
		s.tick(night.Add(time.Duration(i-1) * time.Hour))
		for _, r := range s.runs() {
			if r.State == batch.Running {
				s.finish(r.ID)
			}
		}
	}
	if runs := s.runs(); len(runs) != 1 || runs[0].Total != 2 {
		t.Errorf("%+v", runs)
	}
}

// Of many instances one makes the hour's run.
func TestAutoshipTickByTwo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.must(s.dispatch.SetSchedule(t.Context(), hours(time.Tuesday, 10), "erika"))
		for range 5 {
			s.place("klarna", wanted)
		}
		var instances sync.WaitGroup
		for range 4 {
			instances.Go(func() {
				if err := s.dispatch.AutoshipTick(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		instances.Wait()
		if runs := s.runs(); len(runs) != 1 || runs[0].State != batch.Running || runs[0].Total != 5 {
			t.Errorf("%+v", runs)
		}
	})
}
