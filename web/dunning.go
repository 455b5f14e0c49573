package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

const (
	openItemsPath = "/accounting/dunning"
	openItemRows  = 50
)

func (s *Server) listOpenItems(r *request) error {
	return s.openItemsPage(r, http.StatusOK, views.Form{})
}

// openItemsPage shows the list; form says what could not be done with a selection.
func (s *Server) openItemsPage(r *request, status int, form views.Form) error {
	p := views.OpenItemsPage{Form: form, Counts: map[dunning.Show]int{}, Now: s.Clock.Now()}
	if err := r.Bind(&p.Filter); err != nil {
		return err
	}
	if !slices.Contains(dunning.Shows(), dunning.Show(p.Filter.Show)) {
		p.Filter.Show = string(dunning.All)
	}
	filter := dunning.Filter{
		Show: dunning.Show(p.Filter.Show), Query: p.Filter.Query, Limit: openItemRows,
		After: dunning.ParseCursor(r.QueryParam("after")), Before: dunning.ParseCursor(r.QueryParam("before")),
	}
	list, err := s.Dunning.List(r.ctx(), filter)
	if err != nil {
		return err
	}
	if p.Sums, err = s.Dunning.Sums(r.ctx(), filter); err != nil {
		return err
	}
	for _, show := range dunning.Shows() {
		if p.Counts[show], err = s.Dunning.Count(r.ctx(), show); err != nil {
			return err
		}
	}
	if p.Settings, err = s.Dunning.Settings(r.ctx()); err != nil {
		return err
	}
	p.Items = list.Items
	if list.HasEarlier && len(p.Items) > 0 {
		p.Earlier = p.ListHref("before", dunning.CursorOf(&p.Items[0]).String())
	}
	if list.HasLater && len(p.Items) > 0 {
		p.Later = p.ListHref("after", dunning.CursorOf(&p.Items[len(p.Items)-1]).String())
	}
	p.Page = s.page(r, i18n.T(r.ctx(), "dunning.title"), accounting(r))
	if !isRead(r.Request()) {
		p.URL = &url.URL{Path: openItemsPath}
	}
	return s.render(r, status, views.OpenItems(p))
}

func accounting(r *request) views.Crumb { return views.Crumb{Label: i18n.T(r.ctx(), "nav.accounting")} }

func openItemsCrumb(r *request) views.Crumb {
	return views.Crumb{Label: i18n.T(r.ctx(), "dunning.title"), Href: openItemsPath}
}

// remind makes the reminder of one invoice, or those of a selection.
func (s *Server) remind(r *request) error {
	if r.sent("only") {
		return s.remindOnly(r)
	}
	invoices := ids(r.posted()["invoice"]...)
	if len(invoices) == 0 {
		return s.openItemsPage(r, http.StatusUnprocessableEntity, views.Form{Message: i18n.T(r.ctx(), "dunning.error.none_selected")})
	}
	var made, refused []string
	for _, id := range invoices {
		reminder, err := s.Dunning.Remind(r.ctx(), id, r.actor())
		switch {
		case err == nil:
			made = append(made, strconv.FormatInt(reminder.ID, 10))
		case fault.CodeOf(err) == fault.Conflict:
			refused = append(refused, strconv.FormatInt(id, 10))
		case fault.CodeOf(err) != fault.NotFound:
			return err
		}
	}
	result := url.Values{"reminder": {strings.Join(made, ",")}, "refused": {strings.Join(refused, ",")}}
	return r.Redirect(http.StatusSeeOther, openItemsPath+"/reminded?"+result.Encode())
}

func (s *Server) remindOnly(r *request) error {
	only := ids(r.FormValue("only"))
	if len(only) != 1 {
		return fault.New(fault.NotFound, "dunning.error.not_found")
	}
	reminder, err := s.Dunning.Remind(r.ctx(), only[0], r.actor())
	if err != nil {
		return s.openItemRefused(r, only[0], err)
	}
	err = s.flash(r, views.Flash{
		Kind: views.OK, Text: i18n.T(r.ctx(), "dunning.done.remind", "Level", reminder.Name, "Number", reminder.Number),
		Href: views.LettersPath(reminder.ID), LinkText: i18n.T(r.ctx(), "dunning.letter"),
	})
	if err != nil {
		return err
	}
	return r.Redirect(http.StatusSeeOther, backToItem(r, only[0]))
}

// backToItem is the page that a form was on, as far as it says so.
func backToItem(r *request, invoiceID int64) string {
	if to := r.FormValue("return_to"); to != "" {
		return localPath(to)
	}
	return openItemPath(invoiceID)
}

func openItemPath(invoiceID int64) string {
	return openItemsPath + "/" + strconv.FormatInt(invoiceID, 10)
}

// ids reads ids in texts of them with commas between, each once; nonsense is left out, as
// is what no page holds.
func ids(texts ...string) []int64 {
	var found []int64
	for field := range strings.SplitSeq(strings.Join(texts, ","), ",") {
		id, err := strconv.ParseInt(field, 10, 64)
		if err == nil && id > 0 && !slices.Contains(found, id) && len(found) < dunning.MaxPage {
			found = append(found, id)
		}
	}
	return found
}

// showReminded shows what became of a selection: the reminders that were made, and why
// the others were not.
func (s *Server) showReminded(r *request) error {
	reminders, err := s.Dunning.FindReminders(r.ctx(), ids(r.QueryParam("reminder")))
	if err != nil {
		return err
	}
	set, err := s.Dunning.Settings(r.ctx())
	if err != nil {
		return err
	}
	p := views.RemindedPage{Page: s.page(r, i18n.T(r.ctx(), "dunning.reminded"), accounting(r), openItemsCrumb(r))}
	of := map[int64]*dunning.Reminder{}
	invoices := ids(r.QueryParam("refused"))
	for i := range reminders {
		of[reminders[i].InvoiceID] = &reminders[i]
		invoices = append(invoices, reminders[i].InvoiceID)
		p.Letters = append(p.Letters, reminders[i].ID)
	}
	items, err := s.Dunning.FindAll(r.ctx(), invoices)
	if err != nil {
		return err
	}
	for _, i := range items {
		row := views.RemindedRow{Item: i, Reminder: of[i.InvoiceID]}
		if row.Reminder == nil {
			_, err := set.Next(&i, s.Clock.Now())
			row.Reason = message(r, err)
		}
		p.Rows = append(p.Rows, row)
	}
	return s.ok(r, views.Reminded(p))
}

// showLetters is the paper of a reminder, or those of several in one file.
func (s *Server) showLetters(r *request) error {
	papers, err := s.Dunning.Papers(r.ctx(), ids(r.QueryParam("reminder")), r.actor())
	if err != nil {
		return err
	}
	file, err := document.Merge(papers)
	if err != nil {
		return err
	}
	name := papers[0].FileName()
	if len(papers) > 1 {
		name = i18n.T(r.ctx(), "dunning.letters_file")
	}
	return sendPDF(r, name, file)
}

func (s *Server) showOpenItem(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	return s.openItemPage(r, id, http.StatusOK, nil)
}

// openItemPage shows an invoice; change puts in what was typed, and what is wrong with it.
func (s *Server) openItemPage(r *request, id int64, status int, change func(p *views.OpenItemPage)) error {
	i, err := s.Dunning.Find(r.ctx(), id)
	if err != nil {
		return err
	}
	p := views.OpenItemPage{Item: *i, Now: s.Clock.Now()}
	if p.Reminders, err = s.Dunning.ListReminders(r.ctx(), id); err != nil {
		return err
	}
	if p.Settings, err = s.Dunning.Settings(r.ctx()); err != nil {
		return err
	}
	level, err := p.Settings.Next(i, p.Now)
	p.NextLevel, p.NotNext = level, message(r, err)
	p.Page = s.page(r, i18n.T(r.ctx(), "dunning.item_title", "Invoice", i.InvoiceNumber), accounting(r), openItemsCrumb(r))
	p.URL = &url.URL{Path: openItemPath(id)} // also after a POST below it
	if status == http.StatusOK {
		p.URL.RawQuery = r.Request().URL.RawQuery
	}
	if change != nil {
		change(&p)
	}
	return s.render(r, status, views.OpenItem(p))
}

// openItemRefused shows an invoice with the reason why something can't be done.
func (s *Server) openItemRefused(r *request, id int64, err error) error {
	status, ok := formStatus(err)
	if !ok {
		return err
	}
	return s.openItemPage(r, id, status, func(p *views.OpenItemPage) { p.Refused = views.FormError(r.ctx(), err, "dunning.field.") })
}

func (s *Server) holdReminders(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	var form views.HoldForm
	if err := r.Bind(&form); err != nil {
		return err
	}
	if err := s.hold(r, id, form); err != nil {
		if fault.CodeOf(err) != fault.Invalid {
			return s.openItemRefused(r, id, err)
		}
		return s.openItemPage(r, id, http.StatusUnprocessableEntity, func(p *views.OpenItemPage) {
			form.Form = views.FormError(r.ctx(), err, "dunning.field.")
			p.Hold = form
		})
	}
	return s.done(r, backToItem(r, id), "dunning.done.hold")
}

func (s *Server) hold(r *request, id int64, form views.HoldForm) error {
	if form.Until == "" {
		return s.Dunning.Hold(r.ctx(), id, form.Reason, nil, r.actor())
	}
	day, err := views.ParseDay(form.Until)
	if err != nil {
		var f fault.Checker
		f.Add("until", "error.date")
		return f.Err()
	}
	until := document.EndOfDay(day, 0)
	return s.Dunning.Hold(r.ctx(), id, form.Reason, &until, r.actor())
}

func (s *Server) unholdReminders(r *request) error {
	id, err := r.pathID("id")
	if err != nil {
		return err
	}
	if err := s.Dunning.Unhold(r.ctx(), id, r.actor()); err != nil {
		return s.openItemRefused(r, id, err)
	}
	return s.done(r, backToItem(r, id), "dunning.done.unhold")
}

func (s *Server) showDunningSettings(r *request) error {
	set, err := s.Dunning.Settings(r.ctx())
	if err != nil {
		return err
	}
	return s.dunningSettingsPage(r, http.StatusOK, views.NewDunningForm(r.ctx(), set))
}

func (s *Server) updateDunningSettings(r *request) error {
	set, err := s.Dunning.Settings(r.ctx())
	if err != nil {
		return err
	}
	form := views.NewDunningForm(r.ctx(), set)
	posted := r.posted()
	form.Each(func(name string, value *string) {
		if posted.Has(name) {
			*value = posted.Get(name)
		}
	})
	err = s.Dunning.UpdateSettings(r.ctx(), form.Settings(r.ctx()), r.actor())
	if status, ok := formStatus(err); ok {
		form.Refuse(r.ctx(), err)
		return s.dunningSettingsPage(r, status, form)
	}
	if err != nil {
		return err
	}
	return s.done(r, openItemsPath+"/settings", "dunning.done.settings")
}

func (s *Server) dunningSettingsPage(r *request, status int, form views.DunningForm) error {
	return s.render(r, status, views.DunningSettings(views.DunningSettingsPage{
		Page: s.page(r, i18n.T(r.ctx(), "dunning.settings.title"), accounting(r), openItemsCrumb(r)), Input: form, MayWrite: r.user.May(auth.Administer),
	}))
}
