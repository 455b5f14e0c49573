package api

import (
	"strings"
	"testing"
)

func TestListsAreValidatedOnlySoFar(t *testing.T) {
	t.Parallel()
	zeros := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("0,", n), ",") + "]" }
	var tree any
	if err := unmarshal([]byte(`{"a":`+zeros(1000)+`,"b":`+zeros(50_000)+`,"c":[{"d":`+zeros(50_000)+`}]}`), &tree); err != nil {
		t.Fatal(err)
	}
	root := tree.(map[string]any)
	inner := root["c"].([]any)[0].(map[string]any)
	for name, tt := range map[string]struct {
		list any
		want int
	}{"short enough": {root["a"], 1000}, "long": {root["b"], 1001}, "long, deep inside": {inner["d"], 1001}} {
		if n := len(tt.list.([]any)); n != tt.want {
			t.Errorf("%s: %d items, want %d", name, n, tt.want)
		}
	}
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	const refused = -1 << 63
	for text, want := range map[string]Integer{
		"0": 0, "-5": -5, "6457": 6457, "6457.0": 6457, "1e3": 1000, "null": 7,
		"1.5": refused, "1e30": refused, "9223372036854775808": refused, "9007199254740993": 9007199254740993,
	} {
		i := Integer(7)
		if err := i.UnmarshalJSON([]byte(text)); err != nil || i != want {
			t.Errorf("%s is %d, %v", text, i, err)
		}
	}
}
