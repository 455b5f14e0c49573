package carrier

import (
	"maps"
	"slices"
	"strings"
)

// checks are the check digits by name. Each takes whole numbers in capitals and says no
// to whatever is not of its form.
var checks = map[string]func(number string) bool{
	"gs1":       gs1,
	"s10":       s10,
	"ups":       ups,
	"gls":       gls,
	"identcode": identcode,
	"mod7":      mod7,
	"mod37":     mod37,
	"fedex":     fedex,
}

// Checks lists the names of the check digits:
//
//	gs1        modulo 10 with weights 3 and 1 from the right: SSCC, DHL, Hermes, Austrian Post, FedEx Ground
//	s10        letters and parcels of the UPU, with a country at the end
//	ups        UPS 1Z
//	gls        parcel numbers of GLS
//	identcode  12 digits of Deutsche Post and DHL
//	mod7       waybills of DHL Express
//	mod37      ISO 7064 modulo 37, 36: DPD
//	fedex      12 digits of FedEx Express
func Checks() []string { return slices.Sorted(maps.Keys(checks)) }

// digits returns the values of a number of digits alone.
func digits(number string) ([]int, bool) {
	values := make([]int, len(number))
	for i := range len(number) {
		if number[i] < '0' || number[i] > '9' {
			return nil, false
		}
		values[i] = int(number[i] - '0')
	}
	return values, true
}

// weighted is the sum of all digits but the last, times weights that repeat from the
// left, and the last digit. ok is false for anything that is not at least two digits.
func weighted(number string, weights ...int) (sum, last int, ok bool) {
	values, ok := digits(number)
	if !ok || len(values) < 2 {
		return 0, 0, false
	}
	end := len(values) - 1
	for i, v := range values[:end] {
		sum += v * weights[i%len(weights)]
	}
	return sum, values[end], true
}

func gs1(number string) bool {
	weights := []int{3, 1}
	if len(number)%2 != 0 { // counted from the right, where 3 is first
		weights = []int{1, 3}
	}
	sum, last, ok := weighted(number, weights...)
	return ok && (sum+last)%10 == 0
}

func gls(number string) bool {
	sum, last, ok := weighted(number, 3, 1)
	return ok && len(number) == 12 && (sum+1+last)%10 == 0
}

func identcode(number string) bool {
	sum, last, ok := weighted(number, 4, 9)
	return ok && len(number) == 12 && (sum+last)%10 == 0
}

func fedex(number string) bool {
	sum, last, ok := weighted(number, 3, 1, 7)
	return ok && len(number) == 12 && sum%11%10 == last
}

func mod7(number string) bool {
	values, ok := digits(number)
	if !ok || len(values) < 2 {
		return false
	}
	end := len(values) - 1
	rest := 0
	for _, v := range values[:end] {
		rest = (rest*10 + v) % 7
	}
	return rest == values[end]
}

func s10(number string) bool {
	if len(number) != 13 {
		return false
	}
	sum, last, ok := weighted(number[2:11], 8, 6, 4, 2, 3, 5, 9, 7)
	if !ok || isDigit(number[0]) || isDigit(number[1]) || isDigit(number[11]) || isDigit(number[12]) {
		return false
	}
	switch c := 11 - sum%11; c {
	case 10:
		return last == 0
	case 11:
		return last == 5
	default:
		return last == c
	}
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// ups counts letters from A = 2, again from 0 after 9.
func ups(number string) bool {
	rest, ok := strings.CutPrefix(number, "1Z")
	if !ok || len(rest) != 16 || !isDigit(rest[15]) {
		return false
	}
	sum := 0
	for i := range 15 {
		v := int(rest[i] - '0')
		if !isDigit(rest[i]) {
			v = int(rest[i]-'A') + 2
		}
		sum += v % 10 * (1 + i%2)
	}
	return (sum+int(rest[15]-'0'))%10 == 0
}

func mod37(number string) bool {
	if number == "" {
		return false
	}
	sum := 36
	for i := range len(number) - 1 {
		sum += value36(number[i])
		if sum > 36 {
			sum -= 36
		}
		if sum *= 2; sum > 36 {
			sum -= 37
		}
	}
	return (sum+value36(number[len(number)-1]))%36 == 1
}

func value36(b byte) int {
	if isDigit(b) {
		return int(b - '0')
	}
	return int(b-'A') + 10
}
