// Package document makes the papers of a shipping day (delivery notes, invoices, parcel
// labels, pick lists, reminders) as PDF, and keeps them as they were first printed: a
// reprint gives the same bytes. It knows the company that they are from, and holds the
// number range of invoices. It does not know when a paper is due.
//
// A paper is drawn from rows that do not change any more, and its dates are its own,
// never those of the printing. What is kept is the PDF itself (archive.go), because new
// company data, a new logo or a new version of this program must not change what a
// customer was sent. Pick lists are for the hall and not kept.
//
// Pages are drawn with codeberg.org/go-pdf/fpdf, the kept continuation of gofpdf: it
// places to the millimetre, as the window of an envelope asks for, embeds the letters of
// a TrueType font that are used, and gives the same bytes for the same page. Frameworks
// above it (maroto) give a grid instead, which papers by DIN 5008 do not follow. The font
// is Liberation Sans (SIL Open Font License), which writes every name in Latin, Greek and
// Cyrillic letters and takes as much room as Arial. Bars come from
// github.com/boombuler/barcode and are drawn as areas, sharp at every resolution.
// github.com/pdfcpu/pdfcpu puts kept papers together into one file without drawing them
// again.
package document
