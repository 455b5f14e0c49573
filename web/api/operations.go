package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"zahlwerk/internal/auth"
)

const description = `Orders, what leaves of them, what Klarna was told, and what it paid.

Money is an integer in minor units with a currency, times are RFC 3339. Errors are problem documents (RFC 9457) with a code for programs and texts in the language of Accept-Language (de or en). An unknown field is an error.`

// Limits of a body, and how long one may take to arrive.
const (
	maxBody      = 1 << 20
	maxBatchBody = 16 << 20
	bodyTimeout  = 60 * time.Second
)

const (
	get   = http.MethodGet
	post  = http.MethodPost
	patch = http.MethodPatch
)

// operation is a line of the table of operations.
type operation struct {
	method, path string
	permission   auth.Permission
	id, summary  string
	status       int // of success
	again        int // of success when there was nothing to do any more, 0 if that has none of its own
	body         int // most bytes, 0 for no body
}

// operations is everything there is, in one place. The test of scopes walks it.
func (s *service) operations() {
	const read, act = auth.ReadOrders, auth.ActOrders
	add(s, operation{post, "/orders", act, "create-order", "Make an order", 201, 200, maxBody}, s.createOrder)
	add(s, operation{post, "/orders/batch", act, "create-orders", "Make up to 1,000 orders, each by itself", 200, 0, maxBatchBody}, s.createOrders)
	add(s, operation{get, "/orders", read, "list-orders", "List orders, newest first", 200, 0, 0}, s.listOrders)
	add(s, operation{get, "/orders/{number}", read, "show-order", "Show an order", 200, 0, 0}, s.showOrder)
	add(s, operation{patch, "/orders/{number}", act, "change-order", "Change an order", 200, 0, maxBody}, s.changeOrder)
	add(s, operation{get, "/orders/{number}/protocol", read, "list-protocol", "List what happened to an order, newest first", 200, 0, 0}, s.listProtocol)
	add(s, operation{post, "/orders/{number}/delivery-notes", act, "create-delivery-note", "Make a delivery note for a part of an order", 201, 0, maxBody}, s.createNote)
	add(s, operation{post, "/orders/{number}/parcels", act, "record-parcel", "Record a parcel", 201, 200, maxBody}, s.recordParcel)
	add(s, operation{post, "/orders/{number}/ship", act, "ship-order", "Mark an order shipped", 200, 0, maxBody}, s.ship)
	add(s, operation{post, "/orders/{number}/cancel", act, "cancel-order", "Cancel an order here; Klarna is told nothing", 200, 0, 0}, s.cancel)
	add(s, operation{post, "/orders/{number}/resend", act, "resend-order", "Tell Klarna again, or ask what became of it", 202, 0, 0}, s.resend)

	const books, money = auth.ReadAccounting, auth.WriteAccounting
	add(s, operation{get, "/payouts", books, "list-payouts", "List Klarna's payouts, newest first", 200, 0, 0}, s.listPayouts)
	add(s, operation{get, "/payouts/{payment_reference}", books, "show-payout", "Show a payout", 200, 0, 0}, s.showPayout)
	add(s, operation{get, "/statement-lines", books, "list-statement-lines", "List the lines of payouts, newest payout first", 200, 0, 0}, s.listLines)
	add(s, operation{post, "/business-accounts/{short_name}/import", money, "start-import", "Import payouts, at most every 7 days", 202, 0, maxBody}, s.startImport)
	add(s, operation{get, "/import-runs/{id}", books, "show-import-run", "Show an import", 200, 0, 0}, s.showRun)
	add(s, operation{post, "/import-runs/{id}/stop", money, "stop-import-run", "Stop an import", 200, 0, 0}, s.stopRun)
	add(s, operation{post, "/import-runs/{id}/continue", money, "continue-import-run", "Continue a stopped import", 200, 0, 0}, s.continueRun)
	add(s, operation{post, "/import-runs/{id}/undo", money, "undo-import-run", "Undo an import: what it brought goes", 200, 0, 0}, s.undoRun)
	s.describeBatch()
}

func add[I, O any](s *service, o operation, handle func(context.Context, *I) (*O, error)) {
	_, raw := reflect.TypeFor[I]().FieldByName("RawBody")
	op := huma.Operation{
		Method: o.method, Path: o.path, OperationID: o.id, Summary: o.summary, DefaultStatus: o.status, Errors: o.errors(),
		Security:    []map[string][]string{{"token": {string(scopeOf(o.permission))}}, {"token": {string(auth.ScopeAdmin)}}},
		Middlewares: huma.Middlewares{s.authorize(o.permission)},
		Responses:   map[string]*huma.Response{},
		// huma refuses a body of exactly the limit.
		MaxBodyBytes: int64(o.body) + 1, BodyReadTimeout: bodyTimeout,
		SkipValidateBody: raw, // its handler does
	}
	huma.Register(s.api, op, handle)
	if o.again != 0 {
		same := *op.Responses[strconv.Itoa(o.status)]
		same.Description = http.StatusText(o.again)
		op.Responses[strconv.Itoa(o.again)] = &same
	}
}

// errors is what may be answered besides what huma knows by itself.
func (o operation) errors() []int {
	codes := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity}
	if strings.Contains(o.path, "{") {
		codes = append(codes, http.StatusNotFound)
	}
	if o.method != get {
		codes = append(codes, http.StatusConflict)
	}
	if o.body > 0 {
		codes = append(codes, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return codes
}

// describeBatch says what a batch holds; huma does not read it itself.
func (s *service) describeBatch() {
	many := maxItems
	orders := &huma.Schema{Type: huma.TypeArray, MaxItems: &many, Items: &huma.Schema{Ref: "#/components/schemas/OrderInput"}}
	s.api.OpenAPI().Paths["/orders/batch"].Post.RequestBody.Content["application/json"].Schema = &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"orders": orders}, Required: []string{"orders"}, AdditionalProperties: false}, orders}}
}
