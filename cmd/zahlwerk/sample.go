package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"zahlwerk/internal/auth"
	"zahlwerk/internal/businessaccount"
	"zahlwerk/internal/dispatch"
	"zahlwerk/internal/document"
	"zahlwerk/internal/dunning"
	"zahlwerk/internal/klarna"
	"zahlwerk/internal/klarnasandbox"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
	"zahlwerk/internal/work"
)

// sample plays the last days of a merchant in front of the sandbox: orders come in,
// parcels leave, Klarna answers, things go wrong. Nothing is written past the services,
// so every protocol entry of the demo is true.
type sample struct {
	*app
	sandbox  *klarnasandbox.Sandbox
	overview *work.Overview
	random   *rand.Rand
	total    int
	made     int
	later    []func(ctx context.Context) error // what happens the day after
	autoship []int64                           // orders that today's autoship run takes
	account  *businessaccount.Account
}

// sampleDays is how many days are played; on importDay the bookkeeper fetches what Klarna
// has paid out until then. What was paid since is left for the visitor.
const (
	sampleDays = 21
	importDay  = 12
)

func newSample(a *app, sandbox *klarnasandbox.Sandbox, orders int) (*sample, error) {
	return &sample{app: a, sandbox: sandbox, overview: work.NewOverview(a.db, a.clock, a.queues...),
		random: rand.New(rand.NewPCG(300001, 200001)), total: orders}, nil
}

// play makes the data from where the clock was turned back to, and leaves it at the present
// time.
func (s *sample) play(ctx context.Context) error {
	defer func() { s.clock.Advance(-s.clock.Offset()) }()
	if err := s.makeMethods(ctx); err != nil {
		return err
	}
	if err := s.documents.UpdateCompany(ctx, sampleCompany, document.LogoChange{}, auth.System); err != nil {
		return err
	}
	if err := s.makeAccount(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	stopped, err := s.startWork(ctx)
	if err != nil {
		cancel()
		return err
	}
	for day := range sampleDays {
		if err = s.day(ctx, day); err != nil {
			break
		}
	}
	cancel()
	<-stopped
	s.sandbox.ClearFaults()
	s.runner = s.freshRunner()
	return err
}

// day plays one day: what was left from yesterday, new orders, and the hours in which
// Klarna's answers and our waits come round.
func (s *sample) day(ctx context.Context, day int) error {
	todo := s.later
	s.later = nil
	for _, do := range todo {
		if err := do(ctx); err != nil {
			return err
		}
	}
	if day < sampleDays-2 { // what is due since then is left for the visitor
		if err := s.remind(ctx); err != nil {
			return err
		}
	}
	if day == importDay {
		if err := s.importPayouts(ctx); err != nil {
			return err
		}
	}
	until := s.total * (day + 1) / sampleDays
	step := 4 * time.Hour / time.Duration(max(until-s.made, 1))
	for s.made < until {
		if err := s.makeOrder(ctx, s.made, stories[s.made%len(stories)]); err != nil {
			return fmt.Errorf("sample order %d: %w", s.made, err)
		}
		s.made++
		if err := s.pass(ctx, step); err != nil {
			return err
		}
	}
	if err := s.runAutoship(ctx); err != nil {
		return err
	}
	if day == sampleDays-1 { // the last day goes on in front of the visitor
		if s.total > 0 {
			if err := s.makeOrder(ctx, s.made, undecided); err != nil {
				return fmt.Errorf("sample order %d: %w", s.made, err)
			}
		}
		return s.settle(ctx)
	}
	rest := 20 * time.Hour
	for _, d := range []time.Duration{6 * time.Second, 6 * time.Minute, 6 * time.Hour} {
		if err := s.pass(ctx, d); err != nil {
			return err
		}
		rest -= d
	}
	return s.pass(ctx, rest)
}

// runAutoship takes the orders that are meant for it today.
func (s *sample) runAutoship(ctx context.Context) error {
	if len(s.autoship) == 0 {
		return nil
	}
	_, err := s.dispatch.RunAutoship(ctx, s.autoship, samplePerson)
	s.autoship = nil
	if err != nil {
		return fmt.Errorf("sample autoship run: %w", err)
	}
	return s.settle(ctx)
}

// remind writes to whoever has not paid in time.
func (s *sample) remind(ctx context.Context) error {
	due, err := s.dunning.List(ctx, dunning.Filter{Show: dunning.ToRemind, Limit: store.Batch})
	if err != nil {
		return err
	}
	for _, i := range due.Items {
		if _, err := s.dunning.Remind(ctx, i.InvoiceID, sampleBookkeeper); err != nil {
			return fmt.Errorf("sample reminder of invoice %s: %w", i.InvoiceNumber, err)
		}
	}
	return nil
}

// pass lets time pass, but not while work is under way: a lease would end too early.
func (s *sample) pass(ctx context.Context, d time.Duration) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.clock.Advance(d)
	s.bell.Ring()
	return nil
}

// settle waits until nothing is due.
func (s *sample) settle(ctx context.Context) error {
	for {
		states, err := s.overview.States(ctx)
		if err != nil {
			return err
		}
		busy := 0
		for _, q := range states {
			busy += q.Due + q.Working
		}
		if busy == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// sampleMethods are the payment methods of the demo.
var sampleMethods = []paymentmethod.Input{
	{Name: "Klarna", Type: "klarna", Module: paymentmethod.ModuleKlarna, Connection: paymentmethod.API, Active: true, MarkPaid: true,
		Documents: paymentmethod.DeliveryNoteOnly, BehavesLike: paymentmethod.Invoice, DocumentText: "Betrag dankend per Klarna erhalten.",
		Region: klarna.Europe, Environment: klarna.Playground, Username: klarnasandbox.DemoUsername, Password: klarnasandbox.DemoPassword},
	{Name: "Klarna (Filiale, ohne Anbindung)", Type: "klarna_filiale", Module: paymentmethod.ModuleKlarna, Connection: paymentmethod.Manual,
		Active: true, MarkPaid: true, Documents: paymentmethod.DeliveryNoteOnly, BehavesLike: paymentmethod.Invoice,
		Region: klarna.Europe, Environment: klarna.Playground},
	{Name: "Klarna (Shop-Plugin)", Type: "klarna_plugin", Module: paymentmethod.ModuleKlarna, Connection: paymentmethod.Plugin,
		Active: true, MarkPaid: true, Documents: paymentmethod.DeliveryNoteOnly, BehavesLike: paymentmethod.Invoice,
		Region: klarna.Europe, Environment: klarna.Playground},
	{Name: "Rechnung", Type: "rechnung", Module: paymentmethod.ModuleNone, Connection: paymentmethod.Manual, Active: true,
		Documents: paymentmethod.DeliveryNoteAndInvoice, BehavesLike: paymentmethod.Invoice, Region: klarna.Europe, Environment: klarna.Live},
	{Name: "Klarna Vorkasse", Type: "klarna_vorkasse", Module: paymentmethod.ModuleKlarna, Connection: paymentmethod.API, Active: true,
		Documents: paymentmethod.DeliveryNoteOnly, BehavesLike: paymentmethod.Prepayment, DocumentText: "Betrag dankend per Klarna erhalten.",
		Region: klarna.Europe, Environment: klarna.Playground, Username: klarnasandbox.DemoUsername, Password: klarnasandbox.DemoPassword},
	{Name: "Vorkasse", Type: "vorkasse", Module: paymentmethod.ModuleNone, Connection: paymentmethod.Manual, Active: true,
		Documents: paymentmethod.DeliveryNoteAndInvoice, BehavesLike: paymentmethod.Prepayment, Region: klarna.Europe, Environment: klarna.Live},
}

// sampleCompany is the merchant of the demo.
var sampleCompany = document.Company{
	Name: "Teehaus Sonnenschein GmbH", Street: "Speicherstr. 12", PostalCode: "20457", City: "Hamburg", Country: "DE",
	Phone: "040 123456", Email: "hallo@teehaus.example", Website: "https://teehaus.example", VATID: "DE123456788", TaxNumber: "",
	Register: "Amtsgericht Hamburg, HRB 00000", Bank: "Musterbank", IBAN: "DE02120300000000202051", BIC: "BYLADEM1001",
	FooterText: "", PaymentTermDays: 7,
}

func (s *sample) makeMethods(ctx context.Context) error {
	for _, m := range sampleMethods {
		if _, err := s.methods.Create(ctx, m, auth.System); err != nil {
			return err
		}
	}
	return nil
}

// makeAccount connects Klarna as a business account. Klarna pays this merchant two days
// after the week is over, holds something back and lets go of it a week later.
func (s *sample) makeAccount(ctx context.Context) error {
	terms := s.sandbox.Terms(klarnasandbox.DemoMerchantID)
	terms.DelayDays = 2
	if err := s.sandbox.SetTerms(klarnasandbox.DemoMerchantID, terms); err != nil {
		return err
	}
	for _, e := range []klarnasandbox.Extra{
		{Type: "HOLDBACK", DetailedType: "UNDER_REVIEW", Amount: 25000, Weeks: 1},
		{Type: "RELEASE", DetailedType: "UNDER_REVIEW", Amount: 25000, Weeks: 2},
	} {
		if _, err := s.sandbox.AddExtra(e); err != nil {
			return err
		}
	}
	in := businessaccount.Defaults()
	in.Environment = klarna.Playground
	in.Access = fmt.Sprintf("API_USER=>%s;\nAPI_KEY=>%s;\nAPI_DAYS=>7;\n", klarnasandbox.DemoUsername, klarnasandbox.DemoPassword)
	var err error
	s.account, err = s.accounts.Create(ctx, in, auth.System)
	return err
}

// importPayouts is the bookkeeper's live import.
func (s *sample) importPayouts(ctx context.Context) error {
	if _, err := s.settlements.Request(ctx, s.account.ID, false, sampleBookkeeper); err != nil {
		return fmt.Errorf("sample live import: %w", err)
	}
	return s.settle(ctx)
}

// makeOrder makes the nth order and sets its story going.
func (s *sample) makeOrder(ctx context.Context, n int, story story) error {
	in := s.input(n)
	if story.method != "" {
		in.PaymentMethod = story.method
	}
	if story.draft {
		in.Status = order.Draft
	}
	if strings.HasPrefix(in.PaymentMethod, "klarna") {
		if err := s.atKlarna(&in, story); err != nil {
			return err
		}
	}
	o, _, err := s.orders.Create(ctx, in, "Shop")
	if err != nil || story.play == nil {
		return err
	}
	return story.play(ctx, s, o)
}

// atKlarna makes the order that the customer placed at Klarna.
func (s *sample) atKlarna(in *order.Input, story story) error {
	if story.noKlarnaID {
		return nil
	}
	k := klarnasandbox.NewOrder{Amount: in.Total, Currency: in.Currency, Country: in.BillingAddress.Country,
		MerchantReference1: in.ExternalNumber, MerchantReference2: in.Number, CreatedAt: s.clock.Now()}
	if story.atKlarna != nil {
		story.atKlarna(&k)
	}
	made, err := s.sandbox.CreateOrder(klarnasandbox.DemoMerchantID, k)
	in.KlarnaOrderID = made.ID
	return err
}

var (
	sampleFirst  = []string{"Max", "Erika", "Jonas", "Mia", "Ömer", "Lena", "Paul", "Zoë", "Ahmed", "Greta", "Łukasz", "Sophie", "Anton", "Ida"}
	sampleLast   = []string{"Muster", "Schäfer", "Weiß", "Yılmaz", "Groß", "Fischer", "Nowak", "Huber", "Jäger", "Krüger", "O’Brien", "Lang"}
	sampleStreet = []string{"Fuggerstr.", "Am Markt", "Goethestr.", "Bahnhofstr.", "Lindenweg", "Hauptstr."}
	sampleCities = [][3]string{{"86150", "Augsburg", "DE"}, {"10115", "Berlin", "DE"}, {"20095", "Hamburg", "DE"}, {"50667", "Köln", "DE"}, {"1010", "Wien", "AT"}, {"5020", "Salzburg", "AT"}, {"80331", "München", "DE"}}
	sampleGoods  = []struct {
		sku, name string
		price     int64
	}{{"T-1", "Teekanne Steingut 1,2 l", 5958}, {"T-2", "Teetasse, 2 Stück", 1890}, {"T-7", "Assam Broken, 250 g", 1249}, {"T-9", "Teesieb Edelstahl", 799}, {"K-3", "Kaffeemühle Buche", 8900}, {"G-4", "Geschenkdose rund", 450}}
	sampleCarrier = []string{"dhl", "dhl", "dhl", "dpd", "gls", "hermes", "ups"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// input is what the shop sends: one to three goods, shipping, now and then a discount.
func (s *sample) input(n int) order.Input {
	r := s.random
	city := pick(r, sampleCities)
	name := pick(r, sampleFirst) + " " + pick(r, sampleLast)
	in := order.Input{
		Number: strconv.Itoa(200081 + n), ExternalNumber: fmt.Sprintf("SHOP-%d", 4711+n), PlacedAt: s.clock.Now(), PaymentMethod: "klarna",
		Currency: "EUR", AutoShip: true, CustomerName: name, CustomerEmail: fmt.Sprintf("kunde%d@example.com", n+1),
		BillingAddress: order.Address{Name: name, Street: fmt.Sprintf("%s %d", pick(r, sampleStreet), 1+r.IntN(90)), PostalCode: city[0], City: city[1], Country: city[2]},
	}
	add := func(sku, name string, t order.LineType, quantity, price int64) {
		in.Lines = append(in.Lines, order.LineInput{SKU: sku, Name: name, Type: t, Quantity: money.Quantity(quantity) * money.One,
			UnitPrice: price, TaxRate: 1900, Total: quantity * price})
		in.Total += quantity * price
	}
	for range 2 + r.IntN(2) {
		g := pick(r, sampleGoods)
		add(g.sku, g.name, order.Physical, 1+r.Int64N(3), g.price)
	}
	if in.Total > 15000 && r.IntN(2) == 0 {
		add("", "Treuerabatt", order.Discount, 1, -in.Total/20)
	}
	if in.Total < 10000 {
		add("", "Versand", order.ShippingFee, 1, 499)
	}
	return in
}

func (s *sample) parcel() dispatch.ParcelInput {
	return dispatch.ParcelInput{Carrier: pick(s.random, sampleCarrier), TrackingNumber: fmt.Sprintf("0034043416%010d", s.random.Int64N(1e10))}
}
