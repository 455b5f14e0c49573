package order_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"zahlwerk/internal/fault"
	"zahlwerk/internal/money"
	"zahlwerk/internal/order"
	"zahlwerk/internal/paymentmethod"
	"zahlwerk/internal/store"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		in := input()
		in.PlacedAt = time.Date(2026, 11, 3, 9, 15, 0, 123456789, time.FixedZone("CET", 3600))
		in.KlarnaOrderID = strings.ToUpper(in.KlarnaOrderID)
		in.ShippingAddress = &order.Address{Name: "Erika Muster", City: "Wien", Country: "at"}
		in.Lines = append(in.Lines, discount(-957))
		in.Total = 5500
		made := s.create(t, in)

		o, err := s.FindByNumber(t.Context(), "200081")
		if err != nil {
			t.Fatal(err)
		}
		if o.ID != made.ID || o.ID == 0 {
			t.Errorf("id %d, Create returned %d", o.ID, made.ID)
		}
		want := order.Order{
			ID: o.ID, Number: "200081", ExternalNumber: "SHOP-4711", Status: order.Released,
			PlacedAt:        time.Date(2026, 11, 3, 8, 15, 0, 123456000, time.UTC),
			PaymentMethodID: s.methods["klarna"].ID, PaymentMethod: s.methods["klarna"],
			KlarnaOrderID: "3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e10", Currency: "EUR", Total: 5500,
			CustomerName: "Max Muster", CustomerEmail: "max@example.com", Country: "AT",
			BillingAddress:  order.Address{Name: "Max Muster", Street: "Fuggerstr. 11", PostalCode: "86150", City: "Augsburg", Country: "DE"},
			ShippingAddress: &order.Address{Name: "Erika Muster", City: "Wien", Country: "AT"},
			BehavesLike:     paymentmethod.Invoice,
			Documents:       paymentmethod.DeliveryNoteAndInvoice, TellKlarna: true, Feedback: order.FeedbackWaiting,
			ContentHash: o.ContentHash, CreatedBy: "test", CreatedAt: now, UpdatedAt: now,
			Lines: []order.Line{
				{ID: o.Lines[0].ID, OrderID: o.ID, Position: 1, SKU: "T-1", Name: "Teekanne", Type: order.Physical, Quantity: money.One,
					UnitPrice: 5958, TaxRate: 1900, Total: 5958, Amount: 5001},
				{ID: o.Lines[1].ID, OrderID: o.ID, Position: 2, Name: "Versand", Type: order.ShippingFee, Quantity: money.One,
					UnitPrice: 499, TaxRate: 1900, Total: 499, Amount: 499},
				{ID: o.Lines[2].ID, OrderID: o.ID, Position: 3, Name: "Rabatt", Type: order.Discount, Quantity: money.One, Total: -957},
			},
			Notes: []order.DeliveryNote{},
		}
		if !reflect.DeepEqual(*o, want) {
			t.Errorf("found\n%+v\nwant\n%+v", *o, want)
		}
		entries, err := s.Protocol(t.Context(), o.ID, 0, 10)
		if err != nil || len(entries) != 1 || entries[0].Kind != "order_created" || entries[0].Actor != "test" || !entries[0].At.Equal(now) {
			t.Errorf("protocol %+v (%v)", entries, err)
		}
	})
}

func TestCreateTakesFromThePaymentMethodWhatIsNotGiven(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		no := false
		for name, tc := range map[string]struct {
			change    func(in *order.Input)
			markPaid  bool
			documents paymentmethod.Documents
			feedback  order.Feedback
			kind      string
		}{
			"of Klarna":    {func(*order.Input) {}, false, paymentmethod.DeliveryNoteAndInvoice, order.FeedbackWaiting, "order_created"},
			"of another":   {func(in *order.Input) { in.PaymentMethod = "prepaid" }, true, paymentmethod.DeliveryNoteOnly, order.FeedbackNone, "order_created"},
			"its own word": {func(in *order.Input) { in.PaymentMethod, in.MarkPaid, in.Documents = "prepaid", &no, "invoice" }, false, paymentmethod.InvoiceOnly, order.FeedbackNone, "order_created"},
			"a draft":      {func(in *order.Input) { in.Status = order.Draft }, false, paymentmethod.DeliveryNoteAndInvoice, order.FeedbackWaiting, "order_drafted"},
		} {
			in := plain(strings.ReplaceAll(name, " ", "-"))
			tc.change(&in)
			o := s.create(t, in)
			entries, err := s.Protocol(t.Context(), o.ID, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			if o.MarkPaid != tc.markPaid || o.Documents != tc.documents || o.Feedback != tc.feedback || entries[0].Kind != tc.kind {
				t.Errorf("%s: mark paid %t, documents %s, feedback %s, protocol %s", name, o.MarkPaid, o.Documents, o.Feedback, entries[0].Kind)
			}
		}
	})
}

func TestCreateAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		first := s.create(t, input())
		for name, in := range map[string]func(in *order.Input){
			"the same":           func(*order.Input) {},
			"the same, untidier": func(in *order.Input) { in.CustomerName += " "; in.Currency = "eur"; in.Status = order.Released },
			"at the same moment": func(in *order.Input) { in.PlacedAt = in.PlacedAt.In(time.FixedZone("CET", 3600)) },
			"the same, told twice where it goes": func(in *order.Input) {
				there := in.BillingAddress
				there.Name = in.CustomerName
				in.ShippingAddress = &there
			},
		} {
			again := input()
			in(&again)
			o, created, err := s.Create(t.Context(), again, "somebody else")
			if err != nil || created || o.ID != first.ID || len(o.Lines) != 2 || o.CreatedBy != "test" {
				t.Errorf("%s: %+v, created %t, %v", name, o, created, err)
			}
		}
		for name, change := range map[string]func(in *order.Input){
			"another customer":     func(in *order.Input) { in.CustomerName = "Max Mustermann" },
			"another total":        func(in *order.Input) { in.Lines[1].Total, in.Total = 0, 5958 },
			"another Klarna order": func(in *order.Input) { in.KlarnaOrderID = "11111111-6a0e-4c0b-9d2e-7b1d5a2c9e10" },
			"no Klarna order":      func(in *order.Input) { in.KlarnaOrderID = "" },
			"another moment":       func(in *order.Input) { in.PlacedAt = in.PlacedAt.Add(time.Microsecond) },
		} {
			t.Run(name, func(t *testing.T) {
				again := input()
				change(&again)
				_, created, err := s.Create(t.Context(), again, "test")
				if created {
					t.Error("created")
				}
				wantFault(t, err, fault.Conflict, "number order.error.number_taken")
			})
		}
		page, err := s.List(t.Context(), order.Filter{})
		if err != nil || len(page.Orders) != 1 {
			t.Errorf("%d orders (%v)", len(page.Orders), err)
		}
		entries, err := s.Protocol(t.Context(), first.ID, 0, 10)
		if err != nil || len(entries) != 1 {
			t.Errorf("%d protocol entries (%v)", len(entries), err)
		}
	})
}

// An order without a time of its own is the same when it is posted again later.
func TestCreateAgainWithoutATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		in := input()
		in.PlacedAt = time.Time{}
		first := s.create(t, in)
		if !first.PlacedAt.Equal(now) {
			t.Errorf("placed at %s", first.PlacedAt)
		}
		s.clock.Advance(time.Hour)
		if _, created, err := s.Create(t.Context(), in, "test"); created || err != nil {
			t.Errorf("created %t, %v", created, err)
		}
	})
}

func TestCreateLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		in := plain(" 1 ")
		in.Lines[0].Name = " Teekanne "
		in.ShippingAddress = &order.Address{City: " Wien "}
		s.create(t, in)
		if in.Lines[0].Name != " Teekanne " || in.ShippingAddress.City != " Wien " {
			t.Errorf("changed to %q, %q", in.Lines[0].Name, in.ShippingAddress.City)
		}
	})
}

func TestKlarnaOrderIDBelongsToOneOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		s.create(t, input())
		other := input()
		other.Number = "200082"
		_, created, err := s.Create(t.Context(), other, "test")
		if created {
			t.Error("created")
		}
		wantFault(t, err, fault.Conflict, "klarna_order_id order.error.klarna_order_id_taken")
		var e *fault.Error
		if errors.As(err, &e); !slices.Equal(e.Args, []any{"Number", "200081"}) {
			t.Errorf("the other order is named %v", e.Args)
		}
		byHand := input()
		byHand.Number = ""
		_, _, err = s.Create(t.Context(), byHand, "test")
		wantFault(t, err, fault.Conflict, "klarna_order_id order.error.klarna_order_id_taken")

		a, b := s.create(t, plain("a")), s.create(t, plain("b"))
		set := func(o *order.Order, id string) error {
			return s.db.InTx(t.Context(), func(tx *gorm.DB) error { return order.SetKlarnaOrderID(tx, o, id) })
		}
		wantFault(t, set(a, input().KlarnaOrderID), fault.Conflict, "klarna_order_id order.error.klarna_order_id_taken")
		const id = "22222222-6a0e-4c0b-9d2e-7b1d5a2c9e10"
		if err := errors.Join(set(a, id), set(a, id)); err != nil {
			t.Fatal(err)
		}
		wantFault(t, set(b, id), fault.Conflict, "klarna_order_id order.error.klarna_order_id_taken")
		if err := errors.Join(set(a, ""), set(b, id)); err != nil {
			t.Fatal(err)
		}
		page, err := s.List(t.Context(), order.Filter{Query: id})
		if err != nil || !slices.Contains(numbers(page.Orders), "b") {
			t.Errorf("found by its new id: %v (%v)", numbers(page.Orders), err)
		}
	})
}

// together runs f n times at the same moment.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// results counts what came of calls made at the same moment.
type results struct {
	sync.Mutex
	created, again int
	conflicts      []string
	ids            map[int64]bool
}

func (r *results) add(t *testing.T, o *order.Order, created bool, err error) {
	r.Lock()
	defer r.Unlock()
	var e *fault.Error
	switch {
	case errors.As(err, &e) && e.Code == fault.Conflict:
		r.conflicts = append(r.conflicts, e.Key)
		return
	case err != nil:
		t.Error(err)
		return
	case created:
		r.created++
	default:
		r.again++
	}
	if r.ids == nil {
		r.ids = map[int64]bool{}
	}
	r.ids[o.ID] = true
}

func TestCreateAtTheSameMoment(t *testing.T) {
	t.Parallel()
	const at = 8
	each(t, func(t *testing.T, s shop) {
		for round := range 10 {
			in := input()
			in.Number = fmt.Sprint("same-", round)
			in.KlarnaOrderID = fmt.Sprintf("3f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e%02d", round)
			var same results
			together(at, func(int) {
				o, created, err := s.Create(t.Context(), in, "test")
				same.add(t, o, created, err)
			})
			if same.created != 1 || same.again != at-1 || len(same.ids) != 1 {
				t.Errorf("the same order: %d created, %d were there already, conflicts %v", same.created, same.again, same.conflicts)
			}

			var stolen results
			together(at, func(i int) {
				in := input()
				in.Number = fmt.Sprint("thief-", round, "-", i)
				in.KlarnaOrderID = fmt.Sprintf("4f9a1c52-6a0e-4c0b-9d2e-7b1d5a2c9e%02d", round)
				o, created, err := s.Create(t.Context(), in, "test")
				stolen.add(t, o, created, err)
			})
			if stolen.created != 1 || len(stolen.conflicts) != at-1 || slices.Max(stolen.conflicts) != "order.error.klarna_order_id_taken" {
				t.Errorf("the same Klarna order: %d created, conflicts %v", stolen.created, stolen.conflicts)
			}
		}
	})
}

func TestNumbersOfOrdersMadeByHand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		for _, number := range []string{"200002", "200003"} {
			s.create(t, plain(number))
		}
		first := s.create(t, plain(""))
		if first.Number != "200001" {
			t.Errorf("the first number is %s", first.Number)
		}
		if o := s.create(t, plain("")); o.Number != "200004" || o.ID == 0 {
			t.Errorf("after 200001, with 200002 and 200003 taken: %s (id %d)", o.Number, o.ID)
		}
		bad := plain("")
		bad.Currency = "EURO"
		_, _, err := s.Create(t.Context(), bad, "test")
		wantFault(t, err, fault.Invalid, "currency order.error.currency")

		const at = 8
		var r results
		together(at, func(int) {
			o, created, err := s.Create(t.Context(), plain(""), "test")
			r.add(t, o, created, err)
		})
		if r.created != at || len(r.ids) != at {
			t.Errorf("%d created at the same moment, %d different", r.created, len(r.ids))
		}
		if o := s.create(t, plain("")); o.Number != fmt.Sprint(200005+at) {
			t.Errorf("after %d more: %s", at, o.Number)
		}
	})
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		for _, number := range []string{"200099", "", "%", "a\x00b", "a\xffb", strings.Repeat("9", 1000)} {
			_, err := s.FindByNumber(t.Context(), number)
			if fault.CodeOf(err) != fault.NotFound {
				t.Errorf("FindByNumber(%.20q): %v", number, err)
			}
		}
		if _, err := s.Find(t.Context(), 99); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("Find(99): %v", err)
		}
	})
}

// What changes a row that is not the order's content leaves updated_at to the clock
// that the program goes by.
func TestSetFeedbackAndKeepReading(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		o := s.create(t, input())
		until := now.AddDate(0, 0, 28)
		s.inTx(t, func(tx *gorm.DB) error {
			return errors.Join(order.SetFeedback(tx, o.ID, order.FeedbackConfirmed),
				order.KeepReading(tx, o.ID, "K7XF9W2Q", until), order.KeepReading(tx, o.ID, "", time.Time{}))
		})
		page, err := s.List(t.Context(), order.Filter{Query: "k7xf"})
		if err != nil || len(page.Orders) != 1 {
			t.Fatalf("found by Klarna's reference: %v (%v)", numbers(page.Orders), err)
		}
		got := page.Orders[0]
		if got.Feedback != order.FeedbackConfirmed || got.KlarnaReference != "K7XF9W2Q" || got.ExpiresAt == nil || !got.ExpiresAt.Equal(until) {
			t.Errorf("feedback %s, reference %s, expires %v", got.Feedback, got.KlarnaReference, got.ExpiresAt)
		}
		if !got.UpdatedAt.Equal(now) {
			t.Errorf("updated at %s by a clock of its own, want %s", got.UpdatedAt, now)
		}
	})
}

// Whoever decides by an order's state sees what was decided before.
func TestLockLetsOneAtATimeDecide(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s shop) {
		o := s.create(t, input())
		together(8, func(int) {
			err := s.db.InTx(t.Context(), func(tx *gorm.DB) error {
				held, err := order.Lock(tx, o.ID)
				if err != nil {
					return err
				}
				return tx.Model(&order.Order{}).Where("id = ?", o.ID).Update("external_number", held.ExternalNumber+"x").Error
			})
			if err != nil {
				t.Error(err)
			}
		})
		got, err := s.Find(t.Context(), o.ID)
		if err != nil || got.ExternalNumber != "SHOP-4711xxxxxxxx" {
			t.Errorf("external number %q (%v)", got.ExternalNumber, err)
		}
		err = s.db.InTx(t.Context(), func(tx *gorm.DB) error {
			_, err := order.Lock(tx, 99)
			return err
		})
		if !store.IsNotFound(err) {
			t.Errorf("Lock(99): %v", err)
		}
	})
}
