// Package auth knows the people and the machines that may come in: users with their
// roles, log-ins that the server can end, API tokens with their scopes, and the link
// with which the first admin is made.
//
// What is secret is kept as a hash only: passwords by argon2id, the tokens of log-ins,
// of the API and of the first set-up — random, so nothing slower is needed — by
// SHA-256. What may be done is one table, see [Permission].
//
// Guessing is slowed down in the database, so that it is slow on all instances
// together. Changes to users and tokens are in the settings' log ([audit.Trail]);
// log-ins are not: the last one stands at the user, failures are counters.
//
// It must not know HTTP: cookies, headers and the name of the form's fields are web's
// (the field names in its errors are those of the forms).
package auth
