// Package i18n is what Zahlwerk says, in German and in English.
//
// A text has a dotted key ("orders.title"). The texts lie in message files by
// area and language, messages/<area>.<language>.toml, all of which are built
// into the program. The reader's language travels in the context, and [T]
// renders a key in it.
//
// It must not know who the reader is or where the language came from.
package i18n
