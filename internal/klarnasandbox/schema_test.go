package klarnasandbox

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestSchemasAreTheContracts compares every limit of a request's body with Klarna's
// specification.
func TestSchemasAreTheContracts(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("TEST_KLARNA_SPECS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "klarna")
	}
	data, err := os.ReadFile(filepath.Join(folder, "order-management.yml"))
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal(err)
	case err != nil:
		t.Skipf("skipped: %v (set TEST_KLARNA_SPECS to the folder of the .yml files)", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			i := slices.IndexFunc(routes, func(r route) bool { return string(r.op) == op.OperationID })
			switch {
			case i < 0:
				t.Errorf("no operation %s", op.OperationID)
			case op.RequestBody == nil && routes[i].body != nil, op.RequestBody != nil && routes[i].body == nil:
				t.Errorf("%s: a body is wanted by one side only", op.OperationID)
			case op.RequestBody != nil:
				compare(t, op.OperationID, routes[i].body, op.RequestBody.Value.Content.Get("application/json").Schema.Value)
			}
		}
	}
}

func compare(t *testing.T, path string, have *schema, want *openapi3.Schema) {
	if !want.Type.Is(string(have.kind)) {
		t.Errorf("%s is %s, want %v", path, have.kind, want.Type)
		return
	}
	least, most := int64(0), int64(math.MaxInt64)
	switch have.kind {
	case kindObject:
		compareFields(t, path, have, want)
		return
	case kindArray:
		least = int64(want.MinItems)
		if want.MaxItems != nil {
			most = int64(*want.MaxItems)
		}
		compare(t, path+"[]", have.items, want.Items.Value)
	case kindString:
		least = int64(want.MinLength)
		if want.MaxLength != nil {
			most = int64(*want.MaxLength)
		}
		if have.enum != nil && !slices.EqualFunc(have.enum, want.Enum, func(a string, b any) bool { return a == b }) {
			t.Errorf("%s is one of %v, want %v", path, have.enum, want.Enum)
		}
		if have.enum == nil && (have.pattern == nil) != (want.Pattern == "") || have.pattern != nil && have.pattern.String() != want.Pattern {
			t.Errorf("%s matches %v, want %s", path, have.pattern, want.Pattern)
		}
	case kindInteger:
		least, most = math.MinInt64, math.MaxInt64
		if want.Format == "int32" {
			least, most = math.MinInt32, math.MaxInt32
		}
		if want.Min != nil {
			least = int64(*want.Min)
		}
		if want.Max != nil {
			most = int64(*want.Max)
		}
	}
	if have.min != least || have.max != most {
		t.Errorf("%s is %d to %d, want %d to %d", path, have.min, have.max, least, most)
	}
}

func compareFields(t *testing.T, path string, have *schema, want *openapi3.Schema) {
	var names []string
	for _, f := range have.fields {
		names = append(names, f.name)
		p, ok := want.Properties[f.name]
		if !ok {
			t.Errorf("%s.%s is not in the specification", path, f.name)
			continue
		}
		if f.required != slices.Contains(want.Required, f.name) {
			t.Errorf("%s.%s is required: %v", path, f.name, f.required)
		}
		compare(t, path+"."+f.name, f.schema, p.Value)
	}
	for name := range want.Properties {
		if !slices.Contains(names, name) {
			t.Errorf("%s.%s is missing (of %s)", path, name, strings.Join(names, ", "))
		}
	}
}
