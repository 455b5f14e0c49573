package klarnasandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"time"
)

// answer is a whole HTTP answer, kept so that it can be sent again.
type answer struct {
	status int
	header http.Header
	body   []byte
	code   string // the error_code in the body, for the log
}

func jsonAnswer(status int, body []byte) answer {
	return answer{status: status, header: http.Header{contentTypeHeader: {"application/json"}}, body: body}
}

func okAnswer(v any) answer {
	body, err := json.Marshal(v)
	if err != nil { // our own types always encode
		panic(err)
	}
	return jsonAnswer(http.StatusOK, body)
}

func noContent() answer { return answer{status: http.StatusNoContent, header: http.Header{}} }

func createdAnswer(idHeader, id, location string) answer {
	return answer{status: http.StatusCreated, header: http.Header{idHeader: {id}, locationHeader: {location}}}
}

// pageAnswer is the HTML of a server in front of the API, as gateways send it.
func pageAnswer(status int) answer {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	page := "<!DOCTYPE html>\n<html>\n<head><title>" + html.EscapeString(title) + "</title></head>\n<body>\n<h1>" +
		html.EscapeString(title) + "</h1>\n</body>\n</html>\n"
	return answer{status: status, header: http.Header{contentTypeHeader: {"text/html; charset=utf-8"}}, body: []byte(page)}
}

// clone returns a copy whose header may be changed.
func (a answer) clone() answer {
	a.header = a.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	return a
}

// definitive says whether the answer is Klarna's last word on its idempotency key: a success,
// or a refusal of the operation itself. What a gateway says (401, 403 without a code, 413,
// 429), a conflict and a fault of the server leave the key as it was.
func (a answer) definitive() bool {
	switch a.status {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		return a.code != ""
	}
	return false
}

// bodyAllowed says whether HTTP lets an answer with this status have a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// outcome is what becomes of a request: an answer, or a connection that ends without one.
type outcome struct {
	answer
	drop bool          // the connection is closed without an answer
	hold time.Duration // … after it was kept open that long
	cut  bool          // the connection is closed in the middle of the answer
}

func (o outcome) write(w http.ResponseWriter) {
	for name, values := range o.header {
		w.Header()[name] = values
	}
	body := o.body
	if !bodyAllowed(o.status) {
		body = nil
	}
	if o.cut {
		// More is promised than sent, so that the client sees the end as too early.
		promised := max(len(body), 2)
		w.Header().Set("Content-Length", strconv.Itoa(promised))
		w.WriteHeader(o.status)
		_, _ = w.Write(body[:min(len(body), promised/2)])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(o.status)
	_, _ = bytes.NewReader(body).WriteTo(w)
}
