package order

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// maxTerm is how much of a word is searched by, maxWords how many words of a question.
const (
	maxTerm  = 100
	maxWords = 20
)

// terms returns the words by which texts are found: in lower case, each word by
// itself and each text without its blanks (a tracking number is scanned with and
// without them).
func terms(texts ...string) []string {
	set := map[string]bool{}
	add := func(s string) {
		if r := []rune(s); len(r) > maxTerm {
			s = string(r[:maxTerm])
		}
		if s != "" {
			set[s] = true
		}
	}
	for _, t := range texts {
		found := words(t)
		for _, w := range found {
			add(w)
		}
		add(strings.Join(found, ""))
	}
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}

// words returns the words of a text, in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
}

// AddTerms makes an order findable by these texts.
func AddTerms(tx *gorm.DB, orderID int64, texts ...string) error {
	type orderTerm struct {
		Term    string
		OrderID int64
	}
	var rows []orderTerm
	for _, t := range terms(texts...) {
		rows = append(rows, orderTerm{t, orderID})
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
		return fmt.Errorf("make order %d findable: %w", orderID, err)
	}
	return nil
}

// Matching restricts a query on orders to those that q finds: every word of q, or q
// without its blanks, is the beginning of a term.
func Matching(tx *gorm.DB, q string) *gorm.DB {
	const found = "orders.id IN (SELECT order_id FROM order_terms WHERE term >= ? AND term < ?)"
	asked := words(q)
	if len(asked) == 0 {
		return tx
	}
	var conditions []string
	var args []any
	add := func(w string) {
		if r := []rune(w); len(r) > maxTerm {
			w = string(r[:maxTerm])
		}
		args = append(args, w, w+"\U0010FFFF")
	}
	for _, w := range asked[:min(len(asked), maxWords)] {
		conditions = append(conditions, found)
		add(w)
	}
	condition := strings.Join(conditions, " AND ")
	if len(asked) > 1 {
		condition = "(" + condition + ") OR " + found
		add(strings.Join(asked, ""))
	}
	return tx.Where("("+condition+")", args...)
}
