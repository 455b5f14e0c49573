package carrier_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

const admin = "Erika Beispiel"

var noon = time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC)

func courier() carrier.Input {
	return carrier.Input{Key: "kurier", Name: "Fahrradkurier Meier", Code: "Fahrradkurier Meier", ShippingMethod: "Own",
		TrackingURL: "https://kurier.example/t/{number}", Patterns: `FK\d{6}`, Position: 7, Active: true}
}

// problems are the fields that are wrong, with their keys.
func problems(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	var all []string
	for _, f := range e.Fields {
		all = append(all, f.Name+" "+strings.TrimPrefix(strings.TrimPrefix(f.Key, "carrier."), "error."))
	}
	if len(all) == 0 {
		return string(e.Code)
	}
	return strings.Join(all, ", ")
}

func TestCreateAndChange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clk, trail := clock.NewFixed(noon), audit.New(db)
		s := carrier.New(db, clk, trail)
		in := courier()
		in.Name, in.Patterns = "  Fahrradkurier Meier ", "\r\n FK\\d{6}   gs1 \r\n\r\nM\\d+\r\n"
		c, err := s.Create(t.Context(), in, admin)
		if err != nil {
			t.Fatal(err)
		}
		if c.Name != "Fahrradkurier Meier" || c.Patterns != "FK\\d{6} gs1\nM\\d+" || !c.CreatedAt.Equal(noon) || !c.UpdatedAt.Equal(noon) {
			t.Errorf("made %+v", c)
		}
		if found, err := s.Find(t.Context(), c.ID); err != nil || carrier.InputOf(found) != carrier.InputOf(c) {
			t.Errorf("found %+v, %v", found, err)
		}
		table, err := s.List(t.Context())
		if err != nil || table[0].ID != c.ID {
			t.Errorf("position 7 is not first: %v", err)
		}
		if got := keys(table.Recognise("fk-123456")) + keys(table.Recognise("M1")); got != "kurier" {
			t.Errorf("recognised %q", got)
		}

		clk.Advance(time.Hour)
		change := carrier.InputOf(c)
		change.Key, change.Active, change.ShippingMethod = "meier", false, ""
		after, err := s.Update(t.Context(), c.ID, change, admin)
		if err != nil || after.Key != "meier" || after.Active || !after.UpdatedAt.Equal(noon.Add(time.Hour)) || !after.CreatedAt.Equal(noon) {
			t.Errorf("changed to %+v, %v", after, err)
		}
		if _, err := s.Update(t.Context(), c.ID, change, admin); err != nil { // nothing changes
			t.Error(err)
		}
		table, err = s.List(t.Context())
		if err != nil || len(table.Recognise("M1")) != 0 || slices.ContainsFunc(table.Active(), func(c carrier.Carrier) bool { return c.Key == "meier" }) {
			t.Errorf("an inactive carrier is offered (%v)", err)
		}
		if found, ok := table.Find("meier"); !ok || found.ShippingMethod != "" {
			t.Errorf("an inactive carrier can't be named: %+v", found)
		}

		log, _, err := trail.List(t.Context(), "", 10)
		if err != nil || len(log) != 2 || log[1].Action != "carrier.created" || log[1].Subject != "carrier:kurier" || log[0].Action != "carrier.changed" ||
			log[0].Subject != "carrier:meier" || log[0].Actor != admin {
			t.Fatalf("log %+v, %v", log, err)
		}
		want := audit.Changes{{Field: "key", Old: "kurier", New: "meier"}, {Field: "shipping_method", Old: "Own"}, {Field: "active", Old: "true", New: "false"}}
		if !slices.Equal(log[0].Changes, want) {
			t.Errorf("logged %+v", log[0].Changes)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	s := carrier.New(storetest.SQLite(t), clock.NewFixed(noon), audit.New(storetest.SQLite(t)))
	for name, tt := range map[string]struct {
		change func(in *carrier.Input)
		want   string
	}{
		"nothing":             {func(in *carrier.Input) { *in = carrier.Input{} }, "key required, name required, code required"},
		"key, capitals":       {func(in *carrier.Input) { in.Key = "Kurier" }, "key key_form"},
		"key, blank":          {func(in *carrier.Input) { in.Key = "a b" }, "key key_form"},
		"key, dash last":      {func(in *carrier.Input) { in.Key = "a-" }, "key key_form"},
		"key, long":           {func(in *carrier.Input) { in.Key = strings.Repeat("a", 65) }, "key too_long"},
		"key, taken":          {func(in *carrier.Input) { in.Key = "dhl" }, "key key_taken"},
		"name, taken":         {func(in *carrier.Input) { in.Name = "österreichische post" }, "name name_taken"},
		"name, long":          {func(in *carrier.Input) { in.Name = strings.Repeat("ä", 101) }, "name too_long"},
		"name, two lines":     {func(in *carrier.Input) { in.Name = "a\nb" }, "name control_characters"},
		"code, long":          {func(in *carrier.Input) { in.Code = strings.Repeat("x", 101) }, "code too_long"},
		"method":              {func(in *carrier.Input) { in.ShippingMethod = "home" }, "shipping_method choice"},
		"address, none":       {func(in *carrier.Input) { in.Key, in.Name, in.TrackingURL = "none", "None", "" }, "<nil>"},
		"address, no number":  {func(in *carrier.Input) { in.TrackingURL = "https://a.example/" }, "tracking_url placeholder"},
		"address, script":     {func(in *carrier.Input) { in.TrackingURL = "javascript:alert('{number}')" }, "tracking_url tracking_url"},
		"address, no host":    {func(in *carrier.Input) { in.TrackingURL = "https:///{number}" }, "tracking_url tracking_url"},
		"address, as host":    {func(in *carrier.Input) { in.TrackingURL = "https://{number}.example/" }, "tracking_url tracking_url"},
		"address, user":       {func(in *carrier.Input) { in.TrackingURL = "https://a:b@c.example/{number}" }, "tracking_url tracking_url"},
		"address, blank":      {func(in *carrier.Input) { in.TrackingURL = "https://a.example/x y{number}" }, "tracking_url tracking_url"},
		"address, long":       {func(in *carrier.Input) { in.TrackingURL = "https://a.example/{number}" + strings.Repeat("x", 500) }, "tracking_url too_long"},
		"pattern, open":       {func(in *carrier.Input) { in.Patterns = `(\d` }, "patterns pattern"},
		"pattern, two halves": {func(in *carrier.Input) { in.Patterns = "a)|(b" }, "patterns pattern"},
		"pattern, Perl":       {func(in *carrier.Input) { in.Patterns = `(?=a)b` }, "patterns pattern"},
		"pattern, huge":       {func(in *carrier.Input) { in.Patterns = `a{1001}` }, "patterns pattern"},
		"pattern, check":      {func(in *carrier.Input) { in.Patterns = "\\d+\n\\d+ luhn" }, "patterns pattern_check"},
		"pattern, words":      {func(in *carrier.Input) { in.Patterns = `\d+ gs1 s10` }, "patterns pattern_check"},
		"pattern, long":       {func(in *carrier.Input) { in.Patterns = strings.Repeat("a", 201) }, "patterns pattern_too_long"},
		"patterns, 21":        {func(in *carrier.Input) { in.Patterns = strings.Repeat("a\n", 21) }, "patterns too_many_patterns"},
		"position":            {func(in *carrier.Input) { in.Position = -1 }, "position position"},
	} {
		in := courier()
		tt.change(&in)
		if _, err := s.Create(t.Context(), in, admin); problems(err) != tt.want {
			t.Errorf("%s: %s, want %s", name, problems(err), tt.want)
		}
	}
	if _, err := s.Update(t.Context(), 4711, courier(), admin); problems(err) != string(fault.NotFound) {
		t.Errorf("there is no 4711: %v", err)
	}
	if _, err := s.Find(t.Context(), 4711); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("there is no 4711: %v", err)
	}
}

func TestUpdateKeepsItsOwnKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := carrier.New(db, clock.NewFixed(noon), audit.New(db))
		table, err := s.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in := carrier.InputOf(&table[0])
		in.Name = "DHL Paket"
		if _, err := s.Update(t.Context(), table[0].ID, in, admin); err != nil {
			t.Error(err)
		}
		in.Key = table[1].Key
		if _, err := s.Update(t.Context(), table[0].ID, in, admin); problems(err) != "key key_taken" {
			t.Errorf("the key of another: %v", err)
		}
	})
}

// Two admins save at the same moment: one has the key, the other hears of it.
func TestOneKeyAtTheSameTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := carrier.New(db, clock.NewFixed(noon), audit.New(db))
		var made, refused int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				in := courier()
				in.Name = fmt.Sprint("Kurier ", i)
				_, err := s.Create(t.Context(), in, admin)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case problems(err) == "key key_taken":
					refused++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made != 1 || refused != 3 {
			t.Errorf("%d made, %d refused", made, refused)
		}
	})
}

func TestDefaultsEndTheTable(t *testing.T) {
	t.Parallel()
	if in := carrier.Defaults(nil); in.Position != 10 || !in.Active || in.ShippingMethod != carrier.Home {
		t.Errorf("%+v", in)
	}
	if in := carrier.Defaults(carrier.Table{{Position: 70}, {Position: 30}}); in.Position != 80 {
		t.Errorf("position %d", in.Position)
	}
	if in := carrier.Defaults(carrier.Table{{Position: carrier.MaxPosition}}); in.Position != carrier.MaxPosition {
		t.Errorf("position %d", in.Position)
	}
}
