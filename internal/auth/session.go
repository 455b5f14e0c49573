package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
)

// SessionLifetime is how long a log-in lasts.
const SessionLifetime = 12 * time.Hour

// seenEvery is how exact "last seen" is: reading pages is to write next to nothing.
const seenEvery = 5 * time.Minute

const maxUserAgent = 200

// Session is a log-in.
type Session struct {
	ID        int64
	UserID    int64
	UserAgent string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// errLoggedOut is the answer to a token that is no log-in, or no longer.
var errLoggedOut = fault.New(fault.Unauthorized, "auth.error.logged_out")

func startSession(tx *gorm.DB, now time.Time, userID int64, userAgent string) (token string, err error) {
	token = newToken()
	err = tx.Table("sessions").Create(map[string]any{
		"token_hash": hashToken(token), "user_id": userID, "user_agent": shorten(userAgent),
		"created_at": now, "seen_at": now, "expires_at": now.Add(SessionLifetime),
	}).Error
	if err != nil {
		return "", fmt.Errorf("start a session: %w", err)
	}
	return token, nil
}

// Session returns who is logged in with token; fault.Unauthorized when nobody is.
func (s *Service) Session(ctx context.Context, token string) (User, Session, error) {
	now := s.clock.Now()
	var sess Session
	read := s.db.Read(ctx)
	err := read.Where("token_hash = ? AND expires_at > ?", hashToken(token), now).Limit(1).Find(&sess).Error
	if err != nil {
		return User{}, Session{}, fmt.Errorf("find a session: %w", err)
	}
	var u User
	if sess.ID != 0 {
		if err := read.Where("id = ? AND active", sess.UserID).Limit(1).Find(&u).Error; err != nil {
			return User{}, Session{}, fmt.Errorf("find the user of a session: %w", err)
		}
	}
	if u.ID == 0 {
		return User{}, Session{}, errLoggedOut
	}
	if before := now.Add(-seenEvery); !sess.SeenAt.After(before) {
		_, err := s.db.Exec(ctx, "UPDATE sessions SET seen_at = ? WHERE id = ? AND seen_at <= ?", now, sess.ID, before)
		if err != nil {
			return User{}, Session{}, fmt.Errorf("note that a session is in use: %w", err)
		}
		sess.SeenAt = now
	}
	return u, sess, nil
}

// EndSession is the log-out; a token that is no session's is no error.
func (s *Service) EndSession(ctx context.Context, token string) error {
	if _, err := s.db.Exec(ctx, "DELETE FROM sessions WHERE token_hash = ?", hashToken(token)); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// EndSessions logs a person out everywhere.
func (s *Service) EndSessions(ctx context.Context, actor string, userID int64) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		u, err := findUser(tx, userID)
		if err != nil {
			return err
		}
		if err := endSessions(tx, userID, 0); err != nil {
			return err
		}
		return s.trail.Append(tx, s.clock.Now(), actor, "user.logged_out", u.Email, audit.Changes{})
	})
}

func endSessions(tx *gorm.DB, userID, keep int64) error {
	if err := tx.Exec("DELETE FROM sessions WHERE user_id = ? AND id <> ?", userID, keep).Error; err != nil {
		return fmt.Errorf("end the sessions of user %d: %w", userID, err)
	}
	return nil
}

// Sweep removes what no longer matters: sessions that ended, counters of failures that
// are forgotten. Once an hour is often enough.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.clock.Now()
	if _, err := s.db.Exec(ctx, "DELETE FROM sessions WHERE expires_at <= ?", now); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	if _, err := s.db.Exec(ctx, "DELETE FROM login_failures WHERE last_at < ?", now.Add(-forgetAfter)); err != nil {
		return fmt.Errorf("sweep log-in failures: %w", err)
	}
	return nil
}

// shorten makes a User-Agent header a text that can be stored.
func shorten(userAgent string) string {
	s := strings.ReplaceAll(strings.ToValidUTF8(userAgent, ""), "\x00", "")
	if r := []rune(s); len(r) > maxUserAgent {
		return string(r[:maxUserAgent])
	}
	return s
}
