package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/batch"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/order"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
)

// numbered places an order with a number of its own and another of the shop.
func (s *shop) numbered(number, external string, change ...func(in *order.Input)) *order.Order {
	s.Helper()
	return s.place("klarna", append(change, func(in *order.Input) { in.Number, in.ExternalNumber = number, external })...)
}

// keep keeps a file of tracking numbers.
func (s *shop) keep(content string) string {
	s.Helper()
	id, err := s.dispatch.KeepTrackingFile(s.Context(), "parcels.csv", strings.NewReader(content), "clerk")
	s.must(err)
	return id
}

// proposed is how a kept file's columns are proposed to be named.
func (s *shop) proposed(id string) (dispatch.TrackingMapping, bool) {
	s.Helper()
	f, err := s.dispatch.OpenTrackingFile(s.Context(), id)
	s.must(err)
	m, known, err := s.dispatch.ProposeTrackingMapping(s.Context(), f.Table)
	s.must(err)
	return m, known
}

// preview makes a batch of a file, whose columns are named as proposed but for change.
func (s *shop) preview(content string, change func(m *dispatch.TrackingMapping)) *batch.Batch {
	s.Helper()
	id := s.keep(content)
	m, _ := s.proposed(id)
	if change != nil {
		change(&m)
	}
	b, err := s.dispatch.ImportTracking(s.Context(), id, m, "clerk")
	s.must(err)
	return b
}

// lines are the items of a batch as "position label state | column key".
func (s *shop) lines(b *batch.Batch) (lines []string) {
	s.Helper()
	items, err := s.batches.Items(s.Context(), b.ID, 0, 1000)
	s.must(err)
	for _, i := range items {
		lines = append(lines, itemLine(i))
	}
	return lines
}

func itemLine(i batch.Item) string {
	text := fmt.Sprintf("%d %s %s", i.Position, i.Label, i.State)
	for _, m := range i.Messages {
		text += " | " + strings.TrimSpace(m.Field+" "+m.Key)
	}
	return text
}

// recordAll does what waits in a batch, each item twice, as after a crash, and returns the
// first results as lines.
func (s *shop) recordAll(b *batch.Batch) (lines []string) {
	s.Helper()
	items, err := s.batches.Items(s.Context(), b.ID, 0, 1000, batch.Waiting)
	s.must(err)
	for _, i := range items {
		for n := range 2 {
			result, err := s.dispatch.RecordTracking(s.Context(), b, &i)
			if messages, ok := batch.MessagesOf(err); ok {
				result = batch.Result{State: batch.ItemRefused, Messages: messages}
			} else {
				s.must(err)
			}
			if n == 0 {
				if result.State == "" {
					result.State = batch.ItemDone
				}
				lines = append(lines, itemLine(batch.Item{Position: i.Position, Label: i.Label, State: result.State, Messages: result.Messages}))
			}
		}
	}
	return lines
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Files as the programs of carriers write them, read without anybody naming a column.
func TestTrackingFilesOfCarriers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		mapping dispatch.TrackingMapping
		lines   []string
	}{
		"dhl.csv": {dispatch.TrackingMapping{Reference: "Sendungsreferenz", ReferenceIs: dispatch.AnyReference, TrackingNumber: "Sendungsnummer"}, []string{
			"2 A1 waiting | tracking.plan", "3 A2 waiting | tracking.plan", "4 A3 refused | Sendungsnummer dispatch.error.carrier_not_recognised"}},
		"dpd.csv": {dispatch.TrackingMapping{Reference: "Reference 1", ReferenceIs: dispatch.AnyReference, TrackingNumber: "Parcel number", CarrierColumn: "Carrier"}, []string{
			"2 A1 waiting | tracking.plan", "3 A2 waiting | tracking.plan", "5 A9 refused | Reference 1 tracking.error.unknown"}},
		"gls.csv": {dispatch.TrackingMapping{Reference: "Kundenreferenz", ReferenceIs: dispatch.AnyReference, TrackingNumber: "Paketnr."}, []string{
			"2 A1 waiting | tracking.plan", "3 A2 refused | Paketnr. tracking.error.rounded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(filepath.Join("testdata", "tracking", name))
			if err != nil {
				t.Fatal(err)
			}
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				s := newShop(t, db)
				s.numbered("A1", "SHOP-1")
				s.numbered("A2", "SHOP-2")
				s.numbered("A3", "SHOP-3")
				if m, known := s.proposed(s.keep(string(content))); known || m != want.mapping {
					t.Errorf("proposed %+v, known %t", m, known)
				}
				b := s.preview(string(content), nil)
				equal(t, "preview", s.lines(b), want.lines)
				if m, known := s.proposed(s.keep(string(content))); !known || m != want.mapping {
					t.Errorf("the next time %+v, known %t", m, known)
				}
				if done := s.recordAll(b); len(done) == 0 || !strings.Contains(done[0], "2 A1 done | tracking.recorded") {
					t.Errorf("%q", done)
				}
			})
		})
	}
}

// What each line would do, then what it did, then the same file again.
func TestTrackingImport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		plain, twice, split := s.numbered("A1", "E1"), s.numbered("A2", "E2"), s.numbered("A3", "E3")
		s.numbered("draft", "", func(in *order.Input) { in.Status = order.Draft })
		s.must(s.dispatch.Cancel(t.Context(), s.numbered("cancelled", "").ID, "clerk"))
		s.numbered("B1", "same")
		s.numbered("B2", "same")
		odd := s.numbered("C1", "")
		first, second := s.note(split, cups(1)), s.note(split, cups(1))
		s.record(s.numbered("D1", ""), parcel("T-OLD"))
		const head = "Referenz;Tracking;Carrier\n"
		file := head + strings.Join([]string{
			"A1;T-1;dhl",
			"A1;t 1;dhl",               // the same number, written otherwise
			"A1;T-2;dhl",               // another parcel
			"E2;T-3;",                  // by the shop's number, of a carrier that nobody can tell
			"A2;T-3;Fahrradkurier",     // of one that we do not know
			"A3;T-4;dhl",               // two notes
			first.Number + ";T-4;dhl",  // one of them
			second.Number + ";T-5;dhl", // the other
			"draft;T-6;dhl",
			"cancelled;T-7;dhl",
			"same;T-8;dhl",
			"nobody;T-9;dhl",
			";T-10;dhl",
			"C1;;dhl",
			"C1;A1;dhl",
			"C1;T-OLD;dhl",
			"C1;T#;" + strings.Repeat("x", 101),
			"C1;T-11",
			"C1;\"T-12\"x;dhl",
		}, "\n") + "\n"
		b := s.preview(file, nil)
		want := []string{
			"2 A1 waiting | tracking.plan",
			"3 A1 unchanged | tracking.twice",
			"4 A1 waiting | tracking.plan",
			"5 E2 refused | Carrier dispatch.error.carrier_not_recognised",
			"6 A2 waiting | tracking.plan | tracking.unknown_carrier",
			"7 A3 refused | Referenz dispatch.error.several_notes",
			"8 A3 waiting | tracking.plan",
			"9 A3 waiting | tracking.plan",
			"10 draft refused | dispatch.error.draft",
			"11 cancelled refused | dispatch.error.cancelled",
			"12 same refused | Referenz tracking.error.several_orders",
			"13 nobody refused | Referenz tracking.error.unknown",
			"14  refused | Referenz error.required",
			"15 C1 refused | Tracking error.required",
			"16 C1 refused | Tracking dispatch.error.own_number",
			"17 C1 waiting | tracking.plan | tracking.elsewhere",
			"18 C1 refused | Carrier error.too_long",
			"19 C1 refused | csvfile.error.ragged",
			"20 C1 refused | Tracking csvfile.error.quote",
		}
		equal(t, "preview", s.lines(b), want)
		for _, o := range []*order.Order{plain, twice, split, odd} {
			if now := s.now(o); len(now.Notes) > 0 && len(now.Notes[0].Parcels) > 0 {
				t.Errorf("the preview has recorded a parcel of %s", o.Number)
			}
		}
		equal(t, "done", s.recordAll(b), []string{
			"2 A1 done | tracking.recorded", "4 A1 done | tracking.recorded", "6 A2 done | tracking.recorded | tracking.unknown_carrier",
			"8 A3 done | tracking.recorded", "9 A3 done | tracking.recorded", "17 C1 done | tracking.recorded | tracking.elsewhere"})
		now := s.now(split)
		if now.Notes[0].Parcels[0].TrackingNumber != "T-4" || now.Notes[1].Parcels[0].TrackingNumber != "T-5" {
			t.Errorf("parcels on the wrong notes: %+v", now.Notes)
		}
		again := s.preview(file, nil)
		if again.Unchanged != 8 || again.Refused+again.Unchanged != again.Total {
			t.Errorf("again: %d unchanged, %d refused of %d\n%s", again.Unchanged, again.Refused, again.Total, strings.Join(s.lines(again), "\n"))
		}
		if captures := s.captures(plain); len(captures) != 1 {
			t.Errorf("%d captures of one note", len(captures))
		}
	})
}

// The kind of reference and the carrier that people name count.
func TestTrackingMapping(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		note := s.note(s.numbered("N1", "N2"))
		s.numbered("N2", "N1")
		for is, want := range map[dispatch.Reference][]string{
			dispatch.AnyReference:      {"2 N1 refused | Code tracking.error.several_orders", "3 N1 waiting | tracking.plan"},
			dispatch.OrderReference:    {"2 N1 waiting | tracking.plan", fmt.Sprintf("3 %s refused | Code tracking.error.unknown", note.Number)},
			dispatch.ExternalReference: {"2 N2 waiting | tracking.plan", fmt.Sprintf("3 %s refused | Code tracking.error.unknown", note.Number)},
			dispatch.NoteReference:     {"2 N1 refused | Code tracking.error.unknown", "3 N1 waiting | tracking.plan"},
		} {
			batch := s.preview("Code;Paketnummer\nN1;X1\n"+note.Number+";X2\n", func(m *dispatch.TrackingMapping) {
				m.Reference, m.ReferenceIs, m.Carrier = "Code", is, "gls"
			})
			equal(t, string(is), s.lines(batch), want)
		}
		id := s.keep("Code;Paketnummer\nN1;X1\n")
		for name, tc := range map[string]struct {
			change func(m *dispatch.TrackingMapping)
			want   []string
		}{
			"nothing":           {func(m *dispatch.TrackingMapping) { *m = dispatch.TrackingMapping{} }, []string{"reference error.required", "tracking_number error.required", "reference_is error.choice"}},
			"not in the file":   {func(m *dispatch.TrackingMapping) { m.Reference, m.CarrierColumn = "x", "y" }, []string{"reference error.choice", "carrier_column error.choice"}},
			"one for both":      {func(m *dispatch.TrackingMapping) { m.Reference = "paketnummer" }, []string{"tracking_number tracking.error.same_column"}},
			"no such carrier":   {func(m *dispatch.TrackingMapping) { m.Carrier = "stork" }, []string{"carrier error.choice"}},
			"no such reference": {func(m *dispatch.TrackingMapping) { m.ReferenceIs = "moon" }, []string{"reference_is error.choice"}},
		} {
			m := dispatch.TrackingMapping{Reference: "Code", ReferenceIs: dispatch.OrderReference, TrackingNumber: "Paketnummer"}
			tc.change(&m)
			_, err := s.dispatch.ImportTracking(t.Context(), id, m, "clerk")
			t.Log(name)
			s.refused(err, fault.Invalid, tc.want...)
		}
	})
}

// A file of several parts is the same when it comes back, and is gone when it is
// imported, or after a day.
func TestTrackingFilesAreKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var content strings.Builder
		content.WriteString("Referenz;Paketnummer\n")
		for i := range 60_000 {
			fmt.Fprintf(&content, "R-%d;00340434161094%06d\n", i, i)
		}
		id := s.keep(content.String())
		f, err := s.dispatch.OpenTrackingFile(t.Context(), id)
		s.must(err)
		n := 0
		for row, err := range f.Table.Rows() {
			s.must(err)
			if row.Cells[0] != fmt.Sprintf("R-%d", n) {
				t.Fatalf("row %d is %q", n, row.Cells)
			}
			n++
		}
		if n != 60_000 || f.Name != "parcels.csv" {
			t.Errorf("%d rows of %q", n, f.Name)
		}
		s.clock.Advance(dispatch.KeepTrackingFiles - time.Second)
		s.must(s.dispatch.SweepTrackingFiles(t.Context()))
		_, err = s.dispatch.OpenTrackingFile(t.Context(), id)
		s.must(err)
		s.clock.Advance(2 * time.Second)
		s.must(s.dispatch.SweepTrackingFiles(t.Context()))
		imported := s.keep("Referenz;Paketnummer\n1;2\n")
		m, _ := s.proposed(imported)
		_, err = s.dispatch.ImportTracking(t.Context(), imported, m, "clerk")
		s.must(err)
		for _, gone := range []string{id, imported, "", "\x00", "x"} {
			_, err = s.dispatch.OpenTrackingFile(t.Context(), gone)
			s.refused(err, fault.NotFound, "tracking.error.no_file")
		}
		var left int64
		s.must(db.Read(t.Context()).Raw("SELECT (SELECT count(*) FROM tracking_files) + (SELECT count(*) FROM tracking_file_parts)").Scan(&left).Error)
		if left != 0 {
			t.Errorf("%d rows are left", left)
		}
	})
}

func TestTrackingFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, storetest.SQLite(t))
	for content, want := range map[string]string{
		"": "csvfile.error.empty", "PK\x03\x04": "csvfile.error.packed", "00340434161094042557;1\n": "csvfile.error.no_header",
	} {
		_, err := s.dispatch.KeepTrackingFile(t.Context(), "x", strings.NewReader(content), "clerk")
		s.refused(err, fault.Invalid, want)
	}
	id := s.keep("Referenz;Paketnummer\n")
	m, _ := s.proposed(id)
	_, err := s.dispatch.ImportTracking(t.Context(), id, m, "clerk")
	s.refused(err, fault.Invalid, "import.error.no_rows")
	_, err = s.dispatch.RecordTracking(context.Background(), &batch.Batch{}, &batch.Item{Input: "{}"})
	if err == nil || errors.As(err, new(*fault.Error)) {
		t.Errorf("an item without an order: %v", err)
	}
}
