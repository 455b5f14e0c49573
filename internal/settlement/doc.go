// Package settlement is the conversation in which Klarna tells what it paid out: live
// imports and files bring payouts with their lines, each payout is explained to the cent,
// and the lines are tied to orders and captures.
//
// An [ImportRun] is a row that is worked on. Pages of Klarna's lists go into a staging
// table first; a payout gets its lines from there when all of them were read. A line has
// no id at Klarna, so that it is known by a hash of what it is and a number among equals:
// whatever window is imported again, there is one copy of each.
package settlement
