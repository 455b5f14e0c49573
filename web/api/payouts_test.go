package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// books is a house with an account at a sandbox, whose token is a bookkeeper's.
func books(t testing.TB) (*house, *klarnasandbox.Sandbox) {
	t.Helper()
	sandbox := klarnasandbox.New(klarnasandbox.Options{Clock: clock.NewFixed(now)})
	server := httptest.NewServer(sandbox)
	t.Cleanup(func() { sandbox.Close(); server.Close() })
	base, err := klarna.ParseBaseURL(server.URL)
	must(t, err)
	h := openOn(t, storetest.SQLite(t), klarna.Options{BaseURL: base})
	in := businessaccount.Defaults()
	in.Access = fmt.Sprintf("API_USER=>%s;API_KEY=>%s;API_DAYS=>30;", klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	_, err = h.accounts.Create(t.Context(), in, "test")
	must(t, err)
	h.token = h.newToken("Books", "accounting:read", "accounting:write")
	return h, sandbox
}

// works lets imports run until the test is over.
func (h *house) works() {
	ctx, stop := context.WithCancel(context.WithoutCancel(h.t.Context()))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		work.NewRunner(h.db, h.clock, h.bell, slog.New(slog.DiscardHandler), h.settlements.Queue()).Run(ctx)
	}()
	h.t.Cleanup(func() { stop(); <-stopped })
}

// From access data to explained payouts, only through the API.
func TestImportThroughTheAPI(t *testing.T) {
	t.Parallel()
	h, sandbox := books(t)
	_, err := sandbox.CreateOddPayout("", klarnasandbox.OddEveryType)
	must(t, err)
	_, err = sandbox.GeneratePayouts(klarnasandbox.Volume{Payouts: 3, Transactions: 60, Seed: 7})
	must(t, err)

	a := h.post("/business-accounts/klarna/import", "").expect(t, 202)
	a.is(t, document{"state": "queued", "account": "klarna", "new": 0, "error": ""})
	run := fmt.Sprintf("/import-runs/%v", a.body["id"])
	active := h.post("/business-accounts/klarna/import", `{"force":false}`).expect(t, 409)
	h.works()
	h.bell.Ring()
	a = h.until(run, "state", "done")
	if a.body["new"].(float64) < 60 || a.body["known"] != 0.0 || a.body["payouts"] != a.body["payouts_done"] {
		t.Errorf("%s", a.raw)
	}

	early := h.post("/business-accounts/klarna/import", "").expect(t, 409)
	early.is(t, document{"next_possible_at": now.Add(7 * 24 * time.Hour).Format(time.RFC3339)})
	if early.body["type"] == active.body["type"] {
		t.Errorf("both are %v", early.body["type"])
	}
	h.post("/business-accounts/klarna/import", `{"force":true}`).expect(t, 403)

	total := 0
	for cursor := ""; ; {
		page := h.get("/payouts?limit=2&cursor="+cursor).expect(t, 200)
		for _, item := range page.list("items") {
			total++
			p := item.(document)
			if p["settlement_amount"].(float64)-p["lines_amount"].(float64) != p["difference"].(float64) || p["account"] != "klarna" {
				t.Errorf("%v", p)
			}
			one := h.get(fmt.Sprintf("/payouts/%v?account=klarna", p["payment_reference"])).expect(t, 200)
			if fmt.Sprint(one.body) != fmt.Sprint(p) {
				t.Errorf("%v\nis not\n%v", one.body, p)
			}
			if lines := h.linesOf(fmt.Sprint(p["payment_reference"])); float64(len(lines)) != p["lines"] {
				t.Errorf("%d lines of %v", len(lines), p["lines"])
			}
		}
		if cursor, _ = page.body["next_cursor"].(string); cursor == "" {
			break
		}
	}
	if total < 4 {
		t.Errorf("%d payouts", total)
	}

	h.post(run+"/stop", "").expect(t, 409)
	h.post(run+"/undo", "").expect(t, 200).is(t, document{"state": "undone"})
	if left := h.get("/payouts").expect(t, 200).list("items"); len(left) != 0 {
		t.Errorf("%d payouts are left", len(left))
	}
	h.post("/business-accounts/klarna/import", "").expect(t, 202)
}

func (h *house) linesOf(payout string) (lines []any) {
	h.t.Helper()
	for cursor := ""; ; {
		page := h.get("/statement-lines?limit=7&payout="+payout+"&cursor="+cursor).expect(h.t, 200)
		lines = append(lines, page.list("items")...)
		if cursor, _ = page.body["next_cursor"].(string); cursor == "" {
			return lines
		}
	}
}

func TestBadQuestionsAboutPayouts(t *testing.T) {
	t.Parallel()
	h, _ := books(t)
	for path, status := range map[string]int{
		"/payouts?cursor=x": 422, "/payouts?account=nobody": 422, "/payouts?state=x": 422, "/payouts/NOBODY": 404,
		"/statement-lines?payout=NOBODY": 422, "/statement-lines?match=x": 422, "/import-runs/1": 404, "/import-runs/0": 422,
	} {
		h.get(path).expect(t, status)
	}
	h.post("/business-accounts/nobody/import", "").expect(t, 404)
	h.post("/import-runs/1/undo", "").expect(t, 404)
	if a := h.post("/business-accounts/klarna/import", `{"forced":true}`).expect(t, 422); !strings.Contains(a.raw, "forced") {
		t.Errorf("%s", a.raw)
	}

	account, err := h.accounts.FindByShortName(t.Context(), "klarna")
	must(t, err)
	file := settlement.ImportRun{AccountID: account.ID, Source: settlement.FromFile, State: settlement.Preview, CreatedAt: now}
	must(t, h.db.InTx(t.Context(), func(tx *gorm.DB) error { return tx.Create(&file).Error }))
	h.get(fmt.Sprintf("/import-runs/%d", file.ID)).expect(t, 404) // nobody has started it
}
