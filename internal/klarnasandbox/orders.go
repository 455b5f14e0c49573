package klarnasandbox

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// authorizationDays is how long an order may be captured, and by how much
	// extend-authorization-time extends that; the standard of a merchant account.
	authorizationDays = 28
	// longestAuthorizationDays is how long after its creation an order can be extended.
	longestAuthorizationDays = 180
	// maxAmount is the highest amount of the API, in minor units.
	maxAmount = 200_000_000
)

// PaymentMethods are the types that initial_payment_method may have.
var PaymentMethods = []string{
	"INVOICE", "ACCOUNT", "ALTERNATIVE_PAYMENT_METHOD", "B2B_INVOICE", "BANK_TRANSFER", "BASE_ACCOUNT", "CARD",
	"DEFERRED_INTEREST", "DIRECT_DEBIT", "FIXED_AMOUNT", "FIXED_AMOUNT_BY_CARD", "FIXED_SUM_CREDIT",
	"INVOICE_BUSINESS", "MOBILEPAY", "PAY_BY_CARD", "PAY_IN_X", "PAY_LATER_BY_CARD", "PAY_LATER_IN_PARTS", "SWISH", "OTHER",
}

// NewOrder is an order as a customer places it in a shop. Only Amount, or Lines, is needed.
type NewOrder struct {
	ID                 string      `json:"order_id"`            // a UUID; a random one if empty
	Amount             int64       `json:"order_amount"`        // minor units; the sum of Lines if 0
	Currency           string      `json:"purchase_currency"`   // EUR if empty
	Country            string      `json:"purchase_country"`    // DE if empty
	Locale             string      `json:"locale"`              // de-DE or en-COUNTRY if empty
	MerchantReference1 string      `json:"merchant_reference1"` // the order's number in the shop
	MerchantReference2 string      `json:"merchant_reference2"` // the order's number in the ERP
	Lines              []OrderLine `json:"order_lines"`         // one line over Amount if empty
	PaymentMethod      string      `json:"payment_method"`      // one of PaymentMethods; INVOICE if empty
	FraudStatus        string      `json:"fraud_status"`        // ACCEPTED if empty
	CreatedAt          time.Time   `json:"created_at"`          // now if zero
	ExpiresAt          time.Time   `json:"expires_at"`          // the midnight 28 days later if zero
	BillingAddress     *Address    `json:"billing_address"`     // an invented one if nil
	ShippingAddress    *Address    `json:"shipping_address"`    // the billing address if nil
	// AutoCapture captures the whole amount at once, as Klarna does for methods that are
	// paid in advance.
	AutoCapture bool `json:"auto_capture"`
}

// order is an Order with what Klarna keeps to itself. The embedded Order's status and
// remaining amount are true only after settle.
type order struct {
	mu sync.Mutex
	Order
	cancelled, closed, released bool
	// paidCaptures and paidRefunds are how many of them are in a payout, the first ones.
	paidCaptures, paidRefunds int
}

// settle brings status and remaining amount up to date with everything else and the time.
func (o *order) settle(now time.Time) {
	open := o.OrderAmount - o.CapturedAmount
	switch {
	case o.cancelled:
		o.Status, open = StatusCancelled, 0
	case o.closed:
		o.Status, open = StatusClosed, 0
	case o.CapturedAmount > 0 && (o.released || open == 0):
		o.Status, open = StatusCaptured, 0
	case !now.Before(o.ExpiresAt):
		o.Status, open = StatusExpired, 0
	case o.CapturedAmount > 0:
		o.Status = StatusPartCaptured
	default:
		o.Status = StatusAuthorized
	}
	o.RemainingAuthorizedAmount = open
}

// snapshot returns a copy that shares nothing that changes.
func (o *order) snapshot(now time.Time) Order {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle(now)
	c := o.Order
	c.OrderLines = slices.Clone(o.OrderLines)
	c.ShippingInfo = slices.Clone(o.ShippingInfo)
	c.Refunds = slices.Clone(o.Refunds)
	c.Captures = slices.Clone(o.Captures)
	for i := range c.Captures {
		c.Captures[i].ShippingInfo = slices.Clone(c.Captures[i].ShippingInfo)
	}
	return c
}

// findCapture returns the order's capture, nil if it has none of that id.
func (o *order) findCapture(id string) *Capture {
	for i := range o.Captures {
		if strings.EqualFold(o.Captures[i].ID, id) {
			return &o.Captures[i]
		}
	}
	return nil
}

// orderBook holds all orders. Its lock covers the book only; each order has its own.
type orderBook struct {
	mu   sync.RWMutex
	byID map[string]*order
	list []*order // oldest first
	refs map[string]bool
}

func (b *orderBook) find(id string) *order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.byID[strings.ToLower(id)]
}

func (b *orderBook) all() []*order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.list[:len(b.list):len(b.list)]
}

// add puts o in the book under a Klarna reference of its own; false if its id is taken.
func (b *orderBook) add(o *order) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID == nil {
		b.byID, b.refs = map[string]*order{}, map[string]bool{}
	}
	if b.byID[o.ID] != nil {
		return false
	}
	for o.KlarnaReference == "" || b.refs[o.KlarnaReference] {
		o.KlarnaReference = "K" + rand.Text()[:6]
		for i := range o.Captures {
			o.Captures[i].KlarnaReference = captureReference(o, i)
		}
	}
	b.refs[o.KlarnaReference] = true
	b.byID[o.ID] = o
	b.list = append(b.list, o)
	return true
}

// CreateOrder places an order with a merchant, the first one if merchantID is empty. The
// error is an *Error: BAD_VALUE with the names of the fields, or CONFLICT for an id that is
// taken.
func (s *Sandbox) CreateOrder(merchantID string, n NewOrder) (Order, error) {
	if merchantID == "" {
		merchantID = s.merchants[0].ID
	}
	if err := s.knowsMerchant(merchantID); err != nil {
		return Order{}, err
	}
	now := s.Now()
	n = n.withDefaults(now)
	if bad := n.badFields(); len(bad) > 0 {
		return Order{}, badValue(bad...)
	}
	o := &order{Order: n.order(merchantID)}
	if n.AutoCapture {
		o.settle(now)
		if _, err := o.capture(now, captureInput{Amount: n.Amount, OrderLines: n.Lines}); err != nil {
			return Order{}, err
		}
	}
	if !s.orders.add(o) {
		return Order{}, &Error{Status: http.StatusConflict, Code: CodeConflict,
			Messages: []string{"An order with this id exists already."}}
	}
	return o.snapshot(now), nil
}

func (n NewOrder) withDefaults(now time.Time) NewOrder {
	defaults := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	defaults(&n.ID, uuid.NewString())
	defaults(&n.Currency, "EUR")
	defaults(&n.Country, "DE")
	n.ID, n.Currency, n.Country = strings.ToLower(n.ID), strings.ToUpper(n.Currency), strings.ToUpper(n.Country)
	if n.Country == "DE" || n.Country == "AT" {
		defaults(&n.Locale, "de-"+n.Country)
	}
	defaults(&n.Locale, "en-"+n.Country)
	defaults(&n.PaymentMethod, PaymentMethods[0])
	defaults(&n.FraudStatus, FraudAccepted)
	if n.Amount == 0 {
		for _, l := range n.Lines {
			n.Amount += l.TotalAmount
		}
	}
	if len(n.Lines) == 0 {
		n.Lines = []OrderLine{{Type: "physical", Name: "Order", Quantity: 1, UnitPrice: n.Amount, TotalAmount: n.Amount}}
	}
	if n.CreatedAt.IsZero() {
		n.CreatedAt = now
	}
	n.CreatedAt = instant(n.CreatedAt)
	if n.ExpiresAt.IsZero() {
		n.ExpiresAt = midnightAfter(n.CreatedAt, authorizationDays)
	}
	if n.BillingAddress == nil {
		n.BillingAddress = inventedAddress(n.Country)
	}
	if n.ShippingAddress == nil {
		n.ShippingAddress = n.BillingAddress
	}
	return n
}

// badFields returns the names of the fields that no order may have.
func (n NewOrder) badFields() badFields {
	var bad badFields
	bad.check("order_id", isUUID(n.ID))
	bad.check("order_amount", n.Amount > 0 && n.Amount <= maxAmount)
	bad.check("purchase_currency", isLetters(n.Currency, 3))
	bad.check("purchase_country", isLetters(n.Country, 2))
	bad.check("merchant_reference1", len([]rune(n.MerchantReference1)) <= 255)
	bad.check("merchant_reference2", len([]rune(n.MerchantReference2)) <= 255)
	bad.check("payment_method", slices.Contains(PaymentMethods, n.PaymentMethod))
	bad.check("fraud_status", isFraudStatus(n.FraudStatus))
	bad.check("auto_capture", !n.AutoCapture || n.FraudStatus == FraudAccepted)
	bad.check("expires_at", n.ExpiresAt.After(n.CreatedAt))
	var sum int64
	for _, l := range n.Lines {
		sum += l.TotalAmount
	}
	bad.check("order_lines", sum == n.Amount && len(badLines("order_lines", n.Lines)) == 0)
	return bad
}

func (n NewOrder) order(merchantID string) Order {
	return Order{
		ID: n.ID, MerchantID: merchantID, FraudStatus: n.FraudStatus,
		MerchantReference1: n.MerchantReference1, MerchantReference2: n.MerchantReference2,
		OrderAmount: n.Amount, OriginalOrderAmount: n.Amount,
		PurchaseCountry: n.Country, PurchaseCurrency: n.Currency, Locale: n.Locale,
		CreatedAt: n.CreatedAt, ExpiresAt: instant(n.ExpiresAt),
		InitialPaymentMethod: PaymentMethod{Type: n.PaymentMethod, Description: describeMethod(n.PaymentMethod)},
		BillingAddress:       n.BillingAddress, ShippingAddress: n.ShippingAddress,
		OrderLines: n.Lines, ShippingInfo: []ShippingInfo{}, Captures: []Capture{}, Refunds: []Refund{},
	}
}

// Order returns the order of any merchant; false if there is none.
func (s *Sandbox) Order(id string) (Order, bool) {
	o := s.orders.find(id)
	if o == nil {
		return Order{}, false
	}
	return o.snapshot(s.Now()), true
}

// Orders returns all orders, oldest first.
func (s *Sandbox) Orders() []Order {
	now := s.Now()
	list := s.orders.all()
	out := make([]Order, 0, len(list))
	for _, o := range list {
		out = append(out, o.snapshot(now))
	}
	return out
}

// FindOrders returns the page of orders, newest first, whose ids or references contain
// query in any case, and how many there are in all.
func (s *Sandbox) FindOrders(query string, offset, limit int) ([]Order, int) {
	query = strings.ToLower(strings.TrimSpace(query))
	now := s.Now()
	list := s.orders.all()
	out, total := []Order{}, 0
	for _, o := range slices.Backward(list) {
		if query != "" && !o.mentions(query) {
			continue
		}
		if total >= offset && len(out) < limit {
			out = append(out, o.snapshot(now))
		}
		total++
	}
	return out, total
}

// mentions says whether an id or reference of o contains query, which is in lower case.
func (o *order) mentions(query string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), query) }
	return has(o.ID) || has(o.KlarnaReference) || has(o.MerchantReference1) || has(o.MerchantReference2) ||
		slices.ContainsFunc(o.Captures, func(c Capture) bool { return has(c.ID) || has(c.Reference) })
}

// instant cuts a time to what Klarna tells: UTC, milliseconds.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// midnightAfter returns the midnight (UTC) that begins the day the given number of days
// after t's.
func midnightAfter(t time.Time, days int) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, time.UTC)
}

// isUUID accepts the canonical form only; uuid.Parse alone takes braces and URNs too.
func isUUID(s string) bool {
	_, err := uuid.Parse(s)
	return err == nil && len(s) == 36
}

func isLetters(s string, n int) bool {
	return len(s) == n && strings.Trim(strings.ToUpper(s), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func isFraudStatus(s string) bool {
	return s == FraudAccepted || s == FraudPending || s == FraudRejected
}

func describeMethod(methodType string) string {
	words := strings.ToLower(strings.ReplaceAll(methodType, "_", " "))
	return strings.ToUpper(words[:1]) + words[1:]
}

func inventedAddress(country string) *Address {
	return &Address{
		GivenName: "Erika", FamilyName: "Mustermann", StreetAddress: "Beispielstraße 1", PostalCode: "12345",
		City: "Musterstadt", Country: country, Email: "erika.mustermann@example.org",
	}
}
