package batch

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// MaxItems is the most that one batch does.
const MaxItems = 200_000

// Keep is how long finished batches and forgotten previews are kept.
const (
	Keep        = 90 * 24 * time.Hour
	KeepPreview = 7 * 24 * time.Hour
)

// Result is what became of an item.
type Result struct {
	State    ItemState // ItemDone if empty
	OrderID  *int64    // nil: as in the item
	Messages []Message
}

// Handler does one item. An error for a person (a fault.Error) refuses the item with its
// messages; any other one, or a panic, puts the batch off and the item comes again, a few
// times. What it does must change nothing the second time.
type Handler func(ctx context.Context, b *Batch, i *Item) (Result, error)

// Service keeps batches and works on them.
type Service struct {
	db       *store.DB
	clock    *clock.Clock
	bell     *work.Bell
	handlers map[Kind]Handler
}

// New returns the service. Handle adds what it can do.
func New(db *store.DB, clk *clock.Clock, bell *work.Bell) *Service {
	return &Service{db: db, clock: clk, bell: bell, handlers: map[Kind]Handler{}}
}

// Handle registers who does the items of a kind, before the work begins.
func (s *Service) Handle(k Kind, h Handler) { s.handlers[k] = h }

// Queue is the rows that are work.
func (s *Service) Queue() *work.Queue {
	return &work.Queue{Name: "batch", Table: "batches", Workers: 2, Do: s.work}
}

// Create writes a batch down as a preview; Start lets it run. Items may say in their
// Messages what would happen, and may be refused or unchanged already. Their Position
// counts from 1 where it is 0. Errors: TooLarge beyond MaxItems; what items yields.
func (s *Service) Create(ctx context.Context, b Batch, items iter.Seq2[Item, error]) (*Batch, error) {
	b.ID, b.State, b.CreatedAt = 0, Filling, s.clock.Now()
	if b.Params == nil {
		b.Params = map[string]string{}
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error { b.ID = 0; return tx.Create(&b).Error })
	if err != nil {
		return nil, fmt.Errorf("create batch: %w", err)
	}
	if err := s.fill(ctx, &b, items); err != nil {
		s.forget(context.WithoutCancel(ctx), b.ID)
		return nil, err
	}
	b.State = Preview
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&b).Select("state", "total", "unchanged", "refused").Updates(&b).Error
	})
	if err != nil {
		return nil, fmt.Errorf("create batch: %w", err)
	}
	return &b, nil
}

// fill writes the items in short transactions, so that nobody waits for them.
func (s *Service) fill(ctx context.Context, b *Batch, items iter.Seq2[Item, error]) error {
	buffer := make([]Item, 0, store.Batch)
	flush := func() error {
		if len(buffer) == 0 {
			return nil
		}
		err := s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.CreateInBatches(buffer, store.Batch).Error })
		buffer = buffer[:0]
		if err != nil {
			return fmt.Errorf("create the items of batch %d: %w", b.ID, err)
		}
		return nil
	}
	for item, err := range items {
		if err != nil {
			return err
		}
		if b.Total == MaxItems {
			return fault.New(fault.TooLarge, "batch.error.too_many", "Max", MaxItems)
		}
		b.Total++
		item.ID, item.BatchID = 0, b.ID
		if item.Position == 0 {
			item.Position = b.Total
		}
		switch item.State {
		case "":
			item.State = Waiting
		case ItemRefused:
			b.Refused++
		case Unchanged:
			b.Unchanged++
		}
		if buffer = append(buffer, item); len(buffer) == store.Batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// forget removes a batch that was not wanted. What can't be removed is swept later.
func (s *Service) forget(ctx context.Context, id int64) {
	_ = s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Delete(&Batch{ID: id}).Error })
}

// Start lets a preview run. What also does becomes true together with it, and its errors
// pass. Conflict when it is none any more, or when the other run of a kind that runs
// alone has not ended.
func (s *Service) Start(ctx context.Context, id int64, actor string, also ...func(tx *gorm.DB) error) error {
	return s.step(ctx, id, []State{Preview}, func(tx *gorm.DB, b *Batch, now time.Time) map[string]any {
		return map[string]any{"state": Running, "started_at": now, "due_at": now, "actor": actor}
	}, also...)
}

// Stop lets a running batch rest after the item it is at.
func (s *Service) Stop(ctx context.Context, id int64) error {
	return s.step(ctx, id, []State{Running}, func(*gorm.DB, *Batch, time.Time) map[string]any {
		return map[string]any{"state": Stopped}
	})
}

// Continue lets a stopped batch go on.
func (s *Service) Continue(ctx context.Context, id int64) error {
	return s.step(ctx, id, []State{Stopped}, func(_ *gorm.DB, _ *Batch, now time.Time) map[string]any {
		return map[string]any{"state": Running, "due_at": now}
	})
}

// Discard removes a preview, or ends a stopped batch where it is.
func (s *Service) Discard(ctx context.Context, id int64) error {
	b, err := s.Find(ctx, id)
	if err != nil {
		return err
	}
	if b.State == Preview {
		return s.db.InTx(ctx, func(tx *gorm.DB) error {
			res := tx.Where("id = ? AND state = ?", id, Preview).Delete(&Batch{})
			if res.Error == nil && res.RowsAffected == 0 {
				return fault.New(fault.Conflict, "batch.error.state")
			}
			return res.Error
		})
	}
	return s.step(ctx, id, []State{Stopped}, func(_ *gorm.DB, _ *Batch, now time.Time) map[string]any {
		return map[string]any{"state": Done, "finished_at": now, "due_at": nil}
	})
}

// step is one guarded change of a batch's state.
func (s *Service) step(ctx context.Context, id int64, from []State, changes func(*gorm.DB, *Batch, time.Time) map[string]any, also ...func(*gorm.DB) error) error {
	b, err := s.Find(ctx, id)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&Batch{}).Where("id = ? AND state IN ?", id, from).Updates(changes(tx, b, s.clock.Now()))
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return fault.New(fault.Conflict, "batch.error.state")
		}
		for _, do := range also {
			if err := do(tx); err != nil {
				return err
			}
		}
		s.bell.RingAfter(tx)
		return nil
	})
	if store.IsUnique(err, "batches", "kind") {
		return fault.Wrap(err, fault.Conflict, "batch.error.another_runs")
	}
	return err
}

// Find returns a batch; NotFound when there is none.
func (s *Service) Find(ctx context.Context, id int64) (*Batch, error) {
	var b Batch
	err := s.db.Read(ctx).Take(&b, id).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "batch.error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find batch %d: %w", id, err)
	}
	return &b, nil
}

// Items returns the items of a batch after a position, in their order; with states only
// those.
func (s *Service) Items(ctx context.Context, batchID, after int64, limit int, states ...ItemState) ([]Item, error) {
	return s.items(s.db.Read(ctx).Where("position > ?", after).Order("position"), batchID, limit, states)
}

// ItemsBefore is Items for those before a position: the last of them.
func (s *Service) ItemsBefore(ctx context.Context, batchID, before int64, limit int, states ...ItemState) ([]Item, error) {
	items, err := s.items(s.db.Read(ctx).Where("position < ?", before).Order("position DESC"), batchID, limit, states)
	slices.Reverse(items)
	return items, err
}

func (s *Service) items(tx *gorm.DB, batchID int64, limit int, states []ItemState) (items []Item, err error) {
	tx = tx.Where("batch_id = ?", batchID)
	if len(states) > 0 {
		tx = tx.Where("state IN ?", states)
	}
	if err := tx.Limit(limit).Find(&items).Error; err != nil {
		return nil, fmt.Errorf("list the items of batch %d: %w", batchID, err)
	}
	return items, nil
}

// List returns batches of these kinds, or of all, newest first, older than the id before
// (0: from the newest), without those that are not prepared yet.
func (s *Service) List(ctx context.Context, before int64, limit int, kinds ...Kind) ([]Batch, error) {
	tx := s.db.Read(ctx).Where("state <> ?", Filling).Order("id DESC").Limit(limit)
	if len(kinds) > 0 {
		tx = tx.Where("kind IN ?", kinds)
	}
	if before != 0 {
		tx = tx.Where("id < ?", before)
	}
	var batches []Batch
	if err := tx.Find(&batches).Error; err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	return batches, nil
}

// Sweep removes what is no longer wanted: old results, forgotten previews.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.clock.Now()
	for {
		var gone int64
		err := s.db.InTx(ctx, func(tx *gorm.DB) error { // an old batch has many items: a few at a time
			res := tx.Exec(`DELETE FROM batches WHERE id IN (SELECT id FROM batches
				WHERE state IN ('filling', 'preview') AND created_at < ? OR state = 'done' AND finished_at < ? ORDER BY id LIMIT 1)`,
				now.Add(-KeepPreview), now.Add(-Keep))
			gone = res.RowsAffected
			return res.Error
		})
		if err != nil || gone == 0 {
			return err
		}
	}
}
