package dunning_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/fault"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		if set, err := b.Settings(ctx); err != nil || set != dunning.Defaults() {
			t.Errorf("before anybody changed them: %+v (%v)", set, err)
		}
		set := dunning.Defaults()
		set.Levels[0].Name = dunning.Name{DE: " Freundliche Erinnerung ", EN: "Friendly reminder"}
		set.Levels[0].AfterDays, set.Levels[0].PayDays, set.Levels[2].Fee = 0, 1, 10_000
		b.must(b.UpdateSettings(ctx, set, "Erika Beispiel"))
		set.Levels[0].Name.DE = "Freundliche Erinnerung"
		if got, err := b.Settings(ctx); err != nil || got != set {
			t.Errorf("%+v (%v), want %+v", got, err, set)
		}
		b.must(b.UpdateSettings(ctx, set, "Erika Beispiel")) // the same again is no change
		entries, _, err := b.trail.List(ctx, "", 10)
		b.must(err)
		entries = slices.DeleteFunc(entries, func(e audit.Entry) bool { return e.Action != "dunning.changed" })
		if len(entries) != 1 || entries[0].Actor != "Erika Beispiel" || len(entries[0].Changes) != 2 {
			t.Fatalf("log %+v", entries)
		}
		if c := entries[0].Changes[1]; c.Field != "dunning_level_3" || c.Old != "2. Mahnung / Second notice: 10 d, 7 d, €5.00" || c.New != "2. Mahnung / Second notice: 10 d, 7 d, €100.00" {
			t.Errorf("change %+v", c)
		}

		inv := b.owed()
		b.at(inv.PayBy.Add(1))
		b.clock.Advance(1000)
		if r := b.remind(inv); r.Name.EN != "Friendly reminder" {
			t.Errorf("%+v", r)
		}
		b.must(b.UpdateSettings(ctx, dunning.Defaults(), "Erika Beispiel"))
		if i := b.find(inv); i.LevelName.EN != "Friendly reminder" {
			t.Errorf("what went out has another name: %+v", i)
		}
	})
}

func TestSettingsInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		for want, change := range map[string]func(l *dunning.Level){
			"levels.1.name_de error.required":           func(l *dunning.Level) { l.Name.DE = " " },
			"levels.1.name_en error.too_long":           func(l *dunning.Level) { l.Name.EN = strings.Repeat("ä", 61) },
			"levels.1.name_en error.control_characters": func(l *dunning.Level) { l.Name.EN = "a\nb" },
			"levels.1.after_days dunning.error.days":    func(l *dunning.Level) { l.AfterDays = -1 },
			"levels.1.pay_days dunning.error.days":      func(l *dunning.Level) { l.PayDays = 0 },
			"levels.1.fee dunning.error.fee":            func(l *dunning.Level) { l.Fee = 10_001 },
		} {
			set := dunning.Defaults()
			change(&set.Levels[1])
			err := b.UpdateSettings(t.Context(), set, "admin")
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || len(e.Fields) != 1 || e.Fields[0].Name+" "+e.Fields[0].Key != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if set, err := b.Settings(t.Context()); err != nil || set != dunning.Defaults() {
			t.Errorf("changed: %+v (%v)", set, err)
		}
	})
}
