package web_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/order"
)

// typed is an order as a German types it.
func typed() url.Values {
	return url.Values{
		"number": {"200081"}, "external_number": {"SHOP-4711"}, "placed_at": {"2026-11-03"}, "payment_method": {"klarna"},
		"klarna_order_id": {"3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10"}, "currency": {"EUR"}, "total": {""}, "draft": {"off"},
		"customer.name": {"Max Muster"}, "customer.email": {"max@example.com"},
		"billing_address.street": {"Fuggerstr. 11"}, "billing_address.city": {"Augsburg"}, "billing_address.country": {"DE"},
		"lines.0.type": {"physical"}, "lines.0.name": {"Teekanne"}, "lines.0.sku": {"T-1"}, "lines.0.quantity": {"2"},
		"lines.0.unit_price": {"1.234,56"}, "lines.0.tax_rate": {"19"}, "lines.0.total": {""},
		"lines.1.type": {"physical"}, "lines.1.name": {""}, "lines.1.sku": {""}, "lines.1.quantity": {""},
		"lines.1.unit_price": {""}, "lines.1.tax_rate": {"19"}, "lines.1.total": {""},
		"lines.2.type": {"shipping_fee"}, "lines.2.name": {"Versand"}, "lines.2.sku": {""}, "lines.2.quantity": {"1"},
		"lines.2.unit_price": {"4,99 €"}, "lines.2.tax_rate": {"7,5 %"}, "lines.2.total": {""},
	}
}

func with(form url.Values, changes map[string]string) url.Values {
	form = maps.Clone(form)
	for name, value := range changes {
		form[name] = []string{value}
	}
	return form
}

func TestAnOrderMadeByHand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping).inGerman()
	empty := c.get("/orders/new").is(200)
	for name, want := range map[string]string{"payment_method": "klarna", "currency": "EUR", "placed_at": "2026-11-03", "lines.0.tax_rate": "19"} {
		if got := empty.form("/orders/new").Get(name); got != want {
			t.Errorf("%s begins with %q, want %q", name, got, want)
		}
	}
	c.post("/orders/new", typed()).redirects(t, "/orders/1")
	o := h.find(&order.Order{ID: 1})
	if o.Total != 247411 || o.Lines[0].Total != 246912 || o.Lines[0].TaxRate != 1900 || o.Lines[1].TaxRate != 750 || o.Status != order.Released {
		t.Errorf("made %+v", o)
	}
	c.get("/orders/1").says("Auftrag 200081 angelegt.", "2.474,11 €", "Fuggerstr. 11", "entspricht Rechnungsadresse")
	c.post("/orders/new", typed()).redirects(t, "/orders/1")
	c.get("/orders/1").says("Auftrag 200081 gibt es schon, mit demselben Inhalt.")

	draft := with(typed(), map[string]string{"number": "", "klarna_order_id": "", "draft": "on", "shipping_address.name": "Erika Muster", "placed_at": ""})
	c.post("/orders/new", draft).is(303)
	list, err := h.orders.List(t.Context(), order.Filter{Status: order.Draft})
	must(t, err)
	if o := h.find(&list.Orders[0]); o.Number != "200001" || o.Status != order.Draft || o.ShippingAddress == nil || !o.PlacedAt.Equal(noon) {
		t.Errorf("made %+v", o)
	}
}

// A script need not send what a person would leave as it is.
func TestAnOrderFormWithLittleInIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	h.as(auth.Shipping).post("/orders/new", url.Values{
		"payment_method": {"klarna"}, "customer.name": {"Max Muster"},
		"lines.0.name": {"Teekanne"}, "lines.0.quantity": {"1"}, "lines.0.unit_price": {"64.57"},
	}).redirects(t, "/orders/1")
	if o := h.find(&order.Order{ID: 1}); o.Currency != "EUR" || o.Total != 6457 || o.Status != order.Released {
		t.Errorf("made %+v", o)
	}
}

func TestBadOrders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Admin).inGerman()
	there, err := h.sandbox.CreateOrder("", klarnasandbox.NewOrder{Amount: 100})
	must(t, err)
	first := h.newOrder(func(in *order.Input) { in.Number, in.KlarnaOrderID = "taken", there.ID })
	tests := map[string]struct {
		field, value string
		status       int
		says         string
	}{
		"the number is taken":     {"number", first.Number, 409, "Die Nummer taken hat schon ein Auftrag mit anderem Inhalt."},
		"a number with a blank":   {"number", "20 81", 422, "Bitte höchstens 64 Zeichen: Buchstaben ohne Umlaute, Ziffern, Punkt, Unterstrich und Bindestrich."},
		"a wrong sum":             {"total", "2.474,12", 422, "Die Positionen ergeben 2.474,11 €, nicht 2.474,12 €."},
		"a sum that is none":      {"total", "viel", 422, "Bitte einen Betrag wie 1.234,56 eingeben."},
		"a negative quantity":     {"lines.0.quantity", "-1", 422, "Bitte eine Menge größer als 0 mit höchstens drei Nachkommastellen angeben."},
		"a quantity of words":     {"lines.2.quantity", "zwei", 422, "Bitte eine Menge größer als 0 mit höchstens drei Nachkommastellen angeben."},
		"a price of words":        {"lines.0.unit_price", "1.23,4", 422, "Bitte einen Betrag wie 1.234,56 eingeben."},
		"a price that is huge":    {"lines.0.unit_price", "99999999999999999", 422, "Der Betrag ist zu groß."},
		"a tax rate of words":     {"lines.0.tax_rate", "voll", 422, "Bitte einen Steuersatz zwischen 0 und 100 Prozent mit höchstens zwei Nachkommastellen angeben."},
		"a tax rate too fine":     {"lines.0.tax_rate", "7,125", 422, "Bitte einen Steuersatz zwischen 0 und 100 Prozent mit höchstens zwei Nachkommastellen angeben."},
		"a type that is none":     {"lines.0.type", "gift", 422, "„gift“ ist hier nicht möglich."},
		"a line without a name":   {"lines.2.name", "", 422, "Bitte ausfüllen."},
		"a negative line":         {"lines.2.total", "-4,99", 422, "Der Betrag darf nicht negativ sein. Abzüge gehören in eine Zeile der Art Rabatt, Gutschein oder Guthaben."},
		"an unknown method":       {"payment_method", "<script>", 422, "Eine Zahlungsweise mit dem Typ „<script>“ gibt es nicht."},
		"no method":               {"payment_method", "", 422, "Bitte ausfüllen."},
		"four letters":            {"currency", "EURO", 422, "Bitte eine Währung aus drei Buchstaben angeben, zum Beispiel EUR."},
		"no UUID":                 {"klarna_order_id", "not-a-uuid", 422, "Das ist keine Klarna-Auftragsnummer. Sie sieht so aus: 3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10."},
		"another's Klarna order":  {"klarna_order_id", there.ID, 409, "Diese Klarna-Auftragsnummer gehört schon zu einem anderen Auftrag: taken."},
		"no customer":             {"customer.name", " ", 422, "Bitte ausfüllen."},
		"no address of an e-mail": {"customer.email", "max", 422, "Bitte eine E-Mail-Adresse angeben."},
		"a country of three":      {"billing_address.country", "DEU", 422, "Bitte ein Land aus zwei Buchstaben angeben, zum Beispiel DE."},
		"a city with a tab":       {"shipping_address.city", "Augs\tburg", 422, "Bitte ohne Steuerzeichen und Zeilenumbrüche."},
		"no day":                  {"placed_at", "3.11.", 422, "Bitte ein Datum angeben."},
		"a long external number":  {"external_number", strings.Repeat("x", 256), 422, "Bitte höchstens 255 Zeichen."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			form := with(typed(), map[string]string{tt.field: tt.value, "shipping_address.name": "Erika"})
			a := c.post("/orders/new", form).is(tt.status)
			id := strings.ReplaceAll(tt.field, ".", "-")
			if got := a.fieldError(id); got != tt.says {
				t.Errorf("the field says %q, want %q: %s", got, tt.says, a.doc.Find(".error-summary").Text())
			}
			if n := a.doc.Find(`.error-summary a[href="#field-` + id + `"]`).Length(); n != 1 {
				t.Errorf("the summary names the field %d times", n)
			}
			again := a.form("/orders/new")
			for kept, values := range form {
				if offered := tt.field == "payment_method" || tt.field == "lines.0.type"; again.Get(kept) != values[0] && !(offered && kept == tt.field) && kept != "draft" {
					t.Errorf("%s was %q, the form has %q", kept, values[0], again.Get(kept))
				}
			}
		})
	}
	discount := c.post("/orders/new", with(typed(), map[string]string{"lines.2.type": "discount"})).is(422)
	if got := discount.fieldError("lines-2-total"); got != "Ein Abzug hat einen negativen Betrag, zum Beispiel -5,00." {
		t.Errorf("a discount that is added: %q", got)
	}
	list, err := h.orders.List(t.Context(), order.Filter{})
	must(t, err)
	if len(list.Orders) != 1 {
		t.Errorf("there are %d orders", len(list.Orders))
	}
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	a := h.as(auth.Admin).post("/orders/new", with(typed(), map[string]string{
		"lines.2.unit_price": "x", "lines.0.quantity": "-1", "currency": "EURO", "customer.name": "", "placed_at": "yesterday",
	})).is(422)
	for _, field := range []string{"lines-2-unit_price", "lines-0-quantity", "currency", "customer-name", "placed_at"} {
		if a.fieldError(field) == "" {
			t.Errorf("nothing is told of %s", field)
		}
	}
	a.says("Row 3: Unit price: Please enter an amount such as 1,234.56.")
	h.as(auth.Shipping).post("/orders/new", url.Values{}).is(422).says("An order needs at least one line.")
}

func TestRowsAndSums(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Admin).inGerman()
	more := c.post("/orders/new", with(typed(), map[string]string{"do": "rows"})).is(200).form("/orders/new")
	if !more.Has("lines.7.name") || more.Has("lines.8.name") || more.Get("lines.0.unit_price") != "1.234,56" {
		t.Errorf("more rows: %v", more)
	}
	sums := c.post("/orders/new", with(typed(), map[string]string{"do": "calculate"})).is(200).form("/orders/new")
	if sums.Get("total") != "2.474,11" || sums.Get("lines.0.total") != "2.469,12" || sums.Get("lines.1.total") != "" {
		t.Errorf("sums: %v", sums)
	}
	c.post("/orders/new", with(typed(), map[string]string{"do": "calculate", "lines.0.quantity": "viel"})).is(200).has("#field-lines-0-quantity-error")
	half := c.post("/orders/new", with(typed(), map[string]string{"do": "calculate", "lines.0.quantity": "1,5", "lines.0.unit_price": "0,33"})).form("/orders/new")
	if got := half.Get("lines.0.total"); got != "0,50" {
		t.Errorf("1,5 × 0,33 is %s, want 0,50: a half is rounded up", got)
	}
}
