// Package work runs rows that are work. A row in its own table says what is to be
// done: due_at (NULL = nothing), lease_until and lease_token (who has it). There is no
// second queue beside it: the row is the job, the truth and the record.
//
// A Runner claims due rows with one statement, hands them to a bounded number of
// goroutines and is woken right after the commit that made a row due; a poll every
// second is the net beneath. A worker writes what it learnt only while its lease is
// its own (Claim.Mine), and says when the row is due again, in the same transaction
// (Claim.Finish). Work that is cut off leaves its row as it was, to be taken up again.
//
// A queue may name a lock: of the rows with the same lock at most one is worked on at a
// time, over all instances.
package work
