package document_test

import (
	"strings"
	"testing"

	"zahlwerk/internal/document"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

func TestVariablesOfTheTextOnDocuments(t *testing.T) {
	t.Parallel()
	want := map[string]map[string]string{
		"{BELEGNR}":                 {"DE": "400001", "FR": "400001"},
		"{NAME}":                    {"DE": "Łukasz Çelik-Ștefan", "FR": "Łukasz Çelik-Ștefan"},
		"{SOLL}":                    {"DE": "1.000,00", "FR": "1,000.00"},
		"{WAEHRUNG}":                {"DE": "EUR", "FR": "EUR"},
		"{ZAHLUNGBISDATUM}":         {"DE": "13.11.2026", "FR": "13 November 2026"},
		"{ZAHLUNGSZIELTAGE}":        {"DE": "10", "FR": "10"},
		"{ZAHLUNGSZIELSKONTO}":      {"DE": "0", "FR": "0"},
		"{ZAHLUNGSZIELSKONTOTOTAL}": {"DE": "0,00", "FR": "0.00"},
		"{ZAHLUNGSZIELTAGESKONTO}":  {"DE": "0", "FR": "0"},
		"{ZAHLUNGSZIELSKONTODATUM}": {"DE": "", "FR": ""},
		"{SOLLMITSKONTO}":           {"DE": "1.000,00", "FR": "1,000.00"},
		"{SKONTOBETRAG}":            {"DE": "0,00", "FR": "0.00"},
		"{SKONTOFAEHIG}":            {"DE": "0,00", "FR": "0.00"},
		"{SKONTOFAEHIGNETTO}":       {"DE": "0,00", "FR": "0.00"},
		"{STEUERNORMAL}":            {"DE": "143,68", "FR": "143.68"},
		"{GESAMTNETTONORMAL}":       {"DE": "756,22", "FR": "756.22"},
		"{STEUERERMAESSIGT}":        {"DE": "6,55", "FR": "6.55"},
		"{GESAMTNETTOERMAESSIGT}":   {"DE": "93,55", "FR": "93.55"},
	}
	var typed []string
	unknown := []string{"{TAGXMONAT}", "{}", "{soll}", "{SOLL", "{{NAME}}"}
	for _, name := range document.Variables() {
		if want[name] == nil {
			t.Errorf("%s is not tested", name)
		}
		typed = append(typed, strings.Trim(name, "{}")+"="+name+";")
	}
	if len(want) != len(typed) {
		t.Errorf("%d variables, %d tested", len(typed), len(want))
	}
	for country, file := range map[string]string{"DE": "", "FR": ""} {
		o := onSQLite(t)
		o.company(teaHouse())
		o.db.Exec(t.Context(), "UPDATE payment_methods SET document_text = ?", strings.Join(typed, "\n")+"\n"+strings.Join(unknown, " "))
		made := o.order(pots(func(in *order.Input) {
			in.BillingAddress.Country = country
			in.Lines[0].UnitPrice, in.Lines[0].Total = 44500, 89000
			in.Lines[1].Total, in.Lines[3].Total = 10010, 0
			in.Lines[2].Total = 990
			in.Total = 100000
		}))
		d, err := o.InvoicePDF(t.Context(), o.invoice(made).ID, clerk)
		must(t, err)
		file = strings.Join(pages(t, d.PDF), " ")
		for name, values := range want {
			if line := strings.Trim(name, "{}") + "=" + values[country] + ";"; !strings.Contains(file, line) {
				t.Errorf("%s: %q is missing: %s", country, line, file)
			}
		}
		if !strings.Contains(file, "{TAGXMONAT} {} {soll} {SOLL {Łukasz Çelik-Ștefan}") {
			t.Errorf("%s: what is no variable did not stay: %s", country, file)
		}
	}
}

func TestTheTextStandsWhereTheOrderHasNoInvoice(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	made := o.order(pots(func(in *order.Input) { in.Documents = string(paymentmethod.DeliveryNoteOnly) }))
	d, err := o.DeliveryNote(t.Context(), o.note(made, nil).ID, clerk)
	must(t, err)
	says(t, d.PDF, "Bitte geben Sie 300001 an. {SONSTIGES}")
}
