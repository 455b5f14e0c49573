package web_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/order"
	"zahlwerk/web"
)

// sendFile sends a form with a file.
func (c *client) sendFile(path, name, content string) *answer {
	c.t.Helper()
	body, contentType := fileForm(c.t, name, content)
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", contentType)
	return c.send(r)
}

func fileForm(t testing.TB, name, content string) (*bytes.Buffer, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	must(t, err)
	_, err = io.WriteString(part, content)
	must(t, err)
	must(t, form.Close())
	return &body, form.FormDataContentType()
}

const orderFile = "Auftragsnummer;Zahlungsweise;Kunde;Artikel;Menge;Einzelpreis;Lager\n" +
	"C-1;klarna;Eva Groß;Tasse;2;12,50;x\nC-1;;;Versand;1;4,90;\nC-2;cheque;Max;Teller;1;1,00;\nC-3;klarna;Ida;Topf;0,5;1,00;\n"

// A file is read, its preview looked at and started; the orders are there, and the same
// file again would change nothing.
func TestImportOrders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	c.get("/orders").has("a[href='/orders/import']")
	c.get("/orders/import").is(http.StatusOK).has("form[enctype='multipart/form-data'] input[type=file][name=file]").says("line_unit_price")
	sent := c.sendFile("/orders/import", "shop.csv", orderFile)
	page := c.follow(sent)
	page.says("shop.csv", "Eva Groß", "€29.90", "Line 4, column “Zahlungsweise”", "UTF-8", "Lager")
	path := sent.Header().Get("Location")
	if _, err := h.orders.FindByNumber(t.Context(), "C-1"); err == nil {
		t.Error("the preview has made an order")
	}
	c.post(path+"/start", url.Values{}).is(http.StatusSeeOther)
	h.settle()
	o, err := h.orders.FindByNumber(t.Context(), "C-1")
	must(t, err)
	c.get(path).says("Made.")
	c.get(fmt.Sprintf("/orders/%d", o.ID)).says("Order imported from “shop.csv”")
	again := c.sendFile("/orders/import", "shop.csv", orderFile)
	c.follow(again).says("Is here already")
	list, err := h.batches.List(t.Context(), 0, 1, batch.ImportOrders)
	must(t, err)
	if b := list[0]; b.Unchanged != 2 || b.Refused != 1 || b.Total != 3 {
		t.Errorf("%+v", b)
	}
}

// Whatever is sent instead of a file of orders is answered with the form and the reason.
func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Shipping)
	var wide strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&wide, "c%d;", i)
	}
	for name, tc := range map[string]struct{ content, want string }{
		"empty":         {"", "empty"},
		"zip":           {"PK\x03\x04" + strings.Repeat("\x00", 1000), "packed"},
		"gzip":          {"\x1f\x8b\x08", "packed"},
		"picture":       {"\x89PNG\r\n\x1a\n\x00", "not a CSV file"},
		"1,000 columns": {wide.String(), "1000 columns"},
		"broken UTF-8":  {"number;name\nKöln;Süd\nM\xc3;x\n", "Line 3"},
		"duplicate":     {"number;Number\n", "Two columns"},
		"no header":     {"200081;Eva\n", "no header"},
		"something":     {"a;b\n1;2\n", "lacks columns: number"},
		"header alone":  {"number;payment_method;customer_name;line_name;line_total\n", "nothing below the header"},
	} {
		a := c.sendFile("/orders/import", "x.csv", tc.content)
		if a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.doc.Text(), tc.want) || a.doc.Find("input[type=file]").Length() != 1 {
			t.Errorf("%s: %d\n%s", name, a.Code, a.doc.Find("main").Text())
		}
	}
	for _, path := range []string{"/orders/import", "/dispatch/import"} {
		c.post(path, url.Values{}).is(http.StatusUnprocessableEntity).says("Choose a file.")
		c.sendFile(path, "", "").is(http.StatusUnprocessableEntity).says("Choose a file.")
	}
	c.sendFile("/dispatch/import", "x.csv", "PK\x03\x04").is(http.StatusUnprocessableEntity).says("packed")
	list, err := h.batches.List(t.Context(), 0, 10)
	must(t, err)
	if len(list) != 0 {
		t.Errorf("%d batches are left behind", len(list))
	}
}

// endless is a body of any size that nobody has to hold.
type endless struct{ left int64 }

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), e.left)
	for i := range b[:n] {
		b[i] = 'x'
	}
	e.left -= n
	return int(n), nil
}

// 200 MB are answered with the limit in words, whether the sender says how much comes or
// not; a form without a file may have a MiB only.
func TestLargeUploads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.as(auth.Shipping)
	server := httptest.NewServer(h.Server)
	t.Cleanup(server.Close)
	const begin = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\n"
	for name, tc := range map[string]struct {
		path  string
		size  int64
		known bool
		want  string
	}{
		"with its length":    {"/orders/import", 200 << 20, true, "32 MiB"},
		"without its length": {"/orders/import", 200 << 20, false, "32 MiB"},
		"tracking numbers":   {"/dispatch/import", 40 << 20, false, "32 MiB"},
		"a little too large": {"/orders/import", 32<<20 + 1000, false, "32 MiB"},
		"a plain form":       {"/orders/new", 2 << 20, true, "1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := io.MultiReader(strings.NewReader(begin), &endless{left: tc.size}, strings.NewReader("\r\n--b--\r\n"))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+tc.path, body)
			must(t, err)
			if tc.known {
				r.ContentLength = int64(len(begin)) + tc.size + int64(len("\r\n--b--\r\n"))
			}
			r.Host = "127.0.0.1:8080"
			r.Header = c.header.Clone()
			r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			for _, k := range c.cookies {
				r.AddCookie(k)
			}
			res, err := server.Client().Do(r)
			must(t, err)
			defer res.Body.Close()
			page, err := io.ReadAll(res.Body)
			must(t, err)
			if res.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(page), tc.want) {
				t.Errorf("%s\n%s", res.Status, page)
			}
		})
	}
}

// What is too large for memory lies on a disk while it is read, whichever field it is in.
func TestUploadsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"file", "other"} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			var body bytes.Buffer
			w := multipart.NewWriter(&body)
			part, err := w.CreateFormFile(field, "large.csv")
			must(t, err)
			_, err = part.Write(bytes.Repeat([]byte("x"), 12<<20))
			must(t, err)
			must(t, w.Close())
			r := httptest.NewRequest(http.MethodPost, "/orders/import", &body)
			r.Header.Set("Content-Type", w.FormDataContentType())
			if err := web.Upload(r, "file"); (err == nil) != (field == "file") {
				t.Fatal(err)
			}
			if f, err := r.MultipartForm.File[field][0].Open(); err == nil {
				f.Close()
				t.Error("the file is still there")
			}
		})
	}
}

func TestOrderTemplate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	for language, name := range map[string]string{"de": "auftraege-vorlage.csv", "en": "orders-template.csv"} {
		c.header.Set("Accept-Language", language)
		c.post("/preferences", url.Values{"language": {language}, "return_to": {"/"}})
		a := c.get("/orders/import/template.csv").is(http.StatusOK)
		if !strings.Contains(a.Header().Get("Content-Disposition"), name) {
			t.Errorf("%s: %s", language, a.Header().Get("Content-Disposition"))
		}
		page := c.follow(c.sendFile("/orders/import", name, a.Body.String()))
		page.says("Max Muster", "A-1001")
		if page.doc.Find("form[action$='/start']").Length() != 1 {
			t.Errorf("%s: the template can't be imported\n%s", language, page.doc.Find("main").Text())
		}
	}
}

// A carrier's file: which column is what is asked, remembered, and asked again only to
// be confirmed.
func TestImportTrackingNumbers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.method()
	c := h.as(auth.Shipping)
	o := h.order(1000)
	file := "Empfänger;Code;Paketnummer\nEva;" + o.Number + ";00340434161094042557\nMax;nobody;00340434161094042557\n"
	c.get("/dispatch").has("a[href='/dispatch/import']")
	c.get("/dispatch/import").is(http.StatusOK).has("input[type=file]")
	sent := c.sendFile("/dispatch/import", "carrier.csv", file)
	page := c.follow(sent).is(http.StatusOK).says("carrier.csv", "Which column is what?", "Eva")
	if page.doc.Find("select[name=tracking_number] option[selected]").Text() != "Paketnummer" || page.doc.Find("select[name=reference] option[selected][value='Code']").Length() != 0 {
		t.Error("not what the names suggest")
	}
	mapping := sent.Header().Get("Location")
	c.post(mapping, url.Values{"tracking_number": {"Paketnummer"}, "reference_is": {"order"}}).is(http.StatusUnprocessableEntity).says("Column with the reference")
	form := url.Values{"reference": {"Code"}, "tracking_number": {"Paketnummer"}, "reference_is": {"order"}, "carrier_column": {""}, "carrier": {""}}
	started := c.post(mapping, form)
	c.follow(started).says("DHL", "00340434161094042557", "Line 3, column “Code”", "nobody")
	c.get(mapping).is(http.StatusNotFound)
	path := started.Header().Get("Location")
	c.post(path+"/start", url.Values{}).is(http.StatusSeeOther)
	h.settle()
	c.get(path).says("recorded, delivery note")
	now, err := h.orders.Find(t.Context(), o.ID)
	must(t, err)
	if now.Feedback != order.FeedbackConfirmed || now.Notes[0].Parcels[0].TrackingNumber != "00340434161094042557" {
		t.Errorf("feedback %s, %+v", now.Feedback, now.Notes)
	}
	again := c.sendFile("/dispatch/import", "carrier.csv", file)
	page = c.follow(again).says("As the last time")
	if page.doc.Find("select[name=reference] option[selected]").Text() != "Code" {
		t.Error("the mapping is forgotten")
	}
	c.follow(c.post(again.Header().Get("Location"), form)).says("is recorded already")
	c.get("/dispatch/import/nothing").is(http.StatusNotFound)
}
