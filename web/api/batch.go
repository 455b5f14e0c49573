package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"zahlwerk/internal/fault"
)

// BatchResult is what became of one order of a batch.
type BatchResult struct {
	Number  string   `json:"number" doc:"The order's number, empty where it can't be read."`
	Status  int      `json:"status" doc:"What POST /orders would have answered: 201 made, 200 the same again, else see problem."`
	Problem *Problem `json:"problem,omitempty"`
}

type batchInput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`
}

type batchAnswer struct {
	Status int
	Body   List[BatchResult]
}

// createOrders makes the orders of a batch, each by itself: one that is refused keeps
// none of the others back. The body is parted before anything of it is read, so that its
// size alone says what it can cost.
func (s *service) createOrders(ctx context.Context, in *batchInput) (*batchAnswer, error) {
	if errors.Is(s.api.Unmarshal(in.ContentType, []byte("null"), new(any)), huma.ErrUnknownContentType) {
		return nil, newProblem(ctx, http.StatusUnsupportedMediaType, "api.error.media_type")
	}
	orders, field, err := parts(in.RawBody)
	if errors.Is(err, errMalformed) {
		return nil, problemOf(ctx, http.StatusBadRequest, "", []error{&huma.ErrorDetail{Location: "body", Message: err.Error()}})
	}
	if err != nil {
		return nil, err
	}
	answer := &batchAnswer{Status: http.StatusOK, Body: List[BatchResult]{Items: make([]BatchResult, len(orders))}}
	for i, raw := range orders {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		answer.Body.Items[i] = s.createOneOf(ctx, raw, fmt.Sprintf("%s[%d]", location("body", field), i))
	}
	return answer, nil
}

func (s *service) createOneOf(ctx context.Context, raw []byte, at string) BatchResult {
	if len(raw) > maxBody {
		return refused("", newProblem(ctx, http.StatusRequestEntityTooLarge, "api.error.too_large"))
	}
	var in OrderInput
	if p := s.read(ctx, raw, &in, at); p != nil {
		return refused(in.Number, p)
	}
	_, created, err := s.create(ctx, &in)
	switch {
	case err != nil:
		return refused(in.Number, problemAt(ctx, at, err))
	case created:
		return BatchResult{Number: in.Number, Status: http.StatusCreated}
	}
	return BatchResult{Number: in.Number, Status: http.StatusOK}
}

func refused(number string, p *Problem) BatchResult {
	return BatchResult{Number: number, Status: p.Status, Problem: p}
}

// read reads and validates a part of a body just as huma does a whole one.
func (s *service) read(ctx context.Context, raw []byte, in *OrderInput, at string) *Problem {
	var found huma.ValidateResult
	status := http.StatusUnprocessableEntity
	var v any
	if err := unmarshal(raw, &v); err != nil {
		status = http.StatusBadRequest
		found.Errors = append(found.Errors, &huma.ErrorDetail{Location: at, Message: err.Error()})
	} else {
		registry := s.api.OpenAPI().Components.Schemas
		schema := registry.Schema(reflect.TypeFor[OrderInput](), true, "")
		huma.Validate(registry, schema, huma.NewPathBuffer([]byte(at), len(at)), huma.ModeWriteToServer, v, &found)
	}
	if err := unmarshal(raw, in); err != nil && len(found.Errors) == 0 {
		found.Errors = append(found.Errors, &huma.ErrorDetail{Location: at, Message: err.Error()})
	}
	if len(found.Errors) == 0 {
		return nil
	}
	return problemOf(ctx, status, "", found.Errors)
}

// parts parts a batch into its orders: an array, or an object with the array "orders".
// field is where they stand.
func parts(data []byte) (orders []json.RawMessage, field string, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	next := func() json.Token {
		t, e := d.Token()
		if e != nil && err == nil {
			err = errMalformed
		}
		return t
	}
	closing := []json.Delim{']'}
	first := next()
	if first == json.Delim('{') {
		name := next()
		switch {
		case err != nil:
			return nil, "", err
		case name == json.Delim('}'):
			return nil, "", wrong("orders", "error.required")
		case name != "orders":
			return nil, "", wrong(fmt.Sprint(name), "api.error.unknown_field")
		}
		field, closing, first = "orders", []json.Delim{']', '}'}, next()
	}
	if err == nil && first != json.Delim('[') {
		return nil, "", wrong(field, "api.error.array")
	}
	for err == nil && d.More() {
		if len(orders) == maxItems {
			return nil, "", wrong(field, "api.error.too_many_items", "Limit", maxItems)
		}
		var o json.RawMessage
		if d.Decode(&o) != nil {
			return nil, "", errMalformed
		}
		orders = append(orders, o)
	}
	for _, c := range closing {
		if t := next(); err == nil && t != c {
			return nil, "", wrong(fmt.Sprint(t), "api.error.unknown_field")
		}
	}
	if _, e := d.Token(); err == nil && e != io.EOF {
		err = errMalformed
	}
	return orders, field, err
}

// wrong is one mistake at one place.
func wrong(field, key string, args ...any) error {
	var f fault.Checker
	f.Add(field, key, args...)
	return f.Err()
}
