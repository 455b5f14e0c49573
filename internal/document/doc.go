// Package document makes the papers of a shipping day (delivery notes, invoices, parcel
// labels, pick lists, reminders) as PDF, and keeps them as they were first printed: a
// reprint gives the same bytes. It knows the company that they are from, and holds the
// number range of invoices. It does not know when a paper is due.
package document
