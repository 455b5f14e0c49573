// Package dunning knows the open items (Offene Posten): invoices that nobody has paid
// yet, when they are due, and which reminders (Mahnungen) went out. What Klarna or
// somebody else pays for never becomes an open item.
package dunning
