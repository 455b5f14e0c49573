package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/i18n"
)

// Problem is an error as its reader gets it (RFC 9457).
type Problem struct {
	Type      string       `json:"type" format:"uri-reference" doc:"What kind of problem it is: /problems/ and the code."`
	Code      string       `json:"code" doc:"The kind of problem, for programs."`
	Title     string       `json:"title" doc:"The status in words, in the language of Accept-Language."`
	Status    int          `json:"status" doc:"The HTTP status."`
	Detail    string       `json:"detail" doc:"What is wrong, in the language of Accept-Language."`
	RequestID string       `json:"request_id" doc:"Names this request in the log of the server; also in the header X-Request-Id."`
	Errors    []FieldError `json:"errors" doc:"What is wrong with which input; at most 100."`
	// NextPossibleAt is there where waiting helps.
	NextPossibleAt *time.Time `json:"next_possible_at,omitempty" doc:"From when on it is possible."`
}

// FieldError is what is wrong with one input.
type FieldError struct {
	Location string `json:"location" doc:"Where: body.lines[0].quantity, query.limit, path.number."`
	Code     string `json:"code" doc:"The kind of mistake, for programs."`
	Message  string `json:"message" doc:"The mistake, in the language of Accept-Language."`
}

// Limits of what is said about a request, however much is wrong with it.
const (
	maxErrors   = 100
	maxLocation = 200
)

// Keys that are asked for by name.
const (
	keyInternal = "api.error.internal"
	keyNoToken  = "api.error.token_missing"
)

// huma asks these for its errors and for how strict it is; they belong to the process.
func init() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, said string, errs ...error) huma.StatusError {
		return problemOf(ctx.Context(), status, said, errs)
	}
	huma.NewError = func(status int, _ string, _ ...error) huma.StatusError { return &Problem{Status: status} } // for its type
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
}

func newProblem(ctx context.Context, status int, key string, args ...any) *Problem {
	return &Problem{
		Type: "/problems/" + codeOf(key), Code: codeOf(key), Status: status,
		Title:  i18n.T(ctx, "api.title."+strconv.Itoa(status)),
		Detail: i18n.T(ctx, key, args...), RequestID: callOf(ctx).id, Errors: []FieldError{},
	}
}

// codeOf is what programs call a mistake: the end of its key.
func codeOf(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// Error is for the log.
func (p *Problem) Error() string { return p.Code }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType says that an answer is a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the visitor may be gone
}

var statuses = map[fault.Code]int{
	fault.Invalid: http.StatusUnprocessableEntity, fault.Conflict: http.StatusConflict, fault.NotFound: http.StatusNotFound,
	fault.Forbidden: http.StatusForbidden, fault.Unauthorized: http.StatusUnauthorized, fault.TooMany: http.StatusTooManyRequests,
	fault.TooLarge: http.StatusRequestEntityTooLarge,
}

// problemAt turns an error of the services into a problem; body is where in the request
// the input stood.
func problemAt(ctx context.Context, body string, err error) *Problem {
	e, ok := errors.AsType[*fault.Error](err)
	status := statuses[fault.CodeOf(err)]
	if !ok || status == 0 {
		if ctx.Err() == nil { // else the visitor is gone, and that is all
			c := callOf(ctx)
			c.log.Error("request of the API", "request_id", c.id, "error", err)
		}
		return newProblem(ctx, http.StatusInternalServerError, keyInternal)
	}
	p := newProblem(ctx, status, e.Key, e.Args...)
	for _, f := range e.Fields {
		p.add(FieldError{location(body, f.Name), codeOf(f.Key), i18n.T(ctx, f.Key, f.Args...)})
	}
	return p
}

// problemOf turns what huma has to say into a problem: an error that a handler
// returned, or what it found wrong with a request by itself.
func problemOf(ctx context.Context, status int, said string, errs []error) *Problem {
	var p *Problem
	switch status {
	case http.StatusRequestTimeout:
		return newProblem(ctx, status, "api.error.timeout")
	case http.StatusRequestEntityTooLarge:
		return newProblem(ctx, status, "api.error.too_large")
	case http.StatusUnsupportedMediaType:
		return newProblem(ctx, status, "api.error.media_type")
	case http.StatusUnprocessableEntity:
		p = newProblem(ctx, status, fault.InvalidInput)
	case http.StatusBadRequest:
		p = newProblem(ctx, status, phraseOf(said).key)
	default:
		return problemAt(ctx, "body", errors.Join(errs...))
	}
	for _, err := range errs[:min(len(errs), maxErrors)] {
		var d *huma.ErrorDetail
		if errors.As(err, &d) {
			p.add(fieldError(ctx, d))
		}
	}
	if status == http.StatusBadRequest && len(p.Errors) > 0 { // then said is only "validation failed"
		p.Code, p.Detail = p.Errors[0].Code, p.Errors[0].Message
		p.Type = "/problems/" + p.Code
	}
	sort.SliceStable(p.Errors, func(i, j int) bool { return p.Errors[i].Location < p.Errors[j].Location })
	return p
}

func (p *Problem) add(f FieldError) {
	if len(p.Errors) == maxErrors {
		return
	}
	if len(f.Location) > maxLocation {
		f.Location = strings.ToValidUTF8(f.Location[:maxLocation], "") + "…"
	}
	p.Errors = append(p.Errors, f)
}

// fieldError says in the reader's language what huma says in English. The value is
// left out: nothing is echoed.
func fieldError(ctx context.Context, d *huma.ErrorDetail) FieldError {
	p := phraseOf(d.Message)
	f := FieldError{Location: d.Location, Code: codeOf(p.key)}
	var args []any
	switch p.arg {
	case "":
	case property:
		f.Location += "." + p.value
	default:
		args = []any{p.arg, p.value}
	}
	f.Message = i18n.T(ctx, p.key, args...)
	return f
}

// phrase is one of huma's sentences and the key of ours. arg names what huma puts into
// it.
type phrase struct {
	form     *regexp.Regexp
	key, arg string
	value    string // of arg, in a sentence that was found
}

// property is the arg of a sentence that names a part of its location.
const property = "property"

var phrases = []phrase{
	say(validation.MsgUnexpectedProperty, "api.error.unknown_field", ""),
	say(validation.MsgExpectedRequiredProperty, "error.required", property),
	say(validation.MsgExpectedString, "api.error.string", ""),
	say(validation.MsgExpectedInteger, "api.error.integer", ""),
	say("invalid integer", "api.error.integer", ""),
	say(validation.MsgExpectedNumber, "api.error.number", ""),
	say(validation.MsgExpectedBoolean, "api.error.boolean", ""),
	say(validation.MsgExpectedArray, "api.error.array", ""),
	say(validation.MsgExpectedObject, "api.error.object", ""),
	say(validation.MsgExpectedRFC3339DateTime, "api.error.date_time", ""),
	say(validation.MsgExpectedOneOf, "api.error.choice", "Choices"),
	say(validation.MsgExpectedMatchPattern, "order.error.number_form", ""), // the only pattern there is
	say(validation.MsgExpectedMinimumNumber, "api.error.minimum", "Limit"),
	say(validation.MsgExpectedMaximumNumber, "api.error.maximum", "Limit"),
	say(validation.MsgExpectedMaxItems, "api.error.too_many_items", "Limit"),
	say("unknown query parameter", "api.error.unknown_parameter", ""),
	say("request body is required", "api.error.body_required", ""),
	say(errMalformed.Error(), "api.error.malformed_json", ""),
	say(errDuplicate.Error(), "api.error.duplicate_name", ""),
}

func say(sentence, key, arg string) phrase {
	form := regexp.QuoteMeta(sentence)
	for _, verb := range []string{"%v", "%s", "%d"} {
		form = strings.ReplaceAll(form, verb, "(.*)")
	}
	return phrase{form: regexp.MustCompile("^(?:" + form + ")$"), key: key, arg: arg}
}

func phraseOf(sentence string) phrase {
	for _, p := range phrases {
		if m := p.form.FindStringSubmatch(sentence); m != nil {
			if len(m) > 1 {
				p.value = m[1]
			}
			return p
		}
	}
	return phrase{key: "api.error.value"}
}

func isKey(err error, key string) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Key == key
}
