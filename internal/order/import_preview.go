package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

// PreviewImport returns each order of a file as an item of a batch that says what would
// become of it: new, here already, or refused with each reason at its place. It looks
// orders up by the hundreds.
func (s *Service) PreviewImport(ctx context.Context, im *Import) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		p, err := s.newImportPreview(ctx, im)
		if err != nil {
			yield(batch.Item{}, err)
			return
		}
		orders := make([]Imported, 0, store.Batch)
		flush := func() bool {
			items, err := p.items(orders)
			orders = orders[:0]
			if err != nil {
				yield(batch.Item{}, err)
				return false
			}
			for _, i := range items {
				if !yield(i, nil) {
					return false
				}
			}
			return true
		}
		for o, err := range im.Orders() {
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			if orders = append(orders, o); len(orders) == store.Batch && !flush() {
				return
			}
		}
		flush()
	}
}

// maxLabel is how much of a number that is none is shown.
const maxLabel = 64

// importPreview is what the orders of a file are compared with.
type importPreview struct {
	*Service
	ctx     context.Context
	im      *Import
	methods map[string]*paymentmethod.Method // by type and, folded, by name
	klarna  map[string]string                // Klarna order ids of the file: the number of the order
}

func (s *Service) newImportPreview(ctx context.Context, im *Import) (*importPreview, error) {
	p := &importPreview{Service: s, ctx: ctx, im: im, methods: map[string]*paymentmethod.Method{}, klarna: map[string]string{}}
	var all []paymentmethod.Method
	if err := s.db.Read(ctx).Order("id DESC").Find(&all).Error; err != nil { // of two with a name the older one counts
		return nil, fmt.Errorf("list payment methods: %w", err)
	}
	for i := range all {
		p.methods[csvfile.Fold(all[i].Name)] = &all[i]
	}
	for i := range all {
		p.methods[all[i].Type] = &all[i]
	}
	return p, nil
}

// method finds a payment method as files name it: by its type, or as people call it.
func (p *importPreview) method(name string) *paymentmethod.Method {
	if m := p.methods[strings.ToLower(name)]; m != nil {
		return m
	}
	return p.methods[csvfile.Fold(name)]
}

// known is what the database has of some orders.
type known struct {
	hashes map[string]string // by number
	ids    map[string]int64  // by number
	klarna map[string]string // by Klarna order id: the number
}

// items says of orders what would become of them.
func (p *importPreview) items(orders []Imported) ([]batch.Item, error) {
	for i := range orders {
		p.check(&orders[i])
	}
	have, err := p.look(orders)
	if err != nil {
		return nil, err
	}
	items := make([]batch.Item, len(orders))
	for i := range orders {
		if items[i], err = p.item(&orders[i], have); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// check adds to an order's problems what Create would refuse.
func (p *importPreview) check(o *Imported) {
	if o.rows == nil {
		return
	}
	method := p.method(o.Input.PaymentMethod)
	if method != nil {
		o.Input.PaymentMethod = method.Type
	}
	o.Input.normalise()
	in := o.Input
	if in.PlacedAt.IsZero() {
		in.PlacedAt = p.clock.Now()
	}
	var f fault.Checker
	in.check(&f, method)
	if e, ok := errors.AsType[*fault.Error](f.Err()); ok {
		p.im.refuse(o, e.Fields)
	}
	if id := in.KlarnaOrderID; id != "" {
		if other, twice := p.klarna[id]; twice && other != o.Number {
			p.im.refuse(o, []fault.Field{{Name: "klarna_order_id", Key: "order.error.klarna_order_id_taken", Args: []any{"Number", other}}})
		} else {
			p.klarna[id] = o.Number
		}
	}
}

func (p *importPreview) look(orders []Imported) (known, error) {
	have := known{map[string]string{}, map[string]int64{}, map[string]string{}}
	var numbers, ids []string
	for _, o := range orders {
		if len(o.Problems) > 0 {
			continue
		}
		numbers = append(numbers, o.Number)
		if id := o.Input.KlarnaOrderID; id != "" {
			ids = append(ids, id)
		}
	}
	if len(numbers) == 0 {
		return have, nil
	}
	var rows []struct {
		ID                                 int64
		Number, ContentHash, KlarnaOrderID string
	}
	tx := p.db.Read(p.ctx).Model(&Order{}).Select("id, number, content_hash, klarna_order_id").Where("number IN ?", numbers)
	if len(ids) > 0 {
		tx = tx.Or("klarna_order_id <> '' AND klarna_order_id IN ?", ids)
	}
	if err := tx.Find(&rows).Error; err != nil {
		return have, fmt.Errorf("look orders up: %w", err)
	}
	for _, r := range rows {
		have.hashes[r.Number], have.ids[r.Number] = r.ContentHash, r.ID
		if r.KlarnaOrderID != "" {
			have.klarna[r.KlarnaOrderID] = r.Number
		}
	}
	return have, nil
}

func (p *importPreview) item(o *Imported, have known) (batch.Item, error) {
	item := batch.Item{Position: int64(o.Line), Label: clip(o.Number, maxLabel)}
	if len(o.Problems) == 0 {
		hash, err := o.Input.hash()
		if err != nil {
			return item, err
		}
		there, exists := have.hashes[o.Number]
		switch other := have.klarna[o.Input.KlarnaOrderID]; {
		case exists && there == hash:
			id := have.ids[o.Number]
			item.State, item.OrderID, item.Messages = batch.Unchanged, &id, []batch.Message{batch.Say("import.order.known")}
			return item, nil
		case exists:
			p.im.refuse(o, []fault.Field{{Name: colNumber, Key: "order.error.number_taken", Args: []any{"Number", o.Number}}})
		case other != "" && other != o.Number:
			p.im.refuse(o, []fault.Field{{Name: "klarna_order_id", Key: "order.error.klarna_order_id_taken", Args: []any{"Number", other}}})
		}
	}
	if len(o.Problems) > 0 {
		item.State = batch.ItemRefused
		for _, problem := range o.Problems {
			item.Messages = append(item.Messages, batch.At(problem.Line, problem.Column, problem.Key, problem.Args...))
		}
		return item, nil
	}
	input, err := json.Marshal(o.Input)
	if err != nil {
		return item, err
	}
	item.Input = string(input)
	item.Messages = []batch.Message{batch.Say("import.order.new", "Customer", o.Input.CustomerName,
		"Total", Money{o.Input.Total, o.Input.Currency}, "Count", len(o.Input.Lines))}
	return item, nil
}

// Import makes the order of an item of [Service.PreviewImport]; the same one again is
// there already. It does the items of batch.ImportOrders.
func (s *Service) Import(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
	var in Input
	if err := json.Unmarshal([]byte(i.Input), &in); err != nil {
		return batch.Result{}, fmt.Errorf("read the order: %w", err)
	}
	o, created, err := s.Create(ctx, in, b.Actor, FromFile(b.Title))
	if err != nil {
		return batch.Result{}, err
	}
	if !created {
		return batch.Result{State: batch.Unchanged, OrderID: &o.ID, Messages: []batch.Message{batch.Say("import.order.known")}}, nil
	}
	return batch.Result{OrderID: &o.ID, Messages: []batch.Message{batch.Say("import.order.created")}}, nil
}
