package klarnasandbox

import (
	"net/http"
	"slices"
	"time"
)

// presets are the faults of any call worth trying, by name; the control page has a sentence
// for each.
var presets = []Fault{
	refusal("bad_value", http.StatusBadRequest, CodeBadValue, "Bad value: captured_amount"),
	{Preset: "unauthorized", Kind: FaultAnswer, Status: http.StatusUnauthorized},
	refusal("capture_not_allowed", http.StatusForbidden, CodeCaptureNotAllowed,
		"Captured amount is higher than the remaining authorized amount. Capture not possible."),
	refusal("not_allowed", http.StatusForbidden, CodeNotAllowed, "Operation not allowed."),
	refusal("cancel_not_allowed", http.StatusForbidden, CodeCancelNotAllowed, "Order has previous captures. Cancel not possible."),
	refusal("refund_not_allowed", http.StatusForbidden, CodeRefundNotAllowed, "Over refund is not allowed. Refund not possible."),
	refusal("payment_method_failed", http.StatusForbidden, CodePaymentMethodFailed, "Payment method failed."),
	{Preset: "forbidden_page", Kind: FaultHTML, Status: http.StatusForbidden},
	refusal("no_such_order", http.StatusNotFound, CodeNoSuchOrder, "Order could not be found."),
	refusal("no_such_capture", http.StatusNotFound, CodeNoSuchCapture, "Capture could not be found."),
	refusal("conflict", http.StatusConflict, CodeConflict),
	refusal("too_large", http.StatusRequestEntityTooLarge, CodeTooLarge, "The request is too large."),
	refusal("unprocessable", http.StatusUnprocessableEntity, CodeUnprocessable,
		"The size of the shipping_info/shipping_company value must be between 0 and 100"),
	refusal("invalid_address", http.StatusUnprocessableEntity, CodeInvalidAddress, "Invalid address."),
	{Preset: "too_many_requests", Kind: FaultAnswer, Status: http.StatusTooManyRequests, Code: CodeTooManyRequests,
		Messages: []string{"Too many requests."}, Reset: 5},
	{Preset: "redirect", Kind: FaultAnswer, Status: http.StatusTemporaryRedirect},
	refusal("internal_error", http.StatusInternalServerError, CodeInternalError, "Internal server error."),
	{Preset: "internal_error_applied", Kind: FaultAnswer, Applied: true, Status: http.StatusInternalServerError,
		Code: CodeUnexpected, Messages: []string{"Unexpected error."}},
	refusal("bad_gateway", http.StatusBadGateway, CodeUnavailable, "Temporarily unavailable."),
	refusal("unavailable", http.StatusServiceUnavailable, CodeUnavailable, "Temporarily unavailable."),
	refusal("gateway_timeout", http.StatusGatewayTimeout, CodeUnavailable, "Temporarily unavailable."),
	{Preset: "html_error", Kind: FaultHTML, Status: http.StatusBadGateway},
	{Preset: "html_applied", Kind: FaultHTML, Applied: true},
	{Preset: "timeout_applied", Kind: FaultTimeout, Applied: true},
	{Preset: "timeout_before", Kind: FaultTimeout},
	{Preset: "cut_applied", Kind: FaultCut, Applied: true},
	{Preset: "cut_before", Kind: FaultCut},
	{Preset: "partial", Kind: FaultPartial, Applied: true},
	{Preset: "truncated", Kind: FaultTruncated, Applied: true},
	{Preset: "empty", Kind: FaultEmpty, Applied: true},
	{Preset: "huge", Kind: FaultHuge, Applied: true},
	{Preset: "no_capture_id", Kind: FaultNoID, Applied: true},
	{Preset: "no_capture_id_no_location", Kind: FaultNoIDs, Applied: true},
	{Preset: "slow", Kind: FaultSlow, Applied: true, Delay: 3 * time.Second},
}

func refusal(name string, status int, code string, messages ...string) Fault {
	return Fault{Preset: name, Kind: FaultAnswer, Status: status, Code: code, Messages: messages}
}

// payoutPresets are the faults that only calls of the settlements know.
var payoutPresets = []Fault{
	refusal("no_such_payout", http.StatusNotFound, CodeNotFound, "Payout could not be found."),
	{Preset: "next_elsewhere", Kind: FaultNextElsewhere, Applied: true},
	{Preset: "no_total", Kind: FaultNoTotal, Applied: true},
	{Preset: "short_page", Kind: FaultShortPage, Applied: true},
	{Preset: "other_total", Kind: FaultOtherTotal, Applied: true},
	{Preset: "missing_line", Kind: FaultMissingLine, Applied: true},
	{Preset: "nothing", Kind: FaultNothing, Applied: true},
	{Preset: "new_payout", Kind: FaultNewPayout, Applied: true},
}

// allPresets are all faults that have a name.
var allPresets = slices.Concat(presets, payoutPresets)

// Presets returns the faults of any call that have a name, ready to be completed and set.
func Presets() []Fault { return slices.Clone(presets) }

// PayoutPresets returns those that only calls of the settlements know.
func PayoutPresets() []Fault { return slices.Clone(payoutPresets) }

// Preset returns the fault of that name, of either list; false if there is none.
func Preset(name string) (Fault, bool) {
	i := slices.IndexFunc(allPresets, func(f Fault) bool { return f.Preset == name })
	if i < 0 {
		return Fault{}, false
	}
	return allPresets[i], true
}
