package klarnasandbox

import (
	"net/http"
	"slices"
	"strings"
)

// Operation is the operationId that Klarna's specification gives an operation.
type Operation string

// The operations of the order management.
const (
	OpGetOrder             Operation = "getOrder"
	OpAcknowledge          Operation = "acknowledgeOrder"
	OpUpdateAuthorization  Operation = "updateAuthorization"
	OpCapture              Operation = "captureOrder"
	OpListCaptures         Operation = "getCaptures"
	OpGetCapture           Operation = "getCapture"
	OpExtendDueDate        Operation = "extendDueDate"
	OpDueDateOptions       Operation = "getOptionsForExtendDueDate"
	OpAppendShippingInfo   Operation = "appendShippingInfo"
	OpTriggerSendOut       Operation = "triggerSendOut"
	OpUpdateCustomer       Operation = "updateConsumerDetails"
	OpExtendAuthorization  Operation = "extendAuthorizationTime"
	OpUpdateReferences     Operation = "updateMerchantReferences"
	OpRefund               Operation = "refundOrder"
	OpGetRefund            Operation = "get"
	OpReleaseAuthorization Operation = "releaseRemainingAuthorization"
	OpAppendOrderShipping  Operation = "appendOrderShippingInfo"
	OpCancel               Operation = "cancelOrder"
)

const (
	ordersBase        = "/ordermanagement/v1/orders/"
	placeholder       = "{}"
	maxBody           = 1 << 20
	idempotencyHeader = "Klarna-Idempotency-Key"
	correlationHeader = "Klarna-Correlation-Id"
	captureIDHeader   = "Capture-Id"
	refundIDHeader    = "Refund-Id"
	contentTypeHeader = "Content-Type"
	locationHeader    = "Location"
	resetHeader       = "X-Ratelimit-Reset"
)

// route is one operation of the API.
type route struct {
	op     Operation
	method string
	path   string  // below the order; {} is a part that varies
	body   *schema // nil: a body is not looked at
	run    func(*order, *call) (answer, *Error)
	// noOrder is the code for an order that is not there.
	noOrder string
}

var routes = []route{
	{OpGetOrder, "GET", "", nil, readOrder, CodeNoSuchOrder},
	{OpAcknowledge, "POST", "acknowledge", nil, acknowledgeOrder, CodeNoSuchOrder},
	{OpUpdateAuthorization, "PATCH", "authorization", authorizationSchema, updateAuthorization, CodeNoSuchOrder},
	{OpCapture, "POST", "captures", captureSchema, captureOrder, CodeNoSuchOrder},
	{OpListCaptures, "GET", "captures", nil, listCaptures, CodeNoSuchOrder},
	{OpGetCapture, "GET", "captures/{}", nil, readCapture, CodeNoSuchOrder},
	{OpExtendDueDate, "PATCH", "captures/{}/extend-due-date", dueDateSchema, extendDueDate, CodeNoSuchOrder},
	{OpDueDateOptions, "GET", "captures/{}/extend-due-date-options", nil, listDueDateOptions, CodeNoSuchOrder},
	{OpAppendShippingInfo, "POST", "captures/{}/shipping-info", appendShippingSchema, appendCaptureShipping, CodeNoSuchOrder},
	{OpTriggerSendOut, "POST", "captures/{}/trigger-send-out", nil, triggerSendOut, CodeNoSuchOrder},
	{OpUpdateCustomer, "PATCH", "customer-details", customerSchema, updateCustomer, CodeNoSuchOrder},
	{OpExtendAuthorization, "POST", "extend-authorization-time", nil, extendAuthorization, CodeNoSuchOrder},
	{OpUpdateReferences, "PATCH", "merchant-references", referencesSchema, updateReferences, CodeNoSuchOrder},
	{OpRefund, "POST", "refunds", refundSchema, refundOrder, CodeNotFound},
	{OpGetRefund, "GET", "refunds/{}", nil, readRefund, CodeNotFound},
	{OpReleaseAuthorization, "POST", "release-remaining-authorization", nil, releaseAuthorization, CodeNoSuchOrder},
	{OpAppendOrderShipping, "POST", "shipping-info", appendShippingSchema, appendOrderShipping, CodeNoSuchOrder},
	{OpCancel, "POST", "cancel", nil, cancelOrder, CodeNoSuchOrder},
}

// Operations returns all operations, in the order of the specification.
func Operations() []Operation {
	all := make([]Operation, 0, len(routes))
	for _, r := range routes {
		all = append(all, r.op)
	}
	return all
}

// matchPath returns the ids in a path of the API, and whether it is one of the route's.
func (r *route) matchPath(path string) (orderID, part string, ok bool) {
	rest, ok := strings.CutPrefix(path, ordersBase)
	if !ok {
		return "", "", false
	}
	orderID, rest, more := strings.Cut(rest, "/")
	if orderID == "" || more && rest == "" {
		return "", "", false
	}
	want, have := strings.Split(r.path, "/"), strings.Split(rest, "/")
	if len(want) != len(have) {
		return "", "", false
	}
	for i := range want {
		switch {
		case want[i] == have[i]:
		case want[i] == placeholder && have[i] != "":
			part = have[i]
		default:
			return "", "", false
		}
	}
	return orderID, part, true
}

// findRoute returns the route for a request. Without one, allow names the methods that the
// path has, none if there is no such path.
func findRoute(method, path string) (r *route, orderID, part string, allow []string) {
	for i := range routes {
		id, p, ok := routes[i].matchPath(path)
		if !ok {
			continue
		}
		if routes[i].method == method {
			return &routes[i], id, p, nil
		}
		if !slices.Contains(allow, routes[i].method) {
			allow = append(allow, routes[i].method)
		}
	}
	return nil, "", "", allow
}

// changes says whether the operation is one that an idempotency key protects.
func (r *route) changes() bool { return r.method != http.MethodGet }
