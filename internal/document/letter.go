package document

import (
	"bytes"
	"context"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"zahlwerk/internal/order"
)

// Places on a letter by DIN 5008, form B, in millimetres on A4: the address stands in the
// window of an envelope that is folded at the marks.
const (
	left        = 25.0
	right       = 190.0
	logoTop     = 11.0
	logoHigh    = 22.5
	logoWide    = 60.0
	senderY     = 59.0
	addressY    = 66.5
	addressW    = 76.0
	addressHigh = 29.0
	infoX       = 122.0
	infoY       = 52.0
	subjectY    = 104.0
	textY       = 112.0
	nextPageY   = 30.0
	pageHigh    = 297.0
	footGap     = 5.5 // between the text and the foot
	footEnd     = 289.0
)

// Sizes of letters in points.
const (
	textSize    = 9.5
	smallSize   = 8.0
	footSize    = 7.0
	subjectSize = 15.0
)

// house is who letters are from.
type house struct {
	Company
	logo *Logo
}

func (s *Service) house(ctx context.Context) (house, error) {
	c, err := s.Company(ctx)
	if err != nil {
		return house{}, err
	}
	logo, err := s.Logo(ctx)
	return house{c, logo}, err
}

// address is the company's own address in lines.
func (h *house) address() []string {
	return filled(h.Name, h.Street, strings.TrimSpace(h.PostalCode+" "+h.City))
}

// letter is a sheet with letterhead and foot. y is where the foot of the next line is.
type letter struct {
	*sheet
	house  house
	title  string
	foot   [footColumns][]string
	motto  []string // the footer text in lines
	bottom float64  // below it is the foot
	y      float64
}

// fact is a line beside the address.
type fact struct{ label, value string }

// newLetter begins a letter to an address.
func newLetter(h house, l language, a about, to order.Address, facts []fact) *letter {
	a.author = h.Name
	p := &letter{sheet: newSheet("A4", l, a), house: h, title: a.title}
	p.AliasNbPages(pagesAlias)
	p.layFoot()
	p.AddPage()
	p.drawFoot()
	p.drawHead()
	p.drawAddress(to)
	p.drawFacts(facts)
	p.write(left, subjectY, bold, p.shrunk(a.title, bold, subjectSize, right-left), ink, a.title)
	p.y = textY
	return p
}

// newList begins a paper for the house: no address, no marks to fold by.
func newList(h house, l language, a about, below string) *letter {
	a.author = h.Name
	p := &letter{sheet: newSheet("A4", l, a), house: h, title: a.title, bottom: footEnd - 4}
	p.AliasNbPages(pagesAlias)
	p.AddPage()
	p.drawFoot()
	p.write(left, 24, bold, subjectSize, ink, a.title)
	p.write(left, 30, regular, textSize, faint, below)
	p.y = 40
	return p
}

// drawHead draws the logo, or where there is none the company's name, and the marks to
// fold and punch by.
func (p *letter) drawHead() {
	if p.house.logo != nil {
		options := fpdf.ImageOptions{ImageType: map[string]string{"png": "PNG", "jpeg": "JPG"}[p.house.logo.Type]}
		info := p.RegisterImageOptionsReader("logo", options, bytes.NewReader(p.house.logo.Data))
		if info != nil {
			w, h := logoWide, logoWide*info.Height()/info.Width()
			if h > logoHigh {
				w, h = w*logoHigh/h, logoHigh
			}
			p.ImageOptions("logo", right-w, logoTop+(logoHigh-h)/2, w, h, false, options, 0, "")
		}
	} else {
		p.writeRight(right, logoTop+12, bold, p.shrunk(p.house.Name, bold, 16, right-left), ink, p.house.Name)
	}
	for _, y := range []float64{105, 148.5, 210} {
		p.rule(4, 8, y, 0.1, line)
	}
}

// drawAddress puts the address into the window, below the line that says who sends it.
func (p *letter) drawAddress(to order.Address) {
	if sender := strings.Join(p.house.address(), " · "); sender != "" {
		size := p.shrunk(sender, regular, footSize, addressW)
		p.write(left, senderY, regular, size, faint, sender)
		p.rule(left, left+addressW, senderY+1.2, 0.1, line)
	}
	lines, size := p.fitting(p.language.address(to, p.house.Country), 10.5, addressW, addressHigh)
	for i, l := range lines {
		p.write(left, addressY+float64(i)*height(size), regular, size, ink, l)
	}
}

// drawFacts lists what the letter is about, beside the address.
func (p *letter) drawFacts(facts []fact) {
	y := infoY
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		p.write(infoX, y, regular, smallSize, faint, f.label)
		const valueX = infoX + 29
		lines, size := p.fitting([]string{f.value}, 9, right-valueX, 2*height(9))
		for i, l := range lines {
			p.write(valueX, y+float64(i)*height(size), regular, size, ink, l)
		}
		y += 4.6 + float64(len(lines)-1)*height(size)
	}
}

// layFoot works out the foot: it is as high as the company's data make it.
func (p *letter) layFoot() {
	c := &p.house.Company
	labelled := func(key, value string) string {
		if value == "" {
			return ""
		}
		return p.text(key) + " " + value
	}
	iban := ""
	if c.IBAN != "" {
		iban = WrittenIBAN(c.IBAN)
	}
	texts := [footColumns][]string{
		p.house.address(),
		filled(labelled("document.foot.phone", c.Phone), c.Email, c.Website),
		filled(c.Register, labelled("document.foot.vat_id", c.VATID), labelled("document.foot.tax_number", c.TaxNumber)),
		filled(c.Bank, labelled("document.foot.iban", iban), labelled("document.foot.bic", c.BIC)),
	}
	rows := 0
	for i, column := range texts {
		for _, text := range column {
			p.foot[i] = append(p.foot[i], p.lines(text, regular, footSize, footWides[i]-2)...)
		}
		rows = max(rows, len(p.foot[i]))
	}
	if c.FooterText != "" {
		p.motto = p.lines(c.FooterText, regular, footSize, right-left)
		rows += len(p.motto)
	}
	p.bottom = footEnd - float64(rows)*height(footSize) - 4
}

// footColumns is how many columns the foot has: address, contact, registers, bank.
const footColumns = 4

// footWides are their widths; an IBAN must not be broken.
var footWides = [footColumns]float64{39, 36, 42, 48}

// pagesAlias stands for the number of pages until that is known. The digits of that are
// in the font because they are on the pages: whoever has 19 has a 9.
const pagesAlias = "{pages}"

func (p *letter) drawFoot() {
	y := p.bottom
	page := p.text("document.page", "Page", p.PageNo()) + " "
	const digits = 3.5 // room for the number of pages
	p.writeRight(right-digits, y-1.2, regular, footSize, faint, page)
	p.write(right-digits, y-1.2, regular, footSize, faint, pagesAlias)
	p.rule(left, right, y, 0.15, line)
	y += 1 + height(footSize)
	rows, x := 0, left
	for i, column := range p.foot {
		for j, l := range column {
			p.write(x, y+float64(j)*height(footSize), regular, footSize, faint, l)
		}
		rows, x = max(rows, len(column)), x+footWides[i]
	}
	y += float64(rows) * height(footSize)
	for i, l := range p.motto {
		p.write(left, y+0.8+float64(i)*height(footSize), regular, footSize, faint, l)
	}
}

// turn begins the next page, which says what it belongs to.
func (p *letter) turn() {
	p.AddPage()
	p.drawFoot()
	p.write(left, 18, bold, textSize, ink, p.title)
	p.writeRight(right, 18, regular, smallSize, faint, p.house.Name)
	p.rule(left, right, 20.5, 0.15, line)
	p.y = nextPageY
}

// room makes sure that this much is free above the foot, on the next page if not here.
func (p *letter) room(high float64) {
	if p.y+high > p.bottom-footGap {
		p.turn()
	}
}

// say writes a paragraph, without leaving its lines apart on two pages.
func (p *letter) say(st style, text string) {
	if text == "" {
		return
	}
	lines := p.lines(text, st, textSize, right-left)
	if high := float64(len(lines)) * height(textSize); high < 100 {
		p.room(high)
	}
	for _, l := range lines {
		p.room(height(textSize))
		p.write(left, p.y, st, textSize, ink, l)
		p.y += height(textSize)
	}
	p.y += 2
}
