package order

import (
	"slices"
	"strings"

	"zahlwerk/internal/csvfile"
)

// Columns of a file of orders that the code names; the others are in importColumns.
const (
	colNumber    = "number"
	colMethod    = "payment_method"
	colCurrency  = "currency"
	colTotal     = "total"
	colName      = "customer_name"
	colLineName  = "line_name"
	colLineType  = "line_type"
	colQuantity  = "line_quantity"
	colUnitPrice = "line_unit_price"
	colTaxRate   = "line_tax_rate"
	colLineTotal = "line_total"

	ofLine     = "line_"     // columns that belong to a line, not to its order
	ofShipping = "shipping_" // columns of the address that parcels go to
)

// figures are the columns with numbers in them.
var figures = []string{colTotal, colQuantity, colUnitPrice, colTaxRate, colLineTotal}

// importColumns are the columns of a file of orders: the names of the JSON API, laid
// flat, and what shops and people call them in German and English.
var importColumns = append([]csvfile.Column{
	{Name: colNumber, Aliases: []string{"Auftrag", "Auftragsnummer", "Auftragsnr", "Belegnummer", "Belegnr", "order", "order number", "order no"}},
	{Name: "external_number", Aliases: []string{"externe Nummer", "Bestellnummer", "Bestellnr", "Internetnummer", "Shopnummer", "external order number"}},
	{Name: "placed_at", Aliases: []string{"Datum", "Auftragsdatum", "Bestelldatum", "date", "order date", "placed"}},
	{Name: colMethod, Aliases: []string{"Zahlungsweise", "Zahlungsart", "payment"}},
	{Name: "klarna_order_id", Aliases: []string{"Klarna", "Klarna-Auftragsnummer", "Klarna-Bestellnummer", "Klarna-ID", "Transaktionsnummer", "Klarna order"}},
	{Name: colCurrency, Aliases: []string{"Währung"}},
	{Name: colTotal, Aliases: []string{"Gesamt", "Gesamtbetrag", "Gesamtsumme", "Summe", "Betrag", "order total", "amount"}},
	{Name: "auto_ship", Aliases: []string{"Autoversand", "autoship"}},
	{Name: colName, Aliases: []string{"Kunde", "Kundenname", "Name", "customer"}},
	{Name: "customer_email", Aliases: []string{"E-Mail", "Mail", "E-Mail-Adresse", "Mailadresse", "customer mail"}},
	{Name: "line_sku", Aliases: []string{"Artikelnummer", "Artikelnr", "SKU", "item number"}},
	{Name: colLineName, Aliases: []string{"Artikel", "Artikelname", "Artikelbezeichnung", "Bezeichnung", "item", "item name", "product"}},
	{Name: colLineType, Aliases: []string{"Positionsart", "Positionstyp", "Artikelart"}},
	{Name: colQuantity, Aliases: []string{"Menge", "Anzahl", "quantity", "qty"}},
	{Name: colUnitPrice, Aliases: []string{"Einzelpreis", "Stückpreis", "Preis", "unit price", "price"}},
	{Name: colTaxRate, Aliases: []string{"Steuersatz", "MwSt", "MwSt-Satz", "USt", "tax rate", "VAT", "VAT rate"}},
	{Name: colLineTotal, Aliases: []string{"Positionssumme", "Positionsbetrag", "Zeilensumme", "Zeilenbetrag", "line amount"}},
}, addressColumns()...)

// addressParts are the fields of an address with their names.
var addressParts = []struct {
	name  string
	words []string
	field func(*Address) *string
}{
	{"name", []string{"Name", "Empfänger"}, func(a *Address) *string { return &a.Name }},
	{"company", []string{"Firma"}, func(a *Address) *string { return &a.Company }},
	{"street", []string{"Straße", "Anschrift"}, func(a *Address) *string { return &a.Street }},
	{"street2", []string{"Straße 2", "Adresszusatz", "address 2"}, func(a *Address) *string { return &a.Street2 }},
	{"postal_code", []string{"PLZ", "Postleitzahl", "ZIP", "postcode"}, func(a *Address) *string { return &a.PostalCode }},
	{"city", []string{"Ort", "Stadt", "town"}, func(a *Address) *string { return &a.City }},
	{"country", []string{"Land"}, func(a *Address) *string { return &a.Country }},
	{"phone", []string{"Telefon", "Telefonnummer"}, func(a *Address) *string { return &a.Phone }},
}

// addressColumns are the columns of both addresses. The one for the invoice is the plain
// one, except for its name: "name" alone is the customer's.
func addressColumns() (columns []csvfile.Column) {
	for _, p := range addressParts {
		billing := csvfile.Column{Name: billingColumn(p.name)}
		shipping := csvfile.Column{Name: ofShipping + p.name}
		for _, word := range append(p.words, p.name) {
			if p.name != "name" {
				billing.Aliases = append(billing.Aliases, word)
			}
			for _, before := range []string{"Rechnung", "Rechnungs", "Rechnungsadresse", "billing", "billing address"} {
				billing.Aliases = append(billing.Aliases, before+word)
			}
			for _, before := range []string{"Liefer", "Lieferung", "Lieferadresse", "delivery", "shipping", "shipping address"} {
				shipping.Aliases = append(shipping.Aliases, before+word)
			}
		}
		columns = append(columns, billing, shipping)
	}
	return columns
}

func billingColumn(part string) string {
	if part == "name" {
		return "billing_name"
	}
	return part
}

// columnOf is the column that a field of an [Input] comes from, and the place of the line
// that it belongs to, -1 for the order.
func columnOf(field string) (column string, line int) {
	parts := strings.Split(field, ".")
	last := parts[len(parts)-1]
	switch parts[0] {
	case "lines":
		if len(parts) == 3 {
			line = 0
			for _, digit := range parts[1] {
				line = 10*line + int(digit-'0')
			}
			return ofLine + last, line
		}
		return colLineName, -1
	case "customer":
		return "customer_" + last, -1
	case "billing_address":
		return billingColumn(last), -1
	case "shipping_address":
		return ofShipping + last, -1
	}
	return field, -1
}

// missingColumns are those without which no order can be read.
func missingColumns(c *csvfile.Columns) (missing []string) {
	for _, anyOf := range [][]string{{colNumber}, {colMethod}, {colName, "billing_name"}, {colLineName}, {colLineTotal, colUnitPrice}} {
		if !slices.ContainsFunc(anyOf, c.Has) {
			missing = append(missing, anyOf[0])
		}
	}
	return missing
}

// Template is a file of orders to start from: its header and rows that can be read as
// they stand, with the decimals of a language.
func Template(lang string) (header []string, rows [][]string) {
	header = []string{colNumber, "external_number", "placed_at", colMethod, "klarna_order_id", colCurrency, colTotal, "auto_ship", colName, "customer_email",
		"billing_name", "company", "street", "street2", "postal_code", "city", "country", "phone",
		"shipping_name", "shipping_company", "shipping_street", "shipping_street2", "shipping_postal_code", "shipping_city", "shipping_country", "shipping_phone",
		"line_sku", colLineName, colLineType, colQuantity, colUnitPrice, colTaxRate, colLineTotal}
	const id = "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10"
	first := map[string]string{colNumber: "A-1001", "external_number": "SHOP-4711", "placed_at": "2026-11-03", colMethod: "klarna", "klarna_order_id": id,
		colCurrency: "EUR", colTotal: "64.57", "auto_ship": "1", colName: "Max Muster", "customer_email": "max@example.com",
		"street": "Fuggerstr. 11", "postal_code": "86150", "city": "Augsburg", "country": "DE"}
	for _, line := range []map[string]string{
		{"line_sku": "T-1", colLineName: "Teekanne", colLineType: string(Physical), colQuantity: "1", colUnitPrice: "59.58", colTaxRate: "19", colLineTotal: "59.58"},
		{colLineName: "Versand", colLineType: string(ShippingFee), colQuantity: "1", colUnitPrice: "4.99", colTaxRate: "19", colLineTotal: "4.99"},
	} {
		row := make([]string, len(header))
		for i, column := range header {
			if row[i] = line[column]; row[i] == "" {
				row[i] = first[column]
			}
			if lang == "de" && slices.Contains(figures, column) {
				row[i] = strings.ReplaceAll(row[i], ".", ",")
			}
		}
		rows = append(rows, row)
	}
	return header, rows
}
