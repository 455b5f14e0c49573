package static_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// The least contrast of WCAG 2.2 AA: of text, and of the edges of controls.
const (
	textContrast = 4.5
	edgeContrast = 3
)

// pairs are the colours that meet: the first is read on the second.
var pairs = []struct {
	front string
	backs []string
	least float64
}{
	{"ink", []string{"paper", "surface", "sunken", "hover", "accent-soft", "ok-soft", "warn-soft", "fail-soft", "info-soft", "quiet-soft"}, textContrast},
	{"ink-soft", []string{"paper", "surface", "sunken", "hover", "accent-soft"}, textContrast},
	{"accent", []string{"paper", "surface", "accent-soft", "hover", "sunken", "warn-soft", "fail-soft", "ok-soft", "info-soft"}, textContrast},
	{"accent-hover", []string{"paper", "surface", "hover"}, textContrast},
	{"on-accent", []string{"accent", "accent-hover"}, textContrast},
	{"surface", []string{"ok", "warn", "fail", "info", "quiet"}, textContrast}, // verdicts, dangerous buttons
	{"ok", []string{"ok-soft", "surface", "hover"}, textContrast},
	{"warn", []string{"warn-soft", "surface", "hover"}, textContrast},
	{"fail", []string{"fail-soft", "surface", "hover", "paper", "accent-soft"}, textContrast},
	{"info", []string{"info-soft", "surface", "hover"}, textContrast},
	{"quiet", []string{"quiet-soft", "surface", "hover"}, textContrast},
	{"on-frame", []string{"frame"}, textContrast},
	{"on-frame-soft", []string{"frame"}, textContrast},
	{"saffron", []string{"frame"}, edgeContrast},
	{"on-saffron", []string{"saffron"}, textContrast},
	{"line-strong", []string{"surface", "paper"}, edgeContrast},
}

func TestColoursCanBeReadInBothThemes(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := colours(string(css))
	for theme, colour := range themes {
		for _, p := range pairs {
			for _, back := range p.backs {
				a, okA := colour[p.front]
				b, okB := colour[back]
				if !okA || !okB {
					t.Errorf("no colour %s or %s", p.front, back)
				} else if got := contrast(a, b); got < p.least {
					t.Errorf("%s: %s on %s has %.2f, want %.1f", theme, p.front, back, got, p.least)
				}
			}
		}
	}
}

// colours returns the luminance of every token, by theme.
func colours(css string) map[string]map[string]float64 {
	light, dark := map[string]float64{}, map[string]float64{}
	both := regexp.MustCompile(`--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)`)
	for _, m := range both.FindAllStringSubmatch(css, -1) {
		light[m[1]], dark[m[1]] = luminance(m[2]), luminance(m[3])
	}
	for _, m := range regexp.MustCompile(`--([\w-]+): (#\w{6});`).FindAllStringSubmatch(css, -1) {
		light[m[1]], dark[m[1]] = luminance(m[2]), luminance(m[2])
	}
	return map[string]map[string]float64{"light": light, "dark": dark}
}

// luminance is WCAG's relative luminance of #rrggbb.
func luminance(hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return math.NaN()
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b float64) float64 {
	return (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05)
}
