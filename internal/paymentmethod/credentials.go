package paymentmethod

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/work"
)

// ErrNoCredentials says that a method has no username or password.
var ErrNoCredentials = errors.New("the payment method has no credentials")

// ProbePolicy says how often a paused method is tried with a harmless read.
type ProbePolicy struct{ Every time.Duration }

func sealContext(id int64, field string) string {
	return "payment_method:" + strconv.FormatInt(id, 10) + ":" + field
}

// sealCredentials stores what was entered; what is empty stays as it is.
func (s *Service) sealCredentials(tx *gorm.DB, m *Method, username, password string) error {
	var err error
	changed := map[string]any{}
	if username != "" && !s.sameUsername(m, username) {
		if m.Username, err = s.box.Seal([]byte(username), sealContext(m.ID, "username")); err != nil {
			return fmt.Errorf("seal the username: %w", err)
		}
		m.UsernameHint = hint(username)
		changed["username"], changed["username_hint"] = m.Username, m.UsernameHint
	}
	if password != "" {
		if m.Password, err = s.box.Seal([]byte(password), sealContext(m.ID, "password")); err != nil {
			return fmt.Errorf("seal the password: %w", err)
		}
		changed["password"] = m.Password
	}
	if len(changed) == 0 {
		return nil
	}
	m.CredentialsVersion++
	changed["credentials_version"] = m.CredentialsVersion
	return tx.Model(&Method{}).Where("id = ?", m.ID).Updates(changed).Error
}

func (s *Service) sameUsername(m *Method, username string) bool {
	if len(m.Username) == 0 {
		return username == ""
	}
	old, err := s.box.Open(m.Username, sealContext(m.ID, "username"))
	return err == nil && string(old) == username
}

// Target returns where and as whom Klarna is called for a method.
func (s *Service) Target(m *Method) (klarna.Target, error) {
	username, password, err := s.open(m)
	if err != nil {
		return klarna.Target{}, err
	}
	return klarna.NewTarget(klarna.Endpoint{Region: m.Region, Environment: m.Environment}, username, password), nil
}

func (s *Service) open(m *Method) (username, password string, err error) {
	if !m.HasCredentials() {
		return "", "", ErrNoCredentials
	}
	u, err := s.box.Open(m.Username, sealContext(m.ID, "username"))
	if err != nil {
		return "", "", fmt.Errorf("open the username of payment method %s: %w", m.Type, err)
	}
	p, err := s.box.Open(m.Password, sealContext(m.ID, "password"))
	if err != nil {
		return "", "", fmt.Errorf("open the password of payment method %s: %w", m.Type, err)
	}
	return string(u), string(p), nil
}

// Verdict is the answer of "Check connection", in one word (message key
// "payment_method.check."+verdict).
type Verdict string

// The verdicts.
const (
	VerdictOK           Verdict = "ok"
	VerdictMissing      Verdict = "missing"      // no username or no password
	VerdictUnauthorized Verdict = "unauthorized" // user, password, region or environment is wrong
	VerdictForbidden    Verdict = "forbidden"    // known, but not allowed: the contract
	VerdictTooMany      Verdict = "too_many"
	VerdictNoAnswer     Verdict = "no_answer"
	VerdictUnexpected   Verdict = "unexpected"
)

// Check is what "Check connection" found out.
type Check struct {
	Verdict Verdict
	// Hints are further keys below "payment_method.check.hint.": what is probably wrong.
	Hints []string
	Call  klarna.Call
}

// Check asks Klarna whether the credentials are good, with a read that changes nothing.
func (s *Service) Check(ctx context.Context, id int64) (Check, error) {
	m, err := s.Find(ctx, id)
	if err != nil {
		return Check{}, err
	}
	t, err := s.Target(m)
	if errors.Is(err, ErrNoCredentials) {
		return Check{Verdict: VerdictMissing}, nil
	}
	if err != nil {
		return Check{}, err
	}
	call, err := s.client.OrderManagement(t).CheckCredentials(ctx)
	c := Check{Verdict: verdict(err), Call: call}
	if c.Verdict == VerdictUnauthorized {
		if c.Hints, err = s.hints(m); err != nil {
			return c, err
		}
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if c.Verdict == VerdictOK {
			if err := Succeeded(tx, m, s.clock.Now()); err != nil {
				return err
			}
		}
		_, err := KeepCall(tx, id, call, nil)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("keep the check of payment method %s: %w", m.Type, err)
	}
	return c, nil
}

func verdict(err error) Verdict {
	switch klarna.Classify(err) {
	case klarna.OK:
		return VerdictOK
	case klarna.Unauthorized:
		return VerdictUnauthorized
	case klarna.BareForbidden:
		return VerdictForbidden
	case klarna.TooFast:
		return VerdictTooMany
	case klarna.Unknown:
		return VerdictNoAnswer
	}
	return VerdictUnexpected
}

// Doubts says which of a method's settings its credentials do not look like, as keys
// below "payment_method.check.hint.". It asks nobody: the forms of Klarna's usernames
// and keys are customs, not promises, so they only ever hint.
func (s *Service) Doubts(m *Method) ([]string, error) {
	username, password, err := s.open(m)
	if errors.Is(err, ErrNoCredentials) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var doubts []string
	if e, known := klarna.PasswordEnvironment(password); known && e != m.Environment {
		doubts = append(doubts, hintEnvironment)
	}
	if r, known := klarna.UsernameRegion(username); known && r != m.Region {
		doubts = append(doubts, hintRegion)
	}
	return doubts, nil
}

// What is probably wrong, below "payment_method.check.hint.".
const (
	hintEnvironment = "environment"
	hintRegion      = "region"
	hintRetype      = "retype"
)

// hints says which of user, password, region and environment is probably wrong after
// Klarna refused them. Now even the weakest sign counts: usernames of the older kind
// begin with a P in the playground, and without one live.
func (s *Service) hints(m *Method) ([]string, error) {
	hints, err := s.Doubts(m)
	if err != nil {
		return nil, err
	}
	username, password, err := s.open(m)
	if err != nil {
		return nil, err
	}
	_, passwordTells := klarna.PasswordEnvironment(password)
	_, older := klarna.UsernameRegion(username)
	if older && !passwordTells && strings.HasPrefix(username, "P") != (m.Environment == klarna.Playground) {
		hints = append(hints, hintEnvironment)
	}
	return append(hints, hintRetype), nil
}

// Pause stops a method until its credentials are mended: nothing is sent for it. It
// acts only while the credentials are those of version, so that a late refusal of old
// ones does not pause mended ones; paused tells whether it did.
func (s *Service) Pause(tx *gorm.DB, id, version int64, reason PauseReason) (paused bool, err error) {
	now := s.clock.Now()
	due := now.Add(s.policy.Every)
	res := tx.Model(&Method{}).Where("id = ? AND credentials_version = ? AND paused_at IS NULL", id, version).
		Updates(map[string]any{"paused_at": now, "pause_reason": reason, "due_at": due})
	return res.RowsAffected == 1, res.Error
}

// Wait keeps a method from sending until then, because Klarna said: too fast.
func Wait(tx *gorm.DB, id int64, until time.Time) error {
	return tx.Model(&Method{}).Where("id = ? AND (wait_until IS NULL OR wait_until < ?)", id, until).Update("wait_until", until).Error
}

// Succeeded keeps when Klarna last answered well; once a minute is enough to know. m is
// the method as it was read before the call.
func Succeeded(tx *gorm.DB, m *Method, at time.Time) error {
	before := at.Add(-time.Minute)
	if m.LastSuccessAt != nil && !m.LastSuccessAt.Before(before) {
		return nil
	}
	return tx.Model(&Method{}).Where("id = ? AND (last_success_at IS NULL OR last_success_at < ?)", m.ID, before).
		Update("last_success_at", at).Error
}

// Resume lifts a pause by hand and wakes the workers.
func (s *Service) Resume(ctx context.Context, id int64, actor string) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		m, err := lock(tx, id)
		if err != nil {
			return err
		}
		if m.PausedAt == nil {
			return fault.New(fault.Conflict, "payment_method.error.not_paused")
		}
		if err := s.lift(tx, m); err != nil {
			return err
		}
		return s.trail.Append(tx, s.clock.Now(), actor, "payment_method.resumed", subject(m), nil)
	})
}

func (s *Service) lift(tx *gorm.DB, m *Method) error {
	m.PausedAt, m.PauseReason, m.DueAt, m.WaitUntil = nil, "", nil, nil
	s.bell.RingAfter(tx)
	return tx.Model(&Method{}).Where("id = ?", m.ID).
		Updates(map[string]any{"paused_at": nil, "pause_reason": "", "due_at": nil, "wait_until": nil}).Error
}

// Probes is the queue of paused methods: each is tried with a harmless read from time
// to time and goes on by itself when Klarna takes its credentials again.
func (s *Service) Probes() *work.Queue {
	return &work.Queue{Name: "probe", Table: "payment_methods", Eligible: "t.paused_at IS NOT NULL", Do: s.probe}
}

func (s *Service) probe(ctx context.Context, c *work.Claim) error {
	check, err := s.Check(ctx, c.ID)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		m, err := lock(tx, c.ID)
		switch {
		case err != nil:
			return err
		case m.PausedAt == nil: // a person was faster
			return c.Finish(tx, nil)
		case check.Verdict != VerdictOK:
			next := s.clock.Now().Add(s.policy.Every)
			return c.Finish(tx, &next)
		}
		if err := c.Finish(tx, nil); err != nil {
			return err
		}
		if err := s.lift(tx, m); err != nil {
			return err
		}
		return s.trail.Append(tx, s.clock.Now(), "", "payment_method.resumed_by_itself", subject(m), nil)
	})
}
