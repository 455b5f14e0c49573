// Package csvfile reads tables from CSV files as shops, carriers and spreadsheets write
// them: it finds out the encoding, the delimiter and the header, and says by line and
// column what can't be read. It does not know what the columns mean.
//
// Records are parsed by encoding/csv, which streams, knows the line of each field also
// behind quoted line breaks, and goes on after a record that it can't read. A library
// that binds records to structs would be in the way: each cell that is wrong is named by
// its line and its column, and columns go by several names. The encoding is one of four
// that a look at the bytes tells apart for certain or nearly so; statistics as of
// ICU's detector, which guesses among dozens, are worse at these four.
//
// Nothing is ever decompressed, and no more than one record is held in memory.
//
// Who writes tables finds here what spreadsheets need: ByteOrderMark and Harmless.
package csvfile
