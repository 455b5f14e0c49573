// Package batch does many things one after the other in the background: the lines of a
// file, the orders of a selection, an autoship run. A Batch is the job; its items say
// what is to be done and, once their turn has come, what became of them.
//
// What is prepared stands as a preview until somebody starts it. A batch can be left,
// stopped and continued; it shows how far it is. An item whose turn is cut off (a crash
// between the deed and the writing down) comes again, so what a Handler does must
// change nothing the second time.
//
// It does not know what the things are: whoever does registers a Handler for a Kind.
package batch
