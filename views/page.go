package views

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
)

// Page is what the frame around every page needs. The struct of a page embeds it.
type Page struct {
	Title       string
	Breadcrumbs []Crumb   // the way to this page, without the page itself
	User        *UserInfo // nil: nobody is logged in
	URL         *url.URL  // of the request; marks the place in the navigation
	Theme       string    // ThemeLight, ThemeDark or "" for the system's
	Environment string    // EnvironmentDemo, EnvironmentSandbox or "" for live
	KlarnaURL   string    // what stands in for Klarna, with EnvironmentSandbox
	Banners     []Banner
	Flashes     []Flash
	Version     string
}

// The themes a person can choose besides the system's.
const (
	ThemeLight = "light"
	ThemeDark  = "dark"
)

// The environments that are marked loudly on every page.
const (
	EnvironmentDemo    = "demo"
	EnvironmentSandbox = "sandbox"
)

// UserInfo is the person who reads the page.
type UserInfo struct {
	Name  string
	Email string
	Role  string // a Role constant
}

// DisplayName is the name, or the address of somebody who gave none.
func (u UserInfo) DisplayName() string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}

// Crumb is a step of the way to a page.
type Crumb struct {
	Label string
	Href  string // "" for a step that has no page of its own
}

// Kind is the mood of a badge, a light, a banner or a message. It is always
// shown by an icon and a word as well, never by colour alone.
type Kind string

// The kinds.
const (
	OK    Kind = "ok"
	Warn  Kind = "warn"
	Fail  Kind = "fail"
	Info  Kind = "info"
	Quiet Kind = "quiet"
)

// icon is the name of the icon that belongs to the kind.
func (k Kind) icon() string {
	if k == "" {
		return string(Quiet)
	}
	return string(k)
}

// Banner is a state of the whole program that everybody should know of.
type Banner struct {
	Kind     Kind
	Text     string
	Href     string // "" for no link
	LinkText string
}

// PausedBanner says that nothing goes to Klarna for a payment method.
func PausedBanner(ctx context.Context, method, href string) Banner {
	return Banner{
		Kind: Fail, Text: i18n.T(ctx, "banner.paused", "Method", method),
		Href: href, LinkText: i18n.T(ctx, "banner.paused_link"),
	}
}

// RetryBanner says that the waits between attempts are not the usual ones.
func RetryBanner(ctx context.Context, waits string) Banner {
	return Banner{Kind: Warn, Text: i18n.T(ctx, "banner.retry", "Waits", waits)}
}

// KeyLifetimeBanner says that idempotency keys do not live as long as usual.
func KeyLifetimeBanner(ctx context.Context, lifetime string) Banner {
	return Banner{Kind: Warn, Text: i18n.T(ctx, "banner.key_lifetime", "Lifetime", lifetime)}
}

// Flash tells a person what they just did. An error is never told by a flash
// alone: it stands at its place on the page.
type Flash struct {
	Kind     Kind
	Text     string
	Href     string // "" for no link
	LinkText string
}

// Path is the path of the request.
func (p Page) Path() string {
	if p.URL == nil {
		return ""
	}
	return p.URL.Path
}

// Address is the path of the request with its query, to come back to.
func (p Page) Address() string {
	if p.URL == nil {
		return "/"
	}
	return p.URL.RequestURI()
}

// With returns the address of this page with one parameter of the query
// changed; an empty value removes it.
func (p Page) With(name, value string) string {
	query := url.Values{}
	if p.URL != nil {
		query = p.URL.Query()
	}
	query.Set(name, value)
	if value == "" {
		query.Del(name)
	}
	return (&url.URL{Path: p.Path(), RawQuery: query.Encode()}).String()
}

// dialogParameter names the dialog that a page is to be rendered with open:
// how dialogs work without JavaScript.
const dialogParameter = "dialog"

// DialogURL is the address of this page with the dialog id open.
func (p Page) DialogURL(id string) string { return p.With(dialogParameter, id) }

// DialogOpen reports whether the page was asked for with the dialog id open.
func (p Page) DialogOpen(id string) bool {
	return p.URL != nil && p.URL.Query().Get(dialogParameter) == id
}

// documentTitle is the title of the browser's tab.
func (p Page) documentTitle(ctx context.Context) string {
	title := "Zahlwerk"
	if p.Title != "" {
		title = p.Title + " – " + title
	}
	if p.Environment != "" {
		title = i18n.T(ctx, "environment."+p.Environment) + " · " + title
	}
	return title
}

// Form is what a form has to say besides its values: what is wrong with them.
// The zero value says nothing.
type Form struct {
	Message string // about the form as a whole
	Errors  []FieldError
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Name    string
	Label   string
	Message string
}

// FormError turns an error into what the form says. labels is the prefix of the
// message keys of the field labels, e.g. "payment_method.field."; the summary
// names each field by it. An error that is no [fault.Error] is not for people:
// it gives the zero Form, and the caller has to answer it otherwise.
func FormError(ctx context.Context, err error, labels string) Form {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return Form{}
	}
	form := Form{Message: i18n.T(ctx, e.Key, e.Args...)}
	for _, f := range e.Fields {
		label := f.Name
		if key := labels + f.Name; i18n.Has(i18n.Language(ctx), key) {
			label = i18n.T(ctx, key)
		}
		form.Errors = append(form.Errors, FieldError{
			Name: f.Name, Label: label, Message: i18n.T(ctx, f.Key, f.Args...),
		})
	}
	return form
}

// Error returns what is wrong with the field name, "" if nothing is.
func (f Form) Error(name string) string {
	for _, e := range f.Errors {
		if e.Name == name {
			return e.Message
		}
	}
	return ""
}

// Failed reports whether the form has anything to say.
func (f Form) Failed() bool { return f.Message != "" || len(f.Errors) > 0 }

// fieldID is the id of the control of a field: its name in the alphabet of ids.
func fieldID(name string) string {
	return "field-" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
}

// errorKey is the prefix of the texts of an error page: of its status where
// there are some, else of its class.
func errorKey(ctx context.Context, status int) string {
	key := "error.page." + strconv.Itoa(status)
	switch {
	case i18n.Has(i18n.Language(ctx), key+".title"):
		return key
	case status < 500:
		return "error.page.400"
	}
	return "error.page.500"
}
