package web

import (
	"errors"
	"iter"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/views"
)

const (
	maxFormMemory = 1 << 20 // what is larger in a form lies in a temporary file
	maxFileName   = 200     // characters
	sampleRows    = 5       // that are shown where columns are named
	shownColumns  = 10      // that are named in a sentence
)

// upload is a file that somebody sent.
type upload struct {
	multipart.File
	name string
	form *multipart.Form
}

// uploaded returns the file in a field of the form, for the caller to Close. A form
// without one is Invalid at the field.
func (r *request) uploaded(field string) (*upload, error) {
	err := r.Request().ParseMultipartForm(maxFormMemory)
	var f multipart.File
	var h *multipart.FileHeader
	if err == nil {
		f, h, err = r.Request().FormFile(field)
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, err
	}
	if err != nil || h.Filename == "" && h.Size == 0 {
		if form := r.Request().MultipartForm; form != nil {
			_ = form.RemoveAll() // it may have a file in another field
		}
		return nil, &fault.Error{Code: fault.Invalid, Key: fault.InvalidInput, Err: err, Fields: []fault.Field{{Name: field, Key: "import.error.no_file"}}}
	}
	return &upload{f, fileName(h.Filename), r.Request().MultipartForm}, nil
}

// Close closes the file and removes what was kept of the form.
func (u *upload) Close() error { return errors.Join(u.File.Close(), u.form.RemoveAll()) }

// fileName is the name of a file as a title.
func fileName(name string) string {
	name = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, strings.ToValidUTF8(name, ""))
	if c := []rune(name); len(c) > maxFileName {
		name = string(c[:maxFileName])
	}
	if name == "" {
		return "CSV"
	}
	return name
}

// fileStatus is formStatus for a form with a file, of which a too large one is told
// there, too.
func fileStatus(err error) (int, bool) {
	if fault.CodeOf(err) == fault.TooLarge && !errors.As(err, new(*http.MaxBytesError)) {
		return http.StatusRequestEntityTooLarge, true
	}
	return formStatus(err)
}

func (s *Server) newOrderImport(r *request) error { return s.orderImportPage(r, http.StatusOK, nil) }

func (s *Server) orderImportPage(r *request, status int, err error) error {
	return s.render(r, status, views.OrderImport(views.ImportPage{
		Page: s.page(r, i18n.T(r.ctx(), "import.orders.title"), ordersCrumb(r)), Form: views.FormError(r.ctx(), err, "import.field."),
	}))
}

func (s *Server) createOrderImport(r *request) error {
	b, im, err := s.previewOrders(r)
	if err != nil {
		status, ok := fileStatus(err)
		if !ok {
			return err
		}
		return s.orderImportPage(r, status, err)
	}
	if len(im.Unknown) > 0 {
		return s.done(r, batchPath(b.ID), "import.done.unknown", "How", views.HowRead(r.ctx(), im.Table()), "Columns", someColumns(im.Unknown))
	}
	return s.done(r, batchPath(b.ID), "import.done.read", "How", views.HowRead(r.ctx(), im.Table()))
}

func (s *Server) previewOrders(r *request) (*batch.Batch, *order.Import, error) {
	f, err := r.uploaded("file")
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	im, err := order.OpenImport(f)
	if err != nil {
		return nil, nil, err
	}
	b, err := s.Batches.Create(r.ctx(), batch.Batch{Kind: batch.ImportOrders, Title: f.name, Actor: r.actor()}, s.Orders.PreviewImport(r.ctx(), im))
	return b, im, err
}

// someColumns names columns in a sentence, if they are many the first of them.
func someColumns(names []string) string {
	if len(names) > shownColumns {
		names = append(names[:shownColumns:shownColumns], "…")
	}
	return strings.Join(names, ", ")
}

// orderTemplate sends a file of orders to start from.
func (s *Server) orderTemplate(r *request) error {
	header, rows := order.Template(i18n.Language(r.ctx()))
	var once iter.Seq2[[][]string, error] = func(yield func([][]string, error) bool) { yield(rows, nil) }
	return s.sendCSV(r, i18n.T(r.ctx(), "import.template.name")+".csv", header, once)
}

func (s *Server) newTrackingImport(r *request) error {
	return s.trackingImportPage(r, http.StatusOK, nil)
}

func dispatchCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "dispatch.title"), Href: "/dispatch"}
}

func trackingImportCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "import.tracking.title"), Href: "/dispatch/import"}
}

func (s *Server) trackingImportPage(r *request, status int, err error) error {
	return s.render(r, status, views.TrackingImport(views.ImportPage{
		Page: s.page(r, i18n.T(r.ctx(), "import.tracking.title"), dispatchCrumb(r)), Form: views.FormError(r.ctx(), err, "import.field."),
	}))
}

func (s *Server) createTrackingImport(r *request) error {
	id, err := s.keepTracking(r)
	if err != nil {
		status, ok := fileStatus(err)
		if !ok {
			return err
		}
		return s.trackingImportPage(r, status, err)
	}
	return s.done(r, "/dispatch/import/"+url.PathEscape(id), "")
}

func (s *Server) keepTracking(r *request) (string, error) {
	f, err := r.uploaded("file")
	if err != nil {
		return "", err
	}
	defer f.Close()
	return s.Dispatch.KeepTrackingFile(r.ctx(), f.name, f, r.actor())
}

func (s *Server) showTrackingMapping(r *request) error {
	return s.trackingMappingPage(r, http.StatusOK, nil, nil)
}

// trackingMappingPage asks which column is which: as they are proposed to be named, or as
// somebody has named them.
func (s *Server) trackingMappingPage(r *request, status int, input *views.TrackingMappingForm, wrong error) error {
	f, err := s.Dispatch.OpenTrackingFile(r.ctx(), r.Param("id"))
	if err != nil {
		return err
	}
	p := views.TrackingMappingPage{Name: f.Name, Table: f.Table, Form: views.FormError(r.ctx(), wrong, "tracking.field.")}
	if p.Rows, err = sample(f.Table); err != nil {
		return err
	}
	if p.Carriers, err = s.Carriers.List(r.ctx()); err != nil {
		return err
	}
	if input != nil {
		p.Input = *input
	} else {
		var m dispatch.TrackingMapping
		if m, p.Known, err = s.Dispatch.ProposeTrackingMapping(r.ctx(), f.Table); err != nil {
			return err
		}
		p.Input = views.TrackingMappingForm{Reference: m.Reference, ReferenceIs: string(m.ReferenceIs), TrackingNumber: m.TrackingNumber,
			CarrierColumn: m.CarrierColumn, Carrier: m.Carrier}
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "import.mapping.title"), dispatchCrumb(r), trackingImportCrumb(r))
	return s.render(r, status, views.TrackingMapping(p))
}

// sample is the first rows of a file.
func sample(t *csvfile.Table) (rows [][]string, err error) {
	for row, err := range t.Rows() {
		if err != nil && len(rows) == 0 {
			return nil, err
		}
		if err != nil || len(rows) == sampleRows {
			break
		}
		if row.Problem == nil {
			rows = append(rows, row.Cells)
		}
	}
	return rows, nil
}

func (s *Server) importTracking(r *request) error {
	var in views.TrackingMappingForm
	if err := r.Bind(&in); err != nil {
		return err
	}
	b, err := s.Dispatch.ImportTracking(r.ctx(), r.Param("id"), dispatch.TrackingMapping{Reference: in.Reference, ReferenceIs: dispatch.Reference(in.ReferenceIs),
		TrackingNumber: in.TrackingNumber, CarrierColumn: in.CarrierColumn, Carrier: in.Carrier}, r.actor())
	if err != nil {
		status, ok := fileStatus(err)
		if !ok {
			return err
		}
		return s.trackingMappingPage(r, status, &in, err)
	}
	return s.done(r, batchPath(b.ID), "")
}
