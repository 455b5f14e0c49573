package order

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
)

// View is a list of orders that somebody keeps under a name. Query is what restricts it,
// in the words of whoever shows the list.
type View struct {
	ID        int64
	UserID    int64
	Name      string
	Query     string
	CreatedAt time.Time
}

// TableName is the table of views.
func (View) TableName() string { return "saved_views" }

// Limits of views.
const (
	MaxViewName  = 60
	MaxViewQuery = 2000
	MaxViews     = 30 // of a person
)

// ListViews returns the views of a person by their names.
func (s *Service) ListViews(ctx context.Context, userID int64) ([]View, error) {
	var views []View
	if err := s.db.Read(ctx).Where("user_id = ?", userID).Order("name, id").Limit(MaxViews).Find(&views).Error; err != nil {
		return nil, fmt.Errorf("list views: %w", err)
	}
	return views, nil
}

// CreateView keeps a view. Errors: Invalid at "name"; Conflict when the person has
// MaxViews already.
func (s *Service) CreateView(ctx context.Context, v View) (*View, error) {
	v.ID, v.CreatedAt = 0, s.clock.Now()
	if err := v.check(); err != nil {
		return nil, err
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var there int64
		if err := tx.Model(&View{}).Where("user_id = ?", v.UserID).Count(&there).Error; err != nil {
			return err
		}
		if there >= MaxViews {
			return fault.New(fault.Conflict, "orders.view.error.too_many", "Max", MaxViews)
		}
		v.ID = 0
		return tx.Create(&v).Error
	})
	if err != nil {
		return nil, viewError(err)
	}
	return &v, nil
}

// RenameView gives a person's view another name. Errors: Invalid at "name", NotFound.
func (s *Service) RenameView(ctx context.Context, userID, id int64, name string) error {
	v := View{Name: name}
	if err := v.check(); err != nil {
		return err
	}
	return s.changeView(ctx, func(tx *gorm.DB) *gorm.DB {
		return tx.Model(&View{}).Where("id = ? AND user_id = ?", id, userID).Update("name", v.Name)
	})
}

// DeleteView forgets a person's view. NotFound when there is none.
func (s *Service) DeleteView(ctx context.Context, userID, id int64) error {
	return s.changeView(ctx, func(tx *gorm.DB) *gorm.DB {
		return tx.Where("id = ? AND user_id = ?", id, userID).Delete(&View{})
	})
}

func (s *Service) changeView(ctx context.Context, change func(tx *gorm.DB) *gorm.DB) error {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		res := change(tx)
		if res.Error == nil && res.RowsAffected == 0 {
			return fault.New(fault.NotFound, "orders.view.error.not_found")
		}
		return res.Error
	})
	return viewError(err)
}

// check trims the name and refuses what can't be.
func (v *View) check() error {
	var f fault.Checker
	v.Name = strings.TrimSpace(v.Name)
	f.Line("name", v.Name, MaxViewName, true)
	if len(v.Query) > MaxViewQuery || !store.Storable(v.Query) {
		f.Add("name", "orders.view.error.query")
	}
	return f.Err()
}

// viewError says that a name is taken.
func viewError(err error) error {
	if !store.IsUnique(err, "saved_views", "user_id", "name") {
		return err
	}
	var f fault.Checker
	f.Add("name", "orders.view.error.name_taken")
	return f.Err()
}
