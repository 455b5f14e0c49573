package settlement_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/settlement"
)

// report fetches a settlement report of the sandbox's.
func (o *office) report(path string) string {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.ctx, http.MethodGet, o.base+"/settlements/v1/reports/"+path, nil)
	o.must(err)
	r.SetBasicAuth(klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	answer, err := http.DefaultClient.Do(r)
	o.must(err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	o.must(err)
	if answer.StatusCode != http.StatusOK {
		o.t.Fatalf("%s: %s %s", path, answer.Status, content)
	}
	return string(content)
}

// reportOf is the report of one payout, reportOfAll that of all.
func (o *office) reportOf(reference string) string {
	o.t.Helper()
	return o.report("payout-with-transactions?payment_reference=" + reference)
}

func (o *office) reportOfAll() string {
	o.t.Helper()
	return o.report("payouts-summary-with-transactions?start_date=2020-01-01&end_date=2099-12-31")
}

// read previews a file.
func (o *office) read(content string) (*settlement.ImportRun, *settlement.FileReport) {
	o.t.Helper()
	r, err := o.PreviewFile(o.ctx, o.account.ID, "report.csv", strings.NewReader(content), "Erika Beispiel")
	o.must(err)
	report, err := o.FileReport(o.ctx, r.ID)
	o.must(err)
	return o.run(r.ID), report
}

// start imports what was read.
func (o *office) start(r *settlement.ImportRun) *settlement.ImportRun {
	o.t.Helper()
	o.must(o.StartFile(o.ctx, r.ID, "Erika Beispiel"))
	return o.finish(r.ID)
}

// staged is how many pages lie on the stage.
func (o *office) staged() (n int64) {
	o.t.Helper()
	o.must(o.db.Read(o.ctx).Table("staged_pages").Count(&n).Error)
	return n
}

// A payout that came as a file is what the API would have brought, and neither brings it
// again after the other.
func TestFileAndLiveImport(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(4, 1300, 1)
		content := o.reportOfAll()
		r, report := o.read(content)
		if r.State != settlement.Preview || r.Payouts != 4 || r.PayoutsDone != 0 || r.LinesRead != report.Rows || len(o.books()) != 0 {
			t.Fatalf("the preview: %+v; %d payouts are here", r, len(o.books()))
		}
		for _, p := range report.Payouts {
			if p.State != settlement.PayoutStaged || p.Difference() != 0 || len(p.Problems) > 0 {
				t.Errorf("%+v", p)
			}
		}
		if runs, err := o.Runs(o.ctx, o.account.ID, 0, 10); err != nil || len(runs) != 0 {
			t.Errorf("imports: %v %v", runs, err)
		}
		r = o.start(r)
		if r.State != settlement.Done || r.PayoutsNew != 4 || r.LinesNew != report.Rows || r.FileName != "report.csv" || o.staged() != 0 {
			t.Errorf("%+v, %d pages staged", r, o.staged())
		}
		o.complete()
		for _, p := range o.books() {
			if p.Source != settlement.FromFile || !p.Complete || p.Unexplained != 0 {
				t.Errorf("%+v", p)
			}
		}
		before := o.identities()

		live := o.done() // which is allowed at once: a file is no live import
		if live.PayoutsKnown != 4 || live.LinesKnown != r.LinesNew || live.LinesRead != 0 {
			t.Errorf("live after the file: %+v", live)
		}
		again, report := o.read(content)
		if again.PayoutsKnown != 4 || again.LinesKnown != r.LinesNew || again.PayoutsDone != 4 || !report.Payouts[0].Same() {
			t.Errorf("the same file: %+v %+v", again, report.Payouts[0].Here)
		}
		o.refused(o.StartFile(o.ctx, again.ID, "x"), fault.Conflict, "settlement_file.error.nothing_new")
		o.must(o.DiscardFile(o.ctx, again.ID, "x"))
		o.must(o.Undo(o.ctx, r.ID, "Erika Beispiel"))
		o.finish(r.ID)
		o.forced()
		o.complete()
		if after := o.identities(); !slices.Equal(before, after) {
			t.Errorf("the lines of the API have other identities than those of the file")
		}
		if _, report = o.read(content); !report.Payouts[0].Same() || report.Payouts[0].Here.Source != settlement.FromAPI {
			t.Errorf("the file after the API: %+v", report.Payouts[0].Here)
		}
	})
}

// identities are what all lines are told apart by.
func (o *office) identities() (all []string) {
	o.t.Helper()
	for _, p := range o.books() {
		for _, l := range o.lines(&p) {
			all = append(all, fmt.Sprint(l.Identity, " ", l.Ordinal))
		}
	}
	slices.Sort(all)
	return all
}

// Lines with signs are the same lines.
func TestFileWithSigns(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("SIGNS001", sale(10_000), takenOff(klarnasandbox.TypeFee, 299), takenOff(klarnasandbox.TypeReturn, 1_000), takenOff(klarnasandbox.TypeReversal, 500))
		plain := o.reportOf("SIGNS001")
		terms := o.sandbox.Terms("")
		terms.Signed = true
		o.must(o.sandbox.SetTerms("", terms))
		signed := o.reportOf("SIGNS001")
		if plain == signed {
			t.Fatal("the report has no signs")
		}
		r, report := o.read(signed)
		if p := report.Payouts[0]; p.LinesAmount != 8_201 || p.Difference() != 0 {
			t.Errorf("%+v", p)
		}
		o.start(r)
		if _, report := o.read(plain); !report.Payouts[0].Same() {
			t.Errorf("%+v", report.Payouts[0].Here)
		}
	})
}

// What a file says otherwise of a payout that is here is named, and changes nothing.
func TestFileThatDiffers(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("DIFFERS1", sale(10_000), sale(20_000), sale(20_000), takenOff(klarnasandbox.TypeReturn, 500))
		o.done()
		content := o.reportOf("DIFFERS1")
		before := o.identities()
		lines := strings.SplitAfter(content, "\n")
		other := strings.Replace(content, "PURCHASE;", "PURCHASE_X;", 1)
		for name, tc := range map[string]struct {
			content            string
			onlyFile, onlyHere int64
			sums               int
			same               bool
		}{
			"a line less":   {strings.Join(slices.Concat(lines[:4], lines[5:]), ""), 0, 1, 1, false},
			"a line more":   {content + lines[4], 1, 0, 1, false},
			"another line":  {other, 1, 1, 0, false},
			"other order":   {strings.Join(slices.Concat(lines[:4], []string{lines[7], lines[5], lines[6], lines[4]}), ""), 0, 0, 0, true},
			"fewer columns": {without(content, "capture_date", "capture_id", "detailed_type", "refund_id"), 0, 0, 0, true},
			"plain dates":   {strings.NewReplacer("T00:00:00Z", "", "T10:00:00Z", "").Replace(content), 0, 0, 0, true},
			"another sum":   {strings.Replace(content, ";495.00;", ";494.00;", 1), 0, 0, 0, false},
		} {
			r, report := o.read(tc.content)
			here := report.Payouts[0].Here
			if here == nil {
				t.Errorf("%s: %+v", name, report.Payouts[0])
				continue
			}
			if here.OnlyFile != tc.onlyFile || here.OnlyHere != tc.onlyHere || len(here.Sums) != tc.sums || report.Payouts[0].Same() != tc.same ||
				int64(len(here.FileLines)) != tc.onlyFile || int64(len(here.HereLines)) != tc.onlyHere {
				t.Errorf("%s: %+v", name, here)
			}
			found, err := o.RunPayouts(o.ctx, r.ID, 0, 10)
			o.must(err)
			if (found[0].Problem == nil) != tc.same || found[0].State != settlement.PayoutKnown {
				t.Errorf("%s: %+v", name, found[0])
			}
			o.refused(o.StartFile(o.ctx, r.ID, "x"), fault.Conflict, "settlement_file.error.nothing_new")
		}
		if !slices.Equal(before, o.identities()) {
			t.Error("the lines have changed")
		}
	})
}

// without leaves columns out of a file.
func without(content string, columns ...string) string {
	var out strings.Builder
	var drop []int
	for line := range strings.Lines(content) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), ";")
		if slices.Contains(cells, "amount") {
			for i, c := range cells {
				if slices.Contains(columns, c) {
					drop = append(drop, i)
				}
			}
		}
		var rest []string
		for i, c := range cells {
			if !slices.Contains(drop, i) {
				rest = append(rest, c)
			}
		}
		out.WriteString(strings.Join(rest, ";") + "\n")
	}
	return out.String()
}

// A payout with a line that can't be read is left out as a whole; the others are imported.
func TestFileWithABadLine(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("GOOD0001", sale(10_000))
		o.pays("BAD00001", sale(20_000), sale(30_000))
		content := strings.Replace(o.reportOfAll(), ";300.00;", ";3x0.00;", 1)
		r, report := o.read(content)
		bad := report.Payouts[0]
		if bad.Reference != "BAD00001" || bad.State != settlement.PayoutProblem || len(bad.Problems) != 1 ||
			bad.Problems[0].Column != "amount" || bad.Problems[0].Key != "settlement_file.error.amount" || bad.Problems[0].Line == 0 {
			t.Errorf("%+v", bad)
		}
		half, broken := o.read(strings.Replace(content, ";500.00;", ";5oo.00;", 1))
		if found, err := o.RunPayouts(o.ctx, half.ID, 0, 10, settlement.PayoutProblem); err != nil || len(found) != 1 || found[0].Payout.CurrencyCode != "" {
			t.Errorf("%+v %v", found, err)
		}
		if p := broken.Payouts[0]; p.Reference != "BAD00001" || p.Currency != "" || p.Lines != 2 {
			t.Errorf("nothing is known of it, and yet: %+v", p)
		}
		r = o.start(r)
		if r.State != settlement.Failed || r.PayoutsNew != 1 || r.PayoutsFailed != 1 || r.LinesNew != 1 || len(o.books()) != 1 {
			t.Errorf("%+v", r)
		}
		if o.done(); len(o.books()) != 2 {
			t.Error("the live import does not bring the other one")
		}
	})
}

// A file that was cut off is not taken for whole.
func TestFileThatLacksLines(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("CUT00001", sale(10_000), sale(20_000))
		content := o.reportOf("CUT00001")
		cut := content[:strings.LastIndex(strings.TrimSpace(content), "\n")+1]
		r, report := o.read(cut)
		if p := report.Payouts[0]; p.State != settlement.PayoutProblem || p.Problems[0].Key != "settlement_file.error.lines_missing" {
			t.Errorf("%+v", p)
		}
		o.refused(o.StartFile(o.ctx, r.ID, "x"), fault.Conflict, "settlement_file.error.nothing_new")
	})
}

// Between preview and start other things may have happened.
func TestFileStartsAreGuarded(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("GUARD001", sale(10_000))
		content := o.reportOf("GUARD001")
		r, _ := o.read(content)
		second, _ := o.read(content)
		live := o.request()
		o.refused(o.StartFile(o.ctx, r.ID, "x"), fault.Conflict, "import_run.error.active")
		o.finish(live.ID)
		o.refused(o.StartFile(o.ctx, r.ID, "x"), fault.Conflict, "settlement_file.error.changed")
		o.must(o.Undo(o.ctx, live.ID, "x"))
		o.start(r)
		o.refused(o.StartFile(o.ctx, r.ID, "x"), fault.Conflict, "settlement_file.error.state")
		o.refused(o.DiscardFile(o.ctx, r.ID, "x"), fault.Conflict, "settlement_file.error.state")
		o.refused(o.StartFile(o.ctx, live.ID, "x"), fault.Conflict, "settlement_file.error.state")
		o.refused(o.StartFile(o.ctx, 4711, "x"), fault.NotFound, "import_run.error.not_found")
		o.refused(o.StartFile(o.ctx, second.ID, "x"), fault.Conflict, "settlement_file.error.changed")
		o.must(o.DiscardFile(o.ctx, second.ID, "x"))
		o.complete()
	})
}

// What is here in part is not completed from a file, whose lines may be others.
func TestFileOfAnIncompletePayout(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("HALF0001", sale(10_000))
		o.done()
		_, err := o.db.Exec(o.ctx, "UPDATE payouts SET complete = ?", false)
		o.must(err)
		r, report := o.read(o.reportOf("HALF0001"))
		if p := report.Payouts[0]; p.State != settlement.PayoutProblem || p.Problems[0].Key != "settlement_file.error.incomplete_here" || r.PayoutsFailed != 1 {
			t.Errorf("%+v", p)
		}
	})
}

// A payout belongs to one account.
func TestFileOfAnotherAccount(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.pays("OTHER001", sale(10_000))
		o.done()
		in := businessaccount.Defaults()
		in.Name, in.ShortName, in.Type = "Sparkasse", "sparkasse", businessaccount.Custom
		a, err := o.accounts.Create(o.ctx, in, "admin")
		o.must(err)
		o.account = a
		r, report := o.read(o.reportOf("OTHER001"))
		if p := report.Payouts[0]; p.State != settlement.PayoutProblem || p.Problems[0].Key != "settlement_file.error.other_account" || r.PayoutsFailed != 1 {
			t.Errorf("%+v", p)
		}
	})
}

// What nobody starts goes after a day, with all its pages.
func TestFilesThatNobodyStarts(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		o.volume(2, 12_000, 1)
		r, _ := o.read(o.reportOfAll())
		if o.staged() < 20 {
			t.Errorf("%d pages", o.staged())
		}
		if list, err := o.FilePreviews(o.ctx, o.account.ID); err != nil || len(list) != 1 || list[0].ID != r.ID {
			t.Errorf("%v %v", list, err)
		}
		o.must(o.Tick(o.ctx))
		o.run(r.ID)
		o.clock.Advance(settlement.KeepPreviews + time.Minute)
		o.must(o.Tick(o.ctx))
		if _, err := o.Run(o.ctx, r.ID); fault.CodeOf(err) != fault.NotFound || o.staged() != 0 {
			t.Errorf("%v, %d pages", err, o.staged())
		}
		r, _ = o.read(o.reportOfAll())
		o.must(o.DiscardFile(o.ctx, r.ID, "x"))
		if _, err := o.Run(o.ctx, r.ID); fault.CodeOf(err) != fault.NotFound || o.staged() != 0 {
			t.Errorf("%v, %d pages", err, o.staged())
		}
		_, err := o.FileReport(o.ctx, r.ID)
		o.refused(err, fault.NotFound, "settlement_file.error.not_found")
	})
}

// What is no report leaves nothing behind.
func TestFilesThatAreNoReport(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		for content, key := range map[string]string{
			"":                    "csvfile.error.empty",
			"a;b\n1;2\n":          "settlement_file.error.no_header",
			"type;amount\nSALE;1": "settlement_file.error.no_summary",
			"PK\x03\x04":          "csvfile.error.packed",
		} {
			_, err := o.PreviewFile(o.ctx, o.account.ID, "x", strings.NewReader(content), "x")
			o.refused(err, fault.Invalid, key)
		}
		_, err := o.PreviewFile(o.ctx, 4711, "x", strings.NewReader("x"), "x")
		o.refused(err, fault.NotFound, "business_account.error.not_found")
		var runs int64
		o.must(o.db.Read(o.ctx).Table("import_runs").Count(&runs).Error)
		if runs != 0 {
			t.Errorf("%d imports are left", runs)
		}
	})
}

// Whatever a payout is made of, the file explains it as the API does; what contradicts
// itself is not taken from a file.
func TestFileOfOddPayouts(t *testing.T) {
	t.Parallel()
	inOffice(t, func(o *office) {
		for _, odd := range klarnasandbox.Oddities {
			_, err := o.sandbox.CreateOddPayout("", odd)
			o.must(err)
		}
		r, report := o.read(o.reportOfAll())
		var refused []string
		for _, p := range report.Payouts {
			for _, problem := range p.Problems {
				refused = append(refused, strings.TrimPrefix(problem.Key, "settlement_file.error."))
			}
		}
		if !slices.Equal(refused, []string{"lines_missing", "no_lines"}) {
			t.Errorf("refused: %v", refused)
		}
		r = o.start(r)
		fromFile := o.books()
		if len(fromFile) != len(klarnasandbox.Oddities)-len(refused) {
			t.Errorf("%d payouts", len(fromFile))
		}
		o.must(o.Undo(o.ctx, r.ID, "x"))
		o.finish(r.ID)
		o.done()
		fromAPI := o.books()
		for _, p := range fromFile {
			i := slices.IndexFunc(fromAPI, func(q settlement.Payout) bool { return q.PaymentReference == p.PaymentReference })
			q := fromAPI[i]
			if p.Difference != q.Difference || p.Unexplained != q.Unexplained || !slices.Equal(p.Reasons, q.Reasons) || p.Totals.Settlement != q.Totals.Settlement || p.Lines != q.Lines {
				t.Errorf("from the file %+v\nfrom the API %+v", p, q)
			}
		}
	})
}
