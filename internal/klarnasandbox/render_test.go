package klarnasandbox

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTexts: every text that a page asks for is there in both languages, with the same
// blanks to fill, and none is unused.
func TestTexts(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	prefixes := []string{}
	asked := regexp.MustCompile(`\bt (?:"([^"]+)"|\(printf "([^"%]+)%s")`)
	err := fs.WalkDir(pageFiles, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := pageFiles.ReadFile(path)
		for _, m := range asked.FindAllStringSubmatch(string(data), -1) {
			if m[1] != "" {
				used[m[1]] = true
			} else {
				prefixes = append(prefixes, m[2])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"days", "day", "fault.applied"} { // asked for by the code
		used[key] = true
	}
	for key := range used {
		if _, ok := findText(key); !ok {
			t.Errorf("no text %q", key)
		}
	}
	for _, f := range allPresets {
		used["fault."+f.Preset] = true
	}
	for _, k := range faultKinds {
		used["kind."+string(k)] = true
	}
	for _, dynamic := range allDynamicKeys() {
		if _, ok := findText(dynamic); !ok {
			t.Errorf("no text %q", dynamic)
		}
	}
	blanks := regexp.MustCompile(`%[a-z]`)
	for _, all := range []map[string]wording{texts, faultTexts, payoutTexts} {
		for key, w := range all {
			if w.de == "" || w.en == "" || strings.Join(blanks.FindAllString(w.de, -1), "") != strings.Join(blanks.FindAllString(w.en, -1), "") {
				t.Errorf("%q is not the same in both languages: %q, %q", key, w.de, w.en)
			}
			known := used[key]
			for _, p := range prefixes {
				known = known || strings.HasPrefix(key, p)
			}
			if !known {
				t.Errorf("%q is unused", key)
			}
		}
	}
}

// allDynamicKeys are the keys that are put together from values.
func allDynamicKeys() (keys []string) {
	for _, f := range allPresets {
		keys = append(keys, "fault."+f.Preset)
	}
	for _, k := range faultKinds {
		keys = append(keys, "kind."+string(k))
	}
	for _, op := range Operations() {
		keys = append(keys, "op."+string(op))
	}
	for _, a := range ActionKinds {
		keys = append(keys, "action."+string(a))
	}
	for _, m := range moves {
		keys = append(keys, "move."+m)
	}
	for _, g := range presetGroups {
		keys = append(keys, "group."+g.Name)
	}
	for _, s := range []string{StatusAuthorized, StatusPartCaptured, StatusCaptured, StatusCancelled, StatusExpired, StatusClosed} {
		keys = append(keys, "status."+s)
	}
	for _, k := range extraKinds {
		keys = append(keys, "extra."+k.Name)
	}
	for _, o := range Oddities {
		keys = append(keys, "odd."+string(o))
	}
	for _, f := range []string{FraudAccepted, FraudPending, FraudRejected} {
		keys = append(keys, "fraud."+f)
	}
	return keys
}

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"12": 1200, "12,5": 1250, "12.50": 1250, "1.234,56": 123456, "1,234.56": 123456, "1.234": 123400, "1 234,00 €": 123400,
		"0,01": 1, "2.000.000,00": 200_000_000, "7,": 700,
	} {
		if got, ok := parseAmount(text); !ok || got != want {
			t.Errorf("%q is %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x", "-5", "1e5", ",", "12345678901", "1,2x", "€"} {
		if got, ok := parseAmount(text); ok {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ have, want string }{
		{formatMoney("de", 123456789, "EUR"), "1.234.567,89\u00a0€"},
		{formatMoney("en", 123456789, "EUR"), "€1,234,567.89"},
		{formatMoney("de", -5, "CHF"), "−0,05\u00a0CHF"},
		{formatMoney("en", 100000, "CHF"), "CHF\u00a01,000.00"},
		{formatDuration("de", 26*time.Hour), "1 Tag 2h0m0s"},
		{formatDuration("de", 48*time.Hour), "2 Tage"},
		{formatDuration("en", 90*time.Second), "1m30s"},
		{formatTime("de", time.Date(2026, 3, 2, 9, 4, 5, 0, time.UTC)), "02.03.2026 09:04:05 UTC"},
		{formatTime("en", time.Date(2026, 3, 2, 9, 4, 5, 0, time.UTC)), "2 Mar 2026 09:04:05 UTC"},
	} {
		if tt.have != tt.want {
			t.Errorf("%q, want %q", tt.have, tt.want)
		}
	}
}
