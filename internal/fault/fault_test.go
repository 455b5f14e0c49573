package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"zahlwerk/internal/fault"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	conflict := fault.New(fault.Conflict, "error.taken")
	for name, tc := range map[string]struct {
		err  error
		want fault.Code
	}{
		"nil":             {nil, ""},
		"ours":            {conflict, fault.Conflict},
		"ours, wrapped":   {fmt.Errorf("saving: %w", conflict), fault.Conflict},
		"outermost wins":  {fault.Wrap(conflict, fault.NotFound, "error.gone"), fault.NotFound},
		"joined":          {errors.Join(io.EOF, conflict), fault.Conflict},
		"foreign":         {io.EOF, fault.Internal},
		"context":         {context.Canceled, fault.Internal},
		"context wrapped": {fmt.Errorf("x: %w", context.DeadlineExceeded), fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fault.CodeOf(tc.err); got != tc.want {
				t.Errorf("CodeOf(%v) = %q, want %q", tc.err, got, tc.want)
			}
		})
	}
}

func TestErrorTextIsForTheLog(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(io.ErrUnexpectedEOF, fault.Invalid, "error.bad", "name", "Erika Mustermann")
	err.Fields = []fault.Field{
		{Name: "name", Key: "error.required"},
		{Name: "lines.2.quantity", Key: "error.whole", Args: []any{"got", "1,5"}},
	}
	const want = "invalid: error.bad [name error.required] [lines.2.quantity error.whole]: unexpected EOF"
	if got := err.Error(); got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}

func TestWrapKeepsArguments(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(io.EOF, fault.Conflict, "error.taken", "by", 17)
	if !reflect.DeepEqual(err.Args, []any{"by", 17}) {
		t.Errorf("Args = %v", err.Args)
	}
}

func TestCheckerOfTexts(t *testing.T) {
	t.Parallel()
	key := func(check func(f *fault.Checker)) string {
		var f fault.Checker
		check(&f)
		if e, ok := errors.AsType[*fault.Error](f.Err()); ok {
			return e.Fields[0].Key
		}
		return ""
	}
	for name, tc := range map[string]struct {
		value      string
		required   bool
		line, text string
	}{
		"good":            {"Grüße", true, "", ""},
		"empty":           {"", false, "", ""},
		"missing":         {"", true, "error.required", "error.required"},
		"too long":        {"Grüße!", false, "error.too_long", "error.too_long"},
		"line break":      {"a\nb", false, "error.control_characters", ""},
		"NUL":             {"a\x00", false, "error.control_characters", "error.control_characters"},
		"broken encoding": {"a\xff", false, "error.control_characters", "error.control_characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := key(func(f *fault.Checker) { f.Line("name", tc.value, 5, tc.required) })
			text := key(func(f *fault.Checker) { f.Text("name", tc.value, 5, tc.required) })
			if line != tc.line || text != tc.text {
				t.Errorf("line %q, text %q; want %q, %q", line, text, tc.line, tc.text)
			}
		})
	}
}

func TestChecker(t *testing.T) {
	t.Parallel()
	var f fault.Checker
	if err := f.Err(); err != nil {
		t.Fatalf("an empty checker returned %v", err)
	}
	f.Add("name", "error.required")
	f.Add("hold_seconds", "error.range", "min", 0, "max", 600)

	var e *fault.Error
	if !errors.As(f.Err(), &e) {
		t.Fatalf("Err() = %T, want *fault.Error", f.Err())
	}
	if e.Code != fault.Invalid || e.Key != fault.InvalidInput {
		t.Errorf("code, key = %q, %q", e.Code, e.Key)
	}
	want := []fault.Field{
		{Name: "name", Key: "error.required"},
		{Name: "hold_seconds", Key: "error.range", Args: []any{"min", 0, "max", 600}},
	}
	if !reflect.DeepEqual(e.Fields, want) {
		t.Errorf("Fields = %v, want %v", e.Fields, want)
	}
}
