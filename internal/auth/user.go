package auth

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

const (
	maxName  = 100
	maxEmail = 254 // RFC 5321
)

// User is a person who may log in. It carries no password, not even a hash.
type User struct {
	ID          int64
	Email       string // lower case
	Name        string
	Role        Role
	Language    string // "de", "en"; "" follows the browser
	Theme       string // "light", "dark"; "" follows the system
	Active      bool
	CreatedAt   time.Time
	LastLoginAt *time.Time
}

// Label is how the person is called in protocols and logs.
func (u User) Label() string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}

// May reports whether the person may do p.
func (u User) May(p Permission) bool { return u.Active && u.Role.May(p) }

// account is a user with what stays in this package.
type account struct {
	User
	PasswordHash string
}

// TableName is the table of the users.
func (account) TableName() string { return "users" }

// NewUser is what it takes to make a user.
type NewUser struct {
	Email    string
	Name     string
	Role     Role
	Password string
}

func (in *NewUser) check() error {
	in.Email, in.Name = normalEmail(in.Email), strings.TrimSpace(in.Name)
	var f fault.Checker
	if !validEmail(in.Email) {
		f.Add("email", "auth.error.email_invalid")
	}
	checkName(&f, in.Name)
	checkRole(&f, in.Role)
	checkPassword(&f, "password", in.Password, in.Email)
	return f.Err()
}

// CreateUser makes a user who may log in at once.
func (s *Service) CreateUser(ctx context.Context, actor string, in NewUser) (User, error) {
	if err := in.check(); err != nil {
		return User{}, err
	}
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return User{}, err
	}
	var u User
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		// The set-up link is for an empty house only.
		if err := store.SetSetting(tx, setupSetting, ""); err != nil {
			return fmt.Errorf("end the set-up link: %w", err)
		}
		u, err = s.insertUser(tx, actor, in, hash)
		return err
	})
	return u, err
}

func (s *Service) insertUser(tx *gorm.DB, actor string, in NewUser, hash string) (User, error) {
	now := s.clock.Now()
	a := account{User{Email: in.Email, Name: in.Name, Role: in.Role, Active: true, CreatedAt: now}, hash}
	if err := tx.Create(&a).Error; err != nil {
		if store.IsUnique(err, "users", "email") {
			var f fault.Checker
			f.Add("email", "auth.error.email_taken")
			return User{}, f.Err()
		}
		return User{}, fmt.Errorf("create user: %w", err)
	}
	var changes audit.Changes
	changes.Add("name", "", a.Name)
	changes.Add("role", "", string(a.Role))
	changes.Secret("password")
	return a.User, s.trail.Append(tx, now, actor, "user.created", a.Email, changes)
}

// UserUpdate is what an admin may change about a user.
type UserUpdate struct {
	Name   string
	Role   Role
	Active bool
}

// UpdateUser changes a user. Who is no longer active is logged out at once. The last
// active admin stays one.
func (s *Service) UpdateUser(ctx context.Context, actor string, id int64, in UserUpdate) (User, error) {
	in.Name = strings.TrimSpace(in.Name)
	var f fault.Checker
	checkName(&f, in.Name)
	checkRole(&f, in.Role)
	if err := f.Err(); err != nil {
		return User{}, err
	}
	var u User
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		admins, err := lockAdmins(tx)
		if err != nil {
			return err
		}
		if u, err = lockUser(tx, id); err != nil {
			return err
		}
		if stays := in.Active && in.Role == Admin; !stays && slices.Equal(admins, []int64{id}) {
			return fault.New(fault.Conflict, "auth.error.last_admin")
		}
		return s.updateUser(tx, actor, &u, in)
	})
	return u, err
}

func (s *Service) updateUser(tx *gorm.DB, actor string, u *User, in UserUpdate) error {
	var changes audit.Changes
	changes.Add("name", u.Name, in.Name)
	changes.Add("role", string(u.Role), string(in.Role))
	changes.Add("active", strconv.FormatBool(u.Active), strconv.FormatBool(in.Active))
	if len(changes) == 0 {
		return nil
	}
	u.Name, u.Role, u.Active = in.Name, in.Role, in.Active
	if err := tx.Model(u).Select("name", "role", "active").Updates(u).Error; err != nil {
		return fmt.Errorf("update user %d: %w", u.ID, err)
	}
	if !u.Active {
		if err := endSessions(tx, u.ID, 0); err != nil {
			return err
		}
	}
	return s.trail.Append(tx, s.clock.Now(), actor, "user.updated", u.Email, changes)
}

// lockAdmins returns the active admins and keeps them as they are until the commit:
// two admins who take the role from each other take turns, and the second is refused.
func lockAdmins(tx *gorm.DB) (ids []int64, err error) {
	err = tx.Model(&User{}).Clauses(clause.Locking{Strength: "UPDATE"}).
		Where("role = ? AND active", Admin).Order("id").Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("read the admins: %w", err)
	}
	return ids, nil
}

func lockUser(tx *gorm.DB, id int64) (User, error) {
	return findUser(tx.Clauses(clause.Locking{Strength: "UPDATE"}), id)
}

// SetPreferences remembers a person's language and theme.
func (s *Service) SetPreferences(ctx context.Context, id int64, language, theme string) error {
	var f fault.Checker
	if !slices.Contains([]string{"", "de", "en"}, language) {
		f.Add("language", "auth.error.language_unknown")
	}
	if !slices.Contains([]string{"", "light", "dark"}, theme) {
		f.Add("theme", "auth.error.theme_unknown")
	}
	if err := f.Err(); err != nil {
		return err
	}
	n, err := s.db.Exec(ctx, "UPDATE users SET language = ?, theme = ? WHERE id = ?", language, theme, id)
	if err != nil {
		return fmt.Errorf("store the preferences of user %d: %w", id, err)
	}
	if n == 0 {
		return fault.New(fault.NotFound, "auth.error.user_not_found")
	}
	return nil
}

// ChangePassword gives the person a new password and ends all their log-ins but
// keepSession. Guessing the current one is slowed down like at the log-in.
func (s *Service) ChangePassword(ctx context.Context, id int64, current, password string, keepSession int64) error {
	u, err := s.FindUser(ctx, id)
	if err != nil {
		return err
	}
	var f fault.Checker
	checkPassword(&f, "password", password, u.Email)
	if err := f.Err(); err != nil {
		return err
	}
	_, hash, err := s.checkCredentials(ctx, u.Email, current, emailGuesses(u.Email))
	if errors.Is(err, errCredentials) {
		f.Add("current_password", "auth.error.password_wrong")
		return f.Err()
	}
	if err != nil {
		return err
	}
	return s.storePassword(ctx, u.Label(), u, password, hash, keepSession)
}

// SetPassword is an admin giving a person a new password. It ends all their log-ins.
func (s *Service) SetPassword(ctx context.Context, actor string, id int64, password string) error {
	u, err := s.FindUser(ctx, id)
	if err != nil {
		return err
	}
	var f fault.Checker
	checkPassword(&f, "password", password, u.Email)
	if err := f.Err(); err != nil {
		return err
	}
	return s.storePassword(ctx, actor, u, password, "", 0)
}

// storePassword replaces the password, if it still has the hash was ("" for any).
func (s *Service) storePassword(ctx context.Context, actor string, u User, password, was string, keepSession int64) error {
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		same := tx.Model(&account{}).Where("id = ?", u.ID)
		if was != "" {
			same = same.Where("password_hash = ?", was)
		}
		res := same.Update("password_hash", hash)
		if res.Error != nil {
			return fmt.Errorf("store the password of user %d: %w", u.ID, res.Error)
		}
		if res.RowsAffected == 0 {
			return fault.New(fault.Conflict, "auth.error.password_changed")
		}
		if err := endSessions(tx, u.ID, keepSession); err != nil {
			return err
		}
		if err := forgive(tx, emailGuesses(u.Email)); err != nil {
			return err
		}
		var changes audit.Changes
		changes.Secret("password")
		return s.trail.Append(tx, s.clock.Now(), actor, "user.password_changed", u.Email, changes)
	})
}

// ListUsers returns everybody, by e-mail.
func (s *Service) ListUsers(ctx context.Context) ([]User, error) {
	users, err := gorm.G[User](s.db.Read(ctx)).Order("email, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}

// FindUser returns the user with this id.
func (s *Service) FindUser(ctx context.Context, id int64) (User, error) {
	return findUser(s.db.Read(ctx), id)
}

func findUser(tx *gorm.DB, id int64) (u User, err error) {
	err = tx.Where("id = ?", id).Take(&u).Error
	if store.IsNotFound(err) {
		return u, fault.New(fault.NotFound, "auth.error.user_not_found")
	}
	if err != nil {
		return u, fmt.Errorf("find user %d: %w", id, err)
	}
	return u, nil
}

func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// validEmail reports whether email is an address and nothing besides.
func validEmail(email string) bool {
	a, err := mail.ParseAddress(email)
	return err == nil && a.Address == email && plain(email, maxEmail) && !strings.ContainsAny(email, " \"")
}

func checkName(f *fault.Checker, name string) {
	if !plain(name, maxName) {
		f.Add("name", "auth.error.name", "Max", maxName)
	}
}

func checkRole(f *fault.Checker, role Role) {
	if !role.Known() {
		f.Add("role", "auth.error.role_unknown")
	}
}
