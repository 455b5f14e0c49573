// Package secretbox keeps secrets (passwords for Klarna, tokens) unreadable in
// the database and out of everything that people or logs see.
//
// A [Box] holds the key of one installation, read from a file that only the
// operator has. It seals a secret together with a context, the place where it
// belongs ("payment_method:3:password"), so that a sealed value moved to
// another row no longer opens. A [Secret] is an opened one: it prints as dots
// wherever it turns up, and only [Secret.Reveal] gives it away.
//
// The package knows no database and no configuration; losing the key file means
// that every secret has to be typed in again.
package secretbox
