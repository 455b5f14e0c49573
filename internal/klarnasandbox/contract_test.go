package klarnasandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	. "zahlwerk/internal/klarnasandbox"
)

// TestContractOperations: the sandbox has every operation of the specifications, and no other.
// That its answers keep the contract is checked with every call of these tests.
func TestContractOperations(t *testing.T) {
	t.Parallel()
	var want []string
	for _, c := range needContracts(t) {
		for _, item := range c.doc.Paths.Map() {
			for _, op := range item.Operations() {
				want = append(want, op.OperationID)
			}
		}
	}
	var have []string
	for _, op := range Operations() {
		have = append(have, string(op))
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(want, have) {
		t.Errorf("the sandbox has\n%v\nthe specification\n%v", have, want)
	}
}

// TestContractIsChecked: the checking itself can fail.
func TestContractIsChecked(t *testing.T) {
	t.Parallel()
	needContracts(t)
	b := newBench(t, Options{})
	o := b.order(NewOrder{AutoCapture: true})
	good := b.call("GET", o.ID, "", "")
	for name, r := range map[string]reply{
		"status":  {200, good.header, strings.Replace(good.body, `"CAPTURED"`, `"CAPTURED!"`, 1)},
		"amount":  {200, good.header, strings.Replace(good.body, `"captured_amount":10000`, `"captured_amount":"10000"`, 1)},
		"success": {202, good.header, good.body},
		"headers": {200, http.Header{"Content-Type": {"application/json"}}, good.body},
		"HTML":    {200, http.Header{"Content-Type": {"text/html"}}, good.body},
	} {
		if len(contractBreaks(t.Context(), "GET", o.ID, "", r)) == 0 {
			t.Errorf("%s: a broken answer passes", name)
		}
	}

	pay(b, o)
	list := b.call("GET", settlements+"transactions", "", "")
	for name, r := range map[string]reply{
		"type":    {200, list.header, strings.Replace(list.body, `"SALE"`, `"SALE!"`, 1)},
		"missing": {200, list.header, strings.Replace(list.body, `"amount"`, `"quantity"`, 1)},
		"page":    {200, list.header, strings.Replace(list.body, `"count"`, `"number"`, 1)},
	} {
		if r.body == list.body || len(contractBreaks(t.Context(), "GET", settlements+"transactions", "", r)) == 0 {
			t.Errorf("%s: a broken answer passes", name)
		}
	}
	refused := b.call("GET", settlements+"reports/payout", "", "")
	refused.body = strings.Replace(refused.body, "error_code", "code", 1)
	if len(contractBreaks(t.Context(), "GET", settlements+"reports/payout", "", refused)) == 0 {
		t.Error("a broken refusal of a report passes")
	}
}
