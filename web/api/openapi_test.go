package api_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.send(httptest.NewRequest("GET", "/api/v1/openapi.json", nil)).expect(t, 200)
	if v, _ := a.body["openapi"].(string); !strings.HasPrefix(v, "3.1.") {
		t.Errorf("version %q", v)
	}
	if err := h.contract.document.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	var got []string
	for path, item := range h.contract.document.Paths.Map() {
		for method, o := range item.Operations() {
			got = append(got, method+" "+path)
			if o.Security == nil || len(*o.Security) == 0 || o.Summary == "" || o.OperationID == "" {
				t.Errorf("%s %s is described badly", method, path)
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"GET /import-runs/{id}", "GET /orders", "GET /orders/{number}", "GET /orders/{number}/protocol",
		"GET /payouts", "GET /payouts/{payment_reference}", "GET /statement-lines", "PATCH /orders/{number}",
		"POST /business-accounts/{short_name}/import",
		"POST /import-runs/{id}/continue", "POST /import-runs/{id}/stop", "POST /import-runs/{id}/undo",
		"POST /orders", "POST /orders/batch", "POST /orders/{number}/cancel", "POST /orders/{number}/delivery-notes",
		"POST /orders/{number}/parcels", "POST /orders/{number}/resend", "POST /orders/{number}/ship",
	}
	if !slices.Equal(got, want) {
		t.Errorf("operations\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, foreign := range []string{"ErrorModel", "ErrorDetail", "$schema", "http://", "https://"} {
		if strings.Contains(a.raw, foreign) {
			t.Errorf("the document holds %q", foreign)
		}
	}
}

// The addresses that huma would add by itself load scripts from elsewhere.
func TestNoPagesBesides(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, path := range []string{"/docs", "/openapi", "/openapi.yaml", "/openapi-3.0.json", "/schemas/Order.json", "/", "/nonsense"} {
		h.get(path).expect(t, 404)
	}
}
