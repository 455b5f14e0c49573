package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A client that sends all of 10 MB before it looks gets the answer.
func TestTooLargeIsAnswered(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newHouse(t).visitor().handler)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/login",
		struct{ io.Reader }{strings.NewReader("email=" + strings.Repeat("x", 10<<20))})
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := server.Client().Do(r)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge || res.Close {
		t.Errorf("%s, connection closed %t", res.Status, res.Close)
	}
}
