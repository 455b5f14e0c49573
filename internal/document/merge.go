package document

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"zahlwerk/internal/fault"
)

// Merge puts kept documents together into one file. The same ones in the same order give
// the same bytes.
func Merge(documents []*Document) ([]byte, error) {
	papers := make([][]byte, len(documents))
	for i, d := range documents {
		papers[i] = d.PDF
	}
	return merge(papers)
}

func merge(papers [][]byte) ([]byte, error) {
	switch len(papers) {
	case 0:
		return nil, fault.New(fault.Conflict, "document.error.nothing_to_print")
	case 1:
		return papers[0], nil
	}
	file, err := mergeObjects(papers)
	if err != nil {
		return nil, fmt.Errorf("put %d papers into one file: %w", len(papers), err)
	}
	return (&fileWriter{xref: file.XRefTable, numbers: map[types.Integer]int{}}).write()
}

// mergeObjects appends the pages of all papers to those of the first, with what they have
// in common, such as fonts, once.
func mergeObjects(papers [][]byte) (*model.Context, error) {
	var file *model.Context
	for i, p := range papers {
		paper, err := api.ReadAndValidate(bytes.NewReader(p), mergeOptions())
		if err == nil && file != nil {
			err = pdfcpu.MergeXRefTables(strconv.Itoa(i), paper, file, false, false)
		}
		if err != nil {
			return nil, err
		}
		if file == nil {
			file = paper
		}
	}
	return file, api.OptimizeContext(file)
}

// withoutConfig keeps pdfcpu from looking for its configuration, and writing one, in the
// home of whoever runs this.
var withoutConfig = sync.OnceFunc(api.DisableConfigDir)

func mergeOptions() *model.Configuration {
	withoutConfig()
	c := model.NewDefaultConfiguration()
	c.Cmd, c.ValidationMode, c.CreateBookmarks = model.MERGECREATE, model.ValidationRelaxed, false
	return c
}

// fileWriter writes merged papers. What pdfcpu itself writes has the time in it, and its
// objects are numbered by chance; here they are numbered in the order in which a walk from
// the root meets them.
type fileWriter struct {
	xref    *model.XRefTable
	numbers map[types.Integer]int // in the file, by the number in xref
	met     []types.Integer       // in the order of their numbers in the file
	out     bytes.Buffer
}

func (w *fileWriter) write() ([]byte, error) {
	w.out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	root := w.renumbered(*w.xref.Root)
	var table bytes.Buffer
	for n := 0; n < len(w.met); n++ { // it grows meanwhile
		fmt.Fprintf(&table, "%010d 00000 n \n", w.out.Len())
		if err := w.object(n+1, w.met[n]); err != nil {
			return nil, err
		}
	}
	start, size, id := w.out.Len(), len(w.met)+1, sha256.Sum256(w.out.Bytes())
	fmt.Fprintf(&w.out, "xref\n0 %d\n0000000000 65535 f \n%s", size, table.Bytes())
	fmt.Fprintf(&w.out, "trailer\n<</ID[<%[1]X><%[1]X>]/Root %[2]s/Size %[3]d>>\nstartxref\n%[4]d\n%%%%EOF\n", id[:16], root.PDFString(), size, start)
	return w.out.Bytes(), nil
}

func (w *fileWriter) object(number int, known types.Integer) error {
	fmt.Fprintf(&w.out, "%d 0 obj\n", number)
	entry, ok := w.xref.Find(known.Value())
	switch {
	case !ok || entry.Free || entry.Object == nil:
		w.out.WriteString("null")
	default:
		o := entry.Object
		stream, isStream := o.(types.StreamDict)
		if isStream {
			if stream.Raw == nil {
				if err := stream.Encode(); err != nil {
					return err
				}
			}
			stream.Dict["Length"] = types.Integer(len(stream.Raw)) // may have been an object of its own
			o = stream.Dict
		}
		w.out.WriteString(w.renumbered(o).PDFString())
		if isStream {
			w.out.WriteString("\nstream\n")
			w.out.Write(stream.Raw)
			w.out.WriteString("\nendstream")
		}
	}
	w.out.WriteString("\nendobj\n")
	return nil
}

// renumbered is an object whose references are those of the file.
func (w *fileWriter) renumbered(o types.Object) types.Object {
	switch o := o.(type) {
	case types.IndirectRef:
		n, met := w.numbers[o.ObjectNumber]
		if !met {
			w.met = append(w.met, o.ObjectNumber)
			n = len(w.met)
			w.numbers[o.ObjectNumber] = n
		}
		return *types.NewIndirectRef(n, 0)
	case types.Dict:
		d := types.Dict{}
		for _, key := range slices.Sorted(maps.Keys(o)) {
			d[key] = w.renumbered(o[key])
		}
		return d
	case types.Array:
		a := make(types.Array, len(o))
		for i, item := range o {
			a[i] = w.renumbered(item)
		}
		return a
	}
	return o
}
