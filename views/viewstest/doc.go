// Package viewstest checks rendered HTML for what every page of Zahlwerk has to
// keep: everything labelled, ids unique and known, nothing inline, headings and
// tables in order. It knows HTML, but no screen.
package viewstest
