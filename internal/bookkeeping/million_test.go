package bookkeeping_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/bookkeeping"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store/storetest"
)

// maxHeap is how much more memory an export may take, however long it is.
const maxHeap = 24 << 20

// peak measures the heap while a file is written through it.
type peak struct {
	w     io.Writer
	every int
	heap  uint64
}

func (p *peak) Write(b []byte) (int, error) {
	if p.every++; p.every%200 == 0 {
		p.heap = max(p.heap, heap())
	}
	return p.w.Write(b)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMillionLines exports a million lines as DATEV takes them, in batches, and some less
// in the other forms: in bounded memory and to the cent.
func TestMillionLines(t *testing.T) {
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("a million lines take a minute: TEST_LONG=1, or make soak")
	}
	b := open(t, storetest.SQLite(t))
	b.set(allAccounts())
	for format, lines := range map[bookkeeping.Format]int{bookkeeping.DATEV: 1_000_000, bookkeeping.CSV: 100_000, bookkeeping.CAMT: 100_000, bookkeeping.MT940: 100_000} {
		b.newAccount(string(format))
		b.fill(lines, 12_34)
		path := filepath.Join(t.TempDir(), string(format))
		began := time.Now()
		if more := b.heapOf(b.week(format, bookkeeping.PerLine), path); more > maxHeap {
			t.Errorf("%s takes %d MB of memory", format, more>>20)
		}
		t.Logf("%s: %d lines in %v", format, lines, time.Since(began).Round(time.Millisecond))
		switch format {
		case bookkeeping.DATEV:
			batches(t, path, lines+1)
		default:
			mark := map[bookkeeping.Format]string{bookkeeping.CSV: "HUGE;", bookkeeping.CAMT: "<Ntry>", bookkeeping.MT940: ":61:"}[format]
			if n := count(t, path, mark); n != lines+1 {
				t.Errorf("%s has %d postings", format, n)
			}
		}
	}
}

// fill puts a payout of many equal lines.
func (b *books) fill(lines int, amount int64) {
	b.t.Helper()
	all := int64(lines) * amount
	p := b.put(payout("HUGE", func(p *settlement.Payout) { p.Totals.Settlement = all }))
	must(b.t, b.db.InTx(b.t.Context(), func(tx *gorm.DB) error {
		err := tx.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO statement_lines (account_id, payout_id, run_id, payment_reference, payout_date, identity, ordinal, type, raw_amount,
				amount, currency, klarna_order_id, merchant_reference1, match_state)
			SELECT ?, ?, ?, 'HUGE', ?, 'x' || i, 0, 'SALE', ?, ?, 'EUR', 'f3392f8b-6116-4073-ab96-e330819e2c07', i, 'no_order' FROM n`,
			lines, p.AccountID, p.ID, p.RunID, p.PayoutDate, amount, amount).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE payouts SET lines = ?, lines_amount = ?, difference = 0, unexplained = 0 WHERE id = ?", lines, all, p.ID).Error; err != nil {
			return err
		}
		return tx.Create(&settlement.Sum{PayoutID: p.ID, Type: klarna.TypeSale, MatchState: settlement.NoOrder, Lines: int64(lines), Amount: all, RawAmount: all}).Error
	}))
}

// heapOf makes an export and returns by how much the heap grew at most.
func (b *books) heapOf(sel bookkeeping.Selection, path string) int64 {
	b.t.Helper()
	file, err := os.Create(path)
	must(b.t, err)
	runtime.GC()
	before := heap()
	e, err := b.Open(b.t.Context(), sel, false)
	must(b.t, err)
	out := &peak{w: file}
	must(b.t, e.Write(b.t.Context(), out))
	must(b.t, file.Close())
	return int64(out.heap) - int64(before)
}

// count counts the lines with a text.
func count(t *testing.T, path, text string) (n int) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if bytes.Contains(s.Bytes(), []byte(text)) {
			n++
		}
	}
	must(t, s.Err())
	return n
}

// batches sees that an archive has full batches and a last one, and reads that strictly.
func batches(t *testing.T, path string, want int) {
	t.Helper()
	archive, err := zip.OpenReader(path)
	must(t, err)
	defer archive.Close()
	n := 0
	for i, f := range archive.File {
		r, err := f.Open()
		must(t, err)
		file, err := io.ReadAll(r)
		must(t, err)
		rows := bytes.Count(file, []byte("\r\n")) - 2
		n += rows
		if last := i == len(archive.File)-1; last {
			readDATEV(t, file)
		} else if rows != 99_999 {
			t.Errorf("%s has %d postings", f.Name, rows)
		}
	}
	if len(archive.File) != (want+99_998)/99_999 || n != want {
		t.Errorf("%d batches with %d postings", len(archive.File), n)
	}
}
