package static_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"zahlwerk/static"
)

func get(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFilesAreServedForEver(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"app.css":     "text/css; charset=utf-8",
		"app.js":      "text/javascript; charset=utf-8",
		"icons.svg":   "image/svg+xml",
		"favicon.svg": "image/svg+xml",
	}
	for name, contentType := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := static.URL(name)
			base, ext, _ := strings.Cut(name, ".")
			if !regexp.MustCompile(`^/static/` + base + `\.[0-9a-f]{12}\.` + ext + `$`).MatchString(url) {
				t.Fatalf("address %q", url)
			}
			plain := get(t, http.MethodGet, url)
			for header, want := range map[string]string{
				"Content-Type": contentType, "Cache-Control": "public, max-age=31536000, immutable",
				"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding", "Content-Encoding": "",
			} {
				if got := plain.Header.Get(header); got != want {
					t.Errorf("%s %q, want %q", header, got, want)
				}
			}
			packed := get(t, http.MethodGet, url, "Accept-Encoding", "br, gzip")
			unpacked, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			if source := body(t, plain.Body); source == "" || body(t, unpacked) != source {
				t.Error("the packed file is another one")
			}
			if again := get(t, http.MethodGet, url, "If-None-Match", plain.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
				t.Errorf("known file: %d", again.StatusCode)
			}
			if head := get(t, http.MethodHead, url); head.StatusCode != http.StatusOK || body(t, head.Body) != "" {
				t.Errorf("HEAD: %d with a body", head.StatusCode)
			}
		})
	}
}

func TestOnlyKnownAddresses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/static/", "/static/app.css", "/static/static.go", "/static/app.000000000000.css", "/static/../static.go", "/"} {
		if got := get(t, http.MethodGet, path).StatusCode; got != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, got)
		}
	}
	if got := get(t, http.MethodPost, static.URL("app.css")).StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", got)
	}
}

func TestUnknownNamePanics(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"no.css", static.URL("app.css")} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("URL(%q) did not panic", name)
				}
			}()
			static.URL(name)
		}()
	}
}
