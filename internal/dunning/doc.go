// Package dunning knows the open items (Offene Posten): invoices that nobody has paid
// yet, when they are due, and which reminders (Mahnungen) went out. What Klarna or
// somebody else pays for never becomes an open item, nor does an order that has no
// invoice. It sends nothing: a reminder is a paper, which package document makes.
package dunning
