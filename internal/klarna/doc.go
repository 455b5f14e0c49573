// Package klarna speaks Klarna's Order Management and Settlements APIs: it sends
// one request and reports faithfully what came back. It decides nothing.
//
// A [Client] holds the connections; [Client.OrderManagement] and
// [Client.Settlements] turn it into the APIs of one merchant account. Every method makes exactly one HTTP call, never
// repeats it, and returns three things:
//
//   - what was asked for,
//   - the [Call], a record of the conversation without secrets and personal
//     data, also and above all when it failed,
//   - an error: [*Error] when Klarna answered with anything but success,
//     [*NoAnswer] when the outcome is unknown (time-out, cut connection, an
//     answer that can't be Klarna's), [ErrNotSent] when nothing left the house.
//
// [Classify] turns an error into the [Answer] on which the rules of a capture
// depend. Requests are sent as the bytes that the caller stored beforehand,
// with the caller's idempotency key: see [OrderManagement.Capture].
//
// The package knows no database, no order of ours, no retries and no clock of
// its own.
package klarna
