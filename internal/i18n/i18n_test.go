package i18n_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"zahlwerk/internal/i18n"
)

func TestTextsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	de := i18n.WithLanguage(t.Context(), i18n.German)
	en := i18n.WithLanguage(t.Context(), i18n.English)
	tests := map[string]struct {
		ctx  context.Context
		key  string
		args []any
		want string
	}{
		"German":             {de, "nav.orders", nil, "Aufträge"},
		"English":            {en, "nav.orders", nil, "Orders"},
		"no language":        {t.Context(), "nav.orders", nil, "Orders"},
		"unknown language":   {i18n.WithLanguage(t.Context(), "fr"), "nav.orders", nil, "Orders"},
		"placeholder":        {de, "copy.copied", []any{"What", "Nummer"}, "Nummer kopiert"},
		"no HTML escaping":   {en, "copy.copied", []any{"What", "<b>"}, "<b> copied"},
		"one":                {de, "error.summary", []any{"Count", 1}, "Eine Eingabe passt noch nicht"},
		"many":               {de, "error.summary", []any{"Count", 3}, "3 Eingaben passen noch nicht"},
		"none":               {en, "error.summary", []any{"Count", 0}, "0 fields need another look"},
		"large count":        {en, "error.summary", []any{"Count", int64(2)}, "2 fields need another look"},
		"a value too few":    {en, "nav.orders", []any{"Name"}, "Orders"},
		"a count in a word":  {en, "copy.of", []any{"What", "x", "Count", "many"}, "Copy x"},
		"a key without text": {de, "nav.no_such_page", nil, "nav.no_such_page"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := i18n.T(tt.ctx, tt.key, tt.args...); got != tt.want {
				t.Errorf("T(%q) = %q, want %q", tt.key, got, tt.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                          "en",
		"de":                        "de",
		"de-AT,de;q=0.9,en;q=0.8":   "de",
		"gsw-CH":                    "de",
		"en-GB,en;q=0.9,de;q=0.8":   "en",
		"fr-FR,fr;q=0.9,de;q=0.5":   "de",
		"fr, ja":                    "en",
		"*":                         "en",
		"de;q=x, ;;;":               "en",
		strings.Repeat("de,", 5000): "de",
	}
	for header, want := range tests {
		if got := i18n.Match(header); got != want {
			t.Errorf("Match(%.40q) = %q, want %q", header, got, want)
		}
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	if !i18n.Has("de", "nav.orders") || i18n.Has("de", "nav.no_such_page") || i18n.Has("fr", "nav.orders") {
		t.Error("Has is wrong")
	}
}

// runs makes the key of each run new, since a key is logged only once.
var runs atomic.Int32

// The default logger is shared, so this test can't be parallel.
func TestMissingTextIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	key := fmt.Sprintf("nav.missing_%d", runs.Add(1))
	for range 3 {
		i18n.T(t.Context(), key)
	}
	if n := strings.Count(log.String(), "key="+key+" "); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}
