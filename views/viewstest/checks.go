package viewstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"zahlwerk/static"
)

// nesting finds forms within forms, which parsers drop silently.
func nesting(source string) []string {
	var problems []string
	tokens := html.NewTokenizer(strings.NewReader(source))
	open := false
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return problems
		}
		name, _ := tokens.TagName()
		switch {
		case string(name) != "form":
		case kind == html.EndTagToken:
			open = false
		case kind == html.StartTagToken && open:
			problems = append(problems, "a form within a form: "+string(tokens.Raw()))
		case kind == html.StartTagToken:
			open = true
		}
	}
}

// frame checks what a whole page has once.
func frame(doc *goquery.Document) []string {
	var problems []string
	if doc.Find("html").AttrOr("lang", "") == "" {
		problems = append(problems, "no language on html")
	}
	if text(doc.Find("head > title")) == "" {
		problems = append(problems, "no title")
	}
	for _, once := range []string{"main", "main h1", `meta[name="viewport"]`} {
		if n := doc.Find(once).Length(); n != 1 {
			problems = append(problems, fmt.Sprintf("%d times %s, want 1", n, once))
		}
	}
	return problems
}

// inline finds what the Content-Security-Policy would stop.
func inline(doc *goquery.Document) []string {
	var problems []string
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				problems = append(problems, "inline "+a.Key+": "+show(s))
			}
			// What was typed into a field is kept in it, however bad.
			if a.Key != "value" && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				problems = append(problems, "script in an address: "+show(s))
			}
		}
	})
	doc.Find("style, script:not([src])").Each(func(_ int, s *goquery.Selection) {
		problems = append(problems, "inline "+goquery.NodeName(s))
	})
	return problems
}

func ids(doc *goquery.Document) []string {
	var problems []string
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if id == "" || strings.ContainsAny(id, " \t\n") {
			problems = append(problems, "a bad id: "+show(s))
		}
		if seen[id] {
			problems = append(problems, "twice the id "+id)
		}
		seen[id] = true
	})
	return problems
}

// references checks that an id that is referred to exists.
func references(doc *goquery.Document) []string {
	var problems []string
	known := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { known[s.AttrOr("id", "")] = true })
	for _, attribute := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "popovertarget", "form", "list", "data-dialog"} {
		doc.Find("[" + attribute + "]").Each(func(_ int, s *goquery.Selection) {
			for id := range strings.FieldsSeq(s.AttrOr(attribute, "")) {
				if !known[id] {
					problems = append(problems, fmt.Sprintf("%s of %s refers to an unknown id", attribute, show(s)))
				}
			}
		})
	}
	doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
		if !known[s.AttrOr("href", "")[1:]] {
			problems = append(problems, "a link into nothing: "+show(s))
		}
	})
	return problems
}

// controls checks that everything that can be filled in has a label.
func controls(doc *goquery.Document) []string {
	var problems []string
	doc.Find(`input:not([type="hidden"], [type="submit"], [type="button"]), select, textarea`).Each(func(_ int, s *goquery.Selection) {
		label := s.AttrOr("aria-label", "") + text(s.Closest("label"))
		if id, ok := s.Attr("id"); ok {
			label += text(doc.Find("label").FilterFunction(func(_ int, l *goquery.Selection) bool { return l.AttrOr("for", "") == id }))
		}
		for id := range strings.FieldsSeq(s.AttrOr("aria-labelledby", "")) {
			label += text(doc.Find("[id]").FilterFunction(func(_ int, l *goquery.Selection) bool { return l.AttrOr("id", "") == id }))
		}
		if strings.TrimSpace(label) == "" {
			problems = append(problems, "no label: "+show(s))
		}
	})
	doc.Find("fieldset").Each(func(_ int, s *goquery.Selection) {
		if text(s.ChildrenFiltered("legend")) == "" {
			problems = append(problems, "no legend: "+show(s))
		}
	})
	return problems
}

// names checks that everything that can be pressed or stands as a region can be
// called by a name.
func names(doc *goquery.Document) []string {
	var problems []string
	doc.Find(`a[href], button, summary, [role="region"], [role="group"], [role="search"] button, dialog, nav, progress, img`).Each(func(_ int, s *goquery.Selection) {
		name := s.AttrOr("aria-label", "") + s.AttrOr("aria-labelledby", "") + s.AttrOr("alt", "")
		if s.Is("a, button, summary") {
			name += text(s)
		}
		if name == "" {
			problems = append(problems, "no name: "+show(s))
		}
	})
	doc.Find("a a, a button, button a, button button, label button, summary button").Each(func(_ int, s *goquery.Selection) {
		problems = append(problems, "one control within another: "+show(s))
	})
	return problems
}

// headings checks that no level is left out on the way down.
func headings(doc *goquery.Document) []string {
	var problems []string
	last := 0
	doc.Find("h1, h2, h3, h4, h5, h6").Each(func(_ int, s *goquery.Selection) {
		level, _ := strconv.Atoi(goquery.NodeName(s)[1:])
		if last > 0 && level > last+1 {
			problems = append(problems, fmt.Sprintf("h%d after h%d: %s", level, last, text(s)))
		}
		if text(s) == "" {
			problems = append(problems, "an empty heading: "+show(s))
		}
		last = level
	})
	return problems
}

// tables checks that columns have heads, and rows as many cells as heads.
func tables(doc *goquery.Document) []string {
	var problems []string
	doc.Find("table").Each(func(_ int, table *goquery.Selection) {
		if table.Find("thead th").Length() == 0 {
			problems = append(problems, "a table without heads: "+show(table))
			return
		}
		table.Find("th").Each(func(_ int, th *goquery.Selection) {
			if !slices.Contains([]string{"col", "row", "colgroup", "rowgroup"}, th.AttrOr("scope", "")) {
				problems = append(problems, "a head without a scope: "+show(th))
			}
		})
		want := width(table.Find("thead tr").First())
		table.ChildrenFiltered("tbody, tfoot").ChildrenFiltered("tr").Each(func(_ int, tr *goquery.Selection) {
			if got := width(tr); got != want {
				problems = append(problems, fmt.Sprintf("a row of %d cells in a table of %d: %s", got, want, text(tr)))
			}
		})
	})
	return problems
}

func width(tr *goquery.Selection) int {
	n := 0
	tr.ChildrenFiltered("th, td").Each(func(_ int, cell *goquery.Selection) {
		span, err := strconv.Atoi(cell.AttrOr("colspan", "1"))
		if err != nil {
			span = 1
		}
		n += span
	})
	return n
}

func forms(doc *goquery.Document) []string {
	var problems []string
	doc.Find("form").Each(func(_ int, s *goquery.Selection) {
		switch strings.ToLower(s.AttrOr("method", "")) {
		case "dialog":
		case "get", "post":
			if s.AttrOr("action", "") == "" {
				problems = append(problems, "a form without an address: "+show(s))
			}
		default:
			problems = append(problems, "a form without a method: "+show(s))
		}
		if s.Find("button:not([type=button]), input[type=submit]").Length() == 0 && s.AttrOr("role", "") != "search" &&
			s.Find("button[aria-disabled]").Length() == 0 {
			problems = append(problems, "a form that can't be sent: "+show(s))
		}
	})
	return problems
}

func links(doc *goquery.Document) []string {
	var problems []string
	doc.Find(`a[target="_blank"]`).Each(func(_ int, s *goquery.Selection) {
		if !strings.Contains(s.AttrOr("rel", ""), "noopener") {
			problems = append(problems, "a new window that can reach ours: "+show(s))
		}
	})
	return problems
}

// sprite is the ids of the icons that there are, and the file's address.
var sprite = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, static.URL("icons.svg"), nil))
	doc, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		return known
	}
	doc.Find("symbol").Each(func(_ int, s *goquery.Selection) {
		known[static.URL("icons.svg")+"#"+s.AttrOr("id", "")] = true
	})
	return known
})

// icons checks that every icon exists.
func icons(doc *goquery.Document) []string {
	var problems []string
	doc.Find("use").Each(func(_ int, s *goquery.Selection) {
		if href := s.AttrOr("href", ""); !sprite()[href] {
			problems = append(problems, "no icon "+href)
		}
	})
	return problems
}

func text(s *goquery.Selection) string {
	return strings.Join(strings.Fields(s.Text()), " ")
}

// show is the start tag of an element.
func show(s *goquery.Selection) string {
	source, err := goquery.OuterHtml(s)
	if err != nil {
		return goquery.NodeName(s)
	}
	if end := strings.IndexByte(source, '>'); end > 0 {
		source = source[:end+1]
	}
	return source
}
