package klarnasandbox

import (
	"net/http"
	"slices"
	"strings"
)

// Operation is the operationId that Klarna's specification gives an operation.
type Operation string

// The operations of the order management and of the settlements.
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

	OpListPayouts      Operation = "getPayouts"
	OpGetPayout        Operation = "getPayout"
	OpPayoutSummary    Operation = "getPayoutSummary"
	OpListTransactions Operation = "getTransactions"
	OpPayoutCSV        Operation = "getPayoutReportWithTransactions"
	OpPayoutPDF        Operation = "payout"
	OpPayoutsCSV       Operation = "getPayoutsSummaryReportWithTransactions"
	OpPayoutsPDF       Operation = "payoutsSummary"
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
	path   string  // below the order, or the settlements; {} is a part that varies
	body   *schema // nil: a body is not looked at
	run    func(*order, *call) (answer, *Error)
	// noOrder is the code for an order that is not there.
	noOrder string
	// settle is run where there is no order: an operation of the settlements.
	settle func(*Sandbox, *call) (answer, *Error)
}

var routes = []route{
	{OpGetOrder, "GET", "", nil, readOrder, CodeNoSuchOrder, nil},
	{OpAcknowledge, "POST", "acknowledge", nil, acknowledgeOrder, CodeNoSuchOrder, nil},
	{OpUpdateAuthorization, "PATCH", "authorization", authorizationSchema, updateAuthorization, CodeNoSuchOrder, nil},
	{OpCapture, "POST", "captures", captureSchema, captureOrder, CodeNoSuchOrder, nil},
	{OpListCaptures, "GET", "captures", nil, listCaptures, CodeNoSuchOrder, nil},
	{OpGetCapture, "GET", "captures/{}", nil, readCapture, CodeNoSuchOrder, nil},
	{OpExtendDueDate, "PATCH", "captures/{}/extend-due-date", dueDateSchema, extendDueDate, CodeNoSuchOrder, nil},
	{OpDueDateOptions, "GET", "captures/{}/extend-due-date-options", nil, listDueDateOptions, CodeNoSuchOrder, nil},
	{OpAppendShippingInfo, "POST", "captures/{}/shipping-info", appendShippingSchema, appendCaptureShipping, CodeNoSuchOrder, nil},
	{OpTriggerSendOut, "POST", "captures/{}/trigger-send-out", nil, triggerSendOut, CodeNoSuchOrder, nil},
	{OpUpdateCustomer, "PATCH", "customer-details", customerSchema, updateCustomer, CodeNoSuchOrder, nil},
	{OpExtendAuthorization, "POST", "extend-authorization-time", nil, extendAuthorization, CodeNoSuchOrder, nil},
	{OpUpdateReferences, "PATCH", "merchant-references", referencesSchema, updateReferences, CodeNoSuchOrder, nil},
	{OpRefund, "POST", "refunds", refundSchema, refundOrder, CodeNotFound, nil},
	{OpGetRefund, "GET", "refunds/{}", nil, readRefund, CodeNotFound, nil},
	{OpReleaseAuthorization, "POST", "release-remaining-authorization", nil, releaseAuthorization, CodeNoSuchOrder, nil},
	{OpAppendOrderShipping, "POST", "shipping-info", appendShippingSchema, appendOrderShipping, CodeNoSuchOrder, nil},
	{OpCancel, "POST", "cancel", nil, cancelOrder, CodeNoSuchOrder, nil},
}

// settlementRoutes are all reads; what is literal comes before what varies.
var settlementRoutes = []route{
	{op: OpListPayouts, method: "GET", path: "payouts", settle: listPayouts},
	{op: OpPayoutSummary, method: "GET", path: "payouts/summary", settle: sumPayouts},
	{op: OpGetPayout, method: "GET", path: "payouts/{}", settle: readPayout},
	{op: OpListTransactions, method: "GET", path: "transactions", settle: listTransactions},
	{op: OpPayoutCSV, method: "GET", path: "reports/payout-with-transactions", settle: payoutCSV},
	{op: OpPayoutPDF, method: "GET", path: "reports/payout", settle: payoutPDF},
	{op: OpPayoutsCSV, method: "GET", path: "reports/payouts-summary-with-transactions", settle: payoutsCSV},
	{op: OpPayoutsPDF, method: "GET", path: "reports/payouts-summary", settle: payoutsPDF},
}

// Operations returns all operations, in the order of the specifications.
func Operations() []Operation {
	all := make([]Operation, 0, len(routes)+len(settlementRoutes))
	for _, r := range slices.Concat(routes, settlementRoutes) {
		all = append(all, r.op)
	}
	return all
}

// matchPath returns the ids in a path of the API, and whether it is one of the route's.
func (r *route) matchPath(path string) (orderID, part string, ok bool) {
	if rest, ok := strings.CutPrefix(path, settlementsBase); ok {
		part, ok = matchParts(r.path, rest)
		return "", part, ok && r.settle != nil
	}
	rest, ok := strings.CutPrefix(path, ordersBase)
	if !ok || r.settle != nil {
		return "", "", false
	}
	orderID, rest, more := strings.Cut(rest, "/")
	if orderID == "" || more && rest == "" {
		return "", "", false
	}
	part, ok = matchParts(r.path, rest)
	return orderID, part, ok
}

// matchParts says whether a path fits a pattern, and what stands where the pattern varies.
func matchParts(pattern, path string) (part string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return "", false
	}
	for i := range want {
		switch {
		case want[i] == have[i]:
		case want[i] == placeholder && have[i] != "":
			part = have[i]
		default:
			return "", false
		}
	}
	return part, true
}

// findRoute returns the route for a request. Without one, allow names the methods that the
// path has, none if there is no such path.
func findRoute(method, path string) (r *route, orderID, part string, allow []string) {
	all := routes
	if strings.HasPrefix(path, settlementsBase) {
		all = settlementRoutes
	}
	for i := range all {
		id, p, ok := all[i].matchPath(path)
		if !ok {
			continue
		}
		if all[i].method == method {
			return &all[i], id, p, nil
		}
		if !slices.Contains(allow, all[i].method) {
			allow = append(allow, all[i].method)
		}
	}
	return nil, "", "", allow
}

// changes says whether the operation is one that an idempotency key protects.
func (r *route) changes() bool { return r.method != http.MethodGet }
