package dispatch_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

func draft(in *order.Input) { in.Status = order.Draft }

// those are the ids of orders.
func those(orders ...*order.Order) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for _, o := range orders {
			if !yield(o.ID, nil) {
				return
			}
		}
	}
}

func (s *shop) prepare(kind batch.Kind, orders ...*order.Order) *batch.Batch {
	s.Helper()
	b, err := s.dispatch.PrepareBulk(s.Context(), kind, those(orders...), "clerk")
	s.must(err)
	return b
}

// carryOut starts a batch and lets it end.
func (s *shop) carryOut(b *batch.Batch) *batch.Batch {
	s.Helper()
	s.must(s.batches.Start(s.Context(), b.ID, "clerk"))
	return s.finish(b.ID)
}

// bulkCase is an order in some state and what the preview and the result say of it.
type bulkCase struct {
	order         *order.Order
	preview, done string
}

// checkBulk checks what the preview and then the result say of each order, by a name.
func (s *shop) checkBulk(kind batch.Kind, cases map[string]bulkCase) {
	s.Helper()
	var orders []*order.Order
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		orders = append(orders, cases[name].order)
	}
	b := s.prepare(kind, orders...)
	check := func(when string, want func(c bulkCase) string) {
		s.Helper()
		said := s.items(b)
		for name, c := range cases {
			if got := said[c.order.Number]; got != want(c) {
				s.Errorf("%s, %s, %s: %q, want %q", kind, when, name, got, want(c))
			}
		}
	}
	check("preview", func(c bulkCase) string { return c.preview })
	s.carryOut(b)
	check("result", func(c bulkCase) string { return c.done })
}

func TestBulkRelease(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		cancelled, left := s.place("klarna"), s.place("klarna")
		s.must(s.dispatch.Cancel(t.Context(), cancelled.ID, "clerk"))
		s.record(left, parcel("1"))
		one := s.place("klarna", draft)
		s.checkBulk(batch.Release, map[string]bulkCase{
			"draft":     {one, "waiting", "done"},
			"released":  {s.place("klarna"), "unchanged dispatch.error.not_draft", "unchanged dispatch.error.not_draft"},
			"left":      {left, "unchanged dispatch.error.not_draft", "unchanged dispatch.error.not_draft"},
			"cancelled": {cancelled, "refused dispatch.error.cancelled", "refused dispatch.error.cancelled"},
		})
		if now := s.now(one); now.Status != order.Released || s.now(cancelled).Status != order.Cancelled {
			t.Errorf("%+v", now)
		}
	})
}

func TestBulkShip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
		in.Type, in.Name, in.Connection = "plugin", "plugin", paymentmethod.Plugin
		_, err := s.methods.Create(t.Context(), in, "admin")
		s.must(err)
		in = paymentmethod.Defaults(paymentmethod.ModuleNone)
		in.Type, in.Name, in.BehavesLike, in.MarkPaid = "advance", "advance", paymentmethod.Prepayment, false
		_, err = s.methods.Create(t.Context(), in, "admin")
		s.must(err)
		noID := func(in *order.Input) { in.KlarnaOrderID = "" }

		cancelled, left, part, silent := s.place("klarna"), s.place("klarna"), s.place("klarna"), s.place("klarna")
		s.must(s.dispatch.Cancel(t.Context(), cancelled.ID, "clerk"))
		s.must(s.dispatch.DontTell(t.Context(), silent.ID, "cash", "clerk"))
		s.record(left, parcel("1"))
		s.record(part, on(s.note(part, cups(1)).Number, "2"))
		connected := s.place("klarna")
		s.checkBulk(batch.Ship, map[string]bulkCase{
			"connected":     {connected, "waiting bulk.ship.klarna", "done bulk.ship.klarna"},
			"a part is off": {part, "waiting bulk.ship.klarna", "done bulk.ship.klarna"},
			"by hand":       {s.place("manual"), "waiting bulk.ship.by_hand", "done bulk.ship.by_hand"},
			"a plugin":      {s.place("plugin"), "waiting bulk.ship.plugin", "done bulk.ship.plugin"},
			"no Klarna":     {s.place("invoice"), "waiting bulk.ship.nobody", "done bulk.ship.nobody"},
			"not to tell":   {silent, "waiting bulk.ship.dont_tell", "done bulk.ship.dont_tell"},
			"not paid":      {s.place("advance", noID), "waiting bulk.ship.not_paid bulk.ship.nobody", "done bulk.ship.not_paid bulk.ship.nobody"},
			"draft":         {s.place("klarna", draft), "refused dispatch.error.draft", "refused dispatch.error.draft"},
			"cancelled":     {cancelled, "refused dispatch.error.cancelled", "refused dispatch.error.cancelled"},
			"all is off":    {left, "unchanged dispatch.error.all_left", "unchanged dispatch.error.all_left"},
		})
		if now := s.now(connected); !now.Gone() || len(now.Notes) != 1 || !now.Notes[0].WithoutTracking || len(s.captures(connected)) != 1 {
			t.Errorf("%+v", now)
		}
		if now := s.now(part); !now.Gone() || len(now.Notes) != 2 || now.Notes[0].WithoutTracking || !now.Notes[1].WithoutTracking {
			t.Errorf("%+v", now)
		}
		if now := s.now(cancelled); len(now.Notes)+len(s.captures(cancelled)) != 0 {
			t.Errorf("a cancelled order has %+v", now.Notes)
		}
	})
}

func TestBulkResend(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		told := func(method string, state capture.State) *order.Order {
			o := s.place(method)
			s.record(o, parcel("T"+o.Number))
			s.reach(o, state)
			return o
		}
		cancelled := s.place("klarna")
		s.must(s.dispatch.Cancel(t.Context(), cancelled.ID, "clerk"))
		const nothing, again = "unchanged capture.error.nothing_to_resend", "bulk.resend.again"
		s.checkBulk(batch.Resend, map[string]bulkCase{
			"refused":          {told("klarna", capture.Refused), "waiting " + again, "done " + again},
			"waits":            {told("klarna", capture.Pending), "waiting " + again, "done " + again},
			"nobody knows":     {told("klarna", capture.Unknown), "waiting bulk.resend.unknown", "done bulk.resend.unknown"},
			"now connected":    {told("klarna", capture.ByHand), "waiting " + again, "done " + again},
			"confirmed":        {told("klarna", capture.Confirmed), nothing, nothing},
			"withdrawn":        {told("klarna", capture.Withdrawn), nothing, nothing},
			"by hand":          {told("manual", capture.ByHand), nothing, nothing},
			"nothing has left": {s.place("klarna"), nothing, nothing},
			"cancelled":        {cancelled, "refused capture.error.resend_cancelled", "refused capture.error.resend_cancelled"},
		})
	})
}

// What the preview says of "send again" is what would happen.
func TestMayResend(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	for _, method := range []string{"klarna", "manual"} {
		for _, state := range capture.States {
			for _, rule := range []capture.Rule{"", capture.RuleNothingToCapture} {
				for _, report := range []order.Report{"", order.ReportReported, order.ReportPending, order.ReportSending, order.ReportRefused, order.ReportUnknown} {
					o := s.place(method)
					s.record(o, parcel("T"+o.Number))
					c := s.captures(o)[0]
					s.exec("UPDATE captures SET state = ?, rule = ? WHERE id = ?", state, rule, c.ID)
					if report != "" {
						s.exec(`INSERT INTO parcel_appends (parcel_id, capture_row_id, order_id, klarna_order_id, state, created_at, updated_at)
							VALUES (?, ?, ?, '', ?, ?, ?)`, s.now(o).Notes[0].Parcels[0].ID, c.ID, o.ID, report, begin, begin)
					}
					told, err := s.dispatch.Captures.FindByOrder(t.Context(), o.ID)
					s.must(err)
					var m paymentmethod.Method
					s.must(s.db.Read(t.Context()).Take(&m, o.PaymentMethodID).Error)
					err = s.dispatch.Captures.Resend(t.Context(), o.ID, "clerk")
					if did := err == nil; did != told.MayResend(&m) {
						t.Errorf("%s, %s because of %q, parcel %q: sent again %t (%v), foreseen %t", method, state, rule, report, did, err, !did)
					}
				}
			}
		}
	}
}

func (s *shop) exec(query string, args ...any) {
	s.Helper()
	_, err := s.db.Exec(s.Context(), query, args...)
	s.must(err)
}

// What has changed between the preview and the turn is judged anew: a cancelled order is
// refused, and nothing of it is half done.
func TestBulkChangedMeanwhile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		cancelled, left, kept := s.place("klarna"), s.place("klarna"), s.place("klarna")
		b := s.prepare(batch.Ship, cancelled, left, kept)
		s.must(s.dispatch.Cancel(t.Context(), cancelled.ID, "somebody"))
		s.record(left, parcel("1"))
		before := s.kinds(cancelled)
		b = s.carryOut(b)
		if b.Done != 1 || b.Refused != 1 || b.Unchanged != 1 {
			t.Errorf("%+v", b)
		}
		if said := s.items(b)[cancelled.Number]; said != "refused dispatch.error.cancelled" {
			t.Errorf("the cancelled order: %s", said)
		}
		if now := s.now(cancelled); len(now.Notes) != 0 || len(s.captures(cancelled)) != 0 || !slices.Equal(s.kinds(cancelled), before) {
			t.Errorf("the cancelled order has %+v and %v", now.Notes, s.kinds(cancelled))
		}
		if n := len(s.now(left).Notes); n != 1 {
			t.Errorf("what left meanwhile has %d notes", n)
		}
	})
}

// A worker dies after the deed and before its result is kept: each deed is done once,
// and counts as done.
func TestBulkSurvivesItsWorker(t *testing.T) {
	t.Parallel()
	entries := map[batch.Kind]string{batch.Release: "order_released", batch.Ship: "shipped_without_tracking", batch.Resend: "resend"}
	for _, kind := range dispatch.BulkKinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				s := newShop(t, db)
				var orders []*order.Order
				for range 25 {
					o := s.place("klarna", func(in *order.Input) {
						if kind == batch.Release {
							in.Status = order.Draft
						}
					})
					if kind == batch.Resend {
						s.record(o, parcel("T"+o.Number))
					}
					orders = append(orders, o)
				}
				b := s.prepare(kind, orders...)
				s.must(s.batches.Start(t.Context(), b.ID, "clerk"))

				dying, turns := batch.New(db, s.clock, work.NewBell()), 0
				dying.Handle(kind, func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
					r, err := s.dispatch.Bulk(ctx, b, i)
					if turns++; turns == 13 {
						runtime.Goexit() // as kill -9: nothing that would come next is done
					}
					return r, err
				})
				c, err := work.Take(t.Context(), db, s.clock, dying.Queue(), b.ID)
				s.must(err)
				var worker sync.WaitGroup
				worker.Go(func() { _ = dying.Queue().Do(t.Context(), c) })
				worker.Wait()

				s.clock.Advance(work.Lease + time.Second)
				if b := s.finish(b.ID); b.Done != 25 {
					t.Errorf("%+v", b)
				}
				for _, o := range orders {
					n := 0
					for _, k := range s.kinds(o) {
						if k == entries[kind] {
							n++
						}
					}
					if n != 1 {
						t.Errorf("order %s: %s %d times", o.Number, kind, n)
					}
				}
			})
		})
	}
}

// A selection may be large, name orders twice and some that do not exist.
func TestBulkSelections(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	first, second := s.place("klarna", draft), s.place("klarna")
	none := func(func(int64, error) bool) {}
	_, err := s.dispatch.PrepareBulk(t.Context(), batch.Release, none, "clerk")
	s.refused(err, fault.Conflict, "bulk.error.none")
	_, err = s.dispatch.PrepareBulk(t.Context(), batch.Release, those(&order.Order{ID: 999_999}), "clerk")
	s.refused(err, fault.Conflict, "bulk.error.none")
	_, err = s.dispatch.PrepareBulk(t.Context(), batch.Autoship, those(first), "clerk")
	if err == nil {
		t.Error("autoship is prepared elsewhere")
	}
	cause := fmt.Errorf("no more")
	_, err = s.dispatch.PrepareBulk(t.Context(), batch.Release, func(yield func(int64, error) bool) { yield(0, cause) }, "clerk")
	if err != cause {
		t.Errorf("%v, want %v", err, cause)
	}
	b, err := s.dispatch.PrepareBulk(t.Context(), batch.Release, func(yield func(int64, error) bool) {
		for n := range int64(2 * store.Batch) {
			if !yield(1_000_000+n, nil) {
				return
			}
			for _, o := range []*order.Order{first, second} {
				if !yield(o.ID, nil) {
					return
				}
			}
		}
	}, "clerk")
	s.must(err)
	if b.Total != 2 || b.Unchanged != 1 {
		t.Errorf("%+v", b)
	}
}

// Many orders cost as many queries as one.
func TestBulkQueries(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	var orders []*order.Order
	for range 40 {
		orders = append(orders, s.place("klarna"))
	}
	queries := 0
	count := func(*gorm.DB) { queries++ }
	callbacks := s.db.Read(t.Context()).Callback()
	s.must(callbacks.Query().After("gorm:query").Register("test:count", count))
	s.must(callbacks.Row().After("gorm:row").Register("test:count", count))
	for _, kind := range dispatch.BulkKinds {
		queries = 0
		s.prepare(kind, orders[0])
		one := queries
		queries = 0
		s.prepare(kind, orders...)
		if queries != one || one == 0 {
			t.Errorf("%s: %d queries for %d orders, %d for one", kind, queries, len(orders), one)
		}
	}
}
