package bookkeeping

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"zahlwerk/internal/i18n"
	"zahlwerk/internal/klarna"
)

// decimal writes minor units as a number with a sign and a decimal point, or comma.
func decimal(minor int64, digits int, point byte) string {
	sign, magnitude := "", uint64(minor)
	if minor < 0 {
		sign, magnitude = "-", -magnitude
	}
	s := strconv.FormatUint(magnitude, 10)
	if missing := digits + 1 - len(s); missing > 0 {
		s = strings.Repeat("0", missing) + s
	}
	if digits == 0 {
		return sign + s
	}
	return sign + s[:len(s)-digits] + string(point) + s[len(s)-digits:]
}

// abs is an amount without its sign.
func abs(amount int64) int64 { return max(amount, -amount) }

// texts are the words of an export, in the language of the settings.
type texts struct {
	ctx   context.Context
	kinds map[Kind]string
}

func newTexts(lang string) *texts {
	return &texts{ctx: i18n.WithLanguage(context.Background(), lang), kinds: map[Kind]string{}}
}

func (t *texts) word(key string) string { return i18n.T(t.ctx, key) }

// kind is what a posting is about, in words.
func (t *texts) kind(k Kind, typ klarna.TransactionType) string {
	text, ok := t.kinds[k]
	if !ok {
		text = i18n.T(t.ctx, "bookkeeping.posting."+string(k))
		t.kinds[k] = text
	}
	if k == kindUnknown && typ != "" {
		return text + " " + plain(string(typ))
	}
	return text
}

// posting is the text of a posting: what it is, the payout, and the order.
func (t *texts) posting(p *posting) string {
	text := t.kind(p.Kind, p.Type) + " " + plain(p.Payout.PaymentReference)
	if o := p.order(); o != "" {
		text += " " + plain(o)
	}
	return text
}

// plain makes a foreign text one line without odd blanks.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// cut shortens a text to at most n characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// spelled replaces what a set of characters does not have: umlauts by their spelling,
// everything else by a point.
func spelled(s string, ok func(r rune) bool) string {
	var b strings.Builder
	for _, r := range plain(s) {
		if ok(r) {
			b.WriteRune(r)
		} else if spelling := umlauts[r]; spelling != "" {
			b.WriteString(spelling)
		} else {
			b.WriteByte('.')
		}
	}
	return b.String()
}

var umlauts = map[rune]string{'ä': "ae", 'ö': "oe", 'ü': "ue", 'Ä': "Ae", 'Ö': "Oe", 'Ü': "Ue", 'ß': "ss", '€': "EUR", '§': "Par."}
