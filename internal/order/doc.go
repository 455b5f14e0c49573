// Package order holds the merchant's orders (Aufträge) and what leaves for them:
// delivery notes (Lieferscheine), parcels (Pakete) and the protocol (Protokoll).
//
// It knows the rules that need nobody else: what a valid order is, how its discounts
// are spread, what a part of it costs, what its lights show, what a file of orders says.
// It does not know how Klarna is told; capture keeps the column feedback through
// SetFeedback.
package order
