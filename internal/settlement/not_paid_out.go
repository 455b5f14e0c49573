package settlement

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/store"
)

// Age is for how long Klarna has owed money, in classes of days.
type Age string

// The ages, the youngest first.
const (
	AgeWeek   Age = "week"   // less than 7 days
	AgeNormal Age = "normal" // less than 21: by then Klarna has usually paid
	AgeLate   Age = "late"   // less than 60
	AgeOld    Age = "old"
)

// Ages lists all ages.
func Ages() []Age { return []Age{AgeWeek, AgeNormal, AgeLate, AgeOld} }

// youngDays is within how many days Klarna usually pays.
const youngDays = 21

// ageEnds are the days at which an age ends and the next begins.
var ageEnds = map[Age]int{AgeWeek: 7, AgeNormal: youngDays, AgeLate: 60}

// Known is what is known about money that is captured but not paid out.
type Known string

// What may be known.
const (
	KnownYoung    Known = "young"           // it is too early to wonder
	KnownNoPayout Known = "no_payout"       // it should be in a payout and is in none
	KnownRefused  Known = "refused"         // Klarna did not take the capture: no money will come
	KnownUnclear  Known = "unknown_outcome" // nobody knows whether Klarna has captured
)

// Knowns lists all that may be known.
func Knowns() []Known { return []Known{KnownNoPayout, KnownRefused, KnownUnclear, KnownYoung} }

// Owed is a capture that Klarna was told and has not paid out.
type Owed struct {
	ID              int64
	OrderID         int64
	OrderNumber     string
	NoteNumber      string // of the delivery note
	PaymentMethodID int64
	State           capture.State
	Rule            capture.Rule
	Amount          int64
	Currency        string
	CapturedAt      *time.Time
	OwedSince       time.Time // when it was captured, or when the goods left
	Proposed        bool      // a line of a payout may be about its order
}

// CursorOf is its place in the list.
func (o *Owed) CursorOf() Cursor { return Cursor{o.OwedSince, o.ID} }

// Days is for how many days the money is owed.
func (o *Owed) Days(now time.Time) int { return int(dayOf(now).Sub(dayOf(o.OwedSince)).Hours() / 24) }

// Known is what is known about it.
func (o *Owed) Known(now time.Time) Known {
	switch {
	case o.State == capture.Refused:
		return KnownRefused
	case o.State == capture.Unknown:
		return KnownUnclear
	case o.Days(now) < youngDays:
		return KnownYoung
	}
	return KnownNoPayout
}

// OwedFilter says which captures that are not paid out a list shows. Zero fields restrict
// nothing.
type OwedFilter struct {
	Turn
	Age             Age
	Known           Known
	PaymentMethodID int64
	Currency        string
}

// cut is the moment at and after which what is owed is so for less than some days.
func cut(now time.Time, days int) time.Time { return dayOf(now).AddDate(0, 0, 1-days) }

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// between are the first moment that the filter shows and the first that it does not show
// any more; zero for none.
func (f *OwedFilter) between(now time.Time) (from, until time.Time) {
	if end, ok := ageEnds[f.Age]; ok {
		from = cut(now, end)
	}
	for i, a := range Ages() {
		if i > 0 && a == f.Age {
			until = cut(now, ageEnds[Ages()[i-1]])
		}
	}
	young := cut(now, youngDays)
	if f.Known == KnownYoung && from.Before(young) {
		from = young
	}
	if f.Known == KnownNoPayout && (until.IsZero() || until.After(young)) {
		until = young
	}
	return from, until
}

// states are those of captures that the filter shows, nil for all.
func (f *OwedFilter) states() []capture.State {
	switch f.Known {
	case KnownRefused:
		return []capture.State{capture.Refused}
	case KnownUnclear:
		return []capture.State{capture.Unknown}
	case KnownYoung, KnownNoPayout:
		return []capture.State{capture.Confirmed, capture.DoneByHand}
	}
	return nil
}

func (f *OwedFilter) storable() bool {
	return store.Storable(string(f.Age) + string(f.Known) + f.Currency)
}

// OwedPage is a part of the list, what is owed for longest at its beginning.
type OwedPage struct {
	Captures []Owed
	HasOlder bool
	HasNewer bool
}

// NotPaidOut returns one page of the captures that f finds: captured but not paid out.
func (s *Service) NotPaidOut(ctx context.Context, f OwedFilter) (p OwedPage, err error) {
	if !f.storable() {
		return p, nil
	}
	from, until := f.between(s.clock.Now())
	if f.PaymentMethodID != 0 || f.Currency != "" || f.states() != nil {
		if some, err := s.reach(ctx, &f, &from, &until); err != nil || !some {
			return p, err
		}
	}
	tx := s.db.Read(ctx).Table("captures c").Joins("JOIN orders o ON o.id = c.order_id").Joins("JOIN delivery_notes n ON n.id = c.delivery_note_id").
		Select(`c.id, c.order_id, o.number AS order_number, n.number AS note_number, c.payment_method_id, c.state, c.rule, c.amount, o.currency,
			c.captured_at, c.owed_since, EXISTS (SELECT 1 FROM match_proposals m WHERE m.order_id = c.order_id) AS proposed`).
		Where("c.owed_since IS NOT NULL")
	if !from.IsZero() {
		tx = tx.Where("c.owed_since >= ?", from)
	}
	if !until.IsZero() {
		tx = tx.Where("c.owed_since < ?", until)
	}
	// The state in a function: otherwise SQLite would rather look at all captures of a state.
	tx = f.restrict(tx, "c.payment_method_id", "coalesce(c.state, '')", "o.currency")
	if err := f.oldestFirst(tx, "c.owed_since", "c.id").Scan(&p.Captures).Error; err != nil {
		return p, fmt.Errorf("list captures that are not paid out: %w", err)
	}
	p.Captures, p.HasOlder, p.HasNewer = turned(f.Turn, p.Captures)
	return p, nil
}

func (f *OwedFilter) restrict(tx *gorm.DB, method, state, currency string) *gorm.DB {
	if f.PaymentMethodID != 0 {
		tx = tx.Where(method+" = ?", f.PaymentMethodID)
	}
	if states := f.states(); states != nil {
		tx = tx.Where(state+" IN ?", states)
	}
	if f.Currency != "" {
		tx = tx.Where(currency+" = ?", f.Currency)
	}
	return tx
}

// reach narrows from and until to the days that the page needs; false where there are
// none. The sums know what is owed since which day, so that few captures among many need
// not be searched for.
func (s *Service) reach(ctx context.Context, f *OwedFilter, from, until *time.Time) (some bool, err error) {
	tx := s.owedSums(ctx, f).Select("day, CAST(sum(captures) AS BIGINT) AS captures").Group("day").Limit(f.limit() + 2)
	cursor := f.After
	switch {
	case f.back():
		cursor = f.Before
		tx = tx.Where("day <= ?", cursor.at.UTC().Format(time.DateOnly)).Order("day DESC")
	case cursor != (Cursor{}):
		tx = tx.Where("day >= ?", cursor.at.UTC().Format(time.DateOnly)).Order("day")
	default:
		tx = tx.Order("day")
	}
	var days []struct {
		Day      string
		Captures int
	}
	if err := tx.Scan(&days).Error; err != nil || len(days) == 0 {
		return false, wrap("read sums of what is not paid out", err)
	}
	last := 0
	for found := 0; last < len(days)-1; last++ {
		if last > 0 || cursor == (Cursor{}) { // a cursor stands in the first day
			found += days[last].Captures
		}
		if found > f.limit() {
			break
		}
	}
	first, end := days[0].Day, days[last].Day
	if f.back() {
		first, end = end, first
	}
	for _, d := range []struct {
		day  string
		more int
		to   *time.Time
	}{{first, 0, from}, {end, 1, until}} {
		day, err := time.Parse(time.DateOnly, d.day)
		if err != nil {
			return false, wrap("read sums of what is not paid out", err)
		}
		*d.to = day.AddDate(0, 0, d.more)
	}
	return true, nil
}

func (s *Service) owedSums(ctx context.Context, f *OwedFilter) *gorm.DB {
	tx := s.db.Read(ctx).Table("owed_sums").Where("captures > 0")
	from, until := f.between(s.clock.Now())
	if !from.IsZero() {
		tx = tx.Where("day >= ?", from.Format(time.DateOnly))
	}
	if !until.IsZero() {
		tx = tx.Where("day < ?", until.Format(time.DateOnly))
	}
	return f.restrict(tx, "payment_method_id", "state", "currency")
}

// OwedSum is what captures of one currency and age come to.
type OwedSum struct {
	Currency string
	Age      Age
	Captures int64
	Amount   int64
}

// NotPaidOutSums adds up what f finds, all pages of it, by currency and age: the youngest
// first.
func (s *Service) NotPaidOutSums(ctx context.Context, f OwedFilter) ([]OwedSum, error) {
	if !f.storable() {
		return nil, nil
	}
	var sums []OwedSum
	for _, age := range Ages() {
		if f.Age != "" && f.Age != age {
			continue
		}
		of := f
		of.Age = age
		var some []OwedSum
		err := s.owedSums(ctx, &of).Select("currency, CAST(sum(captures) AS BIGINT) AS captures, CAST(sum(amount) AS BIGINT) AS amount").
			Group("currency").Scan(&some).Error
		if err != nil {
			return nil, fmt.Errorf("add up what is not paid out: %w", err)
		}
		for _, x := range some {
			x.Age = age
			sums = append(sums, x)
		}
	}
	return sums, nil
}
