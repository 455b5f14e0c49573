package capture_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/klarnasandbox"
)

func TestDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for range 2 {
			w.whole().record("JJD000390007882823458")
		}
		w.settle()
		refused := w.whole()
		w.fault("capture_not_allowed", klarnasandbox.OpCapture, 1, "")
		refused.record("JJD000390007882823459")
		w.settle()
		// A minute before midnight in Berlin, and midnight itself.
		w.exec("UPDATE captures SET captured_at = ? WHERE id = 1", time.Date(2026, 11, 2, 22, 59, 0, 0, time.UTC))
		w.exec("UPDATE captures SET captured_at = ? WHERE id = 2", time.Date(2026, 11, 2, 23, 0, 0, 0, time.UTC))
		days, err := w.program.captures.Days(t.Context(), 3)
		w.must(err)
		var got []string
		for _, d := range days {
			got = append(got, fmt.Sprintf("%s %d %d", d.Day.Format("01-02 15:04"), d.Done, d.Failed))
		}
		if want := "11-01 00:00 0 0, 11-02 00:00 1 0, 11-03 00:00 1 1"; strings.Join(got, ", ") != want {
			t.Errorf("%q, want %q", got, want)
		}
		w.clock.Advance(14*time.Hour + 30*time.Minute) // in Berlin the next day has begun
		days, err = w.program.captures.Days(t.Context(), 2)
		w.must(err)
		if days[0].Done != 1 || days[1].Done != 0 || days[1].Day.Day() != 4 {
			t.Errorf("after midnight: %+v", days)
		}
	})
}
