package settlement_test

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/settlement"
)

// What goes wrong once or twice is waited for; nothing is lost or doubled by it.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	lines, list := klarnasandbox.OpListTransactions, klarnasandbox.OpListPayouts
	for name, tc := range map[string]struct {
		preset string
		klarnasandbox.Fault
		waits time.Duration
	}{
		"503 for the list":             {"unavailable", klarnasandbox.Fault{Operation: list, Times: 2}, 6 * time.Second},
		"500 for a page":               {"internal_error", klarnasandbox.Fault{Operation: lines, Page: 2, Times: 1}, time.Second},
		"cut in the middle of page 3":  {"partial", klarnasandbox.Fault{Operation: lines, Page: 3, Times: 1}, time.Second},
		"half an answer":               {"truncated", klarnasandbox.Fault{Operation: lines, Page: 3, Times: 4}, 51 * time.Second},
		"no answer":                    {"cut_before", klarnasandbox.Fault{Operation: lines, Times: 3}, -1}, // a kept connection is tried again at once
		"a page of HTML":               {"html_applied", klarnasandbox.Fault{Operation: lines, Page: 2, Times: 2}, 6 * time.Second},
		"an error page":                {"html_error", klarnasandbox.Fault{Operation: list, Times: 1}, time.Second},
		"nothing":                      {"empty", klarnasandbox.Fault{Operation: lines, Times: 1}, time.Second},
		"too many requests":            {"too_many_requests", klarnasandbox.Fault{Operation: lines, Times: 6}, 30 * time.Second},
		"next points to another host":  {"next_elsewhere", klarnasandbox.Fault{Operation: lines}, 0},
		"the list's next does so, too": {"next_elsewhere", klarnasandbox.Fault{Operation: list}, 0},
		"short pages":                  {"short_page", klarnasandbox.Fault{Operation: lines}, 0},
		"a short list":                 {"short_page", klarnasandbox.Fault{Operation: list}, 0},
		"no total":                     {"no_total", klarnasandbox.Fault{Operation: lines}, 0},
		"no total on one page":         {"no_total", klarnasandbox.Fault{Operation: lines, Page: 2}, 0},
		"no total of the list":         {"no_total", klarnasandbox.Fault{Operation: list}, 0},
		"long answers":                 {"huge", klarnasandbox.Fault{Operation: lines}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inOffice(t, func(o *office) {
				o.volume(1, 1030, 7)
				o.faulty(tc.preset, tc.Fault)
				began := o.clock.Now()
				r := o.done()
				if waited := o.clock.Now().Sub(began); waited != tc.waits && tc.waits >= 0 {
					t.Errorf("waited %s, want %s", waited, tc.waits)
				}
				o.complete()
				if r.LinesNew != 1030 || r.PayoutsNew != 1 {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// What is refused at once, or never comes, ends the import with the reason; the next one
// is free at once and brings everything.
func TestLastingFaults(t *testing.T) {
	t.Parallel()
	lines, list := klarnasandbox.OpListTransactions, klarnasandbox.OpListPayouts
	const others = 2
	for name, tc := range map[string]struct {
		preset string
		klarnasandbox.Fault
		problem string
		payout  string // the problem of the payout
		here    int
		waits   time.Duration
	}{
		"401":                    {"unauthorized", klarnasandbox.Fault{Operation: list}, "unauthorized", "", 0, 0},
		"403":                    {"forbidden_page", klarnasandbox.Fault{Operation: list}, "forbidden", "", 0, 0},
		"401 for lines":          {"unauthorized", klarnasandbox.Fault{Operation: lines, Reference: "B"}, "unauthorized", "", 1, 0},
		"401 in the middle":      {"unauthorized", klarnasandbox.Fault{Operation: lines, Reference: "B", Page: 2}, "unauthorized", "", 1, 0},
		"400":                    {"bad_value", klarnasandbox.Fault{Operation: list}, "refused", "", 0, 0},
		"500 for the list":       {"internal_error", klarnasandbox.Fault{Operation: list}, "unavailable", "", 0, 51 * time.Second},
		"404 for lines":          {"no_such_payout", klarnasandbox.Fault{Operation: lines, Reference: "B"}, "payouts", "not_found", others, 0},
		"503 for lines":          {"unavailable", klarnasandbox.Fault{Operation: lines, Reference: "B"}, "payouts", "unavailable", others, 51 * time.Second},
		"no answer for lines":    {"cut_before", klarnasandbox.Fault{Operation: lines, Reference: "B"}, "payouts", "no_answer.cut", others, 51 * time.Second},
		"HTML for the last page": {"html_applied", klarnasandbox.Fault{Operation: lines, Reference: "B", Page: 3}, "payouts", "no_answer.not_klarna", others, 51 * time.Second},
		"too many requests":      {"too_many_requests", klarnasandbox.Fault{Operation: list}, "too_many_requests", "", 0, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inOffice(t, func(o *office) {
				o.pays("A", sale(1))
				o.pays("B", sales(1003)...)
				o.pays("C", sale(3))
				o.faulty(tc.preset, tc.Fault)
				began := o.clock.Now()
				r := o.imported()
				if r.State != settlement.Failed || r.Problem == nil || r.Problem.Key != "import_run.problem."+tc.problem {
					t.Fatalf("%s: %+v", r.State, r.Problem)
				}
				if waited := o.clock.Now().Sub(began); waited != tc.waits {
					t.Errorf("waited %s, want %s", waited, tc.waits)
				}
				if n := len(o.books()); n != tc.here {
					t.Errorf("%d payouts are here, want %d", n, tc.here)
				}
				o.sound()
				bad, err := o.RunPayouts(o.ctx, r.ID, 0, 10, settlement.PayoutProblem)
				o.must(err)
				switch {
				case tc.payout == "" && len(bad) != 0:
					t.Errorf("a payout failed: %+v", bad)
				case tc.payout != "" && (len(bad) != 1 || bad[0].PaymentReference != "B" || bad[0].Problem.Key != "import_run.problem."+tc.payout):
					t.Errorf("payouts that failed: %+v", bad)
				}
				o.sandbox.ClearFaults()
				if again := o.done(); again.PayoutsNew != 3-int64(tc.here) || again.PayoutsKnown != int64(tc.here) {
					t.Errorf("the next import: %+v", again)
				}
				o.complete()
			})
		})
	}
}

func sales(n int) (lines []klarnasandbox.Transaction) {
	for i := range n {
		lines = append(lines, sale(int64(1000+i)))
	}
	return lines
}

// Klarna is away: that is found out once, and not for each payout anew.
func TestKlarnaIsAway(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		for _, reference := range []string{"A", "B", "C"} {
			o.pays(reference, sale(1))
		}
		o.faulty("unavailable", klarnasandbox.Fault{Operation: klarnasandbox.OpListTransactions})
		r := o.imported()
		if r.State != settlement.Failed || r.PayoutsFailed != 3 || o.line.count() != 1+5+1+1 {
			t.Errorf("%+v", r)
		}
	})
}

// Payouts that come while the list is read are found, or left for the next import; no
// other one is missed for them.
func TestPayoutsComeMeanwhile(t *testing.T) {
	t.Parallel()
	for name, oldestFirst := range map[string]bool{"newest first": false, "oldest first": true} {
		for often, times := range map[string]int{"once": 1, "always": 0} {
			t.Run(name+", "+often, func(t *testing.T) {
				t.Parallel()
				inOffice(t, func(o *office) {
					terms := o.sandbox.Terms("")
					terms.OldestFirst = oldestFirst
					o.must(o.sandbox.SetTerms("", terms))
					for n := range 520 {
						_, err := o.sandbox.CreatePayout(klarnasandbox.NewPayout{PaymentReference: fmt.Sprintf("P%d", n), PayoutDate: o.clock.Now().Add(-time.Duration(n) * time.Minute)})
						o.must(err)
					}
					before := o.sandbox.Payouts("")
					o.faulty("new_payout", klarnasandbox.Fault{Operation: klarnasandbox.OpListPayouts, Times: times})
					r := o.done()
					here := map[string]bool{}
					for _, p := range o.books() {
						here[p.PaymentReference] = true
					}
					for _, p := range before {
						if !here[p.PaymentReference] {
							t.Errorf("payout %s is not here", p.PaymentReference)
						}
					}
					if r.Payouts != r.PayoutsNew || r.Listed < 2 {
						t.Errorf("%+v", r)
					}
					o.sandbox.ClearFaults()
					o.forced()
					o.complete()
				})
			})
		}
	}
}

// told lets Klarna tell the lines of a payout as these pages.
func (o *office) told(reference string, pages ...string) {
	o.line.through(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/transactions") || r.URL.Query().Get("payment_reference") != reference {
			return false
		}
		page := pages[min(len(pages), 1)-1]
		if len(pages) > 1 {
			pages = pages[1:]
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(page))
		return true
	})
}

// page is an answer of sales; without a total if that is below 0.
func page(total int, amounts ...int64) string {
	var lines []string
	for _, a := range amounts {
		lines = append(lines, fmt.Sprintf(`{"type":"SALE","amount":%d,"currency_code":"EUR","sale_date":"2026-10-20T10:00:00Z","capture_date":"2026-10-20T10:00:00Z","order_id":"o","purchase_country":"DE"}`, a))
	}
	said := ""
	if total >= 0 {
		said = fmt.Sprintf(`,"total":%d`, total)
	}
	return fmt.Sprintf(`{"transactions":[%s],"pagination":{"count":%d,"offset":0%s}}`, strings.Join(lines, ","), len(amounts), said)
}

// Lines that are others each time they are read are not taken for true.
func TestLinesMove(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("A", sale(5))
		o.pays("B", sale(1), sale(2), sale(3))
		o.told("B", page(-1, 1), page(-1, 2), page(-1, 3))
		r := o.imported()
		bad, err := o.RunPayouts(o.ctx, r.ID, 0, 10, settlement.PayoutProblem)
		o.must(err)
		if r.State != settlement.Failed || r.PayoutsNew != 1 || len(bad) != 1 || bad[0].Problem.Key != "import_run.problem.lines_move" || o.payout("B") != nil {
			t.Errorf("%+v: %+v", r, bad)
		}
		o.sound()
		o.line.through(nil)
		o.done()
		o.complete()
	})
}

// A total that changes between two pages spoils the reading, not the import.
func TestTotalChanges(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("A", sale(1), sale(2), sale(3))
		o.told("A", page(2, 1), page(3, 2), page(3, 1, 2, 3))
		r := o.done()
		if p := o.payout("A"); r.LinesNew != 3 || r.LinesRead != 5 || !p.Complete || p.Lines != 3 {
			t.Errorf("%+v, %+v", r, p)
		}
		o.sound()
	})
}

// Where Klarna says that there are more lines than it gives, those that it gives are in,
// and what is missing has its name; the next import adds it. What it then no longer gives
// stays, and counts nowhere.
func TestIncompletePayout(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("A", sale(1), sale(1), sale(2))
		given := page(3, 1, 4)
		end := page(3)
		o.told("A", given, end, given, end)
		r := o.imported()
		p := o.payout("A")
		if r.State != settlement.Failed || r.Problem.Key != "import_run.problem.payouts" || p == nil || p.Complete || p.Lines != 2 {
			t.Fatalf("%+v: %+v", r, p)
		}
		o.sound()

		given = page(3, 1, 1, 2)
		o.told("A", given)
		r = o.done()
		p = o.payout("A")
		if r.LinesNew != 2 || r.LinesKnown != 1 || r.PayoutsNew != 1 || !p.Complete || p.Lines != 3 || p.LinesAmount != 4 || len(o.lines(p)) != 4 {
			t.Errorf("%+v: %+v", r, p)
		}
		met, err := o.RunPayouts(o.ctx, r.ID, 0, 10)
		o.must(err)
		if len(met) != 1 || met[0].Problem == nil || met[0].Problem.Key != "import_run.problem.surplus" {
			t.Errorf("%+v", met)
		}
		o.sound()
		o.forced()
		if again := o.payout("A"); again.Lines != 3 || len(o.lines(again)) != 4 {
			t.Errorf("%+v", again)
		}
	})
}

// A complete payout whose lines are fewer than its totals say is read again each time:
// Klarna may add them later.
func TestLinesMissing(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		_, err := o.sandbox.CreatePayout(klarnasandbox.NewPayout{PaymentReference: "A", Totals: &klarnasandbox.Totals{Sale: 300, Fee: 20, Settlement: 280},
			Transactions: []klarnasandbox.Transaction{sale(300)}})
		o.must(err)
		fees := func(n int) string { // told with their signs, which only all of them show
			all := append([]int64{300}, slices.Repeat([]int64{-10}, n)...)
			return strings.ReplaceAll(page(len(all), all...), `"SALE","amount":-10`, `"FEE","amount":-10`)
		}
		o.done()
		p := o.payout("A")
		if !p.Complete || p.Difference != -20 || p.Unexplained != 0 || len(p.Reasons) != 1 || p.Reasons[0] != (settlement.Reason{Name: settlement.ReasonLinesMissing, Amount: -20}) {
			t.Fatalf("%+v", p)
		}
		first := p.RunID
		o.told("A", page(1, 300))
		o.forced()
		o.told("A", fees(1))
		r := o.forced()
		if p = o.payout("A"); p.Signed || p.LinesAmount != 310 || p.RunID != r.ID || p.RunID == first {
			t.Errorf("%+v, %+v", r, p)
		}
		o.told("A", fees(1))
		r = o.forced()
		if again := o.payout("A"); r.LinesNew != 0 || r.PayoutsKnown != 1 || again.RunID != p.RunID {
			t.Errorf("%+v, %+v", r, again)
		}
		o.told("A", fees(2))
		r = o.forced()
		if p = o.payout("A"); r.LinesNew != 1 || !p.Signed || p.Difference != 0 || p.LinesAmount != 280 || len(p.Reasons) != 0 {
			t.Errorf("%+v, %+v", r, p)
		}
		if r = o.forced(); r.LinesRead != 0 {
			t.Errorf("read again: %+v", r)
		}
		o.sound()
	})
}

// Odd payouts: the largest amounts, a currency without minor units, nothing in it, types
// that nobody has heard of, equal lines, and lines that don't say which payout is theirs.
func TestOddPayouts(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		terms := o.sandbox.Terms("")
		terms.Bare = true
		o.must(o.sandbox.SetTerms("", terms))
		captured := o.clock.Now().Add(-week)
		refund := klarnasandbox.Transaction{Type: "RETURN", Amount: 500, OrderID: "6b1f4b5e-0000-4000-8000-000000000001", CaptureDate: captured}
		many := make([]klarnasandbox.Transaction, 1200)
		for n := range many {
			many[n] = refund
		}
		o.pays("LARGE", sale(math.MaxInt32*1000), takenOff("FEE", math.MaxInt32+1))
		o.pays("EMPTY")
		o.pays("EQUAL", append([]klarnasandbox.Transaction{sale(1_000_000)}, many...)...)
		o.pays("NEW", sale(100), takenOff("SOMETHING_NEW", 7))
		_, err := o.sandbox.CreatePayout(klarnasandbox.NewPayout{PaymentReference: "YEN", Currency: "JPY", Transactions: []klarnasandbox.Transaction{sale(1200), takenOff("HOLDBACK", 1500)}})
		o.must(err)
		r := o.done()
		o.complete()
		if n := len(o.lines(o.payout("EQUAL"))); n != 1201 || r.LinesNew != 1201+2+2+2 {
			t.Errorf("%d equal lines, %+v", n, r)
		}
		for _, p := range o.books() {
			if p.Difference != 0 || p.Unexplained != 0 {
				t.Errorf("payout %s: difference %d, %v", p.PaymentReference, p.Difference, p.Reasons)
			}
		}
		if p := o.payout("NEW"); len(p.Reasons) != 1 || p.Reasons[0].Name != settlement.ReasonUnknownType {
			t.Errorf("%+v", p)
		}
		if p := o.payout("YEN"); p.Currency != "JPY" || p.LinesAmount != -300 {
			t.Errorf("%+v", p)
		}
		for _, l := range o.lines(o.payout("LARGE")) {
			if l.PaymentReference != "LARGE" {
				t.Errorf("%+v", l)
			}
		}
	})
}
