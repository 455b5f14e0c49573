package batch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/work"
)

// A program hangs in the middle of a batch for so long that another one takes it over
// and ends it; then the first comes back. No item is lost, none is counted twice.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.start(50)
		other := h.instance()
		hung := false
		h.handle(h.Service, func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
			if i.Input == "30" && !hung {
				hung = true
				h.clock.Advance(work.Lease + time.Second)
				h.must(h.turn(ctx, other, b.ID))
			}
			return batch.Result{State: batch.Unchanged}, nil
		})
		if err := h.turn(h.Context(), h.Service, b.ID); !errors.Is(err, work.ErrLost) {
			h.Errorf("the first program ended with %v", err)
		}
		h.is(b.ID, batch.Done, 30, 20, 0) // its first chunk counts, its second is the other's
		for _, input := range upTo(1, 50) {
			if !slices.Contains(h.given, input) {
				h.Errorf("item %s never had its turn", input)
			}
		}
	})
}

// A program is killed: what it had not written down comes again.
func TestKilled(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.start(50)
		dying, turns := h.instance(), 0
		h.handle(dying, func(context.Context, *batch.Batch, *batch.Item) (batch.Result, error) {
			if turns++; turns == 27 {
				runtime.Goexit() // as kill -9: nothing that would come next is done
			}
			return batch.Result{}, nil
		})
		c, err := work.Take(h.Context(), h.db, h.clock, dying.Queue(), b.ID)
		h.must(err)
		var worker sync.WaitGroup
		worker.Go(func() { _ = dying.Queue().Do(h.Context(), c) })
		worker.Wait()
		h.is(b.ID, batch.Running, 20, 0, 0)
		if c, err := work.Take(h.Context(), h.db, h.clock, h.Queue(), b.ID); c != nil || err != nil {
			h.Errorf("taken before the lease was over: %v", err)
		}
		h.clock.Advance(work.Lease + time.Second)
		h.takeTurn(b.ID)
		h.is(b.ID, batch.Done, 50, 0, 0)
		h.had(append(upTo(1, 27), upTo(21, 50)...)...)
	})
}

// A program is told to end: what is done counts, the rest waits for the next one.
func TestCutOff(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.start(50)
		ctx, stop := context.WithCancel(h.Context())
		defer stop()
		h.handle(h.Service, func(_ context.Context, _ *batch.Batch, i *batch.Item) (batch.Result, error) {
			if i.Input == "27" {
				stop()
			}
			return batch.Result{}, nil
		})
		if err := h.turn(ctx, h.Service, b.ID); !errors.Is(err, context.Canceled) {
			h.Errorf("%v, want %v", err, context.Canceled)
		}
		h.is(b.ID, batch.Running, 27, 0, 0)
		if n := h.find(b.ID).Failures; n != 0 || !h.isDue(b.ID) {
			h.Errorf("%d failures, due: %t", n, h.isDue(b.ID))
		}
		h.clock.Advance(work.Lease + time.Second)
		h.takeTurn(b.ID)
		h.is(b.ID, batch.Done, 50, 0, 0)
		h.had(upTo(1, 50)...)
	})
}

// An accident of ours puts the batch off, the item comes again; in the end it is refused
// and the others get their turn.
func TestAccidents(t *testing.T) {
	t.Parallel()
	cause := errors.New("the database is gone")
	for name, tc := range map[string]struct {
		happens func(turns int) error
		tries   int // that are cut off
		refused int64
	}{
		"once":           {func(n int) error { return cause }, 1, 0},
		"for ever":       {func(n int) error { return cause }, 3, 1},
		"a panic":        {func(n int) error { panic("a mistake") }, 3, 1},
		"one of ours":    {func(n int) error { return fault.Wrap(cause, fault.Internal, "x") }, 3, 1},
		"not our fault":  {func(n int) error { return fault.Wrap(cause, fault.TooMany, "x") }, 0, 1},
		"nothing at all": {func(n int) error { return nil }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				b := h.start(5)
				happened := 0
				h.handle(h.Service, func(_ context.Context, _ *batch.Batch, i *batch.Item) (batch.Result, error) {
					if i.Input != "3" || happened == max(tc.tries, 1) {
						return batch.Result{}, nil
					}
					happened++
					return batch.Result{}, tc.happens(happened)
				})
				for try := range tc.tries {
					err := h.turn(h.Context(), h.Service, b.ID)
					if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("batch %d, item 3", b.ID)) {
						h.Errorf("try %d ended with %v", try+1, err)
					}
					if last := try+1 == 3; !last {
						h.is(b.ID, batch.Running, 2, 0, 0)
						equal(h, "failures", h.find(b.ID).Failures, try+1)
					}
					h.clock.Advance(work.Lease + time.Second)
				}
				h.takeTurn(b.ID)
				h.is(b.ID, batch.Done, 5-tc.refused, 0, tc.refused)
				equal(h, "failures", h.find(b.ID).Failures, 0)
				if third := h.all(b.ID)[2]; tc.tries == 3 && (len(third.Messages) != 1 || third.Messages[0].Key != "batch.error.accident") {
					h.Errorf("%+v", third)
				}
			})
		})
	}
}

// A batch of a kind that this program can't do waits for one that can.
func TestUnknownKind(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		b := h.create("paint", items(1, 3))
		h.must(h.Start(h.Context(), b.ID, "a"))
		if err := h.turn(h.Context(), h.Service, b.ID); err == nil || !strings.Contains(err.Error(), "paint") {
			h.Errorf("%v", err)
		}
		h.is(b.ID, batch.Running, 0, 0, 0)
		other := h.instance()
		other.Handle("paint", h.note)
		h.clock.Advance(work.Lease + time.Second)
		h.must(h.turn(h.Context(), other, b.ID))
		h.is(b.ID, batch.Done, 3, 0, 0)
	})
}

// Two programs work on several batches until all are done: every item once.
func TestTwoPrograms(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		const many, size = 5, 250
		want := map[string]int{}
		var ids []int64
		for n := range many {
			b := h.create(batch.Release, items(n*size, size))
			h.must(h.Start(h.Context(), b.ID, "a"))
			ids = append(ids, b.ID)
			for _, input := range upTo(n*size, n*size+size-1) {
				want[input] = 1
			}
		}
		ctx, stop := context.WithCancel(h.Context())
		defer stop()
		var running sync.WaitGroup
		for range 2 {
			r := work.NewRunner(h.db, h.clock, work.NewBell(), slog.New(slog.DiscardHandler), h.instance().Queue())
			running.Go(func() { r.Run(ctx) })
		}
		h.waitFor(func() bool {
			for _, id := range ids {
				if h.find(id).State != batch.Done {
					return false
				}
			}
			return true
		})
		stop()
		running.Wait()
		for _, id := range ids {
			h.is(id, batch.Done, size, 0, 0)
		}
		got := map[string]int{}
		for _, input := range h.given {
			got[input]++
		}
		equal(h, "turns", got, want)
	})
}

// waitFor waits for a state that is sure to come.
func (h *house) waitFor(state func() bool) {
	h.Helper()
	for look := time.NewTicker(5 * time.Millisecond); ; {
		if state() {
			look.Stop()
			return
		}
		select {
		case <-look.C:
		case <-h.Context().Done():
			h.Fatal("waited in vain")
		}
	}
}
