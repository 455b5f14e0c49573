package klarnasandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	. "zahlwerk/internal/klarnasandbox"
)

// TestContractOperations: the sandbox has every operation of the specification, and no other.
// That its answers keep the contract is checked with every call of these tests.
func TestContractOperations(t *testing.T) {
	t.Parallel()
	c := needContract(t)
	var want []string
	for _, item := range c.doc.Paths.Map() {
		for _, op := range item.Operations() {
			want = append(want, op.OperationID)
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
	needContract(t)
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
}
