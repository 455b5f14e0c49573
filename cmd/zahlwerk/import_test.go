package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zahlwerk/internal/klarnasandbox"
)

// Orders come in from a file beside a running serve, each with a line of result; the same
// file again changes nothing.
func TestImportOrders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, klarna := klarnaServer(t, klarnasandbox.Options{})
	s.env = append(s.env, "ZAHLWERK_KLARNA_URL="+klarna)
	_, m := s.ready()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "orders.csv")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const head = "Auftragsnummer;Zahlungsweise;Kunde;Artikel;Menge;Einzelpreis;Lager\n"
	good := head + "C-1;klarna;Eva Groß;Tasse;2;12,50;x\nC-1;;;Versand;1;4,90;\nC-2;klarna;Max;Teller;1;1.234,00;\n"
	for _, tc := range []struct {
		name, content  string
		exit           int
		stdout, stderr []string
	}{
		{"new", good, 0, []string{"line 2\tC-1\tcreated", "line 4\tC-2\tcreated"}, []string{"Columns that mean nothing here: Lager", "2 created, 0 unchanged, 0 refused."}},
		{"again", good, 0, []string{"line 2\tC-1\tunchanged", "line 4\tC-2\tunchanged"}, []string{"0 created, 2 unchanged, 0 refused."}},
		{"some refused", head + "C-3;cheque;Eva;Tasse;1;1,00;\nC-4;klarna;Eva;Tasse;1;1,00;\n;klarna;Eva;Tasse;1;1,00;\nC-2;klarna;Max;Teller;1;9,99;\n", 1,
			[]string{"line 2\tC-3\trefused\tLine 2, column “Zahlungsweise”: ", "line 3\tC-4\tcreated", "line 4\t-\trefused\tLine 4, column “Auftragsnummer”: ",
				"line 5\tC-2\trefused\tLine 5, column “Auftragsnummer”: "},
			[]string{"1 created, 0 unchanged, 3 refused.", "3 of the orders in orders.csv were refused"}},
		{"no table", "PK\x03\x04", 1, nil, []string{"packed file"}},
		{"empty", "", 1, nil, []string{"empty"}},
	} {
		stdout, stderr, exit := s.run("", "import", "orders", file(tc.content))
		lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
		if stdout == "" {
			lines = nil
		}
		ok := exit == tc.exit && len(lines) == len(tc.stdout)
		for i := range tc.stdout {
			ok = ok && strings.HasPrefix(lines[i], tc.stdout[i])
		}
		for _, want := range tc.stderr {
			ok = ok && strings.Contains(stderr, want)
		}
		if !ok {
			t.Errorf("%s: exit %d\n%s%s", tc.name, exit, stdout, stderr)
		}
	}
	if o := m.order("C-1"); o.Status != "released" {
		t.Errorf("%+v", o)
	}
	for _, args := range [][]string{{"import"}, {"import", "orders"}, {"import", "orders", filepath.Join(t.TempDir(), "none.csv")}, {"import", "orders", t.TempDir()}} {
		if stdout, stderr, exit := s.run("", args...); exit != 2 || stdout != "" && !strings.Contains(stdout+stderr, "Usage") {
			t.Errorf("%q: exit %d\n%s%s", args, exit, stdout, stderr)
		}
	}
}
