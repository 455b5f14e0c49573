// Package fault is the one error type with which the merchant's packages say
// what went wrong in a way that both machines and people can use: a [Code] for
// the machine, the key of a message for the person, and the internal cause for
// the log.
//
// It knows neither HTTP nor any language. The web turns codes into statuses,
// i18n turns keys and arguments into sentences. An error that is not an
// [*Error] is an accident and counts as [Internal].
package fault
