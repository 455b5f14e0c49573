package web_test

import (
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/settlement"
)

func TestOverviewWhenAllIsDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	h.order(1000)
	h.as(auth.Viewer).get("/").is(200).says("All done")
}

func TestOverviewNamesWhatNeedsAPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.method()
	small, large, expiring := h.order(1000), h.order(900000), h.order(5000)
	must(t, h.sandboxFault("capture_not_allowed", 2))
	for _, o := range []*order.Order{small, large} {
		_, err := h.dispatch.RecordParcel(t.Context(), o.ID, dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: "JJD" + o.Number}, "Max")
		must(t, err)
	}
	h.settle()
	_, err := h.db.Exec(t.Context(), "UPDATE captures SET state = 'unknown' WHERE order_id = ?", small.ID)
	must(t, err)
	must(t, h.db.InTx(t.Context(), func(tx *gorm.DB) error {
		if err := order.KeepReading(tx, expiring.ID, "", noon.Add(6*24*time.Hour)); err != nil {
			return err
		}
		_, err := h.methods.Pause(tx, m.ID, m.CredentialsVersion, paymentmethod.PauseUnauthorized)
		return err
	}))
	admin := h.as(auth.Admin)
	page := admin.get("/").is(200).says("Payment method paused", "does not accept the credentials", "Feedback failed",
		"Authorisation ends within 7 days", expiring.Number,
		"For 1 order it is unclear", "Klarna refused")
	page.has(`#task-failed .task-count`).has(`a[href="/orders?feedback=failed"]`)
	rows := page.doc.Find("#task-failed").Parent().Find(".task-rows a")
	if rows.Length() != 2 || rows.First().Text() != large.Number {
		t.Errorf("not the most money first: %s", rows.Text())
	}
	h.clock.Advance(6*24*time.Hour + time.Second)
	admin.logIn(emailOf(auth.Admin))
	if page := admin.get("/").is(200); page.doc.Find("#task-expiring").Length() > 0 {
		t.Errorf("an authorisation that has ended is still about to: %s", page.text())
	}
}

func (h *house) sandboxFault(preset string, times int) error {
	f, _ := klarnasandbox.Preset(preset)
	f.Operation, f.Times = klarnasandbox.OpCapture, times
	_, err := h.sandbox.SetFault(f)
	return err
}

func TestOverviewOfMoney(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	h.captured(5000)
	_, run := h.bookAccount("klarna")
	h.clock.Advance(30 * 24 * time.Hour)
	admin := h.as(auth.Admin)
	if page := admin.get("/").is(200); page.doc.Find("#task-not_paid_out, #task-imports_due").Length() > 0 {
		t.Errorf("tasks without access data or payouts: %s", page.text())
	}
	h.bookPayout(run, settlement.Payout{PaymentReference: "SMALL", Complete: true, Unexplained: 3, Totals: settlement.Totals{Settlement: 100000}})
	h.bookPayout(run, settlement.Payout{PaymentReference: "LARGE", Complete: true, Unexplained: -700, Totals: settlement.Totals{Settlement: 100}})
	h.bookPayout(run, settlement.Payout{PaymentReference: "PART", Totals: settlement.Totals{Settlement: 12300}})
	_, err := h.db.Exec(t.Context(), "UPDATE business_accounts SET access = x'00'")
	must(t, err)
	page := admin.get("/").is(200).says("Unexplained payouts", "-€7.00", "Incomplete payouts", "€123.00", "Captured but not paid out", "21 to 59 days", "one capture", "€50.00",
		"Live import due", "Fetched until 3 Nov 2026", "Captures per day", "Payouts per week (EUR)")
	if rows := page.doc.Find("#task-payouts_unexplained").Parent().Find(".task-rows a"); rows.First().Text() != "LARGE" {
		t.Errorf("not the most money first: %s", rows.Text())
	}
	page.has(`a[href="/accounting/payouts?state=unexplained"]`).has(`a[href="/accounting/payouts?state=incomplete"]`).has(`a[href="/accounting/not-paid-out?known=no_payout"]`)

	_, err = h.db.Exec(t.Context(), `UPDATE import_runs SET state = 'failed', finished_at = ?, problem = '{"key": "import_run.error.active"}'`, noon)
	must(t, err)
	admin.get("/").says("Live import failed").has(fmt.Sprintf(`a[href="/accounting/import-runs/%d"]`, run.ID))
	admin.header.Set("Accept-Language", "de")
	admin.get("/").says("Ungeklärte Auszahlungen", "Erfassungen je Tag")

	page = h.as(auth.Viewer).get("/").is(200).says("Captures per day")
	if page.doc.Find("#task-payouts_unexplained, #task-imports_failed, #task-not_paid_out, #payouts-eur-title").Length() > 0 {
		t.Errorf("a viewer sees money: %s", page.text())
	}
}
