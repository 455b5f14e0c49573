// Package bookkeeping writes what Klarna paid out in the forms that German bookkeeping
// takes: postings as CSV, a DATEV booking batch (EXTF), a bank statement as CAMT.053 or
// MT940, and the fees as base of the reverse charge (§ 13b UStG).
//
// # Postings
//
// Klarna is an account of its own, the clearing account (Verrechnungskonto). A line that
// adds to a payout is its debit (Soll), with the account of the line's type against it; one
// that takes away is its credit (Haben). What the lines of a payout lack of its settlement
// is posted with its reason. These come to the settlement, to the cent; the last posting of
// a payout moves that to the bank's transit account, so that each payout leaves 0 behind.
// They can be made per line, per type, or as the payout alone ([Way]). A posting of
// nothing is none. A payout belongs to the day of its date where the merchant works.
//
// What a payout without fees ([klarna.SettledGross]) lacks because the fees are invoiced
// apart goes back to the account of the fees: they count once, with the invoice.
//
// Nothing is summed across currencies: there is a file for each. Texts never hold a name,
// an address or what Klarna commented.
//
// # The same again
//
// A file holds nothing of the moment in which it is made, and nothing of the person: texts
// are in the language of the settings, and where a form asks when a file was made, it
// gets the date of the newest payout in it. Payouts come by date and reference, their lines
// by type, by whether they have an order, and in Klarna's order. So the same period gives
// the same bytes as long as its payouts, their orders and the settings stay.
//
// # Libraries
//
// None of those for Go fits. github.com/moov-io/iso20022 has types of CAMT.053, but makes
// the whole document in memory, where there may be a million entries; it does bring ISO's
// schema, which the tests read. What there is for DATEV and MT940 only reads, or writes a
// part of the columns. The forms are a header and a line, written here by the standard
// library's encoders.
package bookkeeping
