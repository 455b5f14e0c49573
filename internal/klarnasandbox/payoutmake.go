package klarnasandbox

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// NewPayout is a payout made by hand, as odd as it is wanted: nothing has to add up, and types
// need not be Klarna's. It leaves the merchant's debt as it is.
type NewPayout struct {
	MerchantID       string    `json:"merchant_id"`              // the first merchant if empty
	PaymentReference string    `json:"payment_reference"`        // a random one if empty
	PayoutDate       time.Time `json:"payout_date"`              // now if zero; it shows once that has come
	Currency         string    `json:"currency_code"`            // EUR if empty
	SettlementType   string    `json:"merchant_settlement_type"` // NET if empty
	// Totals are those of Transactions if nil.
	Totals *Totals `json:"totals"`
	// Transactions are told as they are here, their order, currency, country and dates filled in
	// if empty.
	Transactions []Transaction `json:"transactions"`
}

var referenceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// CreatePayout makes a payout. The error is an *Error: BAD_VALUE with the names of the fields,
// or CONFLICT for a reference that is taken.
func (s *Sandbox) CreatePayout(n NewPayout) (Payout, error) {
	n.MerchantID = s.merchantOr(n.MerchantID)
	n.Currency = cmp.Or(strings.ToUpper(n.Currency), registrationCurrency)
	n.SettlementType = cmp.Or(n.SettlementType, SettlementNet)
	if err := s.knowsMerchant(n.MerchantID); err != nil {
		return Payout{}, err
	}
	if n.PayoutDate.IsZero() {
		n.PayoutDate = s.Now()
	}
	if bad := n.badFields(); len(bad) > 0 {
		return Payout{}, badValue(bad...)
	}
	n.PayoutDate = n.PayoutDate.UTC().Truncate(time.Second)
	all := n.lines()
	totals := all.totals().settled()
	if n.Totals != nil {
		totals = *n.Totals
	}
	p := account{n.MerchantID, n.Currency}.payout(n.PayoutDate, n.SettlementType, totals, all)
	p.PaymentReference = n.PaymentReference
	s.payouts.mu.Lock()
	defer s.payouts.mu.Unlock()
	if !s.payouts.add(p) {
		return Payout{}, referenceTaken(p.PaymentReference)
	}
	return p.Payout, nil
}

func referenceTaken(reference string) *Error {
	return &Error{Status: http.StatusConflict, Code: CodeConflict, Messages: []string{"The payment reference " + reference + " exists already."}}
}

func (n *NewPayout) badFields() badFields {
	var bad badFields
	bad.check("payment_reference", n.PaymentReference == "" || referenceForm.MatchString(n.PaymentReference))
	bad.check("currency_code", isLetters(n.Currency, 3))
	bad.check("merchant_settlement_type", isName(n.SettlementType))
	return bad
}

// lines are the transactions with what each has to have.
func (n *NewPayout) lines() keptLines {
	all := keptLines(slices.Clone(n.Transactions))
	for i := range all {
		t := &all[i]
		t.OrderID = cmp.Or(strings.ToLower(t.OrderID), uuid.NewString())
		t.CurrencyCode = cmp.Or(t.CurrencyCode, n.Currency)
		t.PurchaseCountry = cmp.Or(t.PurchaseCountry, "DE")
		if t.CaptureDate.IsZero() {
			t.CaptureDate = n.PayoutDate.Add(-week)
		}
		if t.SaleDate.IsZero() {
			t.SaleDate = t.CaptureDate
		}
		t.CaptureDate, t.SaleDate = t.CaptureDate.UTC(), t.SaleDate.UTC()
	}
	return all
}

// appear makes a small payout now, as one that comes while somebody reads page after page.
func (s *Sandbox) appear(merchant string) {
	now, terms := s.Now().Truncate(time.Second), s.Terms(merchant)
	sale := Transaction{Type: TypeSale, DetailedType: "PURCHASE", Amount: 1999, CurrencyCode: registrationCurrency,
		OrderID: uuid.NewString(), CaptureID: uuid.NewString(), PurchaseCountry: "DE", SaleDate: now, CaptureDate: now}
	all := append([]Transaction{sale}, feeLines(sale, &terms)...)
	if _, err := s.CreatePayout(NewPayout{MerchantID: merchant, Transactions: all}); err != nil {
		panic(err) // all of it is ours
	}
}
