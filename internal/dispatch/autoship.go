package dispatch

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// PrepareAutoship makes the preview of an autoship run: for these orders, or with nil for
// all that can go. Each item says what would be made, or why nothing. batch.Start lets it
// run; one runs at a time. Errors: Conflict when there is nothing to prepare.
func (s *Service) PrepareAutoship(ctx context.Context, ids []int64, actor string) (*batch.Batch, error) {
	items := s.allReady(ctx)
	if ids != nil {
		items = s.chosen(ctx, ids)
	}
	return s.Batches.Create(ctx, batch.Batch{Kind: batch.Autoship, Actor: actor}, items)
}

// RunAutoship is PrepareAutoship whose run starts at once. Errors: Conflict while another
// run has not ended.
func (s *Service) RunAutoship(ctx context.Context, ids []int64, actor string) (*batch.Batch, error) {
	b, err := s.PrepareAutoship(ctx, ids, actor)
	if err != nil {
		return nil, err
	}
	if err := s.Batches.Start(ctx, b.ID, actor); err != nil {
		s.discard(ctx, b.ID)
		return nil, err
	}
	return s.Batches.Find(ctx, b.ID)
}

// discard removes a preview that nobody is to see. One that can't be removed now is
// swept later.
func (s *Service) discard(ctx context.Context, id int64) {
	_ = s.Batches.Discard(context.WithoutCancel(ctx), id)
}

// AutoshipRun returns the run that has not ended, nil when there is none.
func (s *Service) AutoshipRun(ctx context.Context) (*batch.Batch, error) {
	var runs []batch.Batch
	err := s.db.Read(ctx).Where("kind = ? AND state IN ?", batch.Autoship, []batch.State{batch.Running, batch.Stopped}).
		Limit(1).Find(&runs).Error
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return &runs[0], nil
}

// allReady yields every order that can go, oldest first.
func (s *Service) allReady(ctx context.Context) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for after, first := int64(0), true; first || after != 0; first = false {
			page, err := s.ListCandidates(ctx, Ready, after, store.Batch)
			if err == nil && first && len(page.Candidates) == 0 {
				err = fault.New(fault.Conflict, "autoship.error.none_can_go")
			}
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			for _, c := range page.Candidates {
				if !yield(c.item(), nil) {
					return
				}
			}
			after = page.Next
		}
	}
}

// chosen yields orders in the order in which they were chosen, each once.
func (s *Service) chosen(ctx context.Context, ids []int64) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		if len(ids) == 0 {
			yield(batch.Item{}, fault.New(fault.Conflict, "autoship.error.none_chosen"))
			return
		}
		seen := make(map[int64]bool, len(ids))
		for chunk := range slices.Chunk(ids, store.Batch) {
			found, err := s.candidatesOf(ctx, chunk)
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			for _, id := range chunk {
				c, ok := found[id]
				if !ok || seen[id] { // it was never there: nobody saw it to choose it
					continue
				}
				seen[id] = true
				if !yield(c.item(), nil) {
					return
				}
			}
		}
	}
}

// item says what would become of a candidate.
func (c Candidate) item() batch.Item {
	id := c.Order.ID
	i := batch.Item{Label: c.Order.Number, OrderID: &id}
	if c.Obstacle != NoObstacle {
		i.State, i.Messages = c.Obstacle.result()
		return i
	}
	i.Messages = []batch.Message{batch.Say("autoship.makes." + c.Makes())}
	return i
}

// Makes names the documents that would be made: delivery_note, invoice or
// delivery_note_and_invoice.
func (c Candidate) Makes() string {
	switch note, invoice := makes(&c.Order); {
	case note && invoice:
		return "delivery_note_and_invoice"
	case note:
		return "delivery_note"
	}
	return "invoice"
}

// result is what an obstacle means for an item: what was made already needs nobody.
func (o Obstacle) result() (batch.ItemState, []batch.Message) {
	state := batch.ItemRefused
	switch o {
	case ObstacleLeft, ObstacleHasNote, ObstacleInvoiced:
		state = batch.Unchanged
	}
	return state, []batch.Message{batch.Say("autoship.obstacle." + string(o))}
}

// Autoship is the batch.Handler of autoship runs: it makes the documents of an order,
// once, however often and by however many it is called.
func (s *Service) Autoship(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
	if i.OrderID == nil {
		return batch.Result{}, fault.New(fault.NotFound, "order.error.not_found")
	}
	var r batch.Result
	err := s.act(ctx, *i.OrderID, b.Actor, func(j *job) (err error) {
		r, err = j.autoship(strconv.FormatInt(b.ID, 10))
		return err
	})
	return r, err
}

// autoshipDone is the kind of the protocol entry that ends the work on an order. Its
// facts are those of shipment.
const autoshipDone = "autoship_done"

// shipment is what a run made for an order.
type shipment struct{ run, note, invoice string }

func (a shipment) params() order.Params {
	return order.Params{"run": a.run, "note": a.note, "invoice": a.invoice}
}

func (a shipment) result() batch.Result {
	var r batch.Result
	if a.note != "" {
		r.Messages = append(r.Messages, batch.Say("autoship.made.delivery_note", "Number", a.note))
	}
	if a.invoice != "" {
		r.Messages = append(r.Messages, batch.Say("autoship.made.invoice", "Number", a.invoice))
	}
	return r
}

// autoship makes what the order says: a delivery note, an invoice, or both. An order
// with a note stays released until its last parcel has left.
func (j *job) autoship(run string) (batch.Result, error) {
	if last, err := j.lastShipment(); err != nil || last.run == run {
		return last.result(), err // its turn was cut off before the result was kept
	}
	ready, err := readinessOf(j.tx, []int64{j.order.ID})
	if err != nil {
		return batch.Result{}, err
	}
	if o := obstacle(j.order, ready[j.order.ID], j.clock.Now()); o != NoObstacle {
		var r batch.Result
		r.State, r.Messages = o.result()
		return r, nil
	}
	made := shipment{run: run}
	note, invoice := makes(j.order)
	if note {
		n, err := j.makeNoteAs("note_handed_over", j.allOpen())
		if err != nil {
			return batch.Result{}, err
		}
		made.note = n.Number
	}
	if invoice {
		inv, _, err := j.Documents.CreateInvoice(j.tx, j.order, j.actor)
		if err != nil {
			return batch.Result{}, err
		}
		made.invoice = inv.Number
	}
	if !note {
		if err := j.completeWithoutNote(); err != nil {
			return batch.Result{}, err
		}
	}
	if err := j.protocol(autoshipDone, made.params()); err != nil {
		return batch.Result{}, err
	}
	return made.result(), capture.RefreshFeedback(j.tx, j.order.ID)
}

// lastShipment is what the last run that took the order made of it.
func (j *job) lastShipment() (shipment, error) {
	var last []order.ProtocolEntry
	err := j.tx.Where("order_id = ? AND kind = ?", j.order.ID, autoshipDone).Order("id DESC").Limit(1).Find(&last).Error
	if err != nil {
		return shipment{}, fmt.Errorf("read what autoship made for order %s: %w", j.order.Number, err)
	}
	if len(last) == 0 {
		return shipment{}, nil
	}
	fact := func(name string) string { s, _ := last[0].Params[name].(string); return s }
	return shipment{run: fact("run"), note: fact("note"), invoice: fact("invoice")}, nil
}

// completeWithoutNote ends an order for which only an invoice was to be made: a service,
// or something that others deliver. No parcel of it will ever leave, so nothing waits any
// more. At Klarna it does: there money comes only for what was told to have left, and
// that a person says by marking the order shipped.
func (j *job) completeWithoutNote() error {
	if j.isKlarna() {
		return nil
	}
	j.order.Status = order.Completed
	if err := j.set(map[string]any{"status": order.Completed}); err != nil {
		return err
	}
	return j.protocol("completed_without_note", nil)
}
