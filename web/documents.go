package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"zahlwerk/internal/document"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

// sendPDF shows a paper in the browser; saved, it has this name. It holds personal data,
// so nobody on the way keeps it.
func sendPDF(r *request, name string, pdf []byte) error {
	h := r.Response().Header()
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": name}))
	h.Set("Cache-Control", "private, no-store")
	return r.Blob(http.StatusOK, "application/pdf", pdf)
}

func (s *Server) deliveryNotePDF(r *request) error { return s.notePaper(r, s.Documents.DeliveryNote) }

func (s *Server) labelPDF(r *request) error { return s.notePaper(r, s.Documents.Label) }

// notePaper shows a paper of the delivery note of the address.
func (s *Server) notePaper(r *request, print func(ctx context.Context, noteID int64, actor string) (*document.Document, error)) error {
	n, err := s.Dispatch.FindNote(r.ctx(), r.Param("note"))
	if err != nil {
		return err
	}
	d, err := print(r.ctx(), n.ID, r.actor())
	if err != nil {
		return err
	}
	return sendPDF(r, d.FileName(), d.PDF)
}

func (s *Server) invoicePDF(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	o, err := s.Orders.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	inv, err := s.Documents.InvoiceOf(r.ctx(), id)
	if err != nil {
		return err
	}
	if inv == nil {
		return fault.New(fault.NotFound, "document.error.no_invoice_of", "Number", o.Number)
	}
	d, err := s.Documents.InvoicePDF(r.ctx(), inv.ID, r.actor())
	if err != nil {
		return err
	}
	return sendPDF(r, d.FileName(), d.PDF)
}

// makeInvoice makes the invoice of an order by hand; one that is there stays.
func (s *Server) makeInvoice(r *request) error {
	return s.act(r, func(ctx context.Context, id int64) error {
		_, _, err := s.Documents.MakeInvoice(ctx, id, r.actor())
		return err
	}, "order.done.invoice", nil)
}

// pickListPDF shows the list of what the notes of the query take from the shelves.
func (s *Server) pickListPDF(r *request) error {
	notes, err := s.queryNotes(r)
	if err != nil {
		return err
	}
	ids := make([]int64, len(notes))
	for i, n := range notes {
		ids[i] = n.NoteID
	}
	d, err := s.Documents.PickList(r.ctx(), ids)
	if err != nil {
		return err
	}
	return sendPDF(r, d.FileName(), d.PDF)
}

// printPDF shows the papers that the query asks for in one file, note by note: what
// belongs into one parcel lies together.
func (s *Server) printPDF(r *request) error {
	notes, err := s.queryNotes(r)
	if err != nil {
		return err
	}
	var items []document.Item
	for _, n := range notes {
		for _, what := range r.QueryParams()["what"] {
			items = append(items, document.Item{Kind: document.Kind(what), NoteID: n.NoteID, OrderID: n.OrderID})
		}
	}
	pdf, err := s.Documents.Print(r.ctx(), items, r.actor())
	if err != nil {
		return err
	}
	return sendPDF(r, i18n.T(r.ctx(), "document.file.print")+".pdf", pdf)
}

// queryNotes finds the delivery notes of the query by their numbers.
func (s *Server) queryNotes(r *request) ([]document.NoteRef, error) {
	numbers := r.QueryParams()["note"]
	if len(numbers) == 0 {
		return nil, fault.New(fault.Conflict, "document.error.nothing_to_print")
	}
	return s.Documents.FindNotes(r.ctx(), numbers)
}

const companyPath = "/administration/settings/company"

func (s *Server) showCompany(r *request) error {
	c, err := s.Documents.Company(r.ctx())
	if err != nil {
		return err
	}
	return s.companyPage(r, http.StatusOK, views.NewCompanyForm(c))
}

func (s *Server) updateCompany(r *request) error {
	c, err := s.Documents.Company(r.ctx())
	if err != nil {
		return err
	}
	form := views.NewCompanyForm(c)
	if err := r.Bind(&form); err != nil {
		return err
	}
	logo := document.LogoChange{Remove: r.ticked("remove_logo", false)}
	if logo.Data, err = smallFile(r, "logo", document.MaxLogo); err != nil {
		return err
	}
	err = s.Documents.UpdateCompany(r.ctx(), form.Company(), logo, r.actor())
	if status, ok := formStatus(err); ok {
		form.Form = views.FormError(r.ctx(), err, "company.field.")
		form.LogoLost = len(logo.Data) > 0
		return s.companyPage(r, status, form)
	}
	if err != nil {
		return err
	}
	return s.done(r, companyPath, "company.saved")
}

func (s *Server) companyPage(r *request, status int, form views.CompanyForm) error {
	kept, err := s.Documents.Company(r.ctx())
	if err != nil {
		return err
	}
	logo, err := s.Documents.Logo(r.ctx())
	if err != nil {
		return err
	}
	p := views.CompanyPage{
		Page:  s.page(r, i18n.T(r.ctx(), "company.title"), administration(r), settingsCrumb(r)),
		Input: form, Missing: kept.Missing(),
	}
	if logo != nil {
		p.LogoHref = companyPath + "/logo?v=" + logo.Version()
	}
	return s.render(r, status, views.CompanySettings(p))
}

// smallFile reads a file of a form that need not have one into memory, a byte beyond the
// limit at most; nil when none was sent.
func smallFile(r *request, name string, limit int64) ([]byte, error) {
	header, err := r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the file %s of a form: %w", name, err)
	}
	f, err := header.Open()
	if err != nil {
		return nil, fmt.Errorf("open the file %s of a form: %w", name, err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// companyLogo shows the logo as papers carry it.
func (s *Server) companyLogo(r *request) error {
	logo, err := s.Documents.Logo(r.ctx())
	if err != nil {
		return err
	}
	if logo == nil {
		return fault.New(fault.NotFound, "error.not_found")
	}
	return r.Blob(http.StatusOK, logo.ContentType(), logo.Data)
}
