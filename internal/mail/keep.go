package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
)

// settingKey is where the settings are kept.
const settingKey = "mail"

// sealContext is the place that the password is sealed for.
const sealContext = "mail:password"

// kept is the settings as they are stored.
type kept struct {
	Settings
	Password []byte `json:"password,omitempty"` // sealed
}

// Settings returns the settings, or the defaults.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	k, err := load(s.db.Read(ctx))
	return k.Settings, err
}

func load(tx *gorm.DB) (kept, error) {
	k := kept{Settings: Defaults()}
	value, err := store.Setting(tx, settingKey)
	if err == nil && value != "" {
		err = json.Unmarshal([]byte(value), &k)
	}
	if err != nil {
		return k, fmt.Errorf("read the mail settings: %w", err)
	}
	k.HasPassword = len(k.Password) > 0
	return k, nil
}

// password opens the password; there need not be one.
func (s *Service) password(k kept) (secretbox.Secret, error) {
	if !k.HasPassword {
		return secretbox.Secret{}, nil
	}
	return s.box.OpenSecret(k.Password, sealContext)
}

// Save changes the settings. Without a username there is no password either. Errors:
// Invalid with the fields.
func (s *Service) Save(ctx context.Context, in Input, actor string) error {
	in.normalise()
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		before, err := load(tx)
		if err != nil {
			return err
		}
		var f fault.Checker
		in.check(&f, before.Settings)
		if err := f.Err(); err != nil {
			return err
		}
		after := kept{Settings: in.Settings, Password: before.Password}
		if in.Username == "" {
			after.Password = nil
		} else if in.Password != "" {
			if after.Password, err = s.box.Seal([]byte(in.Password), sealContext); err != nil {
				return fmt.Errorf("seal the password: %w", err)
			}
		}
		value, err := json.Marshal(after)
		if err != nil {
			return err
		}
		if err := store.SetSetting(tx, settingKey, string(value)); err != nil {
			return err
		}
		c := changes(before, after)
		if len(c) == 0 {
			return nil
		}
		return s.trail.Append(tx, s.clock.Now(), actor, "mail.changed", after.SenderAddress, c)
	})
	if err != nil {
		return fmt.Errorf("change the mail settings: %w", err)
	}
	return nil
}

// changes lists what an admin changed; of the password only that it was.
func changes(before, after kept) audit.Changes {
	var c audit.Changes
	c.Add("mail_enabled", strconv.FormatBool(before.Enabled), strconv.FormatBool(after.Enabled))
	c.Add("mail_host", before.Host, after.Host)
	c.Add("mail_port", strconv.Itoa(before.Port), strconv.Itoa(after.Port))
	c.Add("mail_encryption", string(before.Encryption), string(after.Encryption))
	c.Add("username", before.Username, after.Username)
	if string(before.Password) != string(after.Password) { // sealing is different every time
		c.Secret("password")
	}
	c.Add("mail_sender_name", before.SenderName, after.SenderName)
	c.Add("mail_sender_address", before.SenderAddress, after.SenderAddress)
	c.Add("mail_reply_to", before.ReplyTo, after.ReplyTo)
	c.Add("mail_copy_to", before.CopyTo, after.CopyTo)
	c.Add("mail_subject_de", before.German.Subject, after.German.Subject)
	c.Add("mail_text_de", before.German.Text, after.German.Text)
	c.Add("mail_subject_en", before.English.Subject, after.English.Subject)
	c.Add("mail_text_en", before.English.Text, after.English.Text)
	return c
}
