// Package businessaccount is where the merchant's money stands before it reaches the bank:
// an account at Klarna whose payouts are fetched, or another one that files are imported
// for. It reads the access data that an admin types as text, keeps them sealed, and opens
// Klarna's Settlements API with them.
package businessaccount
