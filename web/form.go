package web

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"zahlwerk/internal/fault"
)

// pathID is the number in the address at :name. An address with anything else there
// leads nowhere.
func (r *request) pathID(name string) (int64, error) {
	id, err := strconv.ParseInt(r.Param(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.New(fault.NotFound, "error.not_found")
	}
	return id, nil
}

// ticked reads a checkbox. An unticked one sends nothing, so each has a hidden companion
// of the same name before it, with the value "off": the last value counts, and a form
// that does not have the field at all keeps what was.
func (r *request) ticked(name string, was bool) bool {
	values := r.posted()[name]
	if len(values) == 0 {
		return was
	}
	switch strings.ToLower(values[len(values)-1]) {
	case "on", "true", "1":
		return true
	}
	return false
}

// sent tells whether the form has the field at all.
func (r *request) sent(name string) bool {
	return r.posted().Has(name)
}

// posted is the form as it was sent, however it was encoded. What is wrong with one that
// can't be read is for whoever binds it to tell.
func (r *request) posted() url.Values {
	if _, err := r.FormParams(); err != nil {
		return nil
	}
	return r.Request().PostForm
}

// localPath returns address if it is a page of ours, "/" otherwise: a link to the log-in
// must not lead to somebody else's page after it.
func localPath(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(address, "/") ||
		strings.HasPrefix(address, "//") || strings.Contains(address, `\`) || strings.ContainsFunc(address, unicode.IsControl) {
		return "/"
	}
	return address
}

// afterLogIn is where the log-in leads to: where somebody wanted to go, but not to the
// log-in again.
func afterLogIn(address string) string {
	address = localPath(address)
	switch path, _, _ := strings.Cut(address, "?"); path {
	case "/login", "/logout", "/setup":
		return "/"
	}
	return address
}

// formStatus is the status of a page that shows a form again because of err, and false
// for an error that is not for the form.
func formStatus(err error) (int, bool) {
	if !isForPerson(err) {
		return 0, false
	}
	return Status(err), true
}

// retryAfter writes a wait in whole seconds, never too early.
func retryAfter(h http.Header, seconds float64) {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(seconds))))
}
