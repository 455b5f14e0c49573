package document

import (
	"fmt"

	"github.com/boombuler/barcode/code128"
)

// Widths of the narrowest bar, in millimetres: what hand scanners read from a laser's and
// a label printer's paper, at an arm's length and in a list.
const (
	wideBar   = 0.42
	narrowBar = 0.26
	quietBars = 10 // empty bars on either side, by ISO/IEC 15417
)

// barcode draws Code 128 of a number in ASCII and returns how wide it is. x is where the
// bars begin; quietBars must be free on either side.
func (s *sheet) barcode(x, y, bar, high float64, number string) (wide float64) {
	bars, err := code128.Encode(number)
	if err != nil {
		s.SetError(fmt.Errorf("write %s as a barcode: %w", number, err))
		return 0
	}
	n := bars.Bounds().Dx()
	isBar := func(i int) bool {
		r, _, _, _ := bars.At(i, 0).RGBA()
		return r == 0
	}
	s.SetFillColor(0, 0, 0)
	for i := 0; i < n; {
		end := i
		for end < n && isBar(end) {
			end++
		}
		if end > i {
			s.Rect(x+float64(i)*bar, y, float64(end-i)*bar, high, "F")
		}
		i = end + 1
	}
	return float64(n) * bar
}

// barcodeWidth is how wide barcode draws a number.
func barcodeWidth(bar float64, number string) float64 {
	bars, err := code128.Encode(number)
	if err != nil {
		return 0
	}
	return float64(bars.Bounds().Dx()) * bar
}
