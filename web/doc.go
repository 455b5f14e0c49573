// Package web speaks HTTP: it binds forms, asks the services, and renders pages of
// views. The route table in routes.go says who may do what; every handler returns an
// error or renders, and errors.go turns errors into pages. It holds no rules of its own.
package web
