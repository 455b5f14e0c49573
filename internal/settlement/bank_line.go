package settlement

import (
	"strings"

	"gorm.io/gorm"

	"zahlwerk/internal/money"
	"zahlwerk/internal/store"
)

// maxBankWords is how many words of a bank's line are searched by.
const maxBankWords = 20

// BankLine is what a person has of a payout: words of the line on the bank's statement.
// The zero value finds all.
type BankLine struct {
	references []string // beginnings of references
	amounts    []amount
	either     bool // the same word may be a reference or an amount
}

type amount struct {
	currency string
	minor    int64
}

// ReadBankLine reads a reference, an amount, or a whole line of the bank's statement in
// which they stand. currencies are those that an amount may be in, language how it is
// written. A word that could be both counts where nothing else does.
func ReadBankLine(text string, currencies []string, language string) BankLine {
	var sure, unsure BankLine
	words := strings.Fields(text)
	if len(amountsOf(text, currencies, language)) > 0 { // "1 234,56", "EUR 64.57"
		words = []string{strings.TrimSpace(text)}
	}
	for _, word := range words[:min(len(words), maxBankWords)] {
		if !store.Storable(word) || money.ValidCurrency(strings.ToUpper(word)) {
			continue
		}
		amounts := amountsOf(word, currencies, language)
		switch {
		case len(amounts) == 0:
			sure.references = append(sure.references, word)
		case strings.ContainsAny(word, " .,-€$£¥"):
			sure.amounts = append(sure.amounts, amounts...)
		default:
			unsure.references = append(unsure.references, word)
			unsure.amounts = append(unsure.amounts, amounts...)
		}
	}
	if len(sure.references)+len(sure.amounts) > 0 {
		return sure
	}
	unsure.either = true
	return unsure
}

func amountsOf(word string, currencies []string, language string) []amount {
	var found []amount
	for _, c := range currencies {
		if minor, err := money.Parse(word, c, language); err == nil {
			found = append(found, amount{c, minor})
		}
	}
	return found
}

func (b BankLine) apply(tx *gorm.DB) *gorm.DB {
	var references, amounts []string
	var referenceArgs, amountArgs []any
	for _, r := range b.references {
		for _, begin := range []string{r, strings.ToUpper(r)} {
			references = append(references, "payment_reference >= ? AND payment_reference < ?")
			referenceArgs = append(referenceArgs, begin, begin+"\U0010FFFF")
		}
	}
	for _, a := range b.amounts { // the bank's line has no sign, or one of its own
		amounts = append(amounts, "settlement_amount IN (?, ?) AND currency = ?")
		amountArgs = append(amountArgs, a.minor, -a.minor, a.currency)
	}
	if b.either {
		references, amounts = append(references, amounts...), nil
		referenceArgs = append(referenceArgs, amountArgs...)
	}
	if len(references) > 0 {
		tx = tx.Where("("+strings.Join(references, " OR ")+")", referenceArgs...)
	}
	if len(amounts) > 0 {
		tx = tx.Where("("+strings.Join(amounts, " OR ")+")", amountArgs...)
	}
	return tx
}
