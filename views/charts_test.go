package views_test

import (
	"encoding/xml"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
	"zahlwerk/views/viewstest"
)

var chartClass = regexp.MustCompile(`class="(chart-[a-z0-9-]+)`)

// A chart must not bring styles of its own: the Content-Security-Policy stops them, and
// no theme could change them. What it is dressed in must be in the style sheet.
func TestChartsAreDressedByTheStyleSheet(t *testing.T) {
	t.Parallel()
	css := styleSheet(t)
	for name, values := range map[string][]int64{
		"some": {100, 2000, 300000}, "negative": {-100, 5, 0}, "one": {0, 0, 1}, "huge": {1, 1 << 60, -1 << 60},
	} {
		for _, currency := range []string{"", "EUR", "JPY", "KWD"} {
			c := views.Chart{
				ID: "c", Title: `A "chart" <b>`, Text: "of & all", Category: "Day", Currency: currency,
				Rows:   []views.ChartRow{{Short: "<1>", Long: "one"}, {Short: "2", Long: "two", Href: "/orders"}, {Short: "3", Long: "three"}},
				Series: []views.ChartSeries{{Name: "first", Values: values}, {Name: "second", Values: values}},
			}
			html := viewstest.Render(t, i18n.WithLanguage(t.Context(), i18n.German), views.ChartFigure(c))
			viewstest.CheckFragment(t, html)
			svg := html[strings.Index(html, "<svg"):strings.Index(html, "</svg>")] + "</svg>"
			if strings.Contains(svg, "style") || strings.Contains(svg, "rgb(") || strings.Contains(svg, "NaN") {
				t.Errorf("%s %s: %s", name, currency, svg)
			}
			for _, class := range chartClass.FindAllStringSubmatch(html, -1) {
				if !strings.Contains(css, "."+class[1]) {
					t.Errorf("%s %s: the style sheet has no %s", name, currency, class[1])
				}
			}
			if !strings.Contains(svg, `<title id="c-title">A &#34;chart&#34; &lt;b&gt;</title><desc id="c-desc">of &amp; all</desc>`) {
				t.Errorf("%s %s: no words for those who can't see: %.300s", name, currency, svg)
			}
			wellFormed(t, svg)
		}
	}
}

func styleSheet(t *testing.T) string {
	t.Helper()
	css, err := os.ReadFile("../static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	return string(css)
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
	}
}

func TestChartOfNothing(t *testing.T) {
	t.Parallel()
	html := viewstest.Render(t, i18n.WithLanguage(t.Context(), i18n.English), views.ChartFigure(views.Chart{ID: "c", Title: "None", Series: []views.ChartSeries{{Values: []int64{0}}}}))
	if strings.Contains(html, "<svg") || !strings.Contains(html, "Nothing in this time") {
		t.Error(html)
	}
}

func TestPayoutCharts(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 2, 0, 0, 0, 0, order.Zone)
	ctx := i18n.WithLanguage(t.Context(), i18n.German)
	charts := views.PayoutCharts(ctx, []settlement.PayoutWeek{
		{Monday: monday, Currency: "EUR", Settlement: 100, Fees: 3}, {Monday: monday.AddDate(0, 0, 7), Currency: "EUR", Settlement: 200},
		{Monday: monday, Currency: "SEK", Settlement: 7},
	})
	if len(charts) != 2 || charts[0].ID == charts[1].ID || !slices.Equal(charts[0].Series[0].Values, []int64{100, 200}) || !slices.Equal(charts[0].Series[1].Values, []int64{3, 0}) {
		t.Fatalf("%+v", charts)
	}
	want := views.ChartRow{Short: "02.11.", Long: "02.11.2026 – 08.11.2026", Href: "/accounting/payouts?currency=EUR&from=2026-11-02&until=2026-11-08"}
	if charts[0].Rows[0] != want {
		t.Errorf("%+v, want %+v", charts[0].Rows[0], want)
	}
}

func TestCaptureChart(t *testing.T) {
	t.Parallel()
	c := views.CaptureChart(i18n.WithLanguage(t.Context(), i18n.English), []capture.Day{{Day: time.Date(2026, 11, 2, 0, 0, 0, 0, order.Zone), Done: 3, Failed: 1}})
	if c.Rows[0].Short != "2." || c.Rows[0].Long != "2\u00a0Nov\u00a02026" || c.Series[0].Values[0] != 3 || c.Series[1].Values[0] != 1 {
		t.Errorf("%+v", c)
	}
}
