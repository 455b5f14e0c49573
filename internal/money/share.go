package money

import (
	"math/big"
	"math/bits"
	"slices"
)

// Share shares total out in proportion to the weights, so that the shares add
// up to total exactly: every share is rounded down first, and what is left goes
// unit by unit to those who lost most (the earlier one among equals). A
// negative total is shared like its magnitude. A weight below zero counts as
// zero; if none is above zero, all count the same. Without weights there are no
// shares.
func Share(total int64, weights []int64) []int64 {
	if len(weights) == 0 {
		return nil
	}
	w, sum := positive(weights)

	magnitude := new(big.Int).Abs(big.NewInt(total))
	left := new(big.Int).Set(magnitude)
	shares := make([]*big.Int, len(w))
	lost := make([]*big.Int, len(w))
	order := make([]int, len(w))
	for i := range w {
		product := new(big.Int).Mul(magnitude, w[i])
		shares[i], lost[i] = product.QuoRem(product, sum, new(big.Int))
		left.Sub(left, shares[i])
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return lost[b].Cmp(lost[a]) })
	one := big.NewInt(1)
	for _, i := range order[:left.Int64()] { // fewer than there are weights
		shares[i].Add(shares[i], one)
	}

	out := make([]int64, len(w))
	for i, s := range shares {
		if total < 0 {
			s.Neg(s)
		}
		out[i] = s.Int64()
	}
	return out
}

// positive returns the weights as Share counts them, and their sum.
func positive(weights []int64) (w []*big.Int, sum *big.Int) {
	if slices.Max(weights) <= 0 {
		weights = slices.Repeat([]int64{1}, len(weights))
	}
	sum = new(big.Int)
	for _, x := range weights {
		b := big.NewInt(max(x, 0))
		sum.Add(sum, b)
		w = append(w, b)
	}
	return w, sum
}

// FloorPart returns amount × part ÷ whole, rounded towards minus infinity. It
// is what a part of a line costs: nothing when part is not above zero, all of
// it when part reaches whole.
func FloorPart(amount int64, part, whole Quantity) int64 {
	switch {
	case part <= 0:
		return 0
	case part >= whole:
		return amount
	}
	magnitude := uint64(amount)
	if amount < 0 {
		magnitude = -magnitude
	}
	hi, lo := bits.Mul64(magnitude, uint64(part))
	quo, rem := bits.Div64(hi, lo, uint64(whole)) // part < whole, so quo ≤ magnitude
	if amount >= 0 {
		return int64(quo)
	}
	if rem > 0 {
		quo++
	}
	return -int64(quo)
}
