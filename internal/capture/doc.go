// Package capture is the conversation in which we tell Klarna that a delivery note has
// left (a capture, whereupon Klarna charges the customer) and which parcels it went in.
//
// One delivery note is one row of captures, and the row is the job, the truth and the
// record. Three pure steps carry the rules, all table-tested and none with a database,
// a network or a clock:
//
//	decide   what is to be done with a row as it stands: nothing, wait, read, send
//	judge    what a reading of the order at Klarna means for it
//	absorb   what an answer of Klarna, or none, means for an attempt
//
// A Pusher carries them out. Whatever is sent was stored before: a random idempotency
// key, the exact bytes, the target, the parcels — in the transaction that makes the row
// sending. Every retry sends these same bytes under this same key, for as long as Klarna
// remembers the key; after that we read and compare before anything is sent anew. So
// whatever is lost, cut off or killed, each delivery note is captured once: never
// twice, never not at all.
package capture
