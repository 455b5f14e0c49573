// Package views is the HTML of Zahlwerk: the frame of a page, the components
// that pages are made of, and a file per screen.
//
// A template takes ready data. It asks no database and no clock, and decides
// nothing about money or Klarna; it only says, in the reader's language, what
// it was given. Every page embeds [Page] and wraps itself in Layout. The form
// of a screen is a struct beside its template, so that the binder, the template
// and the errors share one list of field names.
//
// There is no inline style or script anywhere: the Content-Security-Policy
// forbids both. What JavaScript adds is asked for by data attributes and lives
// in static/app.js; every page works without it.
package views

//go:generate go tool templ generate
