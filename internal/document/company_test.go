package document_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
)

// picture is a picture of stripes.
func picture(t *testing.T, format string, wide, high int) []byte {
	t.Helper()
	p := image.NewNRGBA(image.Rect(0, 0, wide, high))
	for y := range high {
		for x := range wide {
			p.Set(x, y, color.NRGBA{R: uint8(x), G: uint8(y), A: uint8(255 * (x / 8 % 2))})
		}
	}
	var b bytes.Buffer
	if format == "jpeg" {
		must(t, jpeg.Encode(&b, p, nil))
	} else {
		must(t, png.Encode(&b, p))
	}
	return b.Bytes()
}

func TestCompany(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		c, err := o.Company(t.Context())
		if err != nil || c != (document.Company{Country: "DE", PaymentTermDays: document.DefaultPaymentTerm}) {
			t.Errorf("before: %+v, %v", c, err)
		}
		if got, want := c.Missing(), []string{"name", "street", "postal_code", "city", "tax_id", "iban"}; !slices.Equal(got, want) {
			t.Errorf("missing %v", got)
		}
		typed := teaHouse()
		typed.Name, typed.IBAN, typed.Country, typed.VATID = "  "+typed.Name+" ", "de89 3704 0044 0532 0130 00", "de", "de 123 456 789"
		typed.FooterText = "Zeile 1\r\nZeile 2"
		o.company(typed)
		want := teaHouse()
		want.FooterText = "Zeile 1\nZeile 2"
		if c, err = o.Company(t.Context()); err != nil || c != want || len(c.Missing()) > 0 {
			t.Errorf("kept %+v, missing %v, %v", c, c.Missing(), err)
		}
		o.company(want) // nothing changes, so nothing is logged
		want.City = "Ulm"
		o.company(want)
		log, _, err := o.trail.List(t.Context(), "", 10)
		must(t, err)
		if len(log) != 2 || log[0].Action != "company.updated" || log[0].Actor != clerk || len(log[0].Changes) != 1 || log[0].Changes[0].Field != "company_city" {
			t.Errorf("logged %+v", log)
		}
	})
}

func TestCompanyRefuses(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	for name, tt := range map[string]struct {
		change func(c *document.Company)
		field  string
	}{
		"a term of no day":       {func(c *document.Company) { c.PaymentTermDays = 0 }, "payment_term_days"},
		"a term beyond a year":   {func(c *document.Company) { c.PaymentTermDays = 366 }, "payment_term_days"},
		"an IBAN with a slip":    {func(c *document.Company) { c.IBAN = "DE89370400440532013001" }, "iban"},
		"an IBAN with a sign":    {func(c *document.Company) { c.IBAN = "DE89-3704004405320130" }, "iban"},
		"a short IBAN":           {func(c *document.Company) { c.IBAN = "DE89" }, "iban"},
		"no BIC":                 {func(c *document.Company) { c.BIC = "COBA" }, "bic"},
		"no VAT id":              {func(c *document.Company) { c.VATID = "123456789" }, "vat_id"},
		"no country":             {func(c *document.Company) { c.Country = "DEU" }, "country"},
		"no e-mail":              {func(c *document.Company) { c.Email = "hallo" }, "email"},
		"no website":             {func(c *document.Company) { c.Website = "tee haus" }, "website"},
		"a long name":            {func(c *document.Company) { c.Name = strings.Repeat("ä", document.MaxCompanyText+1) }, "name"},
		"a line break in a name": {func(c *document.Company) { c.Name = "a\nb" }, "name"},
		"a broken text":          {func(c *document.Company) { c.FooterText = "a\xff" }, "footer_text"},
		"a long footer":          {func(c *document.Company) { c.FooterText = strings.Repeat("a", document.MaxFooterText+1) }, "footer_text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := teaHouse()
			tt.change(&c)
			refusedAt(t, o.UpdateCompany(t.Context(), c, document.LogoChange{}, clerk), tt.field)
		})
	}
}

func TestIBANsOfTheWorld(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	for _, iban := range []string{"AT611904300234573201", "CH9300762011623852957", "NL91ABNA0417164300", "NO9386011117947", "MT84MALT011000012345MTLCAST001S", ""} {
		c := teaHouse()
		c.IBAN = iban
		if err := o.UpdateCompany(t.Context(), c, document.LogoChange{}, clerk); err != nil {
			t.Errorf("%s: %v", iban, err)
		}
	}
}

// refusedAt fails unless the one thing that is wrong is this field.
func refusedAt(t *testing.T, err error, field string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != field {
		t.Errorf("%v, want it refused at %s", err, field)
	}
}

func TestLogo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		if l, err := o.Logo(t.Context()); l != nil || err != nil {
			t.Errorf("%+v, %v", l, err)
		}
		for _, tt := range []struct {
			format     string
			wide, high int
			keptWide   int
			keptHigh   int
		}{{"png", 300, 100, 300, 100}, {"png", 1440, 300, 720, 150}, {"jpeg", 400, 540, 200, 270}, {"png", 3000, 2, 720, 1}} {
			must(t, o.UpdateCompany(t.Context(), teaHouse(), document.LogoChange{Data: picture(t, tt.format, tt.wide, tt.high)}, clerk))
			l, err := o.Logo(t.Context())
			must(t, err)
			kept, format, err := image.DecodeConfig(bytes.NewReader(l.Data))
			if err != nil || format != tt.format || l.ContentType() != "image/"+tt.format || kept.Width != tt.keptWide || kept.Height != tt.keptHigh {
				t.Errorf("%s of %d × %d is kept as %s of %d × %d, %v", tt.format, tt.wide, tt.high, format, kept.Width, kept.Height, err)
			}
			// The papers carry it.
			made := o.order(pots())
			d, err := o.DeliveryNote(t.Context(), o.note(made, nil).ID, clerk)
			must(t, err)
			if !bytes.Contains(d.PDF, []byte("/Subtype /Image")) {
				t.Error("no picture on the paper")
			}
		}
		before, err := o.Logo(t.Context())
		must(t, err)
		o.company(teaHouse()) // without a word about the logo
		if l, err := o.Logo(t.Context()); err != nil || l == nil || l.Version() != before.Version() {
			t.Errorf("%+v, %v", l, err)
		}
		must(t, o.UpdateCompany(t.Context(), teaHouse(), document.LogoChange{Remove: true}, clerk))
		if l, err := o.Logo(t.Context()); l != nil || err != nil {
			t.Errorf("removed: %+v, %v", l, err)
		}
		log, _, err := o.trail.List(t.Context(), "", 1)
		must(t, err)
		if len(log[0].Changes) != 1 || log[0].Changes[0].Field != "company_logo" || log[0].Changes[0].New != "" || log[0].Changes[0].Old == "" {
			t.Errorf("logged %+v", log[0])
		}
	})
}

func TestLogoRefuses(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	gif, err := base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
	must(t, err)
	whole := picture(t, "png", 300, 100)
	for name, data := range map[string][]byte{
		"a text":            []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"),
		"a GIF":             gif,
		"half of a picture": whole[:len(whole)/2],
		"too many bytes":    append(slices.Clone(whole), make([]byte, document.MaxLogo)...),
		"too many pixels":   wide(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusedAt(t, o.UpdateCompany(t.Context(), teaHouse(), document.LogoChange{Data: data}, clerk), "logo")
		})
	}
}

// wide is a small file with a large picture.
func wide(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 5000, 10))))
	return b.Bytes()
}

func TestPapersWithoutCompany(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	made := o.order(pots(func(in *order.Input) { in.BillingAddress.Country = "AT" }))
	for name, print := range o.papers(made, o.note(made, nil)) {
		if d, err := print(); err != nil || len(pages(t, d.PDF)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
