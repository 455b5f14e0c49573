package document_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// A PDF is read back by another library than the one that writes it; the operators that
// papers are made of are read here. Lengths are points from the lower left corner.
type (
	// sheet is a page as it was read.
	sheet struct {
		texts []text
		areas []area
	}
	text struct {
		x, y float64
		s    string
	}
	area struct{ x, y, w, h float64 }
)

// read validates a PDF and returns its pages.
func read(t *testing.T, file []byte) []sheet {
	t.Helper()
	api.DisableConfigDir()
	c, err := api.ReadAndValidate(bytes.NewReader(file), model.NewDefaultConfiguration())
	must(t, err)
	must(t, c.EnsurePageCount())
	var all []sheet
	for i := range c.PageCount {
		r, err := pdfcpu.ExtractPageContent(c, i+1)
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		all = append(all, readSheet(content))
	}
	return all
}

func readSheet(content []byte) sheet {
	var s sheet
	for rest := content; ; {
		i := bytes.Index(rest, []byte("BT "))
		if i < 0 {
			break
		}
		rest = rest[i:]
		var found text
		if _, err := fmt.Sscanf(string(rest[:min(len(rest), 60)]), "BT %f %f Td", &found.x, &found.y); err != nil {
			rest = rest[1:] // it chooses a font
			continue
		}
		begin := bytes.IndexByte(rest, '(') + 1
		var written []byte
		for rest = rest[begin:]; rest[0] != ')'; rest = rest[1:] {
			if rest[0] == '\\' {
				if rest = rest[1:]; rest[0] == 'r' {
					written = append(written, '\r')
					continue
				}
			}
			written = append(written, rest[0])
		}
		units := make([]uint16, len(written)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(written[2*i:])
		}
		found.s = strings.ReplaceAll(string(utf16.Decode(units)), "\u00a0", " ")
		s.texts = append(s.texts, found)
	}
	for l := range strings.Lines(string(content)) {
		var a area
		if n, _ := fmt.Sscanf(l, "%f %f %f %f re f", &a.x, &a.y, &a.w, &a.h); n == 4 {
			if a.h < 0 {
				a.y, a.h = a.y+a.h, -a.h
			}
			s.areas = append(s.areas, a)
		}
	}
	return s
}

// String is what can be read on the page, line by line from the top, from the left.
func (s sheet) String() string {
	sorted := slices.Clone(s.texts)
	slices.SortStableFunc(sorted, func(a, b text) int {
		if d := b.y - a.y; d > 1 || d < -1 {
			return int(d)
		}
		return int(a.x - b.x)
	})
	words := make([]string, len(sorted))
	for i, found := range sorted {
		words[i] = found.s
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
