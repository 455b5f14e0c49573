package work_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Of several instances one does what comes round, once each time.
func TestTicks(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		var mu sync.Mutex
		var done []time.Duration
		ticks := []work.Tick{{Name: "every minute", Every: time.Minute, Do: func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			done = append(done, h.passed())
			return nil
		}}}
		instances := []*store.DB{h.db, h.connect()}
		for _, db := range instances {
			if err := work.PlantTicks(h.Context(), db, h.clock.Now(), ticks...); err != nil {
				h.Fatal(err)
			}
		}
		var stops []func()
		for _, db := range instances {
			stops = append(stops, h.run(db, work.NewBell(), work.Ticks(db, h.clock, ticks...)))
		}
		time.Sleep(2*time.Minute + 30*time.Second)
		for _, stop := range stops {
			stop()
		}
		if want := []time.Duration{0, time.Minute, 2 * time.Minute}; !reflect.DeepEqual(done, want) {
			h.Errorf("done after %v, want %v", done, want)
		}
	})
}

func TestPlantTicks(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		a, b := work.Tick{Name: "a", Every: time.Hour}, work.Tick{Name: "b", Every: time.Hour}
		due := func() map[string]time.Duration {
			h.Helper()
			var rows []struct {
				Name  string
				DueAt *time.Time
			}
			if err := h.db.Read(h.Context()).Raw("SELECT name, due_at FROM ticks").Scan(&rows).Error; err != nil {
				h.Fatal(err)
			}
			got := map[string]time.Duration{}
			for _, r := range rows {
				got[r.Name] = -1
				if r.DueAt != nil {
					got[r.Name] = r.DueAt.Sub(h.start)
				}
			}
			return got
		}
		plant := func(after time.Duration, ticks ...work.Tick) {
			h.Helper()
			if err := work.PlantTicks(h.Context(), h.db, h.start.Add(after), ticks...); err != nil {
				h.Fatal(err)
			}
		}
		plant(0, a)
		plant(time.Minute, a, b)
		if got, want := due(), (map[string]time.Duration{"a": 0, "b": time.Minute}); !reflect.DeepEqual(got, want) {
			h.Errorf("planted twice: %v, want %v", got, want)
		}

		// An older version knows only b: a is done with, until a version comes that knows it.
		b.Do = func(context.Context) error { return nil }
		stop := h.run(h.db, h.bell, work.Ticks(h.db, h.clock, b))
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		if got, want := due(), (map[string]time.Duration{"a": -1, "b": time.Hour + time.Minute}); !reflect.DeepEqual(got, want) {
			h.Errorf("without a: %v, want %v", got, want)
		}
		plant(time.Hour, a, b)
		if got, want := due(), (map[string]time.Duration{"a": time.Hour, "b": time.Hour + time.Minute}); !reflect.DeepEqual(got, want) {
			h.Errorf("with a again: %v, want %v", got, want)
		}
	})
}

func TestTickThatFailsComesAgain(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		times := make(chan time.Duration, 2)
		tick := work.Tick{Name: "a", Every: time.Hour, Do: func(context.Context) error {
			times <- h.passed()
			return errors.New("oh")
		}}
		if err := work.PlantTicks(h.Context(), h.db, h.start, tick); err != nil {
			h.Fatal(err)
		}
		h.run(h.db, h.bell, work.Ticks(h.db, h.clock, tick))
		for _, want := range []time.Duration{0, time.Minute} {
			if got := receive(h, times, "the tick"); got != want {
				h.Errorf("after %s, want %s", got, want)
			}
		}
	})
}

func TestOverview(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		at := func(d time.Duration) *time.Time {
			t := h.start.Add(d).UTC()
			return &t
		}
		q := queue(1, finish)
		q.Eligible = "t.held_until IS NULL OR t.held_until <= ?"
		empty := *q
		empty.Name, empty.Table, empty.Eligible, empty.Lock = "ticks", "ticks", "", ""
		overview := work.NewOverview(h.db, h.clock, q, &empty)
		want := func(when string, want ...work.QueueState) {
			h.Helper()
			got, err := overview.States(h.Context())
			if err != nil {
				h.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				h.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}
		nothing := work.QueueState{Name: "ticks"}
		want("nothing to do", work.QueueState{Name: "jobs"}, nothing)

		h.add(1, -5*time.Minute, "") // due
		h.add(2, 0, "")              // due
		h.add(3, -4*time.Minute, "") // its worker is dead
		h.exec("UPDATE test_jobs SET lease_until = ?, lease_token = 'x' WHERE id = 3", at(-time.Microsecond))
		h.add(4, -6*time.Minute, "") // in somebody's hands
		h.exec("UPDATE test_jobs SET lease_until = ?, lease_token = 'x' WHERE id = 4", at(time.Minute))
		h.add(5, -time.Minute, "") // held back
		h.exec("UPDATE test_jobs SET held_until = ? WHERE id = 5", at(time.Minute))
		h.add(6, -time.Minute, "lock") // its lock is held
		h.exec("INSERT INTO work_locks (name, token, until) VALUES ('lock', 'x', ?)", at(time.Minute))
		h.add(7, 2*time.Hour, "") // later
		h.add(8, time.Hour, "lock")
		h.exec("INSERT INTO test_jobs (id) VALUES (9)") // done
		want("all kinds", work.QueueState{Name: "jobs", Due: 3, Held: 2, Working: 1, Later: 2,
			Oldest: at(-6 * time.Minute), NextTime: at(time.Hour)}, nothing)
	})
}
