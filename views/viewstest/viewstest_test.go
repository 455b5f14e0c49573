package viewstest_test

import (
	"strings"
	"testing"

	"zahlwerk/views/viewstest"
)

func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ html, want string }{
		"style attribute":     {`<p style="color:red">x</p>`, "inline style"},
		"style element":       {`<style>p{}</style>`, "inline style"},
		"handler":             {`<p onclick="x()">x</p>`, "inline onclick"},
		"script":              {`<script>x()</script>`, "inline script"},
		"script address":      {`<a href=" JavaScript:x()">x</a>`, "script in an address"},
		"id twice":            {`<p id="a"></p><p id="a"></p>`, "twice the id a"},
		"empty id":            {`<p id=""></p>`, "a bad id"},
		"label for nothing":   {`<label for="b">x</label>`, "unknown id"},
		"described by none":   {`<p aria-describedby="b"></p>`, "unknown id"},
		"dialog that is not":  {`<a href="?dialog=b" data-dialog="b">x</a>`, "unknown id"},
		"link into nothing":   {`<a href="#b">x</a>`, "a link into nothing"},
		"input":               {`<input name="a" id="a">`, "no label"},
		"empty label":         {`<label for="a"></label><input name="a" id="a">`, "no label"},
		"select":              {`<select name="a"></select>`, "no label"},
		"fieldset":            {`<fieldset></fieldset>`, "no legend"},
		"button":              {`<button><svg></svg></button>`, "no name"},
		"region":              {`<div role="region"></div>`, "no name"},
		"button in a link":    {`<a href="/"><button>x</button></a>`, "one control within another"},
		"heading left out":    {`<h1>a</h1><h3>b</h3>`, "h3 after h1"},
		"empty heading":       {`<h2></h2>`, "an empty heading"},
		"table without heads": {`<table><tr><td>x</td></tr></table>`, "a table without heads"},
		"head without scope":  {`<table><thead><tr><th>x</th></tr></thead></table>`, "without a scope"},
		"short row": {
			`<table><thead><tr><th scope="col">x</th><th scope="col">y</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>`,
			"a row of 1 cells in a table of 2",
		},
		"form in a form":      {`<form method="post" action="/a"><form method="post" action="/b"></form></form>`, "a form within a form"},
		"form without method": {`<form action="/a"><button>x</button></form>`, "without a method"},
		"form without action": {`<form method="post"><button>x</button></form>`, "without an address"},
		"form without button": {`<form method="post" action="/a"></form>`, "can't be sent"},
		"unknown icon":        {`<svg><use href="/static/icons.svg#nothing"></use></svg>`, "no icon"},
		"new window":          {`<a href="https://example.com" target="_blank">x</a>`, "a new window"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := strings.Join(viewstest.Problems(tt.html), "\n")
			if !strings.Contains(all, tt.want) {
				t.Errorf("problems %q, want one with %q", all, tt.want)
			}
		})
	}
}

func TestPageProblemsAreFound(t *testing.T) {
	t.Parallel()
	all := strings.Join(viewstest.PageProblems(`<html><body><h1>a</h1></body></html>`), "\n")
	for _, want := range []string{"no language", "no title", "0 times main,", "0 times main h1", "viewport"} {
		if !strings.Contains(all, want) {
			t.Errorf("problems %q, want one with %q", all, want)
		}
	}
}

func TestGoodFragmentHasNoProblems(t *testing.T) {
	t.Parallel()
	viewstest.CheckFragment(t, `<h3>a</h3><form method="post" action="/a"><label for="a">x</label><input id="a" name="a">
		<button>x</button></form><table><thead><tr><th scope="col">x</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>`)
}
