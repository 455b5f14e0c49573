package csvfile

import (
	"regexp"
	"strings"
)

// ByteOrderMark at the beginning of a file tells spreadsheets that it is UTF-8.
const ByteOrderMark = "\ufeff"

var plainNumber = regexp.MustCompile(`^-[0-9]+([.,][0-9]+)*$`)

// Harmless is a cell that a spreadsheet does not run as a formula: what a customer or a
// shop wrote is text, whatever it begins with. A negative number is one.
// https://owasp.org/www-community/attacks/CSV_Injection
func Harmless(cell string) string {
	if strings.IndexAny(cell, "=+-@＝＋－＠\t\r\n") != 0 || plainNumber.MatchString(cell) {
		return cell
	}
	return "'" + cell
}
