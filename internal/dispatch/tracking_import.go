package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// ImportTracking makes a batch of a file that was kept, whose items say what each line
// would do, and keeps how its columns were named for the next file of this kind. Errors:
// Invalid with the fields of the mapping, or what is wrong with the file; NotFound.
func (s *Service) ImportTracking(ctx context.Context, fileID string, m TrackingMapping, actor string) (*batch.Batch, error) {
	f, err := s.OpenTrackingFile(ctx, fileID)
	if err != nil {
		return nil, err
	}
	if err := m.check(f.Table); err != nil {
		return nil, err
	}
	carriers, err := carrier.Read(s.db.Read(ctx))
	if err != nil {
		return nil, err
	}
	if _, known := carriers.Find(m.Carrier); !known && m.Carrier != "" {
		var wrong fault.Checker
		wrong.Add("carrier", "error.choice", "Value", m.Carrier)
		return nil, wrong.Err()
	}
	p := &trackingPreview{Service: s, ctx: ctx, table: f.Table, mapping: m, carriers: carriers,
		lines: map[trackingKey]int{}, orders: map[string]string{}}
	b, err := s.Batches.Create(ctx, batch.Batch{Kind: batch.ImportTracking, Title: f.Name, Actor: actor}, p.items())
	if err != nil {
		return nil, err
	}
	if err := s.saveTrackingMapping(ctx, f.Table, m); err != nil {
		return nil, err
	}
	return b, s.forgetTrackingFile(ctx, fileID)
}

// trackingLine is a line of a file of tracking numbers.
type trackingLine struct {
	row       csvfile.Row
	reference string
	key       string // of the tracking number
	parcel    ParcelInput
	problems  []batch.Message
}

// trackingKey is a tracking number on an order.
type trackingKey struct {
	order int64
	key   string
}

// trackingPreview says of lines what they would do.
type trackingPreview struct {
	*Service
	ctx      context.Context
	table    *csvfile.Table
	mapping  TrackingMapping
	carriers carrier.Table
	lines    map[trackingKey]int // of the file, of what earlier lines would record
	orders   map[string]string   // tracking number: the order that an earlier line has it on
}

// items reads the file and looks its lines up by the hundreds.
func (p *trackingPreview) items() iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		lines := make([]trackingLine, 0, store.Batch)
		flush := func() bool {
			items, err := p.judge(lines)
			lines = lines[:0]
			for _, i := range items {
				if !yield(i, nil) {
					return false
				}
			}
			if err != nil {
				yield(batch.Item{}, err)
			}
			return err == nil
		}
		n := 0
		for row, err := range p.table.Rows() {
			if err != nil {
				yield(batch.Item{}, err)
				return
			}
			n++
			if lines = append(lines, p.line(row)); len(lines) == store.Batch && !flush() {
				return
			}
		}
		if n == 0 {
			yield(batch.Item{}, fault.New(fault.Invalid, "import.error.no_rows"))
			return
		}
		flush()
	}
}

// inExcel is a number that a spreadsheet took for a figure and rounded.
var inExcel = regexp.MustCompile(`^[0-9][.,]?[0-9]*[eE]\+?[0-9]+$`)

// line reads a row.
func (p *trackingPreview) line(row csvfile.Row) trackingLine {
	cell := func(heading string) string {
		if i := p.table.Index(heading); i >= 0 && i < len(row.Cells) {
			return row.Cells[i]
		}
		return ""
	}
	l := trackingLine{row: row, reference: cell(p.mapping.Reference), parcel: ParcelInput{
		TrackingNumber: cell(p.mapping.TrackingNumber), Carrier: cell(p.mapping.CarrierColumn)}}
	if row.Problem != nil {
		l.problems = []batch.Message{batch.At(row.Line, row.Problem.Name, row.Problem.Key, row.Problem.Args...)}
		return l
	}
	if l.parcel.Carrier == "" {
		l.parcel.Carrier = p.mapping.Carrier
	}
	l.parcel.normalise()
	l.key = order.TrackingKey(l.parcel.TrackingNumber)
	if l.reference == "" || !store.Storable(l.reference) {
		l.wrong(p.mapping.Reference, "error.required")
	}
	var f fault.Checker
	l.parcel.check(&f, "")
	if inExcel.MatchString(l.parcel.TrackingNumber) {
		f = fault.Checker{}
		f.Add("tracking_number", "tracking.error.rounded", "Number", l.parcel.TrackingNumber)
	}
	p.refuse(&l, f.Err())
	if l.parcel.Carrier == "" && len(l.problems) == 0 {
		p.recognise(&l)
	}
	return l
}

// recognise refuses a number whose form does not tell its carrier.
func (p *trackingPreview) recognise(l *trackingLine) {
	_, _, err := carrierOf(p.carriers, l.parcel, "")
	p.refuse(l, err)
}

// refuse adds what is wrong with a parcel, at the columns that it comes from.
func (p *trackingPreview) refuse(l *trackingLine, err error) {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return
	}
	for _, f := range e.Fields {
		column := p.mapping.TrackingNumber
		if f.Name == "carrier" && p.mapping.CarrierColumn != "" {
			column = p.mapping.CarrierColumn
		}
		l.wrong(column, f.Key, f.Args...)
	}
}

func (l *trackingLine) wrong(column, key string, args ...any) {
	l.problems = append(l.problems, batch.At(l.row.Line, column, key, args...))
}

// judge says of lines what they would do.
func (p *trackingPreview) judge(lines []trackingLine) ([]batch.Item, error) {
	facts, err := p.look(lines)
	if err != nil {
		return nil, err
	}
	items := make([]batch.Item, len(lines))
	for i := range lines {
		if items[i], err = p.item(&lines[i], facts); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// maxTrackingLabel is how much of a reference that is none is shown.
const maxTrackingLabel = 64

func (p *trackingPreview) item(l *trackingLine, facts *trackingFacts) (batch.Item, error) {
	item := batch.Item{Position: int64(l.row.Line), Label: l.reference}
	if r := []rune(item.Label); len(r) > maxTrackingLabel {
		item.Label = string(r[:maxTrackingLabel])
	}
	if len(l.problems) == 0 {
		p.match(l, &item, facts)
	}
	if len(l.problems) > 0 {
		item.State, item.Messages = batch.ItemRefused, l.problems
		return item, nil
	}
	if item.State != "" {
		return item, nil
	}
	input, err := json.Marshal(l.parcel)
	item.Input = string(input)
	return item, err
}

// match finds the order of a line, and whether the parcel may be recorded there.
func (p *trackingPreview) match(l *trackingLine, item *batch.Item, facts *trackingFacts) {
	found := facts.find(l.reference, p.mapping.ReferenceIs)
	switch {
	case len(found) == 0:
		l.wrong(p.mapping.Reference, "tracking.error.unknown", "Reference", item.Label)
		return
	case len(found) > 1:
		l.wrong(p.mapping.Reference, "tracking.error.several_orders", "Reference", item.Label, "Orders", strings.Join(facts.numbers(found), ", "))
		return
	}
	o := facts.orders[found[0].order]
	l.parcel.DeliveryNote = found[0].note
	item.OrderID, item.Label = &o.ID, o.Number
	number := l.parcel.TrackingNumber
	earlier, twice := p.lines[trackingKey{o.ID, l.key}]
	on, known := facts.parcels[trackingKey{o.ID, l.key}]
	switch {
	case o.Status == order.Draft:
		l.wrong("", "dispatch.error.draft", "Number", o.Number)
	case o.Status == order.Cancelled:
		l.wrong("", "dispatch.error.cancelled", "Number", o.Number)
	case facts.own[number]:
		l.wrong(p.mapping.TrackingNumber, "dispatch.error.own_number", "Number", number)
	case known && (l.parcel.DeliveryNote == "" || on[l.parcel.DeliveryNote]):
		item.State, item.Messages = batch.Unchanged, []batch.Message{batch.Say("tracking.known", "Number", number)}
	case known:
		l.wrong(p.mapping.TrackingNumber, "dispatch.error.on_other_note", "Note", keyOf(on))
	case twice:
		item.State, item.Messages = batch.Unchanged, []batch.Message{batch.Say("tracking.twice", "Number", number, "Line", earlier)}
	case l.parcel.DeliveryNote == "" && len(facts.waiting[o.ID]) > 1:
		l.wrong(p.mapping.Reference, "dispatch.error.several_notes", "Notes", strings.Join(facts.waiting[o.ID], ", "))
	default:
		p.lines[trackingKey{o.ID, l.key}] = l.row.Line
		item.Messages = p.plan(l, o, facts)
	}
}

// plan says what a line would do, and what is odd about it.
func (p *trackingPreview) plan(l *trackingLine, o *trackedOrder, facts *trackingFacts) []batch.Message {
	by, known, _ := carrierOf(p.carriers, l.parcel, "")
	messages := []batch.Message{batch.Say("tracking.plan", "Carrier", by.Name, "Number", l.parcel.TrackingNumber, "Customer", o.CustomerName)}
	if !known {
		messages = append(messages, batch.Say("tracking.unknown_carrier", "Carrier", by.Name))
	}
	other := p.orders[l.key]
	if other == "" {
		other = facts.elsewhere(l.key, o.ID)
	}
	if p.orders[l.key] = o.Number; other != "" && other != o.Number {
		messages = append(messages, batch.Say("tracking.elsewhere", "Order", other))
	}
	return messages
}

func keyOf(set map[string]bool) string {
	for key := range set {
		return key
	}
	return ""
}

// RecordTracking records the parcel of an item of [Service.ImportTracking]. It does the
// items of batch.ImportTracking.
func (s *Service) RecordTracking(ctx context.Context, b *batch.Batch, i *batch.Item) (batch.Result, error) {
	var in ParcelInput
	if err := json.Unmarshal([]byte(i.Input), &in); err != nil {
		return batch.Result{}, fmt.Errorf("read the parcel: %w", err)
	}
	if i.OrderID == nil {
		return batch.Result{}, errors.New("a parcel without an order")
	}
	r, err := s.RecordParcel(ctx, *i.OrderID, in, b.Actor)
	if err != nil {
		return batch.Result{}, err
	}
	if !r.Created {
		return batch.Result{State: batch.Unchanged, Messages: []batch.Message{batch.Say("tracking.known", "Number", in.TrackingNumber)}}, nil
	}
	messages := []batch.Message{batch.Say("tracking.recorded", "Number", in.TrackingNumber, "Note", r.Note)}
	if r.UnknownCarrier {
		messages = append(messages, batch.Say("tracking.unknown_carrier", "Carrier", r.Parcel.Carrier))
	}
	if r.Elsewhere != "" {
		messages = append(messages, batch.Say("tracking.elsewhere", "Order", r.Elsewhere))
	}
	return batch.Result{Messages: messages}, nil
}
