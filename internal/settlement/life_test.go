package settlement_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// One import an account: while one is under way, no other begins; a stopped one goes on
// where it was, by itself or when the next one is asked for.
func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(2, 2400, 3)
		r := o.request()
		_, err := o.Request(o.ctx, o.account.ID, true, "Max Beispiel")
		o.refused(err, fault.Conflict, "import_run.error.active")
		o.refused(o.Continue(o.ctx, r.ID, "Max Beispiel"), fault.Conflict, "import_run.error.state")

		stop := func(path string, call int64) {
			var n atomic.Int64
			o.line.through(func(_ http.ResponseWriter, h *http.Request) bool {
				if h.URL.Path == path && n.Add(1) == call {
					o.must(o.Stop(o.ctx, r.ID, "Max Beispiel"))
				}
				return false
			})
		}
		stop("/settlements/v1/transactions", 2)
		if r = o.finish(r.ID); r.State != settlement.Stopped || r.LinesRead != 500 {
			t.Fatalf("%+v", r)
		}
		o.refused(o.Stop(o.ctx, r.ID, "Max Beispiel"), fault.Conflict, "import_run.error.state")
		o.must(o.Continue(o.ctx, r.ID, "Max Beispiel"))
		stop("/settlements/v1/transactions", 3)
		if r = o.finish(r.ID); r.State != settlement.Stopped || r.PayoutsNew != 1 && r.LinesRead == 0 {
			t.Fatalf("%+v", r)
		}
		o.line.through(nil)
		next, err := o.NextImport(o.ctx, o.account.ID)
		o.must(err)
		if next.Active == nil || next.Active.ID != r.ID || next.Allowed(o.clock.Now()) {
			t.Errorf("%+v", next)
		}
		if again := o.request(); again.ID != r.ID || again.State != settlement.Running {
			t.Fatalf("%+v", again)
		}
		entries, _, err := o.trail.List(o.ctx, "", 1)
		o.must(err)
		if len(entries) != 1 || entries[0].Action != "import_run.continued" || entries[0].Actor != "Erika Beispiel" {
			t.Errorf("log: %+v", entries)
		}
		if r = o.finish(r.ID); r.State != settlement.Done || r.LinesNew != 2400 {
			t.Errorf("%+v", r)
		}
		o.complete()
		o.refused(o.Continue(o.ctx, r.ID, "Max Beispiel"), fault.Conflict, "import_run.error.state")
		o.refused(o.Stop(o.ctx, 4711, "Max Beispiel"), fault.NotFound, "import_run.error.not_found")
	})
}

// One that was stopped before it began goes on at its beginning.
func TestStopBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("A", sale(1))
		r := o.request()
		o.must(o.Stop(o.ctx, r.ID, "Max Beispiel"))
		if taken, _ := o.turn(o.ctx, r.ID); taken {
			t.Error("a stopped import is due")
		}
		o.must(o.Continue(o.ctx, r.ID, "Max Beispiel"))
		if r = o.finish(r.ID); r.State != settlement.Done || r.PayoutsNew != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// What was undone is gone, and free to be imported again at once, also when it was not
// the last import.
func TestUndo(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(2, 700, 5)
		first := o.done()
		o.clock.Advance(week)
		o.pays("LATER", sale(100))
		second := o.done()
		if second.PayoutsNew != 1 || second.PayoutsKnown != 2 {
			t.Fatalf("%+v", second)
		}

		o.must(o.Undo(o.ctx, first.ID, "Erika Beispiel"))
		if r := o.run(first.ID); r.State != settlement.Undone || r.UndoneBy != "Erika Beispiel" || r.LinesNew != 700 {
			t.Errorf("%+v", r)
		}
		if books := o.books(); len(books) != 1 || books[0].PaymentReference != "LATER" {
			t.Errorf("%+v", books)
		}
		o.refused(o.Undo(o.ctx, first.ID, "Erika Beispiel"), fault.Conflict, "import_run.error.state")
		next, err := o.NextImport(o.ctx, o.account.ID)
		o.must(err)
		if !next.Allowed(o.clock.Now()) || next.Last == nil || next.Last.ID != second.ID {
			t.Errorf("%+v", next)
		}

		third := o.done() // before what was undone is cleared away
		o.complete()
		if third.PayoutsNew != 2 || third.PayoutsKnown != 1 || third.WindowStart.After(*first.WindowStart) {
			t.Errorf("%+v", third)
		}
		_, err = o.Request(o.ctx, o.account.ID, false, "Erika Beispiel")
		o.refused(err, fault.Conflict, "import_run.error.too_early")
		o.finish(first.ID)
		if n := o.countOf("statement_lines"); n != 701 {
			t.Errorf("%d lines are left", n)
		}
		o.complete()

		for _, id := range []int64{second.ID, third.ID} {
			o.must(o.Undo(o.ctx, id, "Erika Beispiel"))
			o.finish(id)
		}
		for _, table := range []string{"payouts", "payout_sums", "statement_lines", "staged_pages"} {
			if n := o.countOf(table); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		o.done()
		o.complete()
		entries, _, err := o.trail.List(o.ctx, "", 3)
		o.must(err)
		if !slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.Action == "import_run.undone" && e.Subject == o.account.Name }) {
			t.Errorf("log: %+v", entries)
		}
	})
}

// An import that is under way can be undone: its worker learns that it has lost it.
func TestUndoWhileItRuns(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(2, 2400, 3)
		r := o.request()
		var n atomic.Int64
		o.line.through(func(http.ResponseWriter, *http.Request) bool {
			if n.Add(1) == 6 {
				o.must(o.Undo(o.ctx, r.ID, "Erika Beispiel"))
			}
			return false
		})
		if _, err := o.turn(o.ctx, r.ID); !errors.Is(err, work.ErrLost) {
			t.Errorf("its worker ends with %v", err)
		}
		o.line.through(nil)
		again := o.request()
		if again.ID == r.ID {
			t.Fatal("the import that was undone goes on")
		}
		o.finish(again.ID)
		o.finish(r.ID)
		o.complete()
		if n := o.countOf("statement_lines"); n != 2400 {
			t.Errorf("%d lines", n)
		}
	})
}

// A payout that a later import has completed goes when that one is undone, and comes back.
func TestUndoOfWhatWasCompleted(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("A", sale(1), sale(2))
		o.told("A", page(2, 1), page(2), page(2, 1), page(2))
		first := o.imported()
		o.line.through(nil)
		second := o.done()
		o.must(o.Undo(o.ctx, first.ID, "Erika Beispiel"))
		if len(o.books()) != 1 {
			t.Error("the payout has gone")
		}
		o.must(o.Undo(o.ctx, second.ID, "Erika Beispiel"))
		o.finish(first.ID)
		o.finish(second.ID)
		if len(o.books()) != 0 || o.countOf("statement_lines") != 0 {
			t.Error("something is left")
		}
		o.done()
		o.complete()
	})
}

// The tick asks for what is due of the accounts that want it, and leaves those alone that
// fail again and again.
func TestTick(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		runs := func() int {
			all, err := o.Runs(o.ctx, o.account.ID, 0, 100)
			o.must(err)
			return len(all)
		}
		tick := func(after time.Duration, want int) {
			t.Helper()
			o.clock.Advance(after)
			o.must(o.Tick(o.ctx))
			if n := runs(); n != want {
				t.Errorf("%d imports, want %d", n, want)
			}
		}
		tick(0, 0)
		in := businessaccount.InputOf(o.account)
		in.FetchAutomatically = true
		_, err := o.accounts.Update(o.ctx, o.account.ID, in, "admin")
		o.must(err)
		tick(0, 1)
		tick(time.Hour, 1)
		all, err := o.Runs(o.ctx, o.account.ID, 0, 1)
		o.must(err)
		if all[0].Actor != "" || all[0].Forced {
			t.Errorf("%+v", all[0])
		}
		o.finish(all[0].ID)
		tick(week-time.Second, 1)
		tick(time.Second, 2)
		fail := func(id int64) {
			o.faulty("unauthorized", klarnasandbox.Fault{Times: 1})
			if r := o.finish(id); r.State != settlement.Failed {
				t.Fatalf("%+v", r)
			}
		}
		fail(all[0].ID + 1)
		tick(59*time.Minute, 2)
		tick(time.Minute, 3)
		fail(all[0].ID + 2)
		tick(time.Hour, 3)
		tick(time.Hour, 4)
		fail(all[0].ID + 3)
		o.done() // a person need not wait
		tick(week, 6)
	})
}

func TestNotLive(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		_, err := o.Request(o.ctx, 4711, false, "Erika Beispiel")
		o.refused(err, fault.NotFound, "business_account.error.not_found")
		r := o.request()
		in := businessaccount.InputOf(o.account)
		in.Active, in.FetchAutomatically = false, true
		_, err = o.accounts.Update(o.ctx, o.account.ID, in, "admin")
		o.must(err)
		if r = o.finish(r.ID); r.State != settlement.Failed || r.Problem.Key != "import_run.error.not_live" {
			t.Errorf("%+v", r)
		}
		_, err = o.Request(o.ctx, o.account.ID, true, "Erika Beispiel")
		o.refused(err, fault.Conflict, "import_run.error.not_live")
		o.must(o.Tick(o.ctx))
	})
}

// fading is a context that ends after it was looked at so many times: wherever that is,
// the program is dead from then on.
type fading struct {
	context.Context
	left atomic.Int64
	once sync.Once
	end  chan struct{}
}

func fade(ctx context.Context, after int64) *fading {
	f := &fading{Context: ctx, end: make(chan struct{})}
	f.left.Store(after)
	return f
}

func (f *fading) look() bool {
	if f.left.Add(-1) >= 0 {
		return false
	}
	f.once.Do(func() { close(f.end) })
	return true
}

// Done is closed after so many looks.
func (f *fading) Done() <-chan struct{} { f.look(); return f.end }

// Err says whether it is.
func (f *fading) Err() error {
	if f.look() {
		return context.Canceled
	}
	return nil
}

// Wherever the program is killed, again and again: the next one goes on, and in the end
// each line is there once.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(2, 1300, 9)
		o.pays("EQUAL", append(sales(3), append(sales(3), sales(700)...)...)...)
		r := o.request()
		for after, kills := int64(1), 0; ; after += 7 {
			o.open() // another program
			taken, err := o.turn(fade(o.ctx, after), r.ID)
			if err != nil {
				kills++
			}
			if r = o.run(r.ID); r.DueAt == nil {
				if kills < 10 {
					t.Errorf("killed %d times", kills)
				}
				break
			}
			if err != nil || !taken {
				o.clock.Advance(max(work.Lease+time.Second, r.DueAt.Sub(o.clock.Now())))
			}
		}
		if r.State != settlement.Done || r.LinesNew != 1300+706 {
			t.Errorf("%+v: %+v", r, r.Problem)
		}
		o.complete()
	})
}

// Random life: payouts come, imports are asked for, killed anywhere, stopped, continued,
// undone, and go wrong. In the end there is one copy of every line.
func TestRandomLife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	box, err := secretbox.Create(filepath.Join(dir, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.db")
	open := func(t tester, path string) *store.DB {
		db, err := store.Open("sqlite:"+path, store.Options{SingleConnection: true})
		if err != nil {
			t.Fatalf("%v", err)
		}
		return db
	}
	db := open(t, empty)
	if err := errors.Join(db.Migrate(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	migrated, err := os.ReadFile(empty)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		home := filepath.Join(dir, fmt.Sprint(n))
		path := filepath.Join(home, "test.db")
		if err := errors.Join(os.Mkdir(home, 0o700), os.WriteFile(path, migrated, 0o600)); err != nil {
			rt.Fatal(err)
		}
		db := open(rt, path)
		o := openOffice(rt, t.Context(), db, box)
		defer func() {
			o.close()
			_ = db.Close()
			_ = os.RemoveAll(home)
		}()
		o.live(rt)
	})
}

func (o *office) live(rt *rapid.T) {
	var runs []int64
	payouts := 0
	request := func(force bool) {
		r, err := o.Request(o.ctx, o.account.ID, force, "Erika Beispiel")
		if fault.CodeOf(err) == fault.Conflict {
			return
		}
		o.must(err)
		if !slices.Contains(runs, r.ID) {
			runs = append(runs, r.ID)
		}
	}
	last := func() int64 {
		if len(runs) == 0 {
			rt.Skip("no import yet")
		}
		return runs[len(runs)-1]
	}
	allowed := func(err error) {
		if err != nil && fault.CodeOf(err) != fault.Conflict {
			o.t.Fatalf("%v", err)
		}
	}
	rt.Repeat(map[string]func(*rapid.T){
		"pay": func(rt *rapid.T) {
			payouts++
			var lines []klarnasandbox.Transaction
			for range rapid.IntRange(0, 4).Draw(rt, "kinds") {
				same := sale(rapid.Int64Range(1, 3).Draw(rt, "amount"))
				same.OrderID = "6b1f4b5e-0000-4000-8000-000000000001"
				for range rapid.SampledFrom([]int{1, 2, 400}).Draw(rt, "equals") {
					lines = append(lines, same)
				}
			}
			o.pays(fmt.Sprintf("P%d", payouts), lines...)
		},
		"wait": func(rt *rapid.T) {
			o.clock.Advance(rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 24 * time.Hour, week}).Draw(rt, "wait"))
		},
		"request": func(rt *rapid.T) { request(rapid.Bool().Draw(rt, "force")) },
		"work": func(rt *rapid.T) {
			_, err := o.turn(o.ctx, last())
			o.must(err)
		},
		"be killed": func(rt *rapid.T) {
			id := last()
			ctx := fade(o.ctx, rapid.Int64Range(0, 3000).Draw(rt, "after"))
			if _, err := o.turn(ctx, id); err != nil && ctx.Err() == nil {
				o.t.Fatalf("%v", err)
			}
			o.open()
			o.clock.Advance(work.Lease + time.Second)
		},
		"stop":     func(*rapid.T) { allowed(o.Stop(o.ctx, last(), "Max Beispiel")) },
		"continue": func(*rapid.T) { allowed(o.Continue(o.ctx, last(), "Max Beispiel")) },
		"undo": func(rt *rapid.T) {
			last()
			allowed(o.Undo(o.ctx, rapid.SampledFrom(runs).Draw(rt, "import"), "Max Beispiel"))
		},
		"go wrong": func(rt *rapid.T) {
			o.faulty(rapid.SampledFrom([]string{"unavailable", "partial", "html_applied", "no_total", "short_page", "next_elsewhere", "too_many_requests",
				"no_such_payout", "unauthorized", "new_payout"}).Draw(rt, "fault"), klarnasandbox.Fault{Times: rapid.IntRange(1, 6).Draw(rt, "times"),
				Operation: rapid.SampledFrom([]klarnasandbox.Operation{klarnasandbox.OpListPayouts, klarnasandbox.OpListTransactions}).Draw(rt, "operation")})
		},
	})
	o.sandbox.ClearFaults()
	for range 3 { // what is under way ends, and the next one finds nothing that hinders it
		request(true)
		o.must(ignoreConflict(o.Continue(o.ctx, last(), "Max Beispiel")))
		o.finish(last())
	}
	for _, id := range runs {
		o.finish(id)
	}
	if r := o.run(last()); r.State != settlement.Done {
		o.t.Errorf("the last import is %s: %+v", r.State, r.Problem)
	}
	o.complete()
	var orphans int64
	o.must(o.db.Read(o.ctx).Raw("SELECT count(*) FROM statement_lines l WHERE NOT EXISTS (SELECT 1 FROM payouts p WHERE p.id = l.payout_id)").Scan(&orphans).Error)
	if orphans != 0 {
		o.t.Errorf("%d lines are left of what was undone", orphans)
	}
}

func ignoreConflict(err error) error {
	if fault.CodeOf(err) == fault.Conflict {
		return nil
	}
	return err
}

// Two programs on one database: of two that ask at once one gets an import; one that is
// silent for longer than its lease loses it to the other and writes nothing more.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(3, 3600, 11)
		other := *o
		other.open()
		ids := make(chan int64, 2)
		var asked sync.WaitGroup
		for _, program := range []*office{o, &other} {
			asked.Go(func() {
				r, err := program.Request(o.ctx, o.account.ID, false, "Erika Beispiel")
				switch {
				case err == nil:
					ids <- r.ID
				case fault.CodeOf(err) != fault.Conflict:
					t.Error(err)
				}
			})
		}
		asked.Wait()
		if len(ids) != 1 {
			t.Fatalf("%d imports", len(ids))
		}
		id := <-ids

		silent, wake, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		var calls atomic.Int64
		o.line.through(func(http.ResponseWriter, *http.Request) bool {
			if calls.Add(1) == 5 {
				close(silent)
				<-wake
			}
			return false
		})
		go func() {
			_, err := o.turn(o.ctx, id)
			ended <- err
		}()
		<-silent
		o.clock.Advance(work.Lease + time.Second)
		r := other.finish(id)
		close(wake)
		if err := <-ended; !errors.Is(err, work.ErrLost) {
			t.Errorf("the silent one ends with %v", err)
		}
		if r.State != settlement.Done || r.LinesNew != 3600 {
			t.Errorf("%+v", r)
		}
		o.complete()
	})
}
