package auth

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
)

// errCredentials is the one answer to a wrong e-mail, a wrong password and a person
// who may no longer log in: who guesses learns nothing from it.
var errCredentials = fault.New(fault.Unauthorized, "auth.error.credentials")

// LogIn starts a session. The token is for the person's cookie; only its hash is kept.
// After some failures in a row, for the e-mail or from the address, it refuses for a
// while with fault.TooMany around a [*Blocked], without looking at the password.
func (s *Service) LogIn(ctx context.Context, email, password, remoteIP, userAgent string) (token string, u User, err error) {
	email = normalEmail(email)
	g := append(emailGuesses(email), addressGuesses(remoteIP)...)
	u, hash, err := s.checkCredentials(ctx, email, password, g)
	if err != nil {
		return "", User{}, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		now := s.clock.Now()
		// The password or the person may have changed since it was compared.
		res := tx.Exec("UPDATE users SET last_login_at = ? WHERE id = ? AND active AND password_hash = ?", now, u.ID, hash)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return errCredentials
		}
		u.LastLoginAt = &now
		if err := forgive(tx, g); err != nil {
			return err
		}
		token, err = startSession(tx, now, u.ID, userAgent)
		return err
	})
	if errors.Is(err, errCredentials) {
		return "", User{}, err
	}
	if err != nil {
		return "", User{}, fmt.Errorf("log in user %d: %w", u.ID, err)
	}
	return token, u, nil
}

// checkCredentials compares the password at the same cost whether there is such a
// person or not, and returns the person and the hash that it was compared with. It
// counts as a failure until forgive takes that back.
func (s *Service) checkCredentials(ctx context.Context, email, password string, g []guesses) (User, string, error) {
	if err := s.countGuess(ctx, g); err != nil {
		return User{}, "", err
	}
	var a account
	if validEmail(email) { // else it can't be anybody's, and may not even be text
		err := s.db.Read(ctx).Where("email = ?", email).Limit(1).Find(&a).Error
		if err != nil {
			return User{}, "", fmt.Errorf("find the user who logs in: %w", err)
		}
	}
	ok, err := s.hasher.matches(ctx, password, a.PasswordHash)
	if err != nil {
		return User{}, "", err
	}
	if !ok || !a.Active {
		return User{}, "", errCredentials
	}
	return a.User, a.PasswordHash, nil
}
