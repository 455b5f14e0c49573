package bookkeeping_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/fault"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		ctx := t.Context()
		if set, err := b.Settings(ctx); err != nil || !reflect.DeepEqual(set, bookkeeping.Defaults()) {
			t.Errorf("before anybody changed them: %+v (%v)", set, err)
		}
		set := bookkeeping.Defaults()
		set.Accounts[bookkeeping.Clearing], set.Accounts[bookkeeping.Fees], set.Accounts[bookkeeping.Taxes] = " 1361 ", "49700", "  "
		set.Consultant, set.Client, set.FeeTaxKey, set.VATRate = 29098, 55003, " 94", 16_00
		b.set(set)
		set.Accounts, set.FeeTaxKey = map[bookkeeping.Role]string{bookkeeping.Clearing: "1361", bookkeeping.Fees: "49700"}, "94"
		if got, err := b.Settings(ctx); err != nil || !reflect.DeepEqual(got, set) {
			t.Errorf("%+v (%v), want %+v", got, err, set)
		}
		b.set(set) // the same again is no change
		entries, _, err := b.trail.List(ctx, "", 10)
		must(t, err)
		entries = slices.DeleteFunc(entries, func(e audit.Entry) bool { return e.Action != "bookkeeping.changed" })
		if len(entries) != 1 || entries[0].Actor != "Erika Beispiel" || len(entries[0].Changes) != 6 {
			t.Fatalf("log %+v", entries)
		}
		if c := entries[0].Changes[5]; c != (audit.Change{Field: "bookkeeping_vat_rate", Old: "19.00", New: "16.00"}) {
			t.Errorf("change %+v", c)
		}
	})
}

func TestSettingsInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *books) {
		account := func(role bookkeeping.Role, number string) func(*bookkeeping.Settings) {
			return func(s *bookkeeping.Settings) { s.Accounts[role] = number }
		}
		for want, changes := range map[string][]func(*bookkeeping.Settings){
			"accounts.fee bookkeeping.error.account":          {account("fee", "497"), account("fee", "497000"), account("fee", "4970a"), account("fee", "-4970")},
			"accounts.fee bookkeeping.error.account_zero":     {account("fee", "0000")},
			"accounts.fee bookkeeping.error.account_clearing": {account("fee", "1360")},
			"consultant bookkeeping.error.number":             {func(s *bookkeeping.Settings) { s.Consultant = 1000 }, func(s *bookkeeping.Settings) { s.Consultant = 10_000_000 }},
			"client bookkeeping.error.number":                 {func(s *bookkeeping.Settings) { s.Client = -1 }, func(s *bookkeeping.Settings) { s.Client = 100_000 }},
			"year_start bookkeeping.error.number":             {func(s *bookkeeping.Settings) { s.YearStart = 0 }, func(s *bookkeeping.Settings) { s.YearStart = 13 }},
			"account_length bookkeeping.error.number":         {func(s *bookkeeping.Settings) { s.AccountLength = 3 }, func(s *bookkeeping.Settings) { s.AccountLength = 9 }},
			"fee_tax_key bookkeeping.error.tax_key":           {func(s *bookkeeping.Settings) { s.FeeTaxKey = "12345" }, func(s *bookkeeping.Settings) { s.FeeTaxKey = "x" }},
			"vat_rate bookkeeping.error.vat_rate":             {func(s *bookkeeping.Settings) { s.VATRate = -1 }, func(s *bookkeeping.Settings) { s.VATRate = 100_01 }},
			"language error.choice":                           {func(s *bookkeeping.Settings) { s.Language = "fr" }, func(s *bookkeeping.Settings) { s.Language = "" }},
		} {
			for _, change := range changes {
				set := allAccounts()
				change(&set)
				err := b.UpdateSettings(t.Context(), set, "admin")
				e, ok := errors.AsType[*fault.Error](err)
				if !ok || len(e.Fields) != 1 || e.Fields[0].Name+" "+e.Fields[0].Key != want {
					t.Errorf("%v, want %s", err, want)
				}
			}
		}
		if set, err := b.Settings(t.Context()); err != nil || !maps.Equal(set.Accounts, map[bookkeeping.Role]string{}) {
			t.Errorf("changed: %+v (%v)", set, err)
		}
	})
}
