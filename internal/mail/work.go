package mail

import (
	"context"
	"fmt"
	"net/mail"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/work"
)

// retries are the waits after a temporary failure; after the last one a mail has failed.
var retries = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}

// delivery is a mail that is ready to be handed over.
type delivery struct {
	mail     Mail
	settings Settings
	password secretbox.Secret
	letter   []byte
}

// work sends a mail. Nothing is written while the mail server is spoken to.
func (s *Service) work(ctx context.Context, c *work.Claim) error {
	d, err := s.begin(ctx, c)
	if err != nil || d == nil {
		return err
	}
	copyRefused, failure := s.deliver(ctx, d.settings, d.password, d.mail.Recipient, d.letter)
	if failure != nil && ctx.Err() != nil {
		return ctx.Err() // the program ends: it goes again
	}
	d.mail.CopyRefused = copyRefused
	return s.end(context.WithoutCancel(ctx), c, &d.mail, failure)
}

// begin composes a mail and marks it as being sent; nil when there is nothing to send.
func (s *Service) begin(ctx context.Context, c *work.Claim) (*delivery, error) {
	var d *delivery
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		d = nil
		var m Mail
		if err := tx.Take(&m, c.ID).Error; err != nil {
			return err
		}
		if m.State != Pending && m.State != Sending {
			return c.Finish(tx, nil)
		}
		content, err := s.compose(tx, &m)
		if err != nil {
			return err
		}
		k, err := load(tx)
		if err != nil {
			return err
		}
		switch {
		case content.Withdrawn != "":
			m.State, m.Reason = Withdrawn, content.Withdrawn
			return s.finish(tx, c, &m)
		case !k.Enabled:
			m.State, m.Reason = Withdrawn, SwitchedOff
			return s.finish(tx, c, &m)
		case m.Attempts > len(retries): // cut off again and again
			m.State, m.Reason = Failed, NoAnswer
			return s.finish(tx, c, &m)
		}
		m.State, m.Attempts = Sending, m.Attempts+1
		d = &delivery{mail: m, settings: k.Settings}
		subject, text := k.Template(m.Language).render(k.complete(content.Values))
		d.letter, err = k.letter(mail.Address{Name: content.Name, Address: m.Recipient}, subject, text, m.MessageID, s.clock.Now())
		if err != nil {
			return err
		}
		if d.password, err = s.password(k); err != nil {
			return err
		}
		return mine(c.Mine(tx).Updates(map[string]any{"state": m.State, "attempts": m.Attempts}))
	})
	if err != nil {
		return nil, fmt.Errorf("begin to send mail %d: %w", c.ID, err)
	}
	return d, nil
}

// end writes down what became of a mail.
func (s *Service) end(ctx context.Context, c *work.Claim, m *Mail, failure *Failure) error {
	now := s.clock.Now()
	m.DueAt, m.Reason, m.Answer = nil, "", ""
	switch {
	case failure == nil:
		m.State, m.SentAt = Sent, &now
	case failure.Temporary() && m.Attempts <= len(retries):
		due := now.Add(retries[m.Attempts-1])
		m.State, m.DueAt = Pending, &due
	default:
		m.State = Failed
	}
	if failure != nil {
		m.Reason, m.Answer = failure.Reason, failure.Answer
	}
	if err := s.db.InTx(ctx, func(tx *gorm.DB) error { return s.finish(tx, c, m) }); err != nil {
		return fmt.Errorf("write down what became of mail %d: %w", m.ID, err)
	}
	return nil
}

// finish ends a mail's turn: pending until DueAt, or for good.
func (s *Service) finish(tx *gorm.DB, c *work.Claim, m *Mail) error {
	if m.State != Pending {
		m.DueAt = nil
	}
	if err := s.outcome(tx, m); err != nil {
		return err
	}
	err := mine(c.Mine(tx).Updates(map[string]any{"state": m.State, "reason": m.Reason, "answer": m.Answer, "sent_at": m.SentAt}))
	if err != nil {
		return err
	}
	return c.Finish(tx, m.DueAt)
}

// mine tells that a statement found no row because the claim was lost.
func mine(res *gorm.DB) error {
	if res.Error == nil && res.RowsAffected == 0 {
		return work.ErrLost
	}
	return res.Error
}
