// Package api is the JSON API, /api/v1: the same services as the pages, for shops and
// other machines that come with a token. operations.go says in one table what there is
// and who may do it; problem.go turns every error, the library's too, into a problem
// document (RFC 9457) in the language of its reader. It holds no rules of its own, and
// knows no cookies: a person's session opens nothing here.
package api
