// Package static is the files that browsers load: the style sheet, the script
// and the icons. They are built into the program and served under addresses
// that carry a hash of their content, so that a browser may keep them for ever
// and still never shows an old one.
package static
