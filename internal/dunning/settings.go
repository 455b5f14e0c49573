package dunning

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
)

// Levels is how many reminders an invoice gets at most.
const Levels = 3

// FeeCurrency is the currency of the fees. An invoice in another one has none: Zahlwerk
// knows no rates.
const FeeCurrency = "EUR"

// Limits of the settings.
const (
	MaxDays = 365
	MaxFee  = 100_00
	MaxName = 60
)

const settingKey = "dunning"

// Settings say when which reminder is due and what it costs.
type Settings struct {
	Levels [Levels]Level `json:"levels"`
}

// Level is one of the reminders, in their order.
type Level struct {
	Name Name `json:"name"`
	// AfterDays is how many days after the due date the first one may go out, and each
	// other one after the reminder before it.
	AfterDays int   `json:"after_days"`
	PayDays   int   `json:"pay_days"` // how long it gives to pay
	Fee       int64 `json:"fee"`      // in minor units of FeeCurrency
}

// Name is a word in each of the languages of papers and pages.
type Name struct {
	DE string `json:"de"`
	EN string `json:"en"`
}

// Localize returns the name in a language.
func (n Name) Localize(lang string) string {
	if lang == "de" {
		return n.DE
	}
	return n.EN
}

// Defaults are the settings until an admin changes them.
func Defaults() Settings {
	return Settings{Levels: [Levels]Level{
		{Name: Name{"Zahlungserinnerung", "Payment reminder"}, AfterDays: 3, PayDays: 7},
		{Name: Name{"1. Mahnung", "First notice"}, AfterDays: 10, PayDays: 7, Fee: 250},
		{Name: Name{"2. Mahnung", "Second notice"}, AfterDays: 10, PayDays: 7, Fee: 500},
	}}
}

// Settings returns the settings.
func (s *Service) Settings(ctx context.Context) (Settings, error) { return settings(s.db.Read(ctx)) }

func settings(tx *gorm.DB) (Settings, error) {
	value, err := store.Setting(tx, settingKey)
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings of dunning: %w", err)
	}
	set := Defaults()
	if value == "" {
		return set, nil
	}
	if err := json.Unmarshal([]byte(value), &set); err != nil {
		return Settings{}, fmt.Errorf("read the settings of dunning: %w", err)
	}
	return set, nil
}

// UpdateSettings changes the settings; reminders that went out stay as they are. Errors:
// Invalid at "levels.N.name_de", "….name_en", "….after_days", "….pay_days", "….fee".
func (s *Service) UpdateSettings(ctx context.Context, set Settings, actor string) error {
	set.normalise()
	if err := set.check(); err != nil {
		return err
	}
	value, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("write the settings of dunning: %w", err)
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		before, err := settings(tx)
		if err != nil || before == set {
			return err
		}
		if err := store.SetSetting(tx, settingKey, string(value)); err != nil {
			return err
		}
		return s.trail.Append(tx, s.clock.Now(), actor, "dunning.changed", "dunning", changes(before, set))
	})
	if err != nil {
		return fmt.Errorf("change the settings of dunning: %w", err)
	}
	return nil
}

func (set *Settings) normalise() {
	for i := range set.Levels {
		n := &set.Levels[i].Name
		n.DE, n.EN = strings.TrimSpace(n.DE), strings.TrimSpace(n.EN)
	}
}

func (set *Settings) check() error {
	var f fault.Checker
	for i, l := range set.Levels {
		at := "levels." + strconv.Itoa(i) + "."
		f.Line(at+"name_de", l.Name.DE, MaxName, true)
		f.Line(at+"name_en", l.Name.EN, MaxName, true)
		if l.AfterDays < 0 || l.AfterDays > MaxDays {
			f.Add(at+"after_days", "dunning.error.days", "Min", 0, "Max", MaxDays)
		}
		if l.PayDays < 1 || l.PayDays > MaxDays {
			f.Add(at+"pay_days", "dunning.error.days", "Min", 1, "Max", MaxDays)
		}
		if l.Fee < 0 || l.Fee > MaxFee {
			f.Add(at+"fee", "dunning.error.fee", "Max", order.Money{Amount: MaxFee, Currency: FeeCurrency})
		}
	}
	return f.Err()
}

// due is the moment from which the reminder that follows the level of an item may go
// out, and which one that is; false when there is none after it. Days are those of the
// calendar. One that still gives time is not followed by another, whatever the settings
// say by now.
func (set *Settings) due(i *Item) (level int, from time.Time, ok bool) {
	if i.Level >= Levels {
		return 0, time.Time{}, false
	}
	last, payBy := i.PayBy, i.PayBy
	if i.Level > 0 {
		last, payBy = *i.RemindedAt, *i.ReminderPayBy
	}
	from = document.EndOfDay(last, set.Levels[i.Level].AfterDays-1).Add(time.Microsecond)
	if tooLate := payBy.Add(time.Microsecond); tooLate.After(from) {
		from = tooLate
	}
	return i.Level + 1, from, true
}

// since is Settings.due the other way round: the last moment at which an item of a level
// can have been reminded, or be to be paid, for the next reminder to be due now.
func (set *Settings) since(level int, now time.Time) time.Time {
	return document.EndOfDay(now, -set.Levels[level].AfterDays)
}

// fee is what a level costs for an invoice in a currency.
func (l *Level) fee(currency string) int64 {
	if currency != FeeCurrency {
		return 0
	}
	return l.Fee
}

// changes lists what an admin changed, a level as a whole.
func changes(before, after Settings) audit.Changes {
	var c audit.Changes
	for i := range before.Levels {
		c.Add("dunning_level_"+strconv.Itoa(i+1), before.Levels[i].String(), after.Levels[i].String())
	}
	return c
}

// String is a level in one line, for the log.
func (l Level) String() string {
	return fmt.Sprintf("%s / %s: %d d, %d d, %s", l.Name.DE, l.Name.EN, l.AfterDays, l.PayDays, money.Format(l.Fee, FeeCurrency, "en"))
}
