package businessaccount

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
)

// Service sets business accounts up.
type Service struct {
	db     *store.DB
	clock  *clock.Clock
	box    *secretbox.Box
	trail  *audit.Trail
	client *klarna.Client
}

// New returns the service.
func New(db *store.DB, clk *clock.Clock, box *secretbox.Box, trail *audit.Trail, client *klarna.Client) *Service {
	return &Service{db: db, clock: clk, box: box, trail: trail, client: client}
}

// List returns all accounts by name.
func (s *Service) List(ctx context.Context) ([]Account, error) {
	var as []Account
	if err := s.db.Read(ctx).Order("name, id").Find(&as).Error; err != nil {
		return nil, fmt.Errorf("list business accounts: %w", err)
	}
	return as, nil
}

// Find returns an account; NotFound when there is none.
func (s *Service) Find(ctx context.Context, id int64) (*Account, error) {
	var a Account
	err := s.db.Read(ctx).Take(&a, id).Error
	return found(&a, err)
}

// FindByShortName is Find for other systems.
func (s *Service) FindByShortName(ctx context.Context, shortName string) (*Account, error) {
	if !store.Storable(shortName) {
		return nil, fault.New(fault.NotFound, "business_account.error.not_found")
	}
	var a Account
	err := s.db.Read(ctx).Where("short_name = ?", shortName).Take(&a).Error
	return found(&a, err)
}

func found(a *Account, err error) (*Account, error) {
	if store.IsNotFound(err) {
		return nil, fault.Wrap(err, fault.NotFound, "business_account.error.not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("find a business account: %w", err)
	}
	return a, nil
}

// Create makes an account. Errors: Invalid with the fields.
func (s *Service) Create(ctx context.Context, in Input, actor string) (*Account, error) {
	now := s.clock.Now()
	var a *Account
	err := s.save(ctx, func(tx *gorm.DB) error {
		a = &Account{CreatedAt: now, UpdatedAt: now}
		reading, err := s.change(tx, a, &in)
		if err != nil {
			return err
		}
		if err := tx.Create(a).Error; err != nil {
			return err
		}
		if err := s.seal(a, reading); err != nil { // the seal names the row, whose id is known only now
			return err
		}
		if err := tx.Select("access", "access_version", "user_hint", "days").Updates(a).Error; err != nil {
			return err
		}
		return s.trail.Append(tx, now, actor, "business_account.created", subject(a), changes(&Account{}, a))
	})
	if err != nil {
		return nil, fmt.Errorf("create business account %s: %w", in.ShortName, err)
	}
	return a, nil
}

// Update changes an account. Errors: Invalid with the fields: a short name that is taken,
// access data that another active account has.
func (s *Service) Update(ctx context.Context, id int64, in Input, actor string) (*Account, error) {
	now := s.clock.Now()
	var after Account
	err := s.save(ctx, func(tx *gorm.DB) error {
		before, err := lock(tx, id)
		if err != nil {
			return err
		}
		after = *before
		after.UpdatedAt = now
		reading, err := s.change(tx, &after, &in)
		if err != nil {
			return err
		}
		if err := s.seal(&after, reading); err != nil {
			return err
		}
		err = tx.Select("name", "short_name", "type", "region", "environment", "active", "fetch_automatically", "access", "access_mark",
			"access_version", "user_hint", "days", "updated_at").Updates(&after).Error
		if err != nil {
			return err
		}
		if c := changes(before, &after); len(c) > 0 {
			return s.trail.Append(tx, now, actor, "business_account.changed", subject(&after), c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("change business account %d: %w", id, err)
	}
	return &after, nil
}

// save runs fn in a transaction. If another one was faster with the same short name or
// access data, fn runs again: now it finds the other and names it.
func (s *Service) save(ctx context.Context, fn func(tx *gorm.DB) error) error {
	err := s.db.InTx(ctx, fn)
	if store.IsUnique(err, "business_accounts") {
		err = s.db.InTx(ctx, fn)
	}
	return err
}

// change checks the input and puts it into the account, but for what has to be sealed; it
// returns what its access data say.
func (s *Service) change(tx *gorm.DB, a *Account, in *Input) (Reading, error) {
	in.normalise()
	wasActive, wasMark := a.Active, a.AccessMark
	var f fault.Checker
	in.check(&f)
	var reading Reading
	if !in.noAccess(&f) {
		reading = a.Read(in.Access)
		for _, p := range reading.Errors() {
			f.Add("access", p.Key, p.Args...)
		}
	}
	if err := f.Err(); err != nil {
		return reading, err
	}
	in.apply(a)
	if err := s.complete(a, &reading); err != nil {
		return reading, err
	}
	var err error
	if a.AccessMark, err = s.mark(reading.User, a.Region, a.Environment); err != nil {
		return reading, err
	}
	if err := shortNameTaken(tx, &f, a); err != nil {
		return reading, err
	}
	field := "access"
	if a.AccessMark == wasMark && !wasActive {
		field = "active" // that is what was changed
	}
	if err := accessTaken(tx, &f, a, field); err != nil {
		return reading, err
	}
	return reading, f.Err()
}

func lock(tx *gorm.DB, id int64) (*Account, error) {
	var a Account
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&a, id).Error
	return found(&a, err)
}

// shortNameTaken names the other account and proposes a free short name.
func shortNameTaken(tx *gorm.DB, f *fault.Checker, a *Account) error {
	var other Account
	err := tx.Where("short_name = ? AND id <> ?", a.ShortName, a.ID).Take(&other).Error
	if store.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	proposal, err := freeShortName(tx, a.ShortName, a.ID)
	if err != nil {
		return err
	}
	f.Add("short_name", "business_account.error.short_name_taken", "ShortName", a.ShortName, "Name", other.Name, "Proposal", proposal)
	return nil
}

// accessTaken refuses what would book every payout twice.
func accessTaken(tx *gorm.DB, f *fault.Checker, a *Account, field string) error {
	if !a.Active || a.AccessMark == "" {
		return nil
	}
	var other Account
	err := tx.Where("access_mark = ? AND active AND id <> ?", a.AccessMark, a.ID).Take(&other).Error
	if store.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	f.Add(field, "business_account.error.access_taken", "Name", other.Name, "ShortName", other.ShortName)
	return nil
}

// FreeShortName returns shortName if no other account than except has it, else the next
// one that is free: klarna_2 after klarna.
func (s *Service) FreeShortName(ctx context.Context, shortName string, except int64) (string, error) {
	free, err := freeShortName(s.db.Read(ctx), shortName, except)
	if err != nil {
		return "", fmt.Errorf("find a free short name of business accounts: %w", err)
	}
	return free, nil
}

func freeShortName(tx *gorm.DB, shortName string, except int64) (string, error) {
	var taken []string
	if err := tx.Model(&Account{}).Where("id <> ?", except).Pluck("short_name", &taken).Error; err != nil {
		return "", err
	}
	base, free := strings.TrimSuffix(strings.TrimRight(shortName, "0123456789"), "_"), shortName
	for n := 2; slices.Contains(taken, free); n++ {
		number := "_" + strconv.Itoa(n)
		free = base[:min(len(base), MaxShortName-len(number))] + number
	}
	return free, nil
}

func subject(a *Account) string { return "business_account:" + a.ShortName }

// changes lists what an admin changed; of the access data only that they were.
func changes(before, after *Account) audit.Changes {
	var c audit.Changes
	c.Add("name", before.Name, after.Name)
	c.Add("short_name", before.ShortName, after.ShortName)
	c.Add("account_type", string(before.Type), string(after.Type))
	c.Add("region", string(before.Region), string(after.Region))
	c.Add("environment", string(before.Environment), string(after.Environment))
	c.Add("active", strconv.FormatBool(before.Active), strconv.FormatBool(after.Active))
	c.Add("fetch_automatically", strconv.FormatBool(before.FetchAutomatically), strconv.FormatBool(after.FetchAutomatically))
	c.Add("days", daysText(before.Days), daysText(after.Days))
	// Sealing is different every time, so what differs was sealed anew.
	if !bytes.Equal(before.Access, after.Access) {
		c.Secret("access")
	}
	return c
}

func daysText(days int) string {
	if days == 0 {
		return ""
	}
	return strconv.Itoa(days)
}
