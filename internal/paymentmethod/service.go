package paymentmethod

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Service sets payment methods up.
type Service struct {
	db     *store.DB
	clock  *clock.Clock
	box    *secretbox.Box
	trail  *audit.Trail
	client *klarna.Client
	bell   *work.Bell
	policy ProbePolicy
	// dependents are asked before a method changes and told after it did.
	dependents []Dependent
}

// Dependent is a package above whose rows depend on a method's settings.
type Dependent interface {
	// MethodUse tells what would be hurt by a change of a method.
	MethodUse(tx *gorm.DB, id int64) (Use, error)
	// MethodChanged follows a change in its transaction.
	MethodChanged(tx *gorm.DB, before, after *Method) error
}

// Use is what hangs on a method.
type Use struct {
	Orders int // orders of this type, counted up to 1000
	Open   int // captures whose outcome at Klarna is not known yet
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, box *secretbox.Box, trail *audit.Trail, client *klarna.Client, bell *work.Bell, policy ProbePolicy) *Service {
	return &Service{db: db, clock: clk, box: box, trail: trail, client: client, bell: bell, policy: policy}
}

// Depend makes d hear of changes. It is for the wiring, before the first request.
func (s *Service) Depend(d Dependent) { s.dependents = append(s.dependents, d) }

// List returns all methods by name.
func (s *Service) List(ctx context.Context) ([]Method, error) {
	var ms []Method
	if err := s.db.Read(ctx).Order("name, id").Find(&ms).Error; err != nil {
		return nil, fmt.Errorf("list payment methods: %w", err)
	}
	return ms, nil
}

// Find returns a method; NotFound when there is none.
func (s *Service) Find(ctx context.Context, id int64) (*Method, error) {
	var m Method
	err := s.db.Read(ctx).Take(&m, id).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "payment_method.error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find payment method %d: %w", id, err)
	}
	return &m, nil
}

// FindByType returns the method of a type, or gorm's not-found error.
func FindByType(tx *gorm.DB, typ string) (*Method, error) {
	var m Method
	if err := tx.Where("type = ?", typ).Take(&m).Error; err != nil {
		return nil, err
	}
	return &m, nil
}

// Create makes a method. Errors: Invalid with the fields.
func (s *Service) Create(ctx context.Context, in Input, actor string) (*Method, error) {
	in.normalise()
	var f fault.Checker
	in.check(&f)
	if strings.Contains(in.Username, hintMark) {
		f.Add("username", "payment_method.error.username_hint")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	m := &Method{CreatedAt: now}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		in.apply(m)
		m.ID, m.UpdatedAt = 0, now
		res := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "type"}}, DoNothing: true}).Create(m)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return typeTaken(tx, in.Type, 0)
		}
		if err := s.sealCredentials(tx, m, in.Username, in.Password); err != nil {
			return err
		}
		return s.trail.Append(tx, now, actor, "payment_method.created", subject(m), changes(&Method{}, m))
	})
	if err != nil {
		return nil, fmt.Errorf("create payment method %s: %w", in.Type, err)
	}
	return m, nil
}

// Update changes a method. Saving credentials lifts a pause. Errors: Invalid with the
// fields: a type that is taken, a type in use by orders that would change, a region,
// environment or username that would change while captures are on their way.
func (s *Service) Update(ctx context.Context, id int64, in Input, actor string) (*Method, error) {
	in.normalise()
	now := s.clock.Now()
	var after Method
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		before, err := lock(tx, id)
		if err != nil {
			return err
		}
		newUsername := in.Username
		if newUsername == before.UsernameHint {
			newUsername = ""
		}
		if err := s.checkUpdate(tx, before, in, newUsername); err != nil {
			return err
		}
		after = *before
		in.apply(&after)
		after.UpdatedAt = now
		err = tx.Select("name", "type", "module", "connection", "active", "mark_paid", "documents", "behaves_like", "document_text",
			"region", "environment", "hold_seconds", "updated_at").Updates(&after).Error
		if store.IsUnique(err, "payment_methods", "type") {
			return typeTaken(tx, in.Type, id)
		}
		if err != nil {
			return err
		}
		if err := s.sealCredentials(tx, &after, newUsername, in.Password); err != nil {
			return err
		}
		if after.targetChanged(before) {
			if err := s.lift(tx, &after); err != nil {
				return err
			}
		}
		if c := changes(before, &after); len(c) > 0 {
			if err := s.trail.Append(tx, now, actor, "payment_method.changed", subject(&after), c); err != nil {
				return err
			}
		}
		for _, d := range s.dependents {
			if err := d.MethodChanged(tx, before, &after); err != nil {
				return err
			}
		}
		s.bell.RingAfter(tx)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("change payment method %d: %w", id, err)
	}
	return &after, nil
}

func (s *Service) checkUpdate(tx *gorm.DB, before *Method, in Input, newUsername string) error {
	var f fault.Checker
	in.check(&f)
	if newUsername != "" && strings.Contains(newUsername, hintMark) {
		f.Add("username", "payment_method.error.username_hint")
	}
	use, err := s.use(tx, before.ID)
	if err != nil {
		return err
	}
	if in.Type != before.Type {
		var other Method
		err := tx.Where("type = ? AND id <> ?", in.Type, before.ID).Take(&other).Error
		switch {
		case err == nil:
			return typeTaken(tx, in.Type, before.ID)
		case !store.IsNotFound(err):
			return err
		case use.Orders > 0:
			f.Add("type", "payment_method.error.type_in_use")
		}
	}
	if in.Module != before.Module && use.Orders > 0 {
		f.Add("module", "payment_method.error.module_in_use")
	}
	if use.Open > 0 {
		for _, c := range []struct {
			name    string
			changed bool
		}{
			{"region", in.Region != before.Region},
			{"environment", in.Environment != before.Environment},
			{"username", newUsername != "" && !s.sameUsername(before, newUsername)},
		} {
			if c.changed {
				f.Add(c.name, "payment_method.error.captures_open", "Count", use.Open)
			}
		}
	}
	return f.Err()
}

// Use tells what hangs on a method, for the form.
func (s *Service) Use(ctx context.Context, id int64) (Use, error) { return s.use(s.db.Read(ctx), id) }

func (s *Service) use(tx *gorm.DB, id int64) (Use, error) {
	var sum Use
	for _, d := range s.dependents {
		u, err := d.MethodUse(tx, id)
		if err != nil {
			return sum, err
		}
		sum.Orders += u.Orders
		sum.Open += u.Open
	}
	return sum, nil
}

func lock(tx *gorm.DB, id int64) (*Method, error) {
	var m Method
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&m, id).Error
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "payment_method.error.not_found")
	}
	return &m, err
}

func (in *Input) apply(m *Method) {
	m.Name, m.Type, m.Module, m.Connection, m.Active = in.Name, in.Type, in.Module, in.Connection, in.Active
	m.MarkPaid, m.Documents, m.BehavesLike, m.DocumentText = in.MarkPaid, in.Documents, in.BehavesLike, in.DocumentText
	m.Region, m.Environment, m.HoldSeconds = in.Region, in.Environment, in.HoldSeconds
}

func (m *Method) targetChanged(before *Method) bool {
	return m.CredentialsVersion != before.CredentialsVersion || m.Region != before.Region || m.Environment != before.Environment
}

// typeTaken names the other method and proposes a free type.
func typeTaken(tx *gorm.DB, typ string, except int64) error {
	var other Method
	if err := tx.Where("type = ? AND id <> ?", typ, except).Take(&other).Error; err != nil {
		return err
	}
	proposal, err := freeType(tx, typ, except)
	if err != nil {
		return err
	}
	var f fault.Checker
	f.Add("type", "payment_method.error.type_taken", "Type", typ, "Name", other.Name, "Proposal", proposal)
	return f.Err()
}

// FreeType returns typ if no other method than except has it, else the next one that is
// free: klarna_2 after klarna.
func (s *Service) FreeType(ctx context.Context, typ string, except int64) (string, error) {
	free, err := freeType(s.db.Read(ctx), typ, except)
	if err != nil {
		return "", fmt.Errorf("find a free type of payment methods: %w", err)
	}
	return free, nil
}

func freeType(tx *gorm.DB, typ string, except int64) (string, error) {
	var taken []string
	if err := tx.Model(&Method{}).Where("id <> ?", except).Pluck("type", &taken).Error; err != nil {
		return "", err
	}
	base := strings.TrimSuffix(strings.TrimRight(typ, "0123456789"), "_")
	free := typ
	for n := 2; slices.Contains(taken, free); n++ {
		number := "_" + strconv.Itoa(n)
		free = base[:min(len(base), MaxType-len(number))] + number
	}
	return free, nil
}

func subject(m *Method) string { return "payment_method:" + m.Type }

// changes lists what an admin changed; of credentials only that they were.
func changes(before, after *Method) audit.Changes {
	fields := audit.Changes{
		{Field: "name", Old: before.Name, New: after.Name},
		{Field: "type", Old: before.Type, New: after.Type},
		{Field: "module", Old: string(before.Module), New: string(after.Module)},
		{Field: "connection", Old: string(before.Connection), New: string(after.Connection)},
		{Field: "active", Old: strconv.FormatBool(before.Active), New: strconv.FormatBool(after.Active)},
		{Field: "mark_paid", Old: strconv.FormatBool(before.MarkPaid), New: strconv.FormatBool(after.MarkPaid)},
		{Field: "documents", Old: string(before.Documents), New: string(after.Documents)},
		{Field: "behaves_like", Old: string(before.BehavesLike), New: string(after.BehavesLike)},
		{Field: "document_text", Old: before.DocumentText, New: after.DocumentText},
		{Field: "region", Old: string(before.Region), New: string(after.Region)},
		{Field: "environment", Old: string(before.Environment), New: string(after.Environment)},
		{Field: "hold_seconds", Old: strconv.Itoa(before.HoldSeconds), New: strconv.Itoa(after.HoldSeconds)},
	}
	var out audit.Changes
	for _, c := range fields {
		if c.Old != c.New {
			out = append(out, c)
		}
	}
	// Sealing is different every time, so what differs was sealed anew.
	if !bytes.Equal(before.Username, after.Username) {
		out = append(out, audit.Change{Field: "username", Secret: true})
	}
	if !bytes.Equal(before.Password, after.Password) {
		out = append(out, audit.Change{Field: "password", Secret: true})
	}
	return out
}

// Paused returns the methods for which nothing is sent at present.
func (s *Service) Paused(ctx context.Context) ([]Method, error) {
	var ms []Method
	if err := s.db.Read(ctx).Select("id", "name", "paused_at", "pause_reason").Where("paused_at IS NOT NULL").Order("id").Find(&ms).Error; err != nil {
		return nil, fmt.Errorf("list paused payment methods: %w", err)
	}
	return ms, nil
}
