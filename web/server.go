package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/auth"
	"zahlwerk/internal/batch"
	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/mail"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// Deps are the services that the pages show and act through.
type Deps struct {
	DB          *store.DB // readiness only
	Clock       *clock.Clock
	Log         *slog.Logger
	Auth        *auth.Service
	Trail       *audit.Trail
	Methods     *paymentmethod.Service
	Orders      *order.Service
	Dispatch    *dispatch.Service
	Captures    *capture.Pusher
	Carriers    *carrier.Service
	Documents   *document.Service
	Dunning     *dunning.Service
	Mails       *mail.Service
	Batches     *batch.Service
	Accounts    *businessaccount.Service
	Settlements *settlement.Service
	Bookkeeping *bookkeeping.Service
	Work        *work.Overview
	// Ready says why the background does not work, nil when it does; it may be nil itself.
	Ready func() error
	// API serves everything below /api/.
	API http.Handler
	// Sandbox serves everything below /sandbox/ in the demo, nil otherwise.
	Sandbox http.Handler
}

// Config is what an operator sets.
type Config struct {
	PublicURL *url.URL // where people reach the program
	// SessionKeys are pairs of a signing and an encrypting key for cookies, the present
	// pair first; older ones are still read.
	SessionKeys    [][]byte
	TrustedProxies []*net.IPNet
	Version        string
	// Environment is views.EnvironmentDemo, views.EnvironmentSandbox or "".
	Environment string
	// KlarnaURL stands in for Klarna, "" for Klarna itself.
	KlarnaURL string
	// Policy is shown in a banner where it is not the default.
	Policy capture.Policy
	// Examples serves the page of all components.
	Examples bool
}

// Server is the web application.
type Server struct {
	Deps
	config  Config
	cookies *sessions.CookieStore
	echo    *echo.Echo
}

// New returns the application.
func New(d Deps, c Config) *Server {
	s := &Server{Deps: d, config: c, cookies: sessions.NewCookieStore(c.SessionKeys...)}
	s.cookies.Options = &sessions.Options{
		Path: "/", MaxAge: int(auth.SessionLifetime.Seconds()), HttpOnly: true,
		Secure: c.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
	s.cookies.MaxAge(s.cookies.Options.MaxAge)
	s.echo = s.newEcho()
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// HTTPServer returns a server with all four time-outs for this handler. The write
// time-out leaves room for a reading at Klarna, which may take 30 s.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      90 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// request is a request with the person who makes it.
type request struct {
	echo.Context
	user      auth.User
	session   auth.Session
	requestID string
}

// ctx is the request's context, with the language of its reader.
func (r *request) ctx() context.Context { return r.Request().Context() }

// actor is how the person stands in protocols.
func (r *request) actor() string { return r.user.Label() }

type handler func(r *request) error
