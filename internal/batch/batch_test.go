package batch_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/fault"
)

// What becomes of a preview that is started.
func TestLife(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b, err := h.Create(h.Context(), batch.Batch{Kind: batch.Release, Title: "selection", Actor: "clerk", Params: map[string]string{"a": "b"}}, these(
			batch.Item{Label: "A1", Input: "1", Messages: []batch.Message{batch.Say("would", "Count", 2)}},
			batch.Item{Label: "A2", Input: "2", State: batch.ItemRefused, Messages: []batch.Message{{Field: "number", Key: "bad"}}},
			batch.Item{Label: "A3", Input: "3", State: batch.Unchanged},
			batch.Item{Label: "A4", Input: "4"},
			batch.Item{Label: "A5", Input: "5"},
		))
		h.must(err)
		h.is(b.ID, batch.Preview, 0, 1, 1)
		if now := h.find(b.ID); now.Total != 5 || now.Actor != "clerk" || now.Params["a"] != "b" || now.StartedAt != nil || !now.CreatedAt.Equal(begin) {
			h.Errorf("%+v", now)
		}
		if h.isDue(b.ID) {
			h.Error("a preview is work")
		}
		h.Handle(batch.Release, func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
			equal(h, "who started it", b.Actor, "starter")
			equal(h, "the parameters", b.Params["a"], "b")
			switch i.Input {
			case "4":
				return batch.Result{State: batch.Unchanged, Messages: []batch.Message{batch.Say("was so")}}, nil
			case "5":
				return batch.Result{}, fault.New(fault.Conflict, "no way", "Number", i.Label)
			}
			return h.note(ctx, b, i)
		})
		h.must(h.Start(h.Context(), b.ID, "starter"))
		if !h.isDue(b.ID) {
			h.Error("what was started is no work")
		}
		h.clock.Advance(time.Minute)
		h.takeTurn(b.ID)
		h.is(b.ID, batch.Done, 1, 2, 2)
		h.had("1")
		now := h.find(b.ID)
		if now.StartedAt == nil || !now.StartedAt.Equal(begin) || now.FinishedAt == nil || !now.FinishedAt.Equal(begin.Add(time.Minute)) || now.DueAt != nil {
			h.Errorf("%+v", now)
		}
		var messages []string
		for n, i := range h.all(b.ID) {
			equal(h, "position", i.Position, int64(n+1))
			for _, m := range i.Messages {
				messages = append(messages, i.Label+" "+m.Field+" "+m.Key)
			}
		}
		equal(h, "messages", messages, []string{"A2 number bad", "A4  was so", "A5  no way"})
	})
}

// An item may say which order came of it.
func TestAnItemFindsItsOrder(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		order := h.order("17")
		h.handle(h.Service, func(context.Context, *batch.Batch, *batch.Item) (batch.Result, error) {
			return batch.Result{OrderID: &order}, nil
		})
		b := h.start(1)
		h.takeTurn(b.ID)
		if i := h.all(b.ID)[0]; i.OrderID == nil || *i.OrderID != order {
			h.Errorf("%+v", i)
		}
	})
}

// order writes the barest of orders down.
func (h *house) order(number string) (id int64) {
	h.Helper()
	for _, q := range []string{
		`INSERT INTO payment_methods (id, name, type, module, connection, region, environment, behaves_like, mark_paid, documents, active, created_at, updated_at)
			VALUES (1, 'a', 'a', 'none', '', '', '', 'invoice', FALSE, 'invoice', TRUE, '2026-11-03', '2026-11-03')`,
		`INSERT INTO orders (number, status, placed_at, payment_method_id, currency, total, customer_name, billing_address, mark_paid, documents, auto_ship, tell_klarna, feedback, content_hash, created_at, updated_at)
			VALUES ('` + number + `', 'draft', '2026-11-03', 1, 'EUR', 0, 'a', '{}', FALSE, 'invoice', FALSE, FALSE, 'none', '', '2026-11-03', '2026-11-03')`,
	} {
		_, err := h.db.Exec(h.Context(), q)
		h.must(err)
	}
	h.must(h.db.Read(h.Context()).Raw("SELECT id FROM orders WHERE number = ?", number).Scan(&id).Error)
	return id
}

// Long batches take turns, and every item has one.
func TestLongBatches(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		long, short := h.start(450), h.start(1)
		h.clock.Advance(time.Second)
		h.takeTurn(long.ID)
		if n := h.find(long.ID).Done; n == 0 || n >= 450 {
			h.Errorf("the first turn did %d items; others have to wait for all of it, or it did none", n)
		}
		if !h.isDue(long.ID) || !h.find(long.ID).DueAt.After(*h.find(short.ID).DueAt) {
			h.Error("the rest does not queue behind the others")
		}
		for range 9 {
			if h.isDue(long.ID) {
				h.takeTurn(long.ID)
			}
		}
		h.is(long.ID, batch.Done, 450, 0, 0)
		h.had(upTo(1, 450)...)
	})
}

func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.start(50)
		h.handle(h.Service, func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
			if i.Input == "25" {
				return batch.Result{}, h.Stop(ctx, b.ID)
			}
			return batch.Result{}, nil
		})
		h.takeTurn(b.ID)
		stopped := h.find(b.ID)
		if stopped.Done < 25 || stopped.Done == 50 {
			h.Errorf("%d items are done", stopped.Done)
		}
		h.is(b.ID, batch.Stopped, stopped.Done, 0, 0)
		if h.isDue(b.ID) {
			h.Error("what was stopped is work")
		}
		h.must(h.Continue(h.Context(), b.ID))
		if !h.isDue(b.ID) {
			h.Error("what was continued is no work")
		}
		h.takeTurn(b.ID)
		h.is(b.ID, batch.Done, 50, 0, 0)
		h.had(upTo(1, 50)...)
	})
}

// Whoever stops a batch before a worker has come to it stops all of it.
func TestStopBeforeItsTurn(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.start(5)
		h.must(h.Stop(h.Context(), b.ID))
		h.takeTurn(b.ID)
		h.is(b.ID, batch.Stopped, 0, 0, 0)
		if h.isDue(b.ID) {
			h.Error("what was stopped is work")
		}
		h.had()
	})
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		preview := h.create(batch.Release, items(1, 3))
		h.must(h.Discard(h.Context(), preview.ID))
		if h.count("batches")+h.count("batch_items") != 0 {
			h.Error("something is left of the preview")
		}
		_, err := h.Find(h.Context(), preview.ID)
		h.refused(err, fault.NotFound, "batch.error.not_found")

		stopped := h.start(3)
		h.must(h.Stop(h.Context(), stopped.ID))
		h.must(h.Discard(h.Context(), stopped.ID))
		h.is(stopped.ID, batch.Done, 0, 0, 0)
		if now := h.find(stopped.ID); now.FinishedAt == nil || now.DueAt != nil {
			h.Errorf("%+v", now)
		}
	})
}

// Somebody ends a batch while its items have their turns.
func TestEndedMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.start(50)
		h.handle(h.Service, func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
			if i.Input == "5" {
				h.must(h.Stop(ctx, b.ID))
				h.must(h.Discard(ctx, b.ID))
			}
			return batch.Result{}, nil
		})
		h.takeTurn(b.ID)
		now := h.find(b.ID)
		h.is(b.ID, batch.Done, now.Done, 0, 0)
		if now.Done == 0 || now.Done == 50 || now.DueAt != nil {
			h.Errorf("%+v", now)
		}
	})
}

func TestWhatIsNotPossible(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		steps := map[string]func(id int64) error{
			"start":    func(id int64) error { return h.Start(h.Context(), id, "a") },
			"stop":     func(id int64) error { return h.Stop(h.Context(), id) },
			"continue": func(id int64) error { return h.Continue(h.Context(), id) },
			"discard":  func(id int64) error { return h.Discard(h.Context(), id) },
		}
		for state, possible := range map[batch.State][]string{
			batch.Preview: {"start", "discard"}, batch.Running: {"stop"}, batch.Stopped: {"continue", "discard"}, batch.Done: nil,
		} {
			for name, step := range steps {
				b := h.create(batch.Release, items(1, 1))
				_, err := h.db.Exec(h.Context(), "UPDATE batches SET state = ? WHERE id = ?", state, b.ID)
				h.must(err)
				isPossible := false
				for _, p := range possible {
					isPossible = isPossible || p == name
				}
				switch err := step(b.ID); {
				case isPossible && err != nil:
					h.Errorf("%s %s: %v", name, state, err)
				case !isPossible:
					h.refused(err, fault.Conflict, "batch.error.state")
				}
			}
		}
		for _, step := range steps {
			h.refused(step(999), fault.NotFound, "batch.error.not_found")
		}
	})
}

// A batch is started once, however often somebody clicks.
func TestStartedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.create(batch.Release, items(1, 3))
		won := h.race(8, func(int) error { return h.Start(h.Context(), b.ID, "a") }, "batch.error.state")
		equal(h, "starts", won, 1)
		h.takeTurn(b.ID)
		h.had("1", "2", "3")
	})
}

// Of autoship runs one runs, whoever starts them at the same moment.
func TestOneAutoshipRuns(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		var previews []*batch.Batch
		for range 4 {
			previews = append(previews, h.create(batch.Autoship, items(1, 3)))
		}
		won := h.race(len(previews), func(n int) error { return h.Start(h.Context(), previews[n].ID, "a") }, "batch.error.another_runs")
		equal(h, "starts", won, 1)
		var runs, waits *batch.Batch
		for _, p := range previews {
			if h.find(p.ID).State == batch.Running {
				runs = p
			} else {
				waits = p
			}
		}
		h.must(h.Stop(h.Context(), runs.ID)) // stopped, it may still go on
		h.refused(h.Start(h.Context(), waits.ID, "a"), fault.Conflict, "batch.error.another_runs")
		h.must(h.Discard(h.Context(), runs.ID))
		h.must(h.Start(h.Context(), waits.ID, "a"))

		for range 2 { // others may
			h.start(1)
		}
	})
}

// race does something n times at once and returns how often it worked; the other times
// it must have been refused.
func (h *house) race(n int, do func(n int) error, key string) (won int) {
	h.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() {
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				return
			}
			h.refused(err, fault.Conflict, key)
		})
	}
	wg.Wait()
	return won
}

// What can't be prepared leaves nothing behind.
func TestCreateBreaksOff(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		cause := errors.New("no more")
		_, err := h.Create(h.Context(), batch.Batch{Kind: batch.Release}, func(yield func(batch.Item, error) bool) {
			for i, err := range items(1, 1200) {
				if i.Input == "1100" {
					err = cause
				}
				if !yield(i, err) {
					return
				}
			}
		})
		if !errors.Is(err, cause) {
			h.Errorf("%v, want %v", err, cause)
		}
		if h.count("batches")+h.count("batch_items") != 0 {
			h.Error("something is left")
		}
	})
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		if h.db.Postgres() {
			h.Skip("one database is enough for so many")
		}
		endless := func() iter.Seq2[batch.Item, error] { return items(1, batch.MaxItems+1) }
		_, err := h.Create(h.Context(), batch.Batch{Kind: batch.Release}, endless())
		h.refused(err, fault.TooLarge, "batch.error.too_many")
		if h.count("batches")+h.count("batch_items") != 0 {
			h.Error("something is left")
		}
	})
}

func TestLists(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		var ids []int64
		for _, k := range []batch.Kind{batch.Release, batch.Autoship, batch.Release, batch.Resend} {
			ids = append(ids, h.create(k, items(1, 1)).ID)
		}
		_, err := h.db.Exec(h.Context(), "UPDATE batches SET state = ? WHERE id = ?", batch.Filling, ids[3])
		h.must(err)
		for name, tc := range map[string]struct {
			before int64
			limit  int
			kinds  []batch.Kind
			want   []int64
		}{
			"all":        {0, 9, nil, []int64{ids[2], ids[1], ids[0]}},
			"the newest": {0, 1, nil, []int64{ids[2]}},
			"older":      {ids[2], 9, nil, []int64{ids[1], ids[0]}},
			"of a kind":  {0, 9, []batch.Kind{batch.Release}, []int64{ids[2], ids[0]}},
			"of two":     {0, 9, []batch.Kind{batch.Autoship, batch.Resend}, []int64{ids[1]}},
		} {
			list, err := h.List(h.Context(), tc.before, tc.limit, tc.kinds...)
			h.must(err)
			var got []int64
			for _, b := range list {
				got = append(got, b.ID)
			}
			equal(h, name, got, tc.want)
		}
	})
}

func TestItems(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.create(batch.Release, func(yield func(batch.Item, error) bool) {
			for i := range int64(9) {
				item := batch.Item{Position: 10 * (i + 1)} // lines of a file, some of them blank
				if i%2 == 1 {
					item.State = batch.ItemRefused
				}
				if !yield(item, nil) {
					return
				}
			}
		})
		positions := func(list []batch.Item, err error) (got []int64) {
			h.must(err)
			for _, i := range list {
				got = append(got, i.Position)
			}
			return got
		}
		ctx := h.Context()
		equal(h, "the first", positions(h.Items(ctx, b.ID, 0, 2)), []int64{10, 20})
		equal(h, "after", positions(h.Items(ctx, b.ID, 20, 2)), []int64{30, 40})
		equal(h, "before", positions(h.ItemsBefore(ctx, b.ID, 50, 2)), []int64{30, 40})
		equal(h, "refused", positions(h.Items(ctx, b.ID, 20, 9, batch.ItemRefused)), []int64{40, 60, 80})
		equal(h, "of two states", positions(h.ItemsBefore(ctx, b.ID, 40, 9, batch.ItemRefused, batch.Waiting)), []int64{10, 20, 30})
		equal(h, "of another", positions(h.Items(ctx, b.ID+1, 0, 9)), []int64(nil))
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		states := []batch.State{batch.Filling, batch.Preview, batch.Running, batch.Stopped, batch.Done}
		ids := map[batch.State]int64{}
		add := func() {
			for _, s := range states {
				b := h.create(batch.Release, items(1, 2))
				_, err := h.db.Exec(h.Context(), "UPDATE batches SET state = ?, finished_at = ? WHERE id = ?", s, h.clock.Now(), b.ID)
				h.must(err)
				ids[s] = b.ID
			}
		}
		left := func() (left int) {
			h.must(h.Sweep(h.Context()))
			if n, items := h.count("batches"), h.count("batch_items"); items != 2*n {
				h.Errorf("%d batches with %d items", n, items)
			}
			return h.count("batches")
		}
		add()
		h.clock.Advance(batch.KeepPreview)
		equal(h, "batches after a week", left(), 5)
		h.clock.Advance(time.Second)
		equal(h, "batches without what nobody started", left(), 3)
		h.clock.Advance(batch.Keep - batch.KeepPreview)
		equal(h, "batches without the old results", left(), 2)
		for _, s := range []batch.State{batch.Running, batch.Stopped} {
			equal(h, "what is not finished", h.find(ids[s]).State, s)
		}
		add()
		equal(h, "batches with new ones", left(), 7)
	})
}

func TestMessages(t *testing.T) {
	t.Parallel()
	fields := fault.Checker{}
	fields.Add("total", "order.error.sum", "Sum", "1", "Total", "2")
	fields.Add("number", "error.required")
	for name, tc := range map[string]struct {
		err  error
		want []batch.Message
	}{
		"its own words": {fault.New(fault.Conflict, "a", "Number", "17"), []batch.Message{{Key: "a", Args: map[string]any{"Number": "17"}}}},
		"its fields": {fields.Err(), []batch.Message{
			{Field: "total", Key: "order.error.sum", Args: map[string]any{"Sum": "1", "Total": "2"}}, {Field: "number", Key: "error.required"}}},
		"ours":    {fault.New(fault.Internal, "a"), nil},
		"foreign": {errors.New("a"), nil},
		"half":    {fault.New(fault.Conflict, "a", "Number"), []batch.Message{{Key: "a"}}},
		"no name": {fault.New(fault.Conflict, "a", 1, 2), []batch.Message{{Key: "a", Args: map[string]any{}}}},
	} {
		got, ok := batch.MessagesOf(tc.err)
		equal(t, name, got, tc.want)
		equal(t, name+", for people", ok, tc.want != nil)
	}
}
