package carrier

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// Service keeps the table of carriers.
type Service struct {
	db    *store.DB
	clock *clock.Clock
	trail *audit.Trail
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, trail *audit.Trail) *Service {
	return &Service{db: db, clock: clk, trail: trail}
}

// Read returns the table within a transaction.
func Read(tx *gorm.DB) (Table, error) {
	var t Table
	if err := tx.Order("position, id").Find(&t).Error; err != nil {
		return nil, fmt.Errorf("read the carriers: %w", err)
	}
	return t, nil
}

// List returns the table.
func (s *Service) List(ctx context.Context) (Table, error) { return Read(s.db.Read(ctx)) }

// Find returns a carrier; NotFound when there is none.
func (s *Service) Find(ctx context.Context, id int64) (*Carrier, error) {
	var c Carrier
	err := s.db.Read(ctx).Take(&c, id).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "carrier.error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find carrier %d: %w", id, err)
	}
	return &c, nil
}

// Create adds a carrier. Errors: Invalid with the fields.
func (s *Service) Create(ctx context.Context, in Input, actor string) (*Carrier, error) {
	in.normalise()
	now := s.clock.Now()
	var c *Carrier
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := checkAmong(tx, in, 0); err != nil {
			return err
		}
		c = &Carrier{CreatedAt: now, UpdatedAt: now}
		in.apply(c)
		if err := tx.Create(c).Error; err != nil {
			return err
		}
		return s.trail.Append(tx, now, actor, "carrier.created", subject(c), changes(&Carrier{}, c))
	})
	if err != nil {
		return nil, fmt.Errorf("create carrier %s: %w", in.Key, taken(err, in))
	}
	return c, nil
}

// Update changes a carrier. Parcels keep what they were recorded with. Errors: Invalid
// with the fields, NotFound.
func (s *Service) Update(ctx context.Context, id int64, in Input, actor string) (*Carrier, error) {
	in.normalise()
	now := s.clock.Now()
	var after Carrier
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var before Carrier
		err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&before, id).Error
		if store.IsNotFound(err) {
			return fault.Wrap(err, fault.NotFound, "carrier.error.not_found")
		}
		if err != nil {
			return err
		}
		if err := checkAmong(tx, in, id); err != nil {
			return err
		}
		after = before
		in.apply(&after)
		c := changes(&before, &after)
		if len(c) == 0 {
			return nil
		}
		after.UpdatedAt = now
		if err := tx.Save(&after).Error; err != nil {
			return err
		}
		return s.trail.Append(tx, now, actor, "carrier.changed", subject(&after), c)
	})
	if err != nil {
		return nil, fmt.Errorf("change carrier %d: %w", id, taken(err, in))
	}
	return &after, nil
}

// checkAmong checks an input by itself and among the other carriers.
func checkAmong(tx *gorm.DB, in Input, id int64) error {
	var f fault.Checker
	in.check(&f)
	others, err := Read(tx)
	if err != nil {
		return err
	}
	for _, c := range others {
		switch {
		case c.ID == id:
		case c.Key == in.Key:
			f.Add("key", "carrier.error.key_taken", "Key", in.Key, "Name", c.Name)
		case strings.EqualFold(c.Name, in.Name): // nobody could choose between the two
			f.Add("name", "carrier.error.name_taken", "Key", c.Key, "Name", c.Name)
		}
	}
	return f.Err()
}

// taken makes an error of the field of a key that somebody else took at the same moment.
func taken(err error, in Input) error {
	if !store.IsUnique(err, "carriers", "key") {
		return err
	}
	var f fault.Checker
	f.Add("key", "carrier.error.key_taken", "Key", in.Key, "Name", in.Name)
	return f.Err()
}

func subject(c *Carrier) string { return "carrier:" + c.Key }

func changes(before, after *Carrier) audit.Changes {
	var c audit.Changes
	c.Add("key", before.Key, after.Key)
	c.Add("name", before.Name, after.Name)
	c.Add("code", before.Code, after.Code)
	c.Add("shipping_method", string(before.ShippingMethod), string(after.ShippingMethod))
	c.Add("tracking_url", before.TrackingURL, after.TrackingURL)
	c.Add("patterns", before.Patterns, after.Patterns)
	c.Add("position", strconv.Itoa(before.Position), strconv.Itoa(after.Position))
	c.Add("active", strconv.FormatBool(before.Active), strconv.FormatBool(after.Active))
	return c
}
