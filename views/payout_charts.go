package views

import (
	"context"
	"strconv"
	"strings"
	"time"

	"zahlwerk/internal/capture"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
)

// PayoutCharts shows payouts by week with Klarna's fees beside them, a chart for each
// currency.
func PayoutCharts(ctx context.Context, weeks []settlement.PayoutWeek) []Chart {
	var charts []Chart
	for _, w := range weeks {
		n := len(charts) - 1
		if n < 0 || charts[n].Currency != w.Currency {
			n++
			charts = append(charts, Chart{
				ID: "payouts-" + strings.ToLower(w.Currency), Currency: w.Currency, Category: i18n.T(ctx, "chart.week"),
				Title: i18n.T(ctx, "chart.payouts.title", "Currency", w.Currency), Text: i18n.T(ctx, "chart.payouts.text"),
				Series: []ChartSeries{{Name: i18n.T(ctx, "chart.payouts.settlement")}, {Name: i18n.T(ctx, "chart.payouts.fees")}},
			})
		}
		c := &charts[n]
		sunday := w.Monday.AddDate(0, 0, 6)
		c.Rows = append(c.Rows, ChartRow{
			Short: shortDay(ctx, w.Monday), Long: FormatDate(ctx, w.Monday) + " – " + FormatDate(ctx, sunday),
			Href: payoutsPath + "?" + PayoutFilter{Currency: w.Currency, From: DayValue(w.Monday), Until: DayValue(sunday)}.query("", "").Encode(),
		})
		c.Series[0].Values = append(c.Series[0].Values, w.Settlement)
		c.Series[1].Values = append(c.Series[1].Values, w.Fees)
	}
	return charts
}

// CaptureChart shows how many captures there were on each of some days, with those that
// failed beside them.
func CaptureChart(ctx context.Context, days []capture.Day) Chart {
	c := Chart{
		ID: "captures", Category: i18n.T(ctx, "chart.day"), Title: i18n.T(ctx, "chart.captures.title"), Text: i18n.T(ctx, "chart.captures.text"),
		Series: []ChartSeries{{Name: i18n.T(ctx, "chart.captures.done")}, {Name: i18n.T(ctx, "chart.captures.failed")}},
	}
	for _, d := range days {
		c.Rows = append(c.Rows, ChartRow{Short: strconv.Itoa(d.Day.Day()) + ".", Long: FormatDate(ctx, d.Day)})
		c.Series[0].Values = append(c.Series[0].Values, int64(d.Done))
		c.Series[1].Values = append(c.Series[1].Values, int64(d.Failed))
	}
	return c
}

// shortDay is a day without its year.
func shortDay(ctx context.Context, t time.Time) string {
	layout := "2 Jan"
	if i18n.Language(ctx) == i18n.German {
		layout = "02.01."
	}
	return formatTime(t, layout)
}
