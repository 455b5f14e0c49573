package order

import (
	"math/big"

	"zahlwerk/internal/money"
)

// Spread sets the Amount of each line: reductions that belong to no line (discounts,
// gift cards, store credit) are spread by value over the goods, and what is more than
// the goods are worth over the fees. Reductions themselves keep 0, so that the
// amounts of all lines add up to the order's total and none is negative.
func Spread(lines []Line) {
	var reduction, goods, fees int64
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Type.IsReduction():
			l.Amount = 0
			reduction -= l.Total
		case l.Type.IsGoods():
			l.Amount = l.Total
			goods += l.Total
		default:
			l.Amount = l.Total
			fees += l.Total
		}
	}
	onGoods := min(reduction, goods)
	reduce(lines, onGoods, func(l Line) bool { return l.Type.IsGoods() })
	reduce(lines, min(reduction-onGoods, fees), func(l Line) bool { return !l.Type.IsGoods() && !l.Type.IsReduction() })
}

// reduce takes amount off the lines that take part, by value.
func reduce(lines []Line, amount int64, takesPart func(Line) bool) {
	if amount <= 0 {
		return
	}
	weights := make([]int64, len(lines))
	for i, l := range lines {
		if takesPart(l) {
			weights[i] = l.Amount
		}
	}
	for i, share := range money.Share(amount, weights) {
		lines[i].Amount -= share
	}
}

// Delivered is how much of each order line the notes hold that were not taken back,
// and what of the line's amount they were given.
func Delivered(notes []DeliveryNote) (quantity map[int64]money.Quantity, amount map[int64]int64) {
	quantity, amount = map[int64]money.Quantity{}, map[int64]int64{}
	for _, n := range notes {
		if n.WithdrawnAt != nil {
			continue
		}
		for _, l := range n.Lines {
			quantity[l.OrderLineID] += l.Quantity
			amount[l.OrderLineID] += l.Amount
		}
	}
	return quantity, amount
}

// Open returns the quantity of each goods line that is in no note.
func Open(lines []Line, notes []DeliveryNote) map[int64]money.Quantity {
	delivered, _ := Delivered(notes)
	open := map[int64]money.Quantity{}
	for _, l := range lines {
		if q := l.Quantity - delivered[l.ID]; l.Type.IsGoods() && q > 0 {
			open[l.ID] = q
		}
	}
	return open
}

// PlanNote works out the next note for these quantities of goods lines, which must be
// open: its lines and its amount. Fees go with the first note, and again with the next
// when that one was taken back. A part of a line costs the floor of its cumulative share
// less what was assigned already, at least nothing: after a note was taken back, those
// that are left may have more than their share. The last note, after which nothing is
// open, takes the order's total less the other notes. So the notes add up to the order's
// total, to the cent, and none is negative.
func PlanNote(o *Order, lines []Line, notes []DeliveryNote, quantities map[int64]money.Quantity) DeliveryNote {
	delivered, assigned := Delivered(notes)
	first, others := true, int64(0)
	for _, n := range notes {
		if n.WithdrawnAt == nil {
			first = false
			others += n.Amount
		}
	}
	note := DeliveryNote{OrderID: o.ID}
	last := true
	var sum int64
	for _, l := range lines {
		q := quantities[l.ID]
		switch {
		case l.Type.IsGoods():
			if delivered[l.ID]+q < l.Quantity {
				last = false
			}
			if q <= 0 {
				continue
			}
			part := max(money.FloorPart(l.Amount, delivered[l.ID]+q, l.Quantity)-assigned[l.ID], 0)
			note.Lines = append(note.Lines, NoteLine{OrderLineID: l.ID, Quantity: q, Amount: part})
			sum += part
		case !l.Type.IsReduction() && delivered[l.ID] == 0:
			note.Lines = append(note.Lines, NoteLine{OrderLineID: l.ID, Quantity: l.Quantity, Amount: l.Amount})
			sum += l.Amount
		}
	}
	note.Amount = sum
	if last {
		note.Amount = o.Total - others
	}
	note.Whole = first && last
	return note
}

// LineTotal is price × quantity, rounded half up; MaxAmount + 1, which an order refuses,
// if it is beyond all amounts.
func LineTotal(price int64, q money.Quantity) int64 {
	return rounded(new(big.Int).Mul(big.NewInt(price), big.NewInt(int64(q))), int64(money.One))
}

// unitPrice is total / quantity, rounded half up.
func unitPrice(total int64, q money.Quantity) int64 {
	if q <= 0 {
		return 0
	}
	return rounded(new(big.Int).Mul(big.NewInt(total), big.NewInt(int64(money.One))), int64(q))
}

func rounded(n *big.Int, by int64) int64 {
	n.Mul(n, big.NewInt(2)).Add(n, big.NewInt(by))
	n.Div(n, new(big.Int).Mul(big.NewInt(2), big.NewInt(by))) // towards minus infinity: a half goes up
	if !n.IsInt64() || n.Int64() > MaxAmount || n.Int64() < -MaxAmount {
		return noAmount
	}
	return n.Int64()
}
