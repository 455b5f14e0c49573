package document

// column is a column of a table.
type column struct {
	title string
	wide  float64
	right bool // numbers: at the right, never broken
	bold  bool
}

// table is rows below a head that every page has.
type table struct {
	*letter
	columns []column
}

const (
	rowSize = 9.0
	rowPad  = 1.5
)

// newTable begins a table at the letter's place.
func (p *letter) newTable(columns ...column) *table {
	t := &table{p, columns}
	t.room(24) // a head alone at the end of a page says nothing
	t.head()
	return t
}

func (t *table) head() {
	high := height(smallSize) + 2*rowPad
	t.fill(left, t.y-high+rowPad+0.6, right-left, high, shade)
	t.each(func(c column, x float64) {
		if c.right {
			t.writeRight(x+c.wide-1.5, t.y, bold, t.shrunk(c.title, bold, smallSize, c.wide-2), ink, c.title)
		} else {
			t.write(x+1.5, t.y, bold, t.shrunk(c.title, bold, smallSize, c.wide-2), ink, c.title)
		}
	})
	t.y += 2*rowPad + height(rowSize) - 0.4
}

func (t *table) each(do func(c column, x float64)) {
	x := left
	for _, c := range t.columns {
		do(c, x)
		x += c.wide
	}
}

// row adds a row with a cell for each column; remarks stand small below the widest.
func (t *table) row(cells []string, remarks ...string) { t.add(false, cells, remarks) }

// tickRow is row with a box to tick off in the first column.
func (t *table) tickRow(cells ...string) { t.add(true, append([]string{""}, cells...), nil) }

func (t *table) add(box bool, cells, remarks []string) {
	widest := 0
	broken := make([][]string, len(cells))
	lines := 1
	for i, c := range t.columns {
		if c.right {
			broken[i] = []string{cells[i]}
			continue
		}
		broken[i] = t.lines(cells[i], c.style(), rowSize, c.wide-3)
		lines = max(lines, len(broken[i]))
		if c.wide > t.columns[widest].wide {
			widest = i
		}
	}
	var small []string
	for _, r := range remarks {
		small = append(small, t.lines(r, regular, smallSize, t.columns[widest].wide-3)...)
	}
	lines = max(lines, len(broken[widest])+len(small))
	high := float64(lines) * height(rowSize)
	if t.y+high > t.bottom-footGap+height(rowSize) {
		t.turn()
		t.head()
	}
	if box {
		t.SetDrawColor(0, 0, 0)
		t.SetLineWidth(0.25)
		t.Rect(left+1.5, t.y-2.9, 3.4, 3.4, "D")
	}
	i := 0
	t.each(func(c column, x float64) {
		for j, text := range broken[i] {
			y := t.y + float64(j)*height(rowSize)
			if c.right {
				t.writeRight(x+c.wide-1.5, y, c.style(), t.shrunk(text, c.style(), rowSize, c.wide-2), ink, text)
			} else {
				t.write(x+1.5, y, c.style(), rowSize, ink, text)
			}
		}
		if i == widest {
			for j, text := range small {
				t.write(x+1.5, t.y+float64(len(broken[i])+j)*height(rowSize), regular, smallSize, faint, text)
			}
		}
		i++
	})
	t.y += high - height(rowSize) + rowPad
	t.rule(left, right, t.y, 0.1, line)
	t.y += rowPad + height(rowSize) - 0.6
}

func (c column) style() style {
	if c.bold {
		return bold
	}
	return regular
}

// total adds a line of a sum below the table, at its right.
func (t *table) total(st style, label, amount string) {
	t.room(0)
	t.writeRight(right-36, t.y, st, t.shrunk(label, st, textSize, right-36-left), ink, label)
	t.writeRight(right-1.5, t.y, st, t.shrunk(amount, st, textSize, 33), ink, amount)
	t.y += height(textSize) + 0.6
}
