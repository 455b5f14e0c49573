package batch_test

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

var begin = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

// house is a database with a batch service, whose handler keeps what it was given.
type house struct {
	*testing.T
	*batch.Service
	db    *store.DB
	clock *clock.Clock

	mu    sync.Mutex
	given []string // the inputs of items, in the order of their turns
}

// each runs the test on both databases.
func each(t *testing.T, test func(h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := &house{T: t, db: db, clock: clock.NewFixed(begin)}
		h.Service = h.instance()
		test(h)
	})
}

// instance is one more program on the same database.
func (h *house) instance() *batch.Service {
	s := batch.New(h.db, h.clock, work.NewBell())
	for _, k := range []batch.Kind{batch.Release, batch.Resend, batch.Autoship} {
		s.Handle(k, h.note)
	}
	return s
}

// note is a handler that only keeps what it was given.
func (h *house) note(_ context.Context, _ *batch.Batch, i *batch.Item) (batch.Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.given = append(h.given, i.Input)
	return batch.Result{}, nil
}

// handle registers a handler that keeps what it is given and then does do.
func (h *house) handle(s *batch.Service, do func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error)) {
	s.Handle(batch.Release, func(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
		if _, err := h.note(ctx, b, i); err != nil {
			return batch.Result{}, err
		}
		return do(ctx, b, i)
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// refused checks that err is a fault with this code and key.
func (h *house) refused(err error, code fault.Code, key string) {
	h.Helper()
	if messages, _ := batch.MessagesOf(err); fault.CodeOf(err) != code || len(messages) != 1 || messages[0].Key != key {
		h.Errorf("%v, want %s: %s", err, code, key)
	}
}

// items are n items with the inputs from first on.
func items(first, n int) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for i := first; i < first+n; i++ {
			if !yield(batch.Item{Label: fmt.Sprint("order ", i), Input: fmt.Sprint(i)}, nil) {
				return
			}
		}
	}
}

// these are given items.
func these(list ...batch.Item) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for _, i := range list {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// create makes a preview.
func (h *house) create(kind batch.Kind, list iter.Seq2[batch.Item, error]) *batch.Batch {
	h.Helper()
	b, err := h.Create(h.Context(), batch.Batch{Kind: kind, Actor: "clerk"}, list)
	h.must(err)
	return b
}

// start makes a batch of n items that runs.
func (h *house) start(n int) *batch.Batch {
	h.Helper()
	b := h.create(batch.Release, items(1, n))
	h.must(h.Start(h.Context(), b.ID, "starter"))
	return b
}

// turn lets a program have a turn with a batch, as a worker would.
func (h *house) turn(ctx context.Context, s *batch.Service, id int64) error {
	h.Helper()
	c, err := work.Take(ctx, h.db, h.clock, s.Queue(), id)
	h.must(err)
	if c == nil {
		h.Fatalf("somebody else has batch %d", id)
	}
	return s.Queue().Do(ctx, c)
}

// takeTurn is turn, of a program that nothing happens to.
func (h *house) takeTurn(id int64) {
	h.Helper()
	h.must(h.turn(h.Context(), h.Service, id))
}

// isDue tells whether a worker would find the batch.
func (h *house) isDue(id int64) bool {
	b := h.find(id)
	return b.DueAt != nil && !b.DueAt.After(h.clock.Now())
}

func (h *house) find(id int64) *batch.Batch {
	h.Helper()
	b, err := h.Find(h.Context(), id)
	h.must(err)
	return b
}

// is checks how far a batch is.
func (h *house) is(id int64, state batch.State, done, unchanged, refused int64) {
	h.Helper()
	b := h.find(id)
	if b.State != state || b.Done != done || b.Unchanged != unchanged || b.Refused != refused {
		h.Errorf("%s: %d done, %d unchanged, %d refused; want %s: %d, %d, %d", b.State, b.Done, b.Unchanged, b.Refused, state, done, unchanged, refused)
	}
	counts := map[batch.ItemState]int64{}
	for _, i := range h.all(id) {
		counts[i.State]++
	}
	want := map[batch.ItemState]int64{batch.ItemDone: done, batch.Unchanged: unchanged, batch.ItemRefused: refused, batch.Waiting: b.Total - done - unchanged - refused}
	for s, n := range want {
		if counts[s] != n {
			h.Errorf("%d items are %s, want %d", counts[s], s, n)
		}
	}
}

// all are the items of a batch.
func (h *house) all(id int64) []batch.Item {
	h.Helper()
	list, err := h.Items(h.Context(), id, 0, 10_000)
	h.must(err)
	return list
}

// had checks which items had their turns, in this order.
func (h *house) had(want ...string) {
	h.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.given, want) {
		h.Errorf("turns of %v, want %v", h.given, want)
	}
}

// upTo are the inputs from first to last.
func upTo(first, last int) (inputs []string) {
	for i := first; i <= last; i++ {
		inputs = append(inputs, fmt.Sprint(i))
	}
	return inputs
}

func (h *house) count(table string) (n int) {
	h.Helper()
	h.must(h.db.Read(h.Context()).Raw("SELECT count(*) FROM " + table).Scan(&n).Error)
	return n
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
