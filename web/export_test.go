package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Route is a line of the route table, for the tests.
type Route struct{ Method, Path string }

// Routes returns the route table.
func (s *Server) Routes() []Route {
	var all []Route
	for _, r := range s.routes() {
		all = append(all, Route{r.method, r.path})
	}
	return all
}

// Handle adds a route for a test: what happens when a handler fails.
func (s *Server) Handle(method, path string, h func() error) {
	s.echo.Add(method, path, s.wrap(route{method, path, public, func(*request) error { return h() }}, s.crossOrigin()))
}

// LocalPath and AfterLogIn are what guards redirects.
var (
	LocalPath  = localPath
	AfterLogIn = afterLogIn
)

// Upload reads the file in a field of a form as a page does.
func Upload(form *http.Request, field string) error {
	u, err := (&request{Context: echo.New().NewContext(form, nil)}).uploaded(field)
	if err != nil {
		return err
	}
	return u.Close()
}
