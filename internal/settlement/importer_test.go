package settlement_test

import (
	"testing"
	"time"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/settlement"
)

// What Klarna paid out is here after an import, each line once and to the cent; importing
// it again changes nothing and costs next to nothing.
func TestImport(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(3, 1720, 1)
		r := o.done()
		o.complete()
		if r.Payouts != 3 || r.PayoutsNew != 3 || r.PayoutsDone != 3 || r.LinesRead != 1720 || r.LinesNew != 1720 || r.LinesKnown != 0 {
			t.Errorf("%+v", r)
		}
		for _, p := range o.books() {
			if p.Difference != 0 || p.Unexplained != 0 || len(p.Reasons) != 0 {
				t.Errorf("payout %s: difference %d, %v", p.PaymentReference, p.Difference, p.Reasons)
			}
		}
		calls := o.line.count()
		if want := 1 + 3*2; calls != want {
			t.Errorf("%d calls, want %d", calls, want)
		}

		o.clock.Advance(week)
		again := o.done()
		o.complete()
		if again.PayoutsKnown != 3 || again.LinesKnown != 1720 || again.LinesNew != 0 || again.LinesRead != 0 || o.line.count() != 1 {
			t.Errorf("the second import: %+v", again)
		}
	})
}

func TestWindow(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		now := o.clock.Now()
		first := o.done()
		if want := now.AddDate(0, 0, -30-7); !first.WindowStart.Equal(want) || !first.WindowEnd.Equal(now) {
			t.Errorf("the first window is from %s to %s", first.WindowStart, first.WindowEnd)
		}
		_, err := o.Request(o.ctx, o.account.ID, false, "Erika Beispiel")
		o.refused(err, fault.Conflict, "import_run.error.too_early")
		next, err := o.NextImport(o.ctx, o.account.ID)
		o.must(err)
		if want := now.Add(week); !next.At.Equal(want) || next.Allowed(now) || !next.Allowed(want) || next.Last.ID != first.ID {
			t.Errorf("next import: %+v", next)
		}

		forced := o.forced()
		if !forced.Forced || forced.State != settlement.Done {
			t.Errorf("%+v", forced)
		}
		entries, _, err := o.trail.List(o.ctx, "", 1)
		o.must(err)
		if len(entries) != 1 || entries[0].Action != "import_run.forced" || entries[0].Actor != "Erika Beispiel" {
			t.Errorf("log: %+v", entries)
		}

		o.clock.Advance(100 * 24 * time.Hour)
		late := o.done()
		if want := now.Add(-week); !late.WindowStart.Equal(want) || late.Forced {
			t.Errorf("the window after a long time begins at %s, want %s", late.WindowStart, want)
		}
	})
}
