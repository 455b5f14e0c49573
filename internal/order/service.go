package order

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

// Numbers is the number range of orders made by hand.
const (
	Numbers     = "orders"
	firstNumber = 200001
)

// Service makes orders and finds them.
type Service struct {
	db    *store.DB
	clock *clock.Clock
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock) *Service { return &Service{db: db, clock: clk} }

// Option changes how the protocol of a new order begins.
type Option func(first *ProtocolEntry)

// FromFile says that the order stood in a file.
func FromFile(name string) Option {
	return func(first *ProtocolEntry) { first.Kind, first.Params = "order_imported", Params{"file": name} }
}

// Create makes an order. The same input again returns the order that is there, with
// created false. Errors: Invalid with the fields; Conflict with the key
// "order.error.number_taken" (another order has the number) or
// "order.error.klarna_order_id_taken".
func (s *Service) Create(ctx context.Context, in Input, actor string, options ...Option) (o *Order, created bool, err error) {
	in.normalise()
	posted := in
	if in.PlacedAt.IsZero() {
		in.PlacedAt = s.clock.Now()
	}
	method, err := s.method(ctx, in.PaymentMethod)
	if err != nil {
		return nil, false, err
	}
	var f fault.Checker
	in.check(&f, method)
	if err := f.Err(); err != nil {
		return nil, false, err
	}
	hash, err := posted.hash() // without the time that it did not have
	if err != nil {
		return nil, false, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		var lines []Line
		o, lines = in.order(method)
		o.ContentHash = hash
		o.CreatedBy, o.CreatedAt, o.UpdatedAt = actor, s.clock.Now(), s.clock.Now()
		created, err = insert(tx, o)
		if err != nil || !created {
			return err
		}
		for i := range lines {
			lines[i].OrderID = o.ID
		}
		if err := tx.CreateInBatches(lines, store.Batch).Error; err != nil {
			return fmt.Errorf("create lines: %w", err)
		}
		if err := AddTerms(tx, o.ID, o.Number, o.ExternalNumber, o.CustomerName, o.CustomerEmail, o.KlarnaOrderID); err != nil {
			return err
		}
		o.Lines = lines
		first := ProtocolEntry{OrderID: o.ID, At: o.CreatedAt, Actor: actor, Kind: "order_created"}
		if o.Status == Draft {
			first.Kind = "order_drafted"
		}
		for _, change := range options {
			change(&first)
		}
		return AddProtocol(tx, first)
	})
	if err != nil {
		return nil, false, fmt.Errorf("create order %s: %w", in.Number, err)
	}
	if !created {
		return s.existing(ctx, in.Number, hash)
	}
	return o, true, nil
}

// method returns the payment method with this type, nil when there is none.
func (s *Service) method(ctx context.Context, typ string) (*paymentmethod.Method, error) {
	if !store.Storable(typ) {
		return nil, nil
	}
	m, err := paymentmethod.FindByType(s.db.Read(ctx), typ)
	if store.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find payment method: %w", err)
	}
	return m, nil
}

// insert creates the row; created is false when its number is taken. A number that
// was not given is the next free one of the range.
func insert(tx *gorm.DB, o *Order) (created bool, err error) {
	given := o.Number != ""
	for {
		if !given {
			if o.Number, err = store.NextNumber(tx, Numbers, firstNumber); err != nil {
				return false, err
			}
		}
		res := tx.Omit(clause.Associations).Clauses(clause.OnConflict{DoNothing: true}).Create(o)
		if res.Error != nil || res.RowsAffected == 1 {
			return res.Error == nil, res.Error
		}
		if err := refuseTakenKlarnaOrderID(tx, o); err != nil || given {
			return false, err
		}
	}
}

// refuseTakenKlarnaOrderID names the other order, if there is one; the unique index is
// what holds.
func refuseTakenKlarnaOrderID(tx *gorm.DB, o *Order) error {
	if o.KlarnaOrderID == "" {
		return nil
	}
	var other []string
	err := tx.Model(&Order{}).Where("klarna_order_id = ? AND number <> ?", o.KlarnaOrderID, o.Number).Limit(1).Pluck("number", &other).Error
	if err != nil || len(other) == 0 {
		return err
	}
	return klarnaOrderIDTaken(other[0])
}

func klarnaOrderIDTaken(other string) error {
	e := fault.New(fault.Conflict, "order.error.klarna_order_id_taken", "Number", other)
	e.Fields = []fault.Field{{Name: "klarna_order_id", Key: e.Key, Args: e.Args}}
	return e
}

func (s *Service) existing(ctx context.Context, number, hash string) (*Order, bool, error) {
	o, err := s.FindByNumber(ctx, number)
	if err != nil {
		return nil, false, err
	}
	if o.ContentHash != hash {
		e := fault.New(fault.Conflict, "order.error.number_taken", "Number", number)
		e.Fields = []fault.Field{{Name: "number", Key: e.Key, Args: e.Args}}
		return nil, false, e
	}
	return o, false, nil
}

// CheckKlarnaOrderID refuses an id that Klarna would refuse, at the field
// "klarna_order_id".
func CheckKlarnaOrderID(f *fault.Checker, id string) { checkKlarnaOrderID(f, id) }

// SetKlarnaOrderID gives the order another id at Klarna. Whether it may be changed is
// the caller's business.
func SetKlarnaOrderID(tx *gorm.DB, o *Order, id string) error {
	o.KlarnaOrderID = id
	if err := refuseTakenKlarnaOrderID(tx, o); err != nil {
		return err
	}
	err := tx.Model(&Order{}).Where("id = ?", o.ID).Update("klarna_order_id", id).Error
	if store.IsUnique(err, "orders", "klarna_order_id") {
		return klarnaOrderIDTaken("")
	}
	if err != nil {
		return err
	}
	return AddTerms(tx, o.ID, id)
}
