package settlement_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/fault"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/settlement"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

// tester is a test, also one of many that rapid makes.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// office is where imports are asked for and worked on, with Klarna's sandbox at the other
// end of the line. One clock is for all.
type office struct {
	*settlement.Service
	t        tester
	ctx      context.Context
	db       *store.DB
	clock    *clock.Clock
	trail    *audit.Trail
	box      *secretbox.Box
	accounts *businessaccount.Service
	account  *businessaccount.Account
	sandbox  *klarnasandbox.Sandbox
	line     *line
	base     string
}

// line is what lies between us and Klarna.
type line struct {
	mu    sync.Mutex
	next  http.Handler
	hook  func(w http.ResponseWriter, r *http.Request) bool // whether the answer is given
	calls int
}

// ServeHTTP passes a call on.
func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.calls++
	hook := l.hook
	l.mu.Unlock()
	if hook == nil || !hook(w, r) {
		l.next.ServeHTTP(w, r)
	}
}

// through lets calls pass through hook, which says whether it has answered.
func (l *line) through(hook func(w http.ResponseWriter, r *http.Request) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = hook
}

// count is how many calls there were since it was last asked.
func (l *line) count() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, l.calls = l.calls, 0
	return n
}

func inOffice(t *testing.T, test func(o *office)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(newOffice(t, db)) })
}

// newOffice opens an office on a day after payday.
func newOffice(t testing.TB, db *store.DB) *office {
	t.Helper()
	box, err := secretbox.Create(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	o := openOffice(t, t.Context(), db, box)
	t.Cleanup(o.close)
	return o
}

func openOffice(t tester, ctx context.Context, db *store.DB, box *secretbox.Box) *office {
	t.Helper()
	o := &office{t: t, ctx: ctx, db: db, box: box, clock: clock.NewFixed(wednesday.Add(28 * time.Hour)), trail: audit.New(db)}
	o.sandbox = klarnasandbox.New(klarnasandbox.Options{Clock: o.clock, Hold: time.Millisecond})
	o.line = &line{next: o.sandbox}
	o.base = ""
	o.open()
	in := businessaccount.Defaults()
	in.Environment = klarna.Playground
	in.Access = fmt.Sprintf("API_USER=>%s;\nAPI_KEY=>%s;\nAPI_DAYS=>30;", klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	a, err := o.accounts.Create(ctx, in, "admin")
	o.must(err)
	o.account = a
	return o
}

var servers sync.Map // *office → *httptest.Server

// open makes the program's services anew, as a start does.
func (o *office) open() {
	if o.base == "" {
		server := httptest.NewServer(o.line)
		servers.Store(o.line, server)
		o.base = server.URL
	}
	base, err := klarna.ParseBaseURL(o.base)
	o.must(err)
	client := klarna.New(klarna.Options{BaseURL: base, Now: o.clock.Now})
	o.accounts = businessaccount.New(o.db, o.clock, o.box, o.trail, client)
	o.Service = settlement.New(o.db, o.clock, work.NewBell(), o.trail, o.accounts)
}

func (o *office) close() {
	if s, ok := servers.LoadAndDelete(o.line); ok {
		s.(*httptest.Server).Close()
	}
	o.sandbox.Close()
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatalf("%v", err)
	}
}

// refused checks that err is a fault with this code and key.
func (o *office) refused(err error, code fault.Code, key string) {
	o.t.Helper()
	var got *fault.Error
	if e, ok := err.(*fault.Error); ok {
		got = e
	}
	if fault.CodeOf(err) != code || got != nil && got.Key != key {
		o.t.Errorf("%v, want %s: %s", err, code, key)
	}
}

// request asks for an import.
func (o *office) request() *settlement.ImportRun {
	o.t.Helper()
	r, err := o.Request(o.ctx, o.account.ID, false, "Erika Beispiel")
	o.must(err)
	return r
}

// turn lets a worker have a turn with an import; taken is false if it is not due.
func (o *office) turn(ctx context.Context, id int64) (taken bool, err error) {
	o.t.Helper()
	q := o.Queue()
	r := o.run(id)
	if r.DueAt == nil || r.DueAt.After(o.clock.Now()) {
		return false, nil
	}
	c, err := work.Take(o.ctx, o.db, o.clock, q, id)
	o.must(err)
	if c == nil {
		return false, nil
	}
	return true, q.Do(ctx, c)
}

// finish works on an import until it rests for good; waits pass at once.
func (o *office) finish(id int64) *settlement.ImportRun {
	o.t.Helper()
	for range 200 {
		taken, err := o.turn(o.ctx, id)
		o.must(err)
		r := o.run(id)
		if r.DueAt == nil {
			return r
		}
		switch wait := r.DueAt.Sub(o.clock.Now()); {
		case wait > 0:
			o.clock.Advance(wait)
		case !taken: // a dead program has it
			o.clock.Advance(work.Lease + time.Second)
		}
	}
	o.t.Fatalf("import %d does not end: %+v", id, o.run(id))
	return nil
}

// imported asks for an import and lets it end.
func (o *office) imported() *settlement.ImportRun {
	o.t.Helper()
	return o.finish(o.request().ID)
}

// done is imported for one that has to succeed.
func (o *office) done() *settlement.ImportRun {
	o.t.Helper()
	r := o.imported()
	if r.State != settlement.Done || r.Problem != nil {
		o.t.Fatalf("import %d is %s: %+v", r.ID, r.State, r.Problem)
	}
	return r
}

func (o *office) run(id int64) *settlement.ImportRun {
	o.t.Helper()
	r, err := o.Run(o.ctx, id)
	o.must(err)
	return r
}

// forced is an import before its time.
func (o *office) forced() *settlement.ImportRun {
	o.t.Helper()
	r, err := o.Request(o.ctx, o.account.ID, true, "Erika Beispiel")
	o.must(err)
	return o.finish(r.ID)
}

// volume makes payouts with many lines.
func (o *office) volume(payouts, lines int, seed uint64) []klarnasandbox.Payout {
	o.t.Helper()
	made, err := o.sandbox.GeneratePayouts(klarnasandbox.Volume{Payouts: payouts, Transactions: lines, Seed: seed})
	o.must(err)
	return made
}

// pays makes a payout of these transactions.
func (o *office) pays(reference string, lines ...klarnasandbox.Transaction) klarnasandbox.Payout {
	o.t.Helper()
	p, err := o.sandbox.CreatePayout(klarnasandbox.NewPayout{PaymentReference: reference, Transactions: lines})
	o.must(err)
	return p
}

func sale(amount int64) klarnasandbox.Transaction {
	return klarnasandbox.Transaction{Type: klarnasandbox.TypeSale, DetailedType: "PURCHASE", Amount: amount}
}

func takenOff(kind string, amount int64) klarnasandbox.Transaction {
	return klarnasandbox.Transaction{Type: kind, Amount: amount}
}

// faulty lets a call go wrong.
func (o *office) faulty(preset string, f klarnasandbox.Fault) {
	o.t.Helper()
	p, ok := klarnasandbox.Preset(preset)
	if !ok {
		o.t.Fatalf("there is no fault %q", preset)
	}
	p.Operation, p.Reference, p.Page, p.Times = f.Operation, f.Reference, f.Page, f.Times
	_, err := o.sandbox.SetFault(p)
	o.must(err)
}

// books are the payouts that are here, by date.
func (o *office) books() []settlement.Payout {
	o.t.Helper()
	var payouts []settlement.Payout
	o.must(o.db.Read(o.ctx).Order("payout_date, payment_reference").Find(&payouts).Error)
	return payouts
}

func (o *office) payout(reference string) *settlement.Payout {
	o.t.Helper()
	for _, p := range o.books() {
		if p.PaymentReference == reference {
			return &p
		}
	}
	return nil
}

// lines are those of a payout, as they came.
func (o *office) lines(p *settlement.Payout) []settlement.StatementLine {
	o.t.Helper()
	var lines []settlement.StatementLine
	o.must(o.db.Read(o.ctx).Where("payout_id = ?", p.ID).Order("id").Find(&lines).Error)
	return lines
}

// content is what is compared of a line.
func content(kind, detailed, order, capture, refund, ref1 string, amount int64, captured time.Time) string {
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s|%d|%s", kind, detailed, order, capture, refund, ref1, amount, captured.UTC().Format(time.RFC3339))
}

// complete checks that each of Klarna's payouts is here once, with each line once, and
// adds up: all of them, or those given.
func (o *office) complete(payouts ...klarnasandbox.Payout) {
	o.t.Helper()
	if payouts == nil {
		payouts = o.sandbox.Payouts("")
	}
	books := o.books()
	if len(books) != len(payouts) {
		o.t.Errorf("%d payouts are here, want %d", len(books), len(payouts))
	}
	for _, told := range payouts {
		n := slices.IndexFunc(books, func(p settlement.Payout) bool { return p.PaymentReference == told.PaymentReference })
		if n < 0 {
			o.t.Errorf("payout %s is not here", told.PaymentReference)
			continue
		}
		o.sameLines(&books[n], o.sandbox.Transactions(told.PaymentReference))
	}
	o.sound()
}

// sameLines checks that a payout has these lines, each of them once.
func (o *office) sameLines(p *settlement.Payout, told []klarnasandbox.Transaction) {
	o.t.Helper()
	var want, got []string
	for _, t := range told {
		want = append(want, content(t.Type, t.DetailedType, t.OrderID, t.CaptureID, t.RefundID, t.MerchantReference1, t.Amount, t.CaptureDate))
	}
	for _, l := range o.lines(p) {
		if l.Surplus {
			continue
		}
		var captured time.Time
		if l.CaptureDate != nil {
			captured = *l.CaptureDate
		}
		got = append(got, content(string(l.Type), l.DetailedType, l.KlarnaOrderID, l.CaptureID, l.RefundID, l.MerchantReference1, l.RawAmount, captured))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		o.t.Errorf("payout %s has %d lines, want %d, or others", p.PaymentReference, len(got), len(want))
	}
	if !p.Complete || p.Lines != int64(len(want)) {
		o.t.Errorf("payout %s is complete: %t, with %d lines, want %d", p.PaymentReference, p.Complete, p.Lines, len(want))
	}
}

// sound checks that what is kept about payouts is what their lines come to.
func (o *office) sound() {
	o.t.Helper()
	for _, p := range o.books() {
		var want []settlement.Sum
		o.must(o.db.Read(o.ctx).Raw(`SELECT payout_id, type, match_state, count(*) AS lines, CAST(sum(amount) AS BIGINT) AS amount, CAST(sum(raw_amount) AS BIGINT) AS raw_amount
			FROM statement_lines WHERE payout_id = ? AND NOT surplus GROUP BY payout_id, type, match_state`, p.ID).Scan(&want).Error)
		var got []settlement.Sum
		o.must(o.db.Read(o.ctx).Where("payout_id = ? AND lines <> 0", p.ID).Find(&got).Error)
		byCell := func(a, b settlement.Sum) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.MatchState, b.MatchState))
		}
		slices.SortFunc(want, byCell)
		slices.SortFunc(got, byCell)
		if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			o.t.Errorf("the sums of payout %s are %+v, want %+v", p.PaymentReference, got, want)
		}
		var amount, named int64
		for _, s := range got {
			amount += s.Amount
		}
		for _, r := range p.Reasons {
			named += r.Amount
		}
		if p.LinesAmount != amount || p.Difference != p.Totals.Settlement-amount || p.Difference != named+p.Unexplained {
			o.t.Errorf("payout %s: %d of %d, difference %d = %d named + %d", p.PaymentReference, p.LinesAmount, amount, p.Difference, named, p.Unexplained)
		}
	}
	for _, table := range []string{"staged_pages", "lines_met"} {
		if n := o.countOf(table); n != 0 {
			o.t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

func (o *office) countOf(table string) (n int) {
	o.t.Helper()
	o.must(o.db.Read(o.ctx).Raw("SELECT count(*) FROM " + table).Scan(&n).Error)
	return n
}
