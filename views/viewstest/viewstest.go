package viewstest

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
)

// Render returns the HTML of a component.
func Render(t testing.TB, ctx context.Context, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil {
		t.Fatalf("rendering: %v", err)
	}
	return b.String()
}

// Check reports everything that is wrong with a whole page.
func Check(t testing.TB, page string) {
	t.Helper()
	for _, problem := range PageProblems(page) {
		t.Error(problem)
	}
}

// CheckFragment reports everything that is wrong with a part of a page, such as
// an unfolded row.
func CheckFragment(t testing.TB, fragment string) {
	t.Helper()
	for _, problem := range Problems(fragment) {
		t.Error(problem)
	}
}

// PageProblems returns what is wrong with a whole page.
func PageProblems(page string) []string {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	return append(Problems(page), frame(doc)...)
}

// Problems returns what is wrong with a part of a page or a whole one.
func Problems(html string) []string {
	// A parser repairs what is nested wrongly, so that is looked for first.
	problems := nesting(html)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		return append(problems, err.Error())
	}
	for _, check := range []func(*goquery.Document) []string{
		inline, ids, references, controls, names, headings, tables, forms, links, icons,
	} {
		problems = append(problems, check(doc)...)
	}
	return problems
}
