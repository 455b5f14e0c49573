package klarnasandbox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Extra is something that Klarna books into a payout by itself. Type and Amount are needed;
// the type may be one that Klarna's specification does not have.
type Extra struct {
	MerchantID        string    `json:"merchant_id"` // the order's, or the first merchant's if empty
	Currency          string    `json:"currency_code"`
	Type              string    `json:"type"`
	DetailedType      string    `json:"detailed_type"`
	Amount            int64     `json:"amount"`
	OrderID           string    `json:"order_id"` // one that the merchant does not know if empty
	Comment           string    `json:"klarna_comment"`
	ReversalReference string    `json:"reversal_reference"`
	Weeks             int       `json:"weeks"` // how much later than the next payday
	At                time.Time `json:"at"`    // now
	Due               time.Time `json:"due"`   // its payday, set by AddExtra
}

// AddExtra books something into the next payout of a merchant, or a later one, and returns it
// with its payday. The error is an *Error with the names of the fields that make no sense.
func (s *Sandbox) AddExtra(e Extra) (Extra, error) {
	e.OrderID, e.Currency = strings.ToLower(strings.TrimSpace(e.OrderID)), strings.ToUpper(e.Currency)
	currency := registrationCurrency
	if o := s.orders.find(e.OrderID); o != nil {
		currency = o.PurchaseCurrency
		e.MerchantID = cmp.Or(e.MerchantID, o.MerchantID)
	}
	e.Currency, e.OrderID = cmp.Or(e.Currency, currency), cmp.Or(e.OrderID, uuid.NewString())
	e.MerchantID = s.merchantOr(e.MerchantID)
	if err := s.knowsMerchant(e.MerchantID); err != nil {
		return Extra{}, err
	}
	if bad := e.badFields(); len(bad) > 0 {
		return Extra{}, badValue(bad...)
	}
	s.settlePayouts()
	s.payouts.mu.Lock()
	defer s.payouts.mu.Unlock()
	l := s.payouts.ledgers[e.MerchantID]
	e.At = s.Now().Truncate(time.Second)
	e.Due = l.terms.nextPayday(l.made).Add(week * time.Duration(e.Weeks))
	s.payouts.extras = append(s.payouts.extras, e)
	return e, nil
}

func (e *Extra) badFields() badFields {
	var bad badFields
	bad.check("type", isName(e.Type))
	bad.check("detailed_type", e.DetailedType == "" || isName(e.DetailedType))
	bad.check("amount", e.Amount != 0 && (e.Amount > 0 || e.Type == TypeCorrection))
	bad.check("currency_code", isLetters(e.Currency, 3))
	bad.check("order_id", isUUID(e.OrderID))
	bad.check("klarna_comment", len(e.Comment) <= 255)
	bad.check("reversal_reference", len(e.ReversalReference) <= 255)
	bad.check("weeks", e.Weeks >= 0 && e.Weeks <= 520)
	return bad
}

// isName says whether the text could be a type of Klarna's: capitals, digits and underscores.
func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// Extras returns what was booked and is in no payout yet, in the order in which it was.
func (s *Sandbox) Extras() []Extra {
	s.settlePayouts()
	s.payouts.mu.Lock()
	defer s.payouts.mu.Unlock()
	return slices.Clone(s.payouts.extras)
}

// line is the transaction of the extra; o is its order, nil if the sandbox does not know it.
func (e *Extra) line(o *order) Transaction {
	t := Transaction{OrderID: e.OrderID, PurchaseCountry: "DE", SaleDate: e.At}
	if o != nil && o.MerchantID == e.MerchantID {
		o.mu.Lock()
		t = o.transaction()
		o.mu.Unlock()
	}
	t.Type, t.DetailedType, t.Amount, t.CurrencyCode, t.CaptureDate = e.Type, e.DetailedType, e.Amount, e.Currency, e.At
	t.Comment, t.ReversalReference = e.Comment, e.ReversalReference
	return t
}
