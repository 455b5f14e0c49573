package order_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
)

// drawLines makes the lines of a valid order: reductions are at most what they reduce.
func drawLines(t *rapid.T) (lines []order.Line, total int64) {
	price := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 10), rapid.Int64Range(1, 50_000), rapid.Int64Range(1, order.MaxKlarnaAmount))
	quantity := rapid.OneOf(
		rapid.Map(rapid.Int64Range(1, 12), func(n int64) money.Quantity { return money.Quantity(n) * money.One }),
		rapid.Map(rapid.Int64Range(1, 5000), func(n int64) money.Quantity { return money.Quantity(n) }))
	charge := rapid.SampledFrom([]order.LineType{order.Physical, order.Physical, order.Digital, order.ShippingFee, order.Surcharge, order.SalesTax})
	for range rapid.IntRange(1, 6).Draw(t, "charges") {
		l := order.Line{Type: charge.Draw(t, "type"), Quantity: quantity.Draw(t, "quantity"), Total: price.Draw(t, "price")}
		lines = append(lines, l)
		total += l.Total
	}
	for range rapid.IntRange(0, 3).Draw(t, "reductions") {
		off := rapid.OneOf(rapid.Int64Range(0, total), rapid.Just(total)).Draw(t, "off")
		lines = append(lines, order.Line{Quantity: money.One, Total: -off,
			Type: rapid.SampledFrom([]order.LineType{order.Discount, order.GiftCard, order.StoreCredit}).Draw(t, "reduction")})
		total -= off
	}
	lines = rapid.Permutation(lines).Draw(t, "lines")
	for i := range lines {
		lines[i].ID = int64(i + 1)
	}
	return lines, total
}

func isFee(l order.Line) bool { return !l.Type.IsGoods() && !l.Type.IsReduction() }

func TestSpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines, total := drawLines(t)
		order.Spread(lines)

		var sum, goods, fees, off int64
		for _, l := range lines {
			sum += l.Amount
			switch {
			case l.Type.IsReduction():
				off -= l.Total
			case l.Type.IsGoods():
				goods += l.Total
			default:
				fees += l.Total
			}
		}
		if sum != total {
			t.Fatalf("the amounts add up to %d, the order is %d", sum, total)
		}
		for _, l := range lines {
			switch {
			case l.Type.IsReduction():
				if l.Amount != 0 {
					t.Fatalf("a reduction costs %d", l.Amount)
				}
			case l.Type.IsGoods():
				near(t, l, goods, min(off, goods))
			default:
				near(t, l, fees, max(off-goods, 0))
			}
		}
	})
}

// near checks that a line bears its share of what is taken off all, to less than one
// unit, and that it is neither negative nor more than it was.
func near(t *rapid.T, l order.Line, all, off int64) {
	if l.Amount < 0 || l.Amount > l.Total {
		t.Fatalf("a line of %d costs %d", l.Total, l.Amount)
	}
	share := new(big.Rat)
	if all > 0 {
		share.Mul(big.NewRat(off, all), new(big.Rat).SetInt64(l.Total))
	}
	miss := share.Sub(share, new(big.Rat).SetInt64(l.Total-l.Amount))
	if miss.Abs(miss).Cmp(big.NewRat(1, 1)) >= 0 {
		t.Fatalf("a line of %d bears %d of %d taken off %d", l.Total, l.Total-l.Amount, off, all)
	}
}

func TestSpreadIsExact(t *testing.T) {
	t.Parallel()
	type lines []order.Line
	for name, tc := range map[string]struct {
		lines lines
		want  []int64
	}{
		"nothing off": {lines{{Type: order.Physical, Total: 5958}, {Type: order.ShippingFee, Total: 499}}, []int64{5958, 499}},
		"by value":    {lines{{Type: order.Physical, Total: 3000}, {Type: order.Digital, Total: 1000}, {Type: order.Discount, Total: -400}}, []int64{2700, 900, 0}},
		"the cent goes to the largest remainder": {lines{{Type: order.Physical, Total: 100}, {Type: order.Physical, Total: 200},
			{Type: order.GiftCard, Total: -100}}, []int64{67, 133, 0}},
		"not from the fees": {lines{{Type: order.Physical, Total: 1000}, {Type: order.ShippingFee, Total: 1000}, {Type: order.Discount, Total: -500}},
			[]int64{500, 1000, 0}},
		"more than the goods": {lines{{Type: order.Physical, Total: 1000}, {Type: order.ShippingFee, Total: 300}, {Type: order.Surcharge, Total: 100},
			{Type: order.StoreCredit, Total: -1200}}, []int64{0, 150, 50, 0}},
		"all of it": {lines{{Type: order.GiftCard, Total: -1499}, {Type: order.Physical, Total: 1000}, {Type: order.ShippingFee, Total: 499}}, []int64{0, 0, 0}},
		"free":      {lines{{Type: order.Physical}, {Type: order.Discount}}, []int64{0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order.Spread(tc.lines)
			for i, l := range tc.lines {
				if l.Amount != tc.want[i] {
					t.Errorf("line %d costs %d, want %d", i, l.Amount, tc.want[i])
				}
			}
		})
	}
}

// delivery delivers an order in random parts.
type delivery struct {
	order order.Order
	lines []order.Line
	notes []order.DeliveryNote
}

func drawDelivery(t *rapid.T) *delivery {
	d := &delivery{}
	d.lines, d.order.Total = drawLines(t)
	order.Spread(d.lines)
	return d
}

// part draws what the next note holds: of each open line nothing, a part or all.
func (d *delivery) part(t *rapid.T) map[int64]money.Quantity {
	open := order.Open(d.lines, d.notes)
	part := map[int64]money.Quantity{}
	for _, l := range d.lines {
		q := open[l.ID]
		switch {
		case q == 0:
		case rapid.Bool().Draw(t, "all of the line"):
			part[l.ID] = q
		default:
			if p := money.Quantity(rapid.Int64Range(0, int64(q)).Draw(t, "part")); p > 0 {
				part[l.ID] = p
			}
		}
	}
	if len(part) == 0 {
		return open
	}
	return part
}

// next makes a note of the part and checks what every note must be.
func (d *delivery) next(t *rapid.T, part map[int64]money.Quantity) order.DeliveryNote {
	n := order.PlanNote(&d.order, d.lines, d.notes, part)
	n.ID = int64(len(d.notes) + 1)
	d.notes = append(d.notes, n)
	var sum int64
	for _, l := range n.Lines {
		if l.Amount < 0 || l.Quantity <= 0 {
			t.Fatalf("a line with quantity %s costs %d", l.Quantity, l.Amount)
		}
		sum += l.Amount
	}
	if n.Amount < 0 || sum != n.Amount {
		t.Fatalf("a note of %d, its lines add up to %d", n.Amount, sum)
	}
	return n
}

// checkWhole checks an order of which everything is in a note.
func (d *delivery) checkWhole(t *rapid.T) {
	var sum int64
	var valid int
	whole := false
	for _, n := range d.notes {
		if n.WithdrawnAt == nil {
			valid++
			sum += n.Amount
			whole = n.Whole
		}
	}
	if sum != d.order.Total {
		t.Fatalf("the notes add up to %d, the order is %d", sum, d.order.Total)
	}
	if valid == 1 != whole {
		t.Fatalf("%d notes, whole = %t", valid, whole)
	}
	quantity, amount := order.Delivered(d.notes)
	for _, l := range d.lines {
		want := l.Quantity
		if l.Type.IsReduction() {
			want = 0
		}
		if quantity[l.ID] != want || amount[l.ID] != l.Amount {
			t.Fatalf("of a %s with %s for %d, %s for %d was delivered", l.Type, l.Quantity, l.Amount, quantity[l.ID], amount[l.ID])
		}
	}
}

func (d *delivery) open() bool { return len(order.Open(d.lines, d.notes)) > 0 }

// cumulative is what the quantity q of a line costs, from its beginning.
func cumulative(l order.Line, q money.Quantity) int64 {
	product := new(big.Int).Mul(big.NewInt(l.Amount), big.NewInt(int64(q)))
	return product.Div(product, big.NewInt(int64(l.Quantity))).Int64()
}

func TestPartDeliveries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDelivery(t)
		before := map[int64]money.Quantity{}
		for first := true; first || d.open(); first = false {
			part := d.part(t)
			n := d.next(t, part)
			lines := map[int64]order.NoteLine{}
			for _, l := range n.Lines {
				lines[l.OrderLineID] = l
			}
			for _, l := range d.lines {
				var want order.NoteLine
				switch {
				case l.Type.IsGoods() && part[l.ID] > 0:
					want.Quantity = part[l.ID]
					want.Amount = cumulative(l, before[l.ID]+part[l.ID]) - cumulative(l, before[l.ID])
				case isFee(l) && first:
					want.Quantity, want.Amount = l.Quantity, l.Amount
				}
				if got := lines[l.ID]; got.Quantity != want.Quantity || got.Amount != want.Amount {
					t.Fatalf("%s %s for %d: %s for %d, want %s for %d", l.Quantity, l.Type, l.Amount, got.Quantity, got.Amount, want.Quantity, want.Amount)
				}
				before[l.ID] += part[l.ID]
			}
		}
		d.checkWhole(t)
	})
}

// Notes that are taken back leave their quantities, their fees and their cents open.
func TestPartDeliveriesWithNotesTakenBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDelivery(t)
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			if len(d.notes) == 0 || d.open() {
				d.next(t, d.part(t))
			}
			if rapid.Bool().Draw(t, "take one back") {
				n := rapid.IntRange(0, len(d.notes)-1).Draw(t, "note")
				d.notes[n].WithdrawnAt = &now
			}
		}
		for d.open() {
			d.next(t, d.part(t))
		}
		if quantity, _ := order.Delivered(d.notes); len(quantity) == 0 { // no goods, and the fees taken back
			d.next(t, nil)
		}
		d.checkWhole(t)
	})
}

func TestLineTotal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		price int64
		q     money.Quantity
		want  int64
	}{
		{5958, money.One, 5958},
		{1, 500, 1}, // a half goes up, also below zero
		{-3, 500, -1},
		{1, 499, 0},
		{order.MaxAmount, money.One, order.MaxAmount},
		{-order.MaxAmount, money.One, -order.MaxAmount},
		{order.MaxAmount, money.One + 1, order.MaxAmount + 1},
		{math.MaxInt64, math.MaxInt64, order.MaxAmount + 1},
	} {
		if got := order.LineTotal(tc.price, tc.q); got != tc.want {
			t.Errorf("%s of %d are %d, want %d", tc.q, tc.price, got, tc.want)
		}
	}
}
