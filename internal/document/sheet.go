package document

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-fonts/liberation/liberationsansbold"
	"github.com/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// font is the family of all papers.
const font = "Liberation Sans"

// style is the weight of letters, as fpdf names it.
type style string

const (
	regular style = ""
	bold    style = "B"
)

// grey is a shade of ink: 0 is black.
type grey int

const (
	ink   grey = 0
	faint grey = 95  // what explains
	line  grey = 165 // rules
	shade grey = 238 // behind the heads of tables
)

// sheet is paper that is written on in one language. Lengths are millimetres from its
// upper left corner, sizes of letters points.
type sheet struct {
	*fpdf.Fpdf
	language
}

// about is what a PDF tells of itself.
type about struct {
	title  string
	author string
	at     time.Time // the document's own date
}

// newSheet returns paper of a format that fpdf knows ("A4", "A6"), without a page.
func newSheet(format string, l language, a about) *sheet {
	s := &sheet{fpdf.New("P", "mm", format, ""), l}
	s.SetCatalogSort(true) // the same page gives the same bytes
	s.SetCreationDate(a.at.UTC())
	s.SetModificationDate(a.at.UTC())
	s.SetProducer("Zahlwerk", true)
	s.SetTitle(printable(a.title), true)
	s.SetAuthor(printable(a.author), true)
	s.SetLang(string(l))
	s.SetMargins(0, 0, 0)
	s.SetCellMargin(0)
	s.SetAutoPageBreak(false, 0)
	s.AddUTF8FontFromBytes(font, string(regular), liberationsansregular.TTF)
	s.AddUTF8FontFromBytes(font, string(bold), liberationsansbold.TTF)
	return s
}

// finish returns the PDF.
func (s *sheet) finish() ([]byte, error) {
	var b bytes.Buffer
	if err := s.Output(&b); err != nil {
		return nil, fmt.Errorf("write the PDF: %w", err)
	}
	return b.Bytes(), nil
}

// height is how far apart lines of this size stand.
func height(size float64) float64 { return size * 0.46 }

func (s *sheet) use(st style, size float64, g grey) {
	s.SetFont(font, string(st), size)
	s.SetTextColor(int(g), int(g), int(g))
}

// write puts a line of text with its foot at y, beginning at x.
func (s *sheet) write(x, y float64, st style, size float64, g grey, text string) {
	s.use(st, size, g)
	s.Text(x, y, printable(text))
}

// writeRight puts a line of text with its foot at y, ending at x.
func (s *sheet) writeRight(x, y float64, st style, size float64, g grey, text string) {
	s.write(x-s.width(st, size, text), y, st, size, g, text)
}

func (s *sheet) width(st style, size float64, text string) float64 {
	s.use(st, size, ink)
	return s.GetStringWidth(printable(text))
}

// shrunk is the size, this one or smaller, at which a text that must not be broken has
// room.
func (s *sheet) shrunk(text string, st style, size, room float64) float64 {
	if w := s.width(st, size, text); w > room {
		return size * room / w
	}
	return size
}

// lines breaks a text between words, and a word that is longer than a line within it.
func (s *sheet) lines(text string, st style, size, room float64) []string {
	var out []string
	for _, par := range strings.Split(text, "\n") {
		current := ""
		for _, word := range strings.FieldsFunc(par, func(r rune) bool { return r == ' ' || r == '\t' }) {
			if current != "" && s.width(st, size, current+" "+word) <= room {
				current += " " + word
				continue
			}
			if current != "" {
				out = append(out, current)
			}
			for s.width(st, size, word) > room {
				head := s.head(word, st, size, room)
				out, word = append(out, head), word[len(head):]
			}
			current = word
		}
		out = append(out, current)
	}
	return out
}

// fitting breaks texts into lines that have room in a place, at this size or the largest
// smaller one.
func (s *sheet) fitting(texts []string, size, room, high float64) ([]string, float64) {
	const smallest, step = 5, 0.5
	for ; ; size -= step {
		var lines []string
		for _, text := range texts {
			lines = append(lines, s.lines(text, bold, size, room)...)
		}
		if size <= smallest || float64(len(lines))*height(size) <= high {
			return lines, size
		}
	}
}

// head is the beginning of a word that has room, at least a letter.
func (s *sheet) head(word string, st style, size, room float64) string {
	end := 0
	for i, r := range word {
		next := i + len(string(r))
		if end > 0 && s.width(st, size, word[:next]) > room {
			break
		}
		end = next
	}
	return word[:end]
}

// rule draws a line from left to right.
func (s *sheet) rule(x1, x2, y, thick float64, g grey) {
	s.SetDrawColor(int(g), int(g), int(g))
	s.SetLineWidth(thick)
	s.Line(x1, y, x2, y)
}

func (s *sheet) fill(x, y, w, h float64, g grey) {
	s.SetFillColor(int(g), int(g), int(g))
	s.Rect(x, y, w, h, "F")
}

// letters is the font as it can be asked which letters it has.
var letters = sync.OnceValue(func() *sfnt.Font {
	f, err := sfnt.Parse(liberationsansregular.TTF)
	if err != nil {
		panic(err) // the font is built in
	}
	return f
})

// missing stands for a letter that the font does not have.
const missing = '\ufffd'

// printable is text as the font can write it: letters composed from their accents, no
// control characters, and a mark for each letter that the font does not have.
func printable(s string) string {
	var b sfnt.Buffer
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x7f && r >= ' ':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r): // joiners and directions, too
			return -1
		case r > 0xffff: // more than the PDF's text can name
			return missing
		}
		if i, err := letters().GlyphIndex(&b, r); err != nil || i == 0 {
			return missing
		}
		return r
	}, norm.NFC.String(s))
}
