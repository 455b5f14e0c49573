package capture_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"zahlwerk/internal/audit"
	"zahlwerk/internal/capture"
	"zahlwerk/internal/carrier"
	"zahlwerk/internal/clock"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/secretbox"
	"zahlwerk/internal/store"
	"zahlwerk/internal/store/storetest"
	"zahlwerk/internal/work"
)

var begin = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

// tb is what testing.T and rapid.T have in common.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// world is a program with its database, and Klarna. The clock stands until a test moves
// it.
type world struct {
	tb
	ctx     context.Context
	clock   *clock.Clock
	klarna  *klarnasandbox.Sandbox
	wire    *wire
	box     *secretbox.Box
	reopen  func() *store.DB
	workers int
	policy  capture.Policy

	*program
	method *paymentmethod.Method
	made   atomic.Int64
}

// program is what dies when the process is killed.
type program struct {
	db       *store.DB
	bell     *work.Bell
	methods  *paymentmethod.Service
	orders   *order.Service
	dispatch *dispatch.Service
	captures *capture.Pusher
	queues   []*work.Queue
	end      context.CancelFunc
	ended    chan struct{}
}

// newWorld starts a program on a database of its own. reopen opens the database anew, as
// a process does.
func newWorld(t tb, ctx context.Context, dir string, reopen func() *store.DB) *world {
	t.Helper()
	w := &world{tb: t, ctx: ctx, clock: clock.NewFixed(begin), reopen: reopen, workers: 4, policy: capture.DefaultPolicy}
	w.klarna = klarnasandbox.New(klarnasandbox.Options{Clock: w.clock, Merchants: []klarnasandbox.Merchant{
		klarnasandbox.DemoMerchant(), {ID: "K222222", Username: "K222222_second", Password: "second-password"},
		{ID: klarnasandbox.DemoMerchantID, Username: "K000000_other", Password: "other-password"},
	}})
	w.wire = &wire{klarna: w.klarna}
	var err error
	if w.box, err = secretbox.Create(filepath.Join(dir, "key")); err != nil {
		t.Fatalf("%v", err)
	}
	w.start()
	w.method = w.addMethod("klarna", klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	return w
}

// migrated is a migrated SQLite database, made once: each test begins with a copy.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "capture")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "test.db")
	db, err := store.Open("sqlite:"+file, store.Options{SingleConnection: true})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(context.Background()), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// copyOfMigrated puts a migrated database into a folder.
func copyOfMigrated(t tb, dir string) {
	t.Helper()
	content, err := migrated()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "test.db"), content, 0o600)
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// onSQLite starts a world on a file.
func onSQLite(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	copyOfMigrated(t, dir)
	w := newWorld(t, t.Context(), dir, func() *store.DB {
		return storetest.Open(t, "sqlite:"+filepath.Join(dir, "test.db"), store.Options{SingleConnection: true})
	})
	t.Cleanup(w.stop)
	return w
}

func onPostgres(t *testing.T) *world {
	t.Helper()
	url := storetest.PostgresURL(t)
	w := newWorld(t, t.Context(), t.TempDir(), func() *store.DB { return storetest.Open(t, url, store.Options{Connections: 6}) })
	t.Cleanup(w.stop)
	return w
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, onSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, onPostgres(t)) })
}

// start is what serve does.
func (w *world) start() {
	w.Helper()
	p := &program{db: w.reopen(), bell: work.NewBell(), ended: make(chan struct{})}
	base, err := klarna.ParseBaseURL("http://127.0.0.1:1")
	if err != nil {
		w.Fatalf("%v", err)
	}
	client := klarna.New(klarna.Options{BaseURL: base, UserAgent: "Zahlwerk/test", Transport: w.wire, Now: w.clock.Now})
	p.methods = paymentmethod.New(p.db, w.clock, w.box, audit.New(p.db), client, p.bell, paymentmethod.ProbePolicy{Every: w.policy.Minutes(15)})
	p.orders = order.New(p.db, w.clock)
	p.captures = capture.NewPusher(p.db, w.clock, p.bell, client, p.methods, w.policy, w.workers)
	p.methods.Depend(p.captures)
	p.dispatch = dispatch.New(p.db, w.clock, dispatch.Deps{Captures: p.captures, Carriers: carrier.New(p.db, w.clock, audit.New(p.db))})
	p.queues = append(p.captures.Queues(), p.methods.Probes())
	w.program = p
	if err := work.TakeOver(w.ctx, p.db, p.queues...); err != nil {
		w.Fatalf("take over: %v", err)
	}
	w.run()
}

// run lets the background work.
func (w *world) run() {
	ctx, end := context.WithCancel(context.WithoutCancel(w.ctx))
	w.end, w.ended = end, make(chan struct{})
	runner := work.NewRunner(w.db, w.clock, w.bell, slog.New(slog.DiscardHandler), w.queues...)
	go func(ended chan struct{}) {
		defer close(ended)
		runner.Run(ctx)
	}(w.ended)
}

func (w *world) stop() {
	w.end()
	<-w.ended
}

// restart ends the program well and starts it again.
func (w *world) restart() {
	w.Helper()
	w.stop()
	_ = w.db.Close()
	w.start()
}

// busy tells, of one moment, that something is due or in somebody's hands.
const busy = `SELECT
	EXISTS (SELECT 1 FROM captures t JOIN payment_methods m ON m.id = t.payment_method_id WHERE t.due_at <= @now AND (t.lease_token <> ''
		OR m.paused_at IS NULL AND (m.wait_until IS NULL OR m.wait_until <= @now) OR t.state = 'pending' AND m.connection <> 'api'))
	OR EXISTS (SELECT 1 FROM parcel_appends t JOIN captures c ON c.id = t.capture_row_id JOIN payment_methods m ON m.id = c.payment_method_id
		WHERE t.due_at <= @now AND (t.lease_token <> '' OR m.paused_at IS NULL AND (m.wait_until IS NULL OR m.wait_until <= @now)))
	OR EXISTS (SELECT 1 FROM payment_methods m WHERE m.paused_at IS NOT NULL AND m.due_at <= @now)`

// settle waits until nothing is due any more, or in anybody's hands.
func (w *world) settle() {
	w.Helper()
	w.until(func() bool {
		var is bool
		w.must(w.db.Read(w.ctx).Raw(busy, sql.Named("now", w.clock.Now())).Scan(&is).Error)
		return !is
	})
}

// until waits, with the workers at it, until something is so.
func (w *world) until(so func() bool) {
	w.Helper()
	w.bell.Ring() // the clock may have been moved
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline.C:
			w.Fatalf("it never becomes so\n%s", w.dump())
		}
	}
}

// advance moves the clock and lets everything happen that is due then.
func (w *world) advance(d time.Duration) {
	w.Helper()
	w.clock.Advance(d)
	w.settle()
}

// pass lets d go by, from one due time to the next.
func (w *world) pass(d time.Duration) {
	w.Helper()
	end := w.clock.Now().Add(d)
	w.settle()
	for {
		next := w.nextDue()
		if next == nil || next.After(end) {
			break
		}
		w.advance(next.Sub(w.clock.Now()))
	}
	w.advance(end.Sub(w.clock.Now()))
}

func (w *world) nextDue() *time.Time {
	w.Helper()
	var times []time.Time
	for _, q := range []string{"SELECT due_at FROM captures WHERE due_at > ?", "SELECT due_at FROM parcel_appends WHERE due_at > ?",
		"SELECT due_at FROM payment_methods WHERE paused_at IS NOT NULL AND due_at > ?",
		"SELECT wait_until FROM payment_methods WHERE wait_until > ?"} {
		var due []time.Time
		if err := w.db.Read(w.ctx).Raw(q, w.clock.Now()).Scan(&due).Error; err != nil {
			w.Fatalf("%v", err)
		}
		times = append(times, due...)
	}
	if len(times) == 0 {
		return nil
	}
	first := slices.MinFunc(times, time.Time.Compare)
	return &first
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%v", err)
	}
}

func methodInput(typ, username, password string) paymentmethod.Input {
	in := paymentmethod.Defaults(paymentmethod.ModuleKlarna)
	in.Type, in.Name, in.Username, in.Password, in.Environment = typ, typ, username, password, klarna.Playground
	return in
}

func (w *world) addMethod(typ, username, password string) *paymentmethod.Method {
	w.Helper()
	m, err := w.methods.Create(w.ctx, methodInput(typ, username, password), "admin")
	w.must(err)
	return m
}

// change saves a method with some settings changed.
func (w *world) change(id int64, change func(*paymentmethod.Input)) error {
	w.Helper()
	m, err := w.methods.Find(w.ctx, id)
	w.must(err)
	in := paymentmethod.InputOf(m)
	change(&in)
	_, err = w.methods.Update(w.ctx, id, in, "admin")
	return err
}

// fault sets a fault of the sandbox.
func (w *world) fault(preset string, op klarnasandbox.Operation, times int, orderID string) {
	w.Helper()
	f, ok := klarnasandbox.Preset(preset)
	if !ok {
		w.Fatalf("no preset %s", preset)
	}
	f.Operation, f.Times, f.OrderID = op, times, orderID
	f.Delay = min(f.Delay, time.Millisecond)
	_, err := w.klarna.SetFault(f)
	w.must(err)
}

// placed is an order here and at Klarna.
type placed struct {
	*order.Order
	w *world
}

// line is an order line of a test: three of 10.00 each, say.
type line struct {
	name     string
	typ      order.LineType
	quantity money.Quantity
	price    int64
	total    int64
}

func twoLines() []line {
	return []line{{"Teekanne", order.Physical, money.One, 5958, 5958}, {"Versand", order.ShippingFee, money.One, 499, 499}}
}

func threeCups() []line {
	return []line{{"Tasse", order.Physical, 3 * money.One, 1000, 3000}, {"Versand", order.ShippingFee, money.One, 500, 500}}
}

func (w *world) place(lines []line, method string) placed {
	w.Helper()
	var total int64
	in := order.Input{Number: fmt.Sprintf("A%d", w.made.Add(1)), PaymentMethod: method, KlarnaOrderID: uuid.NewString(), Currency: "EUR",
		CustomerName: "Max Muster", BillingAddress: order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"}}
	for _, l := range lines {
		total += l.total
		in.Lines = append(in.Lines, order.LineInput{SKU: l.name, Name: l.name, Type: l.typ, Quantity: l.quantity, UnitPrice: l.price, TaxRate: 1900, Total: l.total})
	}
	in.Total = total
	o, _, err := w.orders.Create(w.ctx, in, "shop")
	w.must(err)
	if total > 0 {
		merchant := klarnasandbox.DemoMerchantID
		if method == "second" {
			merchant = "K222222"
		}
		_, err = w.klarna.CreateOrder(merchant, klarnasandbox.NewOrder{ID: o.KlarnaOrderID, Amount: total})
		w.must(err)
	}
	return placed{o, w}
}

// whole is an order over 64.57 € that leaves as one.
func (w *world) whole() placed { w.Helper(); return w.place(twoLines(), "klarna") }

func (p placed) record(number string) dispatch.Recorded {
	p.w.Helper()
	r, err := p.w.dispatch.RecordParcel(p.w.ctx, p.ID, dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: number}, "clerk")
	p.w.must(err)
	return r
}

// part makes a note for so much of the first line.
func (p placed) part(q money.Quantity) *order.DeliveryNote {
	p.w.Helper()
	n, err := p.w.dispatch.CreateNote(p.w.ctx, p.ID, []dispatch.LineQuantity{{Line: 1, Quantity: q}}, "clerk")
	p.w.must(err)
	return n
}

func (p placed) recordOn(note, number string) dispatch.Recorded {
	p.w.Helper()
	r, err := p.w.dispatch.RecordParcel(p.w.ctx, p.ID, dispatch.ParcelInput{Carrier: "dhl", TrackingNumber: number, DeliveryNote: note, Again: true}, "clerk")
	p.w.must(err)
	return r
}

func (p placed) captures() []capture.Capture {
	p.w.Helper()
	var cs []capture.Capture
	p.w.must(p.w.db.Read(p.w.ctx).Where("order_id = ?", p.ID).Order("id").Find(&cs).Error)
	return cs
}

// capture returns the only capture, or the nth.
func (p placed) capture(n ...int) capture.Capture {
	p.w.Helper()
	cs, i := p.captures(), 0
	if len(n) > 0 {
		i = n[0]
	}
	if i >= len(cs) {
		p.w.Fatalf("order %s has %d captures", p.Number, len(cs))
	}
	return cs[i]
}

func (p placed) appends() []capture.ParcelAppend {
	p.w.Helper()
	var as []capture.ParcelAppend
	p.w.must(p.w.db.Read(p.w.ctx).Where("order_id = ?", p.ID).Order("id").Find(&as).Error)
	return as
}

func (p placed) now() order.Order {
	p.w.Helper()
	var o order.Order
	p.w.must(p.w.db.Read(p.w.ctx).Preload("PaymentMethod").Preload("Lines").Take(&o, p.ID).Error)
	p.w.must(p.w.db.Read(p.w.ctx).Preload("Parcels").Preload("Lines").Where("order_id = ?", p.ID).Order("id").Find(&o.Notes).Error)
	return o
}

func (p placed) why() capture.Rule {
	p.w.Helper()
	all, err := p.w.program.captures.Why(p.w.ctx, p.ID)
	p.w.must(err)
	return all[p.ID].Rule
}

func (p placed) protocol() []order.ProtocolEntry {
	p.w.Helper()
	var es []order.ProtocolEntry
	p.w.must(p.w.db.Read(p.w.ctx).Where("order_id = ?", p.ID).Order("id").Find(&es).Error)
	return es
}

func (p placed) kinds() (kinds []string) {
	for _, e := range p.protocol() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (p placed) count(kind string) (n int) {
	for _, k := range p.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}

func (p placed) atKlarna() klarnasandbox.Order {
	p.w.Helper()
	o, ok := p.w.klarna.Order(p.KlarnaOrderID)
	if !ok {
		p.w.Fatalf("Klarna does not know order %s", p.Number)
	}
	return o
}

// sent returns the requests of one kind about the order.
func (p placed) sent(op klarnasandbox.Operation) (all []klarnasandbox.Request) {
	for _, r := range p.w.klarna.RequestsAbout(p.KlarnaOrderID) {
		if r.Operation == op {
			all = append(all, r)
		}
	}
	return all
}

// is checks where the only capture, the order and its explanation stand.
func (p placed) is(s capture.State, f order.Feedback, why capture.Rule) {
	p.w.Helper()
	if c := p.capture(); c.State != s || p.now().Feedback != f || p.why() != why {
		p.w.Errorf("order %s: %s %q, shows %s, why %q; want %s, %s, %q\n%s", p.Number, c.State, c.Rule, p.now().Feedback, p.why(), s, f, why, p.w.dump())
	}
	p.w.check(p)
}

func (w *world) dump() string {
	var b strings.Builder
	var cs []capture.Capture
	w.db.Read(w.ctx).Order("id").Find(&cs)
	for _, c := range cs {
		fmt.Fprintf(&b, "capture %d of order %d: %s %q due %v gen %d attempts %d conflicts %d unanswered %t status %d %s %v\n", c.ID, c.OrderID, c.State, c.Rule,
			c.DueAt, c.Generation, c.Attempts, c.Conflicts, c.Unanswered, c.Status, c.ErrorCode, c.ErrorMessages)
	}
	var as []capture.ParcelAppend
	w.db.Read(w.ctx).Order("id").Find(&as)
	for _, a := range as {
		fmt.Fprintf(&b, "append %d: %s %q due %v gen %d attempts %d conflicts %d status %d %s\n", a.ID, a.State, a.Rule, a.DueAt, a.Generation, a.Attempts, a.Conflicts, a.Status, a.ErrorCode)
	}
	var es []order.ProtocolEntry
	w.db.Read(w.ctx).Order("id").Find(&es)
	for _, e := range es[max(0, len(es)-40):] {
		fmt.Fprintf(&b, "%s order %d: %s %v\n", e.At.Format(time.RFC3339), e.OrderID, e.Kind, e.Params)
	}
	requests := w.klarna.Requests()
	for _, r := range requests[max(0, len(requests)-40):] {
		fmt.Fprintf(&b, "%s %s %s key %.8s -> %d %s %s\n", r.At.Format(time.RFC3339), r.Method, r.Path, r.Key, r.Status, r.ErrorCode, r.Fault)
	}
	return b.String()
}

// exec changes the database directly.
func (w *world) exec(query string, args ...any) {
	w.Helper()
	if _, err := w.db.Exec(w.ctx, query, args...); err != nil {
		w.Fatalf("%v", err)
	}
}

func (w *world) inTx(fn func(tx *gorm.DB) error) {
	w.Helper()
	w.must(w.db.InTx(w.ctx, fn))
}
