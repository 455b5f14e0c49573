package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"gorm.io/gorm"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
)

// bookAccount makes a business account with an import, as the tables have it.
func (h *house) bookAccount(shortName string) (account businessaccount.Account, run settlement.ImportRun) {
	h.t.Helper()
	account = businessaccount.Account{Name: "Klarna " + shortName, ShortName: shortName, Type: businessaccount.Klarna, Active: true, CreatedAt: noon, UpdatedAt: noon}
	run = settlement.ImportRun{Source: settlement.FromAPI, State: settlement.Done, CreatedAt: noon, WindowStart: &noon, WindowEnd: &noon}
	must(h.t, h.db.InTx(h.t.Context(), func(tx *gorm.DB) error {
		if err := tx.Create(&account).Error; err != nil {
			return err
		}
		run.AccountID = account.ID
		return tx.Omit("NextPage", "Problem").Create(&run).Error
	}))
	return account, run
}

// bookLine is a statement line of a payout that a test keeps.
type bookLine struct {
	kind   klarna.TransactionType
	amount int64 // signed
	order  *order.Order
	match  settlement.MatchState
}

// bookPayout keeps a payout with its lines and their sums, as an import does.
func (h *house) bookPayout(run settlement.ImportRun, p settlement.Payout, lines ...bookLine) settlement.Payout {
	h.t.Helper()
	p.AccountID, p.RunID, p.Source, p.CreatedAt = run.AccountID, run.ID, settlement.FromAPI, noon
	if p.PayoutDate.IsZero() {
		p.PayoutDate = noon.Add(-24 * time.Hour)
	}
	if p.Currency == "" {
		p.Currency = "EUR"
	}
	if p.Reasons == nil {
		p.Reasons = []settlement.Reason{}
	}
	sums := map[string]*settlement.Sum{}
	var rows []settlement.StatementLine
	for n, l := range lines {
		if l.match == "" {
			l.match = settlement.NoOrder
		}
		row := settlement.StatementLine{
			AccountID: p.AccountID, RunID: run.ID, PaymentReference: p.PaymentReference, PayoutDate: p.PayoutDate, Identity: fmt.Sprint("line", n),
			Type: l.kind, RawAmount: max(l.amount, -l.amount), Amount: l.amount, Currency: p.Currency, MatchState: l.match, KlarnaOrderID: fmt.Sprint("order-", n),
			ShortOrderID: fmt.Sprint("SHORT", n),
		}
		p.Lines++
		p.LinesAmount += l.amount
		if l.order != nil {
			row.OrderID, row.KlarnaOrderID, row.MatchState, row.MatchRule = &l.order.ID, l.order.KlarnaOrderID, settlement.Matched, settlement.RuleKlarnaOrderID
			p.Matched++
		}
		rows = append(rows, row)
		key := string(row.Type) + string(row.MatchState)
		if sums[key] == nil {
			sums[key] = &settlement.Sum{Type: row.Type, MatchState: row.MatchState}
		}
		sums[key].Lines++
		sums[key].Amount += row.Amount
		sums[key].RawAmount += row.RawAmount
	}
	p.Difference = p.Totals.Settlement - p.LinesAmount
	must(h.t, h.db.InTx(h.t.Context(), func(tx *gorm.DB) error {
		if err := tx.Create(&p).Error; err != nil {
			return err
		}
		for i := range rows {
			rows[i].PayoutID = p.ID
			if err := tx.Create(&rows[i]).Error; err != nil {
				return err
			}
		}
		for _, s := range sums {
			s.PayoutID = p.ID
			if err := tx.Create(s).Error; err != nil {
				return err
			}
		}
		return nil
	}))
	return p
}

func TestPayoutsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	c.get("/accounting/payouts").is(http.StatusOK).says("No business account yet").has(`nav a[href="/accounting/payouts"][aria-current="page"]`)
	_, run := h.bookAccount("klarna")
	c.get("/accounting/payouts").says("No payouts yet").has(`a[href="/accounting/incoming-payments"]`)

	h.bookPayout(run, settlement.Payout{PaymentReference: "XISA93DJ", Totals: settlement.Totals{Sale: 100000, Fee: 2500, Settlement: 97500}, Complete: true})
	h.bookPayout(run, settlement.Payout{PaymentReference: "XISB", Totals: settlement.Totals{Settlement: 1234}, Complete: true, Unexplained: -3})
	h.bookPayout(run, settlement.Payout{PaymentReference: "XISC", Currency: "SEK", Totals: settlement.Totals{Settlement: 700}})
	a := c.get("/accounting/payouts").is(http.StatusOK).
		says("XISA93DJ", "€975.00", "€25.00", "2 payouts in EUR", "€987.34", "one of them open", "One payout in SEK", "Explained", "Unexplained", "Incomplete", "Payouts per week (EUR)", "Payouts per week (SEK)")
	a.has("svg.chart-picture[role=img] title").has("figure details table")
	if n := a.doc.Find("svg.chart-picture [style]").Length(); n > 0 {
		t.Errorf("%d inline styles in charts", n)
	}
	only := func(query string, want ...string) {
		t.Helper()
		a := c.get("/accounting/payouts?" + query).is(http.StatusOK)
		var got []string
		a.doc.Find("main > .table-scroll tbody th").Each(func(_ int, s *goquery.Selection) { got = append(got, strings.TrimSpace(s.Text())) })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	only("q=xisa", "XISA93DJ")
	only("q=Klarna+Bank+XISA93DJ+975.00+EUR", "XISA93DJ")
	only("q=12.34", "XISB")
	only("state=incomplete", "XISC")
	only("state=unexplained", "XISB")
	only("currency=SEK&account=klarna", "XISC")
	only("from=2026-11-02&until=2026-11-02", "XISC", "XISB", "XISA93DJ")
	only("from=2026-11-03")
	only("q=%00&after=x&before=-", "XISC", "XISB", "XISA93DJ")
	c.get("/accounting/payouts?q=nobody").says("No payout found").has(`a[href="/accounting/payouts"]`)
	a = c.get("/accounting/payouts?state=x&currency=USD&account=y&from=z").is(http.StatusOK).says("not possible here")
	if a.fieldError("state") == "" || a.fieldError("currency") == "" || a.fieldError("account") == "" || a.fieldError("from") == "" {
		t.Errorf("no word about what can't be applied: %s", a.text())
	}
	c.header.Set("Accept-Language", "de")
	c.get("/accounting/payouts?q=975,00").says("Auszahlungen", "XISA93DJ", "975,00 €")
	h.as(auth.Shipping).get("/accounting/payouts").is(http.StatusForbidden)
}

func TestPayoutsPageByPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, run := h.bookAccount("klarna")
	for n := range 51 {
		h.bookPayout(run, settlement.Payout{PaymentReference: fmt.Sprintf("P%02d", n), Complete: true, PayoutDate: noon.Add(-time.Duration(n) * time.Hour)})
	}
	c := h.as(auth.Accounting)
	first := c.get("/accounting/payouts?state=explained").says("50 payouts on this page")
	second := c.get(first.doc.Find(`.pagination a[rel="next"]`).AttrOr("href", "")).is(http.StatusOK).says("P50", "One payout on this page")
	if strings.Contains(second.text(), "P49") {
		t.Error("a payout is on two pages")
	}
	c.get(second.doc.Find(`.pagination a[rel="prev"]`).AttrOr("href", "")).says("P00", "P49")
}

func TestPayoutPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(100000)
	_, run := h.bookAccount("klarna")
	h.bookPayout(run, settlement.Payout{
		PaymentReference: "XISA93DJ", SettlementType: klarna.SettledNet, MerchantID: "K1234_TEST", Complete: true,
		Totals:  settlement.Totals{Sale: 100000, Fee: 2500, Holdback: 5000, Repay: 700, ClosingDebt: 0, Settlement: 91795},
		Reasons: []settlement.Reason{{Name: settlement.ReasonRepay, Amount: -700}}, Unexplained: -5,
	}, bookLine{kind: klarna.TypeSale, amount: 100000, order: o}, bookLine{kind: klarna.TypeFee, amount: -2500, order: o},
		bookLine{kind: klarna.TypeHoldback, amount: -5000}, bookLine{kind: "NEW_THING", amount: 0, match: settlement.Unmatched})
	c := h.as(auth.Accounting)
	a := c.get("/accounting/payouts/XISA93DJ").is(http.StatusOK).says(
		"Payout XISA93DJ", "Unexplained", "-€0.05 of this payout are unexplained", "How the payout comes about",
		"Sales", "Fees", "Holdbacks", "comes with a later payout as a release", "Debt repaid", "-€7.00", "Unknown types",
		"Net: fees are taken out", "K1234_TEST", "€917.95", "Payout less lines", "-€7.05", "NEW_THING", o.Number, "SHORT2")
	a.has(fmt.Sprintf(`a[href="/orders/%d"]`, o.ID)).has(fmt.Sprintf(`a[href="/accounting/import-runs/%d"]`, run.ID)).has(`tr.unexplained`)
	if got := strings.Join(strings.Fields(a.doc.Find(".equation").Text()), " "); !strings.HasPrefix(got, "€1,000.00 Sales − €25.00 Fees − €50.00 Holdbacks − €7.00 Debt repaid = €917.95") {
		t.Errorf("the equation: %s", got)
	}
	fees := a.doc.Find(`a[href*="type=FEE"]`).First().AttrOr("href", "")
	a = c.get(strings.TrimSuffix(fees, "#lines")).is(http.StatusOK)
	if got := a.doc.Find("#lines tbody tr").Length(); got != 1 || !strings.Contains(a.doc.Find("#lines").Text(), "-€25.00") {
		t.Errorf("%s shows %d lines", fees, got)
	}
	c.get("/accounting/payouts/XISA93DJ?match=unmatched").says("Unmatched")
	c.get("/accounting/payouts/XISA93DJ?type=x&match=y&after=z").is(http.StatusOK).says("NEW_THING")
	c.get("/accounting/payouts/nobody").is(http.StatusNotFound).says("no such payout")
	c.get("/accounting/payouts/%00").is(http.StatusNotFound)
	c.get("/accounting/payouts/XISA93DJ?account=999").is(http.StatusNotFound)
	c.header.Set("Accept-Language", "de")
	c.get("/accounting/payouts/XISA93DJ").says("Auszahlung XISA93DJ", "-0,05 € dieser Auszahlung sind ungeklärt", "So kommt die Auszahlung zustande", "Netto")
	h.as(auth.Viewer).get("/accounting/payouts/XISA93DJ").is(http.StatusForbidden)
}

func TestPayoutPageSaysWhatIsOdd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, run := h.bookAccount("klarna")
	h.bookPayout(run, settlement.Payout{PaymentReference: "FINE", Complete: true, Totals: settlement.Totals{Settlement: 5, Sale: 5}}, bookLine{kind: klarna.TypeSale, amount: 5})
	h.bookPayout(run, settlement.Payout{PaymentReference: "ZERO", Complete: true})
	h.bookPayout(run, settlement.Payout{PaymentReference: "MINUS", Complete: true, Totals: settlement.Totals{Settlement: -900, Return: 900, ClosingDebt: 900}}, bookLine{kind: klarna.TypeReturn, amount: -900})
	h.bookPayout(run, settlement.Payout{PaymentReference: "PART", Totals: settlement.Totals{Settlement: 50, Sale: 50},
		Reasons: []settlement.Reason{{Name: settlement.ReasonLinesMissing, Amount: 50}}})
	h.bookPayout(run, settlement.Payout{PaymentReference: "GROSS", SettlementType: "NEW", Complete: true, Totals: settlement.Totals{Settlement: 50, Sale: 50, Fee: 5},
		Reasons: []settlement.Reason{{Name: settlement.ReasonFeesInvoiced, Amount: 5}}}, bookLine{kind: klarna.TypeSale, amount: 50}, bookLine{kind: klarna.TypeFee, amount: -5})
	h.bookPayout(run, settlement.Payout{PaymentReference: "COMING", Totals: settlement.Totals{Settlement: 50, Sale: 50}}, bookLine{kind: klarna.TypeSale, amount: 20})
	_, err := h.db.Exec(t.Context(), "UPDATE payouts SET lines = 0, lines_amount = 0, difference = 0 WHERE payment_reference = 'COMING'") // they are counted at the end
	must(t, err)
	c := h.as(auth.Accounting)
	for reference, want := range map[string][]string{
		"COMING": {"This payout is incomplete", "One line", "(100%)"},
		"FINE":   {"agree to the cent"},
		"ZERO":   {"No money comes to the bank", "are equal", "There are no such lines"},
		"MINUS":  {"No money comes to the bank", "€9.00 more than the sales", "Debt afterwards"},
		"PART":   {"This payout is incomplete", "Lines are missing", "Sales"},
		"GROSS":  {"Fees invoiced separately", "NEW"},
	} {
		c.get("/accounting/payouts/" + reference).is(http.StatusOK).says(want...)
	}
	if c.get("/accounting/payouts/GROSS").doc.Find(`tbody a[href*="type=FEE"]`).Length() < 2 {
		t.Error("no way from the reason to its lines")
	}
}

func TestPayoutOfSeveralAccounts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, run := h.bookAccount("first")
	second, run2 := h.bookAccount("second")
	h.bookPayout(run, settlement.Payout{PaymentReference: "SAME", Complete: true, Totals: settlement.Totals{Settlement: 100}})
	h.bookPayout(run2, settlement.Payout{PaymentReference: "SAME", Complete: true, Totals: settlement.Totals{Settlement: 200}})
	c := h.as(auth.Accounting)
	a := c.get("/accounting/payouts/SAME").is(http.StatusOK).says("2 business accounts", first.Name, second.Name, "€2.00")
	c.get(a.doc.Find(`a[href*="account="]`).Last().AttrOr("href", "")).is(http.StatusOK).says("€2.00", second.Name)
	c.get("/accounting/payouts/SAME/lines.csv").is(http.StatusConflict).says("Several business accounts")
	c.get(fmt.Sprintf("/accounting/payouts/SAME/lines.csv?account=%d", first.ID)).is(http.StatusOK)
}

func TestPayoutLinesAsCSV(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, run := h.bookAccount("klarna")
	h.bookPayout(run, settlement.Payout{PaymentReference: "XIS", Complete: true, Totals: settlement.Totals{Settlement: 995}},
		bookLine{kind: klarna.TypeSale, amount: 123456}, bookLine{kind: klarna.TypeFee, amount: -5}, bookLine{kind: "=1+1", amount: 0})
	c := h.as(auth.Accounting)
	c.header.Set("Accept-Language", "de")
	a := c.get("/accounting/payouts/XIS/lines.csv").is(http.StatusOK)
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.Body.String(), "\ufeff")))
	in.Comma = ';'
	rows, err := in.ReadAll()
	must(t, err)
	if len(rows) != 4 || rows[0][4] != "Betrag" || rows[3][4] != "1234,56" || rows[2][4] != "-0,05" || rows[1][2] != "'=1+1" || rows[3][1] != "2026-11-02" {
		t.Errorf("%q", rows)
	}
	a = c.get("/accounting/payouts/XIS/lines.csv?type=FEE").is(http.StatusOK)
	if n := strings.Count(a.Body.String(), "\r\n"); n != 2 {
		t.Errorf("%d rows of fees: %s", n, a.Body.String())
	}
}
