// Package csvfile reads tables from CSV files as shops, carriers and spreadsheets write
// them: it finds out the encoding, the delimiter and the header, and says by line and
// column what can't be read. It does not know what the columns mean.
package csvfile
