package csvfile

import (
	"io"
	"iter"

	"zahlwerk/internal/fault"
)

// Blocks is an open file with several tables below each other, each with a header of its
// own.
type Blocks struct {
	*Table   // the first of them
	isHeader func(cells []string) bool
}

// Block is one of the tables.
type Block struct {
	Line   int // of its header
	Header []string

	table Table
}

// OpenBlocks looks at a file from its beginning, as Open does. isHeader knows the headers
// of its tables.
func OpenBlocks(src io.ReadSeeker, o Options, isHeader func(cells []string) bool) (*Blocks, error) {
	t, err := Open(src, o)
	if err != nil {
		return nil, err
	}
	return &Blocks{Table: t, isHeader: isHeader}, nil
}

// BlockRow is a row and the table that it is of, nil above the first header.
type BlockRow struct {
	Row
	Block *Block
}

// Rows returns the rows of all tables, as [Table.Rows] does. It can be called again.
func (b *Blocks) Rows() iter.Seq2[BlockRow, error] {
	return func(yield func(BlockRow, error) bool) {
		var block *Block
		n := 0
		for row, err := range b.records() {
			if err == nil && row.Problem == nil && b.isHeader(row.Cells) {
				if block, err = b.begin(row); err == nil {
					continue
				}
			}
			if n++; err == nil && n > b.options.MaxRows {
				err = fault.New(fault.TooLarge, "csvfile.error.too_many_rows", "Max", b.options.MaxRows)
			}
			if err == nil && block != nil {
				block.table.fit(&row)
			}
			if !yield(BlockRow{row, block}, err) || err != nil {
				return
			}
		}
	}
}

// begin starts a table at its header.
func (b *Blocks) begin(header Row) (*Block, error) {
	block := &Block{Line: header.Line, table: Table{options: b.options}}
	if err := block.table.setHeader(header); err != nil {
		return nil, err
	}
	block.Header = block.table.Header
	return block, nil
}

// Find looks for columns in the header of the table, as [Table.Find] does.
func (b *Block) Find(columns []Column) (*Columns, error) { return b.table.Find(columns) }
