package capture_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"zahlwerk/internal/klarnasandbox"
)

// wire carries a client's requests to the sandbox, without a network. A held connection
// is given up at once, so that no test waits for a time-out.
type wire struct {
	klarna *klarnasandbox.Sandbox
	mu     sync.Mutex
	before func(*http.Request) error
	after  func(*http.Request) error
}

func (w *wire) hook(before, after func(*http.Request) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.after = before, after
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	before, after := w.before, w.after
	w.mu.Unlock()
	if before != nil {
		if err := before(req); err != nil {
			return nil, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp, err := w.carry(req)
	if after != nil {
		if err := after(req); err != nil {
			return nil, err
		}
	}
	return resp, err
}

func (w *wire) carry(req *http.Request) (*http.Response, error) {
	var body io.Reader = http.NoBody
	if req.Body != nil {
		body = req.Body
	}
	ctx, giveUp := context.WithCancel(context.WithoutCancel(req.Context()))
	giveUp() // whoever is held, waits no longer
	in, err := http.NewRequestWithContext(ctx, req.Method, req.URL.String(), body)
	if err != nil {
		return nil, err
	}
	in.Header = req.Header.Clone()
	a := &answer{header: http.Header{}}
	cut := a.serve(w.klarna, in)
	switch {
	case cut && a.status == 0 && w.held(req):
		return nil, context.DeadlineExceeded
	case cut && a.status == 0:
		return nil, io.ErrUnexpectedEOF
	}
	var content io.Reader = bytes.NewReader(a.body.Bytes())
	if cut {
		content = io.MultiReader(content, broken{})
	}
	return &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(content), ContentLength: -1, Request: req}, nil
}

// held tells that the last call of its kind was to be held.
func (w *wire) held(req *http.Request) bool {
	for _, r := range slices.Backward(w.klarna.Requests()) {
		if r.Method == req.Method && r.Path == req.URL.Path {
			return strings.HasPrefix(r.Fault, "timeout")
		}
	}
	return false
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) Flush()              {}
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answer) serve(h http.Handler, r *http.Request) (cut bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			cut = true
		}
	}()
	h.ServeHTTP(a, r)
	return false
}
