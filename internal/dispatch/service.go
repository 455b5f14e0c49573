package dispatch

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

// NoteNumbers is the number range of delivery notes.
const (
	NoteNumbers     = "delivery_notes"
	firstNoteNumber = 300001
)

// Service lets orders leave.
type Service struct {
	db    *store.DB
	clock *clock.Clock
	Deps
}

// Deps are what leaving takes.
type Deps struct {
	Captures  *capture.Pusher
	Carriers  *carrier.Service
	Documents *document.Service
	Mails     *mail.Service // nil: customers get no mails
	Batches   *batch.Service
	Trail     *audit.Trail // of the autoship schedule
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, d Deps) *Service {
	s := &Service{db: db, clock: clk, Deps: d}
	if d.Mails != nil {
		d.Mails.Handle(s.composeMail, s.mailOutcome)
	}
	return s
}

// job is an order that somebody acts on, held for the time of one transaction.
type job struct {
	*Service
	tx    *gorm.DB
	order *order.Order
	lines []order.Line
	notes []order.DeliveryNote // with lines and parcels, oldest first
	actor string
}

// act runs do on an order that nobody else can change meanwhile.
func (s *Service) act(ctx context.Context, orderID int64, actor string, do func(j *job) error) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		o, err := order.Lock(tx, orderID)
		if store.IsNotFound(err) {
			return fault.Wrap(err, fault.NotFound, "order.error.not_found")
		}
		if err != nil {
			return fmt.Errorf("read order %d: %w", orderID, err)
		}
		if err := tx.Take(&o.PaymentMethod, o.PaymentMethodID).Error; err != nil {
			return fmt.Errorf("read the payment method of order %s: %w", o.Number, err)
		}
		j := &job{Service: s, tx: tx, order: o, actor: actor}
		if err := tx.Where("order_id = ?", o.ID).Order("id").Find(&j.lines).Error; err != nil {
			return fmt.Errorf("read the lines of order %s: %w", o.Number, err)
		}
		if err := j.readNotes(); err != nil {
			return err
		}
		return do(j)
	})
}

func (j *job) readNotes() error {
	j.notes = nil
	err := j.tx.Preload("Lines").Preload("Parcels", func(tx *gorm.DB) *gorm.DB { return tx.Order("id") }).
		Where("order_id = ? AND withdrawn_at IS NULL", j.order.ID).Order("id").Find(&j.notes).Error
	if err != nil {
		return fmt.Errorf("read the delivery notes of order %s: %w", j.order.Number, err)
	}
	return nil
}

func (j *job) protocol(kind string, p order.Params) error {
	return order.AddProtocol(j.tx, order.ProtocolEntry{OrderID: j.order.ID, At: j.clock.Now(), Actor: j.actor, Kind: kind, Params: p})
}

// set changes columns of the order.
func (j *job) set(changes map[string]any) error {
	changes["updated_at"] = j.clock.Now()
	return j.tx.Model(&order.Order{}).Where("id = ?", j.order.ID).Updates(changes).Error
}

func (j *job) isKlarna() bool { return j.order.PaymentMethod.Module == paymentmethod.ModuleKlarna }

// mayLeave refuses orders of which nothing may leave.
func (j *job) mayLeave() error {
	switch j.order.Status {
	case order.Draft:
		return fault.New(fault.Conflict, "dispatch.error.draft", "Number", j.order.Number)
	case order.Cancelled:
		return fault.New(fault.Conflict, "dispatch.error.cancelled", "Number", j.order.Number)
	}
	return nil
}

// allOpen returns everything that is in no note.
func (j *job) allOpen() map[int64]money.Quantity { return order.Open(j.lines, j.notes) }

// makeNote makes the next delivery note for these quantities.
func (j *job) makeNote(quantities map[int64]money.Quantity) (*order.DeliveryNote, error) {
	return j.makeNoteAs("note_created", quantities)
}

// makeNoteAs is makeNote with the kind of the protocol entry that tells of it.
func (j *job) makeNoteAs(kind string, quantities map[int64]money.Quantity) (*order.DeliveryNote, error) {
	n := order.PlanNote(j.order, j.lines, j.notes, quantities)
	var err error
	if n.Number, err = store.NextNumber(j.tx, NoteNumbers, firstNoteNumber); err != nil {
		return nil, err
	}
	n.CreatedBy, n.CreatedAt = j.actor, j.clock.Now()
	if err := j.tx.Create(&n).Error; err != nil { // with its lines
		return nil, fmt.Errorf("make a delivery note for order %s: %w", j.order.Number, err)
	}
	if err := order.AddTerms(j.tx, j.order.ID, n.Number); err != nil {
		return nil, err
	}
	j.notes = append(j.notes, n)
	return &j.notes[len(j.notes)-1], j.protocol(kind, order.Params{"note": n.Number,
		"amount": order.Money{Amount: n.Amount, Currency: j.order.Currency}})
}

// leave makes a delivery note leave: it is shipped from now on, and Klarna is to be told.
func (j *job) leave(n *order.DeliveryNote) error {
	now := j.clock.Now()
	n.ShippedAt = &now
	err := j.tx.Model(&order.DeliveryNote{}).Where("id = ?", n.ID).
		Updates(map[string]any{"shipped_at": now, "without_tracking": n.WithoutTracking}).Error
	if err != nil {
		return err
	}
	if err := j.refreshStatus(); err != nil {
		return err
	}
	if err := j.Captures.Plan(j.tx, j.order, n, j.actor); err != nil {
		return err
	}
	return order.Settle(j.tx, j.order.ID)
}

// refreshStatus makes the order shipped when everything of it has left, and released
// again when that is no longer so.
func (j *job) refreshStatus() error {
	gone := len(j.allOpen()) == 0 && len(j.notes) > 0
	var last time.Time
	for _, n := range j.notes {
		gone = gone && n.ShippedAt != nil
		if gone && n.ShippedAt.After(last) {
			last = *n.ShippedAt
		}
	}
	switch {
	case gone && j.order.Status == order.Released:
		j.order.Status = order.Shipped
		if err := j.set(map[string]any{"status": order.Shipped, "shipped_at": last}); err != nil {
			return err
		}
		return j.protocol("order_shipped", nil)
	case !gone && j.order.Gone():
		j.order.Status = order.Released
		return j.set(map[string]any{"status": order.Released, "shipped_at": nil})
	}
	return nil
}

// LineQuantity is how much of an order's line, by its position from 1, a note takes.
type LineQuantity struct {
	Line     int
	Quantity money.Quantity
}

// CreateNote makes a delivery note for parts of an order; without lines for everything
// that is open. Errors: Invalid at "lines.N.line" or "lines.N.quantity", Conflict.
func (s *Service) CreateNote(ctx context.Context, orderID int64, parts []LineQuantity, actor string) (*order.DeliveryNote, error) {
	var note *order.DeliveryNote
	err := s.act(ctx, orderID, actor, func(j *job) error {
		if err := j.mayLeave(); err != nil {
			return err
		}
		quantities := j.allOpen()
		if len(parts) > 0 {
			var err error
			if quantities, err = j.choose(parts); err != nil {
				return err
			}
		}
		if len(quantities) == 0 && len(j.notes) > 0 {
			return fault.New(fault.Conflict, "dispatch.error.nothing_open", "Number", j.order.Number)
		}
		var err error
		note, err = j.makeNote(quantities)
		if err != nil {
			return err
		}
		return capture.RefreshFeedback(j.tx, j.order.ID)
	})
	return note, err
}

// choose checks that what is wanted is open.
func (j *job) choose(parts []LineQuantity) (map[int64]money.Quantity, error) {
	var f fault.Checker
	open, chosen := j.allOpen(), map[int64]money.Quantity{}
	for i, p := range parts {
		if p.Line < 1 || p.Line > len(j.lines) || !j.lines[p.Line-1].Type.IsGoods() {
			f.Add(fmt.Sprintf("lines.%d.line", i), "dispatch.error.no_such_line", "Line", p.Line)
			continue
		}
		l := j.lines[p.Line-1]
		switch {
		case p.Quantity <= 0:
			f.Add(fmt.Sprintf("lines.%d.quantity", i), "order.error.quantity")
		case chosen[l.ID]+p.Quantity > open[l.ID]:
			f.Add(fmt.Sprintf("lines.%d.quantity", i), "dispatch.error.more_than_open", "Open", open[l.ID].String())
		default:
			chosen[l.ID] += p.Quantity
		}
	}
	return chosen, f.Err()
}
