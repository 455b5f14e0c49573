package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"zahlwerk/static"
)

// health says that the process answers. It asks nobody else: a restart mends no
// database.
func (s *Server) health(r *request) error { return r.String(http.StatusOK, "ok\n") }

// ready says that the database answers and the background works. Why not is for the log:
// whoever asks from outside learns only which of the two it is.
func (s *Server) ready(r *request) error {
	if err := s.DB.Ping(r.ctx()); err != nil {
		s.Log.Warn("not ready: database", "request_id", r.requestID, "error", err)
		return r.String(http.StatusServiceUnavailable, "database: not reachable\n")
	}
	if s.Ready != nil {
		if err := s.Ready(); err != nil {
			s.Log.Warn("not ready: workers", "request_id", r.requestID, "error", err)
			return r.String(http.StatusServiceUnavailable, "workers: not running\n")
		}
	}
	return r.String(http.StatusOK, "ok\n")
}

func (s *Server) static(r *request) error { return echo.WrapHandler(static.Handler())(r.Context) }
