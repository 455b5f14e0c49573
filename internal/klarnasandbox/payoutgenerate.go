package klarnasandbox

import (
	"cmp"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	mostPayouts      = 10_000
	mostTransactions = 20_000_000
)

// Volume asks for many payouts at once. The same volume always makes the same ones.
type Volume struct {
	MerchantID   string    `json:"merchant_id"`   // the first merchant if empty
	Payouts      int       `json:"payouts"`       // a week apart
	Transactions int       `json:"transactions"`  // in all of them
	Seed         uint64    `json:"seed"`          //
	Currency     string    `json:"currency_code"` // EUR if empty
	Newest       time.Time `json:"newest"`        // the last payday if zero
}

// GeneratePayouts makes payouts whose transactions are computed when they are asked for. Ten
// transactions in a row are three sales with two fees each and a return, or a rarer type. The
// merchant_reference1 of the n-th sale, from 0 on, is "G<seed>-<n>". The error is an *Error.
func (s *Sandbox) GeneratePayouts(v Volume) ([]Payout, error) {
	v.MerchantID = s.merchantOr(v.MerchantID)
	v.Currency = cmp.Or(strings.ToUpper(v.Currency), registrationCurrency)
	if err := s.knowsMerchant(v.MerchantID); err != nil {
		return nil, err
	}
	if v.Newest.IsZero() {
		terms := s.Terms(v.MerchantID)
		v.Newest = terms.lastPayday(s.Now())
	}
	if bad := v.badFields(); len(bad) > 0 {
		return nil, badValue(bad...)
	}
	made := v.payouts()
	b := &s.payouts
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range made {
		if b.byName[p.PaymentReference] != nil {
			return nil, referenceTaken(p.PaymentReference)
		}
	}
	out := make([]Payout, 0, len(made))
	for _, p := range made {
		b.add(p)
		out = append(out, p.Payout)
	}
	return out, nil
}

func (v *Volume) badFields() badFields {
	var bad badFields
	bad.check("payouts", v.Payouts >= 1 && v.Payouts <= mostPayouts)
	bad.check("transactions", v.Transactions >= 0 && v.Transactions <= mostTransactions)
	bad.check("currency_code", isLetters(v.Currency, 3))
	return bad
}

// payouts are those of the volume, oldest first.
func (v *Volume) payouts() []*payout {
	made := make([]*payout, 0, v.Payouts)
	sales, newest, weekly := 0, v.Newest.UTC().Truncate(time.Second), defaultTerms()
	for i := range v.Payouts {
		paid := newest.Add(-week * time.Duration(v.Payouts-1-i))
		g := &generated{seed: v.Seed, payout: uint64(i), firstSale: sales, currency: v.Currency, n: v.Transactions / v.Payouts,
			collected: weekly.periodOf(paid).Add(-2 * week)}
		if i < v.Transactions%v.Payouts {
			g.n++
		}
		sales += g.sales()
		p := account{v.MerchantID, v.Currency}.payout(paid, SettlementNet, g.totals(), g)
		p.PaymentReference = g.reference(v.MerchantID, v.Currency)
		made = append(made, p)
	}
	return made
}

// generated are transactions that are computed from their number.
type generated struct {
	seed, payout uint64
	firstSale    int // the number of its first sale among all of the volume
	n            int
	currency     string
	collected    time.Time // the beginning of the week in which it was captured
}

// group is how many transactions the pattern has, three of which are sales.
const group = 10

// rare are what stands in the place of a return now and then.
var rare = []detail{
	{TypeReversal, "REVERSAL"}, {TypeMerchantProtection, "FRAUD_POLICY_CREDIT_NET"}, {TypeCharge, "PAYMENT_REMINDER"},
	{TypeCredit, "CORRECTION_DISPUTE"}, {TypeCommission, "COMMISSION"}, {TypeTax, ""}, {TypeHoldback, "ROLLING_RESERVE"},
	{TypeRelease, "ROLLING_RESERVE"}, {TypeFeeRefund, "FEE_REFUND"}, {TypeCorrection, "CREDITED_CORRECTION"},
	{TypeFee, "LATE_RETURN_FEE"},
}

func (g *generated) count() int { return g.n }

// sales is how many of its transactions are sales.
func (g *generated) sales() int { return g.n/group*3 + min(3, (g.n%group+2)/3) }

// saleOf returns the number of the sale, within the payout, that a transaction belongs to.
func (g *generated) saleOf(i int) int {
	slot := i % group
	if slot == group-1 {
		slot = 0
	}
	return i/group*3 + slot/3
}

// roll is the number that everything about the n-th thing of a kind is drawn from.
func (g *generated) roll(kind, n uint64) uint64 {
	return mix(mix(mix(g.seed+kind)+g.payout) + n)
}

// mix is the finaliser of SplitMix64: each input has an output of its own.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// The kinds of things that are drawn.
const (
	rollSale = iota
	rollOrder
	rollCapture
	rollOther
	rollReference
)

// book says what the i-th transaction is, without the rest of it.
func (g *generated) book(i int) (kind, detailed string, amount int64) {
	terms := defaultTerms()
	sale := int64(500 + g.roll(rollSale, uint64(g.saleOf(i)))%40_000)
	switch slot := i % group; {
	case slot == group-1:
		r := g.roll(rollOther, uint64(i))
		if r%4 == 0 {
			other := rare[r/4%uint64(len(rare))]
			return other.kind, other.detailed, 1 + sale/10
		}
		return TypeReturn, "PURCHASE_RETURN", sale / 2
	case slot%3 == 0:
		return TypeSale, "PURCHASE", sale
	case slot%3 == 1:
		return TypeFee, "PURCHASE_FEE_PERCENTAGE", share(sale, terms.FeePercentage)
	}
	return TypeFee, "PURCHASE_FEE_FIXED", terms.FeeFixed
}

func (g *generated) totals() (t Totals) {
	for i := range g.n {
		kind, _, amount := g.book(i)
		t.add(kind, amount)
	}
	return t.settled()
}

func (g *generated) at(i int) Transaction {
	sale := uint64(g.saleOf(i))
	r := g.roll(rollSale, sale)
	captured := g.collected.Add(time.Duration(r>>20%(7*24*3600)) * time.Second)
	order := g.id(rollOrder, sale)
	t := Transaction{
		CurrencyCode: g.currency, OrderID: order.String(), ShortOrderID: "K" + shortName(order[:4])[:6],
		MerchantReference1: fmt.Sprintf("G%d-%d", g.seed, g.firstSale+int(sale)),
		SaleDate:           captured.Add(-time.Duration(1+r%48) * time.Hour), CaptureDate: captured,
		PurchaseCountry: "DE", ShippingCountry: "DE", PaymentMethodType: "invoice",
	}
	t.Type, t.DetailedType, t.Amount = g.book(i)
	if i%group != group-1 {
		t.CaptureID = g.id(rollCapture, sale).String()
		t.MerchantCaptureReference = fmt.Sprintf("D%d-%d", g.seed, g.firstSale+int(sale))
	}
	switch t.Type {
	case TypeFee:
		t.VATRate = defaultTerms().VATRate
		t.VATAmount = vatWithin(t.Amount, t.VATRate)
	case TypeReturn:
		t.RefundID = g.id(rollOther, uint64(i)).String()
	}
	return t
}

// id is the UUID of the n-th thing of a kind.
func (g *generated) id(kind, n uint64) (id uuid.UUID) {
	r := g.roll(kind, n)
	binary.BigEndian.PutUint64(id[:8], r)
	binary.BigEndian.PutUint64(id[8:], mix(r+1))
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (g *generated) of(orderID string) (found []int) {
	wanted, err := uuid.Parse(orderID)
	if err != nil {
		return nil
	}
	for sale := range g.sales() {
		if g.id(rollOrder, uint64(sale)) != wanted {
			continue
		}
		first := sale/3*group + sale%3*3
		for i := first; i < min(first+group, g.n); i++ {
			if g.saleOf(i) == sale {
				found = append(found, i)
			}
		}
	}
	return found
}

// reference is the payout's, the same for the same volume.
func (g *generated) reference(merchant, currency string) string {
	r := g.roll(rollReference, g.payout)
	for _, c := range merchant + currency {
		r = mix(r + uint64(c))
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], r)
	return "X" + shortName(b[:])[:9]
}

func shortName(b []byte) string {
	return strings.TrimRight(base32.StdEncoding.EncodeToString(b), "=")
}
