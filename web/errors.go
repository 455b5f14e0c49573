package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
	"zahlwerk/views"
)

// Status is the HTTP status of an error.
func Status(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	var http_ *echo.HTTPError
	if errors.As(err, &http_) {
		return http_.Code
	}
	switch fault.CodeOf(err) {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Conflict:
		return http.StatusConflict
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// handleError turns an error into a page: the one place that does. Whoever is not
// logged in goes to the log-in and comes back after it.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := Status(err)
	r := &request{Context: c, requestID: RequestID(c.Request().Context())}
	if identifyErr := s.identify(r); identifyErr != nil && status < 500 {
		err, status = identifyErr, Status(identifyErr)
	}
	if status == http.StatusUnauthorized && !isFragment(r) {
		back := "/"
		if isRead(c.Request()) {
			back = c.Request().URL.RequestURI()
		}
		s.sent(c, c.Redirect(http.StatusSeeOther, "/login?"+url.Values{"return_to": {back}}.Encode()))
		return
	}
	if blocked, ok := errors.AsType[*auth.Blocked](err); ok {
		retryAfter(c.Response().Header(), blocked.Wait.Seconds())
	}
	page := s.page(r, i18n.T(r.ctx(), "error.page.code", "Status", strconv.Itoa(status)))
	if !isRead(c.Request()) {
		page.URL = &url.URL{Path: "/"} // there may be nothing to read at the address
	}
	s.sent(c, s.render(r, status, views.ErrorPage(page, views.ErrorPageOptions{
		Status: status, Message: message(r, err), RequestID: r.requestID})))
}

// message is what a person is told of an error: never its internal text.
func message(r *request, err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Code == fault.Internal {
		return ""
	}
	return i18n.T(r.ctx(), e.Key, e.Args...)
}

func (s *Server) sent(c echo.Context, err error) {
	if err != nil {
		s.Log.Error("answer with an error page", "request_id", RequestID(c.Request().Context()), "error", err)
	}
}

// isForPerson tells errors that a page shows at their place (a form again, a reason)
// from those that end the request.
func isForPerson(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Invalid, fault.Conflict:
		return true
	}
	return false
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
