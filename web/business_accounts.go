package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/settlement"
	"zahlwerk/views"
)

const businessAccountsPath = "/administration/settings/accounting/business-accounts"

func businessAccountPath(id int64) string { return fmt.Sprintf("%s/%d", businessAccountsPath, id) }

func (s *Server) listBusinessAccounts(r *request) error {
	accounts, err := s.Accounts.List(r.ctx())
	if err != nil {
		return err
	}
	next, err := s.nextImports(r, accounts)
	if err != nil {
		return err
	}
	rows := make([]views.BusinessAccountRow, len(accounts))
	for i, a := range accounts {
		rows[i] = views.BusinessAccountRow{Account: a, Next: next[a.ID]}
	}
	return s.ok(r, views.BusinessAccounts(views.BusinessAccountsPage{
		Page:     s.page(r, i18n.T(r.ctx(), "business_account.list.title"), administration(r), settingsCrumb(r), accountingCrumb(r)),
		Accounts: rows, Now: s.Clock.Now(), MayWrite: r.user.May(auth.Administer),
	}))
}

// nextImports says when accounts may be imported next, by their ids.
func (s *Server) nextImports(r *request, accounts []businessaccount.Account) (map[int64]settlement.NextImport, error) {
	ids := make([]int64, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	return s.Settlements.NextImports(r.ctx(), ids...)
}

// newBusinessAccount shows the choice of a module, or the form of the chosen one.
func (s *Server) newBusinessAccount(r *request) error {
	if r.QueryParam("module") == "" {
		return s.ok(r, views.BusinessAccountPicker(views.BusinessAccountPickerPage{
			Page:  s.page(r, i18n.T(r.ctx(), "business_account.picker.title"), administration(r), settingsCrumb(r), accountingCrumb(r), businessAccountsCrumb(r)),
			Query: r.QueryParam("q"),
		}))
	}
	in, err := s.businessAccountDefaults(r)
	if err != nil {
		return err
	}
	return s.businessAccountPage(r, http.StatusOK, views.BusinessAccountPage{Input: views.NewBusinessAccountForm(in)})
}

func (s *Server) businessAccountDefaults(r *request) (businessaccount.Input, error) {
	in := businessaccount.Defaults()
	var err error
	in.ShortName, err = s.Accounts.FreeShortName(r.ctx(), in.ShortName, 0)
	return in, err
}

func (s *Server) createBusinessAccount(r *request) error {
	in, err := s.businessAccountDefaults(r)
	if err != nil {
		return err
	}
	form, err := bindBusinessAccount(r, in)
	if err != nil {
		return err
	}
	if isPreview(r) {
		return s.previewAccess(r, nil, form)
	}
	a, err := s.Accounts.Create(r.ctx(), form.Input(), r.actor())
	if err != nil {
		return s.refusedBusinessAccount(r, nil, form, err)
	}
	return s.savedBusinessAccount(r, &businessaccount.Account{}, a, form, "business_account.created")
}

func (s *Server) showBusinessAccount(r *request) error {
	a, err := s.pathBusinessAccount(r)
	if err != nil {
		return err
	}
	return s.businessAccountPage(r, http.StatusOK, views.BusinessAccountPage{Account: a, Input: settingsOfAccount(a)})
}

func (s *Server) updateBusinessAccount(r *request) error {
	before, err := s.pathBusinessAccount(r)
	if err != nil {
		return err
	}
	form, err := bindBusinessAccount(r, businessaccount.InputOf(before))
	if err != nil {
		return err
	}
	if isPreview(r) {
		return s.previewAccess(r, before, form)
	}
	after, err := s.Accounts.Update(r.ctx(), before.ID, form.Input(), r.actor())
	if err != nil {
		return s.refusedBusinessAccount(r, before, form, err)
	}
	return s.savedBusinessAccount(r, before, after, form, "business_account.saved")
}

// checkBusinessAccount asks Klarna and shows the answer on the account's page: nothing was
// changed, so there is nothing to come back from.
func (s *Server) checkBusinessAccount(r *request) error {
	a, err := s.pathBusinessAccount(r)
	if err != nil {
		return err
	}
	check, err := s.Accounts.Check(r.ctx(), a.ID)
	if err != nil {
		return err
	}
	return s.businessAccountPage(r, http.StatusOK, views.BusinessAccountPage{Account: a, Input: settingsOfAccount(a), Check: &check})
}

func (s *Server) pathBusinessAccount(r *request) (*businessaccount.Account, error) {
	id, err := r.pathID("id")
	if err != nil {
		return nil, err
	}
	return s.Accounts.Find(r.ctx(), id)
}

// bindBusinessAccount reads the form over what its fields were: a field that is missing
// keeps its value. A box that the form showed and that was not sent was unticked.
func bindBusinessAccount(r *request, in businessaccount.Input) (views.BusinessAccountForm, error) {
	form := views.NewBusinessAccountForm(in)
	if err := r.Bind(&form); err != nil {
		return form, err
	}
	shown := r.Request().PostForm["checkbox"]
	form.Active = r.ticked("active", in.Active && !slices.Contains(shown, "active"))
	form.FetchAutomatically = r.ticked("fetch_automatically", in.FetchAutomatically && !slices.Contains(shown, "fetch_automatically"))
	return form, nil
}

// savedBusinessAccount ends a form that was saved, with what is still worth a thought.
func (s *Server) savedBusinessAccount(r *request, before, after *businessaccount.Account, form views.BusinessAccountForm, key string) error {
	if after.HasAccess() {
		var warnings []string
		for _, p := range before.Read(form.Access).Warnings() {
			warnings = append(warnings, i18n.T(r.ctx(), p.Key, p.Args...))
		}
		if len(warnings) > 0 {
			if err := s.flash(r, views.Flash{Kind: views.Warn, Text: strings.Join(warnings, " ")}); err != nil {
				return err
			}
		}
	}
	return s.done(r, businessAccountPath(after.ID), key, "Name", after.Name)
}

// refusedBusinessAccount shows the form again with what is wrong; a is nil for a new
// account. Other errors pass.
func (s *Server) refusedBusinessAccount(r *request, a *businessaccount.Account, form views.BusinessAccountForm, err error) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	form.Form = views.FormError(r.ctx(), err, "business_account.field.")
	form.ShortName = form.Input().ShortName
	var except int64
	if a != nil {
		except = a.ID
	}
	free, err := s.Accounts.FreeShortName(r.ctx(), form.ShortName, except)
	if err != nil {
		return err
	}
	if free != form.ShortName {
		form.FreeShortName = free
	}
	return s.businessAccountPage(r, status, views.BusinessAccountPage{Account: a, Input: form})
}

// previewAccess shows what the access data are understood as, and saves nothing.
func (s *Server) previewAccess(r *request, a *businessaccount.Account, form views.BusinessAccountForm) error {
	r.Response().Header().Add("Vary", "X-Fragment")
	if isFragment(r) {
		preview, err := s.accessPreview(a, form)
		if err != nil {
			return err
		}
		return s.ok(r, views.AccessPreviewFacts(preview))
	}
	return s.businessAccountPage(r, http.StatusOK, views.BusinessAccountPage{Account: a, Input: form})
}

func (s *Server) accessPreview(a *businessaccount.Account, form views.BusinessAccountForm) (views.AccessPreview, error) {
	if a == nil {
		a = &businessaccount.Account{}
	}
	in := form.Input()
	doubts, err := s.Accounts.Doubts(a, in)
	return views.AccessPreview{
		Typed: strings.TrimSpace(in.Access) != "", Reading: a.Read(in.Access), Doubts: doubts, Region: form.Region, Environment: form.Environment,
	}, err
}

// settingsOfAccount is the form of an account as it stands.
func settingsOfAccount(a *businessaccount.Account) views.BusinessAccountForm {
	return views.NewBusinessAccountForm(businessaccount.InputOf(a))
}

func (s *Server) businessAccountPage(r *request, status int, p views.BusinessAccountPage) error {
	title := i18n.T(r.ctx(), "business_account.new_title")
	p.MayWrite, p.Now = r.user.May(auth.Administer), s.Clock.Now()
	var err error
	if p.Preview, err = s.accessPreview(p.Account, p.Input); err != nil {
		return err
	}
	p.Input.Access, p.Input.KeyLost = businessaccount.Redact(p.Input.Access) // a key is not shown again, not even to whoever typed it
	if p.Account != nil {
		title = p.Account.Name
		if p.Next, err = s.Settlements.NextImport(r.ctx(), p.Account.ID); err != nil {
			return err
		}
	}
	p.Page = s.page(r, title, administration(r), settingsCrumb(r), accountingCrumb(r), businessAccountsCrumb(r))
	if p.Account != nil { // not …/check, which can't be gone back to
		p.URL = &url.URL{Path: businessAccountPath(p.Account.ID)}
	}
	return s.render(r, status, views.BusinessAccount(p))
}

// accountingCrumb is the group of the settings that bookkeepers know; it has no page.
func accountingCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "nav.accounting")}
}

func businessAccountsCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "business_account.list.title"), Href: businessAccountsPath}
}
