package carrier_test

import (
	"strings"
	"testing"

	"zahlwerk/internal/carrier"
	"zahlwerk/internal/store/storetest"
)

// seeded is the table that a new database begins with.
func seeded(t testing.TB) carrier.Table {
	t.Helper()
	table, err := carrier.Read(storetest.SQLite(t).Read(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestResolve(t *testing.T) {
	t.Parallel()
	table := seeded(t)
	for _, tt := range []struct {
		entered, number, name, code, link string
		method                            carrier.Method
		known                             bool
	}{
		{"dhl", "00340434161094042557", "DHL", "dhl-germany", "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=00340434161094042557", "Home", true},
		{" DHL ", "0034 0434 1", "DHL", "dhl-germany", "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=003404341", "Home", true},
		{"dhl packstation", "1", "DHL Packstation", "dhl-germany", "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=1", "DHLPackstation", true},
		{"gls", "a+b&c", "GLS", "gls", "https://gls-group.eu/DE/de/paketverfolgung?match=a%2Bb%26c", "Home", true},
		{"DPD-DE", "1", "DPD", "dpd-de", "https://tracking.dpd.de/parcelstatus?query=1", "Home", true},
		{"Dachser", "1", "DACHSER", "dachser", "", "PalletDelivery", true},
		{" Fahrradkurier Meier ", "1", "Fahrradkurier Meier", "Fahrradkurier Meier", "", "Home", false},
		{"", "1", "", "", "", "Home", false},
	} {
		c, known := table.Resolve(tt.entered)
		if c.Name != tt.name || c.Code != tt.code || c.ShippingMethod != tt.method || known != tt.known {
			t.Errorf("Resolve(%q) = %+v, %t", tt.entered, c, known)
		}
		if link := c.Link(tt.number); link != tt.link {
			t.Errorf("the link of %s at %q is %s", tt.number, tt.entered, link)
		}
	}
}

func TestFindPrefersTheKey(t *testing.T) {
	t.Parallel()
	table := carrier.Table{
		{Key: "a", Name: "First", Code: "b"},
		{Key: "b", Name: "Second", Code: "c"},
		{Key: "d", Name: "c", Code: "d"},
		{Key: "e", Name: "Off", Code: "B"},
	}
	for s, want := range map[string]string{"a": "a", "b": "b", "B": "b", "c": "b", "first": "a", "C": "b", "off": "e", " d ": "d"} {
		if c, ok := table.Find(s); !ok || c.Key != want {
			t.Errorf("Find(%q) = %+v, %t", s, c, ok)
		}
	}
	for _, s := range []string{"", " ", "x"} {
		if c, ok := table.Find(s); ok {
			t.Errorf("Find(%q) = %+v", s, c)
		}
	}
	// A code is exact: a name that somebody entered is not another carrier's code.
	for code, want := range map[string]string{"b": "First", "B": "Off", "C": "C", "Kurier": "Kurier"} {
		if got := table.NameOf(code); got != want {
			t.Errorf("NameOf(%q) = %q, want %q", code, got, want)
		}
	}
}

// The rows of a new database pass the checks of the form, and are found by what they say.
func TestFirstTable(t *testing.T) {
	t.Parallel()
	table := seeded(t)
	if len(table) < 35 || len(table.Active()) != len(table) {
		t.Fatalf("%d rows, %d active", len(table), len(table.Active()))
	}
	for i, c := range table {
		in := carrier.InputOf(&c)
		if tried := in.Carrier(); tried.Patterns != c.Patterns || tried.Key != c.Key {
			t.Errorf("%s is not written as the form would write it: %q", c.Key, c.Patterns)
		}
		if err := in.Check(); err != nil {
			t.Errorf("%s: %v", c.Key, err)
		}
		if found, ok := table.Find(c.Key); !ok || found.ID != c.ID {
			t.Errorf("Find(%q) = %+v, %t", c.Key, found, ok)
		}
		if c.Code != "dhl-germany" && table.NameOf(c.Code) != c.Name {
			t.Errorf("%s is called %s", c.Code, table.NameOf(c.Code))
		}
		if c.Position != 10*(i+1) || c.CreatedAt.IsZero() || c.UpdatedAt.IsZero() || strings.TrimSpace(c.Name) == "" {
			t.Errorf("%+v", c)
		}
	}
}
