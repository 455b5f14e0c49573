package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
)

// The most that a form may send, and one with a file: the largest file and a form around.
const (
	maxBody   = 1 << 20
	maxUpload = csvfile.MaxBytes + maxBody
)

// What more than that is still taken from its sender, without a file and with one: many
// clients look for the answer only after they have sent everything, and a connection that
// is cut before hides the "too large" from them.
const (
	maxUnread       = 32 << 20
	maxUnreadUpload = 512 << 20
)

func (s *Server) newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	e.IPExtractor = s.ipExtractor()
	e.Pre(s.begin)
	crossOrigin := s.crossOrigin()
	for _, r := range s.routes() {
		h := s.wrap(r, crossOrigin)
		e.Add(r.method, r.path, h)
		if r.method == get {
			e.Add(http.MethodHead, r.path, h)
		}
	}
	if s.config.Examples {
		e.GET("/examples", s.wrap(route{get, "/examples", public, s.showExamples}, crossOrigin))
	}
	if s.API != nil {
		e.Any("/api/*", echo.WrapHandler(s.API))
	}
	if s.Sandbox != nil {
		e.Any("/sandbox/*", echo.WrapHandler(s.Sandbox))
		e.Any("/sandbox", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/sandbox/") })
	}
	return e
}

// crossOrigin refuses what another site's page sends here. Behind a proxy the host that
// we see may not be the one that people see, so that one is named.
func (s *Server) crossOrigin() *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	origin := s.config.PublicURL.Scheme + "://" + s.config.PublicURL.Host
	if err := p.AddTrustedOrigin(origin); err != nil {
		s.Log.Error("the public address is no origin", "origin", origin, "error", err)
	}
	return p
}

// ipExtractor believes X-Forwarded-For only from proxies that the operator named.
func (s *Server) ipExtractor() echo.IPExtractor {
	if len(s.config.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, n := range s.config.TrustedProxies {
		options = append(options, echo.TrustIPRange(n))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

type requestIDKey struct{}

// RequestID returns the id of the request that ctx belongs to, "" outside one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// begin is around every request, also those that match no route: an id, the security
// headers, the language, the one log line, and the net under a panic.
func (s *Server) begin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		start := time.Now()
		id := uuid.NewString()
		ctx := context.WithValue(c.Request().Context(), requestIDKey{}, id)
		ctx = i18n.WithLanguage(ctx, i18n.Match(c.Request().Header.Get("Accept-Language")))
		c.SetRequest(c.Request().WithContext(ctx))
		h := c.Response().Header()
		h.Set("X-Request-Id", id)
		secure(h, s.config.PublicURL.Scheme == "https")
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			if err != nil {
				c.Error(err)
			}
			s.logRequest(c, id, err, time.Since(start))
			err = nil
		}()
		return next(c)
	}
}

// secure sets what keeps a page to itself. There is no inline script or style. The
// sandbox puts a policy of its own in its place.
func secure(h http.Header, https bool) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func (s *Server) logRequest(c echo.Context, id string, err error, took time.Duration) {
	status := c.Response().Status
	level := slog.LevelDebug
	attrs := []any{"request_id", id, "method", c.Request().Method, "path", c.Request().URL.Path, "status", status, "took", took.Round(time.Microsecond)}
	if status >= 500 {
		level = slog.LevelError
		attrs = append(attrs, "error", err)
	}
	s.Log.Log(c.Request().Context(), level, "request", attrs...)
}

// wrap is around every route of the table: cross-origin posts are refused, the person
// is found, the role is checked, the body is limited.
func (s *Server) wrap(rt route, crossOrigin *http.CrossOriginProtection) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := crossOrigin.Check(c.Request()); err != nil {
			return fault.Wrap(err, fault.Forbidden, "error.cross_origin")
		}
		body, limit, unread := c.Request().Body, int64(maxBody), int64(maxUnread)
		if rt.access.body > 0 {
			limit, unread = rt.access.body, maxUnreadUpload
		}
		c.Request().Body = http.MaxBytesReader(c.Response(), body, limit)
		r := &request{Context: c, requestID: RequestID(c.Request().Context())}
		if err := s.identify(r); err != nil {
			return err
		}
		if err := s.authorize(r, rt.access); err != nil {
			return err
		}
		err := within(limit, rt.handler)(r)
		if Status(err) == http.StatusRequestEntityTooLarge {
			_, _ = io.CopyN(io.Discard, body, unread) // whatever ends it, the body is over
		}
		return err
	}
}

// within is a handler of bodies up to a limit: a larger one that says so is not begun
// with, and one that turns out to be is told the limit: of an upload, the file's.
func within(limit int64, h handler) handler {
	return func(r *request) error {
		var err error
		if r.Request().ContentLength > limit {
			err = &http.MaxBytesError{Limit: limit}
		} else {
			err = h(r)
		}
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return fault.Wrap(err, fault.TooLarge, "error.body_too_large", "Limit", csvfile.Size(min(tooLarge.Limit, max(limit-maxBody, maxBody))))
		}
		return err
	}
}

func (s *Server) authorize(r *request, a access) error {
	switch {
	case a.public:
		return nil
	case r.user.ID == 0:
		return fault.New(fault.Unauthorized, "auth.error.logged_out")
	case a.permission != "" && !r.user.May(a.permission):
		return fault.New(fault.Forbidden, "error.forbidden")
	}
	return nil
}

// remoteIP is the address of the visitor without its port.
func remoteIP(c echo.Context) string {
	ip := c.RealIP()
	if host, _, err := net.SplitHostPort(ip); err == nil {
		return host
	}
	return ip
}
