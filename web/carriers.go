package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"zahlwerk/internal/carrier"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

const carriersPath = "/administration/settings/carriers"

func (s *Server) listCarriers(r *request) error {
	carriers, err := s.Carriers.List(r.ctx())
	if err != nil {
		return err
	}
	return s.ok(r, views.CarriersShow(views.CarriersPage{
		Page:     s.page(r, i18n.T(r.ctx(), "carrier.title"), administration(r), settingsCrumb(r)),
		Carriers: carriers, Number: shortNumber(r.QueryParam("number")),
	}))
}

// shortNumber is a number that is to be recognised, cut to what a parcel may have.
func shortNumber(number string) string {
	return strings.ToValidUTF8(number[:min(len(number), dispatch.MaxTracking)], "")
}

func (s *Server) newCarrier(r *request) error {
	carriers, err := s.Carriers.List(r.ctx())
	if err != nil {
		return err
	}
	return s.carrierPage(r, http.StatusOK, views.CarrierPage{Input: views.NewCarrierForm(carrier.Defaults(carriers))})
}

func (s *Server) createCarrier(r *request) error {
	carriers, err := s.Carriers.List(r.ctx())
	if err != nil {
		return err
	}
	form, err := bindCarrier(r, carrier.Defaults(carriers))
	if err != nil {
		return err
	}
	if form.Try != "" {
		return s.tryCarrier(r, nil, form)
	}
	c, err := s.Carriers.Create(r.ctx(), form.Input(), r.actor())
	if err != nil {
		return s.refusedCarrier(r, nil, form, err)
	}
	return s.done(r, carriersPath, "carrier.created", "Name", c.Name)
}

func (s *Server) showCarrier(r *request) error {
	c, err := s.pathCarrier(r)
	if err != nil {
		return err
	}
	return s.carrierPage(r, http.StatusOK, views.CarrierPage{Carrier: c, Input: views.NewCarrierForm(carrier.InputOf(c))})
}

func (s *Server) updateCarrier(r *request) error {
	c, err := s.pathCarrier(r)
	if err != nil {
		return err
	}
	form, err := bindCarrier(r, carrier.InputOf(c))
	if err != nil {
		return err
	}
	if form.Try != "" {
		return s.tryCarrier(r, c, form)
	}
	after, err := s.Carriers.Update(r.ctx(), c.ID, form.Input(), r.actor())
	if err != nil {
		return s.refusedCarrier(r, c, form, err)
	}
	return s.done(r, carriersPath, "carrier.saved", "Name", after.Name)
}

func (s *Server) pathCarrier(r *request) (*carrier.Carrier, error) {
	id, err := r.pathID("id")
	if err != nil {
		return nil, err
	}
	return s.Carriers.Find(r.ctx(), id)
}

// bindCarrier reads the form over what its fields were: a field that is missing keeps
// its value. A box that the form showed and that was not sent was unticked.
func bindCarrier(r *request, in carrier.Input) (views.CarrierForm, error) {
	form := views.NewCarrierForm(in)
	if err := r.Bind(&form); err != nil {
		return form, err
	}
	form.Number = shortNumber(form.Number)
	form.Active = r.ticked("active", in.Active && !slices.Contains(r.Request().PostForm["checkbox"], "active"))
	return form, nil
}

// tryCarrier shows what would be recognised if the form were saved, and saves nothing; c
// is nil for a new carrier.
func (s *Server) tryCarrier(r *request, c *carrier.Carrier, form views.CarrierForm) error {
	in := form.Input()
	if err := in.CheckPatterns(); err != nil {
		return s.refusedCarrier(r, c, form, err)
	}
	table, err := s.Carriers.List(r.ctx())
	if err != nil {
		return err
	}
	typed := in.Carrier()
	typed.Active = true
	if c != nil {
		typed.ID = c.ID
	}
	p := views.CarrierPage{Carrier: c, Input: form, WasTried: true, Tried: table.With(typed).Recognise(form.Number)}
	if !slices.ContainsFunc(p.Tried, func(c carrier.Carrier) bool { return c.ID == typed.ID }) {
		p.Link = typed.Link(form.Number)
	}
	return s.carrierPage(r, http.StatusOK, p)
}

// refusedCarrier shows the form again with what is wrong; c is nil for a new carrier.
// Other errors pass.
func (s *Server) refusedCarrier(r *request, c *carrier.Carrier, form views.CarrierForm, err error) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	form.Form = views.FormError(r.ctx(), err, "carrier.field.")
	return s.carrierPage(r, status, views.CarrierPage{Carrier: c, Input: form})
}

func (s *Server) carrierPage(r *request, status int, p views.CarrierPage) error {
	title := i18n.T(r.ctx(), "carrier.new_title")
	if p.Carrier != nil {
		title = p.Carrier.Name
	}
	p.Page = s.page(r, title, administration(r), settingsCrumb(r), views.Crumb{Label: i18n.T(r.ctx(), "carrier.title"), Href: carriersPath})
	p.URL = &url.URL{Path: r.Request().URL.Path}
	return s.render(r, status, views.CarrierShow(p))
}

// candidate is a carrier that may be a number's, for scripts of ours.
type candidate struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	Code        string `json:"code"`
	TrackingURL string `json:"tracking_url"`
}

// recogniseCarrier answers whose the form of a number is, most likely first.
func (s *Server) recogniseCarrier(r *request) error {
	carriers, err := s.Carriers.List(r.ctx())
	if err != nil {
		return err
	}
	number := shortNumber(r.QueryParam("number"))
	found := []candidate{}
	for _, c := range carriers.Recognise(number) {
		found = append(found, candidate{c.Key, c.Name, c.Code, c.Link(number)})
	}
	return r.JSON(http.StatusOK, map[string]any{"carriers": found})
}
