package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/views"
)

const paymentMethodsPath = "/administration/settings/payment-methods"

func paymentMethodPath(id int64) string { return fmt.Sprintf("%s/%d", paymentMethodsPath, id) }

func (s *Server) listPaymentMethods(r *request) error {
	methods, err := s.Methods.List(r.ctx())
	if err != nil {
		return err
	}
	return s.ok(r, views.PaymentMethods(views.PaymentMethodsPage{
		Page:    s.page(r, i18n.T(r.ctx(), "payment_method.list.title"), administration(r), settingsCrumb(r)),
		Methods: methods, MayWrite: r.user.May(auth.Administer),
	}))
}

// newPaymentMethod shows the choice of a module, or the form of the chosen one.
func (s *Server) newPaymentMethod(r *request) error {
	module := paymentmethod.Module(r.QueryParam("module"))
	if !slices.Contains(paymentmethod.Modules(), module) {
		return s.ok(r, views.PaymentMethodPicker(views.PaymentMethodPickerPage{
			Page:  s.page(r, i18n.T(r.ctx(), "payment_method.picker.title"), administration(r), settingsCrumb(r), paymentMethodsCrumb(r)),
			Query: r.QueryParam("q"),
		}))
	}
	in := paymentmethod.Defaults(module)
	var err error
	if in.Type, err = s.Methods.FreeType(r.ctx(), in.Type, 0); err != nil {
		return err
	}
	return s.paymentMethodPage(r, http.StatusOK, views.PaymentMethodPage{Input: views.NewPaymentMethodForm(in)})
}

func (s *Server) createPaymentMethod(r *request) error {
	module := paymentmethod.ModuleKlarna
	if m := r.FormValue("module"); m != "" { // of the form, else of the address
		module = paymentmethod.Module(m)
	}
	form, err := bindPaymentMethod(r, paymentmethod.Defaults(module))
	if err != nil {
		return err
	}
	m, err := s.Methods.Create(r.ctx(), form.Input(), r.actor())
	if err != nil {
		return s.refusedPaymentMethod(r, nil, form, err)
	}
	return s.done(r, paymentMethodPath(m.ID), "payment_method.created", "Name", m.Name)
}

func (s *Server) showPaymentMethod(r *request) error {
	m, err := s.pathPaymentMethod(r)
	if err != nil {
		return err
	}
	return s.presentPaymentMethod(r, http.StatusOK, m, settingsOf(m), nil)
}

func (s *Server) updatePaymentMethod(r *request) error {
	m, err := s.pathPaymentMethod(r)
	if err != nil {
		return err
	}
	form, err := bindPaymentMethod(r, paymentmethod.InputOf(m))
	if err != nil {
		return err
	}
	after, err := s.Methods.Update(r.ctx(), m.ID, form.Input(), r.actor())
	if err != nil {
		return s.refusedPaymentMethod(r, m, form, err)
	}
	return s.done(r, paymentMethodPath(m.ID), "payment_method.saved", "Name", after.Name)
}

// checkPaymentMethod asks Klarna and shows the answer on the method's page: nothing was
// changed, so there is nothing to come back from.
func (s *Server) checkPaymentMethod(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	check, err := s.Methods.Check(r.ctx(), id)
	if err != nil {
		return err
	}
	m, err := s.pathPaymentMethod(r) // only now: a good answer is its last success
	if err != nil {
		return err
	}
	return s.presentPaymentMethod(r, http.StatusOK, m, settingsOf(m), &check)
}

func (s *Server) resumePaymentMethod(r *request) error {
	m, err := s.pathPaymentMethod(r)
	if err != nil {
		return err
	}
	err = s.Methods.Resume(r.ctx(), m.ID, r.actor())
	if status, ok := formStatus(err); ok {
		form := settingsOf(m)
		form.Form = views.FormError(r.ctx(), err, "payment_method.field.")
		return s.presentPaymentMethod(r, status, m, form, nil)
	}
	if err != nil {
		return err
	}
	return s.done(r, paymentMethodPath(m.ID), "payment_method.resumed", "Name", m.Name)
}

func (s *Server) pathPaymentMethod(r *request) (*paymentmethod.Method, error) {
	id, err := r.pathID("id")
	if err != nil {
		return nil, err
	}
	return s.Methods.Find(r.ctx(), id)
}

// bindPaymentMethod reads the form over what its fields were: a field that is missing
// keeps its value. A box that the form showed and that was not sent was unticked.
func bindPaymentMethod(r *request, in paymentmethod.Input) (views.PaymentMethodForm, error) {
	form := views.NewPaymentMethodForm(in)
	if err := r.Bind(&form); err != nil {
		return form, err
	}
	shown := r.Request().PostForm["checkbox"]
	form.Active = r.ticked("active", in.Active && !slices.Contains(shown, "active"))
	form.MarkPaid = r.ticked("mark_paid", in.MarkPaid && !slices.Contains(shown, "mark_paid"))
	return form, nil
}

// refusedPaymentMethod shows the form again with what is wrong; m is nil for a new
// method. Other errors pass.
func (s *Server) refusedPaymentMethod(r *request, m *paymentmethod.Method, form views.PaymentMethodForm, err error) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	form.Form = views.FormError(r.ctx(), err, "payment_method.field.")
	form.PasswordLost = form.Password != ""
	form.Type = form.Input().Type
	var except int64
	if m != nil {
		except = m.ID
	}
	free, err := s.Methods.FreeType(r.ctx(), form.Type, except)
	if err != nil {
		return err
	}
	if free != form.Type {
		form.FreeType = free
	}
	if m == nil {
		return s.paymentMethodPage(r, status, views.PaymentMethodPage{Input: form})
	}
	return s.presentPaymentMethod(r, status, m, form, nil)
}

// settingsOf is the form of a method as it stands.
func settingsOf(m *paymentmethod.Method) views.PaymentMethodForm {
	return views.NewPaymentMethodForm(paymentmethod.InputOf(m))
}

// presentPaymentMethod shows the page of a method that exists; check is what Klarna
// answered, if it was just asked.
func (s *Server) presentPaymentMethod(r *request, status int, m *paymentmethod.Method, form views.PaymentMethodForm, check *paymentmethod.Check) error {
	use, err := s.Methods.Use(r.ctx(), m.ID)
	if err != nil {
		return err
	}
	doubts, err := s.Methods.Doubts(m)
	if err != nil {
		return err
	}
	return s.paymentMethodPage(r, status, views.PaymentMethodPage{Method: m, Input: form, Use: use, Doubts: doubts, Check: check})
}

func (s *Server) paymentMethodPage(r *request, status int, p views.PaymentMethodPage) error {
	title := i18n.T(r.ctx(), "payment_method.new_title")
	if p.Method != nil {
		title = p.Method.Name
	}
	p.MayWrite = r.user.May(auth.Administer)
	p.Page = s.page(r, title, administration(r), settingsCrumb(r), paymentMethodsCrumb(r))
	if p.Method != nil { // not …/check, which can't be gone back to
		p.URL = &url.URL{Path: paymentMethodPath(p.Method.ID)}
	}
	return s.render(r, status, views.PaymentMethod(p))
}

func settingsCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "nav.settings"), Href: "/administration/settings"}
}

func paymentMethodsCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "payment_method.list.title"), Href: paymentMethodsPath}
}
