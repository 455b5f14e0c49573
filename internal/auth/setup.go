package auth

import (
	"context"
	"crypto/subtle"
	"fmt"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// setupSetting is where the hash of the set-up token is kept.
const setupSetting = "setup_token"

var (
	errSetUpDone  = fault.New(fault.Conflict, "auth.error.setup_done")
	errSetupToken = fault.New(fault.Forbidden, "auth.error.setup_token")
)

// SetupToken returns a token for the link with which the first admin is made, and ""
// when there is a user already. A link that was given out before ends.
func (s *Service) SetupToken(ctx context.Context) (token string, err error) {
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		token = ""
		empty, err := noUsers(tx)
		if err != nil || !empty {
			return err
		}
		token = newToken()
		return store.SetSetting(tx, setupSetting, hashToken(token))
	})
	if err != nil {
		return "", fmt.Errorf("make the set-up link: %w", err)
	}
	return token, nil
}

// NeedsSetUp reports whether there is nobody yet who could log in.
func (s *Service) NeedsSetUp(ctx context.Context) (bool, error) { return noUsers(s.db.Read(ctx)) }

// CheckSetupToken says whether the link with token is good, before the form is shown.
func (s *Service) CheckSetupToken(ctx context.Context, token string) error {
	read := s.db.Read(ctx)
	// The token first: it goes in the moment in which the first user comes.
	hash, err := store.Setting(read, setupSetting)
	if err != nil {
		return fmt.Errorf("read the set-up token: %w", err)
	}
	empty, err := noUsers(read)
	if err != nil {
		return err
	}
	if !empty {
		return errSetUpDone
	}
	if subtle.ConstantTimeCompare([]byte(hash), []byte(hashToken(token))) == 0 {
		return errSetupToken
	}
	return nil
}

// SetUp makes the first admin. The token is used up in the same transaction: of two
// who post it at the same moment one becomes the admin.
func (s *Service) SetUp(ctx context.Context, token, email, name, password string) (User, error) {
	if err := s.CheckSetupToken(ctx, token); err != nil {
		return User{}, err
	}
	in := NewUser{Email: email, Name: name, Role: Admin, Password: password}
	if err := in.check(); err != nil {
		return User{}, err
	}
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return User{}, err
	}
	var u User
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("DELETE FROM settings WHERE key = ? AND value = ?", setupSetting, hashToken(token))
		if res.Error != nil {
			return fmt.Errorf("use up the set-up token: %w", res.Error)
		}
		empty, err := noUsers(tx)
		if err != nil {
			return err
		}
		if !empty {
			return errSetUpDone
		}
		if res.RowsAffected == 0 {
			return errSetupToken
		}
		u, err = s.insertUser(tx, User{Email: in.Email, Name: in.Name}.Label(), in, hash)
		return err
	})
	return u, err
}

func noUsers(tx *gorm.DB) (bool, error) {
	var n int64
	if err := tx.Model(&User{}).Count(&n).Error; err != nil {
		return false, fmt.Errorf("count users: %w", err)
	}
	return n == 0, nil
}
