package views

import (
	"context"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-analyze/charts"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/money"
)

// The size of a chart in its own units, which are about half a pixel: it is drawn in whole
// ones, and grows and shrinks with its place.
const (
	chartWidth  = 960
	chartHeight = 460
	chartLabels = 19.5 // points, of the text
)

// chartColours stand for what a part of a chart is. They are never seen: the library
// writes them into inline styles, which the Content-Security-Policy forbids and no dark
// theme could change, so that each is replaced by a class.
var chartColours = struct{ axis, grid, text charts.Color }{marker(1), marker(2), marker(3)}

// maxChartSeries is how many series have a class of their own.
const maxChartSeries = 2

func marker(n uint8) charts.Color { return charts.Color{R: n, G: 1, B: 1, A: 255} }

func seriesMarker(n int) charts.Color { return marker(uint8(10 + n)) }

var chartTheme = charts.MakeTheme(charts.ThemeOption{
	AxisStrokeColor: chartColours.axis, AxisSplitLineColor: chartColours.grid, BackgroundColor: charts.ColorTransparent,
	TextColor: chartColours.text, SeriesColors: []charts.Color{seriesMarker(0), seriesMarker(1)},
})

// picture is the drawing of a chart.
func (c Chart) picture() templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		svg, err := c.svg(ctx)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, svg)
		return err
	})
}

// svg draws the bars of a chart.
func (c Chart) svg(ctx context.Context) (string, error) {
	values := make([][]float64, len(c.Series))
	var most float64
	for n, s := range c.Series {
		for _, v := range s.Values {
			major := float64(v) / math.Pow10(c.decimals())
			values[n] = append(values[n], major)
			most = max(most, math.Abs(major))
		}
	}
	options := charts.NewBarChartOptionWithData(values)
	options.Theme, options.Legend.Show = chartTheme, charts.Ptr(false)
	options.Padding = charts.NewBox(8, 16, 16, 8)
	options.CategoryAxis.Labels, options.CategoryAxis.LabelCount = c.labels(), len(c.Rows)
	options.CategoryAxis.LabelFontStyle.FontSize = chartLabels
	axis := &options.ValueAxis[0]
	axis.LabelFontStyle.FontSize = chartLabels
	axis.ValueFormatter = func(v float64) string { return c.axisText(ctx, v) }
	if most < 5 && c.decimals() == 0 { // half a payout is no step of an axis
		axis.Min, axis.Max, axis.LabelCount = charts.Ptr(0.0), charts.Ptr(max(most, 1)), int(max(most, 1))+1
	}
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: chartWidth, Height: chartHeight})
	if err := p.BarChart(options); err != nil {
		return "", fmt.Errorf("draw the chart %s: %w", c.ID, err)
	}
	drawn, err := p.Bytes()
	if err != nil {
		return "", fmt.Errorf("draw the chart %s: %w", c.ID, err)
	}
	return c.dressed(string(drawn)), nil
}

func (c Chart) decimals() int {
	if c.Currency == "" {
		return 0
	}
	return money.Digits(c.Currency)
}

// labels are the texts below the bars.
func (c Chart) labels() []string {
	labels := make([]string, len(c.Rows))
	for n, r := range c.Rows {
		labels[n] = r.Short
	}
	return labels
}

// axisText is a step of the axis.
func (c Chart) axisText(ctx context.Context, v float64) string {
	return money.Quantity(math.Round(v * float64(money.One))).Format(i18n.Language(ctx))
}

var chartStyle = regexp.MustCompile(` ?style="([^"]*)"`)

// chartClasses tell what an inline style stands for, by the colour in it.
var chartClasses = func() map[string]string {
	classes := map[string]string{
		chartColours.axis.String(): "chart-axis", chartColours.grid.String(): "chart-grid", chartColours.text.String(): "chart-text",
	}
	for n := range maxChartSeries {
		classes[seriesMarker(n).String()] = seriesClass(n)
	}
	return classes
}()

func seriesClass(n int) string { return "chart-series-" + strconv.Itoa(n+1) }

// dressed is a drawing with classes in the place of its inline styles, and with the words
// that tell those who can't see it what it shows.
func (c Chart) dressed(svg string) string {
	svg = chartStyle.ReplaceAllStringFunc(svg, func(style string) string {
		for colour, class := range chartClasses {
			if strings.Contains(style, colour) {
				return ` class="` + class + `"`
			}
		}
		return ` class="chart-none"`
	})
	_, svg, _ = strings.Cut(svg, ">")
	return fmt.Sprintf(`<svg class="chart-picture" viewBox="0 0 %d %d" role="img" aria-labelledby="%s-title %s-desc"><title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`,
		chartWidth, chartHeight, c.ID, c.ID, c.ID, html.EscapeString(c.Title), c.ID, html.EscapeString(c.Text)) + svg
}

// empty tells that there is nothing to draw.
func (c Chart) empty() bool {
	return !slices.ContainsFunc(c.Series, func(s ChartSeries) bool {
		return slices.ContainsFunc(s.Values, func(v int64) bool { return v != 0 })
	})
}
