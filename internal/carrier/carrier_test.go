package carrier_test

import (
	"net/url"
	"testing"

	"zahlwerk/internal/carrier"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		entered, number, code, url string
		known                      bool
	}{
		{"dhl", "00340434161094042557", "dhl-germany", "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=00340434161094042557", true},
		{" DHL ", "1", "dhl-germany", "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=1", true},
		{"gls", "a b&c", "gls", "https://gls-group.eu/DE/de/paketverfolgung?match=a+b%26c", true},
		{"dpd-de", "1", "dpd-de", "https://tracking.dpd.de/parcelstatus?query=1", true},
		{"Fahrradkurier Meier", "1", "Fahrradkurier Meier", "", false},
	} {
		code, address, known := carrier.Resolve(tt.entered, tt.number)
		if code != tt.code || address != tt.url || known != tt.known {
			t.Errorf("Resolve(%q, %q) = %q, %q, %t", tt.entered, tt.number, code, address, known)
		}
	}
}

func TestTableIsUsable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range carrier.List() {
		for _, name := range []string{c.Key, c.Code} {
			if found, ok := carrier.Find(name); !ok || found.Key != c.Key {
				t.Errorf("Find(%q) = %+v, %t", name, found, ok)
			}
		}
		if seen[c.Key] || c.Name == "" || len(c.Code) > 100 {
			t.Errorf("bad row %+v", c)
		}
		seen[c.Key] = true
		if _, err := url.Parse(c.Tracking); err != nil {
			t.Errorf("%s: %v", c.Key, err)
		}
	}
}
