package csvfile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"zahlwerk/internal/fault"
)

// Encoding is how the characters of a file are written.
type Encoding string

// The encodings.
const (
	UTF8        Encoding = "UTF-8"
	UTF16LE     Encoding = "UTF-16 LE" // these two only with a byte order mark
	UTF16BE     Encoding = "UTF-16 BE"
	Windows1252 Encoding = "Windows-1252"
)

var bom = []byte("\xef\xbb\xbf")

// signatures are the beginnings of files that are often taken for a CSV file.
var signatures = []struct{ begin, key string }{
	{"PK\x03\x04", "csvfile.error.packed"}, // ZIP, and with it the files of spreadsheets
	{"PK\x05\x06", "csvfile.error.packed"},
	{"PK\x07\x08", "csvfile.error.packed"},
	{"\x1f\x8b", "csvfile.error.packed"}, // gzip
	{"BZh91AY&SY", "csvfile.error.packed"},
	{"\xfd7zXZ\x00", "csvfile.error.packed"},
	{"7z\xbc\xaf\x27\x1c", "csvfile.error.packed"},
	{"Rar!\x1a", "csvfile.error.packed"},
	{"\x28\xb5\x2f\xfd", "csvfile.error.packed"},                 // zstd
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "csvfile.error.binary"}, // .xls
	{"%PDF-", "csvfile.error.binary"},
}

// text is a file as characters: how it is written and how its lines end.
type text struct {
	src      io.ReadSeeker
	encoding Encoding
	marked   bool // it begins with a byte order mark
	onlyCR   bool // lines end as on old Macs
}

// look reads the whole file once and finds out how it is written. What is no text is
// refused, a text that is broken by its line.
func look(src io.ReadSeeker) (text, error) {
	begin := make([]byte, 16)
	n, err := io.ReadFull(src, begin)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return text{}, fmt.Errorf("read the file: %w", err)
	}
	begin = begin[:n]
	for _, s := range signatures {
		if bytes.HasPrefix(begin, []byte(s.begin)) {
			return text{}, fault.New(fault.Invalid, s.key)
		}
	}
	t := text{src: src, encoding: UTF8}
	switch {
	case bytes.HasPrefix(begin, bom):
		t.marked = true
	case bytes.HasPrefix(begin, []byte{0xff, 0xfe}):
		t.encoding, t.marked = UTF16LE, true
	case bytes.HasPrefix(begin, []byte{0xfe, 0xff}):
		t.encoding, t.marked = UTF16BE, true
	}
	r, err := t.decoded()
	if err != nil {
		return t, err
	}
	c, err := count(r)
	if err != nil {
		return t, err
	}
	t.onlyCR = c.feeds == 0
	switch {
	case c.nul > 0:
		return t, fault.New(fault.Invalid, "csvfile.error.binary")
	case t.encoding != UTF8:
		if c.replaced > 0 {
			return t, broken(t.encoding, c.replaced)
		}
	case c.invalid == 0:
	case t.marked || c.invalid <= 10*c.multibyte:
		// Umlauts in Windows-1252 practically never look like UTF-8, so a file that has
		// such sequences at all is UTF-8 that broke.
		return t, broken(UTF8, c.invalidAt)
	case c.undefined > 0:
		return t, broken(Windows1252, c.undefined)
	default:
		t.encoding = Windows1252
	}
	return t, nil
}

func broken(e Encoding, line int) error {
	return fault.New(fault.Invalid, "csvfile.error.encoding", "Line", line, "Encoding", string(e))
}

// counts is what a walk over the characters finds. nul, replaced, invalidAt and
// undefined are the lines of the first such character, 0 for none.
type counts struct {
	feeds     int // line feeds
	multibyte int // characters of several bytes
	invalid   int // bytes that are no UTF-8
	invalidAt int
	undefined int // a byte that Windows-1252 does not have
	replaced  int // the replacement character
	nul       int
}

func count(r io.Reader) (counts, error) {
	var c counts
	line := 1
	first := func(at *int) {
		if *at == 0 {
			*at = line
		}
	}
	var last rune
	for in := bufio.NewReaderSize(r, 64<<10); ; {
		char, size, err := in.ReadRune()
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return c, fmt.Errorf("read the file: %w", err)
		}
		switch {
		case char == '\n':
			c.feeds++
			if last != '\r' {
				line++
			}
		case char == '\r':
			line++
		case char == 0:
			first(&c.nul)
		case char == utf8.RuneError && size == 1:
			c.invalid++
			first(&c.invalidAt)
			_ = in.UnreadRune()
			switch b, _ := in.ReadByte(); b {
			case 0x81, 0x8d, 0x8f, 0x90, 0x9d:
				first(&c.undefined)
			}
		case char == utf8.RuneError:
			first(&c.replaced)
			c.multibyte++
		case size > 1:
			c.multibyte++
		}
		last = char
	}
}

// decoded returns the text from its beginning, in UTF-8.
func (t text) decoded() (io.Reader, error) {
	skip := int64(0)
	if t.encoding == UTF8 && t.marked {
		skip = int64(len(bom))
	}
	if _, err := t.src.Seek(skip, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	var d transform.Transformer
	switch t.encoding {
	case UTF16LE:
		d = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
	case UTF16BE:
		d = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder()
	case Windows1252:
		d = charmap.Windows1252.NewDecoder()
	default:
		return t.src, nil
	}
	return transform.NewReader(t.src, d), nil
}

// lines is decoded with line feeds between the lines.
func (t text) lines() (io.Reader, error) {
	r, err := t.decoded()
	if err == nil && t.onlyCR {
		r = feeds{r}
	}
	return r, err
}

// feeds turns carriage returns into line feeds.
type feeds struct{ io.Reader }

func (f feeds) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	for i := range b[:n] {
		if b[i] == '\r' {
			b[i] = '\n'
		}
	}
	return n, err
}
