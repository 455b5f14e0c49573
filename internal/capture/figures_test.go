package capture_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"

	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// Every figure on a delivery note and every captured amount, worked out a second time
// with fractions, for random orders that leave in parts and in any order.
func TestFigures(t *testing.T) {
	t.Parallel()
	const orders = 1000
	w := onSQLite(t)
	random := rand.New(rand.NewPCG(1, 2))
	var placed []figures
	for range orders {
		f := drawFigures(w, random)
		f.leave(random)
		placed = append(placed, f)
	}
	w.settle()
	parts := 0
	for _, f := range placed {
		f.check()
		parts += len(f.taken)
	}
	if parts < orders*3/2 {
		t.Errorf("only %d notes for %d orders: hardly any parts", parts, orders)
	}
}

// figures is an order with what each of its notes took, in the order they were made.
type figures struct {
	placed
	lines []order.LineInput
	notes []string
	taken []map[int]money.Quantity // line (from 0) to quantity
}

func drawFigures(w *world, r *rand.Rand) figures {
	w.Helper()
	f := figures{}
	var positive, total int64
	for range 1 + r.IntN(4) {
		quantity := money.Quantity(1+r.IntN(6)) * money.One
		if r.IntN(4) == 0 {
			quantity = money.Quantity(1 + r.IntN(7500)) // fractional, in thousandths
		}
		price := int64(r.IntN(20_000))
		all := new(big.Rat).Mul(big.NewRat(price, 1), big.NewRat(int64(quantity), int64(money.One)))
		f.lines = append(f.lines, order.LineInput{Name: "Ware", Type: order.Physical, Quantity: quantity, UnitPrice: price, TaxRate: 1900, Total: floor(all)})
		positive += floor(all)
	}
	if r.IntN(3) > 0 {
		fee := int64(r.IntN(900))
		f.lines = append(f.lines, order.LineInput{Name: "Versand", Type: order.ShippingFee, Quantity: money.One, UnitPrice: fee, TaxRate: 1900, Total: fee})
		positive += fee
	}
	for _, typ := range []order.LineType{order.Discount, order.GiftCard} {
		if r.IntN(3) > 0 || positive == 0 {
			continue
		}
		off := r.Int64N(positive + 1)
		f.lines = append(f.lines, order.LineInput{Name: "Abzug", Type: typ, Quantity: money.One, UnitPrice: -off, Total: -off})
		positive -= off
	}
	r.Shuffle(len(f.lines), func(i, j int) { f.lines[i], f.lines[j] = f.lines[j], f.lines[i] })
	for _, l := range f.lines {
		total += l.Total
	}
	o, _, err := w.orders.Create(w.ctx, order.Input{Number: fmt.Sprintf("F%d", w.made.Add(1)), PaymentMethod: "klarna", KlarnaOrderID: uuid.NewString(),
		Currency: "EUR", Total: total, CustomerName: "Max Muster", Lines: f.lines}, "shop")
	w.must(err)
	if total > 0 {
		_, err = w.klarna.CreateOrder(klarnasandbox.DemoMerchantID, klarnasandbox.NewOrder{ID: o.KlarnaOrderID, Amount: total})
		w.must(err)
	}
	f.placed = placed{o, w}
	return f
}

// leave makes delivery notes until nothing is open, and lets them leave in any order.
func (f *figures) leave(r *rand.Rand) {
	f.w.Helper()
	open := map[int]money.Quantity{}
	for i, l := range f.lines {
		if l.Type.IsGoods() {
			open[i] = l.Quantity
		}
	}
	for len(open) > 0 {
		part := map[int]money.Quantity{}
		var parts []dispatch.LineQuantity
		for i := range f.lines {
			q := open[i]
			if q == 0 || r.IntN(3) == 0 {
				continue
			}
			if r.IntN(2) == 0 {
				q = 1 + money.Quantity(r.Int64N(int64(q)))
			}
			part[i] = q
			if open[i] -= q; open[i] == 0 {
				delete(open, i)
			}
			parts = append(parts, dispatch.LineQuantity{Line: i + 1, Quantity: q})
		}
		if len(parts) == 0 {
			continue
		}
		n, err := f.w.dispatch.CreateNote(f.w.ctx, f.ID, parts, "clerk")
		f.w.must(err)
		f.notes, f.taken = append(f.notes, n.Number), append(f.taken, part)
	}
	for _, i := range r.Perm(len(f.notes)) {
		f.recordOn(f.notes[i], fmt.Sprintf("%s-%d", f.Number, i))
	}
}

// check works out what each note is worth and compares it with the note, its lines, and
// what Klarna captured for it.
func (f *figures) check() {
	f.w.Helper()
	amounts := f.lineAmounts()
	now, at := f.now(), f.atKlarnaIfAny()
	taken, given := make([]money.Quantity, len(f.lines)), make([]int64, len(f.lines))
	var sum, captured int64
	for n, part := range f.taken {
		var amount int64
		want := map[int]int64{}
		for i, l := range f.lines {
			switch {
			case l.Type.IsGoods() && part[i] > 0:
				taken[i] += part[i]
				cumulative := floor(new(big.Rat).Mul(big.NewRat(amounts[i], 1), big.NewRat(int64(taken[i]), int64(l.Quantity))))
				want[i] = cumulative - given[i]
				given[i] = cumulative
			case l.Type == order.ShippingFee && n == 0:
				want[i] = amounts[i]
			}
			amount += want[i]
		}
		if n == len(f.taken)-1 {
			amount = f.Total - sum
		}
		sum += amount
		note := now.Notes[n]
		if note.Amount != amount || amount < 0 {
			f.w.Errorf("order %s, note %d: %d, want %d", f.Number, n, note.Amount, amount)
		}
		for _, l := range note.Lines {
			i := slices.IndexFunc(now.Lines, func(o order.Line) bool { return o.ID == l.OrderLineID })
			if l.Amount != want[i] || l.Quantity != part[i] && f.lines[i].Type.IsGoods() {
				f.w.Errorf("order %s, note %d, line %d: %s for %d, want %s for %d", f.Number, n, i, l.Quantity, l.Amount, part[i], want[i])
			}
		}
		captured += f.checkCapture(at, note, amount)
	}
	if sum != f.Total || captured != f.Total || at.CapturedAmount != f.Total {
		f.w.Errorf("order %s over %d: notes %d, captured %d, Klarna says %d", f.Number, f.Total, sum, captured, at.CapturedAmount)
	}
}

// checkCapture compares Klarna's capture of a note, and returns its amount.
func (f *figures) checkCapture(at klarnasandbox.Order, note order.DeliveryNote, amount int64) int64 {
	f.w.Helper()
	var found []klarnasandbox.Capture
	for _, c := range at.Captures {
		if c.Reference == note.Number {
			found = append(found, c)
		}
	}
	if amount == 0 {
		if len(found) > 0 {
			f.w.Errorf("note %s: captured nothing, as %v", note.Number, found)
		}
		return 0
	}
	if len(found) != 1 || found[0].CapturedAmount != amount {
		f.w.Errorf("note %s over %d: captured as %+v", note.Number, amount, found)
		return 0
	}
	return amount
}

func (f *figures) atKlarnaIfAny() klarnasandbox.Order {
	if f.Total == 0 {
		return klarnasandbox.Order{}
	}
	return f.atKlarna()
}

// lineAmounts spreads the reductions over the goods by value, and what is left over the
// fees: each its exact share rounded down, the remaining cents to those that lost most.
func (f *figures) lineAmounts() []int64 {
	amounts := make([]int64, len(f.lines))
	var off int64
	for i, l := range f.lines {
		if l.Type.IsReduction() {
			off -= l.Total
		} else {
			amounts[i] = l.Total
		}
	}
	off -= spread(amounts, off, func(i int) bool { return f.lines[i].Type.IsGoods() })
	spread(amounts, off, func(i int) bool { return f.lines[i].Type == order.ShippingFee })
	return amounts
}

func spread(amounts []int64, off int64, among func(int) bool) int64 {
	var sum int64
	for i, a := range amounts {
		if among(i) {
			sum += a
		}
	}
	off = min(off, sum)
	if off == 0 {
		return 0
	}
	type loss struct {
		line int
		lost *big.Rat
	}
	var losses []loss
	left := off
	before := slices.Clone(amounts)
	for i := range amounts {
		if !among(i) {
			continue
		}
		exact := new(big.Rat).SetFrac64(before[i], sum)
		exact.Mul(exact, big.NewRat(off, 1))
		down := floor(exact)
		amounts[i] -= down
		left -= down
		losses = append(losses, loss{i, exact.Sub(exact, big.NewRat(down, 1))})
	}
	slices.SortStableFunc(losses, func(a, b loss) int { return b.lost.Cmp(a.lost) })
	for _, l := range losses[:left] {
		amounts[l.line]--
	}
	return off
}

func floor(r *big.Rat) int64 { return new(big.Int).Div(r.Num(), r.Denom()).Int64() }
