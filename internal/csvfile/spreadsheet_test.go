package csvfile_test

import (
	"testing"

	"zahlwerk/internal/csvfile"
)

func TestHarmless(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "Max Muster": "Max Muster", "a=b": "a=b", " =1": " =1",
		"=1+1": "'=1+1", `=HYPERLINK("x")`: `'=HYPERLINK("x")`, "+49 821 1": "'+49 821 1", "@SUM(A1)": "'@SUM(A1)", "＝1+1": "'＝1+1",
		"\tx": "'\tx", "\rx": "'\rx", "\n=1": "'\n=1", "-": "'-", "--1": "'--1", "-1+cmd|'/c calc'!A1": "'-1+cmd|'/c calc'!A1", "-a": "'-a",
		"-5": "-5", "-5.00": "-5.00", "-1.234,56": "-1.234,56", "-5,00 x": "'-5,00 x", "-5\n=1": "'-5\n=1", "+5": "'+5", "5": "5",
	} {
		if got := csvfile.Harmless(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
}
