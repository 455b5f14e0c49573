package klarna_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/klarna"
)

// What a network can do to an answer, and what each method makes of it.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	const (
		page  = "<!doctype html><title>Please log in</title>"
		order = `{"order_id":"` + orderID + `","status":"AUTHORIZED"}`
	)
	redirected := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the redirect was followed")
		}
		answer(307, "", "Location", "/elsewhere")(w, r)
	}
	type outcome struct {
		answer klarna.Answer
		reason klarna.Reason // of a *NoAnswer
	}
	var (
		ok        = outcome{answer: klarna.OK}
		final     = outcome{answer: klarna.Final}
		cut       = outcome{klarna.Unknown, klarna.Cut}
		notKlarna = outcome{klarna.Unknown, klarna.NotKlarna}
		tooLarge  = outcome{klarna.Unknown, klarna.TooLarge}
	)
	for name, tc := range map[string]struct {
		h            http.HandlerFunc
		read, change outcome
	}{
		"cut at once":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, cut, cut},
		"cut in the headers":   {raw("HTTP/1.1 201 Created\r\nCapture-"), cut, cut},
		"cut in a success":     {raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), cut, cut},
		"cut in a refusal":     {raw("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n{"), cut, cut},
		"no HTTP":              {raw("SSH-2.0-OpenSSH\r\n\r\n"), cut, cut},
		"redirect":             {redirected, final, final},
		"page":                 {answer(200, page), notKlarna, notKlarna},
		"empty":                {answer(200, ""), notKlarna, ok},
		"JSON of another":      {answer(200, `{}`), notKlarna, ok},
		"a list":               {answer(200, `[]`), notKlarna, ok},
		"null":                 {answer(200, `null`), notKlarna, ok},
		"another order":        {answer(200, `{"order_id":"`+captureID+`","status":"AUTHORIZED"}`), notKlarna, ok},
		"an order of no state": {answer(200, `{"order_id":"`+orderID+`"}`), notKlarna, ok},
		"amounts as text":      {answer(200, `{"order_id":"`+orderID+`","status":"CLOSED","order_amount":"1"}`), notKlarna, ok},
		"JSON, then more":      {answer(200, order+"x"), notKlarna, notKlarna},
		"2 MiB":                {answer(200, order[:len(order)-1]+`,"x":"`+strings.Repeat("x", 2<<20)+`"}`), tooLarge, notKlarna},
		"gzip":                 {zipped(order), ok, ok},
		"a bomb":               {zipped(order[:len(order)-1] + `,"x":"` + strings.Repeat("x", 8<<20) + `"}`), tooLarge, notKlarna},
		"broken gzip":          {answer(200, order, "Content-Encoding", "gzip"), cut, cut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			om := serve(t, tc.h)
			check := func(method string, call klarna.Call, err error, want outcome) {
				t.Helper()
				got := outcome{answer: klarna.Classify(err)}
				if none, ok := errors.AsType[*klarna.NoAnswer](err); ok {
					got.reason = none.Reason
				}
				if got != want {
					t.Errorf("%s: %v (%v), want %v", method, got, err, want)
				}
				if (call.TransportError != "") != (want.reason != "") {
					t.Errorf("%s: the record says %q", method, call.TransportError)
				}
			}
			order, call, err := om.Order(t.Context(), orderID)
			check("Order", call, err, tc.read)
			if (order == nil) != (err != nil) {
				t.Errorf("Order returned %v with %v", order, err)
			}
			_, call, err = om.Capture(t.Context(), orderID, key, []byte(body))
			check("Capture", call, err, tc.change)
			call, err = om.AppendShippingInfo(t.Context(), orderID, captureID, key, []byte(body))
			check("AppendShippingInfo", call, err, tc.change)
		})
	}
}

// raw answers with these bytes and hangs up.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

func zipped(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, body)
		_ = z.Close()
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the headers": func(http.ResponseWriter) {},
		"in the body": func(w http.ResponseWriter) {
			w.WriteHeader(200)
			_, _ = io.WriteString(w, `{"order_id":`)
			w.(http.Flusher).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			om := serveWith(t, hang(begin), klarna.Options{Timeout: 50 * time.Millisecond})
			_, call, err := om.Order(t.Context(), orderID)
			none, ok := errors.AsType[*klarna.NoAnswer](err)
			if !ok || none.Reason != klarna.TimedOut || klarna.Classify(err) != klarna.Unknown {
				t.Errorf("err = %v", err)
			}
			if call.TransportError == "" || call.Duration < 50*time.Millisecond {
				t.Errorf("call %+v", call)
			}
		})
	}
}

func TestStopping(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	om := serve(t, hang(func(http.ResponseWriter) { stop() }))
	_, _, err := om.Capture(ctx, orderID, key, []byte(body))
	none, ok := errors.AsType[*klarna.NoAnswer](err)
	if !ok || none.Reason != klarna.Stopped || !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

// hang begins an answer and never ends it.
func hang(begin func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client is gone
		begin(w)
		<-r.Context().Done()
	}
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	om := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		page := []byte(strings.Repeat("x", 64<<10))
		for {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	})
	_, _, err := om.Order(t.Context(), orderID)
	if none, ok := errors.AsType[*klarna.NoAnswer](err); !ok || none.Reason != klarna.TooLarge {
		t.Errorf("err = %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	base, err := klarna.ParseBaseURL("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	_, call, err := klarna.New(klarna.Options{BaseURL: base}).OrderManagement(target()).Order(t.Context(), orderID)
	if none, ok := errors.AsType[*klarna.NoAnswer](err); !ok || none.Reason != klarna.Cut || call.Status != 0 || call.TransportError == "" {
		t.Errorf("%+v, %v", call, err)
	}
}
