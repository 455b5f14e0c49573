package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
	"zahlwerk/internal/settlement"
)

const incoming = "/accounting/incoming-payments"

func incomingOf(account int64) string { return fmt.Sprintf("%s/%d", incoming, account) }

func linePath(id int64) string { return fmt.Sprintf("/accounting/statement-lines/%d", id) }

// pays lets the sandbox pay these transactions out.
func (h *house) pays(reference string, transactions ...klarnasandbox.Transaction) {
	h.t.Helper()
	_, err := h.sandbox.CreatePayout(klarnasandbox.NewPayout{PaymentReference: reference, PayoutDate: h.clock.Now().Add(-24 * time.Hour), Transactions: transactions})
	must(h.t, err)
}

// imported makes an account and imports what there is.
func (h *house) imported() (*businessaccount.Account, *settlement.ImportRun) {
	h.t.Helper()
	a := h.account()
	r, err := h.settlements.Request(h.t.Context(), a.ID, false, "Erika Beispiel")
	must(h.t, err)
	h.settle()
	r, err = h.settlements.Run(h.t.Context(), r.ID)
	must(h.t, err)
	return a, r
}

// line finds the one line of an account that a search finds.
func (h *house) line(account int64, query string) settlement.Line {
	h.t.Helper()
	p, err := h.settlements.Lines(h.t.Context(), settlement.LineFilter{AccountID: account, Query: query, Language: "en"})
	must(h.t, err)
	if len(p.Lines) != 1 {
		h.t.Fatalf("%q finds %d lines", query, len(p.Lines))
	}
	return p.Lines[0]
}

func TestIncomingPaymentsFromNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	a := c.get(incoming).is(http.StatusOK).says("No business account yet").has(`nav a[href="/accounting/incoming-payments"][aria-current="page"]`)
	if a.doc.Find(`main a[href$="/business-accounts/new"]`).Length() > 0 {
		t.Error("somebody who may not set accounts up is sent there")
	}
	h.as(auth.Admin).get(incoming).has(`main a[href$="/business-accounts/new"]`)

	only := h.account()
	c.get(incoming).redirects(t, incomingOf(only.ID))
	c.get(incomingOf(only.ID)).is(http.StatusOK).says("No statement lines yet").has(fmt.Sprintf(`main a[href="%s?tab=import"]`, incomingOf(only.ID)))
	c.get(incomingOf(only.ID) + "?match=open").says("No line matches")
	c.get(incomingOf(99)).is(http.StatusNotFound)
	c.get(incomingOf(only.ID) + "x").is(http.StatusNotFound)

	second, run := h.bookAccount("second")
	h.bookPayout(run, settlement.Payout{PaymentReference: "X1", Complete: true}, bookLine{kind: klarna.TypeSale, amount: 100, match: settlement.Unmatched},
		bookLine{kind: klarna.TypeSale, amount: 200, match: settlement.Proposed}, bookLine{kind: klarna.TypeFee, amount: -3})
	c.get(incoming).is(http.StatusOK).says("Klarna second", "To do").has(fmt.Sprintf(`td a[href="%s?match=open"][aria-label="2 open lines: Klarna second"]`, incomingOf(second.ID)))
	c.header.Set("Accept-Language", "de")
	c.get(incoming).says("Zahlungseingang", "Zu tun", "Nächster Import möglich")
	for _, role := range []auth.Role{auth.Shipping, auth.Viewer} {
		other := h.as(role)
		other.get(incoming).is(http.StatusForbidden)
		other.get(linePath(1)).is(http.StatusForbidden)
		other.post(linePath(1)+"/match", url.Values{}).is(http.StatusForbidden)
	}
}

func TestIncomingLines(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(5000)
	account, run := h.bookAccount("klarna")
	c := h.as(auth.Accounting)
	h.bookPayout(run, settlement.Payout{PaymentReference: "XISA93DJ", Totals: settlement.Totals{Settlement: 123456}, Complete: true},
		bookLine{kind: klarna.TypeSale, amount: 5000, order: o}, bookLine{kind: klarna.TypeFee, amount: -150, match: settlement.Unmatched}, bookLine{kind: "NEW_ONE", amount: 1})
	h.bookPayout(run, settlement.Payout{PaymentReference: "XISB", Currency: "SEK", PayoutDate: noon.AddDate(0, 0, -8), Complete: true},
		bookLine{kind: klarna.TypeSale, amount: 777, match: settlement.Proposed}, bookLine{kind: klarna.TypeReturn, amount: -777, match: settlement.ByHand})

	list := incomingOf(account.ID)
	a := c.get(list).is(http.StatusOK).says("3 lines in EUR", "€48.51", "2 lines in SEK", "SEK 0.00", "Matched", "Klarna order id", "Unmatched", "Proposed", "By hand", "Not about an order", "NEW_ONE", "-€1.50", "Return")
	a.has(fmt.Sprintf(`a[href="/orders/%d"]`, o.ID)).has(fmt.Sprintf(`a[href="/accounting/payouts/XISA93DJ?account=%d"]`, account.ID)).has(`.tabs a[aria-current=page] .count`)
	found := func(query string) string {
		t.Helper()
		var got []string
		c.get(list + "?" + query).is(http.StatusOK).doc.Find("tr[data-row] td.num").Each(func(_ int, s *goquery.Selection) { got = append(got, strings.Fields(s.Text())...) })
		return strings.Join(got, " ")
	}
	for query, want := range map[string]string{
		"match=open": "-€1.50 SEK 7.77", "match=matched": "€50.00", "match=by_hand": "-SEK 7.77", "type=SALE": "€50.00 SEK 7.77", "type=NEW_ONE": "€0.01", "type=TAX": "",
		"currency=sek": "-SEK 7.77 SEK 7.77", "from=2026-11-01": "€0.01 -€1.50 €50.00", "until=2026-11-01": "-SEK 7.77 SEK 7.77", "amount=-7.77": "-SEK 7.77 SEK 7.77", "amount=50&match=open": "",
		"q=XISA93DJ+1234.56": "€0.01 -€1.50 €50.00", "q=" + o.Number: "€50.00", "q=SHORT1&type=RETURN": "-SEK 7.77", "q=nobody": "", "q=%00": "", "after=x&before=y": "€0.01 -€1.50 €50.00 -SEK 7.77 SEK 7.77",
	} {
		if got := found(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	c.get(list+"?type=SALE&match=open").says("Type Sale", "Match To do").has(fmt.Sprintf(`.chip a[href="%s?match=open"]`, list)).has(fmt.Sprintf(`.chip a[href="%s?type=SALE"]`, list))
	c.get(list + "?type=TAX").says("No line matches").has(fmt.Sprintf(`.empty a[href="%s"]`, list))
	a = c.get(list + "?match=x&currency=y&from=z&amount=much").is(http.StatusOK)
	for _, name := range []string{"match", "currency", "from", "amount"} {
		if a.fieldError(name) == "" {
			t.Errorf("nothing is said at %s", name)
		}
	}

	// A file does not show that its filter was not understood: there is none then.
	c.get(list + "/lines.csv?amount=much").is(http.StatusUnprocessableEntity)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(c.get(list+"/lines.csv?type=SALE").is(http.StatusOK).Body.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 3 || !slices.Contains(rows[1], o.Number) || !slices.Contains(rows[1], "50.00") || !slices.Contains(rows[2], "7.77") {
		t.Errorf("%q (%v)", rows, err)
	}
	c.header.Set("Accept-Language", "de")
	c.get(list).says("3 Zeilen in EUR", "48,51 €", "Nicht zugeordnet", "Verkauf", "Gebühr")
}

func TestIncomingLinesPageByPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	account, run := h.bookAccount("klarna")
	lines := make([]bookLine, 51)
	for i := range lines {
		lines[i] = bookLine{kind: klarna.TypeSale, amount: int64(i + 1), match: settlement.Matched}
	}
	h.bookPayout(run, settlement.Payout{PaymentReference: "X1", Complete: true}, lines...)
	c := h.as(auth.Accounting)
	first := c.get(incomingOf(account.ID)+"?type=SALE").says("51 lines in EUR", "€13.26", "50 lines on this page")
	second := c.get(first.doc.Find(`.pagination a[rel="next"]`).AttrOr("href", "")).is(http.StatusOK).says("€0.01", "One line on this page", "51 lines in EUR")
	c.get(second.doc.Find(`.pagination a[rel="prev"]`).AttrOr("href", "")).says("€0.51", "50 lines on this page")
}

// A line is unfolded in the list, or shown on a page of its own, with all that Klarna says.
func TestStatementLinePage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.pays("XISA93DJ", klarnasandbox.Transaction{Type: "FEE", DetailedType: "PURCHASE_FEE_PERCENTAGE", Amount: 299, OrderID: "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10",
		ShortOrderID: "K4MADNY", MerchantReference1: "SHOP-1", VATRate: 1900, VATAmount: 48})
	account, run := h.imported()
	l := h.line(account.ID, "SHOP-1")
	c := h.as(auth.Accounting)
	list := incomingOf(account.ID)
	href := c.get(list).doc.Find("a[data-unfold]").AttrOr("href", "")
	a := c.get(href).is(http.StatusOK).says("Fee of -€2.99", "Percentage fee on a purchase", "€2.99 at Klarna", "€0.48", "19.00 %", "K4MADNY", "SHOP-1", "XISA93DJ", "The order that Klarna names is not known here.")
	a.has(fmt.Sprintf(`a[href="/accounting/import-runs/%d"]`, run.ID)).has(fmt.Sprintf(`a.button[href="%s"]`, list)).has(fmt.Sprintf(`form[action="%s/match"]`, linePath(l.ID)))
	c.header.Set("X-Fragment", "1")
	fragment := c.get(href).is(http.StatusOK).says("Percentage fee on a purchase")
	if fragment.doc.Find("nav").Length() > 0 || fragment.Header().Get("Vary") == "" {
		t.Error("the fragment is a page, or may be kept as one")
	}
	c.header.Del("X-Fragment")
	c.header.Set("Accept-Language", "de")
	c.get(href).says("Gebühr über -2,99 €", "Prozentuale Gebühr auf einen Kauf", "Der Auftrag, den Klarna nennt, ist hier nicht bekannt.")
	c.get(linePath(99)).is(http.StatusNotFound)
}

func TestMatchByHand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	o := h.order(5000)
	h.pays("X1", klarnasandbox.Transaction{Type: "SALE", Amount: 5000, MerchantReference1: "SHOP-1"})
	account, _ := h.imported()
	l := h.line(account.ID, "SHOP-1")
	c := h.as(auth.Accounting)
	list, path := incomingOf(account.ID)+"?match=open", linePath(l.ID)

	a := c.get(c.get(list).doc.Find("a[data-unfold]").AttrOr("href", ""))
	a = c.submit(a, path+"/match", url.Values{"order": {"nobody"}}).is(http.StatusUnprocessableEntity).says("There is no order with the number nobody.")
	a.has(`input[name=order][value=nobody]`).has(`input[name=return_to][value="` + list + `"]`)
	a = c.submit(a, path+"/match", url.Values{"order": {""}}).is(http.StatusUnprocessableEntity)
	c.submit(a, path+"/match", url.Values{"order": {" " + o.Number + " "}}).redirects(t, list)
	c.get(list).says("Line matched.", "Everything is matched")
	c.get(fmt.Sprintf("/orders/%d", o.ID)).says("Statement line matched by hand")
	c.post(path+"/match", url.Values{"order": {o.Number}}).is(http.StatusConflict).says("belongs to an order already")

	a = c.get(path).says("By hand", "Matched by hand.", "Order "+o.Number)
	c.submit(a, path+"/unmatch", nil).redirects(t, path)
	c.get(path).says("Match undone.", "Unmatched")
	c.post(path+"/unmatch", url.Values{"return_to": {"https://evil.example/"}}).is(http.StatusConflict).says("belongs to no order")
	c.post(path+"/match", url.Values{"order": {o.Number}, "return_to": {"https://evil.example/"}}).redirects(t, "/")
	c.post(linePath(99)+"/match", url.Values{"order": {o.Number}}).is(http.StatusNotFound)
}

func TestProposals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	one := h.newOrder(func(in *order.Input) { in.Number, in.ExternalNumber = "A-1", "SHOP-1" })
	two := h.newOrder(func(in *order.Input) { in.Number, in.ExternalNumber = "A-2", "SHOP-1" })
	h.pays("X1", klarnasandbox.Transaction{Type: "SALE", Amount: 5000, MerchantReference1: "SHOP-1"})
	account, _ := h.imported()
	l := h.line(account.ID, "SHOP-1")
	c := h.as(auth.Accounting)
	path := linePath(l.ID)
	c.get(path).says("Proposed", "It is not clear which order", "Order A-1", "Order A-2", "reference 1")
	reject := url.Values{"order_id": {fmt.Sprint(one.ID)}}
	c.post(path+"/reject", reject).redirects(t, path)
	a := c.get(path)
	if strings.Contains(a.text(), "Order A-1") {
		t.Error("what was rejected is proposed again")
	}
	a.says("Proposal rejected.", "Order A-2")
	c.post(path+"/reject", reject).is(http.StatusConflict).says("not proposed for this line")
	c.submit(a, path+"/match", url.Values{"order": {two.Number}}).redirects(t, path)
	c.get(path).says("By hand", "Order A-2")
}
