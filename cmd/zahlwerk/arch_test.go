package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	module = "zahlwerk"
	root   = "../.."
)

// nouns are the merchant's things.
const nouns = "paymentmethod order businessaccount carrier document dunning"

// arrows says who may import whom, and nobody anything else of ours. Names are those
// below internal, or of a top-level folder.
var arrows = map[string]string{
	"web":     "views static auth audit mail i18n " + nouns + " dispatch capture settlement bookkeeping batch csvfile work store fault money clock",
	"web/api": "views static auth audit mail i18n " + nouns + " dispatch capture settlement work store fault money clock",
	"views":   nouns + " batch csvfile dispatch capture settlement bookkeeping work auth audit fault mail i18n money static",

	"bookkeeping": "settlement businessaccount klarna order csvfile store audit i18n fault money clock",
	"settlement":  "capture businessaccount order paymentmethod klarna csvfile work store secretbox audit fault money clock",
	"dispatch":    "capture order paymentmethod carrier document mail batch csvfile work store audit i18n fault money clock",
	"capture":     "order paymentmethod klarna work store secretbox fault money clock",

	"order":           "paymentmethod batch csvfile work store audit fault money clock",
	"dunning":         "order document store audit fault money clock",
	"paymentmethod":   "klarna work store secretbox audit fault clock",
	"businessaccount": "klarna work store secretbox audit fault clock",
	"document":        "order paymentmethod store audit i18n fault money clock",
	"carrier":         "store audit fault clock",

	"mail":  "work store secretbox audit i18n fault clock",
	"auth":  "store audit secretbox fault clock",
	"audit": "store fault clock",
	"batch": "work store fault clock",
	"work":  "store clock",
	"store": "migrations fault",

	"klarna": "", "klarnasandbox": "klarna clock", "secretbox": "", "csvfile": "fault", "money": "", "fault": "", "clock": "",
	"i18n": "", "static": "", "migrations": "",

	// For tests only; see TestTestSupportStaysInTests.
	"store/storetest": "store", "mail/mailtest": "", "views/viewstest": "views i18n static",
}

// everywhere is what may import all of ours: the place that wires.
const everywhere = "cmd/zahlwerk"

// outsiders may be imported by these packages only.
var outsiders = map[string]string{
	"github.com/labstack/echo":     "web",
	"github.com/gorilla/sessions":  "web",
	"github.com/a-h/templ":         "web views views/viewstest",
	"gorm.io/driver":               "store store/storetest",
	"modernc.org/sqlite":           "store",
	"github.com/jackc/pgx":         "store",
	"github.com/pressly/goose":     "store",
	"codeberg.org/go-pdf/fpdf":     "document klarnasandbox",
	"github.com/pdfcpu/pdfcpu":     "document",
	"github.com/wneessen/go-mail":  "mail",
	"github.com/go-analyze/charts": "views",
}

// goPackage is what the go command tells about one of our packages.
type goPackage struct {
	ImportPath, Name, Dir string
	Imports               []string
	GoFiles               []string
}

// name is the package as the tables above call it.
func (p goPackage) name() string { return short(p.ImportPath) }

func short(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module+"/"), "internal/")
}

var listed = sync.OnceValues(func() ([]goPackage, error) {
	list := exec.Command("go", "list", "-json=ImportPath,Name,Dir,Imports,GoFiles", "./...")
	list.Dir = root
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		return nil, errors.Join(err, errors.New(stderr.String()))
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p goPackage
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, nil
})

func packages(t *testing.T) []goPackage {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 15 {
		t.Fatalf("only %d packages", len(all))
	}
	return all
}

func TestArrows(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.name() == everywhere {
			continue
		}
		allowed, known := arrows[p.name()]
		if !known {
			t.Errorf("%s stands in no table: say what it may import", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, module+"/") && !slices.Contains(strings.Fields(allowed), short(path)) {
				t.Errorf("%s imports %s", p.name(), short(path))
			}
		}
	}
}

// The table itself must not lead anybody back to where he came from.
func TestArrowsPointDownwards(t *testing.T) {
	t.Parallel()
	done := map[string]bool{}
	var walk func(name string, path []string)
	walk = func(name string, path []string) {
		if slices.Contains(path, name) {
			t.Errorf("in a circle: %s", strings.Join(append(path, name), " → "))
			return
		}
		if done[name] {
			return
		}
		for _, next := range strings.Fields(arrows[name]) {
			if _, known := arrows[next]; !known {
				t.Errorf("%s may import %s, which stands in no table", name, next)
			}
			walk(next, append(slices.Clone(path), name))
		}
		done[name] = true
	}
	for name := range arrows {
		walk(name, nil)
	}
}

func TestOutsidersStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			for outsider, allowed := range outsiders {
				if (path == outsider || strings.HasPrefix(path, outsider+"/")) && !slices.Contains(strings.Fields(allowed), p.name()) {
					t.Errorf("%s imports %s, which only %s may", p.name(), path, allowed)
				}
			}
		}
	}
}

func TestTestSupportStaysInTests(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			if path == "testing" && !strings.HasSuffix(p.Name, "test") || strings.HasPrefix(path, module+"/") && strings.HasSuffix(path, "test") {
				t.Errorf("%s imports %s outside its tests", p.name(), path)
			}
		}
	}
}

// Only klarna calls others over HTTP, so that each call is masked, kept and bounded.
func TestOneHTTPClient(t *testing.T) {
	t.Parallel()
	client := []string{"Client", "DefaultClient", "Transport", "DefaultTransport", "RoundTripper", "NewRequest", "NewRequestWithContext",
		"Get", "Head", "Post", "PostForm"}
	calls := 0
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			parsed := parse(t, filepath.Join(p.Dir, file), 0)
			http := importedAs(parsed, "net/http")
			ast.Inspect(parsed, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok || !slices.Contains(client, s.Sel.Name) {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok && http != "" && x.Name == http && x.Obj == nil {
					if calls++; p.name() != "klarna" {
						t.Errorf("%s/%s uses http.%s", p.name(), file, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
	if calls == 0 {
		t.Error("no HTTP client anywhere: this test looks for the wrong names")
	}
}

func parse(t *testing.T, path string, mode parser.Mode) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// importedAs is the name under which a file imports a package, "" if it does not.
func importedAs(f *ast.File, path string) string {
	for _, i := range f.Imports {
		if got, err := strconv.Unquote(i.Path.Value); err == nil && got == path {
			if i.Name != nil {
				return i.Name.Name
			}
			return path[strings.LastIndex(path, "/")+1:]
		}
	}
	return ""
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		switch p.Name {
		case "pkg", "util", "utils", "models", "services", "repository", "dto", "common", "helpers":
			t.Errorf("%s: a name that says nothing", p.ImportPath)
		}
		if base := filepath.Base(p.Dir); p.Name != base && p.Name != "main" {
			t.Errorf("package %s lies in a folder named %s", p.Name, base)
		}
		path := filepath.Join(p.Dir, "doc.go")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
			continue
		}
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.Dir) + " "
		}
		if doc := parse(t, path, parser.ParseComments).Doc.Text(); !strings.HasPrefix(doc, want) {
			t.Errorf("the comment in %s/doc.go does not begin with %q: %.60q", p.name(), want, doc)
		}
	}
}

// A file that nobody can hold in the head is to be split, by meaning.
func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	const most = 600
	for _, top := range []string{"cmd", "web", "internal", "views", "static", "migrations"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if d.IsDir() || !slices.Contains([]string{".go", ".templ", ".css", ".js", ".sql", ".toml"}, filepath.Ext(path)) {
				return nil
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if lines := bytes.Count(content, []byte("\n")); lines > most && !isGenerated(content) {
				t.Errorf("%s has %d lines, more than %d", strings.TrimPrefix(path, root+"/"), lines, most)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// isGenerated tells a file with Go's mark of generated code before its package clause.
func isGenerated(content []byte) bool {
	head, _, _ := bytes.Cut(content, []byte("\npackage "))
	return bytes.HasPrefix(head, []byte("// Code generated ")) || bytes.Contains(head, []byte("\n// Code generated "))
}

// The frame is fixed: what lies at the top is known, apart from what git ignores.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	frame := strings.Fields("cmd web internal views static migrations go.mod go.sum README.md Makefile")
	ignored, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(frame, e.Name()) && !isIgnored(string(ignored), e.Name()) {
			t.Errorf("%s does not belong to the frame", e.Name())
		}
	}
	for _, name := range frame {
		if !slices.Contains(found, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func isIgnored(gitignore, name string) bool {
	for pattern := range strings.Lines(gitignore) {
		pattern = strings.Trim(strings.TrimSpace(pattern), "/")
		if ok, err := filepath.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}
