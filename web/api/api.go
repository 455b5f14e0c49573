package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/i18n"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/settlement"
)

// prefix is where version 1 lives.
const prefix = "/api/v1"

// Deps are the services that the API acts through.
type Deps struct {
	Log         *slog.Logger
	Auth        *auth.Service
	Methods     *paymentmethod.Service
	Orders      *order.Service
	Dispatch    *dispatch.Service
	Captures    *capture.Pusher
	Carriers    *carrier.Service
	Accounts    *businessaccount.Service
	Settlements *settlement.Service
}

type service struct {
	Deps
	mux *http.ServeMux
	api huma.API
}

// New returns the handler of everything below /api/.
func New(d Deps) http.Handler {
	s := &service{Deps: d, mux: http.NewServeMux()}
	config := huma.DefaultConfig("Zahlwerk", "1")
	// No page of documentation: it would load scripts from elsewhere. No $schema in answers.
	config.Formats = map[string]huma.Format{"application/json": format, "json": format}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.RejectUnknownQueryParameters = true
	config.Info.Description = description
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "An API token, made under Administration. Each operation names the scopes of which the token must have one."},
	}
	s.api = humago.NewWithPrefix(s.mux, prefix, config)
	s.operations()
	document, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		panic(err) // it is made of the types of this package
	}
	s.mux.HandleFunc("GET "+prefix+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document)
	})
	s.mux.HandleFunc("/", s.noSuchAddress)
	return s
}

// call is what an answer needs to know of the request it belongs to.
type call struct {
	log *slog.Logger
	id  string
}

type callKey struct{}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

// ServeHTTP is around every request: its id, which the server in front may have given
// already, its language, and the net under a panic.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	c := call{log: s.Log, id: h.Get("X-Request-Id")}
	if c.id == "" {
		c.id = uuid.NewString()
		h.Set("X-Request-Id", c.id)
	}
	language := i18n.Match(r.Header.Get("Accept-Language"))
	h.Set("Content-Language", language)
	r = r.WithContext(i18n.WithLanguage(context.WithValue(r.Context(), callKey{}, c), language))
	if r.Body != nil {
		r.Body = readToEnd{r.Body}
	}
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			s.Log.Error("panic in a request of the API", "request_id", c.id, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			newProblem(r.Context(), http.StatusInternalServerError, keyInternal).write(w)
		}
	}()
	s.mux.ServeHTTP(w, r)
}

// maxUnread is how much of a body that nobody wants is still taken from its sender.
const maxUnread = 32 << 20

// readToEnd is a body that is read to its end when it is closed: many clients look for
// the answer only after they have sent everything, and a connection that is cut before
// hides the "too large" from them.
type readToEnd struct{ io.ReadCloser }

func (b readToEnd) Close() error {
	_, _ = io.CopyN(io.Discard, b.ReadCloser, maxUnread) // whatever ends it, the body is over
	return b.ReadCloser.Close()
}

// noSuchAddress answers what no operation does: 405 where another method would do, else
// 404.
func (s *service) noSuchAddress(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch} {
		other := *r
		other.Method = method
		if _, pattern := s.mux.Handler(&other); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		newProblem(r.Context(), http.StatusNotFound, "api.error.no_such_address").write(w)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	newProblem(r.Context(), http.StatusMethodNotAllowed, "api.error.method_not_allowed", "Allowed", strings.Join(allowed, ", ")).write(w)
}
