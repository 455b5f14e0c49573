package web_test

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"gorm.io/gorm"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/settlement"
)

// paidOut makes an account with a payout of one sale less its fee.
func (h *house) paidOut(reference, currency string, complete bool) {
	h.t.Helper()
	now := h.clock.Now()
	must(h.t, h.db.InTx(h.t.Context(), func(tx *gorm.DB) error {
		var a businessaccount.Account
		if err := tx.Where("short_name = 'klarna'").Take(&a).Error; err != nil {
			a = businessaccount.Account{Name: "Klarna", ShortName: "klarna", Type: businessaccount.Klarna, Active: true, CreatedAt: now, UpdatedAt: now}
			if err := tx.Create(&a).Error; err != nil {
				return err
			}
		}
		run := settlement.ImportRun{AccountID: a.ID, Source: settlement.FromAPI, State: settlement.Done, CreatedAt: now}
		if err := tx.Omit("NextPage", "Problem").Create(&run).Error; err != nil {
			return err
		}
		p := settlement.Payout{
			AccountID: a.ID, RunID: run.ID, Source: settlement.FromAPI, PaymentReference: reference, PayoutDate: now, Currency: currency,
			SettlementType: klarna.SettledNet, Complete: complete, Lines: 2, LinesAmount: 97_00, Totals: settlement.Totals{Settlement: 97_00},
			Reasons: []settlement.Reason{}, CreatedAt: now,
		}
		if err := tx.Create(&p).Error; err != nil {
			return err
		}
		for typ, amount := range map[klarna.TransactionType]int64{klarna.TypeSale: 100_00, klarna.TypeFee: -3_00} {
			l := settlement.StatementLine{AccountID: a.ID, PayoutID: p.ID, RunID: run.ID, PaymentReference: reference, PayoutDate: now,
				Identity: string(typ), Type: typ, RawAmount: max(amount, -amount), Amount: amount, Currency: currency, MatchState: settlement.NoOrder}
			if err := tx.Create(&l).Error; err != nil {
				return err
			}
			s := settlement.Sum{PayoutID: p.ID, Type: typ, MatchState: settlement.NoOrder, Lines: 1, Amount: amount, RawAmount: l.RawAmount}
			if err := tx.Create(&s).Error; err != nil {
				return err
			}
		}
		return nil
	}))
}

// ledger is a posted form in which no setting is missing.
func ledger() url.Values {
	form := url.Values{"consultant": {"29098"}, "client": {"55003"}, "year_start": {"1"}, "account_length": {"4"}, "fee_tax_key": {"94"}, "vat_rate": {"19"}, "language": {"de"}}
	for i, role := range bookkeeping.Roles() {
		form.Set("accounts."+string(role), "13"+string(rune('0'+i/10))+string(rune('0'+i%10)))
	}
	return form
}

const thisMonth = "&from=2026-11-01&until=2026-11-30"

func TestExportsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	c.get("/accounting/exports").is(http.StatusOK).says("No business account yet").has(`nav a[href="/accounting/exports"][aria-current="page"]`)
	h.paidOut("XISA93DJ", "EUR", true)
	c.get("/accounting/exports").is(http.StatusOK).has(`input[name="from"][value="2026-10-01"]`).has(`input[name="until"][value="2026-10-31"]`).
		has(`input[name="format"][value="datev"][checked]`).has(`select[name="account"] option[value="klarna"][selected]`)
	c.get("/accounting/exports?format=csv").is(http.StatusOK).says("No payouts")

	a := c.get("/accounting/exports?format=datev"+thisMonth).is(http.StatusOK).
		says("Settings are missing", "Klarna clearing account", "Money in transit", "Sales", "Fees", "Consultant number", "Client number", "€97.00")
	a.has(`a[href="/accounting/exports/settings#field-accounts-sale"]`).has(`a[href="/accounting/exports/settings#field-consultant"]`)
	if a.doc.Find(`form[action="/accounting/exports/download"]`).Length() > 0 {
		t.Error("a download is offered that can't be")
	}
	if strings.Contains(a.doc.Find("main").Text(), "Holdbacks") {
		t.Error("an account is asked for that nothing needs")
	}
	c.get("/accounting/exports/download?format=datev"+thisMonth).is(http.StatusConflict).says("needs settings that are not there yet", "Klarna clearing account")

	c.post("/accounting/exports/settings", ledger()).redirects(t, "/accounting/exports")
	a = c.get("/accounting/exports?format=datev"+thisMonth).is(http.StatusOK).says("Ready: 3 postings", "Accounts of exports saved")
	query := url.Values{}
	a.doc.Find(`form[action="/accounting/exports/download"] input`).Each(func(_ int, input *goquery.Selection) {
		query.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	file := c.get("/accounting/exports/download?" + query.Encode()).is(http.StatusOK)
	_, disposition, err := mime.ParseMediaType(file.Header().Get("Content-Disposition"))
	if err != nil || disposition["filename"] != "EXTF_Buchungsstapel_klarna_2026-11-01_2026-11-30.csv" {
		t.Errorf("%v (%v)", disposition, err)
	}
	if body := file.Body.String(); strings.Count(body, "\r\n") != 5 || !strings.HasPrefix(body, `"EXTF";700;21;"Buchungsstapel";13;`) || file.Header().Get("Content-Type") != "text/csv; charset=windows-1252" {
		t.Errorf("%v\n%s", file.Header(), body)
	}
	if head := c.do(http.MethodHead, "/accounting/exports/download?format=datev"+thisMonth, nil).is(http.StatusOK); head.Body.Len() > 0 {
		t.Error("HEAD has a body")
	}
	for format, want := range map[string]string{"csv": "\ufeffDatum;", "camt053": "<?xml", "mt940": ":20:", "fees": "\ufeffMonat;"} {
		for _, way := range []string{"line", "type", "payout"} {
			body := c.get("/accounting/exports/download?format=" + format + "&way=" + way + thisMonth).is(http.StatusOK).Body.String()
			if !strings.HasPrefix(body, want) {
				t.Errorf("%s: %.100s", format, body)
			}
		}
	}
}

func TestExportOfAPayout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.paidOut("XISA93DJ", "EUR", true)
	c := h.as(auth.Accounting).inGerman()
	c.post("/accounting/exports/settings", ledger())
	c.get("/accounting/exports?payout=XISA93DJ&account=klarna").is(http.StatusOK).has(`input[name="payout"][value="XISA93DJ"]`)
	c.get("/accounting/exports?payout=XISA93DJ&format=mt940&way=type").is(http.StatusOK).says("Bereit: 3 Buchungen", "97,00 €")
	if body := c.get("/accounting/exports/download?payout=XISA93DJ&format=mt940&way=type").is(http.StatusOK).Body.String(); !strings.HasPrefix(body, ":20:XISA93DJ\r\n") {
		t.Error(body)
	}
	a := c.get("/accounting/exports?payout=NONE&format=csv").is(http.StatusUnprocessableEntity)
	if got := a.fieldError("payout"); !strings.Contains(got, "gibt es auf diesem Konto nicht") {
		t.Error(got)
	}
}

func TestExportWarnings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.paidOut("PART", "EUR", false)
	h.paidOut("KRONA", "SEK", true)
	c := h.as(auth.Admin)
	c.post("/accounting/exports/settings", ledger())
	a := c.get("/accounting/exports?format=datev"+thisMonth).is(http.StatusOK).says("One payout is not complete", "PART", "Foreign currency", "SEK", "Ready: 6 postings")
	a.has(`input[name="incomplete"]`)
	c.get("/accounting/exports/download?format=datev" + thisMonth).is(http.StatusConflict).says("Please confirm that it is to be exported")
	file := c.get("/accounting/exports/download?format=datev&incomplete=on" + thisMonth).is(http.StatusOK)
	if file.Header().Get("Content-Type") != "application/zip" || !strings.HasPrefix(file.Body.String(), "PK") {
		t.Errorf("%v", file.Header())
	}
	c.get("/accounting/exports?format=fees"+thisMonth).is(http.StatusOK).says("reverse charge", "€3.00", "€0.57", "19.00 %")
}

func TestExportInput(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.paidOut("XISA93DJ", "EUR", true)
	c := h.as(auth.Accounting)
	for query, field := range map[string]string{
		"format=xls" + thisMonth: "format", "format=csv&way=x" + thisMonth: "way", "format=csv&account=other" + thisMonth: "account",
		"format=csv&from=x&until=2026-11-30": "from", "format=csv&from=2026-11-01&until=": "until", "format=csv&from=2026-11-02&until=2026-11-01": "until",
	} {
		for _, path := range []string{"/accounting/exports?", "/accounting/exports/download?"} {
			if a := c.get(path + query).is(http.StatusUnprocessableEntity); a.fieldError(field) == "" {
				t.Errorf("%s%s: no error at %s", path, query, field)
			}
		}
	}
}

func TestExportSettings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Accounting)
	a := c.get("/accounting/exports/settings").is(http.StatusOK).has(`input[name="accounts.clearing"]`).has(`input[name="vat_rate"][value="19.00"]`)
	form := a.form("/accounting/exports/settings")
	form.Set("accounts.fee", "497")
	form.Set("consultant", "many")
	a = c.post("/accounting/exports/settings", form).is(http.StatusUnprocessableEntity).has(`input[name="accounts.fee"][value="497"]`).has(`input[name="consultant"][value="many"]`)
	if a.fieldError("accounts-fee") == "" || a.fieldError("consultant") == "" {
		t.Error("no errors at the fields")
	}
	a.says("Fees: Please enter an account of 4 digits")
	c.post("/accounting/exports/settings", ledger()).redirects(t, "/accounting/exports")
	c.post("/accounting/exports/settings", url.Values{"client": {"1"}}).redirects(t, "/accounting/exports") // what is missing stays
	c.get("/accounting/exports/settings").has(`input[name="accounts.clearing"][value="1300"]`).has(`input[name="client"][value="1"]`)
	h.as(auth.Admin).get("/administration/log").says("Accounts of exports changed", "Client number")
	h.as(auth.Viewer).get("/accounting/exports/settings").is(http.StatusForbidden)
	h.as(auth.Shipping).get("/accounting/exports").is(http.StatusForbidden)
}
