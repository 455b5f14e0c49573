package web_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/document"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
)

const company = "/administration/settings/company"

// onAccount makes an order that is paid for after delivery, with its payment method and its
// delivery note.
func (h *house) onAccount(total int64) (*order.Order, *order.DeliveryNote) {
	h.t.Helper()
	in := paymentmethod.Defaults(paymentmethod.ModuleNone)
	in.Name, in.Type = "Rechnung", "invoice"
	_, err := h.methods.Create(h.t.Context(), in, "Erika Beispiel")
	must(h.t, err)
	o, _, err := h.orders.Create(h.t.Context(), order.Input{
		PaymentMethod: "invoice", Currency: "EUR", Total: total, CustomerName: "Max Muster",
		BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
		Lines:          []order.LineInput{{SKU: "TK-1", Name: "Teekanne", Type: order.Physical, Quantity: money.One, UnitPrice: total, TaxRate: 1900, Total: total}},
	}, "Erika Beispiel")
	must(h.t, err)
	n, err := h.dispatch.CreateNote(h.t.Context(), o.ID, nil, "Erika Beispiel")
	must(h.t, err)
	return o, n
}

// paper fails unless the answer is a PDF of this name that nobody else keeps.
func (a *answer) paper(name string) []byte {
	a.t.Helper()
	a.is(http.StatusOK)
	disposition, params, err := mime.ParseMediaType(a.Header().Get("Content-Disposition"))
	if err != nil || disposition != "inline" || params["filename"] != name {
		a.t.Errorf("%s: %s %v, %v, want %s", a.path, disposition, params, err, name)
	}
	if got := a.Header().Get("Content-Type") + ", " + a.Header().Get("Cache-Control"); got != "application/pdf, private, no-store" {
		a.t.Errorf("%s: %s", a.path, got)
	}
	if !bytes.HasPrefix(a.Body.Bytes(), []byte("%PDF-")) {
		a.t.Errorf("%s: %.20q", a.path, a.Body)
	}
	return a.Body.Bytes()
}

func TestPapersOfADeliveryNote(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Shipping)
	o, n := h.onAccount(5000)
	for path, name := range map[string]string{"/delivery-note.pdf": "Lieferschein_300001.pdf", "/label.pdf": "Paketmarke_300001.pdf"} {
		address := "/dispatch/" + n.Number + path
		first := c.get(address).paper(name)
		if !bytes.Equal(c.get(address).paper(name), first) {
			t.Errorf("%s: another one the second time", address)
		}
		c.get("/dispatch/4711" + path).is(http.StatusNotFound)
	}
	c.get("/dispatch/pick-list.pdf?note=" + n.Number).paper("pick-list_2026-11-03_1200.pdf")
	c.get("/dispatch/print.pdf?what=delivery_note&what=label&what=invoice&note=" + n.Number).paper("shipping-papers.pdf")
	for query, status := range map[string]int{
		"": http.StatusConflict, "?note=4711": http.StatusNotFound, "?note=%00": http.StatusNotFound,
	} {
		c.get("/dispatch/pick-list.pdf" + query).is(status)
		c.get("/dispatch/print.pdf" + strings.Replace(query, "?", "?what=label&", 1)).is(status)
	}
	c.get("/dispatch/print.pdf?note=" + n.Number).is(http.StatusConflict).says("nothing to print")
	c.get("/dispatch/print.pdf?what=poem&note=" + n.Number).is(http.StatusUnprocessableEntity)

	must(t, h.dispatch.Cancel(t.Context(), o.ID, "Erika Beispiel"))
	c.get("/dispatch/" + n.Number + "/label.pdf").is(http.StatusConflict).says("Order " + o.Number + " is cancelled.")
	if page := c.get(fmt.Sprintf("/orders/%d", o.ID)); page.doc.Find(`a[href$="label.pdf"]`).Length() > 0 {
		t.Error("a cancelled order leads to its label")
	}
}

func TestInvoiceByHand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	h.user(auth.Viewer)
	viewer := h.visitor()
	viewer.logIn(emailOf(auth.Viewer))
	o, n := h.onAccount(5000)
	klarnas := h.order(6457)
	page := fmt.Sprintf("/orders/%d", o.ID)
	viewer.get(page + "/invoice.pdf").is(http.StatusNotFound).says("Order " + o.Number + " has no invoice.")

	c.post(page+"/invoice", nil).redirects(t, page)
	c.post(page+"/invoice", nil).redirects(t, page) // the one that is there
	c.get(page).says("Invoice made.", "400001").has(`a[href="` + page + `/invoice.pdf"]`).
		has(`a[href="/dispatch/` + n.Number + `/delivery-note.pdf"]`).has(`a[href="/dispatch/` + n.Number + `/label.pdf"]`)
	seen := viewer.get(page+"/minidetail").says("400001", n.Number).has(`a[href="` + page + `/invoice.pdf"]`)
	if seen.doc.Find(`a[href$="label.pdf"], a[href$="delivery-note.pdf"]`).Length() > 0 {
		t.Error("a viewer is led to what only shipping prints")
	}
	viewer.get(page + "/invoice.pdf").paper("Rechnung_400001.pdf")

	c.post(fmt.Sprintf("/orders/%d/invoice", klarnas.ID), nil).is(http.StatusConflict).says("gets a delivery note only")
	c.post("/orders/4711/invoice", nil).is(http.StatusNotFound)
	viewer.post(page+"/invoice", nil).is(http.StatusForbidden)
}

func TestOrderSaysWhatPapersLack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Shipping)
	o, _ := h.onAccount(5000)
	page := fmt.Sprintf("/orders/%d", o.ID)
	c.get(page).says("Missing: Name, Street and number, Postal code, Town, VAT ID or tax number, IBAN.")
	must(t, h.documents.UpdateCompany(t.Context(), document.Company{Name: "Teehaus", Street: "Weg 1", PostalCode: "1", City: "Ulm", Country: "DE",
		TaxNumber: "1", IBAN: "DE89370400440532013000", PaymentTermDays: 14}, document.LogoChange{}, "Erika Beispiel"))
	if text := c.get(page).text(); strings.Contains(text, "Missing:") {
		t.Errorf("nothing is missing: %s", text)
	}
}

func TestCompanySettings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Admin)
	c.get("/administration/settings").has(`a[href="` + company + `"]`)
	page := c.get(company).says("Missing: Name")
	filled := url.Values{"name": {"Teehaus"}, "street": {"Weg 1"}, "postal_code": {"86150"}, "city": {"Augsburg"}, "vat_id": {"de 123456789"},
		"iban": {"DE89 3704 0044 0532 0130 00"}, "payment_term_days": {"30"}}
	c.submit(page, company, filled).redirects(t, company)
	page = c.get(company).says("Company data saved.").has(`input[name="iban"][value="DE89 3704 0044 0532 0130 00"]`).
		has(`input[name="vat_id"][value="DE123456789"]`).has(`input[name="country"][value="DE"]`)
	if strings.Contains(page.text(), "Missing:") {
		t.Error("nothing is missing")
	}
	c.post(company, url.Values{"city": {"Ulm"}}).redirects(t, company) // a field that is missing stays
	got, err := h.documents.Company(t.Context())
	if err != nil || got.City != "Ulm" || got.Name != "Teehaus" || got.PaymentTermDays != 30 {
		t.Errorf("%+v, %v", got, err)
	}

	a := c.submit(page, company, url.Values{"name": {"Anderes Haus"}, "iban": {"DE00"}, "payment_term_days": {"bald"}}).is(http.StatusUnprocessableEntity)
	a.has(`input[name="name"][value="Anderes Haus"]`).has(`input[name="payment_term_days"][value="bald"]`)
	for field, want := range map[string]string{"iban": "This is not an IBAN", "payment_term_days": "from 1 to 365"} {
		if got := a.fieldError(field); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	c.get("/administration/log").says("Company data changed")
}

func TestCompanyLogo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Admin)
	c.get(company + "/logo").is(http.StatusNotFound)
	var logo bytes.Buffer
	must(t, png.Encode(&logo, image.NewGray(image.Rect(0, 0, 40, 20))))
	c.upload(company, url.Values{"name": {"Teehaus"}}, "logo", logo.Bytes()).redirects(t, company)
	page := c.get(company).has(`img[src^="` + company + `/logo?v="]`)
	shown := c.get(company + "/logo").is(http.StatusOK)
	if size, format, err := image.DecodeConfig(shown.Body); err != nil || format != "png" || size.Width != 40 || shown.Header().Get("Content-Type") != "image/png" {
		t.Errorf("%s of %v, %v", format, size, err)
	}
	c.submit(page, company, nil).redirects(t, company) // without a file it stays
	c.get(company + "/logo").is(http.StatusOK)

	a := c.upload(company, url.Values{"name": {"Neu"}}, "logo", []byte("<svg/>")).is(http.StatusUnprocessableEntity).says("Please choose the file again.")
	if got := a.fieldError("logo"); !strings.Contains(got, "PNG and JPEG") {
		t.Errorf("logo: %q", got)
	}
	if got := c.upload(company, nil, "logo", make([]byte, document.MaxLogo+1)).is(http.StatusUnprocessableEntity).fieldError("logo"); !strings.Contains(got, "512 KiB") {
		t.Errorf("too large: %q", got)
	}
	c.upload(company, nil, "logo", make([]byte, 2<<20)).is(http.StatusRequestEntityTooLarge)

	c.submit(c.get(company), company, url.Values{"remove_logo": {"on"}}).redirects(t, company)
	c.get(company + "/logo").is(http.StatusNotFound)
}

// upload posts a form with a file.
func (c *client) upload(path string, form url.Values, name string, file []byte) *answer {
	c.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for field, values := range form {
		for _, v := range values {
			must(c.t, w.WriteField(field, v))
		}
	}
	part, err := w.CreateFormFile(name, "file")
	must(c.t, err)
	_, err = part.Write(file)
	must(c.t, err)
	must(c.t, w.Close())
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return c.send(r)
}
