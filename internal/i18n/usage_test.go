package i18n_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"zahlwerk/internal/i18n"
)

// TestTextsFitTheProgram reads the sources and the message files side by side:
// no key may be missing in a language, be used without existing, exist without
// being used, or be given other placeholders than its text has.
func TestTextsFitTheProgram(t *testing.T) {
	t.Parallel()
	uses := newUses()
	if err := uses.readModule("../.."); err != nil {
		t.Fatal(err)
	}
	if len(uses.calls) < 50 {
		t.Fatalf("found %d calls; does the search still fit the sources?", len(uses.calls))
	}
	for _, problem := range problems(i18n.Texts(), uses) {
		t.Error(problem)
	}
}

// texts is every form of every text by language and key.
type texts map[string]map[string][]string

// problems compares what there is with what is used.
func problems(all texts, u *uses) []string {
	found := languageProblems(all)
	keys := all[i18n.Default]
	for key := range keys {
		if !u.used(key) {
			found = append(found, fmt.Sprintf("%s: nothing uses it", key))
		}
	}
	for _, c := range u.calls {
		found = append(found, c.problems(keys)...)
	}
	slices.Sort(found)
	return found
}

func languageProblems(all texts) []string {
	var found []string
	for lang, keys := range all {
		for key, forms := range keys {
			for other := range all {
				if _, ok := all[other][key]; !ok {
					found = append(found, fmt.Sprintf("%s: stands in %s, not in %s", key, lang, other))
				} else if a, b := placeholders(forms), placeholders(all[other][key]); lang < other && !slices.Equal(a, b) {
					found = append(found, fmt.Sprintf("%s: placeholders %v in %s, %v in %s", key, a, lang, b, other))
				}
			}
		}
	}
	return found
}

var placeholder = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

// placeholders returns the names in the forms of a text, sorted. The count that
// chose the plural need not be said in every form.
func placeholders(forms []string) []string {
	var names []string
	for _, form := range forms {
		for _, m := range placeholder.FindAllStringSubmatch(form, -1) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// uses is what the sources say about keys.
type uses struct {
	literals map[string]bool
	prefixes map[string]bool
	calls    []call
}

// call is a place where a key is handed over as a literal.
type call struct {
	at     token.Position
	key    string
	prefix bool     // something is added to the literal
	given  []string // names of the arguments
	open   bool     // the names can't be told from the source
}

func newUses() *uses { return &uses{literals: map[string]bool{}, prefixes: map[string]bool{}} }

func (u *uses) used(key string) bool {
	if u.literals[key] {
		return true
	}
	for i := range len(key) {
		if u.prefixes[key[:i+1]] {
			return true
		}
	}
	return false
}

// readModule reads every source that becomes part of the program. Templates are
// read as the Go that they were turned into.
func (u *uses) readModule(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return u.read(path, string(source))
	})
}

func (u *uses) read(path, source string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			u.literal(n)
		case *ast.CallExpr:
			u.call(files, n)
		}
		return true
	})
	return nil
}

var (
	keyPattern    = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
	prefixPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\.([a-z0-9_]*_)?$`)
)

func (u *uses) literal(lit *ast.BasicLit) {
	s, ok := stringOf(lit)
	if !ok {
		return
	}
	u.literals[s] = true
	if prefixPattern.MatchString(s) {
		u.prefixes[s] = true
	}
}

// keyArgument is at which argument the functions that take keys take them.
var keyArgument = map[string]int{"i18n.T": 1, "fault.New": 1, "fault.Wrap": 2}

func (u *uses) call(files *token.FileSet, n *ast.CallExpr) {
	selector, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	at, known := 1, selector.Sel.Name == "Add" // of a fault.Checker, whatever its name
	if pkg, ok := selector.X.(*ast.Ident); ok && !known {
		at, known = keyArgument[pkg.Name+"."+selector.Sel.Name]
	}
	if !known || len(n.Args) <= at {
		return
	}
	key, prefix, ok := keyOf(n.Args[at])
	if !ok || selector.Sel.Name == "Add" && !keyPattern.MatchString(key) && !prefix {
		return
	}
	c := call{at: files.Position(n.Pos()), key: key, prefix: prefix, open: n.Ellipsis.IsValid()}
	for i := at + 1; i < len(n.Args); i += 2 {
		name, ok := stringOf(n.Args[i])
		c.given, c.open = append(c.given, name), c.open || !ok
	}
	u.calls = append(u.calls, c)
}

// keyOf returns the literal that an expression is or starts with.
func keyOf(e ast.Expr) (key string, prefix, ok bool) {
	if sum, isSum := e.(*ast.BinaryExpr); isSum {
		key, _, ok = keyOf(sum.X)
		return key, true, ok
	}
	key, ok = stringOf(e)
	return key, false, ok
}

func stringOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func (c call) problems(keys map[string][]string) []string {
	if c.prefix {
		for key := range keys {
			if strings.HasPrefix(key, c.key) {
				return nil
			}
		}
		return []string{fmt.Sprintf("%s: no key starts with %q", c.at, c.key)}
	}
	forms, ok := keys[c.key]
	if !ok {
		return []string{fmt.Sprintf("%s: there is no text for %q", c.at, c.key)}
	}
	var found []string
	for _, name := range placeholders(forms) {
		if !c.open && !slices.Contains(c.given, name) {
			found = append(found, fmt.Sprintf("%s: the text of %q needs %s", c.at, c.key, name))
		}
	}
	return found
}

func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		de, en map[string][]string
		body   string
		want   string
	}{
		"fine": {
			de:   map[string][]string{"a.b": {"{{.N}}"}, "a.c": {"x"}, "d.e_f": {"x"}},
			en:   map[string][]string{"a.b": {"{{ .N }}!"}, "a.c": {"y"}, "d.e_f": {"y"}},
			body: `i18n.T(ctx, "a.b", "N", 1); x := "d.e_" + y; f.Add("name", "a.c"); h.Add("Vary", "Accept")`,
		},
		"missing in a language": {
			de: map[string][]string{"a.b": {"x"}}, en: map[string][]string{}, body: `_ = "a.b"`,
			want: "a.b: stands in de, not in en",
		},
		"unused": {
			de: map[string][]string{"a.b": {"x"}}, en: map[string][]string{"a.b": {"x"}}, body: `_ = "a.b.c"; _ = "a"`,
			want: "a.b: nothing uses it",
		},
		"placeholders differ": {
			de: map[string][]string{"a.b": {"{{.N}}"}}, en: map[string][]string{"a.b": {"{{.M}}"}}, body: `_ = "a.b"`,
			want: "a.b: placeholders [N] in de, [M] in en",
		},
		"T without a text":     {body: `i18n.T(ctx, "a.x")`, want: `there is no text for "a.x"`},
		"New without a text":   {body: `fault.New(fault.Invalid, "a.x")`, want: `there is no text for "a.x"`},
		"Wrap without a text":  {body: `fault.Wrap(err, fault.Invalid, "a.x")`, want: `there is no text for "a.x"`},
		"Add without a text":   {body: `check.Add("name", "a.x")`, want: `there is no text for "a.x"`},
		"prefix without texts": {body: `i18n.T(ctx, "a."+x+".title")`, want: `no key starts with "a."`},
		"argument left out": {
			de: map[string][]string{"a.b": {"{{.N}}"}}, en: map[string][]string{"a.b": {"{{.N}}"}},
			body: `fault.New(fault.Invalid, "a.b", "M", 1)`, want: `the text of "a.b" needs N`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUses()
			if err := u.read("x.go", "package x\nfunc f() {\n"+tt.body+"\n}"); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(problems(texts{"de": tt.de, "en": tt.en}, u), "\n")
			if got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
				t.Errorf("problems %q, want %q", got, tt.want)
			}
		})
	}
}
