package money_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
	"zahlwerk/internal/money"
)

func TestShare(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		total   int64
		weights []int64
		want    []int64
	}{
		"even":                      {100, []int64{1, 1}, []int64{50, 50}},
		"ties go to the first":      {100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		"two left":                  {101, []int64{1, 1, 1}, []int64{34, 34, 33}},
		"the largest loss":          {10, []int64{1, 2, 4}, []int64{1, 3, 6}},
		"negative":                  {-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		"nothing":                   {0, []int64{5, 7}, []int64{0, 0}},
		"zero weight":               {100, []int64{0, 3, 0}, []int64{0, 100, 0}},
		"all zero counts the same":  {5, []int64{0, 0}, []int64{3, 2}},
		"below zero counts as zero": {5, []int64{-9, 1}, []int64{0, 5}},
		"all below zero":            {5, []int64{-9, -1}, []int64{3, 2}},
		"one":                       {-7, []int64{3}, []int64{-7}},
		"none":                      {5, nil, nil},
		"the largest": {math.MaxInt64, []int64{math.MaxInt64, math.MaxInt64},
			[]int64{math.MaxInt64/2 + 1, math.MaxInt64 / 2}},
		"the smallest": {math.MinInt64, []int64{math.MaxInt64, 0}, []int64{math.MinInt64, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := money.Share(tc.total, tc.weights); !slices.Equal(got, tc.want) {
				t.Errorf("Share(%d, %v) = %v, want %v", tc.total, tc.weights, got, tc.want)
			}
		})
	}
}

func TestSharesAddUpAndAreFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64().Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64), 1, 30).Draw(t, "weights")
		weights[0] = max(weights[0], 1)
		before := slices.Clone(weights)

		shares := money.Share(total, weights)
		if !slices.Equal(before, weights) {
			t.Fatal("the weights were changed")
		}
		sum, weight := new(big.Int), new(big.Int)
		for i := range shares {
			sum.Add(sum, big.NewInt(shares[i]))
			weight.Add(weight, big.NewInt(weights[i]))
		}
		if sum.Cmp(big.NewInt(total)) != 0 {
			t.Fatalf("the shares add up to %s", sum)
		}
		for i, share := range shares {
			// |share × weight − total × weights[i]| < weight: less than a unit off.
			off := new(big.Int).Mul(big.NewInt(share), weight)
			off.Sub(off, new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i])))
			if off.CmpAbs(weight) >= 0 {
				t.Fatalf("share %d is %d, a unit or more off", i, share)
			}
		}
	})
}

func TestFloorPart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		amount      int64
		part, whole money.Quantity
		want        int64
	}{
		{1000, 1000, 3000, 333},
		{1000, 2000, 3000, 666},
		{1000, 3000, 3000, 1000},
		{1000, 1500, 3000, 500},
		{-1000, 1000, 3000, -334},
		{-900, 1000, 3000, -300},
		{1000, 0, 3000, 0},
		{1000, -1, 3000, 0},
		{1000, 4000, 3000, 1000},
		{1000, 1, 0, 1000},
		{0, 1000, 3000, 0},
		{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64, math.MaxInt64 - 1},
		{math.MinInt64, math.MaxInt64 - 1, math.MaxInt64, -math.MaxInt64},
	} {
		if got := money.FloorPart(tc.amount, tc.part, tc.whole); got != tc.want {
			t.Errorf("FloorPart(%d, %d, %d) = %d, want %d", tc.amount, tc.part, tc.whole, got, tc.want)
		}
	}
}

func TestFloorPartIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64().Draw(t, "amount")
		whole := rapid.Int64Range(1, math.MaxInt64).Draw(t, "whole")
		part := rapid.Int64Range(0, whole).Draw(t, "part")
		want := new(big.Int).Mul(big.NewInt(amount), big.NewInt(part))
		want.Div(want, big.NewInt(whole)) // Euclid's, which is the floor for a positive divisor
		if got := money.FloorPart(amount, money.Quantity(part), money.Quantity(whole)); got != want.Int64() {
			t.Fatalf("FloorPart = %d, want %s", got, want)
		}
	})
}
