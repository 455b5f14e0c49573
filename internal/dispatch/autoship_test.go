package dispatch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// wanted lets autoship take an order.
func wanted(in *order.Input) { in.AutoShip = true }

func with(d paymentmethod.Documents) func(in *order.Input) {
	return func(in *order.Input) { in.Documents = string(d) }
}

// run starts an autoship run and lets it end.
func (s *shop) run(ids []int64) *batch.Batch {
	s.Helper()
	b, err := s.dispatch.RunAutoship(s.Context(), ids, "clerk")
	s.must(err)
	return s.finish(b.ID)
}

// finish lets the background work on a batch until it has ended.
func (s *shop) finish(id int64) *batch.Batch {
	s.Helper()
	for range 1000 {
		s.turn(s.Context(), id)
		b, err := s.batches.Find(s.Context(), id)
		s.must(err)
		if b.State == batch.Done {
			return b
		}
	}
	s.Fatalf("batch %d does not end", id)
	return nil
}

// turn is one turn of a worker with a batch.
func (s *shop) turn(ctx context.Context, id int64) {
	s.Helper()
	q := s.batches.Queue()
	c, err := work.Take(s.Context(), s.db, s.clock, q, id)
	s.must(err)
	if c == nil {
		s.Fatalf("somebody else has batch %d", id)
	}
	if err := q.Do(ctx, c); err != nil && ctx.Err() == nil {
		s.Fatal(err)
	}
}

// items are what a batch says of each order: its state and the keys of its messages.
func (s *shop) items(b *batch.Batch) map[string]string {
	s.Helper()
	items, err := s.batches.Items(s.Context(), b.ID, 0, 1000)
	s.must(err)
	said := map[string]string{}
	for _, i := range items {
		text := string(i.State)
		for _, m := range i.Messages {
			text += " " + strings.TrimPrefix(m.Key, "autoship.")
		}
		said[i.Label] = text
	}
	return said
}

func (s *shop) invoices(o *order.Order) (all []document.Invoice) {
	s.Helper()
	s.must(s.db.Read(s.Context()).Where("order_id = ?", o.ID).Find(&all).Error)
	return all
}

func TestAutoship(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		klarna := s.place("klarna", wanted)
		both := s.place("invoice", wanted)
		service := s.place("invoice", wanted, with(paymentmethod.InvoiceOnly))
		klarnaService := s.place("klarna", wanted, with(paymentmethod.InvoiceOnly))
		free := s.place("invoice", wanted, func(in *order.Input) {
			in.Total, in.Lines = 0, []order.LineInput{{Name: "Muster", Type: order.Physical, Quantity: 1000}}
		})
		s.place("klarna")

		b := s.run(nil)
		if b.Total != 5 || b.Done != 5 || b.Actor != "clerk" {
			t.Errorf("the run: %+v", b)
		}
		for _, tc := range []struct {
			o               *order.Order
			notes, invoices int
			status          order.Status
			kinds           []string
		}{
			{klarna, 1, 0, order.Released, []string{"order_created", "note_handed_over", "autoship_done"}},
			{both, 1, 1, order.Released, []string{"order_created", "note_handed_over", "invoice_created", "autoship_done"}},
			{service, 0, 1, order.Completed, []string{"order_created", "invoice_created", "completed_without_note", "autoship_done"}},
			{klarnaService, 0, 1, order.Released, []string{"order_created", "invoice_created", "autoship_done"}},
			{free, 1, 0, order.Released, []string{"order_created", "note_handed_over", "autoship_done"}},
		} {
			now, invoices := s.now(tc.o), s.invoices(tc.o)
			if len(now.Notes) != tc.notes || len(invoices) != tc.invoices || now.Status != tc.status {
				t.Errorf("%s: %d notes, %d invoices, %s, want %+v", tc.o.Number, len(now.Notes), len(invoices), now.Status, tc)
			}
			if kinds := s.kinds(tc.o); !slices.Equal(kinds, tc.kinds) {
				t.Errorf("%s: %q, want %q", tc.o.Number, kinds, tc.kinds)
			}
			if tc.notes == 1 && (now.Notes[0].Amount != tc.o.Total || !now.Notes[0].Whole || now.Notes[0].CreatedBy != "clerk") {
				t.Errorf("%s: %+v", tc.o.Number, now.Notes[0])
			}
			if len(s.captures(tc.o)) != 0 {
				t.Errorf("%s is told to Klarna although nothing has left", tc.o.Number)
			}
		}

		s.record(klarna, parcel("1")) // the last parcel is what ends it
		s.record(both, parcel("2"))
		if a, b := s.now(klarna).Status, s.now(both).Status; a != order.Shipped || b != order.Completed {
			t.Errorf("after the last parcel: %s, %s", a, b)
		}
		if _, err := s.dispatch.RunAutoship(t.Context(), nil, "clerk"); err == nil {
			t.Error("what went can go again")
		} else {
			s.refused(err, fault.Conflict, "autoship.error.none_can_go")
		}
		again := s.run([]int64{klarna.ID, both.ID, service.ID, klarnaService.ID})
		if again.Unchanged != 4 {
			t.Errorf("again: %+v %q", again, s.items(again))
		}
	})
}

func TestAutoshipPreview(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	goes, both := s.place("klarna", wanted), s.place("invoice", wanted)
	stays := s.place("klarna")
	noted := s.place("klarna", wanted)
	s.note(noted, cups(1))
	cancelled := s.place("klarna", wanted)
	s.must(s.dispatch.Cancel(t.Context(), cancelled.ID, "clerk"))

	b, err := s.dispatch.PrepareAutoship(t.Context(), []int64{cancelled.ID, goes.ID, stays.ID, both.ID, noted.ID, goes.ID, 9999}, "clerk")
	s.must(err)
	want := map[string]string{
		cancelled.Number: "refused obstacle.cancelled", goes.Number: "waiting makes.delivery_note",
		stays.Number: "refused obstacle.not_for_autoship", both.Number: "waiting makes.delivery_note_and_invoice",
		noted.Number: "unchanged obstacle.has_delivery_note",
	}
	if got := s.items(b); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if b.State != batch.Preview || b.Total != 5 || b.Refused != 2 || b.Unchanged != 1 || len(s.now(goes).Notes) != 0 {
		t.Errorf("%+v", b)
	}

	// What has changed since the preview counts.
	s.must(s.dispatch.Cancel(t.Context(), both.ID, "clerk"))
	s.note(goes)
	s.must(s.batches.Start(t.Context(), b.ID, "erika"))
	s.finish(b.ID)
	want[goes.Number], want[both.Number] = "unchanged obstacle.has_delivery_note", "refused obstacle.cancelled"
	if got := s.items(b); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after the run: %v, want %v", got, want)
	}
	if n := len(s.now(goes).Notes); n != 1 {
		t.Errorf("%d notes", n)
	}

	_, err = s.dispatch.PrepareAutoship(t.Context(), []int64{}, "clerk")
	s.refused(err, fault.Conflict, "autoship.error.none_chosen")
}

func TestOneAutoshipRunAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		a, b := s.place("klarna", wanted), s.place("klarna", wanted)
		first, err := s.dispatch.RunAutoship(t.Context(), []int64{a.ID}, "clerk")
		s.must(err)
		for _, state := range []batch.State{batch.Running, batch.Stopped} {
			if _, err := s.dispatch.RunAutoship(t.Context(), []int64{b.ID}, "erika"); err == nil {
				t.Errorf("a second run beside one that is %s", state)
			} else {
				s.refused(err, fault.Conflict, "batch.error.another_runs")
			}
			under, err := s.dispatch.AutoshipRun(t.Context())
			s.must(err)
			if under == nil || under.ID != first.ID || under.State != state {
				t.Errorf("under way: %+v", under)
			}
			if state == batch.Running {
				s.must(s.batches.Stop(t.Context(), first.ID))
			}
		}
		all, err := s.batches.List(t.Context(), 0, 10, batch.Autoship)
		s.must(err)
		if len(all) != 1 {
			t.Errorf("what could not start stands there as a preview: %+v", all)
		}
		s.must(s.batches.Continue(t.Context(), first.ID))
		s.finish(first.ID)
		if under, err := s.dispatch.AutoshipRun(t.Context()); under != nil || err != nil {
			t.Errorf("under way: %+v, %v", under, err)
		}
		if done := s.run(nil); done.Done != 1 {
			t.Errorf("%+v", done)
		}
	})
}

// numbers fails unless these numbers have no gap and no double.
func numbers(t *testing.T, what string, got []string) {
	t.Helper()
	var ns []int
	for _, g := range got {
		n, err := strconv.Atoi(g)
		if err != nil {
			t.Fatal(err)
		}
		ns = append(ns, n)
	}
	slices.Sort(ns)
	for i := 1; i < len(ns); i++ {
		if ns[i] != ns[i-1]+1 {
			t.Errorf("%s: %d follows %d", what, ns[i], ns[i-1])
		}
	}
}

// Two workers that both think the run is theirs make each document once.
func TestAutoshipByTwo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var orders []*order.Order
		for i := range 40 {
			orders = append(orders, s.place([]string{"klarna", "invoice"}[i%2], wanted))
		}
		b, err := s.dispatch.PrepareAutoship(t.Context(), nil, "clerk")
		s.must(err)
		items, err := s.batches.Items(t.Context(), b.ID, 0, 100)
		s.must(err)
		var workers sync.WaitGroup
		for w := range 4 {
			workers.Go(func() {
				for n := range items {
					if w%2 == 1 {
						n = len(items) - 1 - n
					}
					item := items[n]
					r, err := s.dispatch.Autoship(t.Context(), b, &item)
					if err != nil || r.State != "" || len(r.Messages) != 1+n%2 {
						t.Errorf("%s: %+v, %v", item.Label, r, err)
					}
				}
			})
		}
		workers.Wait()
		var notes, invoices []string
		s.must(db.Read(t.Context()).Model(&order.DeliveryNote{}).Pluck("number", &notes).Error)
		s.must(db.Read(t.Context()).Model(&document.Invoice{}).Pluck("number", &invoices).Error)
		if len(notes) != 40 || len(invoices) != 20 {
			t.Errorf("%d notes, %d invoices", len(notes), len(invoices))
		}
		numbers(t, "notes", notes)
		numbers(t, "invoices", invoices)
		for _, o := range orders {
			if n := len(s.now(o).Notes); n != 1 {
				t.Errorf("%s has %d notes", o.Number, n)
			}
		}
	})
}

// A worker dies in the middle of a run, after the deed and before its result is kept:
// another one ends the run, and nothing is made twice or missed.
func TestAutoshipSurvivesItsWorker(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for range 50 {
			s.place("invoice", wanted)
		}
		started, err := s.dispatch.RunAutoship(t.Context(), nil, "clerk")
		s.must(err)

		dying := batch.New(db, s.clock, work.NewBell())
		made := 0
		dying.Handle(batch.Autoship, func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
			r, err := s.dispatch.Autoship(ctx, b, i)
			if made++; made == 31 {
				runtime.Goexit() // as kill -9: nothing that would come next is done
			}
			return r, err
		})
		q := dying.Queue()
		c, err := work.Take(t.Context(), db, s.clock, q, started.ID)
		s.must(err)
		var worker sync.WaitGroup
		worker.Go(func() { _ = q.Do(t.Context(), c) })
		worker.Wait()
		if c, err := work.Take(t.Context(), db, s.clock, s.batches.Queue(), started.ID); c != nil || err != nil {
			t.Fatalf("taken before the lease was over: %v", err)
		}

		s.clock.Advance(work.Lease + time.Second)
		b := s.finish(started.ID)
		if b.Total != 50 || b.Done != 50 || made != 31 {
			t.Errorf("%d before the worker died, then %+v", made, b)
		}
		var notes, invoices []string
		s.must(db.Read(t.Context()).Model(&order.DeliveryNote{}).Pluck("number", &notes).Error)
		s.must(db.Read(t.Context()).Model(&document.Invoice{}).Pluck("number", &invoices).Error)
		if len(notes) != 50 || len(invoices) != 50 {
			t.Errorf("%d notes, %d invoices", len(notes), len(invoices))
		}
		numbers(t, "notes", notes)
		numbers(t, "invoices", invoices)
	})
}

// The rule in SQL and the rule in Go say the same of every order.
func TestCandidatesAreJudgedAlike(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		random := rand.New(rand.NewPCG(1, 3))
		pick := func(values ...any) any { return values[random.IntN(len(values))] }
		set := func(query string, args ...any) {
			t.Helper()
			_, err := db.Exec(t.Context(), query, args...)
			s.must(err)
		}
		var methods []string
		for i := range 24 {
			in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
			in.Type, in.Name = fmt.Sprintf("m%d", i), "M"
			_, err := s.methods.Create(t.Context(), in, "admin")
			s.must(err)
			set("UPDATE payment_methods SET module = ?, connection = ?, active = ?, username = ?, password = ? WHERE type = ?",
				pick("klarna", "klarna", "none"), pick("api", "api", "manual", "plugin"), pick(true, true, false),
				pick([]byte("u"), []byte("u"), []byte(nil)), pick([]byte("p"), []byte("p"), []byte{}), in.Type)
			methods = append(methods, in.Type)
		}
		const many = 400
		for range many {
			o := s.place(methods[random.IntN(len(methods))], wanted)
			set("UPDATE orders SET auto_ship = ?, mark_paid = ?, paid_at = ?, expires_at = ?, tell_klarna = ?, klarna_order_id = ?, documents = ?, total = ?, behaves_like = ? WHERE id = ?",
				pick(true, true, true, false), pick(true, false), pick(nil, begin), pick(nil, begin, begin.Add(time.Second), begin.Add(-time.Second)),
				pick(true, true, false), pick(o.KlarnaOrderID, o.KlarnaOrderID, ""), pick("delivery_note", "delivery_note_and_invoice", "invoice"), pick(0, 1, 5450), pick("invoice", "prepayment"), o.ID)
			if random.IntN(4) == 0 {
				set("UPDATE order_lines SET type = 'surcharge' WHERE order_id = ?", o.ID)
			}
			if random.IntN(4) == 0 {
				set("INSERT INTO invoices (number, order_id, amount, currency, issued_at, pay_by) VALUES (?, ?, 1, 'EUR', ?, ?)", o.Number, o.ID, begin, begin)
			}
		}
		seen, reasons := 0, map[dispatch.Obstacle]int{}
		for _, which := range []dispatch.Readiness{dispatch.Ready, dispatch.Blocked} {
			for after := int64(0); ; {
				page, err := s.dispatch.ListCandidates(t.Context(), which, after, 30)
				s.must(err)
				for _, c := range page.Candidates {
					seen++
					reasons[c.Obstacle]++
					if (c.Obstacle == dispatch.NoObstacle) != (which == dispatch.Ready) {
						t.Errorf("%s is %s, but Go says %q: %+v", c.Order.Number, which, c.Obstacle, c.Order)
					}
				}
				if after = page.Next; after == 0 {
					break
				}
			}
		}
		ready, blocked, err := s.dispatch.CountCandidates(t.Context())
		s.must(err)
		if seen != many || ready != reasons[dispatch.NoObstacle] || ready+blocked != many || len(reasons) < 10 {
			t.Errorf("%d seen, %d ready, %d blocked, %v", seen, ready, blocked, reasons)
		}
	})
}

// What is released and has no note is a candidate: nothing else is, and a withdrawn note
// is none.
func TestCandidates(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	a := s.place("klarna", wanted)
	s.place("klarna", func(in *order.Input) { in.Status = order.Draft })
	s.note(s.place("klarna", wanted))
	s.record(s.place("invoice", wanted), parcel("1"))
	back := s.place("klarna", wanted)
	n := s.note(back)
	_, err := s.db.Exec(t.Context(), "UPDATE delivery_notes SET withdrawn_at = ? WHERE id = ?", begin, n.ID)
	s.must(err)
	stays := s.place("klarna")
	ready, err := s.dispatch.ListCandidates(t.Context(), dispatch.Ready, 0, 1)
	s.must(err)
	rest, err := s.dispatch.ListCandidates(t.Context(), dispatch.Ready, ready.Next, 10)
	s.must(err)
	blocked, err := s.dispatch.ListCandidates(t.Context(), dispatch.Blocked, 0, 10)
	s.must(err)
	if len(ready.Candidates) != 1 || ready.Candidates[0].Order.ID != a.ID || ready.Candidates[0].Order.PaymentMethod.Type != "klarna" ||
		len(rest.Candidates) != 1 || rest.Candidates[0].Order.ID != back.ID || rest.Next != 0 ||
		len(blocked.Candidates) != 1 || blocked.Candidates[0].Order.ID != stays.ID || blocked.Candidates[0].Obstacle != dispatch.ObstacleNotWanted {
		t.Errorf("%+v, %+v, %+v", ready, rest, blocked)
	}
}
