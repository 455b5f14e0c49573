package web

import (
	"encoding/csv"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"time"

	"zahlwerk/internal/csvfile"
	"zahlwerk/internal/i18n"
)

const (
	csvChunk = 500              // rows that are read and sent at once
	csvWait  = 60 * time.Second // for the reader to take them
)

// sendCSV sends a table as a file, rows by rows, so that a long one needs neither memory
// nor an open transaction. An error after the first of them cuts the connection: a file
// that ends early must not look whole.
func (s *Server) sendCSV(r *request, name string, header []string, chunks iter.Seq2[[][]string, error]) error {
	next, stop := iter.Pull2(chunks)
	defer stop()
	rows, err, more := next()
	if err != nil {
		return err
	}
	h := r.Response().Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	r.Response().WriteHeader(http.StatusOK)
	if r.Request().Method == http.MethodHead {
		return nil
	}
	w := csv.NewWriter(r.Response())
	w.Comma, w.UseCRLF = csvComma(i18n.Language(r.ctx())), true
	if _, err = r.Response().Write([]byte(csvfile.ByteOrderMark)); err == nil {
		err = sendRows(r, w, append([][]string{header}, rows...))
	}
	for err == nil && more {
		if rows, err, more = next(); err == nil && more {
			err = sendRows(r, w, rows)
		}
	}
	if err != nil {
		s.Log.Error("send a table", "request_id", r.requestID, "name", name, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func sendRows(r *request, w *csv.Writer, rows [][]string) error {
	control := http.NewResponseController(r.Response())
	// The server's time-out is meant for pages. A connection without one has none to move.
	_ = control.SetWriteDeadline(time.Now().Add(csvWait))
	for _, row := range rows {
		for i := range row {
			row[i] = csvfile.Harmless(row[i])
		}
		if err := w.Write(row); err != nil {
			return fmt.Errorf("write a row: %w", err)
		}
	}
	w.Flush()
	r.Response().Flush()
	return w.Error()
}

// csvComma is what spreadsheets of a language expect between the cells.
func csvComma(language string) rune {
	if language == i18n.German {
		return ';'
	}
	return ','
}
